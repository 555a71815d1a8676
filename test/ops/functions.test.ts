/**
 * The formulas of the transcendental functions in true f32 arithmetic against f64: the errors their docs state, special
 * values, and every elementwise op's `scalar` against its `eval`.
 */
import { describe, expect, it } from "vitest";
import { ref } from "../../src/ir/scalar.ts";
import type { Scalar } from "../../src/ir/scalar.ts";
import type { OpAttrs, OpName } from "../../src/ir/node.ts";
import type { OpRecord } from "../../src/ops/op.ts";
import { erf } from "../../src/ops/float-math.ts";
import { evaluateScalar } from "../../src/ops/scalar-eval.ts";
import { table } from "../../src/ops/table.ts";
import { allCases, draw, numbers } from "./cases.ts";

/** What the op computes for one f32 in f32. */
function f32Function(op: OpName, attrs: OpAttrs[OpName] = {}): (x: number) => number {
  const { scalar } = table[op] as unknown as OpRecord<OpName>;
  const formula = scalar?.(attrs, [ref(0)]) as Scalar;
  return (x) => evaluateScalar(formula, { refs: [Math.fround(x)] });
}

/** The spacing of f32 at y. */
function spacing(y: number): number {
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 23);
}

/** The largest error over `count` points of [low, high], which are no regular grid. */
function largestErrors(f: (x: number) => number, exact: (x: number) => number, low: number, high: number, count = 4000): { readonly ulp: number; readonly absolute: number } {
  const next = numbers(11);
  let [ulp, absolute] = [0, 0];
  for (let i = 0; i < count; i++) {
    const x = Math.fround(low + (high - low) * ((i + next()) / count));
    if (x < low || x > high) continue;
    const wanted = exact(x);
    const error = Math.abs(f(x) - wanted);
    absolute = Math.max(absolute, error);
    ulp = Math.max(ulp, error / spacing(wanted));
  }
  return { ulp, absolute };
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** Op, exact function, range, most ulp. */
const stated: readonly (readonly [OpName, (x: number) => number, number, number, number])[] = [
  ["exp", Math.exp, -87.3, 88.7, 1], ["exp", Math.exp, -1, 1, 1],
  ["log", Math.log, 1e-3, 10, 1], ["log", Math.log, 0.9, 1.1, 1], ["log", Math.log, 1.2e-38, 1e-36, 1], ["log", Math.log, 1, 3.4e38, 1],
  ["log1p", Math.log1p, -0.999, 10, 3], ["log1p", Math.log1p, -1e-3, 1e-3, 3], ["log1p", Math.log1p, -0.4, 0.6, 3],
  ["expm1", Math.expm1, -40, 88.7, 2], ["expm1", Math.expm1, -1e-3, 1e-3, 2], ["expm1", Math.expm1, -2, 2, 2], ["expm1", Math.expm1, 9, 11, 2],
  ["tanh", Math.tanh, -12, 12, 3], ["tanh", Math.tanh, -1, 1, 3], ["tanh", Math.tanh, -1e-4, 1e-4, 3],
  ["sigmoid", logistic, -87, 40, 3], ["sigmoid", logistic, -3, 3, 3],
  ["erf", erf, -5, 5, 2], ["erf", erf, -1.1, 1.1, 2], ["erf", erf, -1e-4, 1e-4, 2],
  ["sqrt", Math.sqrt, 0, 100, 0.5],
];

describe("errors stated in the docs", () => {
  it.each(stated)("%s %# keeps its ulps", (op, exact, low, high, most) => {
    expect(largestErrors(f32Function(op), exact, low, high).ulp).toBeLessThanOrEqual(most);
  });

  it.each([["sin", Math.sin], ["cos", Math.cos]] as const)("%s keeps its absolute error", (op, exact) => {
    for (const reach of [4, 1000, 20_000]) expect(largestErrors(f32Function(op), exact, -reach, reach).absolute).toBeLessThan(1e-7);
    expect(largestErrors(f32Function(op), exact, -100_000, 100_000).absolute).toBeLessThan(1e-6);
  });

  // Each product rounds once: n - 1 of them for x^n, and as many halves of 2^-23 of relative error.
  it.each([[2, 1], [3, 2], [7, 6], [64, 63], [0.5, 1], [-1, 1], [-2, 2], [1.5, 2], [2.3, 12], [-0.7, 6]])("x^%d is off by at most %d · 2^-24 of itself", (exponent, most) => {
    const f = f32Function("pow", { exponent });
    const { absolute } = largestErrors((x) => f(x) / Math.fround(x) ** exponent, () => 1, 0.4, 3);
    expect(absolute).toBeLessThanOrEqual(most * 2 ** -24);
  });

  it("the f64 error function agrees with known values", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
    expect(erf(-1)).toBeCloseTo(-0.8427007929497149, 15);
    expect(erf(3)).toBeCloseTo(0.9999779095030014, 15);
    expect([erf(0), erf(7), erf(-7)]).toEqual([0, 1, -1]);
  });
});

describe("special values", () => {
  const largest = 3.4028234663852886e38;

  it("exp saturates and vanishes without infinity", () => {
    const exp = f32Function("exp");
    expect([exp(0), exp(89), exp(1e30), exp(-88), exp(-1e30)]).toEqual([1, largest, largest, 0, 0]);
  });

  it("log says by bits what has no logarithm", () => {
    const log = f32Function("log");
    const finite = f32Function("finite");
    expect(log(1)).toBe(0);
    expect(log(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(log(1e-40)).toBe(Number.NEGATIVE_INFINITY);
    expect(log(-1)).toBeNaN();
    expect(log(Number.NaN)).toBeNaN();
    expect(log(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect([0, -1].map((x) => finite(log(x)))).toEqual([0, 0]);
  });

  it("tanh and sigmoid are right to the ends of f32", () => {
    const [tanh, sigmoid] = [f32Function("tanh"), f32Function("sigmoid")];
    for (const x of [20, 1e4, 1e30, 3.4e38]) expect([tanh(x), tanh(-x), sigmoid(x)]).toEqual([1, -1, 1]);
    expect([tanh(0), sigmoid(0), sigmoid(-1e30)]).toEqual([0, 0.5, 0]);
    expect(tanh(1e-30)).toBeCloseTo(1e-30, 36);
  });

  it("erf ends at ±1 and small arguments keep their digits", () => {
    const f = f32Function("erf");
    expect([f(10), f(-10), f(1e30), f(0)]).toEqual([1, -1, 1, 0]);
    expect(f(1e-30) / 1e-30).toBeCloseTo(2 / Math.sqrt(Math.PI), 6);
  });

  it("NaN comes out where it went in", () => {
    for (const op of ["exp", "log", "log1p", "expm1", "tanh", "sigmoid", "erf", "sin", "cos", "sqrt"] as const) expect(f32Function(op)(Number.NaN), op).toBeNaN();
  });

  it("finite looks at bits", () => {
    const finite = f32Function("finite");
    expect([0, -1, largest, 1e-45].map(finite)).toEqual([1, 1, 1, 1]);
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(finite)).toEqual([0, 0, 0]);
  });

  it("powers of zero and of negative numbers", () => {
    const power = (exponent: number): ((x: number) => number) => f32Function("pow", { exponent });
    expect([power(3)(-2), power(2)(-3), power(0)(0), power(1)(-5), power(2.5)(0), power(2.3)(0)]).toEqual([-8, 9, 1, -5, 0, 0]);
    expect(power(2.3)(-1)).toBeNaN();
    expect(power(65)(-1)).toBeCloseTo(-1, 5);
  });
});

describe("scalar and eval say the same", () => {
  const elementwise = allCases().filter((c) => (table[c.op] as unknown as OpRecord<OpName>).scalar !== undefined && c.inputs.length > 0);

  it.each(elementwise.map((c) => [c.title, c] as const))("%s", (_, c) => {
    const record = table[c.op] as unknown as OpRecord<OpName>;
    if (record.eval.kind !== "scalar") throw new Error(`${c.op} has a scalar formula but no scalar evaluation`);
    const formula = record.scalar?.(c.attrs, c.inputs.map((t, i) => ref(i, t.dtype))) as Scalar;
    const next = numbers(17);
    for (let round = 0; round < 20; round++) {
      const operands = c.inputs.map((type, i) => draw(type, next, c.sample.ranges?.[i], c.sample.kinks).data.map((x) => (type.dtype === "f32" ? Math.fround(x) : x)));
      (operands[0] as Float64Array).forEach((_x, k) => {
        const refs = operands.map((o) => o[k] as number);
        const wanted = record.eval.kind === "scalar" ? record.eval.of(c.attrs, ...refs) : Number.NaN;
        const found = evaluateScalar(formula, { refs });
        if (Number.isInteger(wanted)) expect(found).toBe(wanted + 0);
        else expect(Math.abs(found - wanted)).toBeLessThan(2e-6 * Math.max(1, Math.abs(wanted)));
      });
    }
  });

  it("integer division rounds down for every mix of signs", () => {
    const call = (op: OpName, x: number, y: number): number => evaluateScalar((table[op] as unknown as OpRecord<OpName>).scalar?.({}, [ref(0, "i32"), ref(1, "i32")]) as Scalar, { refs: [x, y] });
    for (const x of [-7, -6, -1, 0, 1, 6, 7]) {
      for (const y of [-3, -2, 2, 3]) expect([call("floordiv", x, y) + 0, call("mod", x, y) + 0]).toEqual([Math.floor(x / y) + 0, x - y * Math.floor(x / y) + 0]);
    }
  });
});
