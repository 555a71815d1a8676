/** Train blocks that start from others: one command trains them in order and hands the parameters on. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSafetensors } from "../../src/harness/runtime/safetensors.ts";
import { runNabla } from "./run-nabla.ts";

let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "nabla-chain-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Pre-training doubles nothing and adds: `a` goes to 3, then `Net` moves it on by its own rule. */
const program = `model Auto {
  param a: f32 ~ zeros
  param own: f32[2] ~ ones
  loss = (a - 3)^2 + sum(own^2)
}
model Net {
  param a: f32 ~ constant(100)
  param head: f32 ~ zeros
  loss = (a - 5)^2 + head^2
}
train Auto as pretrain { steps = 1, optimizer = sgd(0.5) }
train Net as tune { start = pretrain, steps = 1, optimizer = sgd(0.25) }
`;

const parameter = (file: string, name: string): number => readSafetensors(fs.readFileSync(path.join(folder, file))).tensors.find((t) => t.name === name)?.data[0] ?? Number.NaN;

test("the last of a chain is what is trained where no block is named, after those that it starts from", { timeout: 60_000 }, async () => {
  fs.writeFileSync(path.join(folder, "chain.dl"), program);
  const { status, err } = await runNabla(["train", "chain.dl", "--backend", "f64", "-o", "out"], { cwd: folder });
  expect({ status, err: status === 0 ? "" : err }).toEqual({ status: 0, err: "" });
  expect(err.indexOf("pretrain: Auto")).toBeGreaterThanOrEqual(0);
  expect(err.indexOf("tune: Net")).toBeGreaterThan(err.indexOf("pretrain: Auto"));
  expect(fs.readdirSync(path.join(folder, "out")).sort()).toEqual(["pretrain.safetensors", "weights.safetensors"]);
  expect(parameter("out/pretrain.safetensors", "Auto.a")).toBe(3);
  expect(parameter("out/weights.safetensors", "Net.a")).toBe(4);
});

test("a block by name trains what it starts from and no more; JSON lines say whose they are", { timeout: 60_000 }, async () => {
  fs.writeFileSync(path.join(folder, "chain.dl"), program);
  const { status, out } = await runNabla(["train", "chain.dl", "pretrain", "--backend", "f64", "--json", "-q"], { cwd: folder });
  expect(status).toBe(0);
  expect(out).not.toContain("block");
  const both = await runNabla(["train", "chain.dl", "tune", "--backend", "f64", "--json", "-q"], { cwd: folder });
  const events = both.out.trimEnd().split("\n").map((line) => JSON.parse(line) as { event: string; block: string });
  expect(events.map((e) => `${e.event} ${e.block}`)).toEqual(["epoch pretrain", "end pretrain", "epoch tune", "end tune"]);
});

test("a bundle of it is refused where it says so", { timeout: 60_000 }, async () => {
  fs.writeFileSync(path.join(folder, "chain.dl"), program);
  const { status, err } = await runNabla(["build", "chain.dl", "tune", "-o", "bundle"], { cwd: folder });
  expect(status).toBe(1);
  expect(err).toContain("chain.dl:12:29 - error E0120");
  expect(fs.existsSync(path.join(folder, "bundle"))).toBe(false);
});

test("where several blocks or models could be meant, those are named that could be, and nothing is chosen in silence", { timeout: 60_000 }, async () => {
  const model = (name: string): string => `model ${name} {\n  param a: f32 ~ ones\n  output a\n  loss = a^2\n}\n`;
  fs.writeFileSync(path.join(folder, "several.dl"), `${model("Aside")}${model("A")}train A as slow { steps = 1, optimizer = sgd(0.1) }\ntrain A as fast { steps = 1, optimizer = sgd(0.5) }\n`);
  fs.writeFileSync(path.join(folder, "models.dl"), model("One") + model("Two"));
  const blocks = await runNabla(["train", "several.dl", "--backend", "f64"], { cwd: folder });
  expect([blocks.status, blocks.err]).toEqual([2, "error: the file has several train blocks; say which\nhelp: one of slow, fast\n"]);
  const models = await runNabla(["eval", "models.dl", "--backend", "f64"], { cwd: folder });
  expect([models.status, models.err]).toEqual([2, "error: the file has several models; say which\nhelp: one of One, Two\n"]);
  const named = await runNabla(["eval", "models.dl", "Two", "--backend", "f64"], { cwd: folder });
  expect(named).toMatchObject({ status: 0, err: "on the f64 evaluator\n" });
});
