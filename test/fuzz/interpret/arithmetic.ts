/**
 * What the text of an interpreted kernel is given: mathematics in f64, and conversions as WGSL has them. Functions that a kernel
 * computes by polynomials in f32 are the exact ones here, so that what is left between a kernel and its formula is rounding in f64.
 *
 *     exact.get(expFunction)        // "exp": the text says M.exp(x)
 */
import { erf, sigmoid } from "../../../src/ops/float-math.ts";
import {
  cosFunction, erfFunction, expBelowFunction, expFunction, expm1Function, finiteFunction, log1pFunction, logFunction, powerFunction, sigmoidFunction, sinFunction, tanhFunction,
} from "../../../src/ops/functions.ts";
import type { ScalarFunction } from "../../../src/ir/scalar.ts";

/** Functions that are not written out, by the name of their exact form. */
export const exact: ReadonlyMap<ScalarFunction, keyof typeof arithmetic> = new Map([
  [expFunction, "exp"], [expBelowFunction, "exp"], [expm1Function, "expm1"], [logFunction, "log"], [log1pFunction, "log1p"], [sigmoidFunction, "sigmoid"],
  [tanhFunction, "tanh"], [erfFunction, "erf"], [sinFunction, "sin"], [cosFunction, "cos"], [finiteFunction, "finite"], [powerFunction, "pow"],
] as const);

/** Everything that a text may call; bool is 0 or 1. */
export const arithmetic = {
  exp: Math.exp, expm1: Math.expm1, log: Math.log, log1p: Math.log1p, sin: Math.sin, cos: Math.cos, tanh: Math.tanh, pow: Math.pow, erf, sigmoid,
  finite: (x: number): number => (Number.isFinite(x) ? 1 : 0),
  abs: Math.abs, floor: Math.floor, sqrt: Math.sqrt, max: Math.max, min: Math.min, imul: Math.imul,
  /** Integers: what is divided by 0 stays, and leaves nothing. */
  quotient: (x: number, y: number): number => (y === 0 ? x : Math.trunc(x / y)),
  remainder: (x: number, y: number): number => (y === 0 ? 0 : x % y),
  /** A number as an integer between two: cut towards 0. Adding 0 turns -0 into 0. */
  toInt: (x: number): number => clamped(x, -2147483648, 2147483647),
  toUint: (x: number): number => clamped(x, 0, 4294967295),
  bitsOf: (x: number): number => {
    view.setFloat32(0, x);
    return view.getUint32(0);
  },
  ofBits: (x: number): number => {
    view.setUint32(0, x >>> 0);
    return view.getFloat32(0);
  },
} as const;

const view = new DataView(new ArrayBuffer(4));

function clamped(x: number, low: number, high: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high)) + 0;
}
