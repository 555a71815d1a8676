/**
 * `npm run bench:compile`: how long it takes from text to the WGSL of a training step, and how much memory, each program in a process of its own
 * that runs the compiler as the package has it, in one file of plain JavaScript.
 *
 *     npm run bench:compile                 all
 *     npm run bench:compile -- "mlp 1000"   one
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { profiles } from "../../kernels/profiles.ts";
import { compile } from "../../src/compile.ts";
import { deepGpt, deepMlp } from "./deep-models.ts";

const programs = ["mlp 10", "mlp 100", "mlp 1000", "gpt 1", "gpt 12", "workload mlp", "workload transformer", "workload cnn", "workload lstm", "workload gpt"];

function textOf(kind: string, what: string): string {
  if (kind === "workload") return readFileSync(new URL(`workloads/${what}.dl`, import.meta.url), "utf8");
  return kind === "mlp" ? deepMlp(Number(what)) : deepGpt(Number(what));
}

/** Compiles one program in this process and prints a line. */
function measure(name: string): void {
  const [kind = "", what = ""] = name.split(" ");
  const text = textOf(kind, what);
  const cpu = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  const [wall, used] = [performance.now(), cpu()];
  const { diagnostics, programs: [program] } = compile({ path: `${kind}.dl`, text });
  if (!program) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const compiled = performance.now();
  const limits = { storageBuffers: 8, bindingBytes: 2 ** 31, bufferBytes: 2 ** 34 };
  const { plan, texts } = program.lower("step", { capacity: { N: 32 }, profile: profiles.software, limits });
  const done = performance.now();
  const cells = [name.padEnd(22), `${(done - wall).toFixed(0)} ms`, `compile ${(compiled - wall).toFixed(0)}`, `step ${(done - compiled).toFixed(0)}`, `cpu ${(cpu() - used).toFixed(0)}`,
    `${plan.block.length} dispatches`, `${texts.length} texts`, `${(process.resourceUsage().maxRSS / 1000).toFixed(0)} MB`];
  process.stdout.write(`${cells.join("  ")}\n`);
}

/** Each in a process of its own, by a bundle that is made first. */
async function measureAll(names: readonly string[]): Promise<void> {
  const { buildSync } = await import("esbuild");
  const folder = mkdtempSync(join(tmpdir(), "nabla-compile-"));
  try {
    const outfile = join(folder, "compile.mjs");
    // Programs are read from this folder.
    const define = { "import.meta.url": JSON.stringify(import.meta.url) };
    buildSync({ entryPoints: [fileURLToPath(import.meta.url)], bundle: true, format: "esm", platform: "node", target: "node20", outfile, define, external: ["esbuild"] });
    for (const name of names) execFileSync(process.execPath, [outfile, name, "alone"], { stdio: "inherit" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [one, alone] = process.argv.slice(2);
if (one !== undefined && alone !== undefined) measure(one);
else await measureAll(one === undefined ? programs : [one]);
