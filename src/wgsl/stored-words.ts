/**
 * Values as they lie in a binding's array, and back. A buffer is read in its own type whatever type its binding has; bool lies in memory as 0 and 1.
 *
 *     an i32 in an array of f32     ->     bitcast<i32>(b0[i])
 */
import type { DType } from "../ir/types.ts";
import type { StoredType } from "../memory/placement.ts";
import { typeName } from "./print-scalar.ts";

/** What lies in memory as `from`, as a value of type `to`. */
export function fromWord(text: string, from: StoredType, to: DType): string {
  if (from === "f16") return `f32(${text})`;
  if (to === "bool") return `(${from === "u32" ? text : `bitcast<u32>(${text})`} != 0u)`;
  return from === to ? text : `bitcast<${typeName[to]}>(${text})`;
}

/** A value of type `from` as it is stored in an array of type `to`. */
export function toWord(text: string, from: DType, to: StoredType): string {
  if (to === "f16") return `f16(${text})`;
  if (from !== "bool") return from === to ? text : `bitcast<${typeName[to]}>(${text})`;
  const word = `select(0u, 1u, ${text})`;
  return to === "u32" ? word : `bitcast<${typeName[to]}>(${word})`;
}
