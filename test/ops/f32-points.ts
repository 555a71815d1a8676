/**
 * Points all over f32 for tests of functions of one number: every binary exponent, dense around given places, with their
 * neighbours in f32, and the measure of an error there.
 */
import type { StatedError } from "../../src/ops/stated-errors.ts";
import { numbers } from "./cases.ts";

const bits = new DataView(new ArrayBuffer(4));

/** The f32 with these bits. */
function ofBits(word: number): number {
  bits.setUint32(0, word >>> 0);
  return bits.getFloat32(0);
}

/** `steps` spacings of f32 away. */
function neighbour(x: number, steps: number): number {
  bits.setFloat32(0, Math.fround(x));
  const word = bits.getUint32(0);
  return ofBits(word + steps);
}

/** Points inside the range of a promise, each `perExponent` times per binary exponent and sign, and dense near where it is hard. */
export function pointsFor({ from, to, near }: StatedError, perExponent: number): Float32Array {
  const next = numbers(7);
  const points: number[] = [from, to, 0];
  for (let exponent = 1; exponent < 255; exponent++)
    for (let k = 0; k < perExponent; k++) for (const sign of [0, 0x80000000]) points.push(ofBits(sign + exponent * 2 ** 23 + Math.floor(((k + next()) / perExponent) * 2 ** 23)));
  for (const place of [...near, from, to])
    for (let k = 0; k < 200; k++) {
      points.push(neighbour(place, k - 100));
      points.push(Math.fround(place * (1 + 0.02 * (next() - 0.5))));
    }
  for (let k = 0; k < 2000; k++) points.push(Math.fround(20 * (next() - 0.5)), Math.fround(200 * (next() - 0.5)));
  return Float32Array.from(points.filter((x) => Number.isFinite(x) && x >= from && x <= to && (x === 0 || Math.abs(x) >= 2 ** -126)));
}

const largest = 3.4028234663852886e38;

/** The spacing of f32 at a number; subnormal numbers count as the smallest normal ones, which a device may flush. */
export function spacing(x: number): number {
  const size = Math.min(Math.max(Math.abs(x), 2 ** -126), largest);
  bits.setFloat32(0, size);
  return 2 ** ((bits.getUint32(0) >>> 23) - 150);
}

/** How far `y` is off, in what the promise is stated in, and where. */
export function worstOf({ exact, absolute }: StatedError, x: Float32Array, y: ArrayLike<number>): { readonly error: number; readonly at: number } {
  let found = { error: 0, at: 0 };
  x.forEach((v, k) => {
    const e = Math.max(-largest, Math.min(largest, exact(v)));
    const got = y[k] ?? Number.NaN;
    const off = Math.abs(got - e);
    // A device may flush what is below the smallest normal number, on the way to the result too.
    const flushed = off <= 2 ** -126;
    const error = flushed ? 0 : off / (absolute === undefined ? spacing(e) : 1);
    if (!(error <= found.error)) found = { error, at: v };
  });
  return found;
}
