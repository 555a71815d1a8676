/**
 * The examples of a train block: one array per input or target of the model, first axis the example, checked against
 * what the model declares.
 *
 *     const all = makeDataset(plan.data, program, { text });    // 1797 examples
 *     const { training, test } = split(all, { validation: 0.1, test: 0.2 }, seed);
 */
import { readCsv, type Csv } from "./csv.ts";
import { DataError } from "./data-error.ts";
import type { InputInfo, Program } from "./program.ts";
import { shuffled } from "./shuffle.ts";
import { elementsOf } from "./sizes.ts";
import type { DataExpr, DataPlan } from "./train-plan.ts";

export interface Field {
  readonly name: string;
  /** Numbers of one example. */
  readonly width: number;
  /** Numbers on the axes before the batch's, where there are any: 64 for `x: f32[64, N]`. */
  readonly before?: number;
  readonly dtype: InputInfo["dtype"];
  /** Example after example, whatever the model's order of axes is. */
  readonly values: Float64Array;
}

export interface Dataset {
  readonly rows: number;
  readonly fields: readonly Field[];
}

/**
 * Builds the dataset of a plan. `text` is the CSV's content. Throws DataErrors: E0502 an unknown column, E0503 an input
 * without data, E0504 a width that does not fit, E0508 a value outside its declared range or not whole.
 */
export function makeDataset(plan: DataPlan, program: Pick<Program, "inputs" | "batch">, source: { readonly text?: string }): Dataset {
  const where = plan.kind === "csv" ? plan.path : "data";
  const csv = plan.kind === "csv" ? readCsv(source.text ?? "", where) : undefined;
  const rows = plan.kind === "csv" ? (csv?.rows ?? 0) : plan.rows;
  const fields = program.inputs.map((input): Field => {
    const width = elementsOf(input.shape, { [program.batch ?? "N"]: 1 });
    const values = valuesOf(plan, csv, input, width, where);
    checkValues(input, values, width, where);
    const before = beforeBatch(input, program.batch);
    return { name: input.name, width, dtype: input.dtype, values, ...(before > 1 && { before }) };
  });
  return { rows, fields };
}

/** The number of elements on the axes before the one that counts examples. */
function beforeBatch({ shape }: InputInfo, batch: string | undefined): number {
  const axis = shape.findIndex((d) => typeof d !== "number" && d.terms.some((t) => t.symbols.some((s) => s === batch)));
  return elementsOf(shape.slice(0, Math.max(0, axis)), {});
}

function valuesOf(plan: DataPlan, csv: Csv | undefined, input: InputInfo, width: number, where: string): Float64Array {
  const missing = (): DataError => new DataError("E0503", where, `the ${input.role} ${input.name} has no column in the data`);
  if (plan.kind === "table") {
    const field = plan.fields.find((f) => f.name === input.name);
    if (!field) throw missing();
    if (field.values.length !== plan.rows * width)
      throw new DataError("E0504", where, `${input.name} has ${field.values.length / plan.rows} numbers an example; the model declares ${width}`);
    return Float64Array.from(field.values);
  }
  const field = plan.fields.find((f) => f.name === input.name);
  if (!field || !csv) throw missing();
  const out = new Float64Array(csv.rows * width);
  const columns = columnsOf(field.expr, csv, where);
  if (columns !== width && !(columns === 1 && width === 1))
    throw new DataError("E0504", where, `${input.name} takes ${columns} columns; the model declares ${width} numbers an example`);
  for (let row = 0; row < csv.rows; row++)
    for (let k = 0; k < width; k++) out[row * width + k] = evaluate(field.expr, csv, row, k);
  return out;
}

/** How many numbers an expression yields per row; checks its column names and positions. */
function columnsOf(expr: DataExpr, csv: Csv, where: string): number {
  switch (expr.kind) {
    case "number":
      return 1;
    case "column":
      if (!csv.names.includes(expr.name))
        throw new DataError("E0502", where, `there is no column "${expr.name}"; the header has ${listed(csv.names)}`);
      return 1;
    case "columns":
      if (expr.to > csv.names.length)
        throw new DataError("E0502", where, `columns ${expr.from}..${expr.to} are asked for; the file has ${csv.names.length}`);
      return expr.to - expr.from;
    case "binary": {
      const a = columnsOf(expr.a, csv, where);
      const b = columnsOf(expr.b, csv, where);
      if (a !== b && a !== 1 && b !== 1) throw new DataError("E0504", where, `${a} columns and ${b} columns do not combine`);
      return Math.max(a, b);
    }
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(", ");
  return names.length > 6 ? `${shown}, … (${names.length} in all)` : shown;
}

/** The k-th number of an expression in a row. Nesting is as deep as the user wrote it. */
function evaluate(expr: DataExpr, csv: Csv, row: number, k: number): number {
  switch (expr.kind) {
    case "number":
      return expr.value;
    case "column":
      return csv.values[row * csv.names.length + csv.names.indexOf(expr.name)] ?? Number.NaN;
    case "columns":
      return csv.values[row * csv.names.length + expr.from + (expr.to - expr.from === 1 ? 0 : k)] ?? Number.NaN;
    case "binary": {
      const a = evaluate(expr.a, csv, row, k);
      const b = evaluate(expr.b, csv, row, k);
      return expr.op === "+" ? a + b : expr.op === "-" ? a - b : expr.op === "*" ? a * b : a / b;
    }
  }
}

function checkValues(input: InputInfo, values: Float64Array, width: number, where: string): void {
  const at = (k: number): { row: number; column: string } => ({ row: Math.floor(k / width) + 1, column: input.name });
  values.forEach((value, k) => {
    if (!Number.isFinite(value)) throw new DataError("E0507", where, `${value} is not a finite number`, at(k));
    if (input.dtype !== "f32" && !Number.isInteger(value))
      throw new DataError("E0508", where, `${value} is not a whole number; ${input.name} is declared ${input.dtype}`, at(k));
    if (input.range && (value < input.range.lo || value >= input.range.hi))
      throw new DataError("E0508", where, `${value} is outside ${input.range.lo}..${input.range.hi}, which is ${input.range.lo} to ${input.range.hi - 1}`, at(k));
  });
}

/** The rows at these positions, in this order. */
export function take(data: Dataset, rows: ArrayLike<number>): Dataset {
  const fields = data.fields.map((f) => {
    const values = new Float64Array(rows.length * f.width);
    for (let k = 0; k < rows.length; k++) {
      const from = (rows[k] ?? 0) * f.width;
      values.set(f.values.subarray(from, from + f.width), k * f.width);
    }
    return { ...f, values };
  });
  return { rows: rows.length, fields };
}

/** Training, validation and test parts, drawn by the seed: the same file and seed give the same parts. */
export function split(
  data: Dataset,
  fractions: { readonly validation: number; readonly test: number },
  seed: number,
): { readonly training: Dataset; readonly validation: Dataset; readonly test: Dataset } {
  const validation = Math.round(data.rows * fractions.validation);
  const test = Math.round(data.rows * fractions.test);
  const order = validation + test === 0 ? Uint32Array.from({ length: data.rows }, (_, k) => k) : shuffled(data.rows, seed, 0);
  const training = data.rows - validation - test;
  if (training < 1) throw new DataError("E0509", "split", `nothing is left to train on: ${data.rows} rows, ${validation} for validation, ${test} for test`);
  return {
    training: take(data, order.subarray(0, training)),
    validation: take(data, order.subarray(training, training + validation)),
    test: take(data, order.subarray(training + validation)),
  };
}
