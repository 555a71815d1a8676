/**
 * The functions of the core: what the library in `.dl` is written in, and no more. Elementwise functions, reductions,
 * movements of tensors, distributions, and the forms of differentiation.
 */
import type { DType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Call } from "../syntax/ast.ts";
import { choose } from "./choice.ts";
import type { Context, Env } from "./context.ts";
import type { ApplyOp, Core } from "./core.ts";
import { directional, gradient } from "./derivatives.ts";
import { apply, type Operand } from "./elementwise.ts";
import { castCore, numberCore, sizeValue } from "./make.ts";
import { broadcast, concat, flatten, flip, pad, reshape, sizeOf, split, stack, transpose } from "./movement.ts";
import { asTensor, knownOf } from "./operands.ts";
import { argsort, cholesky, cumsum, option, takeAlong, triangularSolve } from "./primitives.ts";
import { reduce, stop, type WholeReduction } from "./reduce.ts";
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
  /** What follows are sizes, among which `...` may stand. */
  readonly sizes?: boolean;
  /** The parameters are given by name alone: `concat(a, b, axis = 1)`. */
  readonly named?: boolean;
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

const conversion = (dtype: DType): Builtin => ({
  params: ["x"],
  required: 1,
  run: (cx, s) => {
    const x = asTensor(cx, need(s, "x").value, s.span, "what is converted");
    if (!x) return poison;
    const { form: _, literal: __, known: ___, hypers: ____, ...rest } = x;
    // A number known before anything runs stays known: cut towards 0, or 0 and 1.
    if (typeof x.known === "number" && !x.hypers) {
      const number = dtype === "bool" ? Number(x.known !== 0) : dtype === "f32" ? x.known : Math.trunc(dtype === "u32" ? Math.max(0, x.known) : x.known);
      return { ...rest, core: numberCore(number, dtype, s.span), known: number };
    }
    // What is below 0 is 0 in u32.
    const signed = dtype === "u32" && (x.core.type.dtype === "f32" || x.core.type.dtype === "i32");
    const zero: Core = numberCore(0, x.core.type.dtype, s.span);
    const from: Core = signed ? { kind: "apply", op: "max", args: [x.core, zero], type: x.core.type, span: s.span } : x.core;
    return { ...rest, core: castCore(from, dtype) };
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
  f32: conversion("f32"), i32: conversion("i32"), u32: conversion("u32"), bool: conversion("bool"),
  where: { params: ["c", "a", "b"], required: 3, run: (cx, s) => choose(cx, need(s, "c"), need(s, "a"), need(s, "b"), s.span) },
  stop_gradient: { params: ["x"], required: 1, run: (_, s) => stop(need(s, "x").value, s.span) },
  grad: { params: ["e", "x"], required: 2, run: (cx, s) => gradient(cx, need(s, "e"), need(s, "x"), s.span) },
  jvp: { params: ["e", "x", "v"], required: 3, run: (cx, s) => directional(cx, "jvp", [need(s, "e"), need(s, "x"), need(s, "v")], s.span) },
  hvp: { params: ["e", "x", "v"], required: 3, run: (cx, s) => directional(cx, "hvp", [need(s, "e"), need(s, "x"), need(s, "v")], s.span) },
  dot: {
    params: ["a", "b"], required: 2,
    run: (cx, s) => reduce(cx, "sum", { value: apply(cx, "mul", [need(s, "a"), need(s, "b")], s.span), span: s.span }, { keep: false }, s.span),
  },
  reshape: { params: ["x"], required: 1, open: true, sizes: true, run: (cx, s) => reshape(cx, need(s, "x"), s.rest, s.span) },
  broadcast: { params: ["x"], required: 1, open: true, sizes: true, run: (cx, s) => broadcast(cx, need(s, "x"), s.rest, s.span) },
  flatten: { params: ["x"], required: 1, run: (cx, s) => flatten(cx, need(s, "x"), s.span) },
  transpose: { params: ["x"], required: 1, open: true, run: (cx, s) => transpose(cx, need(s, "x"), s.rest, s.span) },
  concat: { params: ["axis"], required: 0, open: true, named: true, run: (cx, s) => concat(cx, s.rest, s.args.get("axis"), s.span) },
  stack: { params: ["axis"], required: 0, open: true, named: true, run: (cx, s) => stack(cx, s.rest, s.args.get("axis"), s.span) },
  split: { params: ["x", "into", "axis"], required: 2, run: (cx, s) => split(cx, need(s, "x"), need(s, "into"), s.args.get("axis"), s.span) },
  flip: { params: ["x", "axis"], required: 2, run: (cx, s) => flip(cx, need(s, "x"), need(s, "axis"), s.span) },
  pad: {
    params: ["x", "width", "axis", "value"], required: 2,
    run: (cx, s) => pad(cx, need(s, "x"), need(s, "width"), s.args.get("axis"), s.args.get("value"), s.span),
  },
  cumsum: {
    params: ["x", "axis", "reverse", "exclusive"], required: 1,
    run: (cx, s) => cumsum(cx, need(s, "x"), s.args.get("axis"), { reverse: option(cx, s.args.get("reverse"), false), exclusive: option(cx, s.args.get("exclusive"), false) }, s.span),
  },
  argsort: {
    params: ["x", "axis", "descending"], required: 1,
    run: (cx, s) => argsort(cx, need(s, "x"), s.args.get("axis"), option(cx, s.args.get("descending"), false), s.span),
  },
  take_along: { params: ["x", "places", "axis"], required: 2, run: (cx, s) => takeAlong(cx, need(s, "x"), need(s, "places"), s.args.get("axis"), s.span) },
  cholesky: { params: ["A"], required: 1, run: (cx, s) => cholesky(cx, need(s, "A"), s.span) },
  triangular_solve: {
    params: ["A", "b", "lower"], required: 2,
    run: (cx, s) => triangularSolve(cx, need(s, "A"), need(s, "b"), option(cx, s.args.get("lower"), true), s.span),
  },
  size: { params: ["x", "axis"], required: 2, run: (cx, s) => sizeOf(cx, need(s, "x"), need(s, "axis"), s.span) },
};

/** The names of the core's functions. */
export const builtinNames: readonly string[] = Object.keys(table);

/** True for functions whose arguments end in a list of sizes: `reshape(x, N, ...)`. */
export function takesSizes(name: string): boolean {
  return table[name]?.sizes === true;
}

/** Calls a core function. */
export function callBuiltin(cx: Context, name: string, given: readonly Given[], call: Call, env: Env): Value {
  const builtin = table[name];
  if (!builtin) return poison;
  const args = new Map<string, Operand>();
  const rest: Operand[] = [];
  let position = builtin.named ? builtin.params.length : 0;
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
