/**
 * The functions of the core: what the library in `.dl` is written in, and no more. Elementwise functions, reductions,
 * movements of tensors, distributions, and the forms of differentiation.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Call } from "../syntax/ast.ts";
import { choose } from "./choice.ts";
import type { Context, Env } from "./context.ts";
import type { ApplyOp, Core } from "./core.ts";
import { directional, gradient } from "./derivatives.ts";
import { apply, type Operand } from "./elementwise.ts";
import { castCore, coerce, sizeValue, tensorValue } from "./make.ts";
import { asSize, asTensor, knownOf } from "./operands.ts";
import { numbersOf, reduce, stop, type WholeReduction } from "./reduce.ts";
import { type GivenArgument, poison, type TensorValue, type Value } from "./value.ts";

interface Given {
  readonly name?: string;
  readonly given: GivenArgument;
}

/** What a core function gets: its arguments by parameter, and where the call stands. */
interface Site {
  readonly args: ReadonlyMap<string, Operand>;
  readonly rest: readonly Operand[];
  readonly span: Span;
  readonly env: Env;
}

interface Builtin {
  readonly params: readonly string[];
  /** How many of the parameters must be given. */
  readonly required: number;
  /** Further positional arguments are taken. */
  readonly open?: boolean;
  readonly run: (cx: Context, site: Site) => Value;
}

const need = (site: Site, name: string): Operand => site.args.get(name) ?? { value: poison, span: site.span };

const elementwise = (op: ApplyOp): Builtin => ({ params: ["x"], required: 1, run: (cx, s) => apply(cx, op, [need(s, "x")], s.span) });

const reduction = (op: WholeReduction): Builtin => ({
  params: ["x", "axis", "keep"],
  required: 1,
  run: (cx, s) => {
    const keep = s.args.get("keep")?.value;
    return reduce(cx, op, need(s, "x"), { axis: s.args.get("axis"), keep: keep?.kind === "tensor" && knownOf(cx, keep) === 1 }, s.span);
  },
});

/** `max(a, b)` is elementwise; `max(a)` and `max(a, axis = 0)` reduce. */
const extremum = (op: "max" | "min"): Builtin => ({
  params: ["x", "y", "axis", "keep"],
  required: 1,
  run: (cx, s) => {
    const y = s.args.get("y");
    return y ? apply(cx, op, [need(s, "x"), y], s.span) : reduction(op).run(cx, s);
  },
});

const distribution = (name: "uniform" | "normal" | "bernoulli", params: readonly string[], defaults: readonly number[]): Builtin => ({
  params,
  required: params.length - defaults.length,
  run: (cx, s) => {
    const args: TensorValue[] = [];
    for (const [k, param] of params.entries()) {
      const given = s.args.get(param);
      const value = given ? asTensor(cx, given.value, given.span, `\`${param}\``) : sizeValue(defaults[k - params.length + defaults.length] ?? 0, s.span);
      if (!value) return poison;
      args.push(value);
    }
    return { kind: "distribution", name, args, span: s.span };
  },
});

const conversion = (dtype: "f32" | "i32" | "bool"): Builtin => ({
  params: ["x"],
  required: 1,
  run: (cx, s) => {
    const x = asTensor(cx, need(s, "x").value, s.span, "what is converted");
    if (!x) return poison;
    const { form: _, literal: __, ...rest } = x;
    return { ...rest, core: castCore(x.core.kind === "number" ? coerce(x, dtype).core : x.core, dtype) };
  },
});

const table: Readonly<Record<string, Builtin>> = {
  exp: elementwise("exp"), log: elementwise("log"), log1p: elementwise("log1p"), expm1: elementwise("expm1"), sqrt: elementwise("sqrt"),
  sin: elementwise("sin"), cos: elementwise("cos"), tanh: elementwise("tanh"), sigmoid: elementwise("sigmoid"), erf: elementwise("erf"),
  floor: elementwise("floor"), sign: elementwise("sign"), abs: elementwise("abs"),
  sum: reduction("sum"), mean: reduction("mean"), prod: reduction("prod"), any: reduction("any"), all: reduction("all"), count: reduction("count"),
  argmax: reduction("argmax"), argmin: reduction("argmin"), logsumexp: reduction("logsumexp"), norm: reduction("norm"),
  max: extremum("max"), min: extremum("min"),
  uniform: distribution("uniform", ["lo", "hi"], [0, 1]), normal: distribution("normal", ["mean", "std"], [0, 1]), bernoulli: distribution("bernoulli", ["p"], []),
  f32: conversion("f32"), i32: conversion("i32"),
  where: { params: ["c", "a", "b"], required: 3, run: (cx, s) => choose(cx, need(s, "c"), need(s, "a"), need(s, "b"), s.span) },
  stop_gradient: { params: ["x"], required: 1, run: (_, s) => stop(need(s, "x").value, s.span) },
  grad: { params: ["e", "x"], required: 2, run: (cx, s) => gradient(cx, need(s, "e"), need(s, "x"), s.span) },
  jvp: { params: ["e", "x", "v"], required: 3, run: (cx, s) => directional(cx, "jvp", [need(s, "e"), need(s, "x"), need(s, "v")], s.span) },
  hvp: { params: ["e", "x", "v"], required: 3, run: (cx, s) => directional(cx, "hvp", [need(s, "e"), need(s, "x"), need(s, "v")], s.span) },
  dot: {
    params: ["a", "b"], required: 2,
    run: (cx, s) => reduce(cx, "sum", { value: apply(cx, "mul", [need(s, "a"), need(s, "b")], s.span), span: s.span }, { keep: false }, s.span),
  },
  reshape: { params: ["x"], required: 1, open: true, run: reshape },
  flatten: { params: ["x"], required: 1, run: flatten },
  transpose: { params: ["x"], required: 1, open: true, run: transpose },
  concat: { params: ["axis"], required: 0, open: true, run: concat },
  size: { params: ["x", "axis"], required: 2, run: sizeOf },
};

/** The names of the core's functions. */
export const builtinNames: readonly string[] = Object.keys(table);

/** Calls a core function. */
export function callBuiltin(cx: Context, name: string, given: readonly Given[], call: Call, env: Env): Value {
  const builtin = table[name];
  if (!builtin) return poison;
  const args = new Map<string, Operand>();
  const rest: Operand[] = [];
  // `concat(a, b, axis = 1)`: its one parameter is given by name alone.
  let position = name === "concat" ? 1 : 0;
  for (const { name: key, given: operand } of given) {
    const param = key ?? builtin.params[position++];
    if (param === undefined && builtin.open) rest.push(operand);
    else if (param === undefined) return refuse(cx, `\`${name}\` takes at most ${builtin.params.length} arguments`, operand.span);
    else if (!builtin.params.includes(param)) {
      const near = suggest(param, builtin.params);
      return refuse(cx, `\`${name}\` has no parameter \`${param}\``, operand.span, near ? `did you mean \`${near}\`?` : `it has ${builtin.params.join(", ")}`);
    } else if (args.has(param)) return refuse(cx, `\`${param}\` is given twice`, operand.span);
    else args.set(param, operand);
  }
  const missing = builtin.params.slice(0, builtin.required).find((p) => !args.has(p));
  if (missing !== undefined) return refuse(cx, `\`${name}\` needs \`${missing}\``, call.span);
  return builtin.run(cx, { args, rest, span: call.span, env });
}

function refuse(cx: Context, message: string, span: Span, hint?: string): Value {
  cx.error({ code: "E0106", message, span, hint });
  return poison;
}

function reshape(cx: Context, s: Site): Value {
  const x = asTensor(cx, need(s, "x").value, s.span, "what is reshaped");
  const shape: Dim[] = [];
  for (const { value, span } of s.rest) {
    const size = asSize(cx, value, span, "a dimension");
    if (size === undefined) return poison;
    shape.push(size);
  }
  if (!x || !whole(cx, x, s.span)) return poison;
  const before = dims.product(x.core.type.shape);
  if (!dims.equal(before, dims.product(shape))) {
    cx.error({ code: "E0202", message: `${printShape(x.core.type.shape)} has ${dims.print(before)} elements and ${printShape(shape)} has ${dims.print(dims.product(shape))}`, span: s.span });
    return poison;
  }
  return reshaped(x, shape, s.span, s.rest.map((r) => r.span));
}

function reshaped(x: TensorValue, shape: readonly Dim[], span: Span, fixed: readonly (Span | undefined)[]): TensorValue {
  const core: Core = sameShape(shape, x.core.type.shape) ? x.core : { kind: "reshape", arg: x.core, type: tensor(x.core.type.dtype, shape), span };
  return tensorValue(core, { fixed, ...(x.range && { range: x.range }) });
}

/** All axes after the first become one. */
function flatten(cx: Context, s: Site): Value {
  const x = asTensor(cx, need(s, "x").value, s.span, "what is flattened");
  if (!x || !whole(cx, x, s.span)) return poison;
  const [first = 1, ...rest] = x.core.type.shape;
  return reshaped(x, [first, dims.product(rest)], s.span, [x.fixed?.[0], s.span]);
}

/** `transpose(x)` swaps the last two axes; `transpose(x, 1, 0, 2)` gives their order. */
function transpose(cx: Context, s: Site): Value {
  const x = asTensor(cx, need(s, "x").value, s.span, "what is transposed");
  if (!x || !whole(cx, x, s.span)) return poison;
  const rank = x.core.type.shape.length;
  const axes = Array.from({ length: rank }, (_, a) => a);
  const swapped = rank < 2 ? axes : [...axes.slice(0, -2), rank - 1, rank - 2];
  const order = s.rest.length === 0 ? swapped : s.rest.flatMap((r) => numbersOf(cx, r.value) ?? [-1]);
  if ([...order].sort((a, b) => a - b).some((a, k) => a !== k) || order.length !== rank) {
    cx.error({ code: "E0212", message: `the order of axes must name each of 0 to ${rank - 1} once`, span: s.span });
    return poison;
  }
  const { dtype, shape } = x.core.type;
  const core: Core = { kind: "transpose", order, arg: x.core, type: tensor(dtype, order.map((a) => shape[a] ?? 1)), span: s.span };
  return tensorValue(core, { fixed: order.map((a) => x.fixed?.[a]) });
}

function concat(cx: Context, s: Site): Value {
  const parts: TensorValue[] = [];
  for (const { value, span } of s.rest) {
    const part = asTensor(cx, value, span, "a part");
    if (!part || !whole(cx, part, span)) return poison;
    parts.push(part);
  }
  const [first] = parts;
  if (!first) return refuse(cx, "`concat` needs at least one tensor", s.span);
  const rank = first.core.type.shape.length;
  const given = s.args.get("axis");
  const axis = given ? (numbersOf(cx, given.value)?.[0] ?? -1) : rank - 1;
  const wrong = parts.find((p) => p.core.type.shape.length !== rank || p.core.type.shape.some((d, a) => a !== axis && !dims.equal(d, first.core.type.shape[a] ?? 1)));
  if (axis < 0 || axis >= rank || wrong) {
    cx.error({
      code: "E0202", message: `${parts.map((p) => printShape(p.core.type.shape)).join(" and ")} cannot be joined along axis ${axis}`, span: s.span,
      hint: "all other axes must agree",
    });
    return poison;
  }
  const dtype = parts.every((p) => p.core.type.dtype === first.core.type.dtype) ? first.core.type.dtype : "f32";
  const total = parts.reduce<Dim>((n, p) => dims.add(n, p.core.type.shape[axis] ?? 0), 0);
  const shape = first.core.type.shape.map((d, a) => (a === axis ? total : d));
  const core: Core = { kind: "concat", axis, args: parts.map((p) => coerce(p, dtype).core), type: tensor(dtype, shape), span: s.span };
  return tensorValue(core, { fixed: shape.map((_, a) => (a === axis ? s.span : first.fixed?.[a])) });
}

function sizeOf(cx: Context, s: Site): Value {
  const x = asTensor(cx, need(s, "x").value, s.span, "what has a size");
  const axis = numbersOf(cx, need(s, "axis").value)?.[0];
  const size = axis === undefined ? undefined : x?.core.type.shape[axis];
  if (!x) return poison;
  if (size !== undefined) return sizeValue(size, s.span, x.fixed?.[axis ?? 0]);
  cx.error({ code: "E0212", message: `there is no such axis in ${printShape(x.core.type.shape)}`, span: need(s, "axis").span });
  return poison;
}

/** Movements of whole tensors have no place in an equation's body. */
function whole(cx: Context, x: TensorValue, span: Span): boolean {
  if (!x.indexed) return true;
  cx.error({ code: "E0210", message: "inside index notation every value is one number", span, label: "this works on whole tensors" });
  return false;
}
