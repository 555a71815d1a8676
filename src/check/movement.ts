/**
 * Functions that move whole tensors: reshape, flatten, transpose, broadcast, concat, stack, split, flip, pad. None is a
 * primitive: each becomes a reshape, a concatenation, or one access with affine indices.
 *
 *     pad(x, 1)           y[i] = x[i - 1] where that is inside x, else 0
 *     flip(x, axis = 1)   y[i, j] = x[i, n - 1 - j]
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { Core } from "./core.ts";
import { commonDtype } from "./choice.ts";
import type { Operand } from "./elementwise.ts";
import { Variable } from "./equation.ts";
import { coerce, numberCore, sizeValue, tensorValue } from "./make.ts";
import { asExtent, asTensor, knownOf } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { numbersOf } from "./reduce.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** A tensor that is moved as a whole; inside index notation there is none. */
export function whole(cx: Context, { value, span }: Operand, what: string): TensorValue | undefined {
  const x = asTensor(cx, value, span, what);
  if (!x?.indexed) return x;
  cx.error({ code: "E0210", message: "inside index notation every value is one number", span, label: "this works on whole tensors" });
  return undefined;
}

function wholes(cx: Context, operands: readonly Operand[]): TensorValue[] | undefined {
  const all = operands.map((o) => whole(cx, o, "a part"));
  return all.every((x) => x !== undefined) ? all : undefined;
}

/** Sizes given one by one. */
function sizes(cx: Context, given: readonly Operand[]): Dim[] | undefined {
  const all = given.map(({ value, span }) => asExtent(cx, value, span, "this dimension"));
  return all.every((d) => d !== undefined) ? all : undefined;
}

/** `axis = 1`, `axis = -1`, `axis = [1, 2]`; all axes where nothing is given and `all` says so. */
function axesOf(cx: Context, given: Operand | undefined, rank: number, span: Span): number[] | undefined {
  if (!given) return Array.from({ length: rank }, (_, a) => a);
  const values = numbersOf(cx, given.value);
  const axes = values?.map((a) => (a < 0 ? a + rank : a));
  if (!values || !axes) {
    if (given.value.kind !== "poison") cx.error({ code: "E0209", message: "`axis` must be known before anything runs", span: given.span, hint: "axis = 1" });
    return undefined;
  }
  if (axes.every((a) => Number.isInteger(a) && a >= 0 && a < rank) && new Set(axes).size === axes.length) return axes;
  cx.error({ code: "E0212", message: `there is no axis ${values.join(", ")} here`, span: given.span ?? span, label: rank === 0 ? "there are no axes" : `axes are 0 to ${rank - 1}` });
  return undefined;
}

/** One axis; the standard one where none is given. */
export function axisOf(cx: Context, given: Operand | undefined, standard: number, rank: number, span: Span): number | undefined {
  if (!given) return standard;
  const axes = axesOf(cx, given, rank, span);
  if (!axes || axes.length === 1) return axes?.[0];
  cx.error({ code: "E0212", message: "one axis is needed here", span: given.span });
  return undefined;
}

/** `reshape(x, N, 2, 3)`: the same elements in row-major order. */
export function reshape(cx: Context, operand: Operand, given: readonly Operand[], span: Span): Value {
  const x = whole(cx, operand, "what is reshaped");
  const shape = sizes(cx, given);
  if (!x || !shape) return poison;
  const before = dims.product(x.core.type.shape);
  if (!dims.equal(before, dims.product(shape))) {
    cx.error({ code: "E0202", message: `${printShape(x.core.type.shape)} has ${dims.print(before)} elements and ${printShape(shape)} has ${dims.print(dims.product(shape))}`, span });
    return poison;
  }
  return reshaped(x, shape, span, given.map((r) => r.span));
}

function reshaped(x: TensorValue, shape: readonly Dim[], span: Span, fixed: readonly (Span | undefined)[]): TensorValue {
  const core: Core = sameShape(shape, x.core.type.shape) ? x.core : { kind: "reshape", arg: x.core, type: tensor(x.core.type.dtype, shape), span };
  return tensorValue(core, { fixed });
}

/** All axes after the first become one. */
export function flatten(cx: Context, operand: Operand, span: Span): Value {
  const x = whole(cx, operand, "what is flattened");
  if (!x) return poison;
  const [first = 1, ...rest] = x.core.type.shape;
  return reshaped(x, [first, dims.product(rest)], span, [x.fixed?.[0], span]);
}

/** `transpose(x)` swaps the last two axes; `transpose(x, 1, 0, 2)` gives their order. */
export function transpose(cx: Context, operand: Operand, given: readonly Operand[], span: Span): Value {
  const x = whole(cx, operand, "what is transposed");
  if (!x) return poison;
  const rank = x.core.type.shape.length;
  const axes = Array.from({ length: rank }, (_, a) => a);
  const swapped = rank < 2 ? axes : [...axes.slice(0, -2), rank - 1, rank - 2];
  const order = given.length === 0 ? swapped : given.flatMap((r) => numbersOf(cx, r.value) ?? [-1]);
  if ([...order].sort((a, b) => a - b).some((a, k) => a !== k) || order.length !== rank) {
    cx.error({ code: "E0212", message: `the order of axes must name each of 0 to ${rank - 1} once`, span });
    return poison;
  }
  const { dtype, shape } = x.core.type;
  const core: Core = { kind: "transpose", order, arg: x.core, type: tensor(dtype, order.map((a) => shape[a] ?? 1)), span };
  return tensorValue(core, { fixed: order.map((a) => x.fixed?.[a]) });
}

/** `broadcast(x, N, 3)`: x repeated along new leading axes and along axes of size 1. A known number becomes a table. */
export function broadcast(cx: Context, operand: Operand, given: readonly Operand[], span: Span): Value {
  const x = whole(cx, operand, "what is broadcast");
  const shape = sizes(cx, given);
  if (!x || !shape) return poison;
  const from = x.core.type.shape;
  const fits = from.length <= shape.length && from.every((d, a) => d === 1 || dims.equal(d, shape[shape.length - from.length + a] ?? 1));
  if (!fits) {
    cx.error({ code: "E0202", message: `${printShape(from)} cannot be repeated to ${printShape(shape)}`, span, label: printShape(from), hint: "only axes of size 1 and missing leading ones are repeated" });
    return poison;
  }
  const fixed = given.map((g) => g.span);
  const { core } = x;
  if (sameShape(from, shape)) return x;
  const count = dims.product(shape);
  if (typeof x.known === "number" && typeof count === "number" && count <= 16) {
    const known = Number(knownOf(cx, x));
    const table: Core = { kind: "table", data: new Array<number>(count).fill(known), type: tensor(core.type.dtype, shape), span };
    return tensorValue(table, { fixed, ...(x.literal && { literal: true }) });
  }
  return tensorValue({ kind: "broadcast", arg: core, type: tensor(core.type.dtype, shape), span }, { fixed });
}

/** `concat(a, b, axis = 1)`: one after the other along an axis, the last one if none is given. */
export function concat(cx: Context, operands: readonly Operand[], given: Operand | undefined, span: Span): Value {
  const parts = wholes(cx, operands);
  if (!parts) return poison;
  const [first] = parts;
  if (!first) {
    cx.error({ code: "E0106", message: "`concat` needs at least one tensor", span });
    return poison;
  }
  const rank = first.core.type.shape.length;
  const axis = axisOf(cx, given, rank - 1, rank, span);
  return axis === undefined ? poison : joined(cx, parts, operands, axis, span);
}

function joined(cx: Context, parts: readonly TensorValue[], operands: readonly Operand[], axis: number, span: Span): Value {
  const [first] = parts as readonly [TensorValue, ...TensorValue[]];
  const { shape: like } = first.core.type;
  const wrong = parts.findIndex((p) => p.core.type.shape.length !== like.length || p.core.type.shape.some((d, a) => a !== axis && !dims.equal(d, like[a] ?? 1)));
  if (axis < 0 || wrong >= 0) {
    cx.error({
      code: "E0202", message: `${parts.map((p) => printShape(p.core.type.shape)).join(" and ")} cannot be joined along axis ${axis}`, span: operands[wrong]?.span ?? span,
      label: printShape(parts[wrong]?.core.type.shape ?? []), related: [labelAt(operands[0]?.span, printShape(like))],
      hint: parts.some((p) => p.core.type.shape.length !== like.length) ? "all must have as many axes; a range keeps one of size 1: `x[:, 0..1]`" : "all other axes must agree",
    });
    return poison;
  }
  const dtype = commonDtype(parts);
  const total = parts.reduce<Dim>((n, p) => dims.add(n, p.core.type.shape[axis] ?? 0), 0);
  const shape = like.map((d, a) => (a === axis ? total : d));
  const core: Core = { kind: "concat", axis, args: parts.map((p) => coerce(p, dtype).core), type: tensor(dtype, shape), span };
  return tensorValue(core, { fixed: shape.map((_, a) => (a === axis ? span : first.fixed?.[a])) });
}

/** `stack(a, b, axis = 1)`: side by side along a new axis, the first one if none is given. */
export function stack(cx: Context, operands: readonly Operand[], given: Operand | undefined, span: Span): Value {
  const parts = wholes(cx, operands);
  if (!parts) return poison;
  const [first] = parts;
  if (!first) {
    cx.error({ code: "E0106", message: "`stack` needs at least one tensor", span });
    return poison;
  }
  const axis = axisOf(cx, given, 0, first.core.type.shape.length + 1, span);
  const wrong = parts.findIndex((p) => !sameShape(p.core.type.shape, first.core.type.shape));
  if (axis === undefined) return poison;
  if (wrong >= 0) {
    cx.error({
      code: "E0202", message: `what is stacked has one shape, and here are ${parts.map((p) => printShape(p.core.type.shape)).join(" and ")}`, span: operands[wrong]?.span ?? span,
      label: printShape(parts[wrong]?.core.type.shape ?? []), related: [labelAt(operands[0]?.span, printShape(first.core.type.shape))],
    });
    return poison;
  }
  const rows = parts.map((p) => reshaped(p, p.core.type.shape.toSpliced(axis, 0, 1), span, (p.fixed ?? []).toSpliced(axis, 0, undefined)));
  return joined(cx, rows, operands, axis, span);
}

/** `a, b = split(x, 2, axis = 1)`: equal parts; `split(x, [2, 3], axis = 1)`: parts of these sizes. The last axis if none is given. */
export function split(cx: Context, operand: Operand, into: Operand, given: Operand | undefined, span: Span): Value {
  const x = whole(cx, operand, "what is split");
  if (!x) return poison;
  const { shape, dtype } = x.core.type;
  const axis = axisOf(cx, given, shape.length - 1, shape.length, span);
  const asked = numbersOf(cx, into.value);
  if (axis === undefined) return poison;
  const size = shape[axis] ?? 1;
  const one = asked?.length === 1 && into.value.kind === "tensor" && into.value.core.type.shape.length === 0 ? (asked[0] ?? 0) : undefined;
  const each = one === undefined ? undefined : dims.divideExactly(size, one);
  const parts: readonly Dim[] | undefined = one === undefined ? asked : each === undefined || one > 4096 ? undefined : new Array<Dim>(Math.max(0, one)).fill(each);
  const total = parts?.reduce<Dim>((a, b) => dims.add(a, b), 0);
  if (!parts || parts.length === 0 || parts.some((p) => typeof p === "number" && (p < 0 || !Number.isInteger(p))) || total === undefined || !dims.equal(total, size)) {
    cx.error({
      code: "E0202", message: `an axis of ${dims.print(size)} cannot be split ${one === undefined ? "into these sizes" : `into ${one} equal parts`}`, span: into.span,
      related: [labelAt(x.fixed?.[axis], `${dims.print(size)} comes from here`)], hint: "the sizes must be known and add up to the axis",
    });
    return poison;
  }
  let from: Dim = 0;
  const items = parts.map((part): TensorValue => {
    const [lo, hi] = [from, dims.add(from, part)];
    from = hi;
    const core: Core = {
      kind: "slice", arg: x.core, type: tensor(dtype, shape.map((d, a) => (a === axis ? part : d))), span,
      items: shape.map((_, a) => (a === axis ? { kind: "range", lo, hi } : { kind: "all" })),
    };
    return tensorValue(core, { fixed: shape.map((_, a) => (a === axis ? into.span : x.fixed?.[a])) });
  });
  return items.length === 1 && items[0] ? items[0] : { kind: "list", items };
}

/** `flip(x, axis = 1)`: backwards along one axis or several. */
export function flip(cx: Context, operand: Operand, given: Operand, span: Span): Value {
  const x = whole(cx, operand, "what is flipped");
  const axes = x && axesOf(cx, given, x.core.type.shape.length, span);
  if (!x || !axes) return poison;
  const last = (size: Dim): Core => sizeCore(dims.sub(size, 1), span);
  const { variables, index } = over(x, x.core.type.shape, span);
  const flipped = index.map((i, a): Core => (axes.includes(a) ? { kind: "apply", op: "sub", args: [last(x.core.type.shape[a] ?? 1), i], type: i.type, span } : i));
  return comprehended(variables, { kind: "at", base: x.core, index: flipped, type: tensor(x.core.type.dtype, []), span }, span);
}

/** `pad(x, 1)`, `pad(x, [before, after], axis = 2, value = 1)`: further elements around the given axes (all of them). */
export function pad(cx: Context, operand: Operand, widths: Operand, given: Operand | undefined, filling: Operand | undefined, span: Span): Value {
  const x = whole(cx, operand, "what is padded");
  const axes = x && axesOf(cx, given, x.core.type.shape.length, span);
  const asked = numbersOf(cx, widths.value);
  const value = filling ? asTensor(cx, filling.value, filling.span, "the value around") : sizeValue(0, span);
  if (!x || !axes || !value) return poison;
  const [before = -1, after = before] = asked ?? [];
  if (!asked || asked.length > 2 || asked.some((n) => !Number.isInteger(n) || n < 0)) {
    cx.error({ code: "E0209", message: "the width of `pad` is a whole number known before anything runs, or two: `[before, after]`", span: widths.span, label: "not a width" });
    return poison;
  }
  if (value.core.type.shape.length > 0 || value.indexed) {
    cx.error({ code: "E0202", message: `the value around is one number, and this has the shape ${printShape(value.core.type.shape)}`, span: filling?.span ?? span });
    return poison;
  }
  const dtype = commonDtype([x, value]);
  const from = coerce(x, dtype).core;
  const shape = from.type.shape.map((d, a) => (axes.includes(a) ? dims.add(d, before + after) : d));
  const { variables, index } = over(x, shape, span);
  const number = tensor("i32", []);
  const moved = index.map((i, a): Core => (axes.includes(a) && before > 0 ? { kind: "apply", op: "sub", args: [i, numberCore(before, "i32", span)], type: number, span } : i));
  const element: Core = { kind: "at", base: from, index: moved, outside: "zero", type: tensor(dtype, []), span };
  const around = coerce(value, dtype).core;
  if (around.kind === "number" && around.value === 0) return comprehended(variables, element, span);
  const compare = (relation: "<" | ">=", a: Core, b: Core): Core => ({ kind: "apply", op: { compare: relation }, args: [a, b], type: tensor("bool", []), span });
  const inside = axes.flatMap((a) => {
    const at = moved[a] as Core;
    return [compare(">=", at, numberCore(0, "i32", span)), compare("<", at, sizeCore(from.type.shape[a] ?? 1, span))];
  });
  const condition = inside.reduce((a, b): Core => ({ kind: "apply", op: "and", args: [a, b], type: tensor("bool", []), span }));
  return comprehended(variables, { kind: "select", condition, then: element, otherwise: around, type: tensor(dtype, []), span }, span);
}

function sizeCore(dim: Dim, span: Span): Core {
  return typeof dim === "number" ? numberCore(dim, "i32", span) : { kind: "size", dim, type: tensor("i32", []), span };
}

/** An index variable for each axis of a shape. */
export function over(x: TensorValue, shape: readonly Dim[], span: Span): { readonly variables: readonly Variable[]; readonly index: readonly Core[] } {
  const variables = shape.map((extent, a) => {
    const variable = new Variable(`i${a}`, span);
    variable.settle("given", 0, extent, span, x.fixed?.[a] ?? span);
    return variable;
  });
  return { variables, index: variables.map((variable): Core => ({ kind: "index", variable, type: tensor("i32", []), span })) };
}

/** The tensor of what the body is for each value of the variables. */
export function comprehended(variables: readonly Variable[], body: Core, span: Span): TensorValue {
  const core: Core = { kind: "comprehend", indices: variables, body, type: tensor(body.type.dtype, variables.map((v) => v.extent)), span };
  return tensorValue(core, { fixed: variables.map((v) => v.origin) });
}

/** `size(x, axis)`. */
export function sizeOf(cx: Context, operand: Operand, axisGiven: Operand, span: Span): Value {
  const x = asTensor(cx, operand.value, operand.span, "what has a size");
  const axis = x && axisOf(cx, axisGiven, 0, x.core.type.shape.length, span);
  const size = axis === undefined ? undefined : x?.core.type.shape[axis];
  return size === undefined || axis === undefined ? poison : sizeValue(size, span, x?.fixed?.[axis]);
}
