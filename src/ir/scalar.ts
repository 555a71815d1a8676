/**
 * Scalar expressions: what one invocation computes for one element. Op records state their elementwise
 * meaning in them, kernels are made of them, and any target prints them.
 *
 *     op("add", "f32", [ref(0), constant(1)])
 */
import type { DType } from "./types.ts";

/** Operations every target has exactly or correctly rounded. Shifts and bit operations are on u32; in kernels `bitxor` takes positions too. */
export type ScalarOp =
  | "neg" | "abs" | "floor" | "sqrt" | "not"
  | "add" | "sub" | "mul" | "div" | "max" | "min" | "mod"
  | "==" | "!=" | "<" | "<=" | ">" | ">="
  | "and" | "or" | "select"
  | "shl" | "shr" | "bitand" | "bitor" | "bitxor"
  /** value conversion to `dtype` */
  | "cast"
  /** reinterpretation of the bits as `dtype` */
  | "bitcast"
  /** the first argument as that one of four invocations in step has it whose number differs in the bits of the second: a constant, 1 to 3; in kernels alone */
  | "swap"
  /** the arguments of all invocations that run in step, joined: each of them gets the result; in kernels alone */
  | "subgroup_add" | "subgroup_mul" | "subgroup_max" | "subgroup_any" | "subgroup_all";

/** What one invocation computes for one element. */
export type Scalar =
  | { readonly kind: "constant"; readonly dtype: DType; readonly value: number }
  /** An argument of a scalar function, or in a kernel a local value (a let, a load, an accumulator). */
  | { readonly kind: "ref"; readonly dtype: DType; readonly id: number }
  | { readonly kind: "op"; readonly op: ScalarOp; readonly dtype: DType; readonly args: readonly Scalar[] }
  | { readonly kind: "call"; readonly fn: ScalarFunction; readonly dtype: DType; readonly args: readonly Scalar[] }
  /** A kernel parameter by position in its slots. */
  | { readonly kind: "param"; readonly dtype: DType; readonly slot: number };

/** A named formula (exp, tanh, threefry…): straight-line lets, then a result. Refs 0.. are the arguments, then the lets. */
export interface ScalarFunction {
  readonly name: string;
  /** Method, source and stated error in ULP or absolute. */
  readonly doc: string;
  readonly params: readonly DType[];
  readonly lets: readonly Scalar[];
  readonly result: Scalar;
}

/** A literal. */
export function constant(value: number, dtype: DType = "f32"): Scalar {
  return { kind: "constant", dtype, value };
}

/** An argument or local value by number. */
export function ref(id: number, dtype: DType = "f32"): Scalar {
  return { kind: "ref", dtype, id };
}

/** A basic operation; `dtype` is the result's. */
export function op(name: ScalarOp, dtype: DType, args: readonly Scalar[]): Scalar {
  return { kind: "op", op: name, dtype, args };
}

/** A scalar function applied. */
export function call(fn: ScalarFunction, args: readonly Scalar[]): Scalar {
  return { kind: "call", fn, dtype: fn.result.dtype, args };
}

/** True when the value is made of one of these refs. */
export function refersTo(s: Scalar, ids: { has(id: number): boolean }): boolean {
  if (s.kind === "ref") return ids.has(s.id);
  return (s.kind === "op" || s.kind === "call") && s.args.some((a) => refersTo(a, ids));
}
