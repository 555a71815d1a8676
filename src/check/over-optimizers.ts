/**
 * An optimizer over all parameters at once: it sees them as one vector, in the order of their declaration, and the loss as a
 * function of that vector. Comes in: the declaration with its arguments, and the parameters it trains. Goes out: its states,
 * keyed `bfgs.H`, and for each parameter its part of the new vector.
 *
 *     optimizer descent(lr = 0.1) over θ: f32[P] { θ <- θ - lr * g }
 *
 * Beside θ, `g`, `t` and `epoch` it has `loss_at(θ')`, `grad_at(θ')`, `hvp(v)`, `hessian()` and `line_search(d, c1, c2)`. The
 * loss at another point is the loss with each parameter standing for its part of that vector; data and draws are the same.
 */
import * as dims from "../ir/dims.ts";
import { printType, sameShape, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Arg, Call } from "../syntax/ast.ts";
import { bindParameters, defineStep } from "./calls.ts";
import { runBody } from "./body.ts";
import type { CheckedOptimizer, CheckedParam, Update } from "./checked.ts";
import type { Context, Env, ModelState } from "./context.ts";
import type { Core, CoreLeaf } from "./core.ts";
import { gradient, directional } from "./derivatives.ts";
import { apply, type Operand } from "./elementwise.ts";
import { Variable } from "./equation.ts";
import { variableValue } from "./indexing.ts";
import { coerce, tensorValue } from "./make.ts";
import { objective } from "./names.ts";
import { asTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { reduce } from "./reduce.ts";
import { Scope } from "./scope.ts";
import { matchArgument } from "./types.ts";
import { type CallableValue, type GivenArgument, type NativeValue, poison, type TensorValue, type Value } from "./value.ts";

/** The largest number of parameters of which a Hessian is made. */
export const hessianLimit = 2000;

/** What such an optimizer is made of. */
export interface OverOptimizer {
  readonly callee: CallableValue;
  readonly given: ReadonlyMap<string, GivenArgument>;
  readonly params: readonly CheckedParam[];
  /** The call. */
  readonly span: Span;
  /** Begins the keys of its states. */
  readonly owner: string;
  /** What is minimised; the model's whole loss if nothing else is. */
  readonly loss?: Core;
}

/** The names that only such an optimizer has. */
export const overNames: readonly string[] = ["loss_at", "grad_at", "hvp", "hessian", "line_search"];

/** The optimizer for these parameters. */
export function checkOverOptimizer(cx: Context, made: OverOptimizer, env: Env, model: ModelState): CheckedOptimizer | undefined {
  const { callee, params, span, owner } = made;
  const { declaration } = callee;
  if (declaration.kind !== "optimizer" || !declaration.over) return undefined;
  const { name: vector, type } = declaration.over;
  const name = declaration.name.name;
  const [first] = params;
  if (!first || (!made.loss && model.terms.length === 0)) return { name, span, perParam: [] };
  const parts = layOut(params);
  const theta = tensorValue(joined(params.map(leafOf), span), { fixed: [span] });
  const scope = new Scope<Value>(callee.scope);
  const place = { path: `${owner}${name}`, named: true, turns: "" };
  const inner: Env = { ...env, scope, place };
  const errors = cx.diagnostics.reports;
  const matched = matchArgument(cx, { kind: "parameter", name: vector, type, span: vector.span }, { value: theta, span: vector.span }, inner);
  if (matched.kind === "poison") return undefined;
  const state: ModelState = {
    ...model, params: new Map(), updates: new Map(), claims: new Map(), foreseen: [],
    states: new Map([[whole, { path: whole, type: theta.core.type, init: theta.core, span: vector.span, current: theta }]]),
    theta: { dtype: "f32", shape: theta.core.type.shape, fixed: [span] },
    thetaName: vector.name,
    statePath: (s) => `${owner}${name}.${s}`,
    alwaysTraining: true,
  };
  scope.define({ name: vector.name, span: vector.span, value: theta, state: whole });
  scope.define({ name: "g", value: tensorValue(joined(params.map((p): Core => ({ kind: "gradient", path: p.path, type: p.type, span })), span), { fixed: [span] }) });
  defineStep(scope, span);
  const around = cx.model;
  const loss = made.loss ?? wholeLoss(cx, model, span);
  cx.model = state;
  if (loss) for (const native of lossNatives(cx, { loss, parts, theta, span, vector: vector.name, env: inner })) scope.define({ name: native.name, value: native });
  const bound = loss && bindParameters(cx, declaration.params, made.given, inner, `\`${name}\``, span);
  if (bound) runBody(cx, { declaration, scope, place, span, kind: "optimizer" });
  cx.model = around;
  if (!bound || cx.diagnostics.reports > errors) return undefined;
  const next = state.updates.get(whole);
  if (!next) {
    cx.error({ code: "E0307", message: `the optimizer \`${name}\` never updates \`${vector.name}\``, span: declaration.name.span, hint: `${vector.name} <- ${vector.name} - lr * g` });
    return undefined;
  }
  const states = [...state.states.values()].filter((s) => s.path !== whole).map((s) => ({ path: s.path, type: s.type, init: s.init, span: s.span }));
  const own: Update[] = [...state.updates].filter(([path]) => path !== whole).map(([path, update]) => ({ path, ...update }));
  const output = state.thetaOutput?.value;
  // The states belong to all parameters; they are listed with the first.
  const perParam = parts.map((part, k) => ({
    param: part.param.path,
    states: k === 0 ? states : [],
    updates: [...(k === 0 ? own : []), { path: part.param.path, value: pieceOf(next.value, part, total(parts)), span: next.span }],
    ...(output && { output: pieceOf(output, part, total(parts)) }),
  }));
  return { name, span, perParam };
}

/** The key of θ among the optimizer's own states; no state of a program is called so. */
const whole = "θ";

/** A parameter and where it lies in the vector. */
interface Part {
  readonly param: CheckedParam;
  readonly lo: number;
  readonly hi: number;
}

function layOut(params: readonly CheckedParam[]): readonly Part[] {
  let lo = 0;
  return params.map((param) => {
    const count = dims.product(param.type.shape);
    const part = { param, lo, hi: lo + (typeof count === "number" ? count : 0) };
    lo = part.hi;
    return part;
  });
}

function total(parts: readonly Part[]): number {
  return parts.at(-1)?.hi ?? 0;
}

function leafOf(param: CheckedParam): CoreLeaf {
  return { kind: "leaf", role: "param", path: param.path, type: param.type, span: param.span };
}

/** Tensors one after another as one vector. */
function joined(cores: readonly Core[], span: Span): Core {
  const flat = cores.map((arg): Core => {
    const count = dims.product(arg.type.shape);
    return arg.type.shape.length === 1 ? arg : { kind: "reshape", arg, type: tensor("f32", [count]), span };
  });
  const [only] = flat;
  if (flat.length === 1 && only) return only;
  const length = flat.reduce<dims.Dim>((n, c) => dims.add(n, c.type.shape[0] ?? 0), 0);
  return { kind: "concat", axis: 0, args: flat, type: tensor("f32", [length]), span };
}

/** A parameter's part of a vector, in its shape. */
function pieceOf(vector: Core, { param, lo, hi }: Part, length: number): Core {
  const { span } = vector;
  const slice: Core = hi - lo === length ? vector : { kind: "slice", items: [{ kind: "range", lo, hi }], arg: vector, type: tensor("f32", [hi - lo]), span };
  return sameShape(slice.type.shape, param.type.shape) ? slice : { kind: "reshape", arg: slice, type: param.type, span };
}

function wholeLoss(cx: Context, model: ModelState, span: Span): Core | undefined {
  const value = objective(cx, model, span);
  return value.kind === "tensor" ? coerce(value, "f32").core : undefined;
}

/** The loss as a function of the vector. */
interface Objective {
  readonly loss: Core;
  readonly parts: readonly Part[];
  readonly theta: TensorValue;
  readonly span: Span;
  /** What θ is called. */
  readonly vector: string;
  /** Where the optimizer is declared. */
  readonly env: Env;
}

function lossNatives(cx: Context, of: Objective): readonly NativeValue[] {
  const length = total(of.parts);
  const { theta } = of;
  const vectorType = tensor("f32", [length]);
  const at = (point: Core): Core => ({ kind: "replace", value: of.loss, pairs: of.parts.map((part) => ({ from: leafOf(part.param), to: pieceOf(point, part, length) })), type: of.loss.type, span: of.span });
  const named = (core: Core): TensorValue => tensorValue({ kind: "binding", name: of.vector, named: of.span, value: core, type: core.type, span: core.span }, { fixed: [of.span] });
  const here = named(theta.core);
  const lossHere = at(here.core);

  const vectorFrom = (operand: Operand | undefined, what: string, span: Span): TensorValue | undefined => {
    const value = operand && asTensor(cx, operand.value, operand.span, what);
    if (!value || !operand) return undefined;
    const core = coerce(value, "f32").core;
    if (sameShape(core.type.shape, vectorType.shape)) return { ...value, core };
    cx.error({
      code: "E0202", message: `${what} is a vector of all ${length} parameters, and this is ${printType(value.core.type)}`, span: operand.span, label: printType(value.core.type),
      related: [labelAt(span, "asked for by this call")],
    });
    return undefined;
  };
  const lossAt = (point: TensorValue): Core => (point.core === theta.core ? of.loss : at(point.core));
  const gradAt = (point: TensorValue, span: Span): Value => {
    // Where θ stands, the gradient of the step itself.
    if (point.core === theta.core) {
      const each = of.parts.map((part): Core => ({ kind: "derive", derive: "grad", value: of.loss, wrt: leafOf(part.param), type: part.param.type, span }));
      return tensorValue(joined(each, span), { fixed: [span] });
    }
    const z = named(point.core);
    return gradient(cx, { value: tensorValue(at(z.core)), span }, { value: z, span }, span);
  };

  const natives: readonly NativeValue[] = [
    {
      kind: "native", name: "loss_at", params: ["θ"], required: 1,
      run: ([θ], span) => {
        const point = vectorFrom(θ, "the point of `loss_at`", span);
        return point ? tensorValue(lossAt(point)) : poison;
      },
    },
    {
      kind: "native", name: "grad_at", params: ["θ"], required: 1,
      run: ([θ], span) => {
        const point = vectorFrom(θ, "the point of `grad_at`", span);
        return point ? gradAt(point, span) : poison;
      },
    },
    {
      kind: "native", name: "hvp", params: ["v"], required: 1,
      run: ([v], span) => {
        const along = vectorFrom(v, "the direction of `hvp`", span);
        return along ? directional(cx, "hvp", [{ value: tensorValue(lossHere), span }, { value: here, span }, { value: along, span }], span) : poison;
      },
    },
    {
      kind: "native", name: "hessian", params: [], required: 0,
      run: (_, span) => {
        if (length <= hessianLimit) return hessian(cx, lossHere, here, length, span);
        cx.error({
          code: "E0331", message: `\`hessian()\` of ${length} parameters would have ${length} × ${length} numbers`, span, label: `at most ${hessianLimit} parameters`,
          hint: "`hvp(v)` is the Hessian times a vector, at the price of two gradients",
        });
        return poison;
      },
    },
  ];
  const search: NativeValue = {
    kind: "native", name: "line_search", params: ["d", "c1", "c2", "trials"], required: 1,
    run: ([d, c1, c2, trials], span) => {
      const along = vectorFrom(d, "the direction of `line_search`", span);
      if (!along) return poison;
      const slope = reduce(cx, "sum", { value: apply(cx, "mul", [{ value: gradAt(theta, span), span }, { value: along, span }], span), span }, { keep: false }, span);
      const value = (name: string, given: Operand | undefined): { name: string; value: Value }[] => (given ? [{ name, value: given.value }] : []);
      const args = [
        { name: "loss_at", value: natives[0] as Value }, { name: "grad_at", value: natives[1] as Value }, { name: "θ", value: theta }, { name: "d", value: along },
        { name: "f0", value: tensorValue(of.loss) }, { name: "s0", value: slope },
        ...value("c1", c1), ...value("c2", c2), ...value("trials", trials),
      ];
      return callLibrary(cx, of.env, "wolfe", args, span);
    },
  };
  return [...natives, search];
}

/** H[i, j] = ∂/∂θ_j of ∂L/∂θ_i. */
function hessian(cx: Context, loss: Core, here: TensorValue, length: number, span: Span): Value {
  const [i, j] = ["i", "j"].map((name) => {
    const v = new Variable(name, span);
    v.settle("given", 0, length, span);
    return v;
  }) as [Variable, Variable];
  const element = (whole: Value, v: Variable): TensorValue | undefined =>
    whole.kind === "tensor" ? tensorValue({ kind: "at", base: whole.core, index: [variableValue(v).core], type: tensor("f32", []), span }, { indexed: new Set([...(whole.indexed ?? []), v]) }) : undefined;
  const by = { value: here, span };
  const first = element(gradient(cx, { value: tensorValue(loss), span }, by, span), i);
  const second = first && element(gradient(cx, { value: first, span }, by, span), j);
  if (!second) return poison;
  const core: Core = { kind: "comprehend", indices: [i, j], body: second.core, type: tensor("f32", [length, length]), span };
  return tensorValue(core, { fixed: [span, span] });
}

/** A function of the library with these arguments, as if it were called here. */
function callLibrary(cx: Context, env: Env, name: string, args: readonly { readonly name: string; readonly value: Value }[], span: Span): Value {
  const scope = new Scope<Value>(libraryOf(env.scope));
  // A name with a space is no name of a program.
  for (const { name: arg, value } of args) scope.define({ name: `given ${arg}`, value });
  const call: Call = {
    kind: "call", span, callee: { kind: "name", name, span },
    args: args.map((a): Arg => ({ kind: "argument", span, name: { name: a.name, span }, value: { kind: "name", name: `given ${a.name}`, span } })),
  };
  return cx.evaluate(cx, call, { ...env, scope });
}

/** The outermost scope, which is the library's. */
function libraryOf(scope: Scope<Value>): Scope<Value> {
  let at = scope;
  while (at.parent) at = at.parent;
  return at;
}
