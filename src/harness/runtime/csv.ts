/**
 * Reads CSV text into numeric columns: first line names, then one row a line; `,` between cells, cells may be quoted,
 * LF or CRLF, a byte-order mark is dropped, empty lines at the end are allowed.
 *
 *     readCsv("a,b\n1,2\n3,4\n", "f.csv")   // { names: ["a", "b"], rows: 2, values: [1, 2, 3, 4] }
 */
import { DataError } from "./data-error.ts";

export interface Csv {
  readonly names: readonly string[];
  readonly rows: number;
  /** Row-major, rows × names. */
  readonly values: Float64Array;
}

/**
 * Throws a DataError naming row and column: E0501 no header or no rows, E0506 a row of another length,
 * E0507 a cell that is no finite number.
 */
export function readCsv(text: string, where: string): Csv {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  while (lines.length > 0 && lines[lines.length - 1]?.trim() === "") lines.pop();
  const [header, ...body] = lines;
  if (header === undefined || header.trim() === "") throw new DataError("E0501", where, "the file is empty; a first line with column names is expected");
  const names = cells(header).map((c) => c.trim());
  const twice = names.find((n, k) => names.indexOf(n) !== k);
  if (twice !== undefined) throw new DataError("E0501", where, `the column name "${twice}" occurs twice`);
  if (body.length === 0) throw new DataError("E0501", where, "there is a header but no row of data");
  const values = new Float64Array(body.length * names.length);
  body.forEach((line, row) => {
    const found = cells(line);
    if (line.trim() === "") throw new DataError("E0506", where, "the line is empty", { row: row + 1 });
    if (found.length !== names.length)
      throw new DataError("E0506", where, `${found.length} cells where the header has ${names.length}`, { row: row + 1 });
    found.forEach((cell, column) => {
      const value = numberOf(cell);
      if (value === undefined)
        throw new DataError("E0507", where, cell.trim() === "" ? "the cell is empty" : `"${shorten(cell)}" is not a finite number`, {
          row: row + 1,
          column: `"${names[column]}"`,
        });
      values[row * names.length + column] = value;
    });
  });
  return { names, rows: body.length, values };
}

function cells(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const found: string[] = [];
  let cell = "";
  let quoted = false;
  for (let k = 0; k < line.length; k++) {
    const c = line[k];
    if (quoted && c === '"' && line[k + 1] === '"') {
      cell += '"';
      k++;
    } else if (c === '"') quoted = !quoted;
    else if (c === "," && !quoted) {
      found.push(cell);
      cell = "";
    } else cell += c;
  }
  return [...found, cell];
}

function numberOf(cell: string): number | undefined {
  const text = cell.trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text);
