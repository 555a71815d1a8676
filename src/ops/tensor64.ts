/**
 * Dense tensors of doubles for the evaluator: making them and running over their indices.
 *
 *     fill([2, 3], (i) => i[0]! * 10 + i[1]!)      // [[0, 1, 2], [10, 11, 12]]
 */
import type { Tensor64 } from "./op.ts";

/** The number of elements. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** How far apart neighbours along each axis lie, row-major. */
export function strides(shape: readonly number[]): number[] {
  const found = new Array<number>(shape.length).fill(1);
  for (let a = shape.length - 2; a >= 0; a--) found[a] = (found[a + 1] ?? 1) * (shape[a + 1] ?? 1);
  return found;
}

/** Calls `visit` for each index of the shape in row-major order; the array is reused between calls. */
export function each(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const count = elements(shape);
  for (let flat = 0; flat < count; flat++) {
    visit(index, flat);
    for (let a = shape.length - 1; a >= 0; a--) {
      const next = (index[a] ?? 0) + 1;
      index[a] = next < (shape[a] ?? 0) ? next : 0;
      if (index[a] !== 0) break;
    }
  }
}

/** The tensor whose element at an index is what `value` says. */
export function fill(shape: readonly number[], value: (index: readonly number[], flat: number) => number): Tensor64 {
  const data = new Float64Array(elements(shape));
  each(shape, (index, flat) => {
    data[flat] = value(index, flat);
  });
  return { shape, data };
}

/** Σ index · stride. */
export function offset(index: readonly number[], by: readonly number[]): number {
  let at = 0;
  for (let a = 0; a < by.length; a++) at += (index[a] ?? 0) * (by[a] ?? 0);
  return at;
}

/** The index of the element at a row-major position. */
export function indexAt(flat: number, shape: readonly number[]): readonly number[] {
  const index: number[] = [];
  for (let a = shape.length - 1, rest = flat; a >= 0; a--) {
    index.unshift(rest % (shape[a] ?? 1));
    rest = Math.floor(rest / (shape[a] ?? 1));
  }
  return index;
}

/** Integers wrapped to 32 bits; other element types as they are. */
export function wrap(dtype: string, data: Float64Array): Float64Array {
  if (dtype === "i32") for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) | 0;
  if (dtype === "u32") for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) >>> 0;
  return data;
}
