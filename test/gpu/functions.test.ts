/** The scalar functions on the device against f64, over the whole range of f32, within the errors they state. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Stmt } from "../../src/ir/kernel.ts";
import { call, constant, op } from "../../src/ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../../src/ir/scalar.ts";
import type { DType } from "../../src/ir/types.ts";
import {
  cosFunction, erfFunction, expFunction, expm1Function, finiteFunction, floordivFunction, floormodFunction, log1pFunction, logFunction, powerScalar,
  sigmoidFunction, sinFunction, tanhFunction,
} from "../../src/ops/functions.ts";
import { threefry, threefryFunctions } from "../../src/ops/threefry.ts";
import { at, NestWriter } from "./nests.ts";
import { buffer, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

type Numbers = Float32Array | Int32Array | Uint32Array;

/** f of the arguments, element by element, on the device. */
async function map(args: readonly { readonly dtype: DType; readonly data: Numbers }[], dtype: DType, f: (args: readonly Scalar[]) => Scalar): Promise<number[]> {
  const w = new NestWriter();
  const count = args[0]?.data.length ?? 0;
  const i = w.axis("i", count);
  const body: Stmt[] = [];
  const values = args.map(({ dtype: type }, k) => w.load(body, buffer(`x${k}`, [count], "input", { dtype: type }), at(i)));
  body.push({ kind: "store", buffer: buffer("y", [count], "output", { dtype }), index: at(i), value: w.let(body, f(values)) });
  const inputs = Object.fromEntries(args.map(({ data }, k) => [`x${k}`, data]));
  const { y } = await runNests(gpu.device, { nests: [w.nest("map", "pointwise", [i], body)], inputs });
  return [...(y ?? [])].map(Number);
}

const ofF32 = (fn: ScalarFunction, data: Float32Array): Promise<number[]> => map([{ dtype: "f32", data }], fn.result.dtype, (args) => call(fn, args));

/** Numbers of both signs, denser near 0, from the smallest normal to 1e38, and some round ones. */
const everywhere = Float32Array.from([
  0, 1, -1, 0.5, -0.5, 2, 1e30, -1e30, 1e-30, -1e-30, 1e38,
  ...Array.from({ length: 4000 }, (_, k) => (k % 2 === 0 ? 1 : -1) * 10 ** (-37 + (k / 4000) * 74)),
]);
const between = (low: number, high: number, count = 4001): Float32Array => Float32Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));

/** The spacing of f32 at a number; subnormal numbers count as the smallest normal ones, which a device may flush. */
function spacing(x: number): number {
  const size = Math.max(Math.abs(x), 2 ** -126);
  return 2 ** (Math.floor(Math.log2(size)) - 23);
}

function worst(x: Float32Array, y: readonly number[], exact: (v: number) => number): { ulp: number; absolute: number; at: number } {
  let found = { ulp: 0, absolute: 0, at: 0 };
  x.forEach((v, k) => {
    const e = exact(v);
    const clamped = Math.max(-3.4028234663852886e38, Math.min(3.4028234663852886e38, e));
    const absolute = Math.abs((y[k] ?? Number.NaN) - clamped);
    const below = Math.abs(clamped) < 2 ** -126 && Math.abs(y[k] ?? 1) <= 2 ** -126;
    const ulp = below ? 0 : absolute / spacing(clamped);
    if (!(ulp <= found.ulp)) found = { ulp, absolute: Math.max(absolute, found.absolute), at: v };
    else found = { ...found, absolute: Math.max(absolute, found.absolute) };
  });
  return found;
}

/** erf by its series near 0 and by the continued fraction of erfc far out, in f64. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z < 2.5) {
    let [term, sum] = [z, z];
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = z;
  for (let n = 120; n >= 1; n--) f = z + n / 2 / f;
  return Math.sign(x) * (z > 10 ? 1 : 1 - Math.exp(-z * z) / (f * Math.sqrt(Math.PI)));
}

const positive = everywhere.filter((v) => v >= 2 ** -126);
const cases: readonly (readonly [ScalarFunction, number, (v: number) => number, readonly Float32Array[]])[] = [
  [expFunction, 2, Math.exp, [everywhere, between(-87.3, 88.7)]],
  [logFunction, 2, Math.log, [positive, between(0.5, 2)]],
  [log1pFunction, 3, Math.log1p, [everywhere.filter((v) => v > -1), between(-0.99, 2)]],
  [expm1Function, 3, Math.expm1, [everywhere, between(-31, 88.7), between(-0.01, 0.01)]],
  [tanhFunction, 4, Math.tanh, [everywhere, between(-11, 11), between(-0.01, 0.01)]],
  [sigmoidFunction, 4, (v) => 1 / (1 + Math.exp(-v)), [everywhere, between(-87, 20)]],
  [erfFunction, 4, erf, [everywhere, between(-5, 5), between(-0.01, 0.01)]],
];

describe("scalar functions on the device", () => {
  it.each(cases.map(([fn, ulp, exact, inputs]) => ({ name: fn.name, fn, ulp, exact, inputs })))("$name stays within $ulp ulp", async ({ fn, ulp, exact, inputs }) => {
    for (const x of inputs) {
      const found = worst(x, await ofF32(fn, x), exact);
      expect(found.ulp, `worst at ${found.at}`).toBeLessThanOrEqual(ulp);
    }
  });

  it.each([["sin", sinFunction, Math.sin], ["cos", cosFunction, Math.cos]] as const)("%s stays within 1.5e-7", async (_, fn, exact) => {
    for (const x of [between(-10, 10), between(-20_000, 20_000)]) expect(worst(x, await ofF32(fn, x), exact).absolute).toBeLessThan(1.5e-7);
  });

  it("gives bits of infinity and NaN at the edges of log", async () => {
    const y = await map([{ dtype: "f32", data: Float32Array.of(0, -1, -1e30) }], "u32", ([x]) => op("bitcast", "u32", [call(logFunction, x ? [x] : [])]));
    expect(y[0]).toBe(0xff800000);
    for (const bits of y.slice(1)) expect((bits & 0x7f800000) === 0x7f800000 && (bits & 0x7fffff) !== 0).toBe(true);
  });

  it("tells finite bits from others", async () => {
    const data = Float32Array.of(0, 1, -3.4e38, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN);
    expect(await ofF32(finiteFunction, data)).toEqual([1, 1, 1, 0, 0, 0]);
  });

  it("divides integers rounding down", async () => {
    const [x, y] = [Int32Array.of(7, -7, 7, -7, 6, 0, -1), Int32Array.of(2, 2, -2, -2, 3, 5, 64)];
    const args = [{ dtype: "i32", data: x }, { dtype: "i32", data: y }] as const;
    expect(await map(args, "i32", (a) => call(floordivFunction, a))).toEqual([...x].map((v, k) => Math.floor(v / (y[k] ?? 1)) + 0));
    expect(await map(args, "i32", (a) => call(floormodFunction, a))).toEqual([1, 1, -1, -1, 0, 0, 63]);
  });

  it.each([2, 3, 7, 0.5, 1.5, -1, -0.5, 2.7])("raises to the power %f", async (exponent) => {
    const x = between(0.05, 9, 500);
    const y = await map([{ dtype: "f32", data: x }], "f32", ([v]) => powerScalar(v ?? constant(0), exponent));
    const error = Math.max(...Array.from(x, (v, k) => Math.abs((y[k] ?? 0) / v ** exponent - 1)));
    expect(error).toBeLessThan(1.5e-6);
  });

  it("draws the known words of Threefry", async () => {
    const keys = [[0, 0, 0, 0], [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3]] as const;
    const columns = [0, 1, 2, 3].map((c) => ({ dtype: "u32" as const, data: Uint32Array.from(keys.map((k) => k[c] ?? 0)) }));
    const words = await Promise.all(threefryFunctions.map((fn) => map(columns, "u32", (args) => call(fn, args))));
    const known = [[0x6b200159, 0x99ba4efe], [0x1cb996fc, 0xbb002be7], [0xc4923a9c, 0x483df7a0]];
    expect(keys.map((_, k) => words.map((w) => w[k]))).toEqual(known);
    expect(keys.map(([a, b, c, d]) => threefry([a, b], [c, d]))).toEqual(known);
  });
});
