/**
 * `npm run bench:compile`: how long it takes from text to the WGSL of a training step, and how much memory, each program in a process of its own.
 *
 *     npm run bench:compile                 all
 *     npm run bench:compile -- "mlp 1000"   one
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
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

const [one] = process.argv.slice(2);
if (one !== undefined) measure(one);
else for (const name of programs) execFileSync(process.execPath, ["--import", "tsx", fileURLToPath(import.meta.url), name], { stdio: "inherit" });
