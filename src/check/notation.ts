/**
 * Index notation: equations that define a tensor element by element, and reductions with their own indices.
 *
 *     z[b, o] = sum[i] x[b, i] * W[i, o]      comprehend([b, o], fold("sum", [i], …))
 *
 * Ranges are solved when the outermost equation (or the reduction that stands alone) has been read; see equation.ts.
 */
import * as dims from "../ir/dims.ts";
import type { DType } from "../ir/types.ts";
import { tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Binder, Expr, Lhs, Reduction } from "../syntax/ast.ts";
import type { Context, Env } from "./context.ts";
import type { Core } from "./core.ts";
import { notOneNumber, unionOf } from "./elementwise.ts";
import { Equation, solve, Variable } from "./equation.ts";
import { Facts } from "./guards.ts";
import { ellipsisVariables, variableValue } from "./indexing.ts";
import { coerce, tensorValue } from "./make.ts";
import { asTensor, evaluateRange } from "./operands.ts";
import { places } from "./places.ts";
import { labelAt, type Problem } from "./problem.ts";
import { Scope } from "./scope.ts";
import { warnHiddenByIndex } from "./shadows.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** A scope in which the binders' names are index variables. */
function bindVariables(cx: Context, binders: readonly Binder[], env: Env, equation: Equation): { scope: Scope<Value>; variables: Variable[] } | undefined {
  const scope = new Scope<Value>(env.scope);
  const variables: Variable[] = [];
  let sound = true;
  for (const binder of binders) {
    const variable = new Variable(binder.name.name, binder.name.span);
    if (binder.range) {
      const range = evaluateRange(cx, binder.range, env, `the range of \`${variable.name}\``);
      if (range) variable.settle("given", range.lo, dims.sub(range.hi, range.lo), binder.range.span);
      else sound = false;
    }
    warnHiddenByIndex(cx, binder.name, env.scope);
    const twice = scope.define({ name: variable.name, span: variable.span, value: variableValue(variable) });
    if (twice) {
      cx.error({ code: "E0102", message: `index \`${variable.name}\` is bound twice`, span: variable.span });
      sound = false;
    }
    variables.push(variable);
  }
  equation.variables.push(...variables);
  return sound ? { scope, variables } : undefined;
}

/** Runs `read` with an equation of its own (or the one around), then solves it if it is its own. */
function inEquation<T>(cx: Context, own: boolean, read: (equation: Equation) => T | undefined): T | undefined {
  const around = cx.equation;
  const guards = cx.guards;
  const equation = own || !around ? new Equation() : around;
  cx.equation = equation;
  if (own) cx.guards = [];
  const result = read(equation);
  cx.equation = around;
  cx.guards = guards;
  if (result === undefined || equation === around) return result;
  return solve(equation, cx.ranges(), (p) => cx.error(p)) ? result : undefined;
}

/** The body as one number. */
function oneNumber(cx: Context, expr: Expr, env: Env, what: string): TensorValue | undefined {
  return asNumber(cx, cx.evaluate(cx, expr, env), expr.span, what);
}

function asNumber(cx: Context, given: Value, span: Span, what: string): TensorValue | undefined {
  const value = asTensor(cx, given, span, what);
  if (!value || value.core.type.shape.length === 0) return value;
  cx.error(notOneNumber(value, span));
  return undefined;
}

/** `sum[i, j where guard] body`. */
export function evaluateReduction(cx: Context, expr: Reduction, env: Env): Value {
  const made = inEquation(cx, false, (equation): Value | undefined => {
    const bound = bindVariables(cx, expr.binders, env, equation);
    if (!bound) return undefined;
    const inner: Env = { ...env, scope: bound.scope, indices: true };
    const guard = expr.where && oneNumber(cx, expr.where, inner, "a guard");
    if (guard && guard.core.type.dtype !== "bool") {
      cx.error({ code: "E0208", message: `a guard is a condition, and this is ${guard.core.type.dtype}`, span: expr.where?.span ?? expr.span, hint: "compare it: `i != j`" });
      return undefined;
    }
    const body = cx.under(guard && { condition: guard.core, holds: true }, () => oneNumber(cx, expr.body, inner, `the body of \`${expr.op}\``));
    for (const { name } of expr.binders) cx.ended.set(name.name, { text: `${expr.op}[${expr.binders.map((b) => b.name.name).join(", ")}]`, span: expr.span });
    if (!body || (expr.where && !guard)) return undefined;
    return reductionValue(cx, expr, bound.variables, guard, body, equation);
  });
  return made ?? poison;
}

/** The element types that a reduction takes and gives. */
export function reducedDtypes(op: Reduction["op"], of: DType): { takes: DType; gives: DType } {
  if (op === "any" || op === "all") return { takes: "bool", gives: "bool" };
  if (op === "count") return { takes: "bool", gives: "f32" };
  if (op === "argmax" || op === "argmin") return { takes: of === "i32" ? "i32" : "f32", gives: "i32" };
  if ((op === "max" || op === "min" || op === "sum") && of === "i32") return { takes: "i32", gives: "i32" };
  return { takes: "f32", gives: "f32" };
}

function reductionValue(
  cx: Context, expr: Reduction, variables: readonly Variable[], guard: TensorValue | undefined, body: TensorValue, equation: Equation,
): Value | undefined {
  const { op, span } = expr;
  const needsBool = op === "any" || op === "all" || op === "count";
  if (needsBool && body.core.type.dtype !== "bool") {
    cx.error({ code: "E0208", message: `\`${op}\` needs conditions, and this is ${body.core.type.dtype}`, span: expr.body.span, label: body.core.type.dtype, hint: countedHint(expr) });
    return undefined;
  }
  if (["max", "min", "argmax", "argmin", "logsumexp"].includes(op)) {
    const kept = guard && { condition: guard.core, holds: true };
    equation.afterwards.push(() => {
      const empty = variables.find((v) => v.extent === 0);
      if (kept && new Facts([kept], cx.ranges()).impossible) {
        cx.error({ code: "E0215", message: `\`${op}\` over nothing: no values satisfy its condition`, span: expr.where?.span ?? span, label: "never holds" });
      }
      if (empty) cx.error({ code: "E0215", message: `\`${op}\` over nothing: index \`${empty.name}\` has no values`, span: expr.opSpan, label: "an empty range" });
    });
  }
  const { takes, gives } = reducedDtypes(op, body.core.type.dtype);
  const fold = { indices: variables, ...(guard && { guard: guard.core }), body: coerce(body, takes).core, span };
  const outer = without(unionOf([body.indexed, guard?.indexed]), variables);
  const valueOf = (core: Core): TensorValue => tensorValue(core, outer && { indexed: outer });
  if ((op === "argmax" || op === "argmin") && variables.length > 1) return { kind: "list", items: places(op, fold).map(valueOf) };
  return valueOf({ kind: "fold", op, ...fold, type: tensor(gives, []) });
}

/** A reduction takes the product that follows: what else was meant. */
function countedHint({ op, body }: Reduction): string {
  const factor = body.kind === "chain" && body.rest.find((r) => r.op === "*" || r.op === "/");
  if (factor) return `a reduction takes the product that follows; put it in parentheses: \`(${op}[i] (x[i] > 0)) ${factor.op} …\``;
  return `a reduction takes the product that follows; put the condition in parentheses: \`${op}[i] (x[i] > 0)\``;
}

function without(all: TensorValue["indexed"], own: readonly Variable[]): TensorValue["indexed"] {
  const rest = [...(all ?? [])].filter((v) => !own.some((o) => o === v));
  return rest.length === 0 ? undefined : new Set(rest);
}

/** `name[items] = value`; of an update, the value that is updated: the left side indexes it. */
export function evaluateEquation(cx: Context, target: Lhs, value: Expr, env: Env, updated?: TensorValue): Value {
  return equationOf(cx, target, env, (inner, equation, variables) => {
    if (updated) indexUpdated(equation, updated, target, variables);
    const body = oneNumber(cx, value, inner, "the right side of an equation");
    return body && [body];
  })?.[0] ?? poison;
}

/** `a[items], b[items] = value`: one number for each name, for each value of the indices that they share. */
export function evaluateEquations(cx: Context, targets: readonly Lhs[], value: Expr, env: Env): Value {
  const [first] = targets;
  if (!first) return poison;
  const items = equationOf(cx, first, env, (inner) => {
    for (const target of targets) if (!sameIndices(cx, first, target, env)) return undefined;
    const body = cx.evaluate(cx, value, inner);
    if (body.kind === "poison") return undefined;
    const list = body.kind === "list" ? body.items : [body];
    if (list.length !== targets.length) {
      cx.error(wrongCount(targets, list.length, value.span));
      return undefined;
    }
    const numbers = list.flatMap((item) => asNumber(cx, item, value.span, "the right side of an equation") ?? []);
    return numbers.length === list.length ? numbers : undefined;
  });
  return items ? { kind: "list", items } : poison;
}

/** The report of names on the left that are not as many as the values on the right. */
export function wrongCount(targets: readonly Lhs[], count: number, values: Span): Problem {
  const last = targets.at(-1)?.span ?? values;
  return {
    code: "E0106", message: `${targets.length} names for ${count} ${count === 1 ? "value" : "values"}`, span: last, label: "a name too many or too few",
    related: [labelAt(values, count === 1 ? "this gives one value" : `this gives ${count} values`)],
  };
}

/** Names that one equation defines have the same indices, in the same order and over the same ranges. */
function sameIndices(cx: Context, first: Lhs, target: Lhs, env: Env): boolean {
  const [mine, own] = [first.items ?? [], target.items];
  const nameOf = (i: (typeof mine)[number]): string => (i.kind === "binder" ? i.name.name : "...");
  const written = `[${mine.map(nameOf).join(", ")}]`;
  if (!own || own.length !== mine.length || own.some((i, k) => nameOf(i) !== nameOf(mine[k] ?? i))) {
    cx.error({
      code: "E0106", message: `names that one equation defines have the same indices, and \`${target.name.name}\` has ${own ? `[${own.map(nameOf).join(", ")}]` : "none"}`, span: target.span, label: "other indices",
      related: [labelAt(first.span, `the first has ${written}`)], hint: `write \`${target.name.name}${written}\``,
    });
    return false;
  }
  for (const [k, item] of own.entries()) {
    const before = mine[k];
    if (item.kind !== "binder" || !item.range || item === before) continue;
    const range = evaluateRange(cx, item.range, env, `the range of \`${item.name.name}\``);
    const earlier = before?.kind === "binder" && before.range ? evaluateRange(cx, before.range, env, `the range of \`${item.name.name}\``) : undefined;
    if (range && earlier && dims.equal(range.lo, earlier.lo) && dims.equal(range.hi, earlier.hi)) continue;
    if (range) {
      cx.error({
        code: "E0106", message: `names that one equation defines have the same ranges, and \`${item.name.name}\` has another one here`, span: item.range.span, label: "another range",
        related: [labelAt(before?.span, "the first")], hint: "the first name's range holds for all",
      });
    }
    return false;
  }
  return true;
}

/** `c[j, i] <- …`: each index runs over its axis of c. */
function indexUpdated(equation: Equation, updated: TensorValue, target: Lhs, variables: readonly Variable[]): void {
  const { shape } = updated.core.type;
  if (target.items?.length !== shape.length || target.items.some((i) => i.kind !== "binder")) return;
  for (const [axis, variable] of variables.entries()) {
    const { core, form } = variableValue(variable);
    equation.accesses.push({ index: core, form, size: shape[axis] ?? 1, fixed: updated.fixed?.[axis], span: variable.span, guards: [] });
  }
}

/** What the equation's names are, one tensor for each number of its body. */
function equationOf(
  cx: Context, target: Lhs, env: Env, bodies: (inner: Env, equation: Equation, variables: readonly Variable[]) => readonly TensorValue[] | undefined,
): readonly Value[] | undefined {
  const items = target.items ?? [];
  const made = inEquation(cx, true, (equation) => {
    const bound = bindVariables(cx, items.flatMap((i) => (i.kind === "binder" ? [i] : [])), env, equation);
    if (!bound) return undefined;
    const numbers = bodies({ ...env, scope: bound.scope, indices: true }, equation, bound.variables);
    if (!numbers) return undefined;
    const order: Variable[] = [];
    for (const item of items) {
      if (item.kind === "binder") order.push(...bound.variables.filter((v) => v.name === item.name.name));
      else {
        const rest = ellipsisVariables(cx, equation, equation.ellipsis?.length ?? 0, item);
        if (!rest) return undefined;
        order.push(...rest);
      }
    }
    const foreign = without(unionOf(numbers.map((n) => n.indexed)), order);
    if (foreign) {
      const [first] = foreign;
      if (first?.name.startsWith("…")) cx.error({ code: "E0204", message: "`...` stands on the right of the equation and not on its left", span: target.span });
      else cx.unsupported(target.span, "an equation whose elements depend on an index from outside it", "define it with that index too");
      return undefined;
    }
    return { numbers, order };
  });
  if (!made) return undefined;
  const { numbers, order } = made;
  const shape = order.map((v) => v.extent);
  return numbers.map(({ core: body }) => {
    const core: Core = { kind: "comprehend", indices: order, body, type: tensor(body.type.dtype, shape), span: target.span };
    return tensorValue(core, { fixed: order.map((v) => v.origin) });
  });
}

/** `normal(0, 1)[n, i]` in an equation: a draw for every value of the indices, picked at them. */
export function drawAtIndices(
  cx: Context, indices: readonly TensorValue[], span: Span, draw: (shape: readonly dims.Dim[]) => Core | undefined,
): Value {
  const variables = indices.map((v) => {
    const [only] = v.indexed ?? [];
    return v.core.kind === "index" && only instanceof Variable ? only : undefined;
  });
  const { equation } = cx;
  if (!equation || variables.some((v) => v === undefined)) {
    cx.error({ code: "E0204", message: "in an equation a draw is indexed by its indices alone", span, hint: "normal(0, 1)[n, i]" });
    return poison;
  }
  const drawn = draw(variables.map(() => 1));
  if (!drawn) return poison;
  // The shape is known when the equation is solved: until then it is a placeholder that nothing reads.
  const shape = drawn.type.shape as dims.Dim[];
  equation.afterwards.push(() => {
    for (const [axis, v] of variables.entries()) shape[axis] = v ? dims.add(v.lo, v.extent) : 1;
  });
  const core: Core = { kind: "at", base: drawn, index: indices.map((v) => v.core), type: tensor(drawn.type.dtype, []), span };
  const indexed = unionOf(indices.map((v) => v.indexed));
  return tensorValue(core, indexed && { indexed });
}

