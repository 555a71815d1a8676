/** Linear and shallow classifiers learn what they are for, and compute what their formula says. */
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

/** x W + b for one example; W by rows of `outputs` numbers. */
const affine = (x: readonly number[], W: ArrayLike<number>, outputs: number, b?: ArrayLike<number>): number[] =>
  Array.from({ length: outputs }, (_, k) => sum(x.map((v, i) => v * (W[i * outputs + k] ?? 0))) + (b?.[k] ?? 0));

describe("softmax", () => {
  it("learns the irises, and its bias is the last row of W", async () => {
    const { session, measured, feed } = await trainExample(gpu, "softmax");
    expect(measured["accuracy"]).toBeGreaterThan(0.9);
    const W = await session.get("Softmax.W");
    const { p } = await session.predict({ x: feed["x"] ?? [] });
    const [x = []] = rowsOf(feed["x"] ?? [], 4);
    const e = affine([...x, 1], W, 3).map(Math.exp);
    e.forEach((v, k) => expect(p?.data[k]).toBeCloseTo(v / sum(e), 5));
    session.close();
  });
});

describe("hinge", () => {
  it("learns the irises by both losses, which are the sums that the formula says", async () => {
    const { session, measured, feed } = await trainExample(gpu, "hinge");
    expect(measured["accuracy"]).toBeGreaterThan(0.9);
    expect(measured["accuracy_squared"]).toBeGreaterThan(0.9);
    const x = rowsOf(feed["x"] ?? [], 4);
    const y = feed["y"] ?? new Float64Array();
    for (const [W, b, power, term] of [["W", "b", 1, "hinge"], ["V", "c", 2, "squared_hinge"]] as const) {
      const [weights, bias] = [await session.get(`Hinge.${W}`), await session.get(`Hinge.${b}`)];
      const each = x.map((row, i) => {
        const s = affine(row, weights, 3, bias);
        const right = y[i] ?? 0;
        return sum(s.map((v, j) => (j === right ? 0 : Math.max(0, v - (s[right] ?? 0) + 1) ** power)));
      });
      expect(measured[term], term).toBeCloseTo(mean(each), 4);
    }
    session.close();
  });
});

describe("maxout", () => {
  it("learns the digits, and each unit is convex in its input", async () => {
    const { session, measured } = await trainExample(gpu, "maxout", { set: { epochs: 8 } });
    expect(measured["accuracy"]).toBeGreaterThan(0.93);
    const [W, b] = [await session.get("Maxout.h.W"), await session.get("Maxout.h.b")];
    // Along a line through pixel 20 a unit is a maximum of lines: at the middle it lies under the chord.
    const unit = (g: number, at: number): number => Math.max(...[0, 1, 2].map((k) => at * (W[(20 * 24 + g) * 3 + k] ?? 0) + (b[g * 3 + k] ?? 0)));
    const bends = Array.from({ length: 24 }, (_, g) => unit(g, -20) + unit(g, 20) - 2 * unit(g, 0));
    expect(Math.min(...bends)).toBeGreaterThan(-1e-9);
    expect(Math.max(...bends)).toBeGreaterThan(1);
    session.close();
  });
});

describe("rbf", () => {
  it("separates exclusive or, and answers far away by its bias alone", async () => {
    const { session, measured } = await trainExample(gpu, "rbf");
    expect(measured["accuracy"]).toBe(1);
    expect(measured["loss"]).toBeLessThan(0.1);
    const [b] = await session.get("Rbf.b");
    const { p } = await session.predict({ x: [100, 100] });
    expect(p?.data[0]).toBeCloseTo(1 / (1 + Math.exp(-(b ?? 0))), 5);
    session.close();
  });
});

describe("residual", () => {
  it("learns the digits, every block its part of them", async () => {
    const { session, measured } = await trainExample(gpu, "residual", { set: { epochs: 5 } });
    expect(measured["accuracy"]).toBeGreaterThan(0.9);
    // What a block adds starts at 0.
    const added = session.parameters.filter((p) => /^Residual\.h\.\d+\.W$/.test(p.name));
    expect(added.map((p) => p.name)).toEqual([0, 1, 2, 3].map((k) => `Residual.h.${k}.W`));
    for (const { name } of added) expect(Math.max(...(await session.get(name)).map(Math.abs)), name).toBeGreaterThan(0.01);
    session.close();
  });
});
