/** Models of the data itself, and a solution of an equation found from the equation alone. */
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

describe("denoise", () => {
  it("gives back images with less error than they were given", async () => {
    const { session, measured } = await trainExample(gpu, "denoise", { set: { epochs: 12 } });
    expect(measured["noise_error"]).toBeCloseTo(0.3, 2);
    expect(measured["error"]).toBeLessThan(0.6 * (measured["noise_error"] ?? Number.NaN));
    session.close();
  });
});

describe("vae", () => {
  it("explains the digits better than the mean image, by a code that costs something", async () => {
    const { session, measured, feed } = await trainExample(gpu, "vae", { set: { epochs: 10 } });
    const x = rowsOf(feed["x"] ?? [], 64);
    const centre = Array.from({ length: 64 }, (_, i) => Math.min(Math.max(mean(x.map((row) => row[i] ?? 0)), 1e-6), 1 - 1e-6));
    const constant = mean(x.map((row) => -sum(row.map((v, i) => v * Math.log(centre[i] ?? 0) + (1 - v) * Math.log(1 - (centre[i] ?? 0))))));
    // Even the whole bound, code included, beats the best code-free model.
    expect(measured["loss"]).toBeLessThan(0.97 * constant);
    expect(measured["divergence"]).toBeGreaterThan(0.5);
    session.close();
  });
});

/** Mean and variance of each column. */
function moments(values: ArrayLike<number>, width: number): { mean: number; variance: number }[] {
  const rows = rowsOf(values, width);
  return Array.from({ length: width }, (_, k) => {
    const column = rows.map((row) => row[k] ?? Number.NaN);
    return { mean: mean(column), variance: mean(column.map((v) => (v - mean(column)) ** 2)) };
  });
}

describe.each([{ name: "gan", set: { epochs: 200 } }, { name: "wgan", set: {} }])("$name", ({ name, set }) => {
  it("makes flowers whose measures have the data's mean and variance, from noise that has neither", async () => {
    const { session, feed } = await trainExample(gpu, name, { set });
    const x = feed["x"] ?? new Float64Array();
    const made = moments((await session.predict({ x })).sample?.data ?? [], 2);
    await session.reset();
    const atFirst = moments((await session.predict({ x })).sample?.data ?? [], 2);
    for (const [k, data] of moments(x, 2).entries()) {
      expect(Math.abs((atFirst[k]?.mean ?? 0) - data.mean)).toBeGreaterThan(1);
      expect(Math.abs((made[k]?.mean ?? Number.NaN) - data.mean)).toBeLessThan(0.5);
      expect(made[k]?.variance).toBeGreaterThan(0.3 * data.variance);
      expect(made[k]?.variance).toBeLessThan(2.5 * data.variance);
    }
    session.close();
  });
});

describe("wgan", () => {
  it("keeps the critic's slope near 1 and moves the generator by the critic alone", async () => {
    const { session, measured } = await trainExample(gpu, "wgan", { set: { epochs: 40 } });
    expect(measured["steepness"]).toBeGreaterThan(0.8);
    expect(measured["steepness"]).toBeLessThan(1.2);
    session.close();
  });
});

describe("pinn", () => {
  it("solves the differential equation, also between the points it was asked at", async () => {
    const { session, measured } = await trainExample(gpu, "pinn");
    expect(measured["worst_error"]).toBeLessThan(0.01);
    const x = Float64Array.from({ length: 101 }, (_, k) => k / 100);
    const { u } = await session.predict({ x });
    for (const [k, at] of x.entries()) expect(Math.abs(Number(u?.data[k]) - Math.sin(Math.PI * at)), `u(${at})`).toBeLessThan(0.01);
    session.close();
  });
});
