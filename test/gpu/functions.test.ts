/** The scalar functions on the device against f64, over the whole range of f32, within the errors they state. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Stmt } from "../../src/ir/kernel.ts";
import { call, constant, op } from "../../src/ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../../src/ir/scalar.ts";
import type { DType } from "../../src/ir/types.ts";
import { finiteFunction, floordivFunction, floormodFunction, logFunction, powerScalar } from "../../src/ops/functions.ts";
import { statedErrors } from "../../src/ops/stated-errors.ts";
import { threefry, threefryFunctions } from "../../src/ops/threefry.ts";
import { pointsFor, worstOf } from "../ops/f32-points.ts";
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

const between = (low: number, high: number, count = 4001): Float32Array => Float32Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));

describe("scalar functions on the device", () => {
  it.each(statedErrors.map((s) => [s.name, s] as const))("%s keeps its stated error over all of f32", async (_, s) => {
    const x = pointsFor(s, 160);
    const { error, at } = worstOf(s, x, await map([{ dtype: "f32", data: x }], "f32", ([v]) => s.scalar(v ?? constant(0))));
    expect(error, `at ${at}`).toBeLessThanOrEqual(s.ulp ?? s.absolute ?? 0);
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
