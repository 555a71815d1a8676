/** Makes Core nodes and tensor values: constants, casts, and what is known before anything runs. */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { type DType, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Core } from "./core.ts";
import type { IndexForm, TensorValue } from "./value.ts";

/** A number as Core. */
export function numberCore(value: number, dtype: DType, span: Span): Core {
  return { kind: "number", value, type: tensor(dtype, []), span };
}

/** A number written in the source or computed from such. */
export function literal(value: number, span: Span): TensorValue {
  return { kind: "tensor", core: numberCore(value, "f32", span), known: value, literal: true };
}

/** A boolean known before anything runs. */
export function literalBoolean(value: boolean, span: Span): TensorValue {
  return { kind: "tensor", core: numberCore(value ? 1 : 0, "bool", span), known: value ? 1 : 0, literal: true };
}

/** A size: a number, or what data will say. `fixed` is where it was fixed. */
export function sizeValue(dim: Dim, span: Span, fixed?: Span): TensorValue {
  const where = fixed && { fixed: [fixed] };
  if (typeof dim === "number") return { ...literal(dim, span), ...where };
  return { kind: "tensor", core: { kind: "size", dim, type: tensor("i32", []), span }, known: dim, literal: true, ...where };
}

/** A tensor of which only its Core is known. */
export function tensorValue(core: Core, more: Omit<TensorValue, "kind" | "core"> = {}): TensorValue {
  return { kind: "tensor", core, ...more };
}

/** The same value with another element type; numbers are written anew, everything else is cast. */
export function coerce(v: TensorValue, dtype: DType): TensorValue {
  const { core } = v;
  if (core.type.dtype === dtype) return v;
  if (core.kind === "number") return { ...v, core: numberCore(core.value, dtype, core.span) };
  const written = v.literal ? rewritten(core, dtype) : undefined;
  if (written) return { ...v, core: written };
  return { ...v, core: castCore(core, dtype) };
}

/** A written table, or what is picked from one, with its numbers written as another type. */
function rewritten(core: Core, dtype: DType): Core | undefined {
  const type = tensor(dtype, core.type.shape);
  if (core.kind === "table") return { ...core, type };
  const from = core.kind === "at" ? core.base : core.kind === "slice" ? core.arg : undefined;
  const base = from && rewritten(from, dtype);
  if (!base) return undefined;
  return core.kind === "at" ? { ...core, base, type } : core.kind === "slice" ? { ...core, arg: base, type } : undefined;
}

/** The numbers of a written table, also of one that this is picked from. */
function tableOf(core: Core): readonly number[] | undefined {
  if (core.kind === "table") return core.data;
  return core.kind === "at" ? tableOf(core.base) : core.kind === "slice" ? tableOf(core.arg) : undefined;
}

/** `core` as elements of another type. */
export function castCore(core: Core, dtype: DType): Core {
  if (core.type.dtype === dtype) return core;
  return { kind: "cast", to: dtype, arg: core, type: tensor(dtype, core.type.shape), span: core.span };
}

/** True for whole numbers and sizes known before anything runs. */
export function isWhole(known: Dim | undefined): boolean {
  return known !== undefined && (typeof known !== "number" || Number.isInteger(known));
}

/** The element type that a value brings along, or undefined when it takes its partner's. */
export function ownDtype(v: TensorValue): DType | undefined {
  if (v.literal && v.core.type.dtype !== "bool") return isWhole(v.known) || wholeNumbers(v.core) ? undefined : "f32";
  return v.core.type.dtype;
}

/** False for written numbers that an i32 cannot hold: among those what has a partner in i32 is counted in f32. */
export function fitsI32(v: TensorValue): boolean {
  const fits = (x: number): boolean => x >= -(2 ** 31) && x < 2 ** 31;
  if (!v.literal) return true;
  return tableOf(v.core)?.every(fits) ?? (typeof v.known !== "number" || fits(v.known));
}

/** True for a table of whole numbers and for what is picked from one: it takes its partner's element type as a number does. */
export function wholeNumbers(core: Core): boolean {
  return tableOf(core)?.every((x) => Number.isInteger(x)) ?? false;
}

/** The linear form of an integer, if it has one. */
export function formOf(v: TensorValue): IndexForm | undefined {
  if (v.form) return v.form;
  return isWhole(v.known) && v.known !== undefined ? { constant: v.known, terms: new Map() } : undefined;
}

/** x + by·y of two forms. */
export function addForms(x: IndexForm, y: IndexForm, by: number): IndexForm {
  const terms = new Map(x.terms);
  for (const [v, k] of y.terms) {
    const sum = (terms.get(v) ?? 0) + k * by;
    if (sum === 0) terms.delete(v);
    else terms.set(v, sum);
  }
  return { constant: dims.add(x.constant, dims.scale(y.constant, by)), terms };
}
