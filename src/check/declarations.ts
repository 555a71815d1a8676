/** `input`, `target`, `param` and `state`: the leaves of a model, keyed by path. */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printType, sameType, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Expr, Input, ParamDecl, StateDecl } from "../syntax/ast.ts";
import type { CheckedInput, Role } from "./checked.ts";
import { bindName } from "./binding.ts";
import { type Context, type Env, type ModelState, placeOf } from "./context.ts";
import type { Core } from "./core.ts";
import type { DeclaredShape } from "./declared-shape.ts";
import { fill } from "./draws.ts";
import { sizeValue, tensorValue } from "./make.ts";
import { evaluateRange } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { declaredShape } from "./types.ts";
import { poison, type TensorValue } from "./value.ts";

const roles: readonly Role[] = ["weight", "bias", "scale"];

/** `input x: f32[N, 64]`: unknown names become sizes that data decides. */
export function declareInput(cx: Context, model: ModelState, statement: Input, env: Env): void {
  const { name, span } = statement.name;
  const declared = declaredShape(cx, statement.type, env, (symbol, at) => {
    const size = dims.sym(symbol);
    env.scope.define({ name: symbol, span: at, value: sizeValue(size, at, at) });
    return size;
  });
  if (!declared) {
    cx.brokenInputs.add(name);
    bindName(cx, env, statement.name, poison);
    return;
  }
  const type = tensor(declared.dtype, declared.shape);
  const range = statement.range && readRange(cx, statement, env);
  const core: Core = { kind: "leaf", role: "input", path: name, type, span };
  bindName(cx, env, statement.name, tensorValue(core, { fixed: declared.fixed }));
  const input: CheckedInput = { name, role: statement.role, type, span, ...(range && { range }), ...(statement.range && { rangeSpan: statement.range.span }) };
  model.inputs.push(input);
}

function readRange(cx: Context, statement: Input, env: Env): { lo: number; hi: number } | undefined {
  const { range } = statement;
  const read = range && evaluateRange(cx, range, env, `the values of \`${statement.name.name}\``);
  if (!read || !range) return undefined;
  if (typeof read.lo === "number" && typeof read.hi === "number") return { lo: read.lo, hi: read.hi };
  cx.error({ code: "E0209", message: "the range of values must be two numbers", span: range.span });
  return undefined;
}

/** Notes which call owns a path; two calls under one path (in one call of an instance) are an error, and give false. */
function claim(cx: Context, model: ModelState, env: Env, span: Span): boolean {
  cx.effects++;
  const { path } = env.place;
  const { id, repeat } = env.frame;
  const at = cx.userCall()?.span ?? span;
  const before = model.claims.get(path);
  if (!before || before.repeat !== repeat) model.claims.set(path, { id, repeat, span: at });
  if (!before || before.repeat !== repeat || before.id === id) return true;
  cx.error({
    code: "E0105", message: `the parameters of two layers would both be called \`${path}.…\``, span: at, label: "the second", related: [labelAt(before.span, "the first")],
    hint: "bind each on a line of its own",
  });
  return false;
}

/** The shape of something stored: data must not decide it. */
function storedShape(cx: Context, declared: DeclaredShape | undefined, what: string, span: Span): DeclaredShape | undefined {
  const axis = declared?.shape.findIndex((d: Dim) => typeof d !== "number") ?? -1;
  if (!declared || axis < 0) return declared;
  const size = dims.print(declared.shape[axis] ?? 0);
  cx.error({
    code: "E0304", message: `${what} cannot depend on the size ${size}, which data decides`, span, label: `${size} varies`,
    related: [labelAt(declared.fixed[axis], `${size} comes from here`)],
  });
  return undefined;
}

/** `param W: f32[n, m] ~ init as role`. */
export function declareParam(cx: Context, model: ModelState, statement: ParamDecl, env: Env): void {
  const { name, span } = statement.name;
  const path = placeOf(env.place, name).path;
  const declared = storedShape(cx, declaredShape(cx, statement.type, env), `the parameter \`${name}\``, statement.type.span);
  const role = roleOf(cx, statement);
  if (!claim(cx, model, env, span) || !declared) {
    bindName(cx, env, statement.name, poison);
    return;
  }
  if (declared.dtype !== "f32") {
    cx.error({ code: "E0208", message: `parameters are f32, and \`${name}\` is ${declared.dtype}`, span: statement.type.dtype.span });
    return;
  }
  const type = tensor("f32", declared.shape);
  const value = tensorValue({ kind: "leaf", role: "param", path, type, span }, { fixed: declared.fixed });
  let used = false;
  let dropped = false;
  bindName(cx, env, statement.name, value, { onUse: () => { used = true; }, onDrop: () => { dropped = true; } });
  const known = model.params.get(path);
  if (known) {
    sharedAgain(cx, known.type, type, path, span, known.span);
    return;
  }
  const init = initialValue(cx, statement.init, declared.shape, env, path);
  if (!init) return;
  const layers = cx.calls.flatMap(({ declaration }) => (declaration.kind === "layer" ? [declaration.name.name] : []));
  model.params.set(path, { path, type, role, init, span, call: cx.userCall()?.span ?? span, layers, ...(statement.was && { was: statement.was.value }) });
  env.frame.atEnd.push(() => {
    if (dropped && !used) model.params.delete(path);
  });
}

/** What fills a parameter or state before the first step; a loop around its layer has not begun to turn then. */
function initialValue(cx: Context, init: Expr, shape: readonly Dim[], around: Env, path: string): Core | undefined {
  const env: Env = { ...around, place: { path, named: true, turns: "" } };
  const loops = cx.loops;
  cx.loops = [];
  const filled = fill(cx, cx.evaluate(cx, init, env), { shape, fixed: [], span: init.span, stream: () => path }, env);
  cx.loops = loops;
  return filled;
}

function sharedAgain(cx: Context, before: TensorValue["core"]["type"], now: TensorValue["core"]["type"], path: string, span: Span, first: Span): void {
  if (sameType(before, now)) return;
  cx.error({ code: "E0202", message: `\`${path}\` is shared, and would be ${printType(before)} in one call and ${printType(now)} in another`, span, related: [labelAt(first, "declared here")] });
}

function roleOf(cx: Context, statement: ParamDecl): Role {
  if (!statement.role) return "weight";
  const { name, span } = statement.role;
  const role = roles.find((r) => r === name);
  if (role) return role;
  const near = suggest(name, roles);
  cx.error({ code: "E0303", message: `there is no role \`${name}\``, span, hint: near ? `did you mean \`${near}\`?` : "roles are weight, bias and scale" });
  return "weight";
}

/** `state s: f32[c] ~ zeros`; without a type, `fallback` gives the shape (in an optimizer, the parameter's). */
export function declareState(cx: Context, model: ModelState, statement: StateDecl, env: Env, fallback: DeclaredShape | undefined): void {
  const { name, span } = statement.name;
  const path = model.statePath ? model.statePath(name) : placeOf(env.place, name).path;
  const written = statement.type ? declaredShape(cx, statement.type, env) : fallback;
  if (!written && !statement.type) cx.error({ code: "E0213", message: `the state \`${name}\` needs a type`, span, hint: `state ${name}: f32[…] ~ zeros` });
  const declared = storedShape(cx, written, `the state \`${name}\``, statement.type?.span ?? span);
  if ((!model.statePath && !claim(cx, model, env, span)) || !declared) {
    bindName(cx, env, statement.name, poison);
    return;
  }
  const type = tensor(declared.dtype, declared.shape);
  const leaf: Core = { kind: "leaf", role: "state", path, type, span };
  const current = tensorValue(leaf, { fixed: declared.fixed });
  bindName(cx, env, statement.name, current, { state: path });
  const known = model.states.get(path);
  if (known) {
    sharedAgain(cx, known.type, type, path, span, known.span);
    return;
  }
  const init = initialValue(cx, statement.init, declared.shape, env, path);
  if (init) model.states.set(path, { path, type, init, span, current });
}
