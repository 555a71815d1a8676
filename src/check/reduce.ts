/**
 * Reductions in tensor notation: `sum(x)`, `softmax`'s `max(x, axis = -1, keep = true)`, `norm(weights)`. They work over
 * all axes or over `axis`; a set of parameters counts as one long vector.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { ReductionOp } from "../syntax/ast.ts";
import type { Context } from "./context.ts";
import type { Core } from "./core.ts";
import { apply, type Operand } from "./elementwise.ts";
import { Variable } from "./equation.ts";
import { coerce, sizeValue, tensorValue } from "./make.ts";
import { reducedDtypes } from "./notation.ts";
import { knownOf } from "./operands.ts";
import { describe, poison, type SetValue, type TensorValue, type Value } from "./value.ts";

/** `norm` is √Σx²; the others are the reductions of index notation. */
export type WholeReduction = ReductionOp | "norm";

/** Axes and whether they stay as axes of size 1. */
export interface Over {
  readonly axis?: Operand | undefined;
  readonly keep: boolean;
}

const lastAxis: readonly WholeReduction[] = ["argmax", "argmin", "logsumexp"];

/** Reduces a tensor or a set. */
export function reduce(cx: Context, op: WholeReduction, operand: Operand, over: Over, span: Span): Value {
  const { value } = operand;
  if (value.kind === "poison") return poison;
  if (value.kind === "set") return reduceSet(cx, op, value, operand.span, span);
  if (value.kind !== "tensor") {
    cx.error({ code: "E0108", message: `\`${op}\` needs a tensor, and this is ${describe(value)}`, span: operand.span, label: describe(value) });
    return poison;
  }
  const { shape } = value.core.type;
  if (value.indexed) {
    cx.error({ code: "E0210", message: `inside index notation \`${op}\` is written with its indices`, span, hint: `${op}[i] x[i]` });
    return poison;
  }
  const axes = axesOf(cx, op, over.axis, shape, operand.span);
  if (!axes) return poison;
  if (axes.length === 0 && op !== "norm") return value;
  if (op === "norm") {
    const squares = apply(cx, "mul", [operand, operand], span);
    return apply(cx, "sqrt", [{ value: reduce(cx, "sum", { value: squares, span: operand.span }, over, span), span }], span);
  }
  if (op === "logsumexp") return logSumExp(cx, operand, axes, over.keep, span);
  return reduceAxes(cx, op, value, axes, over.keep, operand.span, span);
}

function reduceAxes(cx: Context, op: ReductionOp, value: TensorValue, axes: readonly number[], keep: boolean, at: Span, span: Span): Value {
  const { shape, dtype } = value.core.type;
  if ((op === "any" || op === "all" || op === "count") && dtype !== "bool") {
    cx.error({ code: "E0208", message: `\`${op}\` needs conditions, and this is ${dtype}`, span: at, label: dtype });
    return poison;
  }
  if (["max", "min", "argmax", "argmin"].includes(op) && axes.some((a) => shape[a] === 0)) {
    cx.error({ code: "E0215", message: `\`${op}\` over nothing: ${printShape(shape)} has no elements there`, span });
    return poison;
  }
  const { takes, gives } = reducedDtypes(op, dtype);
  const left = shape.filter((_, a) => !axes.includes(a));
  const fixed = shape.map((_, a) => value.fixed?.[a]).filter((_, a) => !axes.includes(a));
  const core: Core = { kind: "reduce", op, axes, arg: coerce(value, takes).core, type: tensor(gives, left), span };
  const made = tensorValue(core, { fixed });
  return keep ? keepAxes(made, axes, shape.length, span) : made;
}

/** The reduced axes back as axes of size 1: out[b, 0] = m[b]. */
function keepAxes(reduced: TensorValue, axes: readonly number[], rank: number, span: Span): TensorValue {
  const variables: Variable[] = [];
  const index: Core[] = [];
  let at = 0;
  for (let axis = 0; axis < rank; axis++) {
    const kept = !axes.includes(axis);
    const variable = new Variable(`k${axis}`, span);
    variable.settle("given", 0, kept ? (reduced.core.type.shape[at] ?? 1) : 1, span, kept ? reduced.fixed?.[at] : undefined);
    variables.push(variable);
    if (kept) {
      index.push({ kind: "index", variable, type: tensor("i32", []), span });
      at++;
    }
  }
  const { dtype } = reduced.core.type;
  const body: Core = { kind: "at", base: reduced.core, index, type: tensor(dtype, []), span };
  const core: Core = { kind: "comprehend", indices: variables, body, type: tensor(dtype, variables.map((v) => v.extent)), span };
  return tensorValue(core, { fixed: variables.map((v) => v.origin) });
}

/** m + log Σ exp(x - m) with m = max x, through which no gradient need flow: softmax is made of the same nodes. */
function logSumExp(cx: Context, operand: Operand, axes: readonly number[], keep: boolean, span: Span): Value {
  if (operand.value.kind !== "tensor") return poison;
  const x: Operand = { value: coerce(operand.value, "f32"), span: operand.span };
  const at = (value: Value): Operand => ({ value, span });
  const tensorX = x.value as TensorValue;
  const max = reduceAxes(cx, "max", tensorX, axes, true, operand.span, span);
  if (max.kind !== "tensor") return poison;
  const stopped = tensorValue({ kind: "stop", arg: max.core, type: max.core.type, span }, { fixed: max.fixed ?? [] });
  const exps = apply(cx, "exp", [at(apply(cx, "sub", [x, at(stopped)], span))], span);
  if (exps.kind !== "tensor") return poison;
  const total = reduceAxes(cx, "sum", exps, axes, keep, operand.span, span);
  const base = keep ? stopped : stop(reduceAxes(cx, "max", tensorX, axes, false, operand.span, span), span);
  return apply(cx, "add", [at(base), at(apply(cx, "log", [at(total)], span))], span);
}

/** The value, through which no gradient flows. */
export function stop(value: Value, span: Span): Value {
  if (value.kind === "set") return { kind: "set", members: value.members.map((m) => stop(m, span) as TensorValue) };
  if (value.kind !== "tensor" || (value.known !== undefined && !value.hypers)) return value;
  const { known: _, literal: __, hypers: ___, form: ____, ...rest } = value;
  return { ...rest, core: { kind: "stop", arg: value.core, type: value.core.type, span } };
}

function axesOf(cx: Context, op: WholeReduction, axis: Operand | undefined, shape: readonly Dim[], span: Span): number[] | undefined {
  const rank = shape.length;
  if (!axis) {
    if (!lastAxis.includes(op)) return shape.map((_, a) => a);
    if (rank > 0) return [rank - 1];
    cx.error({ code: "E0212", message: `\`${op}\` needs an axis, and this is one number`, span });
    return undefined;
  }
  const values = numbersOf(cx, axis.value);
  if (!values) {
    cx.error({ code: "E0209", message: "`axis` must be known before anything runs", span: axis.span, hint: "axis = 1" });
    return undefined;
  }
  const axes = values.map((a) => (a < 0 ? a + rank : a));
  const wrong = axes.some((a) => !Number.isInteger(a) || a < 0 || a >= rank) || new Set(axes).size !== axes.length;
  if (wrong || ((op === "argmax" || op === "argmin") && axes.length !== 1)) {
    const said = `axis ${values.join(", ")} of a tensor with the shape ${printShape(shape)}`;
    cx.error({ code: "E0212", message: `there is no ${said}`, span: axis.span, label: rank === 0 ? "it has no axes" : `axes are 0 to ${rank - 1}` });
    return undefined;
  }
  return axes.sort((a, b) => a - b);
}

/** Whole numbers known before anything runs: `1`, `[1, 2]`. */
export function numbersOf(cx: Context, value: Value): number[] | undefined {
  if (value.kind !== "tensor") return undefined;
  if (value.core.kind === "table") return [...value.core.data];
  const known = knownOf(cx, value);
  return typeof known === "number" ? [known] : undefined;
}

/** A set is one long vector. */
function reduceSet(cx: Context, op: WholeReduction, set: SetValue, at: Span, span: Span): Value {
  const all = (inner: WholeReduction): Operand[] => set.members.map((m) => ({ value: reduce(cx, inner, { value: m, span: at }, { keep: false }, span), span }));
  const total = (parts: readonly Operand[], join: "add" | "max" | "min"): Value => {
    const [first, ...rest] = parts;
    if (!first) return sizeValue(0, span);
    return rest.reduce<Value>((sum, part) => apply(cx, join, [{ value: sum, span }, part], span), first.value);
  };
  switch (op) {
    case "sum":
      return total(all("sum"), "add");
    case "max":
    case "min":
      return total(all(op), op);
    case "mean": {
      const count = set.members.reduce<Dim>((n, m) => dims.add(n, dims.product(m.core.type.shape)), 0);
      return apply(cx, "div", [{ value: total(all("sum"), "add"), span }, { value: sizeValue(count, span), span }], span);
    }
    case "norm": {
      const squares = set.members.map((m): Operand => {
        const x = { value: m, span: at };
        return { value: reduce(cx, "sum", { value: apply(cx, "mul", [x, x], span), span: at }, { keep: false }, span), span };
      });
      return apply(cx, "sqrt", [{ value: total(squares, "add"), span }], span);
    }
    default:
      cx.error({ code: "E0108", message: `\`${op}\` of a set of parameters has no meaning`, span: at, label: "a set of parameters" });
      return poison;
  }
}
