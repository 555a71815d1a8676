/** `output θ = …` in optimizers: evaluation, prediction and export use it; training goes on from θ. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompiledProgram } from "../../src/compile.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { readSafetensors } from "../../src/harness/runtime/safetensors.ts";
import { openSession, type Session } from "../../src/session.ts";
import { errorsOf } from "../check/check-text.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const backends = ["f64", "webgpu"] as const;
const open = (program: CompiledProgram, backend: (typeof backends)[number] = "f64"): Promise<Session> =>
  openSession(program, backend === "f64" ? { backend } : { device: gpu.device });
const number = async (session: Session, output: string): Promise<number> => (await session.evaluate())[output]?.data[0] ?? Number.NaN;
const one = async (session: Session, path: string): Promise<number> => (await session.get(path))[0] ?? Number.NaN;

/** (w - 1)², at a rate that jumps about the minimum. */
const valley = (optimizer: string, train = "steps = 7"): string => `
  optimizer slow(lr = 0.1, α = 0.8) {
    state a ~ zeros
    θ <- θ - lr * g
    a <- α * a + (1 - α) * θ
    output θ = a / (1 - α^t)
  }
  model Valley { param w: f32 ~ constant(3); loss = (w - 1)^2; output seen = w }
  train Valley { optimizer = ${optimizer}; ${train} }`;

/** θ after each update. */
function path(updates: number, lr: number, from = 3): number[] {
  const all: number[] = [];
  for (let k = 0, w = from; k < updates; k++) {
    w -= lr * 2 * (w - 1);
    all.push(w);
  }
  return all;
}
const mean = (values: readonly number[]): number => values.reduce((s, v) => s + v, 0) / values.length;
/** The exponential mean, corrected for its start at 0. */
const slow = (values: readonly number[], α = 0.8): number => values.reduce((a, v) => α * a + (1 - α) * v, 0) / (1 - α ** values.length);

describe.each(backends)("an optimizer's output on %s", (backend) => {
  const digits = backend === "f64" ? 12 : 5;

  it("is what evaluation, prediction and the saved file use, and is not what training goes on from", async () => {
    const session = await open(programOf(valley("polyak(lr = 0.9)")), backend);
    // Before any update there is no mean: θ itself.
    expect(await number(session, "seen")).toBe(3);
    await session.train(undefined);
    const θ = path(7, 0.9);
    expect(await number(session, "seen")).toBeCloseTo(mean(θ), digits);
    expect(await number(session, "loss")).toBeCloseTo((mean(θ) - 1) ** 2, digits);
    expect((await session.predict())["seen"]?.data[0]).toBeCloseTo(mean(θ), digits);
    expect(await one(session, "Valley.w")).toBeCloseTo(θ.at(-1) ?? Number.NaN, digits);
    const saved = readSafetensors(await session.save()).tensors.find((t) => t.name === "Valley.w");
    expect(saved?.data[0]).toBeCloseTo(mean(θ), 5);
    // The gradient is taken where training stands.
    expect((await session.gradients())["Valley.w"]?.data[0]).toBeCloseTo(2 * ((θ.at(-1) ?? 0) - 1), digits);
    await session.step();
    expect(await number(session, "seen")).toBeCloseTo(mean(path(8, 0.9)), digits);
    // Loaded values are what they are until the next update.
    const other = await open(programOf(valley("polyak(lr = 0.9)")), backend);
    other.load(await session.save());
    expect(await number(other, "seen")).toBeCloseTo(mean(path(8, 0.9)), 5);
    session.close();
    other.close();
  });

  it("may depend on t, which counts its own step's updates", async () => {
    const text = `${valley("slow(0.9)").split("model")[0]}
      model Two { param a: f32 ~ constant(3); param b: f32 ~ constant(3); loss la = (a - 1)^2; loss lb = (b - 1)^2; output sa = a; output sb = b }
      train Two { steps = 4; step one { minimize = la, over = a, optimizer = slow(0.9), times = 3 }; step two { minimize = lb, over = b, optimizer = slow(0.9, α = 0.5) } }`;
    const session = await open(programOf(text), backend);
    await session.train(undefined);
    expect(await number(session, "sa")).toBeCloseTo(slow(path(12, 0.9)), digits);
    expect(await number(session, "sb")).toBeCloseTo(slow(path(4, 0.9), 0.5), digits);
    session.close();
  });
});

it("goes with the values that early stopping restores", async () => {
  // Overshoots more and more: the mean over time is best somewhere on the way.
  const session = await open(programOf(valley("slow(1.02)", "steps = 40, stop = early(patience = 6, monitor = training.seen_error)").replace("output seen = w", "metric seen_error = (w - 1.2)^2; output seen = w")));
  const θ = path(40, 1.02);
  const errors = θ.map((_, k) => (slow(θ.slice(0, k + 1)) - 1.2) ** 2);
  let best = 0;
  for (let k = 0; k < 40 && k - best < 6; k++) if ((errors[k] ?? 0) < (errors[best] ?? 0)) best = k;
  const result = await session.train(undefined);
  expect(result.phases).toEqual([{ end: best + 6 < 40 ? "early" : "finished", epochs: Math.min(40, best + 7), steps: Math.min(40, best + 7), bestEpoch: best + 1, bestStep: best + 1 }]);
  expect(await number(session, "seen_error")).toBeCloseTo(errors[best] ?? Number.NaN, 12);
});

it("ends with the phase: what another optimizer trains is θ until that has an output", async () => {
  const session = await open(programOf(valley("polyak(lr = 0.9)", "phase one { steps = 3 }; phase two { steps = 2, optimizer = sgd(0.25) }")));
  await session.train(undefined);
  const θ = path(2, 0.25, path(3, 0.9).at(-1));
  expect(await one(session, "Valley.w")).toBeCloseTo(θ.at(-1) ?? Number.NaN, 12);
  expect(await number(session, "seen")).toBeCloseTo(θ.at(-1) ?? Number.NaN, 12);
});

it("is refused where evaluation could not compute it", () => {
  const optimizer = (body: string): string[] => errorsOf(`optimizer o() {\n state a ~ zeros\n θ <- θ - g\n a <- a + θ\n ${body} }\nmodel M { param w: f32 ~ ones; loss = w^2 }\ntrain M { steps = 1, optimizer = o() }`);
  expect(optimizer("output θ = a + 0 * g")).toEqual(["E0417 evaluation has no gradient, and this output needs one"]);
  expect(optimizer("output a = θ")).toEqual(["E0417 an optimizer has one output, which stands for the parameter"]);
  expect(optimizer("output θ")).toEqual(["E0417 an optimizer has one output, which stands for the parameter"]);
  expect(optimizer("output θ = a\n output θ = θ")).toEqual(["E0417 an optimizer has one output"]);
  expect(optimizer("output θ = a")).toEqual([]);
});
