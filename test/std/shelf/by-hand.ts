/**
 * Arrays for formulas by hand: numbers to put in, elements by their indices, and arrays made index by index.
 *
 *     made([2, 3], (i, j) => i + j)          // [[0, 1, 2], [1, 2, 3]]
 *     elements(g, "x")(n, c, i, j)           // x[n, c, i, j], 0 outside
 */
import type { Given, Nested } from "./record.ts";

/** The array of a shape whose elements are given by their indices. */
export function made(shape: readonly number[], of: (...at: readonly number[]) => number): Nested {
  const build = (at: readonly number[]): Nested => (at.length === shape.length ? of(...at) : Array.from({ length: shape[at.length] ?? 0 }, (_, k) => build([...at, k])));
  return build([]);
}

/** Numbers between -2 and 2, the same every time, none twice and none near 0. */
export function numbers(shape: readonly number[], seed = 1): Nested {
  let k = 0;
  return made(shape, () => {
    const v = 2 * Math.sin(++k * (1.37 + 0.618 * seed) + seed);
    return Math.abs(v) < 0.02 ? v + 0.1 : v;
  });
}

/** Reads elements of an array in row-major order by their indices; outside of it everything is 0. */
export function reader(shape: readonly number[], data: readonly number[]): (...at: readonly number[]) => number {
  return (...at) => {
    let index = 0;
    for (const [axis, i] of at.entries()) {
      const size = shape[axis] ?? 1;
      if (i < 0 || i >= size || !Number.isInteger(i)) return 0;
      index = index * size + i;
    }
    return data[index] ?? 0;
  };
}

/** Elements of what a formula is given. */
export function elements(g: Given, name: string): (...at: readonly number[]) => number {
  return reader(g.shape(name), g.flat(name));
}

/** The sum of a function of every index below a size. */
export function total(shape: readonly number[], of: (...at: readonly number[]) => number): number {
  let sum = 0;
  made(shape, (...at) => {
    const term = of(...at);
    sum += term;
    return term;
  });
  return sum;
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Mean and variance, divided by the count. */
export function moments(x: readonly number[]): { readonly mean: number; readonly variance: number } {
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  return { mean, variance: x.reduce((s, v) => s + (v - mean) ** 2, 0) / x.length };
}
