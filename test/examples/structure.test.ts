/** What a model's structure is for: shared weights, shared trunks, missing labels, tables of embeddings, priors. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { mean, rowsOf, sum, trainExample } from "./train-example.ts";

vi.setConfig({ testTimeout: 120_000 });
let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const spread = (values: readonly number[]): number => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));

describe("siamese", () => {
  it("moves pairs of one species together and others apart, with one set of weights for both halves", async () => {
    const { session, measured, feed } = await trainExample(gpu, "siamese");
    expect(session.parameters.length).toBe(4);
    expect(measured["accuracy"]).toBeGreaterThan(0.85);
    expect(measured["far"]).toBeGreaterThan(3 * (measured["near"] ?? Number.NaN));
    const [a, b] = [feed["a"] ?? new Float64Array(), feed["b"] ?? new Float64Array()];
    const { D } = await session.predict({ a, b });
    const { D: turned } = await session.predict({ a: b, b: a });
    const { D: same } = await session.predict({ a, b: a });
    D?.data.forEach((d, n) => expect(turned?.data[n]).toBeCloseTo(d, 5));
    expect(Math.max(...(same?.data ?? [Number.NaN]))).toBeLessThan(1e-3);
    session.close();
  });
});

describe("multitask", () => {
  it("learns both tasks from one trunk", async () => {
    const { session, measured, feed } = await trainExample(gpu, "multitask");
    expect(measured["accuracy"]).toBeGreaterThan(0.8);
    // Half of what the best constant leaves.
    expect(measured["error"]).toBeLessThan(0.5 * spread([...(feed["width"] ?? [])]));
    expect(session.parameters.map((p) => p.name)).toEqual(["h", "logits", "petal"].flatMap((n) => [`MultiTask.${n}.W`, `MultiTask.${n}.b`]));
    session.close();
  });
});

describe("semi", () => {
  it("names more of the moons than its eight labels alone would", async () => {
    const { session, measured, feed } = await trainExample(gpu, "semi", { set: { epochs: 100 } });
    expect(feed["y"]?.filter((y) => y >= 0).length).toBe(8);
    const alone = await trainExample(gpu, "semi", { set: { epochs: 100, λ: 0 } });
    expect(alone.measured["supervised"]).toBeLessThan(0.05);
    expect(measured["accuracy"]).toBeGreaterThan(0.95);
    expect(measured["accuracy"]).toBeGreaterThan((alone.measured["accuracy"] ?? Number.NaN) + 0.03);
    session.close();
    alone.session.close();
  });
});

describe("factors", () => {
  it("fills the hidden fifth of a table of rank 2", async () => {
    const { session, measured, feed } = await trainExample(gpu, "factors");
    // The ratings carry noise of 0.1, and spread by 1.5 without the model.
    expect(spread([...(feed["rating"] ?? [])])).toBeGreaterThan(1);
    expect(measured["error"]).toBeLessThan(0.2);
    const [U, V] = [rowsOf(await session.get("Factors.U"), 2), rowsOf(await session.get("Factors.V"), 2)];
    const [a, b, m] = [await session.get("Factors.a"), await session.get("Factors.b"), await session.get("Factors.m")];
    const { r } = await session.predict({ user: [3, 29], item: [19, 0] });
    for (const [n, i, j] of [[0, 3, 19], [1, 29, 0]] as const)
      expect(r?.data[n]).toBeCloseTo((m[0] ?? 0) + (a[i] ?? 0) + (b[j] ?? 0) + sum((U[i] ?? []).map((u, d) => u * (V[j]?.[d] ?? 0))), 4);
    session.close();
  });
});

describe("logistic", () => {
  it("has shorter weights under a Gaussian prior than by likelihood alone, each at the foot of its own loss", async () => {
    const mle = await trainExample(gpu, "logistic", { block: "MLE" });
    const map = await trainExample(gpu, "logistic", { block: "MAP" });
    for (const { measured } of [mle, map]) expect(measured["accuracy"]).toBeGreaterThan(0.95);
    expect(map.measured["length"]).toBeLessThan(0.5 * (mle.measured["length"] ?? Number.NaN));
    expect(map.measured["likelihood"]).toBeGreaterThan(mle.measured["loss"] ?? Number.NaN);
    // At its optimum the prior pulls as much as the likelihood: Σ_n (σ(z_n) - y_n) x_n + w / τ² = 0, here with τ = 0.5.
    const w = await map.session.get("MAP.w");
    const { p } = await map.session.predict({ x: map.feed["x"] ?? [] });
    const x = rowsOf(map.feed["x"] ?? [], 4);
    const errors = [...(map.feed["species"] ?? [])].map((s, n) => Number(p?.data[n]) - Number(s === 2));
    for (const d of [0, 1, 2, 3]) expect(Math.abs(sum(errors.map((e, n) => e * (x[n]?.[d] ?? 0))) + (w[d] ?? 0) / 0.25)).toBeLessThan(1);
    mle.session.close();
    map.session.close();
  });
});
