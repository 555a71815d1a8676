/**
 * Random draws and initialisers. A distribution becomes a draw when brackets (or a parameter) give it a shape; its
 * stream is named by the place of the draw. An initialiser is a distribution written in `.dl`: its body sees the shape
 * as `...`.
 *
 *     keep = bernoulli(1 - rate)[N, 32]         random bernoulli, path "Digits.h.keep"
 *     param W: f32[64, 32] ~ he_normal          random normal, path "Digits.h.W"
 *     z[n, k] = normal(μ[n, k], σ[k])[n, k]     μ[n, k] + σ[k] * (random normal [N, K])[n, k]
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Index } from "../syntax/ast.ts";
import { runBody } from "./body.ts";
import { initialiserByName } from "./calls.ts";
import type { Context, Env } from "./context.ts";
import type { Core } from "./core.ts";
import { apply, broadcast } from "./elementwise.ts";
import { coerce, sizeValue, tensorValue } from "./make.ts";
import { drawAtIndices } from "./notation.ts";
import { asExtent } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { restAxes } from "./rest-axes.ts";
import { Scope } from "./scope.ts";
import { shared } from "./shared-calls.ts";
import { describe, type DistributionValue, type InitialiserValue, poison, type TensorValue, type Value } from "./value.ts";

/** An item of the brackets. */
interface Given {
  readonly value: Value;
  readonly span: Span;
}

/** `distribution[items]` and `initialiser[items]`. */
export function evaluateDraw(cx: Context, target: DistributionValue | InitialiserValue, expr: Index, env: Env): Value {
  const given: Given[] = [];
  for (const item of expr.items) {
    if (item.kind === "ellipsis") {
      const rest = restAxes(cx, item.span, env);
      if (!rest) return poison;
      given.push(...rest.map((value) => ({ value, span: item.span })));
    } else if (item.kind === "whole" || item.kind === "range" || item.kind === "bound") {
      cx.error({ code: "E0204", message: "the brackets after a distribution give the shape of the draw", span: item.span, hint: "normal(0, 1)[N, 4]" });
      return poison;
    } else given.push({ value: cx.evaluate(cx, item, env), span: item.span });
  }
  if (given.some(({ value }) => value.kind === "tensor" && value.indexed)) return atIndices(cx, target, given, expr.span, env);
  const shape: Dim[] = [];
  for (const { value, span } of given) {
    const size = asExtent(cx, value, span, "this dimension");
    if (size === undefined) return poison;
    shape.push(size);
  }
  const fixed = given.map(({ value, span }) => (value.kind === "tensor" ? (value.fixed?.[0] ?? span) : span));
  const made = fill(cx, target, { shape, fixed, span: expr.span, stream: () => streamOf(cx, env, expr.span) }, env);
  return made ? tensorValue(made, { fixed }) : poison;
}

/** A draw in an equation: one number for each value of its indices. */
function atIndices(cx: Context, target: DistributionValue | InitialiserValue, given: readonly Given[], span: Span, env: Env): Value {
  const indices = given.flatMap(({ value }) => (value.kind === "tensor" && value.indexed ? [value] : []));
  if (indices.length !== given.length) {
    cx.error({ code: "E0204", message: "in an equation a draw is indexed by its indices alone", span, hint: "normal(0, 1)[n, i]" });
    return poison;
  }
  if (target.kind === "distribution") return standardised(cx, target, indices, span, env);
  const sized = ["fan_in", "fan_out"].find((name) => cx.mentioned(target.declaration.body).has(name));
  if (sized !== undefined) {
    cx.error({ code: "E0305", message: `\`${target.declaration.name.name}\` depends on the shape it fills, which an equation does not give`, span, hint: "bind it first, with its sizes: `W = he_normal[4, 3]`" });
    return poison;
  }
  const made = initialiserBody(cx, target, indices, span, env);
  return made?.kind === "distribution" ? standardised(cx, made, indices, span, env) : (made ?? poison);
}

/** The draw with arguments of its own for each element, as a shifted and scaled standard draw. */
function standardised(cx: Context, { name, args, span: at }: DistributionValue, indices: readonly TensorValue[], span: Span, env: Env): Value {
  const standard = { normal: [0, 1], uniform: [0, 1], bernoulli: [0.5] }[name];
  const own = args.some((a) => a.indexed);
  const [a, b] = args.map((value) => ({ value, span: at }));
  // A condition is a comparison with a uniform draw, which is what `bernoulli` is.
  const drawn = own && name === "bernoulli" ? "uniform" : name;
  const plain: DistributionValue = { kind: "distribution", name: drawn, args: own ? (drawn === "uniform" ? [0, 1] : standard).map((v) => sizeValue(v, span)) : args, span: at };
  const value = drawAtIndices(cx, indices, span, (shape) => fill(cx, plain, { shape: [...shape], fixed: [], span, stream: () => streamOf(cx, env, span) }, env));
  if (!own || !a) return value;
  const x = { value, span };
  if (name === "bernoulli") return apply(cx, { compare: "<" }, [x, a], span);
  if (!b) return poison;
  const scale = name === "normal" ? b : { value: apply(cx, "sub", [b, a], span), span };
  return apply(cx, "add", [a, { value: apply(cx, "mul", [scale, x], span), span }], span);
}

/** The path of a draw here; each place draws once. */
function streamOf(cx: Context, env: Env, span: Span): string {
  cx.effects++;
  const { path, named } = env.place;
  if (!named) {
    cx.error({ code: "E0105", message: "a draw needs a name, by which its random numbers are found again", span, hint: "bind it: `noise = normal(0, 1)[N, 4]`" });
    return path;
  }
  const stream = env.frame.repeat > 1 ? `${path}#${env.frame.repeat}` : path;
  const before = cx.model?.draws.get(stream);
  if (before) {
    cx.error({
      code: "E0105", message: `two draws would both be called \`${stream}\``, span, label: "the second", related: [labelAt(before, "the first")],
      hint: "bind each to a name of its own",
    });
  } else cx.model?.draws.set(stream, span);
  return stream;
}

/** What is to be filled. */
export interface Filling {
  readonly shape: readonly Dim[];
  /** Where each size comes from. */
  readonly fixed: readonly (Span | undefined)[];
  readonly span: Span;
  /** Names the stream, if one is drawn from. */
  readonly stream: () => string;
}

/** The tensor that an initialiser, a distribution or a number makes of a shape. */
export function fill(cx: Context, value: Value, filling: Filling, env: Env): Core | undefined {
  const { shape, span } = filling;
  switch (value.kind) {
    case "poison":
      return undefined;
    case "tensor":
      return spread(cx, value, shape, span);
    case "distribution":
      return draw(cx, value, shape, span, filling.stream());
    case "initialiser": {
      const axes = shape.map((size, a) => sizeValue(size, span, filling.fixed[a]));
      const made = initialiserBody(cx, value, axes, span, env);
      return made && fill(cx, made, filling, env);
    }
    case "callable":
      if (value.declaration.kind === "initializer") return fill(cx, initialiserByName(cx, value, span, env), filling, env);
      break;
    default:
  }
  cx.error({ code: "E0305", message: `this is ${describe(value)} and cannot fill a tensor`, span, label: "not an initialiser", hint: value.kind === "callable" && value.declaration.name.name === "identity" ? "the identity as a start is `eye`" : "zeros, constant(0.5), normal(0, 0.1), he_normal" });
  return undefined;
}

/** A number fills the whole shape; a tensor must have it. */
function spread(cx: Context, value: TensorValue, shape: readonly Dim[], span: Span): Core | undefined {
  const whole: Core = value.literal ? coerce(value, "f32").core : value.core;
  if (sameShape(whole.type.shape, shape)) return whole;
  if (whole.type.shape.length === 0) return { kind: "broadcast", arg: whole, type: tensor(whole.type.dtype, shape), span };
  cx.error({ code: "E0202", message: `${printShape(whole.type.shape)} cannot fill ${printShape(shape)}`, span, label: printShape(whole.type.shape) });
  return undefined;
}

function draw(cx: Context, distribution: DistributionValue, shape: readonly Dim[], span: Span, path: string): Core | undefined {
  const type = tensor(distribution.name === "bernoulli" ? "bool" : "f32", shape);
  const args = distribution.args.map((a) => ({ value: coerce(a, "f32"), span: distribution.span }));
  for (const arg of args) {
    if (arg.value.core.type.shape.length === 0) continue;
    const whole = { value: tensorValue({ kind: "random", distribution: distribution.name, args: [], path, type, span }), span };
    const together = broadcast(cx, [whole, arg], span, `\`${distribution.name}\``);
    if (!together) return undefined;
    if (sameShape(together.dims, shape)) continue;
    cx.error({ code: "E0202", message: `parameters of the shape ${printShape(arg.value.core.type.shape)} do not fit a draw of ${printShape(shape)}`, span });
    return undefined;
  }
  return { kind: "random", distribution: distribution.name, args: args.map((a) => a.value.core), path, type, span, ...(cx.loops.length > 0 && { within: cx.loops }) };
}

/** What an initialiser's body gives; it sees the axes as `...`, `fan_in` and `fan_out` of a whole tensor, and its own arguments. */
function initialiserBody(cx: Context, value: InitialiserValue, axes: readonly TensorValue[], span: Span, env: Env): Value | undefined {
  const scope = new Scope<Value>(value.scope);
  for (const [name, arg] of value.args) scope.define({ name, value: arg });
  scope.define({ name: "...", value: { kind: "list", items: axes } });
  const shape = axes.flatMap((a) => (a.known === undefined ? [] : [a.known]));
  if (shape.length === axes.length) {
    const [fanIn, fanOut] = fans(shape);
    scope.define({ name: "fan_in", value: sizeValue(fanIn, span) });
    scope.define({ name: "fan_out", value: sizeValue(fanOut, span) });
  }
  const { declaration } = value;
  // Parameters of one declaration are filled by equal bodies where they have equal shapes.
  const given = new Map([...value.args, ...axes.map((axis, a) => [`axis ${a}`, axis] as const)].map(([name, arg]) => [name, { value: arg, span }]));
  const made = shared(cx, value, given, () => runBody(cx, { declaration, scope, place: env.place, span, kind: "initializer" }), span);
  if (made.kind === "poison") return undefined;
  cx.noteLibraryCall(declaration);
  return made;
}

/** Inputs and outputs of one unit: dense [in, out]; convolution [out, in, …window]; a vector counts as both. */
function fans(shape: readonly Dim[]): [Dim, Dim] {
  const [first = 1, second = first, ...window] = shape;
  if (shape.length <= 2) return [first, second];
  const area = dims.product(window);
  return [dims.mul(second, area), dims.mul(first, area)];
}
