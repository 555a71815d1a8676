/**
 * `grad(e, x)`, `jvp(e, x, v)` and `hvp(e, x, v)` as forms in Core. `x` is a parameter, an input, a name, an element or a
 * slice of one, an instance, or a set of parameters; the derivative by a set is a set. In index notation `e` may be one
 * number of many: `grad(f[i], x)` is a whole tensor for each `i`, to be indexed in full.
 */
import { printType, sameShape } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Context } from "./context.ts";
import type { Core } from "./core.ts";
import { apply, type Operand, unionOf } from "./elementwise.ts";
import { coerce, tensorValue } from "./make.ts";
import { asTensor } from "./operands.ts";
import { reduce, stop } from "./reduce.ts";
import { describe, type InstanceValue, poison, type SetValue, type TensorValue, type Value } from "./value.ts";

/** The gradient of a number with respect to a tensor or a set. */
export function gradient(cx: Context, e: Operand, x: Operand, span: Span): Value {
  const value = scalar(cx, e);
  if (!value) return poison;
  const by = asVariables(cx, x);
  if (by.kind === "set") {
    const members = by.members.map((m) => gradient(cx, e, { value: m, span: x.span }, span));
    return members.every((m) => m.kind === "tensor") ? { kind: "set", members } : poison;
  }
  const part = partOf(by);
  const wrt = variable(cx, part ? { value: part.whole, span: x.span } : { value: by, span: x.span });
  if (!wrt) return poison;
  const indexed = unionOf([value.indexed, wrt.indexed]);
  const core: Core = { kind: "derive", derive: "grad", value: value.core, wrt: wrt.core, type: wrt.core.type, span };
  if (!part) return tensorValue(core, { fixed: wrt.fixed ?? [], ...(indexed && { indexed }) });
  const among = unionOf([indexed, part.value.indexed]);
  return tensorValue(part.of(core), { fixed: part.value.fixed ?? [], ...(among && { indexed: among }) });
}

/** A part of a tensor as the tensor and the way to the same part of another one: ∂e/∂(x[i]) is (∂e/∂x)[i]. */
function partOf(value: Value): { readonly value: TensorValue; readonly whole: TensorValue; readonly of: (whole: Core) => Core } | undefined {
  if (value.kind !== "tensor" || value.core.type.dtype !== "f32") return undefined;
  const { core } = value;
  if (core.kind !== "at" && core.kind !== "slice") return undefined;
  const base = core.kind === "at" ? core.base : core.arg;
  const inner = partOf(tensorValue(base));
  const of = (whole: Core): Core => {
    const from = inner ? inner.of(whole) : whole;
    return core.kind === "at" ? { ...core, base: from } : { ...core, arg: from };
  };
  return { value, whole: inner?.whole ?? tensorValue(base), of };
}

/** A set for an instance: the parameters that its calls have made. */
function asVariables(cx: Context, x: Operand): Value {
  return x.value.kind === "instance" ? parametersOf(cx, x.value, x.span) : x.value;
}

function parametersOf(cx: Context, instance: InstanceValue, span: Span): SetValue | typeof poison {
  const members = [...(cx.model?.params.values() ?? [])]
    .filter((p) => p.path.startsWith(`${instance.path}.`))
    .map((p) => tensorValue({ kind: "leaf", role: "param", path: p.path, type: p.type, span: p.span }));
  if (members.length > 0) return { kind: "set", members };
  cx.error({ code: "E0306", message: "this instance has no parameters yet", span, hint: "its parameters exist from its first call on" });
  return poison;
}

/** `jvp`: how e changes along v. `hvp`: how its gradient changes along v. */
export function directional(cx: Context, derive: "jvp" | "hvp", [e, given, v]: readonly [Operand, Operand, Operand], span: Span): Value {
  const x: Operand = { value: asVariables(cx, given), span: given.span };
  if (x.value.kind === "set" || v.value.kind === "set") return overSets(cx, derive, e, x, v, span);
  const wrt = variable(cx, x);
  const along = asTensor(cx, v.value, v.span, "a direction");
  const value = derive === "hvp" ? scalar(cx, e) : asTensor(cx, e.value, e.span, "what is differentiated");
  if (!wrt || !along || !value) return poison;
  const { shape } = wrt.core.type;
  if (!sameShape(shape, along.core.type.shape) && along.core.type.shape.length > 0) {
    cx.error({ code: "E0202", message: `the direction is ${printType(along.core.type)} and the variable ${printType(wrt.core.type)}`, span: v.span, label: printType(along.core.type) });
    return poison;
  }
  const result = derive === "hvp" ? wrt : coerce(value, "f32");
  const direction = coerce(along, "f32").core;
  const spread: Core = sameShape(shape, direction.type.shape) ? direction : { kind: "broadcast", arg: direction, type: wrt.core.type, span: v.span };
  const core: Core = { kind: "derive", derive, value: coerce(value, "f32").core, wrt: wrt.core, along: spread, type: result.core.type, span };
  const indexed = unionOf([value.indexed, wrt.indexed, along.indexed]);
  return tensorValue(core, { fixed: result.fixed ?? [], ...(indexed && { indexed }) });
}

/** Over all members at once: J·v is the sum over members, H·v = ∇(∇e · v) with v held fixed. */
function overSets(cx: Context, derive: "jvp" | "hvp", e: Operand, x: Operand, v: Operand, span: Span): Value {
  if (x.value.kind === "poison" || v.value.kind === "poison") return poison;
  const [by, along] = [x.value, v.value];
  if (by.kind !== "set" || along.kind !== "set" || by.members.length !== along.members.length) {
    cx.error({ code: "E0201", message: `a derivative by a set goes along a set of the same parameters, and this is ${describe(along)} by ${describe(by)}`, span: v.span, label: describe(along) });
    return poison;
  }
  if (derive === "jvp") {
    const parts = by.members.map((m, k): Operand => ({ value: directional(cx, "jvp", [e, { value: m, span: x.span }, { value: along.members[k] ?? poison, span: v.span }], span), span }));
    return parts.slice(1).reduce<Value>((sum, part) => apply(cx, "add", [{ value: sum, span }, part], span), parts[0]?.value ?? poison);
  }
  const slope = gradient(cx, e, x, span);
  const held = { value: stop(along, v.span), span: v.span };
  const inner = reduce(cx, "sum", { value: apply(cx, "mul", [{ value: slope, span }, held], span), span }, { keep: false }, span);
  return gradient(cx, { value: inner, span: e.span }, x, span);
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
