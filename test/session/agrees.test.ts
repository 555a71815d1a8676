/** The device against the f64 evaluator: every example, five training steps, and sizes that vary under a capacity. */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { largestBatch } from "../../src/check/train-facts.ts";
import type { CompiledProgram } from "../../src/compile.ts";
import { isStep } from "../../src/graph/build.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession, type Session } from "../../src/session.ts";
import { dataOf, exampleProgram, examplePrograms, feedOf, programOf, worst } from "./kit.ts";

/** Of loss, gradients and weights after at most five steps of a tiny network. */
const tolerance = 2e-5;
/** Most examples of a step: below the capacity of many, and few enough for the evaluator. */
const most = 16;
const examples = readdirSync(new URL("../../examples/", import.meta.url)).filter((f) => f.endsWith(".dl")).map((f) => f.slice(0, -3));

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

async function both(program: CompiledProgram): Promise<{ device: Session; oracle: Session }> {
  const seed = program.train?.seed ?? 3;
  return { device: await openSession(program, { device: gpu.device, seed }), oracle: await openSession(program, { backend: "f64", seed }) };
}

async function expectSameParameters(device: Session, oracle: Session): Promise<void> {
  for (const { name } of device.program.info.store.tensors)
    expect(worst(await device.get(name), await oracle.get(name)), name).toBeLessThan(tolerance);
}

async function expectSameOutputs(entry: "evaluate" | "predict" | "gradients", device: Session, oracle: Session, feed: Record<string, Float64Array>): Promise<void> {
  const [found, wanted] = [await device[entry](feed), await oracle[entry](feed)];
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, output] of Object.entries(wanted)) {
    expect(found[name]?.shape, `${entry} ${name}`).toEqual(output.shape);
    expect(worst(found[name]?.data ?? [], output.data), `${entry} ${name}`).toBeLessThan(tolerance);
  }
}

describe.each(examples)("example %s", (name) => {
  it.each(examplePrograms(name).map((program) => ({ name: program.train?.name ?? program.model.name, program })))("$name starts, evaluates and takes five training steps as the evaluator does", async ({ program }) => {
    const { device, oracle } = await both(program);
    await expectSameParameters(device, oracle);
    const data = dataOf(program);
    const batch = Math.min(largestBatch(program.train) ?? Number.POSITIVE_INFINITY, data?.rows ?? 1, most);
    const steps = program.entries.some(isStep) ? (oracle.steps.length > 0 ? oracle.steps.map((step) => ({ step })) : [{}]) : [];
    for (let t = 0; t < 5; t++) {
      const from = data ? (t * batch) % (data.rows - batch + 1) : 0;
      const feed = feedOf(data, from, from + batch);
      if (steps.length > 0) await expectSameOutputs("gradients", device, oracle, feed);
      for (const which of steps) {
        const [a, b] = [await device.step(feed, which), await oracle.step(feed, which)];
        expect(Object.keys(a)).toEqual(Object.keys(b));
        for (const [key, value] of Object.entries(b)) expect(worst([a[key] ?? Number.NaN], [value]), `${key} at step ${t + 1}`).toBeLessThan(tolerance);
      }
      await expectSameParameters(device, oracle);
    }
    await expectSameOutputs("evaluate", device, oracle, feedOf(data, 0, batch));
    device.close();
    oracle.close();
  }, 120_000);
});

describe("sizes that vary under a capacity", () => {
  it("take a short last batch, evaluate another size and predict one row, all as the evaluator does", async () => {
    const program = exampleProgram("digits");
    const { device, oracle } = await both(program);
    const data = dataOf(program);
    for (const [from, to] of [[0, 64], [64, 101], [101, 102], [102, 166]] as const) {
      const [a, b] = [await device.step(feedOf(data, from, to)), await oracle.step(feedOf(data, from, to))];
      expect(worst([a["loss"] ?? Number.NaN], [b["loss"] ?? Number.NaN]), `rows ${from} to ${to}`).toBeLessThan(tolerance);
    }
    await expectSameParameters(device, oracle);
    for (const rows of [1, 7, 200, 64]) {
      await expectSameOutputs("evaluate", device, oracle, feedOf(data, 0, rows));
      const { x = new Float64Array() } = feedOf(data, 0, rows);
      await expectSameOutputs("predict", device, oracle, { x });
    }
    device.close();
    oracle.close();
  });

  it("hold for tensors whose varying axis is not the first", async () => {
    const program = programOf(`
      model Pairs {
        input x: f32[N, 2]
        input m: f32[N, N]
        param w: f32[2] ~ constant(0.5)
        output turned[k, n] = x[n, k] * w[k]
        output gram[i, j] = m[i, j] + sum[k] x[i, k] * x[j, k] * w[k]
        loss = mean[i] sum[j] gram[i, j]^2
      }
      train Pairs { batch = 6, steps = 1, optimizer = sgd(lr = 0.01) }`);
    const { device, oracle } = await both(program);
    for (const rows of [6, 2, 1, 5]) {
      const feed = { x: Float64Array.from({ length: 2 * rows }, (_, k) => Math.cos(k)), m: Float64Array.from({ length: rows * rows }, (_, k) => Math.sin(3 * k)) };
      await device.step(feed);
      await oracle.step(feed);
      await expectSameParameters(device, oracle);
      await expectSameOutputs("evaluate", device, oracle, feed);
      await expectSameOutputs("gradients", device, oracle, feed);
    }
    device.close();
    oracle.close();
  });

  it("hold for statistics over the batch, where rows past the live ones would show", async () => {
    const program = programOf(`
      model Norm {
        input  x: f32[N, 3]
        target y: f32[N]
        c[n, k] = x[n, k] - (mean[m] x[m, k])
        s[k] = max[n] x[n, k]
        param w: f32[3] ~ ones
        output z[n] = sum[k] c[n, k] * w[k] * s[k]
        loss = mean[n] (z[n] - y[n])^2 + 0.1 * max[n] z[n]
      }
      train Norm { batch = 8, steps = 1, optimizer = sgd(lr = 0.1) }`);
    const { device, oracle } = await both(program);
    for (const rows of [8, 3, 1, 5]) {
      const feed = { x: Float64Array.from({ length: rows * 3 }, (_, k) => Math.sin(k) - 2), y: Float64Array.from({ length: rows }, (_, k) => k % 2) };
      const [a, b] = [await device.step(feed), await oracle.step(feed)];
      expect(worst([a["loss"] ?? Number.NaN], [b["loss"] ?? Number.NaN]), `${rows} rows`).toBeLessThan(tolerance);
      await expectSameParameters(device, oracle);
    }
  });
});
