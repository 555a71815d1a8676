/**
 * An optimizer, written once for "a parameter", run for each parameter of a model: its states get keys such as
 * `adam.s/Digits.h.W`, its updates become the step's commits. Parameters of one declaration, type and role are alike: the body is
 * run for the first of them, and what it gave is said of the others (see like-updates.ts), unless something was reported.
 */
import { printType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Call, Expr } from "../syntax/ast.ts";
import { runBody } from "./body.ts";
import { bindParameters, defineStep, evaluateArgument, pairArguments } from "./calls.ts";
import type { CheckedOptimizer, CheckedParam, ParamUpdates, Update } from "./checked.ts";
import type { Context, Env, ModelState } from "./context.ts";
import type { Core } from "./core.ts";
import { canBeLike, likeUpdates } from "./like-updates.ts";
import { literalBoolean, tensorValue } from "./make.ts";
import { checkOverOptimizer } from "./over-optimizers.ts";
import { Scope } from "./scope.ts";
import { type CallableValue, describe, type GivenArgument, type Value } from "./value.ts";

/** `optimizer = adam(lr = 1e-3)` for these parameters. `owner` begins the keys of its states, so that two steps never share one; `loss` is what the step minimises, if not the whole. */
export function checkOptimizer(
  cx: Context, expr: Expr, env: Env, model: ModelState, params: readonly CheckedParam[], owner: string, loss?: Core,
): CheckedOptimizer | undefined {
  const call: Call = expr.kind === "call" ? expr : { kind: "call", span: expr.span, callee: expr, args: [] };
  const callee = cx.evaluate(cx, call.callee, env);
  if (callee.kind === "poison") return undefined;
  if (callee.kind !== "callable" || callee.declaration.kind !== "optimizer") {
    cx.error({ code: "E0403", message: `this is ${describe(callee)}, and an optimizer is needed`, span: expr.span, hint: "adam(lr = 1e-3), sgd(lr = 0.1)" });
    return undefined;
  }
  const { declaration } = callee;
  const name = declaration.name.name;
  const pairs = pairArguments(cx, declaration.params, call.args, `\`${name}\``, call.span);
  if (!pairs) return undefined;
  const given = new Map<string, GivenArgument>();
  for (const [param, arg] of pairs) {
    const value = evaluateArgument(cx, arg.value, env);
    if (value.kind === "poison") return undefined;
    given.set(param, { value, span: arg.value.span });
  }
  if (declaration.over) return checkOverOptimizer(cx, { callee, given, params, span: call.span, owner, ...(loss && { loss }) }, env, model);
  const perParam: ParamUpdates[] = [];
  const firsts = new Map<Span, Map<string, ParamUpdates>>();
  for (const param of params) {
    const ofDeclaration = firsts.get(param.span) ?? new Map<string, ParamUpdates>();
    firsts.set(param.span, ofDeclaration);
    const key = `${printType(param.type)} ${param.role === "weight"}`;
    const first = ofDeclaration.get(key);
    const said = cx.diagnostics.list.length;
    const one = first ? { updates: likeUpdates(first, param), shared: false } : forParam(cx, callee, param, given, env, model, call.span, owner);
    if (!one) return undefined;
    if (one.shared && cx.diagnostics.list.length === said) ofDeclaration.set(key, one.updates);
    perParam.push(one.updates);
  }
  return { name, span: call.span, perParam };
}

/** What the body gives for one parameter, and whether it can be said of those like it. */
interface ForParam {
  readonly updates: ParamUpdates;
  readonly shared: boolean;
}

function forParam(
  cx: Context, callee: CallableValue, param: CheckedParam, given: ReadonlyMap<string, GivenArgument>, env: Env, model: ModelState, span: Span, owner: string,
): ForParam | undefined {
  const { declaration } = callee;
  const name = declaration.name.name;
  const { path, type } = param;
  const theta = tensorValue({ kind: "leaf", role: "param", path, type, span: param.span });
  const gradient: Core = { kind: "gradient", path, type, span };
  const state: ModelState = {
    ...model, params: new Map(), updates: new Map(), claims: new Map(), foreseen: [],
    states: new Map([[path, { path, type, init: theta.core, span: param.span, current: theta }]]),
    theta: { dtype: "f32", shape: type.shape, fixed: [] },
    statePath: (s) => `${owner}${name}.${s}/${path}`,
    alwaysTraining: true,
  };
  const scope = new Scope<Value>(callee.scope);
  scope.define({ name: "θ", value: theta, state: path });
  scope.define({ name: "g", value: tensorValue(gradient) });
  scope.define({ name: "is_weight", value: literalBoolean(param.role === "weight", span) });
  defineStep(scope, span);
  const around = cx.model;
  cx.model = state;
  const errors = cx.diagnostics.reports;
  const place = { path: `${owner}${name}/${path}`, named: true, turns: "" };
  const bound = bindParameters(cx, declaration.params, given, { ...env, scope, place }, `\`${name}\``, span);
  if (bound) runBody(cx, { declaration, scope, place, span, kind: "optimizer" });
  cx.model = around;
  if (!bound || cx.diagnostics.reports > errors) return undefined;
  if (!state.updates.has(path)) {
    cx.error({ code: "E0307", message: `the optimizer \`${name}\` never updates \`θ\``, span: declaration.name.span, hint: "θ <- θ - lr * g" });
    return undefined;
  }
  const states = [...state.states.values()].filter((s) => s.path !== path).map((s) => ({ path: s.path, type: s.type, init: s.init, span: s.span }));
  const updates: Update[] = [...state.updates].map(([at, update]) => ({ path: at, ...update }));
  const output = state.thetaOutput?.value;
  const made: ParamUpdates = { param: path, states, updates, ...(output && { output }) };
  return { updates: made, shared: canBeLike(made, { theta: theta.core, gradient }) };
}

/** What a block without parameters to train has. */
export const noOptimizer = (span: Span): CheckedOptimizer => ({ name: "none", span, perParam: [] });
