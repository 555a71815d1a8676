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
import { statedErrors } from "../../src/ops/stated-errors.ts";
import { table } from "../../src/ops/table.ts";
import { allCases, draw, numbers } from "./cases.ts";
import { pointsFor, worstOf } from "./f32-points.ts";

/** What the op computes for one f32 in f32. */
function f32Function(op: OpName, attrs: OpAttrs[OpName] = {}): (x: number) => number {
  const { scalar } = table[op] as unknown as OpRecord<OpName>;
  const formula = scalar?.(attrs, [ref(0)]) as Scalar;
  return (x) => evaluateScalar(formula, { refs: [Math.fround(x)] });
}

/** The largest absolute error over `count` points of [low, high], which are no regular grid. */
function largestError(f: (x: number) => number, exact: (x: number) => number, low: number, high: number, count = 4000): number {
  const next = numbers(11);
  let absolute = 0;
  for (let i = 0; i < count; i++) {
    const x = Math.fround(low + (high - low) * ((i + next()) / count));
    if (x < low || x > high) continue;
    absolute = Math.max(absolute, Math.abs(f(x) - exact(x)));
  }
  return absolute;
}

describe("stated errors, in true f32 arithmetic", () => {
  it.each(statedErrors.map((s) => [s.name, s] as const))("%s", (_, s) => {
    const x = pointsFor(s, 24);
    const formula = s.scalar(ref(0));
    const { error, at } = worstOf(s, x, Float64Array.from(x, (v) => evaluateScalar(formula, { refs: [v] })));
    expect(error, `at ${at}`).toBeLessThanOrEqual(s.ulp ?? s.absolute ?? 0);
    // A promise that is far from what is kept says nothing; a device may round quotients and roots worse.
    if (s.absolute !== 1 && !["sqrt", "1 / x"].includes(s.name)) expect(error).toBeGreaterThan((s.ulp ?? s.absolute ?? 0) / 5);
  });

  // Each product rounds once: n - 1 of them for x^n, and as many halves of 2^-23 of relative error.
  it.each([[2, 1], [3, 2], [7, 6], [64, 63], [0.5, 1], [-1, 1], [-2, 2], [1.5, 2], [2.3, 12], [-0.7, 6]])("x^%d is off by at most %d · 2^-24 of itself", (exponent, most) => {
    const f = f32Function("pow", { exponent });
    const absolute = largestError((x) => f(x) / Math.fround(x) ** exponent, () => 1, 0.4, 3);
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
    expect(log(1e-40)).toBeCloseTo(Math.log(1e-40), 3);
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
