/**
 * Choosing between values: `where(c, a, b)` and `cases`. A condition known before anything runs drops the branch; one
 * that is known in training and elsewhere becomes a choice between the two graphs; any other selects element by element.
 */
import { type DType, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Cases, Expr } from "../syntax/ast.ts";
import type { Context, Env } from "./context.ts";
import type { Core } from "./core.ts";
import { broadcast, notOneNumber, type Operand, unionOf } from "./elementwise.ts";
import { warnConstant, warnImplied } from "./dead-branches.ts";
import { coerce, fitsI32, ownDtype, tensorValue } from "./make.ts";
import type { Guard } from "./guards.ts";
import { mentionedNames } from "./mentions.ts";
import { asTensor, knownOf } from "./operands.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** The element type of a tensor that holds elements of each: a written number takes its partner's, bool < i32 < f32. */
export function commonDtype(values: readonly TensorValue[]): DType {
  const own = new Set(values.map(ownDtype).filter((d) => d !== undefined));
  const [only] = own;
  // A written number beside truth values makes them 0 and 1.
  if (only === "bool" && own.size === 1 && values.some((v) => ownDtype(v) === undefined)) return "f32";
  if (only === "i32" && !values.every(fitsI32)) return "f32";
  if (own.size <= 1) return only ?? "f32";
  return own.has("f32") || own.has("u32") ? "f32" : "i32";
}

/** Brings values to one element type, for results that may be either. */
function unify(values: readonly TensorValue[]): TensorValue[] {
  const dtype = commonDtype(values);
  return values.map((v) => coerce(v, dtype));
}

/** `condition ? then : otherwise`, element by element. */
export function choose(cx: Context, condition: Operand, then: Operand, otherwise: Operand, span: Span): Value {
  const c = asTensor(cx, condition.value, condition.span, "a condition");
  const a = asTensor(cx, then.value, then.span, "a choice");
  const b = asTensor(cx, otherwise.value, otherwise.span, "a choice");
  if (!c || !a || !b) return poison;
  if (c.staged) return stage(cx, c.staged, { value: a, span: then.span }, { value: b, span: otherwise.span }, span);
  if (c.core.type.dtype !== "bool") {
    cx.error({ code: "E0208", message: `a condition is bool, and this is ${c.core.type.dtype}`, span: condition.span, label: c.core.type.dtype, hint: "compare it: `x > 0`" });
    return poison;
  }
  const [x, y] = unify([a, b]) as [TensorValue, TensorValue];
  const operands = [{ value: c, span: condition.span }, { value: x, span: then.span }, { value: y, span: otherwise.span }];
  const shape = broadcast(cx, operands, span, "`cases`");
  if (!shape) return poison;
  const indexed = unionOf([c.indexed, x.indexed, y.indexed]);
  if (indexed && shape.dims.length > 0) {
    cx.error(notOneNumber(operands.find((o) => o.value.core.type.shape.length > 0)?.value, span));
    return poison;
  }
  const core: Core = { kind: "select", condition: c.core, then: x.core, otherwise: y.core, type: tensor(x.core.type.dtype, shape.dims), span };
  return tensorValue(core, { fixed: shape.fixed, ...(indexed && { indexed }) });
}

/** A value in training and another one elsewhere; both have one shape. */
function stage(cx: Context, staged: NonNullable<TensorValue["staged"]>, then: Operand, otherwise: Operand, span: Span): Value {
  if (staged.training === staged.elsewhere) return staged.training ? then.value : otherwise.value;
  const [inTraining, elsewhere] = staged.training ? [then, otherwise] : [otherwise, then];
  const [x, y] = unify([inTraining.value as TensorValue, elsewhere.value as TensorValue]) as [TensorValue, TensorValue];
  const shape = broadcast(cx, [{ value: x, span: inTraining.span }, { value: y, span: elsewhere.span }], span, "`cases`");
  if (!shape) return poison;
  const spread = (v: TensorValue): Core =>
    sameShape(v.core.type.shape, shape.dims) ? v.core : { kind: "broadcast", arg: v.core, type: tensor(v.core.type.dtype, shape.dims), span };
  const core: Core = { kind: "training", then: spread(x), otherwise: spread(y), type: tensor(x.core.type.dtype, shape.dims), span };
  const indexed = unionOf([x.indexed, y.indexed]);
  return tensorValue(core, { fixed: shape.fixed, ...(indexed && { indexed }) });
}

/** `cases { a if p; b if q; c otherwise }`. */
export function evaluateCases(cx: Context, expr: Cases, env: Env): Value {
  warnImplied(cx, expr);
  const kept: { condition: Operand; value: Operand }[] = [];
  const around = cx.guards;
  let last: Expr = expr.otherwise;
  let dropped = false;
  for (const arm of expr.arms) {
    if (dropped) {
      drop(arm.value, env);
      continue;
    }
    const condition = cx.evaluate(cx, arm.condition, env);
    const known = condition.kind === "tensor" && condition.core.type.dtype === "bool" ? knownOf(cx, condition) : undefined;
    if (known === 0 || known === 1) warnConstant(cx, arm.condition, known === 1, env);
    if (known === 0) {
      drop(arm.value, env);
      continue;
    }
    if (known === 1) {
      last = arm.value;
      dropped = true;
      continue;
    }
    const guard = guardOf(condition);
    const value = cx.under(guard, () => cx.evaluate(cx, arm.value, env));
    kept.push({ condition: { value: condition, span: arm.condition.span }, value: { value, span: arm.value.span } });
    // Whatever stands below is taken where this condition fails.
    if (guard) cx.guards = [...cx.guards, { ...guard, holds: false }];
  }
  if (dropped) drop(expr.otherwise, env);
  let result: Operand = { value: cx.evaluate(cx, last, env), span: last.span };
  cx.guards = around;
  for (const arm of kept.reverse()) result = { value: choose(cx, arm.condition, arm.value, result, expr.span), span: expr.span };
  return result.value;
}

/** In index notation a condition is one number, and protects what is read where it holds. */
export function guardOf(condition: Value): Guard | undefined {
  const telling = condition.kind === "tensor" && condition.core.type.dtype === "bool" && condition.core.type.shape.length === 0 && !condition.staged;
  return telling ? { condition: condition.core, holds: true } : undefined;
}

/** A dropped branch is not checked; its names count as used, and a parameter that nothing else uses does not exist. */
function drop(expr: Expr, env: Env): void {
  for (const name of mentionedNames(expr)) {
    const definition = env.scope.lookup(name);
    if (definition?.onDrop) definition.onDrop();
    else definition?.onUse?.();
  }
}
