/**
 * The reports of what goes wrong when a program runs: its data, files, the machine, and calls of a session, as the
 * command prints them. The whole of it is kept in `run-time.txt`; `-u` accepts a difference.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import pc from "picocolors";
import { afterAll, expect, it } from "vitest";
import { build } from "../../src/cli/build.ts";
import { check } from "../../src/cli/check.ts";
import { deviceFindings } from "../../src/cli/device-findings.ts";
import { dump } from "../../src/cli/dump.ts";
import { parseBytes } from "../../src/cli/options.ts";
import { reportDiagnostics } from "../../src/cli/diagnostics.ts";
import { reportFailure } from "../../src/cli/failure.ts";
import { train } from "../../src/cli/train.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { type CompiledProgram, compile } from "../../src/compile.ts";
import { openSession, type Session } from "../../src/session.ts";
import { openDevice } from "../../src/harness/node/adapter.ts";
import { checkCapacity } from "../../src/harness/runtime/engine.ts";
import type { EntryPlan } from "../../src/harness/runtime/program.ts";

const folder = mkdtempSync(path.join(tmpdir(), "nabla-reports-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a command, or a call, prints when it fails. */
async function failure(run: (terminal: Terminal) => unknown): Promise<string> {
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  const terminal: Terminal = { out: write, err: write, live: false, columns: () => 100, color: false, paint: pc.createColors(false) };
  try {
    await run(terminal);
  } catch (error) {
    reportFailure(error, terminal, { json: false, verbose: false });
  }
  return text.replaceAll(`${path.relative("", folder)}/`, "").replaceAll(`${folder}/`, "").replaceAll(folder, "folder");
}

const model = "model Line {\n  input  x: f32[N, 2]\n  target y: i32[N] in 0..2\n  param w: f32[2] ~ zeros\n  z[n] = sum[i] x[n, i] * w[i]\n  loss = bce_from_logits(z, y)\n}\n";
const block = (data: string, more = ""): string => `${model}\ntrain Line {\n  data = ${data}\n  epochs = 1\n  optimizer = sgd(0.1)\n${more}}\n`;
const csv = 'csv("data.csv") { x = columns(0..2), y = column("label") }';

/** `nabla train` of a program with this data. */
const training = (text: string, data?: string) => (terminal: Terminal): Promise<number> => {
  rmSync(path.join(folder, "data.csv"), { force: true });
  if (data !== undefined) writeFileSync(path.join(folder, "data.csv"), data);
  writeFileSync(path.join(folder, "line.dl"), text);
  return train(terminal, { color: "never", quiet: true, backend: "f64", output: path.join(folder, "out") }, path.join(folder, "line.dl"));
};

/** A session on the exact evaluator. */
function openReference(program: CompiledProgram | undefined): Promise<Session> {
  if (!program) throw new Error("the program has errors");
  return openSession(program, { backend: "f64" });
}

const table = compile({ path: "line.dl", text: block("table { x = [[1, 2], [3, 4]], y = [0, 1] }") }).programs[0];
const chained = compile({ path: "line.dl", text: `${block("table { x = [[1, 2], [3, 4]], y = [0, 1] }")}${block("table { x = [[1, 2], [3, 4]], y = [0, 1] }", "  start = Line\n").slice(model.length).replace("train Line", "train Line as fine")}` }).programs[1];
const steps = compile({ path: "game.dl", text: "model Game {\n  param a: f32 ~ ones\n  param b: f32 ~ ones\n  loss near = (a - 1)^2\n  loss far = (b - 2)^2\n}\ntrain Game {\n  steps = 1\n  optimizer = sgd(0.1)\n  step first  { minimize = near, over = a }\n  step second { minimize = far, over = b }\n}\n" }).programs[0];

const cases: readonly (readonly [title: string, run: (terminal: Terminal) => unknown])[] = [
  ["no data file", training(block(csv))],
  ["an empty data file", training(block(csv), "")],
  ["a data file without rows", training(block(csv), "a,b,label\n")],
  ["an unknown column", training(block(csv), "a,b,lable\n1,2,0\n")],
  ["too few columns", training(block('csv("data.csv") { x = columns(0..2), y = columns(5..6) }'), "a,b,label\n1,2,0\n")],
  ["a row of another length", training(block(csv), "a,b,label\n1,2,0\n1,2\n")],
  ["an empty cell", training(block(csv), "a,b,label\n1,,0\n")],
  ["a cell of text", training(block(csv), "a,b,label\n1,two,0\n")],
  ["a label outside its range", training(block(csv), "a,b,label\n1,2,0\n1,2,2\n")],
  ["a label that is not whole", training(block(csv), "a,b,label\n1,2,0.5\n")],
  ["nothing left to train on", training(block(csv, "  split = holdout(validation = 0.5)\n"), "a,b,label\n1,2,0\n")],
  ["a loss that is not finite", training(block(csv, "  seed = 1\n").replace("bce_from_logits(z, y)", "bce_from_logits(z, y) + 1 / sum(w^2)  # nabla: allow W0202"), "a,b,label\n1,2,0\n")],
  ["a gradient given by hand that is another", (terminal) => {
    writeFileSync(path.join(folder, "line.dl"), "fn square(x) = x^2 with gradient(dy) { x = dy }\nmodel M {\n  param w: f32[3] ~ ones\n  loss = sum(square(w))\n}\n");
    return check(terminal, { color: "never", gradients: true, strict: true, quiet: true }, [path.join(folder, "line.dl")]);
  }],
  ["a kernel that is not its formula", async (terminal) => {
    const program = compile({ path: "line.dl", text: "model M {\n  param w: f32[3] ~ ones\n  loss = sum(exp(w / 2))\n}\n" }).programs[0] as CompiledProgram;
    const lower: CompiledProgram["lower"] = (of, target) => {
      const made = program.lower(of, target);
      return { ...made, texts: made.texts.map((t) => ({ ...t, wgsl: t.wgsl.replace("fn nabla_exp(a0: f32) -> f32 {", "fn nabla_exp(a0: f32) -> f32 {\n  if (a0 > 0.0f) { return 1.5f; }") })) };
    };
    const { lines, diagnostics } = await deviceFindings([Object.create(program, { lower: { value: lower } }) as CompiledProgram], () => ["gradients"], false, { software: true });
    terminal.out(lines.map((l) => `${l.replace(/ on \S.*?:/, " on the device:")}\n`).join(""));
    reportDiagnostics(diagnostics, terminal, false);
  }],
  ["no program file", (terminal) => train(terminal, { color: "never", backend: "f64" }, path.join(folder, "none.dl"))],
  ["a place that cannot be written", (terminal) => {
    writeFileSync(path.join(folder, "line.dl"), block("table { x = [[1, 2]], y = [0] }"));
    return train(terminal, { color: "never", quiet: true, backend: "f64", output: path.join(folder, "line.dl", "out") }, path.join(folder, "line.dl"));
  }],
  ["nothing to build", (terminal) => {
    mkdirSync(path.join(folder, "bundle"), { recursive: true });
    writeFileSync(path.join(folder, "line.dl"), model);
    return build(terminal, { color: "never", kernels: "software", output: path.join(folder, "bundle") }, path.join(folder, "line.dl"));
  }],
  ["no example left by `only`", training(block(csv, "  phase a { epochs = 1, only = y > 1 }\n").replace("in 0..2", "in 0..3"), "a,b,label\n1,2,0\n")],
  ["a phase that cannot last so long", training(block("table { x = [[1, 2], [3, 4]], y = [0, 1] }", "  phase a { epochs = 1 }\n  phase b { epochs = a.epochs - 3 }\n").replace("  epochs = 1\n", ""))],
  ["a session: training that starts from another's result", async () => (await openReference(chained)).train(undefined)],
  ["a session: an unknown parameter", async () => (await openReference(table)).get("Line.v")],
  ["a session: a missing input", async () => (await openReference(table)).evaluate({ y: [0] })],
  ["a session: too few numbers", async () => (await openReference(table)).set("Line.w", [1])],
  ["a session: a hyperparameter that is none", async () => (await openReference(table)).setHyper("width", 3)],
  ["a session: which step", async () => (await openReference(steps)).step()],
  ["a session that is closed", async () => {
    const { device, close } = await openDevice({ software: true });
    const session = await openSession(table as CompiledProgram, { device });
    session.close();
    await session.get("Line.w").finally(close);
  }],
  ["a budget that is too small", (terminal) => {
    writeFileSync(path.join(folder, "line.dl"), block("table { x = [[1, 2], [3, 4]], y = [0, 1] }"));
    return dump(terminal, { color: "never", after: "plan", kernels: "software", memory: 100 }, path.join(folder, "line.dl"));
  }],
  ["bytes that are none", () => parseBytes("64 MBit")],
  ["an engine: a size over its capacity", () => checkCapacity({ name: "step", capacity: { N: 64 } } as unknown as EntryPlan, { N: 65 })],
  ["no adapter", async () => {
    const driver = process.env["VK_DRIVER_FILES"];
    process.env["VK_DRIVER_FILES"] = path.join(folder, "no-driver.json");
    try {
      (await openDevice({ software: false })).close();
    } finally {
      if (driver === undefined) delete process.env["VK_DRIVER_FILES"];
      else process.env["VK_DRIVER_FILES"] = driver;
    }
  }],
];

it("each is reported as a person can use it", async () => {
  const parts: string[] = [];
  for (const [title, run] of cases) parts.push(`== ${title}\n\n${await failure(run)}`);
  const text = parts.join("\n");
  expect(text).not.toMatch(/undefined|NaN bytes|\bat .*:\d+:\d+\)/);
  await expect(text).toMatchFileSnapshot("run-time.txt");
}, 60_000);
