/**
 * `fold` and `scan`: one body for all turns, with carried values. Becomes a loop in Core.
 *
 *     fold t in 0..T with h = zeros[N, 8] { cell(x[:, t], h) }
 */
import * as dims from "../ir/dims.ts";
import { printType, sameType, tensor } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import type { Fold } from "../syntax/ast.ts";
import type { Context, Env } from "./context.ts";
import type { CarryVar, Core, CoreLoop, LoopVar } from "./core.ts";
import { Variable } from "./equation.ts";
import { coerce, numberCore, tensorValue } from "./make.ts";
import { asTensor, evaluateRange, evaluateTensor } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { warnHiddenByIndex } from "./shadows.ts";
import { poison, type TensorValue, type Value } from "./value.ts";

/** What a turn hands on, and where it stands. */
interface Result {
  readonly value: Value;
  readonly span: Span;
}

/** The results of the loop: one value, or a list for several carries. */
export function evaluateFold(cx: Context, expr: Fold, env: Env): Value {
  const range = evaluateRange(cx, expr.range, env, `\`${expr.form}\``);
  if (!range) return poison;
  const trip = dims.sub(range.hi, range.lo);
  if (typeof trip !== "number") {
    cx.unsupported(expr.range.span, `a ${expr.form} over a size that data decides (${dims.print(trip)} turns)`, "give the size a number");
    return poison;
  }
  const scope = new Scope<Value>(env.scope);
  const variable: LoopVar = { name: expr.index.name, trip };
  warnHiddenByIndex(cx, expr.index, env.scope);
  scope.define({ name: expr.index.name, span: expr.index.span, value: turn(variable, range.lo, trip, expr.index.span) });
  const inits: { value: TensorValue; carry: CarryVar; span: Span }[] = [];
  for (const { name, init } of expr.carries) {
    const value = evaluateTensor(cx, init, env, `the start of \`${name.name}\``);
    if (!value) return poison;
    if (value.indexed) {
      cx.error({ code: "E0210", message: `a ${expr.form} works on whole tensors, not inside index notation`, span: init.span });
      return poison;
    }
    const first = coerce(value, value.literal || value.core.type.dtype === "bool" ? "f32" : value.core.type.dtype);
    const carry: CarryVar = { name: name.name, type: first.core.type };
    const core: Core = { kind: "carry", carry, type: carry.type, span: name.span };
    const twice = scope.define({ name: name.name, span: name.span, value: tensorValue(core, { fixed: first.fixed ?? [] }) });
    if (twice) {
      cx.error({ code: "E0102", message: `\`${name.name}\` is bound twice`, span: name.span, related: [labelAt(twice.span, "first here")] });
      return poison;
    }
    inits.push({ value: first, carry, span: init.span });
  }
  const results = runTurn(cx, expr, variable, { ...env, scope, indices: false });
  if (!results) return poison;
  return assemble(cx, expr, variable, trip, inits, results);
}

/** The number of the turn: an integer with a known range. */
function turn(loop: LoopVar, lo: dims.Dim, trip: number, span: Span): TensorValue {
  const type = tensor("i32", []);
  const iteration: Core = { kind: "iteration", loop, type, span };
  const variable = new Variable(loop.name, span);
  variable.settle("given", lo, trip, span);
  const form = { constant: 0, terms: new Map([[variable, 1]]) };
  if (lo === 0) return tensorValue(iteration, { form });
  const start: Core = typeof lo === "number" ? numberCore(lo, "i32", span) : { kind: "size", dim: lo, type, span };
  return tensorValue({ kind: "apply", op: "add", args: [iteration, start], type, span }, { form });
}

/** The values that end the block, one per carry. */
function runTurn(cx: Context, expr: Fold, variable: LoopVar, env: Env): readonly Result[] | undefined {
  const statements = expr.body.statements;
  const last = statements.at(-1);
  if (last?.kind !== "expression" || (last.values.length !== expr.carries.length && last.values.length !== 1)) {
    const wanted = expr.carries.length === 1 ? "the next value of its carry" : `the next values of its ${expr.carries.length} carries`;
    cx.error({ code: "E0109", message: `the block of a ${expr.form} ends in ${wanted}`, span: last?.span ?? expr.body.span, hint: "the last line is an expression without a name" });
    return undefined;
  }
  const around = { equation: cx.equation, guards: cx.guards, loops: cx.loops };
  cx.equation = undefined;
  cx.guards = [];
  cx.loops = [...cx.loops, variable];
  cx.runStatements(cx, statements.slice(0, -1), env);
  const values = last.values.map((value) => ({ value: cx.evaluate(cx, value, env), span: value.span }));
  const results = separate(cx, expr, values);
  cx.loops = around.loops;
  cx.equation = around.equation;
  cx.guards = around.guards;
  return results;
}

/** One value for each carry: written one by one, or the results of one call. */
function separate(cx: Context, expr: Fold, values: readonly Result[]): readonly Result[] | undefined {
  const all = values.flatMap(({ value, span }) => (value.kind === "list" ? value.items.map((item) => ({ value: item, span })) : [{ value, span }]));
  if (all.length === expr.carries.length) return all;
  if (all.every((r) => r.value.kind !== "poison")) {
    cx.error({
      code: "E0109", message: `the block of a ${expr.form} ends in one value for each of its ${expr.carries.length} ${expr.carries.length === 1 ? "carry" : "carries"}, and this is ${all.length}`,
      span: values[0]?.span ?? expr.body.span, label: all.length === 1 ? "one value" : `${all.length} values`,
    });
  }
  return undefined;
}

function assemble(
  cx: Context, expr: Fold, variable: LoopVar, trip: number, inits: readonly { value: TensorValue; carry: CarryVar; span: Span }[],
  results: readonly Result[],
): Value {
  const carries: { variable: CarryVar; init: Core; next: Core }[] = [];
  for (const [k, { value: init, carry, span }] of inits.entries()) {
    const result = results[k];
    const next = result && asTensor(cx, result.value, result.span, `the next \`${carry.name}\``);
    if (!next || !result) return poison;
    const fitting = coerce(next, carry.type.dtype).core;
    if (!sameType(fitting.type, carry.type) || (next.core.type.dtype === "f32" && carry.type.dtype !== "f32")) {
      cx.error({
        code: "E0214", message: `\`${carry.name}\` starts as ${printType(carry.type)} and becomes ${printType(next.core.type)}`, span: result.span,
        label: printType(next.core.type), related: [labelAt(span, `it starts as ${printType(carry.type)}`)], hint: "a carried value keeps its type and shape in every turn",
      });
      return poison;
    }
    carries.push({ variable: carry, init: init.core, next: fitting });
  }
  const loop: CoreLoop = { kind: expr.form, variable, trip, carries, span: expr.span };
  const values = inits.map(({ value, carry }, result): TensorValue => {
    const stacked = expr.form === "scan";
    const type = stacked ? tensor(carry.type.dtype, [trip, ...carry.type.shape]) : carry.type;
    const fixed = [...(stacked ? [expr.range.span] : []), ...carry.type.shape.map((_, a) => value.fixed?.[a])];
    return tensorValue({ kind: "loop", loop, result, type, span: expr.span }, { fixed });
  });
  const [only] = values;
  return values.length === 1 && only ? only : { kind: "list", items: values };
}
