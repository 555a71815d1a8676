/** Convolutions: shapes and values by hand, and that the two conventions differ by a flip of the kernel alone. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { trainExample } from "./train-example.ts";

vi.setConfig({ testTimeout: 120_000 });
let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

describe("edges", () => {
  it("of a 280 x 320 image are 280 x 319 differences, and their kernel is found from them", async () => {
    const { session, measured } = await trainExample(gpu, "edges");
    expect(measured["loss"]).toBeLessThan(1e-6);
    const K = await session.get("Edges.K");
    expect(K[0]).toBeCloseTo(-1, 3);
    expect(K[1]).toBeCloseTo(1, 3);
    const { edges, S } = await session.predict({ phase: [0.5] });
    expect(edges?.shape).toEqual([1, 280, 319]);
    expect(S?.shape).toEqual([1, 280, 319]);
    const pixel = (i: number, j: number): number => Math.sin(0.5 + 0.7 * j + 3 * Math.sin(i / 40));
    for (const [i, j] of [[0, 0], [0, 318], [279, 0], [279, 318], [140, 77]] as const) {
      const at = i * 319 + j;
      expect(edges?.data[at]).toBeCloseTo(pixel(i, j + 1) - pixel(i, j), 3);
      expect(S?.data[at]).toBeCloseTo(pixel(i, j + 1) - pixel(i, j), 3);
    }
    session.close();
  });
});

describe("lenet", () => {
  it("learns the digits with flipped kernels and with plain ones, and a flip turns one network into the other", async () => {
    const { session, measured, feed } = await trainExample(gpu, "lenet", { set: { epochs: 4 } });
    expect(measured["accuracy_flipped"]).toBeGreaterThan(0.75);
    expect(measured["accuracy_plain"]).toBeGreaterThan(0.75);
    // Every parameter of the convolutional network into the other, its kernels turned by half a turn.
    for (const { name, shape } of session.parameters.filter((p) => p.name.startsWith("LeNet.flipped."))) {
      const values = await session.get(name);
      const area = Number(shape[2] ?? 1) * Number(shape[3] ?? 1);
      const turned = shape.length === 4 ? Array.from(values, (_, k) => values[k - 2 * (k % area) + area - 1] ?? Number.NaN) : values;
      session.set(name.replace("flipped", "plain"), turned);
    }
    const { p, q } = await session.predict({ x: (feed["x"] ?? new Float64Array()).slice(0, 64 * 20) });
    expect(p?.data.length).toBe(200);
    expect(Math.max(...Array.from(p?.data ?? [], (v: number, k) => Math.abs(v - Number(q?.data[k]))))).toBeLessThan(1e-5);
    session.close();
  });
});
