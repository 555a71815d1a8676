/**
 * Functions of whole tensors that are primitives: running sums, the order of elements, factors and solves of matrices.
 *
 *     cumsum(x)                   f32[..., n] to f32[..., n]:  s_i = Σ_{j <= i} x_j
 *     argsort(x, axis = 0)        f32[n] to i32[n]:            x[argsort(x)] ascends
 *     cholesky(A)                 f32[..., n, n]:              L with L Lᵀ = A
 *     triangular_solve(L, b)      f32[..., n, n], f32[..., n, m] or f32[n]:  x with L x = b
 */
import * as dims from "../ir/dims.ts";
import { printShape, printType, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { Core, PrimitiveOp } from "./core.ts";
import { apply, broadcast, type Operand } from "./elementwise.ts";
import { proveInside } from "./equation.ts";
import { coerce, sizeValue, tensorValue } from "./make.ts";
import { axisOf, comprehended, over, whole } from "./movement.ts";
import { knownOf } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** True for an option that is given and holds; `standard` where it is not given. */
export function option(cx: Context, given: Operand | undefined, standard: boolean): boolean {
  if (!given) return standard;
  const known = given.value.kind === "tensor" ? knownOf(cx, given.value) : undefined;
  if (known === undefined && given.value.kind !== "poison") cx.error({ code: "E0209", message: "an option must be known before anything runs", span: given.span, label: "`true` or `false` is needed here" });
  return known === 1;
}

/** `cumsum(x, axis = -1, reverse = false, exclusive = false)`. */
export function cumsum(cx: Context, operand: Operand, axisGiven: Operand | undefined, ways: { readonly reverse: boolean; readonly exclusive: boolean }, span: Span): Value {
  const line = lineOf(cx, operand, axisGiven, "what is summed", span);
  if (!line) return poison;
  const summed = line.x.core.type.dtype === "i32" ? line.x : coerce(line.x, "f32");
  return primitive({ name: "cumsum", axis: line.axis, ...ways }, [summed], summed, span);
}

/** `argsort(x, axis = -1, descending = false)`: positions, i32. */
export function argsort(cx: Context, operand: Operand, axisGiven: Operand | undefined, descending: boolean, span: Span): Value {
  const line = lineOf(cx, operand, axisGiven, "what is ordered", span);
  if (!line) return poison;
  const ordered = line.x.core.type.dtype === "i32" ? line.x : coerce(line.x, "f32");
  const made = primitive({ name: "argsort", axis: line.axis, descending }, [ordered], ordered, span);
  return { ...made, core: { ...made.core, type: tensor("i32", ordered.core.type.shape) } };
}

/** `take_along(x, places, axis = -1)`: for each place the element of x that it names along the axis; other axes are those of x. */
export function takeAlong(cx: Context, operand: Operand, given: Operand, axisGiven: Operand | undefined, span: Span): Value {
  const line = lineOf(cx, operand, axisGiven, "what is taken from", span);
  const places = whole(cx, given, "the places");
  if (!line || !places) return poison;
  const { x, axis } = line;
  const { shape, dtype } = x.core.type;
  const taken = places.core.type.shape;
  if (places.core.type.dtype !== "i32") {
    cx.error({ code: "E0208", message: `places are whole numbers, and these are ${places.core.type.dtype}`, span: given.span, label: printType(places.core.type) });
    return poison;
  }
  if (taken.length !== shape.length || taken.some((d, a) => a !== axis && !dims.equal(d, shape[a] ?? 1))) {
    cx.error({
      code: "E0202", message: `places of the shape ${printShape(taken)} do not fit ${printShape(shape)}`, span: given.span, label: printShape(taken),
      related: [labelAt(operand.span, printShape(shape))], hint: `they have the axes of what is taken from, but for axis ${axis}`,
    });
    return poison;
  }
  const inside = proveInside({ index: places.core, form: undefined, size: shape[axis] ?? 1, fixed: x.fixed?.[axis], span: given.span, guards: [] }, cx.ranges(), (p) => cx.error(p));
  if (!inside) return poison;
  const { variables, index } = over(x, taken, span);
  const place: Core = { kind: "at", base: places.core, index, type: tensor("i32", []), span };
  return comprehended(variables, { kind: "at", base: x.core, index: index.map((i, a) => (a === axis ? place : i)), type: tensor(dtype, []), span }, span);
}

function lineOf(cx: Context, operand: Operand, given: Operand | undefined, what: string, span: Span): { readonly x: TensorValue; readonly axis: number } | undefined {
  const x = whole(cx, operand, what);
  const rank = x?.core.type.shape.length ?? 0;
  if (x && rank === 0) {
    cx.error({ code: "E0212", message: `${what} needs an axis, and this is one number`, span: operand.span, label: printType(x.core.type) });
    return undefined;
  }
  const axis = x && axisOf(cx, given, rank - 1, rank, span);
  return x && axis !== undefined ? { x, axis } : undefined;
}

/** `cholesky(A)`, of (A + Aᵀ) / 2: the gradient is symmetric as A is. */
export function cholesky(cx: Context, operand: Operand, span: Span): Value {
  const x = squareOf(cx, operand);
  if (!x) return poison;
  const { shape } = x.core.type;
  const order = shape.map((_, a) => a);
  const mirrored: Core = { kind: "transpose", order: [...order.slice(0, -2), order.length - 1, order.length - 2], arg: x.core, type: x.core.type, span };
  const at = (value: Value): Operand => ({ value, span });
  const sum = apply(cx, "add", [at(x), at(tensorValue(mirrored, { fixed: x.fixed ?? [] }))], span);
  const mean = apply(cx, "div", [at(sum), at(sizeValue(2, span))], span);
  return mean.kind === "tensor" ? primitive({ name: "cholesky" }, [mean], x, span) : poison;
}

/** `triangular_solve(A, b, lower = true)`: b is a vector, or matrices whose leading axes broadcast with those of A. */
export function triangularSolve(cx: Context, matrix: Operand, right: Operand, lower: boolean, span: Span): Value {
  const a = squareOf(cx, matrix);
  const b = whole(cx, right, "the right side");
  if (!a || !b) return poison;
  const n = a.core.type.shape.at(-1) ?? 1;
  const { shape } = b.core.type;
  const isVector = shape.length === 1;
  const rows = isVector ? shape[0] : shape.at(-2);
  if (rows === undefined || !dims.equal(rows, n)) {
    cx.error({
      code: "E0203", message: `a matrix ${printShape(a.core.type.shape)} has no solution for a right side ${printShape(shape)}`, span: right.span, label: printShape(shape),
      related: [labelAt(matrix.span, printShape(a.core.type.shape))], hint: "the right side is a vector f32[n] or matrices f32[..., n, m]",
    });
    return poison;
  }
  const column = isVector ? reshaped(b, [n, 1], span) : coerce(b, "f32");
  const lead = broadcast(cx, [leading(a, matrix.span), leading(column, right.span)], span, "triangular_solve");
  if (!lead) return poison;
  const [left, side] = [a, column].map((v) => spread(v, [...lead.dims, ...v.core.type.shape.slice(-2)], span)) as [TensorValue, TensorValue];
  const solved = primitive({ name: "triangular_solve", lower }, [left, side], side, span);
  return isVector ? reshaped(solved, [...lead.dims, n], span) : solved;
}

function squareOf(cx: Context, operand: Operand): TensorValue | undefined {
  const x = whole(cx, operand, "a matrix");
  if (!x) return undefined;
  const [rows, columns] = x.core.type.shape.slice(-2);
  if (rows !== undefined && columns !== undefined && dims.equal(rows, columns)) return coerce(x, "f32");
  cx.error({ code: "E0202", message: `a square matrix is needed, and this has the shape ${printShape(x.core.type.shape)}`, span: operand.span, label: printShape(x.core.type.shape) });
  return undefined;
}

/** Its axes before the last two, for broadcasting. */
function leading(v: TensorValue, span: Span): Operand & { readonly value: TensorValue } {
  const shape = v.core.type.shape.slice(0, -2);
  return { value: { ...v, core: { ...v.core, type: tensor("f32", shape) }, fixed: shape.map((_, a) => v.fixed?.[a]) }, span };
}

function spread(v: TensorValue, shape: readonly dims.Dim[], span: Span): TensorValue {
  return sameShape(shape, v.core.type.shape) ? v : tensorValue({ kind: "broadcast", arg: v.core, type: tensor("f32", shape), span });
}

function reshaped(v: TensorValue, shape: readonly dims.Dim[], span: Span): TensorValue {
  return tensorValue({ kind: "reshape", arg: coerce(v, "f32").core, type: tensor("f32", shape), span });
}

/** The primitive over these, with the type of `like`. */
function primitive(op: PrimitiveOp, args: readonly TensorValue[], like: TensorValue, span: Span): TensorValue {
  return tensorValue({ kind: "primitive", op, args: args.map((a) => a.core), type: like.core.type, span }, { fixed: like.fixed ?? [] });
}
