/**
 * Calls. Arguments are matched to parameters, defaults filled in, dimensions bound, and the body is run once per call:
 * every call of a layer owns its parameters, every call of a function is its body in place.
 */
import { cover, type Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Arg, Call, Expr, Instance, Param } from "../syntax/ast.ts";
import { runBody } from "./body.ts";
import { callBuiltin, takesSizes } from "./builtins.ts";
import { guardOf } from "./choice.ts";
import type { Context, Env, Place } from "./context.ts";
import type { Guard } from "./guards.ts";
import { tensorValue } from "./make.ts";
import { callWithGradient, hasOwnGradient } from "./own-gradient.ts";
import { restAxes } from "./rest-axes.ts";
import { warnProbabilities } from "./probabilities.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { shared } from "./shared-calls.ts";
import { matchArgument } from "./types.ts";
import { type CallableValue, describe, type GivenArgument, type InstanceValue, type NativeValue, poison, type Value } from "./value.ts";

/** `callee(args)`. */
export function evaluateCall(cx: Context, expr: Call, env: Env): Value {
  const callee = cx.evaluate(cx, expr.callee, env);
  switch (callee.kind) {
    case "poison":
      for (const { value } of expr.args) if (value.kind !== "range" && value.kind !== "ellipsis") cx.evaluate(cx, value, env);
      return poison;
    case "builtin": {
      const given = readArguments(cx, callee.name, expr.args, env);
      return callBuiltin(cx, callee.name, callee.name === "hvp" && given.length === 1 ? [...wholeObjective(cx, expr.callee.span, env), ...given] : given, expr, env);
    }
    case "native":
      return callNative(cx, callee, expr, env);
    case "callable":
      return callDeclared(cx, callee, expr, env);
    case "instance":
      return callInstance(cx, callee, expr, env);
    default:
      notCallable(cx, callee, expr, env);
      return poison;
  }
}

/** Says what stands where a function is expected: perhaps a value that hides one. */
function notCallable(cx: Context, callee: Value, { callee: { kind, span } }: Call, env: Env): void {
  const name = span.source.text.slice(span.start, span.end);
  const bound = kind === "name" ? env.scope.lookup(name)?.span : undefined;
  const hides = kind === "name" && cx.libraryNames().includes(name);
  const hint = hides ? `it hides the library's \`${name}\`: give the value another name` : callee.kind === "tensor" ? `to multiply write \`${kind === "name" ? name : "x"} * (…)\`` : undefined;
  cx.error({ code: "E0108", message: `only functions and layers can be called, and this is ${describe(callee)}`, span, label: describe(callee), related: [labelAt(bound, "bound here")], hint });
}

/** `hvp(v)` is that of the whole loss by all parameters. */
function wholeObjective(cx: Context, span: Span, env: Env): { given: GivenArgument }[] {
  return ["loss", "params"].map((name) => ({ given: { value: cx.evaluate(cx, { kind: "name", name, span }, env), span } }));
}

/** A function that the place gives. */
function callNative(cx: Context, callee: NativeValue, expr: Call, env: Env): Value {
  const { params, required, name } = callee;
  const args = new Array<GivenArgument | undefined>(params.length).fill(undefined);
  let position = 0;
  for (const { name: key, given } of readArguments(cx, name, expr.args, env)) {
    if (given.value.kind === "poison") return poison;
    const at = key === undefined ? position++ : params.indexOf(key);
    if (at >= 0 && at < params.length && !args[at]) args[at] = given;
    else {
      const message = at >= params.length ? `\`${name}\` takes ${params.length === 0 ? "no arguments" : `at most ${params.length} ${params.length === 1 ? "argument" : "arguments"}`}` : args[at] ? `\`${params[at] ?? ""}\` is given twice` : `\`${name}\` has no parameter \`${key ?? ""}\``;
      cx.error({ code: "E0106", message, span: given.span, hint: params.length > 0 ? `it has ${params.map((p) => `\`${p}\``).join(", ")}` : undefined });
      return poison;
    }
  }
  const missing = params.findIndex((_, k) => k < required && !args[k]);
  if (missing < 0) return callee.run(args, expr.span);
  cx.error({ code: "E0106", message: `\`${name}\` needs \`${params[missing] ?? ""}\``, span: expr.span });
  return poison;
}

/**
 * The arguments of a core function, evaluated in place. In `where(c, a, b)`, `a` is read where c holds and `b` where it
 * fails; among sizes `...` is the sizes of the axes it stands for.
 */
function readArguments(cx: Context, callee: string, args: readonly Arg[], env: Env): { name?: string; given: GivenArgument }[] {
  let guard: Guard | undefined;
  return args.flatMap((arg, k): { name?: string; given: GivenArgument }[] => {
    if (arg.value.kind === "ellipsis" && takesSizes(callee)) {
      const { span } = arg.value;
      return (restAxes(cx, span, env) ?? [poison]).map((value) => ({ given: { value, span } }));
    }
    const parameter = arg.name?.name ?? ["c", "a", "b"][k];
    const around = callee === "where" && guard ? { ...guard, holds: parameter === "a" } : undefined;
    const value = cx.under(around, () => evaluateArgument(cx, arg.value, env));
    if (callee === "where" && parameter === "c") guard = guardOf(value);
    return [{ ...(arg.name && { name: arg.name.name }), given: { value, span: arg.value.span } }];
  });
}

/** An argument that must be a value. */
export function evaluateArgument(cx: Context, value: Arg["value"], env: Env): Value {
  if (value.kind === "ellipsis") cx.error({ code: "E0106", message: "`...` is no argument here", span: value.span, label: "several axes", hint: "it stands among sizes: `reshape(x, N, ...)`, `normal(0, 1)[...]`" });
  else if (value.kind === "range") cx.error({ code: "E0106", message: "a range is no argument here", span: value.span, label: "a range", hint: "ranges stand in brackets: `x[0..3]`" });
  else return cx.evaluate(cx, value, env);
  return poison;
}

/** Which argument each parameter gets, as written; undefined when something does not fit. */
export function pairArguments(cx: Context, params: readonly Param[], args: readonly Arg[], what: string, span: Span): Map<string, Arg> | undefined {
  const pairs = new Map<string, Arg>();
  const [first] = params;
  const declaredAt = labelAt(first && cover(first.span, (params.at(-1) ?? first).span), "what it takes");
  let position = 0;
  let sound = true;
  for (const arg of args) {
    const name = arg.name?.name ?? params[position++]?.name.name;
    if (name === undefined) {
      const takes = params.length === 0 ? "no arguments" : params.length === 1 ? "one argument" : `${params.length} arguments`;
      cx.error({ code: "E0106", message: `${what} takes ${takes}, and this is one more`, span: arg.span, label: "one too many", related: [declaredAt] });
      sound = false;
    } else if (!params.some((p) => p.name.name === name)) {
      const near = suggest(name, params.map((p) => p.name.name));
      cx.error({
        code: "E0106", message: `${what} has no parameter \`${name}\``, span: arg.name?.span ?? arg.span, label: "unknown parameter", related: [declaredAt],
        hint: name === "activation" ? `apply it to the result: \`relu(…)\`` : near ? `did you mean \`${near}\`?` : params.length === 0 ? "it has none" : undefined,
      });
      sound = false;
    } else if (pairs.has(name)) {
      cx.error({ code: "E0106", message: `\`${name}\` is given twice`, span: arg.span, label: "again here", related: [{ span: pairs.get(name)?.span ?? span, text: "here first" }] });
      sound = false;
    } else pairs.set(name, arg);
  }
  return sound ? pairs : undefined;
}

/** Binds parameters to given values and defaults, in the order of their declaration; `watched` ones should be used. */
export function bindParameters(
  cx: Context, params: readonly Param[], given: ReadonlyMap<string, GivenArgument>, env: Env, what: string, span: Span, watched = true,
): boolean {
  let sound = true;
  const matched = new Map<string, Value>();
  // Tensors first: they bind the dimensions that defaults and other parameters may mention.
  for (const param of params) {
    const argument = given.get(param.name.name);
    if (!argument || !param.type) continue;
    const value = matchArgument(cx, param, argument, env);
    if (value.kind === "poison") sound = false;
    matched.set(param.name.name, value);
  }
  for (const param of params) {
    const name = param.name.name;
    const argument = given.get(name);
    let value = matched.get(name) ?? argument?.value;
    let at = argument?.span;
    if (!value) {
      if (!param.default) {
        cx.error({ code: "E0106", message: `${what} needs \`${name}\``, span, label: "not given", related: [{ span: param.span, text: "declared here" }] });
        sound = false;
        continue;
      }
      value = matchArgument(cx, param, { value: cx.evaluate(cx, param.default, env), span: param.default.span }, env);
      at = param.default.span;
    }
    if (value.kind === "poison") sound = false;
    // A size that was passed shows as fixed where it was passed.
    if (value.kind === "tensor" && value.known !== undefined && at && !value.fixed?.[0] && value.core.type.shape.length === 0) value = { ...value, fixed: [at] };
    const expected = watched && value.kind !== "poison" && !name.startsWith("_") && !cx.isLibrary(param.span.source);
    const twice = env.scope.define({ name, span: param.name.span, value, ...(expected && { onUse: cx.expectUse(name, param.name.span) }) });
    if (!twice) continue;
    cx.error({ code: "E0102", message: `\`${name}\` is both a parameter and a dimension`, span: param.name.span });
    sound = false;
  }
  return sound;
}

function callDeclared(cx: Context, callee: CallableValue, expr: Call, env: Env): Value {
  const { declaration } = callee;
  const name = declaration.name.name;
  const what = `\`${name}\``;
  const pairs = pairArguments(cx, declaration.params, expr.args, what, expr.span);
  if (!pairs) return poison;
  if (declaration.kind === "optimizer") {
    cx.error({ code: "E0108", message: `the optimizer ${what} belongs in a \`train\` block`, span: expr.span, hint: `optimizer = ${name}(…)` });
    return poison;
  }
  const owns = declaration.kind === "layer";
  if (owns && !env.place.named) {
    cx.error({ code: "E0105", message: `the layer ${what} needs a name, which its parameters are called by`, span: expr.span, label: "bound to no name", hint: `bind it on a line of its own: \`h = ${name}(…)\`` });
    return poison;
  }
  const given = new Map<string, GivenArgument>();
  for (const [param, arg] of pairs) {
    const place: Place = owns ? { path: `${env.place.path}.${param}`, named: true, turns: "" } : env.place;
    given.set(param, { value: evaluateArgument(cx, arg.value, { ...env, place }), span: arg.value.span });
  }
  if ([...given.values()].some((g) => g.value.kind === "poison")) return poison;
  warnProbabilities(cx, declaration, given, env);
  const scope = callScope(callee);
  const inner: Env = { scope, place: env.place, frame: env.frame };
  const bound = inCall(cx, callee, expr.span, () => bindParameters(cx, declaration.params, identified(cx, declaration, given), inner, what, expr.span, declaration.kind !== "initializer"));
  if (!bound) return poison;
  if (declaration.kind === "initializer") {
    const args = new Map(declaration.params.map((p) => [p.name.name, scope.own(p.name.name)?.value ?? poison]));
    return { kind: "initialiser", declaration, scope: callee.scope, args };
  }
  if (hasOwnGradient(declaration)) return callWithGradient(cx, declaration, { scope, place: env.place, frame: env.frame, span: expr.span });
  const place: Place = owns ? { path: env.place.path, named: true, turns: "" } : env.place;
  const run = (): Value => runBody(cx, { declaration, scope, place, span: expr.span, kind: declaration.kind, repeat: env.frame.repeat });
  return declaration.kind === "fn" ? shared(cx, callee, given, run) : run();
}

/** An initialiser by its name alone, `he_normal`: its arguments are their defaults. */
export function initialiserByName(cx: Context, callee: CallableValue, span: Span, env: Env): Value {
  return callDeclared(cx, callee, { kind: "call", callee: { kind: "name", name: callee.declaration.name.name, span }, args: [], span }, env);
}

/** Lets errors in binding parameters show at the call. */
function inCall<T>(cx: Context, callee: CallableValue | InstanceValue, span: Span, run: () => T): T {
  cx.calls.push({ declaration: callee.declaration, span });
  const result = run();
  cx.calls.pop();
  return result;
}

/** A function that takes derivatives by its parameters gets them as named values. */
function identified(cx: Context, declaration: CallableValue["declaration"], given: ReadonlyMap<string, GivenArgument>): ReadonlyMap<string, GivenArgument> {
  const names = cx.mentioned(declaration.body);
  if (!["grad", "jvp", "hvp"].some((d) => names.has(d))) return given;
  return new Map([...given].map(([name, { value, span }]) => [name, { value: named({ name, span: declaration.span }, value, true), span }]));
}

/** A value with an identity of its own, so that derivatives can be taken by it. What a function of another file called its result has its user's name. */
export function named(by: { readonly name: string; readonly span: Span }, value: Value, indexed = false): Value {
  if (value.kind !== "tensor" || value.core.type.dtype !== "f32" || value.core.kind === "leaf") return value;
  if (value.core.kind === "binding" && value.core.named.source === by.span.source) return value;
  if (value.literal || (value.indexed && !indexed)) return value;
  return { ...value, core: { kind: "binding", name: by.name, named: by.span, value: value.core, type: value.core.type, span: value.core.span } };
}

function callScope(callee: CallableValue): Scope<Value> {
  const scope = new Scope<Value>(callee.scope);
  if (callee.declaration.kind === "schedule") defineStep(scope, callee.declaration.span);
  return scope;
}

/** `t` and `epoch`, the number of the update and of the epoch, from 1. */
export function defineStep(scope: Scope<Value>, span: Span): void {
  for (const name of ["t", "epoch"] as const) {
    scope.define({ name, value: tensorValue({ kind: "step", name, type: { dtype: "f32", shape: [] }, span }) });
  }
}

/** The layer of an `instance` as an expression: `dense`, or `more.dense`. */
function referenceTo({ from, layer }: Instance): Expr {
  if (!from) return { kind: "name", name: layer.name, span: layer.span };
  return { kind: "field", target: { kind: "name", name: from.name, span: from.span }, name: layer, span: cover(from.span, layer.span) };
}

/** `instance layer(args)`: some arguments now, the others at each call. */
export function evaluateInstance(cx: Context, expr: Instance, env: Env): Value {
  const callee = cx.evaluate(cx, referenceTo(expr), env);
  if (callee.kind === "poison") return poison;
  if (callee.kind !== "callable" || callee.declaration.kind !== "layer") {
    cx.error({ code: "E0108", message: `\`instance\` takes a layer, and this is ${describe(callee)}`, span: expr.layer.span });
    return poison;
  }
  const { declaration, scope } = callee;
  const named = expr.args.every((a) => a.name);
  if (!named) {
    cx.error({ code: "E0106", message: "the arguments of an instance are given by name; the others come with each call", span: expr.span, hint: "instance dense(units = 64)" });
    return poison;
  }
  cx.effects++;
  if (!env.place.named) {
    cx.error({ code: "E0105", message: "an instance needs a name, which its parameters are called by", span: expr.span });
    return poison;
  }
  const pairs = pairArguments(cx, declaration.params, expr.args, `\`${declaration.name.name}\``, expr.span);
  if (!pairs) return poison;
  const args = new Map([...pairs].map(([name, arg]) => [name, { value: evaluateArgument(cx, arg.value, env), span: arg.value.span }]));
  return { kind: "instance", declaration, scope, args, path: env.place.path, id: cx.newId(), span: expr.span };
}

function callInstance(cx: Context, callee: InstanceValue, expr: Call, env: Env): Value {
  const { declaration, id } = callee;
  const what = `\`${declaration.name.name}\``;
  const open = declaration.params.filter((p) => !callee.args.has(p.name.name));
  const pairs = pairArguments(cx, open, expr.args, `this instance of ${what}`, expr.span);
  if (!pairs) return poison;
  const place: Place = { path: callee.path, named: true, turns: "" };
  const given = new Map(callee.args);
  for (const [name, arg] of pairs) given.set(name, { value: evaluateArgument(cx, arg.value, env), span: arg.value.span });
  const scope = new Scope<Value>(callee.scope);
  const inner: Env = { scope, place, frame: env.frame };
  if ([...given.values()].some((g) => g.value.kind === "poison")) return poison;
  if (!inCall(cx, callee, expr.span, () => bindParameters(cx, declaration.params, given, inner, what, expr.span))) return poison;
  cx.effects++;
  const key = String(id);
  const repeat = (cx.model?.calls.get(key) ?? 0) + 1;
  cx.model?.calls.set(key, repeat);
  return runBody(cx, { declaration, scope, place, span: expr.span, kind: "layer", id, repeat });
}

