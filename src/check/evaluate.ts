/** What an expression means: the one place that knows all its forms. Long chains are walked, not recursed into. */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Relation } from "../ir/node.ts";
import { printShape, tensor } from "../ir/types.ts";
import { cover, type Span } from "../support/span.ts";
import { unreachable } from "../support/diagnostic.ts";
import { suggest } from "../support/suggest.ts";
import type { ArrayLiteral, BinaryOp, Chain, Expr, Field, Index } from "../syntax/ast.ts";
import { evaluateCall, evaluateInstance, initialiserByName } from "./calls.ts";
import { evaluateCases, guardOf } from "./choice.ts";
import type { Context, Env } from "./context.ts";
import type { ApplyOp } from "./core.ts";
import { memberHint, moduleHint } from "./foreign-names.ts";
import { evaluateDraw } from "./draws.ts";
import { apply, type Operand } from "./elementwise.ts";
import { indexTensor } from "./indexing.ts";
import { warnIntegerDivision } from "./integer-division.ts";
import { evaluateFold } from "./loops.ts";
import { literal, literalBoolean, tensorValue } from "./make.ts";
import { matmul } from "./matmul.ts";
import { isKnownName, resolveMember, resolveName } from "./names.ts";
import { evaluateReduction } from "./notation.ts";
import { evaluateTensor, knownOf } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { describe, poison, type Value } from "./value.ts";

/** The value of an expression. Whatever is wrong with it has been reported when it comes back as poison. */
export function evaluate(cx: Context, expr: Expr, env: Env): Value {
  if (!cx.enter(expr.span)) return poison;
  const value = evaluateForm(cx, expr, env);
  cx.leave();
  return value;
}

function evaluateForm(cx: Context, expr: Expr, env: Env): Value {
  switch (expr.kind) {
    case "number":
      return literal(expr.value, expr.span);
    case "boolean":
      return literalBoolean(expr.value, expr.span);
    case "string":
      return { kind: "text", text: expr.value };
    case "name":
      return resolveName(cx, expr.name, expr.span, env);
    case "call":
      return evaluateCall(cx, expr, env);
    case "index":
      return evaluateIndex(cx, expr, env);
    case "field":
      return evaluateField(cx, expr, env);
    case "unary":
      return apply(cx, expr.op === "-" ? "neg" : "not", [{ value: evaluate(cx, expr.operand, env), span: expr.operand.span }], expr.span);
    case "chain":
      return evaluateChain(cx, expr, env);
    case "reduction":
      return evaluateReduction(cx, expr, env);
    case "array":
      return evaluateArray(cx, expr, env);
    case "cases":
      return evaluateCases(cx, expr, env);
    case "fold":
      return evaluateFold(cx, expr, env);
    case "instance":
      return evaluateInstance(cx, expr, env);
    case "error":
      return poison;
    default:
      return unreachable(expr, "check/evaluate");
  }
}

const operations: Readonly<Partial<Record<BinaryOp, ApplyOp>>> = {
  or: "or", and: "and", "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "^": "pow",
};

function evaluateChain(cx: Context, expr: Chain, env: Env): Value {
  let left: Operand = { value: evaluate(cx, expr.first, env), span: expr.first.span };
  for (const { op, value } of expr.rest) {
    // What stands right of `and` counts only where the left side holds, right of `or` only where it fails.
    const sides = op === "and" || op === "or" ? guardOf(left.value) : undefined;
    const right: Operand = { value: cx.under(sides && { ...sides, holds: op === "and" }, () => evaluate(cx, value, env)), span: value.span };
    const span = cover(left.span, right.span);
    if (op === "^" && left.span === expr.first.span) warnSpacedCall(cx, expr.first, span);
    left = { value: join(cx, op, left, right, span), span };
  }
  return left.value;
}

/** `mean (p - y)^2` is the square of a mean, and reads as the mean of squares, which `mean[n] (p[n] - y[n])^2` is. */
function warnSpacedCall(cx: Context, base: Expr, span: Span): void {
  if (base.kind !== "call" || base.callee.kind !== "name") return;
  const { name, span: at } = base.callee;
  if (!/^\s/.test(at.source.text.slice(at.end, base.span.end))) return;
  cx.warn({ code: "W0203", message: `the power is taken of what \`${name}\` gives, not of its argument`, span, label: `\`${name}(…)^…\``, hint: `put the power inside, \`${name}((…)^2)\`, or write the call without a space` });
}

function join(cx: Context, op: BinaryOp, left: Operand, right: Operand, span: Span): Value {
  if (op === "@") return matmul(cx, left, right, span);
  warnIntegerDivision(cx, op, left, right, span);
  // x ^ p: unless the base is a number of the step, p is part of the program.
  if (op === "^" && left.value.kind === "tensor" && right.value.kind === "tensor" && left.value.core.type.shape.length > 0) {
    const known = knownOf(cx, right.value);
    if (typeof known === "number") return apply(cx, "pow", [left, { value: literal(known, right.span), span: right.span }], span);
  }
  return apply(cx, operations[op] ?? { compare: op as Relation }, [left, right], span);
}

function evaluateIndex(cx: Context, expr: Index, env: Env): Value {
  const target = evaluate(cx, expr.target, env);
  switch (target.kind) {
    case "poison":
      return poison;
    case "tensor":
      return indexTensor(cx, target, expr, env);
    case "distribution":
    case "initialiser":
      return evaluateDraw(cx, target, expr, env);
    case "callable":
      if (target.declaration.kind === "initializer") {
        const made = initialiserByName(cx, target, expr.target.span, env);
        return made.kind === "initialiser" ? evaluateDraw(cx, made, expr, env) : poison;
      }
      break;
    default:
  }
  cx.error({ code: "E0108", message: `${describe(target)} cannot be indexed`, span: expr.target.span, label: describe(target) });
  return poison;
}

/** `more.focal`: a declaration of a used file. `enc.W`: a parameter of an instance that was called above, to be tied to something else. */
function evaluateField(cx: Context, expr: Field, env: Env): Value {
  const made = parameterAt(cx, expr, env);
  if (made) return made;
  const { name, span } = expr.name;
  const foreign = expr.target.kind === "name" && !env.scope.lookup(expr.target.name) ? moduleHint(expr.target.name, name, (n) => isKnownName(cx, n, env)) : undefined;
  if (foreign !== undefined) {
    cx.error({ code: "E0101", message: `nothing is called \`${expr.target.kind === "name" ? expr.target.name : ""}\` here`, span: expr.target.span, label: "a module of another language", hint: foreign });
    return poison;
  }
  const target = evaluate(cx, expr.target, env);
  if (target.kind === "poison") return poison;
  if (target.kind === "file") return resolveMember(cx, target, expr.name);
  if (target.kind === "instance") {
    const param = cx.model?.params.get(`${target.path}.${name}`);
    if (param) return tensorValue({ kind: "leaf", role: "param", path: param.path, type: param.type, span: param.span });
    const own = [...(cx.model?.params.keys() ?? [])].filter((p) => p.startsWith(`${target.path}.`)).map((p) => p.slice(target.path.length + 1));
    const near = suggest(name, own);
    const hint = near ? `did you mean \`${near}\`?` : own.length > 0 ? `it has ${own.map((p) => `\`${p}\``).join(", ")}` : "its parameters exist from its first call on";
    cx.error({ code: "E0101", message: `this instance has no parameter \`${name}\`${own.length > 0 ? "" : " yet"}`, span, label: "unknown parameter", related: [labelAt(target.span, "the instance")], hint });
  } else {
    const hint = memberHint(name, (n) => isKnownName(cx, n, env));
    cx.error({ code: "E0108", message: `\`.${name}\` has no meaning here`, span, label: `of ${describe(target)}`, hint });
  }
  return poison;
}

/** `h.W` with `h = dense(x, 32)` above: a parameter by its path, which begins with the name that the layer's result is bound to. */
function parameterAt(cx: Context, expr: Field, env: Env): Value | undefined {
  const names = [expr.name.name];
  let target: Expr = expr.target;
  for (; target.kind === "field"; target = target.target) names.unshift(target.name.name);
  if (target.kind !== "name" || !cx.model) return undefined;
  const root = env.scope.lookup(target.name);
  if (root?.value.kind !== "tensor") return undefined;
  for (let place = env.place.path; place !== ""; place = place.slice(0, Math.max(0, place.lastIndexOf(".")))) {
    const param = cx.model.params.get([place, target.name, ...names].join("."));
    if (!param) continue;
    root.onUse?.();
    return tensorValue({ kind: "leaf", role: "param", path: param.path, type: param.type, span: param.span });
  }
  return undefined;
}

/** `[[0, 1], [1, 0]]`: a table of numbers. */
function evaluateArray(cx: Context, expr: ArrayLiteral, env: Env): Value {
  const table = readTable(cx, expr, env);
  return table ? tensorValue({ kind: "table", data: table.data, type: tensor("f32", table.shape), span: expr.span }, { literal: true, fixed: table.shape.map(() => expr.span) }) : poison;
}

/** The numbers of an array literal, row by row, with its shape. */
export function readTable(cx: Context, expr: ArrayLiteral, env: Env): { data: number[]; shape: Dim[] } | undefined {
  const data: number[] = [];
  let inner: Dim[] | undefined;
  for (const item of expr.items) {
    let shape: Dim[] = [];
    if (item.kind === "array") {
      const part = readTable(cx, item, env);
      if (!part) return undefined;
      shape = part.shape;
      for (const x of part.data) data.push(x);
    } else {
      const value = evaluateTensor(cx, item, env, "an entry of a table");
      if (!value) return undefined;
      const known = knownOf(cx, value);
      if (typeof known !== "number") {
        cx.unsupported(item.span, "an array of values that are not known before anything runs", "write it in index notation, or join tensors with `concat`");
        return undefined;
      }
      data.push(known);
    }
    if (inner && (inner.length !== shape.length || inner.some((d, a) => !dims.equal(d, shape[a] ?? -1)))) {
      cx.error({ code: "E0202", message: `the rows of a table have different shapes: ${printShape(inner)} and ${printShape(shape)}`, span: item.span });
      return undefined;
    }
    inner ??= shape;
  }
  return { data, shape: [expr.items.length, ...(inner ?? [])] };
}
