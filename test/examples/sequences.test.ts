/** Recurrent cells and attention: what is told apart only by what came earlier. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { rowsOf, trainExample } from "./train-example.ts";

vi.setConfig({ testTimeout: 120_000 });
let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

describe("lstm", () => {
  it("names digits that it reads row by row", async () => {
    const { session, measured } = await trainExample(gpu, "lstm", { set: { epochs: 4 } });
    expect(measured["accuracy"]).toBeGreaterThan(0.7);
    session.close();
  });
});

describe("gru", () => {
  it("remembers the first of ten symbols", async () => {
    const { session, measured } = await trainExample(gpu, "gru", { set: { epochs: 10 } });
    expect(measured["accuracy"]).toBe(1);
    session.close();
  });
});

describe("attention", () => {
  it("copies the first half into the second, which no count of symbols could, and never looks ahead", async () => {
    const { session, measured, feed } = await trainExample(gpu, "attention");
    // Each symbol is as likely as any: log 6 for who guesses.
    expect(measured["first_half"]).toBeGreaterThan(0.95 * Math.log(6));
    expect(measured["second_half"]).toBeLessThan(0.3 * Math.log(6));
    const t = (feed["t"] ?? new Float64Array()).slice(0, 12);
    const before = rowsOf((await session.predict({ t })).p?.data ?? [], 6);
    const changed = t.slice();
    changed[7] = ((t[7] ?? 0) + 1) % 6;
    const after = rowsOf((await session.predict({ t: changed })).p?.data ?? [], 6);
    expect(after.slice(0, 7)).toEqual(before.slice(0, 7));
    expect(after[7]).not.toEqual(before[7]);
    // The quotient of exponentials holds where exp alone would leave f32.
    for (const name of ["Attention.z.Q", "Attention.z.K"]) session.set(name, (await session.get(name)).map((v) => 30 * v));
    const { "Attention.z.Q": slope, loss } = await session.gradients({ t });
    for (const value of [...(loss?.data ?? [Number.NaN]), ...(slope?.data ?? [Number.NaN])]) expect(Number.isFinite(value)).toBe(true);
    session.close();
  });
});
