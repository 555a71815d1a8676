/** Statements in text order: declarations, bindings, updates, results, and loops that unroll. */
import * as dims from "../ir/dims.ts";
import { printShape, printType, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Bind, Block, Expr, For, Lhs, Return, Statement } from "../syntax/ast.ts";
import { bindName } from "./binding.ts";
import { isBlock } from "./body.ts";
import { named } from "./calls.ts";
import type { CheckedState } from "./checked.ts";
import { type Context, type Env, type ModelState, type Place, placeOf } from "./context.ts";
import { declareInput, declareParam, declareState } from "./declarations.ts";
import { coerce, sizeValue, tensorValue } from "./make.ts";
import { evaluateEquation, evaluateEquations, wrongCount } from "./notation.ts";
import { declareLoss, declareMetric, declareOutput } from "./objectives.ts";
import { mentionedNames } from "./mentions.ts";
import { asTensor, evaluateRange } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { warnHiddenByIndex } from "./shadows.ts";
import { declareThetaOutput } from "./theta-output.ts";
import { describe, poison, type TensorValue, type Value } from "./value.ts";

/** The value of a body: an expression's, or what the block returns. */
export function runBody(cx: Context, body: Expr | Block, env: Env): Value {
  const around = { equation: cx.equation, guards: cx.guards };
  if (!isBlock(body)) return cx.evaluate(cx, body, env);
  runStatements(cx, body.statements, env);
  cx.equation = around.equation;
  cx.guards = around.guards;
  for (const run of env.frame.atEnd) run();
  const { result, kind } = env.frame;
  if (env.frame.failed) return poison;
  if (result) return result.value;
  if (kind === "fn" || kind === "layer" || kind === "schedule" || kind === "initializer") {
    const last = body.statements.at(-1);
    const bound = last?.kind === "bind" ? last.targets[0]?.name : undefined;
    cx.error({
      code: "E0109", message: `this ${kind === "fn" ? "function" : kind} returns nothing`, span: body.span, label: "this block", related: [labelAt(bound?.span, "its last value")],
      hint: bound ? `end it with \`return ${bound.name}\`` : "end it with `return`",
    });
  }
  return poison;
}

/** Runs statements in order. */
export function runStatements(cx: Context, statements: readonly Statement[], env: Env): void {
  for (const statement of statements) {
    if (env.frame.failed || cx.exhausted) return;
    runStatement(cx, statement, env);
  }
}

const homes: Readonly<Partial<Record<Statement["kind"], readonly Env["frame"]["kind"][]>>> = {
  input: ["model"], output: ["model", "optimizer"], metric: ["model"], loss: ["model"], goal: ["model"], param: ["model", "layer"], state: ["model", "layer", "optimizer"],
  return: ["fn", "layer", "schedule", "initializer"],
};

/** A kind of block with its article. */
function placeName(kind: Env["frame"]["kind"]): string {
  if (kind === "fn") return "a function";
  return kind === "train" ? "a train block" : `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}

function oneOf(kinds: readonly Env["frame"]["kind"][]): string {
  const names = kinds.map(placeName);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function runStatement(cx: Context, statement: Statement, env: Env): void {
  const { model } = cx;
  const home = homes[statement.kind];
  const { kind } = env.frame;
  if (home && (!home.includes(kind) || !model)) {
    const word = statement.kind === "input" ? statement.role : statement.kind === "goal" ? statement.sense : statement.kind;
    const instead = kind === "fn" && home.includes("layer") ? "; a function with parameters of its own is a `layer`" : "";
    cx.error({ code: "E0109", message: `\`${word}\` has no place in ${placeName(kind)}`, span: statement.span, label: "not here", hint: `it belongs in ${oneOf(home)}${instead}` });
    return;
  }
  switch (statement.kind) {
    case "input":
      if (model) declareInput(cx, model, statement, env);
      return;
    case "param":
      if (model) declareParam(cx, model, statement, env);
      return;
    case "state":
      if (model) declareState(cx, model, statement, env, model.theta);
      return;
    case "output":
      if (model && kind === "optimizer") declareThetaOutput(cx, model, statement, env);
      else if (model) declareOutput(cx, model, statement, env, evaluateTarget);
      return;
    case "metric":
      if (model) declareMetric(cx, model, statement, env, evaluateTarget);
      return;
    case "loss":
    case "goal":
      if (model) declareLoss(cx, model, statement, env);
      return;
    case "require":
      return runRequire(cx, statement.condition, statement.message?.value, env);
    case "return":
      return runReturn(cx, statement, env);
    case "for":
      return runFor(cx, statement, env);
    case "bind":
      return statement.op === "=" ? runBind(cx, statement, env) : runUpdate(cx, statement, env);
    case "expression":
      if (statement.values.map((value) => cx.evaluate(cx, value, env)).some((v) => v.kind === "poison")) return;
      cx.error({ code: "E0109", message: "this line computes something that nothing uses", span: statement.span, label: "goes nowhere", hint: kind === "model" ? "name it: `y = …`" : "bind it to a name, or `return` it" });
  }
}

/** `require c, "why"`. */
function runRequire(cx: Context, condition: Expr, message: string | undefined, env: Env): void {
  const value = asTensor(cx, cx.evaluate(cx, condition, env), condition.span, "what is required");
  if (!value) return;
  // A look that fixes no hyperparameter: what is required of its value here may change with it.
  const { known } = value;
  const text = condition.span.source.text.slice(condition.span.start, condition.span.end);
  if (known === undefined) cx.error({ code: "E0209", message: `\`${text}\` must be known before anything runs`, span: condition.span, label: "depends on data" });
  else if (known === 0) {
    const call = env.frame.kind === "model" ? undefined : cx.calls.at(-1)?.span;
    cx.error({ code: "E0211", message: message ?? `\`${text}\` is required and does not hold`, span: condition.span, label: `does not hold${valuesOf(condition, env)}`, related: [labelAt(call, "for this call")] });
  }
  // What follows was promised the condition: without it, further errors would say nothing.
  if (known === undefined || known === 0) env.frame.failed = true;
}

/** What is known of the names in a condition: `: c = 3`. */
function valuesOf(condition: Expr, env: Env): string {
  const known = [...mentionedNames(condition)].flatMap((name) => {
    const value = env.scope.lookup(name)?.value;
    return value?.kind === "tensor" && value.known !== undefined ? [`${name} = ${dims.print(value.known)}`] : [];
  });
  return known.length === 0 ? "" : `: ${known.join(", ")}`;
}

function runReturn(cx: Context, statement: Return, env: Env): void {
  const { frame } = env;
  const values = statement.values.map((value) => cx.evaluate(cx, value, env));
  if (frame.result) {
    cx.error({ code: "E0109", message: "there is a second `return`", span: statement.span, label: "never reached", related: [labelAt(frame.result.span, "the first")] });
    return;
  }
  const [only] = values;
  frame.result = { value: values.length === 1 && only ? only : { kind: "list", items: values }, span: statement.span };
}

/** Where what is bound to a name here belongs. In a function the caller must have named the place. */
function bindingPlace(env: Env, name: string): Place {
  const place = placeOf(env.place, name);
  return env.frame.kind === "model" || env.frame.kind === "layer" ? place : { ...place, named: env.place.named };
}

/** The value of `name = value` or `name[i, j] = value`. */
export function evaluateTarget(cx: Context, target: Lhs, value: Expr, env: Env, updated?: TensorValue): Value {
  const inner: Env = { ...env, place: bindingPlace(env, target.name.name) };
  return target.items ? evaluateEquation(cx, target, value, inner, updated) : cx.evaluate(cx, value, inner);
}

function runBind(cx: Context, statement: Bind, env: Env): void {
  const { targets, values } = statement;
  const [first] = targets;
  const [value] = values;
  if (!first || !value) return;
  if (targets.length === values.length) {
    for (const [k, target] of targets.entries()) {
      const expr = values[k];
      if (expr) bindName(cx, env, target.name, named(target.name, single(cx, evaluateTarget(cx, target, expr, env), expr.span)));
    }
    return;
  }
  const indexed = targets.find((t) => t.items);
  const made = values.length !== 1 ? poison : indexed && targets.length > 1 ? evaluateEquations(cx, [indexed, ...targets.filter((t) => t !== indexed)], value, { ...env, place: bindingPlace(env, first.name.name) }) : evaluateTarget(cx, first, value, env);
  const items = made.kind === "list" ? made.items : [];
  if (made.kind !== "poison" && items.length !== targets.length) cx.error(wrongCount(targets, made.kind === "list" ? items.length : 1, value.span));
  for (const [k, target] of targets.entries()) bindName(cx, env, target.name, named(target.name, items[k] ?? poison));
}

function single(cx: Context, value: Value, span: Span): Value {
  if (value.kind !== "list") return value;
  cx.error({ code: "E0106", message: `one name for ${value.items.length} values`, span, hint: "write one name for each: `a, b = …`" });
  return poison;
}

/** The state that a name stands for. */
function stateOf(cx: Context, { name: { name } }: Lhs, env: Env): CheckedState & { readonly current: TensorValue } | undefined {
  const path = env.scope.lookup(name)?.state;
  return path === undefined ? undefined : cx.model?.states.get(path);
}

/** `s <- e`: later lines read the new value; the step stores the last one when it ends. */
function runUpdate(cx: Context, statement: Bind, env: Env): void {
  if (statement.targets.length !== statement.values.length) {
    cx.error({ code: "E0106", message: `${statement.targets.length} states for ${statement.values.length} values`, span: statement.span });
    return;
  }
  // All right sides first: `a, b <- b, a` swaps.
  const values = statement.targets.map((target, k) => {
    const expr = statement.values[k];
    const updated = stateOf(cx, target, env)?.current;
    return expr ? { target, expr, value: evaluateTarget(cx, target, expr, env, updated) } : undefined;
  });
  for (const update of values) if (update && cx.model) assign(cx, cx.model, update.target, update.expr, update.value, env);
}

function assign(cx: Context, model: ModelState, target: Lhs, expr: Expr, value: Value, env: Env): void {
  const { name, span } = target.name;
  const found = env.scope.lookup(name);
  found?.onUse?.();
  const state = found?.state === undefined ? undefined : model.states.get(found.state);
  if (!state) {
    if (found?.value.kind === "poison") return;
    const what = found ? `\`${name}\` is ${describe(found.value)} and no state` : `there is no state \`${name}\``;
    cx.error({ code: "E0307", message: `\`<-\` updates a state, and ${what}`, span, related: [labelAt(found?.span, "bound here")], hint: found ? "`=` binds a name" : `declare it: \`state ${name}: f32 ~ zeros\`` });
    return;
  }
  if (cx.loops.length > 0) {
    cx.unsupported(target.span, "updating a state inside `fold` or `scan`", "carry the value, and update the state after the loop");
    return;
  }
  const given = asTensor(cx, value, expr.span, "the new value of a state");
  if (!given) return;
  let next = coerce(given, state.type.dtype);
  if (next.core.type.shape.length === 0 && state.type.shape.length > 0) {
    next = tensorValue({ kind: "broadcast", arg: next.core, type: state.type, span: expr.span });
  }
  if (!sameShape(next.core.type.shape, state.type.shape)) {
    cx.error({
      code: "E0202", message: `\`${name}\` is ${printType(state.type)} and its new value has the shape ${printShape(next.core.type.shape)}`, span: expr.span,
      label: printShape(next.core.type.shape), related: [labelAt(state.span, `\`${name}\` is declared here`)],
    });
    return;
  }
  const before = state.current;
  model.updates.set(state.path, { value: next.core, span: target.span });
  const type = tensor(state.type.dtype, state.type.shape);
  // Elsewhere than in training nothing is updated, so later lines read the stored value there.
  const core = model.alwaysTraining ? next.core : ({ kind: "training", then: next.core, otherwise: before.core, type, span: expr.span } as const);
  const current: TensorValue = tensorValue(core, { fixed: before.fixed ?? [] });
  model.states.set(state.path, { ...state, current });
}

/** `for k in a..b { … }`: one scope per turn; names bound outside and bound again inside are carried. */
function runFor(cx: Context, statement: For, env: Env): void {
  const range = evaluateRange(cx, statement.range, env, "`for`");
  if (!range) return;
  const turns = dims.sub(range.hi, range.lo);
  if (typeof turns !== "number" || typeof range.lo !== "number") {
    cx.error({ code: "E0209", message: `\`for\` is unrolled, so data cannot decide its turns (${dims.print(turns)})`, span: statement.range.span, hint: "use `fold` or `scan`, or a number" });
    return;
  }
  if (!cx.spend(turns, statement.range.span)) return;
  const errors = cx.diagnostics.reports;
  warnHiddenByIndex(cx, statement.index, env.scope);
  for (let k = 0; k < turns; k++) {
    const scope = new Scope<Value>(env.scope, undefined, "turn");
    const index = sizeValue(range.lo + k, statement.index.span, statement.range.span);
    const inner: Env = { ...env, scope, place: { ...env.place, turns: `${env.place.turns}.${range.lo + k}` } };
    scope.define({ name: statement.index.name, span: statement.index.span, value: index });
    runStatements(cx, statement.body.statements, inner);
    for (const definition of scope.ownDefinitions()) {
      const outer = env.scope.lookup(definition.name);
      if (!outer?.span || definition.name === statement.index.name || outer.state !== undefined || definition.state !== undefined) continue;
      definition.onUse?.();
      carry(env.scope, definition.name, definition.value);
    }
    if (cx.diagnostics.reports > errors) return;
  }
}

/** Gives a name bound around another value, in the scope that binds it. */
function carry(scope: Scope<Value>, name: string, value: Value): void {
  for (let at: Scope<Value> | undefined = scope; at; at = at.parent) {
    const definition = at.own(name);
    if (!definition) continue;
    at.rebind({ ...definition, value });
    return;
  }
}
