/**
 * `grad(e, x)`, `jvp(e, x, v)` and `hvp(e, x, v)` as forms in Core. `x` is a parameter, an input, a name, or a set of
 * parameters; the derivative by a set is a set.
 */
import { printType, sameShape } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { Core } from "./core.ts";
import { apply, type Operand } from "./elementwise.ts";
import { coerce, tensorValue } from "./make.ts";
import { asTensor } from "./operands.ts";
import { reduce, stop } from "./reduce.ts";
import { describe, poison, type TensorValue, type Value } from "./value.ts";

/** The gradient of a number with respect to a tensor or a set. */
export function gradient(cx: Context, e: Operand, x: Operand, span: Span): Value {
  const value = scalar(cx, e);
  if (!value) return poison;
  if (x.value.kind === "set") {
    const members = x.value.members.map((m) => gradient(cx, e, { value: m, span: x.span }, span));
    return members.every((m) => m.kind === "tensor") ? { kind: "set", members } : poison;
  }
  const wrt = variable(cx, x);
  if (!wrt) return poison;
  const core: Core = { kind: "derive", derive: "grad", value: value.core, wrt: wrt.core, type: wrt.core.type, span };
  return tensorValue(core, { fixed: wrt.fixed ?? [] });
}

/** `jvp`: how e changes along v. `hvp`: how its gradient changes along v. */
export function directional(cx: Context, derive: "jvp" | "hvp", [e, x, v]: readonly [Operand, Operand, Operand], span: Span): Value {
  if (x.value.kind === "set" || v.value.kind === "set") return overSets(cx, derive, e, x, v, span);
  const wrt = variable(cx, x);
  const along = asTensor(cx, v.value, v.span, "a direction");
  const value = derive === "hvp" ? scalar(cx, e) : asTensor(cx, e.value, e.span, "what is differentiated");
  if (!wrt || !along || !value) return poison;
  if (!sameShape(wrt.core.type.shape, along.core.type.shape)) {
    cx.error({ code: "E0202", message: `the direction is ${printType(along.core.type)} and the variable ${printType(wrt.core.type)}`, span: v.span, label: printType(along.core.type) });
    return poison;
  }
  const result = derive === "hvp" ? wrt : value;
  const core: Core = { kind: "derive", derive, value: coerce(value, "f32").core, wrt: wrt.core, along: coerce(along, "f32").core, type: result.core.type, span };
  return tensorValue(core, { fixed: result.fixed ?? [] });
}

/** H·v = ∇(∇e · v) with v held fixed, over all members at once. */
function overSets(cx: Context, derive: "jvp" | "hvp", e: Operand, x: Operand, v: Operand, span: Span): Value {
  if (x.value.kind === "poison" || v.value.kind === "poison") return poison;
  const slope = gradient(cx, e, x, span);
  const along = { value: derive === "hvp" ? stop(v.value, v.span) : v.value, span: v.span };
  const inner = reduce(cx, "sum", { value: apply(cx, "mul", [{ value: slope, span }, along], span), span }, { keep: false }, span);
  return derive === "jvp" ? inner : gradient(cx, { value: inner, span: e.span }, x, span);
}

function scalar(cx: Context, e: Operand): TensorValue | undefined {
  const value = asTensor(cx, e.value, e.span, "what is differentiated");
  if (!value) return undefined;
  if (value.core.type.shape.length === 0) return coerce(value, "f32");
  cx.error({
    code: "E0306", message: `a gradient is that of one number, and this is ${printType(value.core.type)}`, span: e.span, label: printType(value.core.type),
    hint: "sum or average it: `grad(sum(e), x)`",
  });
  return undefined;
}

/** What a derivative is taken by: something that has an identity. */
function variable(cx: Context, x: Operand): TensorValue | undefined {
  const value = asTensor(cx, x.value, x.span, "the variable of a derivative");
  if (!value) return undefined;
  const { core } = value;
  if (core.type.dtype === "f32" && (core.kind === "leaf" || core.kind === "binding" || core.kind === "carry")) return value;
  const why = core.type.dtype !== "f32" ? `it is ${printType(core.type)}` : "nothing else can depend on it";
  cx.error({ code: "E0306", message: `there is no derivative by this expression: ${why}`, span: x.span, label: describe(value), hint: "give it a name and use the name in what is differentiated" });
  return undefined;
}
