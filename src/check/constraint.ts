/**
 * What becomes of parameters right after each of their updates: the projection of a train block or a step. In: the entry,
 * the optimizer it follows. Out: the optimizer whose last word on each chosen parameter is the projection.
 *
 *     constrain = max_norm(θ, 3)                          θ of each weight is what the update gave
 *     constrain = clip(θ, -0.01, 0.01) { over = params }  of the parameters that are meant, as `over` and `freeze` mean them
 */
import { printShape, printType, sameShape } from "../ir/types.ts";
import type { ValueEntry } from "../syntax/ast.ts";
import { defineStep } from "./calls.ts";
import type { CheckedOptimizer, CheckedParam, ParamUpdates, Update } from "./checked.ts";
import type { Context, Env, ModelState } from "./context.ts";
import { coerce, tensorValue } from "./make.ts";
import { evaluateTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { selectParams } from "./select-params.ts";
import { readEntries } from "./train-entries.ts";
import type { Value } from "./value.ts";

/** The optimizer with the constraint after its updates; undefined when something was reported. */
export function constrained(cx: Context, entry: ValueEntry | undefined, env: Env, model: ModelState, params: readonly CheckedParam[], optimizer: CheckedOptimizer): CheckedOptimizer | undefined {
  if (!entry) return optimizer;
  const errors = cx.diagnostics.reports;
  const { keys } = readEntries(cx, entry.entries ?? [], { what: "a constraint", keys: ["over"], sections: [] });
  const over = keys.get("over");
  const chosen = over ? selectParams(cx, over.value, model) : new Set(params.filter((p) => p.role === "weight").map((p) => p.path));
  if (!chosen || cx.diagnostics.reports > errors) return undefined;
  const perParam: ParamUpdates[] = [];
  let used = false;
  for (const one of optimizer.perParam) {
    const param = params.find((p) => p.path === one.param);
    if (!param || !chosen.has(param.path)) {
      perParam.push(one);
      continue;
    }
    used = true;
    const updates = one.updates.map((u) => (u.path === param.path ? projected(cx, entry, env, param, u) : u));
    if (updates.includes(undefined)) return undefined;
    // What it is like has no projection, or one of its own.
    const { like: _, ...rest } = one;
    perParam.push({ ...rest, updates: updates.filter((u) => u !== undefined) });
  }
  if (used || optimizer.perParam.length === 0) return { ...optimizer, perParam };
  cx.error({
    code: "E0411", message: over ? "none of these parameters is trained here" : "none of the parameters trained here is a weight", span: over?.value.span ?? entry.value.span, label: "constrains nothing",
    hint: over ? undefined : "say which are meant: `{ over = params }`",
  });
  return undefined;
}

/** What an update gives, after the projection. */
function projected(cx: Context, { value: expr }: ValueEntry, env: Env, param: CheckedParam, { value, span }: Update): Update | undefined {
  const scope = new Scope<Value>(env.scope);
  scope.define({ name: "θ", span, value: tensorValue({ kind: "binding", name: "θ", named: span, value, type: param.type, span }) });
  defineStep(scope, expr.span);
  const errors = cx.diagnostics.reports;
  const found = evaluateTensor(cx, expr, { ...env, scope, place: { path: `constrain/${param.path}`, named: true, turns: "" } }, "what a parameter becomes");
  if (!found || cx.diagnostics.reports > errors) return undefined;
  const next = coerce(found, "f32").core;
  const { shape } = next.type;
  if (sameShape(shape, param.type.shape)) return { path: param.path, value: next, span: expr.span };
  if (shape.length === 0) return { path: param.path, value: { kind: "broadcast", arg: next, type: param.type, span: expr.span }, span: expr.span };
  cx.error({
    code: "E0202", message: `\`${param.path}\` is ${printType(param.type)} and the constraint gives it the shape ${printShape(shape)}`, span: expr.span, label: printShape(shape),
    related: [labelAt(param.span, "it is declared here")], hint: "`{ over = … }` says which parameters are meant",
  });
  return undefined;
}
