/** Evaluates expressions to what a place needs: a tensor, a number known before anything runs, a range. */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printType } from "../ir/types.ts";
import type { Label } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import type { Expr, Range } from "../syntax/ast.ts";
import { provablyNonnegative } from "./bounds.ts";
import type { Context, Env } from "./context.ts";
import { isWhole } from "./make.ts";
import { negative } from "./negative.ts";
import { labelAt } from "./problem.ts";
import { describe, type TensorValue, type Value } from "./value.ts";

/** The value as a tensor; anything else is reported as not fitting `what`. */
export function asTensor(cx: Context, value: Value, span: Span, what: string): TensorValue | undefined {
  if (value.kind === "tensor") return value;
  if (value.kind !== "poison") {
    const hint = value.kind === "callable" || value.kind === "builtin" ? "call it with its arguments" : value.kind === "list" ? "write one name for each: `a, b = …`, or `a[n], b[n] = …` in an equation" : undefined;
    cx.error({ code: "E0108", message: `${what} must be a tensor or a number, and this is ${describe(value)}`, span, label: describe(value), hint });
  }
  return undefined;
}

/** An expression that must be a tensor. */
export function evaluateTensor(cx: Context, expr: Expr, env: Env, what: string): TensorValue | undefined {
  return asTensor(cx, cx.evaluate(cx, expr, env), expr.span, what);
}

/** What is known of a value before anything runs. Its hyperparameters are thereby fixed. */
export function knownOf(cx: Context, value: TensorValue): Dim | undefined {
  if (value.known === undefined) return undefined;
  for (const name of value.hypers ?? []) {
    const hyper = cx.model?.hypers.get(name);
    if (hyper) hyper.static = true;
  }
  return value.known;
}

/** Where the user's text computes a value that only a run will know. */
function computedAt(cx: Context, { core }: TensorValue): Label | undefined {
  return cx.isLibrary(core.span.source) || core.kind === "leaf" ? undefined : { span: core.span, text: "computed here, from data" };
}

/** A value that must be a size: whole and known before anything runs. */
export function asSize(cx: Context, value: Value, span: Span, what: string): Dim | undefined {
  const tensor = asTensor(cx, value, span, what);
  if (!tensor) return undefined;
  const known = knownOf(cx, tensor);
  if (known !== undefined && isWhole(known)) return known;
  const found = known === undefined ? `it is ${printType(tensor.core.type)} and known only when it runs` : `it is ${dims.print(known)}`;
  cx.error({ code: "E0209", message: `${what} must be a whole number known before anything runs; ${found}`, span, label: "not a size", related: [labelAt(tensor.core.type.shape.length === 0 ? tensor.fixed?.[0] : undefined, "it comes from here"), known === undefined ? computedAt(cx, tensor) : undefined] });
  return undefined;
}

/** A value that must be the size of an axis: not negative, for no size of the data. */
export function asExtent(cx: Context, value: Value, span: Span, what: string): Dim | undefined {
  const size = asSize(cx, value, span, what);
  if (size === undefined || provablyNonnegative(size)) return size;
  cx.error(negative(`${what} is ${dims.print(size)}`, size, span));
  return undefined;
}

/** An expression that must be a size. */
export function evaluateSize(cx: Context, expr: Expr, env: Env, what: string): Dim | undefined {
  return asSize(cx, cx.evaluate(cx, expr, env), expr.span, what);
}

/** An expression that must be one number known before anything runs. */
export function evaluateNumber(cx: Context, expr: Expr, env: Env, what: string): number | undefined {
  const value = evaluateTensor(cx, expr, env, what);
  if (!value) return undefined;
  const known = knownOf(cx, value);
  if (typeof known === "number") return known;
  cx.error({ code: "E0209", message: `${what} must be a number known before anything runs`, span: expr.span, label: "known only when it runs", related: [computedAt(cx, value)] });
  return undefined;
}

/** `from..to` as sizes. */
export function evaluateRange(cx: Context, range: Range, env: Env, what: string): { lo: Dim; hi: Dim } | undefined {
  const lo = evaluateSize(cx, range.from, env, `the start of ${what}`);
  const hi = evaluateSize(cx, range.to, env, `the end of ${what}`);
  if (lo === undefined || hi === undefined) return undefined;
  const extent = dims.sub(hi, lo);
  if (provablyNonnegative(extent)) return { lo, hi };
  const written = `the range ${dims.print(lo)}..${dims.print(hi)}`;
  cx.error(typeof extent === "number" ? { code: "E0215", message: `${written} runs backwards`, span: range.span } : negative(`${written} has ${dims.print(extent)} elements`, extent, range.span));
  return undefined;
}
