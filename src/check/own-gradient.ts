/**
 * A call of a function that brings its own gradient. Comes in: the function, its parameters bound in a scope, the value of
 * its body. Goes out: that value with a rule for each argument that has an entry.
 *
 *     fn sign_st(x) = sign(x) with gradient(dy) { x = dy }
 *     sign_st(a)          custom(sign(a); a: dy)
 *
 * An entry sees the arguments, what arrives (`dy`), the names that the body binds, and the result as `out`. It has the
 * shape of its argument, or of the result where the argument was stretched to it (its adjoint is then summed), or is one
 * number. An argument without an entry has no path: the derivative by it is zero.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, printType, sameShape } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Entry, Fn, ValueEntry } from "../syntax/ast.ts";
import { runBody } from "./body.ts";
import type { Context, Env, Frame, Place } from "./context.ts";
import type { CarryVar, Core, CoreRule } from "./core.ts";
import { partsOf } from "./core-parts.ts";
import { type Operand, unionOf } from "./elementwise.ts";
import { coerce, tensorValue } from "./make.ts";
import { asTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { describe, poison, type TensorValue, type Value } from "./value.ts";

/** A function with a gradient of its own. */
export type OwnFn = Fn & Required<Pick<Fn, "gradient">>;

/** True when the function was given its gradient. */
export function hasOwnGradient(declaration: { readonly kind: string }): declaration is OwnFn {
  return declaration.kind === "fn" && "gradient" in declaration && declaration.gradient !== undefined;
}

/** Where a call stands. */
interface Site {
  readonly scope: Scope<Value>;
  readonly place: Place;
  readonly frame: Frame;
  readonly span: Span;
}

/** The value of the call; parameters are bound in the site's scope. */
export function callWithGradient(cx: Context, declaration: OwnFn, site: Site): Value {
  const { scope, place, span } = site;
  const args = identify(declaration, scope);
  return runBody(cx, { declaration, scope, place, span, kind: "fn", repeat: site.frame.repeat }, (result, env) => withRules(cx, declaration, args, result, env, span));
}

/** Gives each argument that is a tensor of f32 an identity of its own, so that what else is equal to it stays apart. */
function identify(declaration: OwnFn, scope: Scope<Value>): ReadonlyMap<string, TensorValue> {
  const args = new Map<string, TensorValue>();
  for (const { name } of declaration.params) {
    const bound = scope.own(name.name);
    if (bound?.value.kind !== "tensor" || bound.value.core.type.dtype !== "f32" || bound.value.known !== undefined) continue;
    const { core } = bound.value;
    const value: TensorValue = { ...bound.value, core: { kind: "binding", name: name.name, named: name.span, value: core, type: core.type, span: core.span } };
    scope.rebind({ ...bound, value });
    args.set(name.name, value);
  }
  return args;
}

/** Names in the entries of a function that nothing calls; its body has run in the scope. */
export function checkEntries(cx: Context, declaration: OwnFn, env: Env): void {
  const scope = new Scope<Value>(env.scope);
  for (const name of [declaration.gradient.incoming.name, "out"]) scope.define({ name, value: poison });
  const seen = new Map<string, Span>();
  for (const entry of declaration.gradient.entries) {
    const named = entryOf(cx, declaration, entry, seen);
    if (named) cx.evaluate(cx, named.value, { ...env, scope });
  }
}

function withRules(cx: Context, declaration: OwnFn, args: ReadonlyMap<string, TensorValue>, result: Value, env: Env, span: Span): Value {
  const { gradient, name } = declaration;
  const value = asTensor(cx, result, declaration.body.span, `the value of \`${name.name}\``);
  if (!value) return poison;
  if (value.core.type.dtype !== "f32") {
    cx.error({
      code: "E0321", message: `a function with a gradient gives f32, and \`${name.name}\` gives ${printType(value.core.type)}`, span: declaration.body.span, label: printType(value.core.type),
      related: [labelAt(gradient.incoming.span, "the gradient")],
    });
    return poison;
  }
  const foreign = foreignParameter(value.core, args);
  if (foreign) {
    cx.error({
      code: "E0322", message: `\`${name.name}\` uses the parameter \`${foreign.path}\`, of which its gradient says nothing`, span: name.span, label: "it reaches the parameter on another way than through an argument",
      related: [labelAt(foreign.span, "the parameter"), labelAt(gradient.span, "entries are for arguments alone")], hint: "pass the parameter as an argument",
    });
    return poison;
  }
  const indexed = unionOf([value.indexed, ...[...args.values()].map((a) => a.indexed)]);
  const { type } = value.core;
  const incoming: CarryVar = { name: gradient.incoming.name, type };
  const out: CarryVar = { name: "out", type };
  const scope = new Scope<Value>(env.scope);
  const receive = (carry: CarryVar, at: Span): void => {
    scope.define({ name: carry.name, span: at, value: tensorValue({ kind: "carry", carry, type, span: at }, { fixed: value.fixed ?? [], ...(indexed && { indexed }) }) });
  };
  const own = env.scope.own(incoming.name);
  if (own) {
    cx.error({ code: "E0102", message: `\`${incoming.name}\` is bound twice`, span: gradient.incoming.span, label: "the incoming gradient", related: [labelAt(own.span, "first here")] });
    return poison;
  }
  receive(incoming, gradient.incoming.span);
  if (!env.scope.own("out") && incoming.name !== "out") receive(out, declaration.body.span);
  const rules = readRules(cx, declaration, args, { value, span: declaration.body.span }, { ...env, scope });
  if (!rules) return poison;
  // Without an argument that a derivative could be taken by there is nothing to say.
  if (args.size === 0) return value;
  const core: Core = { kind: "custom", name: name.name, value: value.core, args: [...args.values()].map((a) => a.core), incoming, out, rules, type, span };
  return tensorValue(core, { fixed: value.fixed ?? [], ...(indexed && { indexed }) });
}

/** A parameter of the model that the body reaches on another way than through an argument. */
function foreignParameter(value: Core, args: ReadonlyMap<string, TensorValue>): { readonly path: string; readonly span: Span } | undefined {
  const seen = new Set<Core>([...args.values()].map((a) => a.core));
  const pending = seen.has(value) ? [] : [value];
  for (let core = pending.pop(); core; core = pending.pop()) {
    if (core.kind === "leaf" && core.role === "param") return { path: core.path, span: core.span };
    for (const part of partsOf(core)) {
      if (seen.has(part)) continue;
      seen.add(part);
      pending.push(part);
    }
  }
  return undefined;
}

/** The entries, each with its argument. Entries for arguments that this call gives as plain numbers are read and left out. */
function readRules(cx: Context, declaration: OwnFn, args: ReadonlyMap<string, TensorValue>, result: Operand, env: Env): readonly CoreRule[] | undefined {
  const rules: CoreRule[] = [];
  const seen = new Map<string, Span>();
  let sound = true;
  for (const entry of declaration.gradient.entries) {
    const named = entryOf(cx, declaration, entry, seen);
    const given = named && asTensor(cx, cx.evaluate(cx, named.value, env), named.value.span, "an adjoint");
    if (!named || !given) {
      sound = false;
      continue;
    }
    const bound = env.scope.lookup(named.key.name)?.value ?? poison;
    const argument = args.get(named.key.name);
    if (bound.kind !== "tensor" || (!argument && bound.known === undefined)) {
      const what = bound.kind === "tensor" ? printType(bound.core.type) : describe(bound);
      cx.error({ code: "E0320", message: `\`${named.key.name}\` is ${what} here, and only tensors of f32 have a gradient`, span: named.key.span, label: what });
      sound = false;
      continue;
    }
    if (!argument) continue;
    const rule = fit(cx, named, argument, coerce(given, "f32"), result);
    if (rule) rules.push(rule);
    else sound = false;
  }
  return sound ? rules : undefined;
}

function entryOf(cx: Context, declaration: OwnFn, entry: Entry, seen: Map<string, Span>): ValueEntry | undefined {
  const params = declaration.params.map((p) => p.name.name);
  if (entry.kind === "section" || entry.entries) {
    cx.error({ code: "E0320", message: "an entry of a gradient is `argument = adjoint`", span: entry.span, hint: `${params[0] ?? "x"} = ${declaration.gradient.incoming.name}` });
    return undefined;
  }
  const { name, span } = entry.key;
  if (!params.includes(name)) {
    const near = suggest(name, params);
    cx.error({
      code: "E0320", message: `\`${declaration.name.name}\` has no argument \`${name}\``, span, label: "an entry for no argument",
      hint: near ? `did you mean \`${near}\`?` : `it has ${params.map((p) => `\`${p}\``).join(", ") || "none"}`,
    });
    return undefined;
  }
  const before = seen.get(name);
  if (before) {
    cx.error({ code: "E0320", message: `\`${name}\` has two entries`, span, label: "again here", related: [labelAt(before, "first here")] });
    return undefined;
  }
  seen.set(name, span);
  return entry;
}

/** The rule, its argument and adjoint brought to one shape. */
function fit(cx: Context, entry: ValueEntry, argument: TensorValue, given: TensorValue, result: Operand): CoreRule | undefined {
  const wanted = argument.core.type;
  const spreadTo = (core: Core, shape: typeof wanted.shape): Core => (sameShape(core.type.shape, shape) ? core : { kind: "broadcast", arg: core, type: { dtype: "f32", shape }, span: core.span });
  const at = { name: entry.key.name, span: entry.span };
  const { shape } = given.core.type;
  if (shape.length === 0 || sameShape(shape, wanted.shape)) return { ...at, argument: argument.core, adjoint: spreadTo(given.core, wanted.shape) };
  const whole = result.value.kind === "tensor" ? result.value.core.type.shape : [];
  // An elementwise rule gives an adjoint for each element of the result; the argument was stretched to it.
  if (sameShape(shape, whole) && stretches(wanted.shape, whole)) return { ...at, argument: spreadTo(argument.core, whole), adjoint: given.core };
  cx.error({
    code: "E0321", message: `the adjoint of \`${entry.key.name}\` has the shape ${printShape(shape)}, and \`${entry.key.name}\` is ${printType(wanted)}`, span: entry.value.span, label: printShape(shape),
    related: [labelAt(argument.core.span, `${printType(wanted)} is passed here`)], hint: "an adjoint has the shape of its argument, or of the result that the argument is stretched to",
  });
  return undefined;
}

/** True when a tensor of the one shape stretches to the other: right-aligned, axes of size 1 or missing. */
function stretches(from: readonly Dim[], to: readonly Dim[]): boolean {
  const skip = to.length - from.length;
  return skip >= 0 && from.every((d, a) => d === 1 || dims.equal(d, to[a + skip] ?? 0));
}
