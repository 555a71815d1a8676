import { describe, expect, it } from "vitest";
import { erf, evaluateHost } from "../../src/harness/runtime/host.ts";

const scalars = { hyper: { decay: 0.25 }, step: { t: 4, epoch: 2 } };

describe("evaluateHost", () => {
  it("computes 1 - ρ^t in f64", () => {
    const program = [
      { op: "step", name: "t", args: [] },
      { op: "const", value: Math.log(0.999), args: [] },
      { op: "mul", args: [0, 1] },
      { op: "exp", args: [2] },
      { op: "neg", args: [3] },
      { op: "const", value: 1, args: [] },
      { op: "add", args: [5, 4] },
    ];
    expect(evaluateHost(program, scalars, {})[6]).toBeCloseTo(1 - 0.999 ** 4, 14);
  });

  it("knows sizes, hyperparameters, comparisons and select", () => {
    const program = [
      { op: "size", size: { terms: [{ coefficient: 3, symbols: ["N"] }] }, args: [] },
      { op: "hyper", name: "decay", args: [] },
      { op: "compare", name: ">=", args: [0, 1] },
      { op: "select", args: [2, 1, 0] },
    ];
    expect([...evaluateHost(program, scalars, { N: 5 })]).toEqual([15, 0.25, 1, 0.25]);
  });

  it("says what is missing", () => {
    expect(() => evaluateHost([{ op: "hyper", name: "lr", args: [] }], scalars, {})).toThrow(/lr is not given/);
    expect(() => evaluateHost([{ op: "fft", args: [] }], scalars, {})).toThrow(/unknown operation fft/);
  });

  it("has an erf right to 1e-14", () => {
    const known: [number, number][] = [[0.5, 0.5204998778130465], [1, 0.8427007929497149], [2, 0.9953222650189527], [2.6, 0.9997639655834707], [3, 0.9999779095030014], [-1, -0.8427007929497149]];
    for (const [x, y] of known) expect(Math.abs(erf(x) - y)).toBeLessThan(1e-14);
  });
});
