/** Checks one model: its hyperparameters, then its statements in text order. */
import type { Dim } from "../ir/dims.ts";
import { tensor } from "../ir/types.ts";
import type { Model, Param } from "../syntax/ast.ts";
import type { CheckedModel, CheckedParam } from "./checked.ts";
import { type Context, emptyModel, type Env, type Frame, type ModelState } from "./context.ts";
import type { Core } from "./core.ts";
import { literal, literalBoolean, tensorValue } from "./make.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { runStatements } from "./statements.ts";
import { poison, type Value } from "./value.ts";

/** Values from outside the file: `--set hidden=64`. */
export type Settings = Readonly<Record<string, number | string | boolean>>;

/** What an earlier pass over the model found out. */
export interface Foreknowledge {
  /** Hyperparameters that fix a size, a bound or a branch. */
  readonly fixed: ReadonlySet<string>;
  readonly params: readonly CheckedParam[];
  /** Hyperparameters without a value are open, not missing. */
  readonly open?: boolean;
}

/** A model after its statements ran; `scope` holds its hyperparameters, for its train blocks. */
export interface ModelRun {
  readonly state: ModelState;
  readonly scope: Scope<Value>;
}

/** A frame for code that is no call. */
export function plainFrame(cx: Context, kind: Frame["kind"]): Frame {
  return { kind, id: cx.newId(), repeat: 1, atEnd: [] };
}

/** Runs the model's statements. */
export function runModel(cx: Context, model: Model, file: Scope<Value>, settings: Settings, foreknowledge: Foreknowledge): ModelRun {
  const state = emptyModel(model.name.name, foreknowledge.params);
  cx.model = state;
  const scope = new Scope<Value>(file);
  const frame = plainFrame(cx, "model");
  const env: Env = { scope, frame, place: { path: model.name.name, named: false, turns: "" } };
  for (const param of model.params) defineHyper(cx, state, param, env, settings, foreknowledge);
  const inner: Env = { ...env, scope: new Scope<Value>(scope) };
  runStatements(cx, model.body.statements, inner);
  for (const run of frame.atEnd) run();
  return { state, scope };
}

/** A model's parameter: a number that `--set` may change, a boolean, or a function. */
function defineHyper(cx: Context, state: ModelState, param: Param, env: Env, settings: Settings, { fixed, open }: Foreknowledge): void {
  const { name, span } = param.name;
  const set = Object.hasOwn(settings, name) ? settings[name] : undefined;
  const define = (value: Value): void => {
    const twice = env.scope.define({ name, span, value, onUse: cx.expectUse(name, span) });
    if (twice) cx.error({ code: "E0102", message: `\`${name}\` is bound twice`, span, related: [labelAt(twice.span, "first here")] });
  };
  if (set === undefined && !param.default) {
    if (!open) cx.error({ code: "E0106", message: `the hyperparameter \`${name}\` has no value`, span: param.span, hint: `give it a default, or \`--set ${name}=…\`` });
    return define(poison);
  }
  const given = set === undefined && param.default ? cx.evaluate(cx, param.default, env) : settingValue(set ?? 0, param);
  if (given.kind !== "tensor" || given.core.type.shape.length > 0) {
    if (given.kind === "text") cx.error({ code: "E0208", message: `\`${name}\` must be a number, true or false, and is set to "${given.text}"`, span: param.span });
    return define(given.kind === "text" ? poison : given);
  }
  const value = given.known;
  if (typeof value !== "number") {
    cx.error({ code: "E0209", message: `the hyperparameter \`${name}\` must be known before anything runs`, span: param.default?.span ?? span });
    return define(poison);
  }
  // Those that the default was computed from are fixed, since this one would not follow them.
  for (const other of given.hypers ?? []) {
    const hyper = state.hypers.get(other);
    if (hyper) hyper.static = true;
  }
  const where = { fixed: [param.span] };
  const boolean = given.core.type.dtype === "bool";
  const isStatic = boolean || fixed.has(name);
  state.hypers.set(name, { value, span, static: isStatic });
  if (isStatic) return define({ ...(boolean ? literalBoolean(value === 1, span) : literal(value, span)), ...where });
  const core: Core = { kind: "hyper", name, type: tensor("f32", []), span };
  define(tensorValue(core, { known: value, literal: true, hypers: new Set([name]), ...where }));
}

function settingValue(set: number | string | boolean, param: Param): Value {
  if (typeof set === "boolean") return literalBoolean(set, param.span);
  const text = String(set).trim();
  if (text === "true" || text === "false") return literalBoolean(text === "true", param.span);
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? literal(number, param.span) : { kind: "text", text };
}

/** The checked model. */
export function finishModel(model: Model, state: ModelState): CheckedModel {
  const first = (shape: readonly Dim[]): string | undefined => {
    const [size] = shape;
    const [term, ...more] = typeof size === "object" ? size.terms : [];
    return term && more.length === 0 && term.coefficient === 1 && term.symbols.length === 1 ? term.symbols[0] : undefined;
  };
  const batch = state.inputs.map((i) => first(i.type.shape)).find((s) => s !== undefined);
  return {
    name: model.name.name,
    span: model.name.span,
    hypers: [...state.hypers].map(([name, h]) => ({ name, ...h })),
    ...(batch !== undefined && { batch }),
    inputs: state.inputs,
    params: [...state.params.values()].map(({ call: _call, layers: _layers, ...param }) => param),
    states: [...state.states.values()].map(({ path, type, init, span }) => ({ path, type, init, span })),
    outputs: state.outputs,
    terms: state.terms,
    metrics: state.metrics,
    updates: [...state.updates].map(([path, update]) => ({ path, ...update })),
  };
}
