/** `output`, `metric`, `loss`, `minimize` and `maximize`: what a model is asked for. */
import { printType } from "../ir/types.ts";
import type { Expr, Goal, Lhs, Loss, Metric, Output } from "../syntax/ast.ts";
import { bindName } from "./binding.ts";
import { named } from "./calls.ts";
import { type Context, type Env, type ModelState, placeOf } from "./context.ts";
import { coerce } from "./make.ts";
import { asTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

type Target = (cx: Context, target: Lhs, value: Expr, env: Env) => Value;

/** `output p = e`, or `output p` of a name bound above. */
export function declareOutput(cx: Context, model: ModelState, statement: Output, env: Env, evaluateTarget: Target): void {
  const { target } = statement;
  const { name, span } = target.name;
  const given = statement.value
    ? named(target.name, evaluateTarget(cx, target, statement.value, env))
    : cx.evaluate(cx, { kind: "name", name, span }, env);
  const value = asTensor(cx, given, statement.value?.span ?? span, "an output");
  if (statement.value) {
    bindName(cx, env, target.name, value ?? poison);
    env.scope.lookup(name)?.onUse?.();
  }
  if (!value) return;
  const twice = model.outputs.find((o) => o.name === name);
  if (twice) cx.error({ code: "E0102", message: `there are two outputs \`${name}\``, span, related: [labelAt(twice.span, "the first")] });
  else model.outputs.push({ name, value: materialised(value), span });
}

/** `metric accuracy = e`: one number. */
export function declareMetric(cx: Context, model: ModelState, statement: Metric, env: Env, evaluateTarget: Target): void {
  const { target } = statement;
  const { name, span } = target.name;
  const value = asTensor(cx, evaluateTarget(cx, target, statement.value, env), statement.value.span, "a metric");
  bindName(cx, env, target.name, value ?? poison);
  env.scope.lookup(name)?.onUse?.();
  if (!value) return;
  if (value.core.type.shape.length > 0) {
    cx.error({
      code: "E0301", message: `a metric is one number, and \`${name}\` is ${printType(value.core.type)}`, span: statement.value.span, label: printType(value.core.type),
      hint: "average it: `mean(…)`",
    });
    return;
  }
  model.metrics.push({ name, value: coerce(value, "f32").core, span });
}

/** `loss = e`, `loss name = e`, `minimize e`, `maximize e`: a term of the objective. */
export function declareLoss(cx: Context, model: ModelState, statement: Loss | Goal, env: Env): void {
  const written = statement.kind === "loss" ? statement.name : undefined;
  const name = written?.name ?? (statement.kind === "loss" ? "loss" : "objective");
  const span = written?.span ?? statement.span;
  const place = written ? placeOf(env.place, written.name) : { ...env.place, named: false };
  const value = asTensor(cx, cx.evaluate(cx, statement.value, { ...env, place }), statement.value.span, "a loss");
  if (written) {
    bindName(cx, env, written, value ?? poison);
    env.scope.lookup(name)?.onUse?.();
  }
  if (!value) {
    model.brokenTerms.push(name);
    return;
  }
  if (value.core.type.shape.length > 0) {
    cx.error({
      code: "E0301", message: `a loss is one number, and this is ${printType(value.core.type)}`, span: statement.value.span, label: printType(value.core.type),
      related: value.core.type.shape.map((_, a) => labelAt(value.fixed?.[a], `its axis ${a} comes from here`)), hint: value.core.type.shape.every((d) => typeof d === "number") ? "sum it: `sum(…)`; an inner product is `dot(a, b)`" : "average it over the examples: `mean(…)`",
    });
    model.brokenTerms.push(name);
    return;
  }
  const twice = model.terms.find((t) => t.name === name);
  if (twice && !written) {
    const goals = statement.kind === "goal";
    cx.error({
      code: "E0102", message: goals ? "there are two goals" : "there are two losses without a name", span, related: [labelAt(twice.span, "the first")],
      hint: goals ? "one goal a model; further terms are `loss name = …`, with a minus where they should grow" : "name the terms: `loss fit = …`, `loss smooth = …`",
    });
    return;
  }
  const sense = statement.kind === "goal" ? statement.sense : "minimize";
  model.terms.push({ name, value: coerce(value, "f32").core, span: statement.value.span, sense });
}

/** Written numbers become f32. */
function materialised(value: TensorValue): TensorValue["core"] {
  return value.literal && value.core.type.dtype !== "bool" ? coerce(value, "f32").core : value.core;
}
