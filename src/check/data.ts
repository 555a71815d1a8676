/**
 * The data of a train block: `csv("file") { x = columns(0..64) / 16, … }` or `table { x = [[0, 0], …], … }`, held against
 * what the model's inputs declare.
 */
import * as dims from "../ir/dims.ts";
import { printShape } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Call, Entry, Expr, ValueEntry } from "../syntax/ast.ts";
import type { CheckedInput, DataExpr, DataPlan } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { readTable } from "./evaluate.ts";
import { evaluateNumber, evaluateRange } from "./operands.ts";
import { labelAt } from "./problem.ts";

/** The plan, or undefined when something was reported. */
export function checkData(cx: Context, entry: ValueEntry, inputs: readonly CheckedInput[], env: Env): DataPlan | undefined {
  const { value } = entry;
  const source = value.kind === "call" ? value.callee : value;
  const kind = source.kind === "name" ? source.name : "";
  const given = fields(cx, entry.entries ?? [], inputs);
  if (!given) return undefined;
  const missing = inputs.find((i) => !given.some((g) => g.input === i));
  if (missing) {
    cx.error({
      code: "E0503", message: `the data has no values for the ${missing.role} \`${missing.name}\``, span: entry.span,
      related: [labelAt(missing.span, "declared here")], hint: `add \`${missing.name} = …\``,
    });
    return undefined;
  }
  if (kind === "csv" && value.kind === "call") return csv(cx, value, given, env);
  if (kind === "table" && value.kind === "name") return table(cx, value.span, given, env);
  cx.error({ code: "E0403", message: "data is `csv(\"file\") { … }` or `table { … }`", span: value.span, label: "neither of the two" });
  return undefined;
}

interface Field {
  readonly input: CheckedInput;
  readonly value: Expr;
  readonly span: Span;
}

function fields(cx: Context, entries: readonly Entry[], inputs: readonly CheckedInput[]): Field[] | undefined {
  const result: Field[] = [];
  let sound = true;
  for (const entry of entries) {
    if (entry.kind === "section") {
      cx.error({ code: "E0401", message: "data has fields alone: `x = …`", span: entry.span });
      return undefined;
    }
    const { name, span } = entry.key;
    const input = inputs.find((i) => i.name === name);
    const twice = result.find((r) => r.input === input);
    if (input && !twice) result.push({ input, value: entry.value, span });
    else if (twice) cx.error({ code: "E0102", message: `\`${name}\` is given twice`, span, related: [labelAt(twice.span, "first here")] });
    else if (!cx.brokenInputs.has(name)) {
      const near = suggest(name, inputs.map((i) => i.name));
      cx.error({ code: "E0101", message: `the model has no input \`${name}\``, span, label: "unknown input", hint: near ? `did you mean \`${near}\`?` : undefined });
    }
    sound &&= input !== undefined && !twice;
  }
  return sound ? result : undefined;
}

/** The number of values per example, where it does not depend on data. */
function perExample(input: CheckedInput): number | undefined {
  const size = dims.product(input.type.shape.slice(1));
  return typeof size === "number" ? size : undefined;
}

function csv(cx: Context, call: Call, given: readonly Field[], env: Env): DataPlan | undefined {
  const [path] = call.args;
  if (call.args.length !== 1 || path?.value.kind !== "string") {
    cx.error({ code: "E0403", message: "`csv` takes the path of a file", span: call.span, hint: 'csv("data/digits.csv")' });
    return undefined;
  }
  const read: { name: string; expr: DataExpr; span: Span }[] = [];
  let sound = true;
  for (const { input, value, span } of given) {
    const expr = dataExpr(cx, value, env);
    if (!expr) {
      sound = false;
      continue;
    }
    const count = width(expr);
    const wanted = perExample(input);
    if (wanted !== undefined && count !== undefined && count !== wanted) {
      cx.error({
        code: "E0504", message: `\`${input.name}\` needs ${wanted} ${wanted === 1 ? "value" : "values"} per example, and gets ${count}`, span: value.span, label: `${count} columns`,
        related: [labelAt(input.span, `it is ${printShape(input.type.shape)}`)],
        hint: dims.equal(dims.product(input.type.shape), count) ? `the first axis counts the examples: \`${input.name}: ${input.type.dtype}[N, ${input.type.shape.map(dims.print).join(", ")}]\`` : undefined,
      });
      sound = false;
    }
    read.push({ name: input.name, expr, span });
  }
  return sound ? { kind: "csv", path: path.value.value, span: path.value.span, fields: read } : undefined;
}

/** Columns that an expression yields; undefined for a number, which fits any. */
function width(expr: DataExpr): number | undefined {
  switch (expr.kind) {
    case "number":
      return undefined;
    case "column":
      return 1;
    case "columns":
      return expr.to - expr.from;
    case "binary":
      return width(expr.a) ?? width(expr.b);
  }
}

/** `column(2)`, `column(0..4)`, `columns("age")`: what of the two is meant. */
function meantColumns(expr: Expr): string | undefined {
  if (expr.kind !== "call" || expr.callee.kind !== "name" || !/^columns?$/.test(expr.callee.name) || expr.args.length !== 1) return undefined;
  const value = expr.args[0]?.value;
  if (value?.kind === "number") return `a column by its number is \`columns(${value.value}..${value.value + 1})\``;
  if (value?.kind === "range") return "several columns are `columns(…)`";
  return value?.kind === "string" ? "one column by its name is `column(…)`" : undefined;
}

const operators: Readonly<Record<string, "+" | "-" | "*" | "/">> = { "+": "+", "-": "-", "*": "*", "/": "/" };

/** `columns(0..64) / 16`, `column("digit") - 1`. */
function dataExpr(cx: Context, expr: Expr, env: Env): DataExpr | undefined {
  if (expr.kind === "call" && expr.callee.kind === "name") {
    const [arg] = expr.args;
    if (expr.callee.name === "column" && arg?.value.kind === "string" && expr.args.length === 1) return { kind: "column", name: arg.value.value, span: arg.span };
    if (expr.callee.name === "columns" && arg?.value.kind === "range" && expr.args.length === 1) {
      const range = evaluateRange(cx, arg.value, env, "columns");
      if (!range || typeof range.lo !== "number" || typeof range.hi !== "number") return undefined;
      if (range.lo >= 0 && range.hi > range.lo) return { kind: "columns", from: range.lo, to: range.hi, span: arg.span };
      cx.error({ code: "E0502", message: "columns are counted from 0, and at least one is taken", span: arg.span });
      return undefined;
    }
  }
  if (expr.kind === "unary" && expr.op === "-") {
    const operand = dataExpr(cx, expr.operand, env);
    return operand && { kind: "binary", op: "*", a: { kind: "number", value: -1 }, b: operand };
  }
  if (expr.kind === "chain" && expr.rest.every((l) => operators[l.op])) {
    let left = dataExpr(cx, expr.first, env);
    for (const { op, value } of expr.rest) {
      const right = dataExpr(cx, value, env);
      const known = operators[op];
      if (!left || !right || !known) return undefined;
      const [a, b] = [width(left), width(right)];
      if (a !== undefined && b !== undefined && a !== b && a !== 1 && b !== 1) {
        cx.error({ code: "E0504", message: `${a} columns ${op} ${b} columns`, span: expr.span });
        return undefined;
      }
      left = { kind: "binary", op: known, a: left, b: right };
    }
    return left;
  }
  if (expr.kind === "number" || expr.kind === "name") {
    const value = evaluateNumber(cx, expr, env, "a number in a column's formula");
    return value === undefined ? undefined : { kind: "number", value };
  }
  cx.error({
    code: "E0403", message: "a field is made of columns, numbers and + - * /", span: expr.span, label: "not a column",
    hint: meantColumns(expr) ?? 'columns(0..64) / 16, column("digit") - 1',
  });
  return undefined;
}

function table(cx: Context, span: Span, given: readonly Field[], env: Env): DataPlan | undefined {
  const read: { name: string; shape: number[]; values: number[]; span: Span }[] = [];
  let rows: { count: number; span: Span } | undefined;
  for (const { input, value, span: at } of given) {
    if (value.kind !== "array") {
      cx.error({ code: "E0403", message: "a table's field is a list of examples", span: value.span, hint: "x = [[0, 0], [0, 1]]" });
      return undefined;
    }
    const made = readTable(cx, value, env);
    if (!made) return undefined;
    const [count = 0, ...shape] = made.shape;
    const wanted = input.type.shape.slice(1);
    if (wanted.length !== shape.length || wanted.some((d, a) => typeof d === "number" && !dims.equal(d, shape[a] ?? -1))) {
      cx.error({
        code: "E0504", message: `an example of \`${input.name}\` has the shape ${printShape(wanted)}, and these have ${printShape(shape)}`, span: value.span,
        label: `${printShape(shape)} each`, related: [labelAt(input.span, `it is ${printShape(input.type.shape)}`)],
      });
      return undefined;
    }
    if (rows && rows.count !== count) {
      cx.error({ code: "E0504", message: `one field has ${rows.count} examples and another ${count}`, span: value.span, label: `${count} examples`, related: [labelAt(rows.span, `${rows.count} examples`)] });
      return undefined;
    }
    rows ??= { count: Number(count), span: value.span };
    if (!inRange(cx, input, made.data, value.span)) return undefined;
    read.push({ name: input.name, shape: shape.map(Number), values: made.data, span: at });
  }
  return { kind: "table", span, rows: rows?.count ?? 0, fields: read };
}

function inRange(cx: Context, input: CheckedInput, values: readonly number[], span: Span): boolean {
  const { range, type } = input;
  const wrong = values.find((v) => (type.dtype !== "f32" && !Number.isInteger(v)) || (range && (v < range.lo || v >= range.hi)));
  if (wrong === undefined) return true;
  const legal = range ? `${range.lo} to ${range.hi - 1}` : "whole numbers";
  cx.error({ code: "E0508", message: `${wrong} is no legal value of \`${input.name}\`, which takes ${legal}`, span, related: [labelAt(input.span, "declared here")] });
  return false;
}
