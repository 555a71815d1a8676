/** `roc_auc` and `average_precision`, which sort, against the pairs that define them: random scores with many ties, on the evaluator and on the device. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { randomNumbers } from "../../src/support/random-numbers.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "../session/kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

const program = programOf("model M { input s: f32[N]; input y: f32[N]; output auc = roc_auc(s, y); output ap = average_precision(s, y) }");

/** The share of pairs of a 1 and a 0 in which the 1 is ahead, a tie counting ½. */
function ofPairs(s: Float64Array, y: Float64Array): number {
  let [won, pairs] = [0, 0];
  for (const [i, a] of s.entries()) for (const [j, b] of s.entries()) if (y[i] === 1 && y[j] === 0) [won, pairs] = [won + (a > b ? 1 : a === b ? 0.5 : 0), pairs + 1];
  return pairs === 0 ? 0.5 : won / pairs;
}

/** Over all 1, the mean precision among what scores at least as high. */
function ofThresholds(s: Float64Array, y: Float64Array): number {
  const ones = [...s.keys()].filter((i) => y[i] === 1);
  const precisions = ones.map((i) => {
    const above = [...s.keys()].filter((j) => (s[j] ?? 0) >= (s[i] ?? 0));
    return above.filter((j) => y[j] === 1).length / above.length;
  });
  return ones.length === 0 ? 0 : precisions.reduce((a, b) => a + b, 0) / ones.length;
}

describe.each(["f64", "device"] as const)("on the %s", (where) => {
  it.each([1, 2, 3, 17, 63, 64, 65, 200, 301])("of %i examples", async (n) => {
    const session = await openSession(program, where === "f64" ? { backend: "f64" } : { device: gpu.device, software: true });
    for (const [values, share] of [[2, 0.5], [5, 0.1], [n, 0.5], [1e6, 0.9], [3, 0], [3, 1]] as const) {
      const next = randomNumbers(n * 1000 + values);
      const s = Float64Array.from({ length: n }, () => Math.fround(Math.floor(values * Math.abs(next())) / values - 0.3));
      const y = Float64Array.from({ length: n }, () => Number(Math.abs(next()) < share));
      const { auc, ap } = await session.predict({ s, y });
      const digits = where === "f64" ? 12 : 5;
      expect(auc?.data[0], `area, ${values} values, ${share} of them 1`).toBeCloseTo(ofPairs(s, y), digits);
      expect(ap?.data[0], `precision, ${values} values, ${share} of them 1`).toBeCloseTo(ofThresholds(s, y), digits);
    }
    session.close();
  }, 60_000);
});
