/**
 * Brackets after a tensor. In index notation, `x[b, i + u]` is one number; in tensor notation, `x[:, 0..3]` slices and
 * `E[ids]` gathers. Missing trailing axes are whole, `...` stands for the axes that are not written.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Ellipsis, Index, Item } from "../syntax/ast.ts";
import type { Context, Env } from "./context.ts";
import type { Core, SliceItem } from "./core.ts";
import { broadcast, doubledName, unionOf } from "./elementwise.ts";
import { provablyNonnegative } from "./bounds.ts";
import { type Access, type Equation, proveInside, Variable } from "./equation.ts";
import { coerce, formOf, literal, tensorValue, wholeNumbers } from "./make.ts";
import { asTensor, evaluateRange, evaluateTensor, knownOf } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** An item of brackets once it is read. */
type Part =
  | { readonly kind: "rest"; readonly span: Span }
  | { readonly kind: "all"; readonly span: Span }
  | { readonly kind: "range"; readonly lo: Dim; readonly hi: Dim; readonly span: Span }
  | { readonly kind: "index"; readonly value: TensorValue; readonly span: Span };

/** `target[items]` of a tensor. */
export function indexTensor(cx: Context, base: TensorValue, expr: Index, env: Env): Value {
  const parts: Part[] = [];
  for (const item of expr.items) {
    const part = readItem(cx, item, env);
    if (!part) return poison;
    parts.push(part);
  }
  const indexed = base.indexed !== undefined || parts.some((p) => p.kind === "index" && p.value.indexed);
  const plain = parts.every((p) => p.kind === "index" || p.kind === "rest");
  const rank = base.core.type.shape.length;
  const written = parts.filter((p) => p.kind !== "rest").length;
  const rests = parts.length - written;
  if (rests > 1 || written > rank || (rests === 0 && indexed && written !== rank)) {
    cx.error({
      code: "E0204", message: `${written} ${written === 1 ? "index" : "indices"} for a tensor with ${rank} ${rank === 1 ? "axis" : "axes"}`, span: expr.span,
      label: printShape(base.core.type.shape), related: [labelAt(base.core.span, "the tensor is made here")],
    });
    return poison;
  }
  const number = entry(cx, base, parts, expr.span);
  if (number) return number;
  if (cx.equation && plain && (indexed || (env.indices && (written === rank || rests === 1)))) {
    const scalars = parts.every((p) => p.kind !== "index" || p.value.core.type.shape.length === 0);
    if (scalars) return oneNumber(cx, cx.equation, base, parts, expr.span);
  }
  if (indexed) {
    cx.error({ code: "E0210", message: "inside index notation a tensor is indexed in full, by one number per axis", span: expr.span, label: "not one number", hint: written === rank && parts.some((p) => p.kind === "all") ? "an index in the place of `:`, and a sum over it: `sum[j] x[i, j] * w[j]`" : undefined });
    return poison;
  }
  return slice(cx, base, parts, expr.span);
}

function readItem(cx: Context, item: Item, env: Env): Part | undefined {
  const { span } = item;
  switch (item.kind) {
    case "ellipsis":
      return { kind: "rest", span };
    case "whole":
      return { kind: "all", span };
    case "range": {
      const range = evaluateRange(cx, item, env, "a slice");
      return range && { kind: "range", ...range, span };
    }
    case "bound":
      cx.error({ code: "E0103", message: "an index is bound on the left of an equation or in a reduction's brackets", span, label: "binds nothing here", hint: "sum[i in 0..n] x[i]" });
      return undefined;
    default: {
      if (env.indices && item.kind === "name" && item.name.length <= 2 && !["pi", "g"].includes(item.name) && !env.scope.lookup(item.name)) {
        const key = `${env.frame.id} ${item.name}`;
        if (!cx.unknownNames.has(key)) cx.error({ code: "E0103", message: `the index \`${item.name}\` is bound nowhere`, span, label: "no binder", hint: cx.endedHint(item.name, span) ?? `bind it on the left, \`z[…, ${item.name}] = …\`, or in a reduction, \`sum[${item.name}] …\`` });
        cx.unknownNames.add(key);
        return undefined;
      }
      const value = evaluateTensor(cx, item, env, "an index");
      return value && { kind: "index", value, span };
    }
  }
}

/** The parts with `...` written out: `rest` gives each axis that it stands for. */
function expand(parts: readonly Part[], rank: number, rest: (position: number, span: Span) => Part): Part[] {
  const missing = rank - parts.filter((p) => p.kind !== "rest").length;
  const at = parts.findIndex((p) => p.kind === "rest");
  const span = parts[at]?.span ?? parts.at(-1)?.span;
  const filled = span ? Array.from({ length: missing }, (_, k) => rest(k, span)) : [];
  return at < 0 ? [...parts, ...filled] : [...parts.slice(0, at), ...filled, ...parts.slice(at + 1)];
}

/** The variables that `...` stands for in this equation; the first access says how many. */
export function ellipsisVariables(cx: Context, equation: Equation, count: number, at: Ellipsis | { readonly span: Span }): readonly Variable[] | undefined {
  if (!equation.ellipsis) {
    equation.ellipsis = Array.from({ length: count }, (_, k) => new Variable(`…${k}`, at.span));
    equation.variables.push(...equation.ellipsis);
  }
  if (equation.ellipsis.length === count) return equation.ellipsis;
  cx.error({ code: "E0204", message: `\`...\` stands for ${count} axes here and for ${equation.ellipsis.length} elsewhere in the equation`, span: at.span });
  return undefined;
}

/** The value of an index variable. */
export function variableValue(variable: Variable): TensorValue {
  const core: Core = { kind: "index", variable, type: tensor("i32", []), span: variable.span };
  return tensorValue(core, { indexed: new Set([variable]), form: { constant: 0, terms: new Map([[variable, 1]]) } });
}

/** Index notation: one i32 number per axis. */
function oneNumber(cx: Context, equation: Equation, base: TensorValue, parts: readonly Part[], span: Span): Value {
  const { shape, dtype } = base.core.type;
  let full: readonly Part[] = parts;
  const ellipsis = parts.find((p) => p.kind === "rest");
  if (ellipsis) {
    const variables = ellipsisVariables(cx, equation, shape.length - parts.length + 1, ellipsis);
    if (!variables) return poison;
    full = expand(parts, shape.length, (k, at) => ({ kind: "index", value: variableValue(variables[k] as Variable), span: at }));
  }
  const index: Core[] = [];
  const used: TensorValue[] = [];
  // Filled when the equation is solved.
  const guarded = new Set<number>();
  for (const [axis, part] of full.entries()) {
    if (part.kind !== "index") continue;
    const whole = integer(cx, part.value, part.span);
    if (!whole) return poison;
    equation.accesses.push({ ...accessOf(whole, shape[axis] ?? 1, base.fixed?.[axis], part.span), guards: cx.guards, onGuarded: () => guarded.add(axis) });
    index.push(whole.core);
    used.push(whole);
  }
  const indexed = unionOf([base.indexed, ...used.map((v) => v.indexed)]);
  const core: Core = { kind: "at", base: base.core, index, guarded, type: tensor(dtype, []), span };
  return tensorValue(core, { ...(indexed && { indexed }), ...(base.literal && { literal: true }) });
}

/** One index of one access, under no condition. */
function accessOf(whole: TensorValue, size: Dim, fixed: Span | undefined, span: Span): Access {
  return { index: whole.core, form: formOf(whole), size, fixed, span, guards: [] };
}

/** An index as i32. */
function integer(cx: Context, v: TensorValue, span: Span): TensorValue | undefined {
  // A number of the program is part of it: it fixes what is read.
  if (v.hypers) knownOf(cx, v);
  const whole = v.core.type.dtype === "i32" || (v.literal && (formOf(v) !== undefined || wholeNumbers(v.core)));
  if (whole) return coerce(v, "i32");
  cx.error({ code: "E0208", message: `an index is a whole number, and this is ${v.core.type.dtype}`, span, label: v.core.type.dtype, hint: v.core.kind === "apply" && v.core.op === "div" ? "`i // n` divides whole numbers" : "`i32(…)` makes it whole" });
  return undefined;
}

/** A number of a table that is picked before anything runs: `[3, 5][1]`. */
function entry(cx: Context, { core, literal: written }: TensorValue, parts: readonly Part[], span: Span): TensorValue | undefined {
  if (core.kind !== "table" || !written || parts.length !== core.type.shape.length) return undefined;
  let flat = 0;
  for (const [axis, part] of parts.entries()) {
    const at = part.kind === "index" ? part.value.known : undefined;
    const size = Number(core.type.shape[axis]);
    if (part.kind !== "index" || typeof at !== "number" || !Number.isInteger(at) || at < 0 || at >= size) return undefined;
    knownOf(cx, part.value);
    flat = flat * size + at;
  }
  return literal(core.data[flat] ?? 0, span);
}

/**
 * Tensor notation. Lists of whole numbers pick together, element by element, as `x[a[k], b[k]]` says it: they are joined like the operands
 * of an operator, and the axes that they have in common stand where the first of them stands.
 */
function slice(cx: Context, base: TensorValue, parts: readonly Part[], span: Span): Value {
  const { shape, dtype } = base.core.type;
  const full = expand(parts, shape.length, (_, at) => ({ kind: "all", span: at }));
  const picks = full.map((part) => part.kind === "index" ? integer(cx, part.value, part.span) : undefined);
  const lists = full.flatMap(({ span: at }, axis) => {
    const value = picks[axis];
    return value && value.core.type.shape.length > 0 ? [{ value, span: at, axis }] : [];
  });
  const joint = lists.length === 0 ? undefined : broadcast(cx, lists, span, "one pair of brackets", "lists in one pair of brackets pick together, like `x[a[k], b[k]]`; every row with every column is `x[a][:, b]`");
  if (lists.length > 0 && !joint) return poison;
  const items: SliceItem[] = [];
  const result: Dim[] = [];
  const fixed: (Span | undefined)[] = [];
  for (const [axis, part] of full.entries()) {
    const size = shape[axis] ?? 1;
    const from = base.fixed?.[axis];
    if (part.kind === "range") {
      if (!within(cx, part.lo, dims.sub(part.hi, 1), size, from, part.span)) return poison;
      items.push({ kind: "range", lo: part.lo, hi: part.hi });
      result.push(dims.sub(part.hi, part.lo));
      fixed.push(part.span);
    } else if (part.kind === "index") {
      const whole = picks[axis];
      if (!whole || !proveInside(accessOf(whole, size, from, part.span), cx.ranges(), (p) => cx.error(p))) return poison;
      items.push({ kind: "at", index: whole.core });
      if (axis !== lists[0]?.axis || !joint) continue;
      result.push(...joint.dims);
      fixed.push(...joint.fixed);
    } else {
      items.push({ kind: "all" });
      result.push(size);
      fixed.push(from);
    }
  }
  const doubled = doubledName(result, [base.core.type.shape, ...lists.map((l) => l.value.core.type.shape)]);
  if (doubled !== undefined) {
    cx.error({
      code: "E0201", message: `these brackets would make ${doubled} occur twice: ${printShape(shape)} picked by ${lists.map((l) => printShape(l.value.core.type.shape)).join(" and ")} gives ${printShape(result)}`,
      span, label: printShape(result), hint: "one element for each is index notation: `p[n] = x[n, y[n]]`",
    });
    return poison;
  }
  const core: Core = { kind: "slice", items, arg: base.core, type: tensor(dtype, result), span };
  return tensorValue(core, { fixed, ...(base.literal && { literal: true }) });
}

/** A range of a slice lies inside the axis. */
function within(cx: Context, least: Dim, greatest: Dim, size: Dim, from: Span | undefined, span: Span): boolean {
  if (provablyNonnegative(least) && provablyNonnegative(dims.sub(dims.sub(size, 1), greatest))) return true;
  const last = dims.print(dims.sub(size, 1));
  const reach = dims.equal(least, greatest) ? dims.print(least) : `${dims.print(least)} to ${dims.print(greatest)}`;
  cx.error({
    code: "E0205", message: `the slice takes ${reach}, and the axis has indices 0 to ${last}`, span, label: reach,
    related: [labelAt(from, `the axis has ${dims.print(size)} elements because of this`)],
    hint: typeof least === "number" && least < 0 ? "positions count from the start; there are no negative ones" : undefined,
  });
  return false;
}


/** `value` as a tensor to index. */
export function indexable(cx: Context, value: Value, span: Span): TensorValue | undefined {
  return asTensor(cx, value, span, "what stands before brackets");
}
