/** What the README shows is run: its program is compiled and trained, its library example executed, its commands exist. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { printFormulas } from "../../src/report/print-formulas.ts";
import { openSession } from "../../src/session.ts";
import { makeDataset } from "../../src/harness/runtime/dataset.ts";
import { runNabla } from "./run-nabla.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1] ?? "";

test("its program compiles and learns", async () => {
  const { diagnostics, programs } = compile({ path: "readme.dl", text: block("dl") });
  expect(diagnostics).toEqual([]);
  const [program] = programs;
  const plan = program?.trainPlan?.data;
  if (!program || !plan) throw new Error("the README's program has no train block with data");
  const session = await openSession(program, { backend: "f64" });
  const { history } = await session.train(makeDataset(plan, program.info, {}));
  expect(history.at(-1)?.loss).toBeLessThan(0.05);
});

test("its gradient is the one that is printed", () => {
  const { programs: [program] } = compile({ path: "readme.dl", text: block("dl") });
  if (!program) throw new Error("the README's program does not compile");
  expect(readme).toContain(`\`\`\`\n${printFormulas(program.graph("gradients"), { model: "Xor", isLibrary: program.text.isLibrary })}\`\`\`\n`);
});

test("its library example runs", { timeout: 60_000 }, () => {
  const place = (file: string): string => pathToFileURL(path.join(root, file)).href;
  const code = block("ts").replace('"nabla"', JSON.stringify(place("src/index.ts"))).replace('"nabla/node"', JSON.stringify(place("src/harness/node/index.ts")));
  const folder = mkdtempSync(path.join(root, "node_modules", ".readme-"));
  try {
    const file = path.join(folder, "example.mts");
    writeFileSync(file, code);
    expect(execFileSync(process.execPath, ["--import", "tsx", file], { encoding: "utf8" })).toBe("-4\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("its commands are those of the help", async () => {
  const { out } = await runNabla(["--help"]);
  const shown = new Set([...readme.matchAll(/`npx nabla (\w+)/g)].map((match) => match[1]));
  const offered = [...out.matchAll(/^ {2}(\w+) \[options\]/gm)].map((match) => match[1]);
  expect(offered.filter((name) => !shown.has(name))).toEqual([]);
  expect([...shown].filter((name) => !offered.includes(name))).toEqual([]);
});
