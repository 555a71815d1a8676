/**
 * Random draws and initialisers. A distribution becomes a draw when brackets (or a parameter) give it a shape; its
 * stream is named by the place of the draw.
 *
 *     keep = bernoulli(1 - rate)[N, 32]     random bernoulli, path "Digits.h.keep"
 *     param W: f32[64, 32] ~ he_normal      random normal, path "Digits.h.W"
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Index } from "../syntax/ast.ts";
import { runBody } from "./body.ts";
import type { Context, Env } from "./context.ts";
import type { Core } from "./core.ts";
import { broadcast } from "./elementwise.ts";
import { coerce, sizeValue, tensorValue } from "./make.ts";
import { drawAtIndices } from "./notation.ts";
import { asSize } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { describe, type DistributionValue, type InitialiserValue, poison, type TensorValue, type Value } from "./value.ts";

/** `distribution[items]` and `initialiser[items]`. */
export function evaluateDraw(cx: Context, target: DistributionValue | InitialiserValue, expr: Index, env: Env): Value {
  const sizes: { value: Value; span: Span }[] = [];
  for (const item of expr.items) {
    if (item.kind === "ellipsis") {
      const rest = env.scope.lookup("...")?.value;
      if (rest?.kind !== "list") {
        cx.error({ code: "E0213", message: "`...` stands for no axes here", span: item.span, hint: "a parameter's type binds it: `x: f32[..., n]`" });
        return poison;
      }
      sizes.push(...rest.items.map((value) => ({ value, span: item.span })));
    } else if (item.kind === "whole" || item.kind === "range" || item.kind === "bound") {
      cx.error({ code: "E0204", message: "the brackets after a distribution give the shape of the draw", span: item.span, hint: "normal(0, 1)[N, 4]" });
      return poison;
    } else sizes.push({ value: cx.evaluate(cx, item, env), span: item.span });
  }
  const indices = sizes.flatMap(({ value }) => (value.kind === "tensor" && value.indexed ? [value] : []));
  if (indices.length > 0 && indices.length === sizes.length) {
    return drawAtIndices(cx, indices, expr.span, (shape) => fill(cx, target, [...shape], expr.span, env, streamOf(cx, env, expr.span)));
  }
  const shape: Dim[] = [];
  for (const { value, span } of sizes) {
    const size = asSize(cx, value, span, "a size of a draw");
    if (size === undefined) return poison;
    shape.push(size);
  }
  const needsStream = target.kind === "distribution" || mayDraw(target);
  const made = fill(cx, target, shape, expr.span, env, needsStream ? streamOf(cx, env, expr.span) : undefined);
  return made ? tensorValue(made, { fixed: sizes.map((s) => (s.value.kind === "tensor" ? (s.value.fixed?.[0] ?? s.span) : s.span)) }) : poison;
}

/** Whether an initialiser's text mentions a distribution: others own no stream. */
function mayDraw(target: InitialiserValue): boolean {
  const { source, start, end } = target.declaration.span;
  return /\b(uniform|normal|bernoulli)\b/.test(source.text.slice(start, end));
}

/** The path of a draw here; each place draws once. */
function streamOf(cx: Context, env: Env, span: Span): string {
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

/** The tensor that an initialiser, a distribution or a number makes of a shape. */
export function fill(cx: Context, value: Value, shape: readonly Dim[], span: Span, env: Env, stream: string | undefined): Core | undefined {
  switch (value.kind) {
    case "poison":
      return undefined;
    case "tensor":
      return spread(cx, value, shape, span);
    case "distribution":
      return draw(cx, value, shape, span, stream ?? env.place.path);
    case "initialiser": {
      const made = initialiserBody(cx, value, shape, span, env);
      return made && fill(cx, made, shape, span, env, stream);
    }
    case "callable":
      if (value.declaration.kind === "initializer") {
        const { declaration, scope } = value;
        return fill(cx, { kind: "initialiser", declaration, scope, args: new Map() }, shape, span, env, stream);
      }
      break;
    default:
  }
  cx.error({ code: "E0305", message: `this is ${describe(value)} and cannot fill a tensor`, span, label: "not an initialiser", hint: "zeros, constant(0.5), normal(0, 0.1), he_normal" });
  return undefined;
}

/** A number fills the whole shape; a tensor must have it. */
function spread(cx: Context, value: TensorValue, shape: readonly Dim[], span: Span): Core | undefined {
  const { core } = value;
  const whole: Core = coerce(value, "f32").core;
  if (sameShape(core.type.shape, shape)) return whole;
  if (core.type.shape.length === 0) return { kind: "broadcast", arg: whole, type: tensor("f32", shape), span };
  cx.error({ code: "E0202", message: `${printShape(core.type.shape)} cannot fill ${printShape(shape)}`, span, label: printShape(core.type.shape) });
  return undefined;
}

function draw(cx: Context, distribution: DistributionValue, shape: readonly Dim[], span: Span, path: string): Core | undefined {
  const indexed = distribution.args.some((a) => a.indexed);
  if (indexed) {
    cx.unsupported(span, "a distribution whose parameters depend on an index", "shift and scale a standard draw: `μ[n] + σ[n] * normal(0, 1)[n]`");
    return undefined;
  }
  const type = tensor(distribution.name === "bernoulli" ? "bool" : "f32", shape);
  const args = distribution.args.map((a) => ({ value: coerce(a, "f32"), span: distribution.span }));
  for (const arg of args) {
    if (arg.value.core.type.shape.length === 0) continue;
    const whole = { value: tensorValue({ kind: "random", distribution: distribution.name, args: [], path, type, span }), span };
    const together = broadcast(cx, [whole, arg], span, distribution.name);
    if (!together) return undefined;
    if (sameShape(together.dims, shape)) continue;
    cx.error({ code: "E0202", message: `parameters of the shape ${printShape(arg.value.core.type.shape)} do not fit a draw of ${printShape(shape)}`, span });
    return undefined;
  }
  return { kind: "random", distribution: distribution.name, args: args.map((a) => a.value.core), path, type, span, ...(cx.loops.length > 0 && { within: cx.loops }) };
}

/** What an initialiser's body gives for a shape; it sees `fan_in`, `fan_out` and its own arguments. */
function initialiserBody(cx: Context, value: InitialiserValue, shape: readonly Dim[], span: Span, env: Env): Value | undefined {
  const scope = new Scope<Value>(value.scope);
  for (const [name, arg] of value.args) scope.define({ name, value: arg });
  const [fanIn, fanOut] = fans(shape);
  scope.define({ name: "fan_in", value: sizeValue(fanIn, span) });
  scope.define({ name: "fan_out", value: sizeValue(fanOut, span) });
  const { declaration } = value;
  const made = runBody(cx, { declaration, scope, place: env.place, span, kind: "initializer" });
  return made.kind === "poison" ? undefined : made;
}

/** Inputs and outputs of one unit: dense [in, out]; convolution [out, in, …window]; a vector counts as both. */
function fans(shape: readonly Dim[]): [Dim, Dim] {
  const [first = 1, second = first, ...window] = shape;
  if (shape.length <= 2) return [first, second];
  const area = dims.product(window);
  return [dims.mul(second, area), dims.mul(first, area)];
}
