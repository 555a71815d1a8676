/**
 * Element types and tensor types. `bool` counts as 0/1 in arithmetic only after a cast; indices are `i32`;
 * `u32` occurs in random bits and status words.
 */
import * as dims from "./dims.ts";
import type { Dim } from "./dims.ts";

/** Element types. */
export type DType = "f32" | "i32" | "u32" | "bool";

/** Element type and shape, outermost axis first. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** The type of a tensor; no shape is a scalar. */
export function tensor(dtype: DType, shape: readonly Dim[]): TensorType {
  return { dtype, shape };
}

/** True when ranks and all sizes are equal. */
export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!dims.equal(a[i] as Dim, b[i] as Dim)) return false;
  return true;
}

/** True when element types and shapes are equal. */
export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** `f32[N, 64]`, or `f32` for a scalar. */
export function printType(t: TensorType): string {
  return t.shape.length === 0 ? t.dtype : `${t.dtype}[${t.shape.map(dims.print).join(", ")}]`;
}

/** `[N, 64]`. */
export function printShape(shape: readonly Dim[]): string {
  return `[${shape.map(dims.print).join(", ")}]`;
}
