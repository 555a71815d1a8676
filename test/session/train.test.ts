/** The training loop, on the evaluator where nothing depends on the device and on the device where it does. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Dataset } from "../../src/harness/runtime/dataset.ts";
import type { EpochReport } from "../../src/harness/runtime/train.ts";
import { compile } from "../../src/compile.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

/** y = 2x - 1 at n points, every `bad`-th x not finite when asked for. */
function points(rows: number, bad?: number): Dataset {
  const x = Float64Array.from({ length: rows }, (_, k) => (k === bad ? Number.POSITIVE_INFINITY : k / rows));
  const y = Float64Array.from({ length: rows }, (_, k) => (2 * k) / rows - 1);
  return { rows, fields: [{ name: "x", width: 1, dtype: "f32", values: x }, { name: "y", width: 1, dtype: "f32", values: y }] };
}

const line = (train: string): string => `
  model Line {
    input x: f32[N]; target y: f32[N]
    param w: f32 ~ zeros; param b: f32 ~ zeros as bias
    e[n] = w * x[n] + b - y[n]
    loss = mean[n] e[n]^2
    metric worst_error = max[n] e[n]^2
  }
  train Line { ${train} }`;

describe("train", () => {
  it("visits every example once an epoch, in an order that the seed decides", async () => {
    const program = programOf(line("batch = 4, epochs = 3, optimizer = sgd(lr = 0.1), seed = 5"));
    const runs = [];
    for (const _ of [1, 2]) {
      const session = await openSession(program, { backend: "f64" });
      const seen: EpochReport[] = [];
      const result = await session.train(points(10), { onEpoch: (e) => seen.push(e) });
      expect([result.end, result.epochs, result.steps]).toEqual(["finished", 3, 9]);
      expect(seen.map((e) => e.epoch)).toEqual([1, 2, 3]);
      runs.push([...(await session.get("Line.w"))]);
    }
    expect(runs[0]).toEqual(runs[1]);
    const other = await openSession(programOf(line("batch = 4, epochs = 3, optimizer = sgd(lr = 0.1), seed = 6")), { backend: "f64" });
    await other.train(points(10));
    expect([...(await other.get("Line.w"))]).not.toEqual(runs[0]);
  });

  it("weighs a short last batch by its share of the epoch's loss", async () => {
    const program = programOf(line("batch = 4, epochs = 1, optimizer = sgd(lr = 0)"));
    const session = await openSession(program, { backend: "f64" });
    const result = await session.train(points(10));
    expect(result.history[0]?.loss).toBeCloseTo(result.final?.training?.["loss"] ?? Number.NaN, 12);
  });

  it("stops early, keeps the best weights and says which epoch's they are", async () => {
    // A learning rate that overshoots: after the first epochs the validation loss only rises.
    const program = programOf(line("split = holdout(validation = 0.3, test = 0.0), batch = all, epochs = 50, optimizer = sgd(lr = 0.9), stop = early(patience = 3, monitor = validation.loss, restore = best)"));
    const session = await openSession(program, { backend: "f64" });
    const result = await session.train(points(20));
    const losses = result.history.map((e) => e.validation?.["loss"] ?? Number.NaN);
    const best = losses.indexOf(Math.min(...losses));
    expect(result.bestEpoch).toBe(best + 1);
    expect(result.final?.validation?.["loss"]).toBeCloseTo(losses[best] ?? Number.NaN, 12);
    if (result.end === "early") expect(result.epochs).toBe(best + 1 + 3);
    else expect(result.epochs).toBe(50);
  });

  it("ends when it is interrupted, with what there is", async () => {
    const session = await openSession(programOf(line("batch = 2, epochs = 100, optimizer = sgd(lr = 0.1)")), { backend: "f64" });
    let steps = 0;
    const result = await session.train(points(10), { onStep: () => steps++, interrupted: () => steps >= 7 });
    expect([result.end, result.steps]).toEqual(["interrupted", 7]);
  });

  it("says that the block names no data when the model needs some", async () => {
    const session = await openSession(programOf(line("steps = 1, optimizer = sgd(lr = 0.1)")), { backend: "f64" });
    await expect(session.train(undefined)).rejects.toThrow("names no data");
  });

  it.each(["f64", "webgpu"] as const)("keeps the last good weights on %s when a loss is not finite, and names what was not", async (backend) => {
    const program = programOf(line("batch = 1, epochs = 40, optimizer = sgd(lr = 0.05), seed = 2"));
    const session = await openSession(program, backend === "f64" ? { backend } : { device: gpu.device });
    const result = await session.train(points(60, 17));
    expect(result.end).toBe("not finite");
    expect(result.failure?.step).toBeGreaterThan(0);
    expect(result.failure?.step).toBeLessThanOrEqual(60);
    expect(result.failure?.names).toContain("loss");
    expect(result.failure?.names).toContain("the gradient of Line.w");
    for (const path of ["Line.w", "Line.b"]) expect([...(await session.get(path))].every(Number.isFinite), path).toBe(true);
    expect((await session.get("Line.b"))[0]).not.toBe(0);
    session.close();
  });

  it("gives bit-equal weights when run again on one device", async () => {
    const program = programOf(line("batch = 3, epochs = 4, optimizer = adam(lr = 0.05), seed = 9"));
    const weights = [];
    for (const _ of [1, 2]) {
      const session = await openSession(program, { device: gpu.device });
      await session.train(points(31));
      weights.push(await session.save());
      session.close();
    }
    expect(weights[0]).toEqual(weights[1]);
  });
});

describe("weights", () => {
  it("go into a safetensors file and come back, also under a former name", async () => {
    const old = await openSession(programOf("model M { input x: f32[N]; param v: f32[2] ~ ones; output p[n] = v[0] * x[n] + v[1] }"), { backend: "f64" });
    old.set("M.v", [3, 4]);
    const renamed = programOf('model M { input x: f32[N]; param w: f32[2] ~ zeros was "M.v"; param u: f32 ~ zeros; output p[n] = u + w[0] * x[n] + w[1] }');
    const session = await openSession(renamed, { backend: "f64" });
    expect(session.load(await old.save())).toEqual(["M.u"]);
    expect([...((await session.predict({ x: [2] }))["p"]?.data ?? [])]).toEqual([10]);
  });

  it("of another model go over by their names behind the model's, where the shapes fit", async () => {
    const layers = (model: string, classes: number): string =>
      `model ${model} { input x: f32[N, 2]; h = batch_norm(dense(x, 3)); q = dense(h, ${classes}); loss = mean(q^2) }\n train ${model} { epochs = 1, optimizer = sgd(0.1) }`;
    const old = await openSession(programOf(layers("Auto", 2)), { backend: "f64", seed: 1 });
    await old.step({ x: [1, 2, 3, 5] });
    const session = await openSession(programOf(layers("Net", 4)), { backend: "f64", seed: 2 });
    expect(session.load(await old.save())).toEqual(["Net.q.W", "Net.q.b"]);
    const shared = old.program.info.store.tensors.map((t) => t.name).filter((name) => name !== "status" && !name.startsWith("Auto.q."));
    // Running means are learned too.
    expect(shared.some((name) => name.includes("running_mean"))).toBe(true);
    for (const name of shared) expect([...(await session.get(name.replace("Auto", "Net")))], name).toEqual([...Float32Array.from(await old.get(name))]);
  });

  it("must be loaded before a block trains that starts from another", async () => {
    const text = `model A { param w: f32 ~ ones; loss = (w - 3)^2 }\n train A as first { steps = 1, optimizer = sgd(0.5) }\n train A as second { start = first, steps = 1, optimizer = sgd(0.25) }`;
    const { programs } = compile({ path: "t.dl", text });
    const [first, second] = programs;
    if (!first || !second) throw new Error("two programs");
    const [one, two] = [await openSession(first, { backend: "f64" }), await openSession(second, { backend: "f64" })];
    await one.train(undefined);
    await expect(two.train(undefined)).rejects.toMatchObject({ code: "E0523" });
    two.load(await one.save());
    await two.train(undefined);
    expect((await two.get("A.w"))[0]).toBe(3);
  });

  it("of another shape are refused before any is set", async () => {
    const one = await openSession(programOf("model M { input x: f32[N]; param a: f32 ~ ones; param b: f32[2] ~ ones; output p[n] = a * x[n] + b[0] + b[1] }"), { backend: "f64" });
    const other = await openSession(programOf("model M { input x: f32[N]; param a: f32 ~ zeros; param b: f32[3] ~ zeros; output p[n] = a * x[n] + b[0] + b[1] + b[2] }"), { backend: "f64" });
    await expect((async () => other.load(await one.save()))()).rejects.toThrow("M.b");
    expect([...(await other.get("M.a"))]).toEqual([0]);
  });
});
