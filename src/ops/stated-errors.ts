/**
 * What each scalar function promises, in one table: tests hold every function to it over all of f32, in true f32 arithmetic and
 * on the device. In ulp: the spacing of f32 at the exact result; results beyond the largest f32 count as it, where functions
 * saturate. An error of 2^-126 counts for nothing, since a device may flush what is smaller, on the way to a result too.
 *
 * WGSL promises less of its own functions, and nothing of some: `exp` 3 + 2 |x| ulp (163 at -80), `log` an absolute 2^-21 near 1
 * (no digit of log(1.0000001)), `tanh` an absolute 1e-5 and nothing beyond 88, `sin` and `cos` 2^-11 and nothing beyond π, `pow`
 * what exp2(y log2 x) gives; `erf`, `expm1` and `log1p` do not exist. Division it rounds to 2.5 ulp and `sqrt` to about 4.5, so on a
 * device that is no better than that, `log log1p tanh sigmoid` may be off by 2.5 ulp more than stated.
 *
 * WGSL lets a device add in another order, too: what ends as (r + …) + 1 in `exp`, off by 1.01 ulp at most as written, Mesa's compiler turns into
 * (1 + r) + …, where 1.27 were measured (llvmpipe 25.0).
 */
import { call, constant } from "../ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../ir/scalar.ts";
import { erf, sigmoid } from "./float-math.ts";
import * as formula from "./formula.ts";
import { cosFunction, erfFunction, expBelowFunction, expFunction, expm1Function, log1pFunction, logFunction, powerScalar, sigmoidFunction, sinFunction, tanhFunction } from "./functions.ts";

/** One promise. */
export interface StatedError {
  readonly name: string;
  readonly scalar: (x: Scalar) => Scalar;
  /** The same in f64. */
  readonly exact: (x: number) => number;
  /** Where it holds. */
  readonly from: number;
  readonly to: number;
  /** At most so many ulp, or so much of whatever size the result is. */
  readonly ulp?: number;
  readonly absolute?: number;
  /** Where the function is hard, besides 0 and the ends: 1 for log, the places where it saturates. */
  readonly near: readonly number[];
}

const largest = 3.4028234663852886e38;
const smallest = 2 ** -126;
const by = (fn: ScalarFunction) => (x: Scalar): Scalar => call(fn, [x]);
const quarters = [1, 2, 3, 4, 7, 100, 101, 6000, 12_000].flatMap((n) => [(n * Math.PI) / 2, (-n * Math.PI) / 2]);

/** The table. */
export const statedErrors: readonly StatedError[] = [
  { name: "exp", scalar: by(expFunction), exact: Math.exp, from: -largest, to: largest, ulp: 1.3, near: [1, -1, 88.72283, -87.33654, 0.3465, -0.3465] },
  { name: "exp, of at most 88", scalar: by(expBelowFunction), exact: Math.exp, from: -largest, to: 88, ulp: 1.3, near: [1, -1, 88, -87.33654, 0.3465, -0.3465] },
  { name: "log", scalar: by(logFunction), exact: Math.log, from: smallest, to: largest, ulp: 1.1, near: [1, Math.SQRT2, Math.SQRT1_2, 2, 0.5] },
  { name: "log1p", scalar: by(log1pFunction), exact: Math.log1p, from: -1 + 2 ** -24, to: largest, ulp: 3, near: [-0.2928, 0.4142, -1, 1] },
  { name: "expm1", scalar: by(expm1Function), exact: Math.expm1, from: -largest, to: largest, ulp: 2, near: [1, -1, 10, -30, 88.72283, 0.3465, -0.3465] },
  { name: "tanh", scalar: by(tanhFunction), exact: Math.tanh, from: -largest, to: largest, ulp: 3, near: [1, -1, 9.02, -9.02, 10, -10] },
  { name: "sigmoid", scalar: by(sigmoidFunction), exact: sigmoid, from: -largest, to: largest, ulp: 3, near: [1, -1, 17, -87.33654, 88] },
  { name: "erf", scalar: by(erfFunction), exact: erf, from: -largest, to: largest, ulp: 2, near: [1, -1, 4, -4, 2.5] },
  { name: "sin", scalar: by(sinFunction), exact: Math.sin, from: -20_000, to: 20_000, absolute: 1.2e-7, near: quarters },
  { name: "cos", scalar: by(cosFunction), exact: Math.cos, from: -20_000, to: 20_000, absolute: 1.2e-7, near: quarters },
  { name: "sin far out", scalar: by(sinFunction), exact: Math.sin, from: -100_000, to: 100_000, absolute: 1e-6, near: [] },
  { name: "cos far out", scalar: by(cosFunction), exact: Math.cos, from: -100_000, to: 100_000, absolute: 1e-6, near: [] },
  { name: "sin of anything", scalar: by(sinFunction), exact: () => 0, from: -largest, to: largest, absolute: 1, near: [] },
  { name: "cos of anything", scalar: by(cosFunction), exact: () => 0, from: -largest, to: largest, absolute: 1, near: [] },
  { name: "sqrt", scalar: formula.sqrt, exact: Math.sqrt, from: smallest, to: largest, ulp: 4.5, near: [1, 2, 4] },
  { name: "1 / x", scalar: (x) => formula.div(constant(1), x), exact: (x) => 1 / x, from: smallest * 4, to: largest / 4, ulp: 2.5, near: [1, 3] },
  { name: "x^2", scalar: (x) => powerScalar(x, 2), exact: (x) => x ** 2, from: -1e18, to: 1e18, ulp: 0.5, near: [1] },
  { name: "x^7", scalar: (x) => powerScalar(x, 7), exact: (x) => x ** 7, from: 1e-5, to: 1e5, ulp: 4, near: [1] },
  { name: "x^1.5", scalar: (x) => powerScalar(x, 1.5), exact: (x) => x ** 1.5, from: 1e-20, to: 1e20, ulp: 2, near: [1] },
  { name: "x^0.3", scalar: (x) => powerScalar(x, 0.3), exact: (x) => x ** Math.fround(0.3), from: 1e-30, to: 1e30, ulp: 2, near: [1] },
  { name: "x^-0.7", scalar: (x) => powerScalar(x, -0.7), exact: (x) => x ** -Math.fround(0.7), from: 1e-30, to: 1e30, ulp: 4, near: [1] },
  { name: "x^20.3", scalar: (x) => powerScalar(x, 20.3), exact: (x) => x ** Math.fround(20.3), from: 0.02, to: 70, ulp: 16, near: [1] },
];
