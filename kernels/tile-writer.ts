/**
 * Writes a tile of a product whose accumulators are registers: the statements of its sum, turn by turn, and of what follows it.
 * Comes in: a product, a tile, coordinates as they become known. Goes out: kernel statements (see tile-cells.ts).
 *
 *     2 x 2 at once, one turn:     two loads of x, two of w;  s00 = s00 + x0·w0;  s01 = s01 + x0·w1;  …
 */
import type { Axis, KernelStmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { InternalError } from "../src/support/diagnostic.ts";
import { int, plus } from "./arithmetic.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { required } from "./product.ts";
import type { Classed, Product } from "./product.ts";
import { serial, type Accumulator } from "./serial.ts";
import { TileCells } from "./tile-cells.ts";
import type { Tile } from "./tile-time.ts";

/** What a turn multiplies: a value for each row and for each column. */
export interface Factors {
  readonly left: readonly Scalar[];
  readonly right: readonly Scalar[];
}

/** The side that invocations in step read together, and the number of the invocation among them. */
export interface Shared {
  readonly side: "row" | "column";
  readonly lane: Scalar;
}

/** Writes one tile. */
export class TileWriter extends TileCells {
  /** The axes of the sum that have a loop. */
  readonly loops: readonly Axis[];
  private accumulators: readonly (readonly Scalar[])[] = [];
  private variables: readonly (readonly Accumulator[])[] = [];
  private readonly shared: Shared | undefined;

  constructor(b: KernelBuilder, product: Product, tile: Pick<Tile, "rows" | "columns">, shared?: Shared) {
    const loops = product.fold.axes.filter((a) => a.extent !== 1);
    super(b, product, [tile.rows, tile.columns], loops.map((a) => [a]), shared?.lane);
    this.loops = loops;
    this.shared = shared;
  }

  /** What the sum needs that no loop changes. */
  open(out: KernelStmt[]): void {
    this.blocks = [out];
    this.statements(this.product.before);
    const zero = constant(0, this.product.fold.value.dtype);
    this.variables = this.cells.map((row) => row.map(() => this.b.variable(out, zero)));
    this.accumulators = this.variables;
    this.statements(this.atLevel(0));
  }

  /** Enters the body of the next loop of the sum, whose index is known; `body` writes what else is in it. */
  within(axis: Axis, index: Scalar, inner: KernelStmt[], body: () => void, only?: (c: Classed) => boolean): void {
    this.know(new Map([[axis.id, index]]));
    this.inside(inner, body, only);
  }

  /** Some turns of the innermost loop at once: first all loads of all turns, then all arithmetic. */
  turns(axis: Axis | undefined, indices: readonly Scalar[], inner: KernelStmt[]): void {
    this.add(this.readTogether(axis, indices, inner) ?? indices.map((index) => this.read(axis, index, inner)), inner);
  }

  /** Adds what some turns multiply. */
  add(factors: readonly Factors[], inner: KernelStmt[]): void {
    // All products of a cell in one expression: its accumulator is fetched and put back once.
    this.variables.forEach((row, i) => {
      row.forEach((variable, j) => {
        const value = factors.reduce<Scalar>((sum, { left, right }) => op("add", variable.dtype, [sum, this.joined(left[i] ?? sum, right[j] ?? sum)]), variable);
        inner.push({ kind: "assign", id: variable.id, value });
      });
    });
  }

  /** Makes other values of all sums, each by the row that it is in. */
  change(inner: KernelStmt[], by: (sum: Scalar, row: number) => Scalar): void {
    this.variables.forEach((row, i) => {
      for (const variable of row) inner.push({ kind: "assign", id: variable.id, value: by(variable, i) });
    });
  }

  /** What a row and a column give to a sum. */
  private joined(row: Scalar, column: Scalar): Scalar {
    const { mask, fold } = this.product;
    const { dtype } = fold.value;
    if (!mask) return op("mul", dtype, [row, column]);
    return op("select", dtype, [...(mask === "row" ? [row, column] : [column, row]), constant(0, dtype)]);
  }

  /** The factors of a turn: each row's and each column's. */
  private read(axis: Axis | undefined, index: Scalar, inner: KernelStmt[], sides: readonly ("row" | "column")[] = ["row", "column"]): Factors {
    const [x, y] = this.product.factors;
    const factors: { left: Scalar[]; right: Scalar[] } = { left: [], right: [] };
    const both = sides.length === 2;
    const body = (): void => {
      if (sides.includes("row")) factors.left = this.cells.map((row) => this.b.let(inner, this.value(x, row[0] ?? new Map())));
      if (sides.includes("column")) factors.right = (this.cells[0] ?? []).map((cell) => this.b.let(inner, this.value(y, cell)));
    };
    if (axis) this.within(axis, index, inner, body, (c) => both || c.varies === sides[0]);
    else body();
    return factors;
  }

  /** The same with one side read together: each invocation reads that of another turn, and all take them from it. */
  private readTogether(axis: Axis | undefined, indices: readonly Scalar[], inner: KernelStmt[]): readonly Factors[] | undefined {
    const [start] = indices;
    if (!this.shared || !axis || !start || indices.length === 1) return undefined;
    const { side, lane } = this.shared;
    const mine = this.read(axis, plus(start, lane), inner, [side]);
    const theirs = (values: readonly Scalar[], turn: number): Scalar[] => values.map((v) => this.theirs(v, turn, inner));
    return indices.map((index, turn) =>
      side === "row"
        ? { left: theirs(mine.left, turn), right: this.read(axis, index, inner, ["column"]).right }
        : { left: this.read(axis, index, inner, ["row"]).left, right: theirs(mine.right, turn) });
  }

  /** The value of the invocation that reads a turn; conditions go as numbers. */
  private theirs(v: Scalar, turn: number, inner: KernelStmt[]): Scalar {
    const from = constant(turn, "u32");
    if (v.dtype !== "bool") return this.b.let(inner, op("broadcast", v.dtype, [v, from]));
    const number = op("broadcast", "u32", [op("select", "u32", [v, constant(1, "u32"), constant(0, "u32")]), from]);
    return this.b.let(inner, op("==", "bool", [number, constant(1, "u32")]));
  }

  /** What follows the sum and varies with no row, written once for all rows. */
  finishColumns(out: KernelStmt[]): void {
    this.blocks = [out];
    this.statements(this.product.after.filter((c) => c.varies === "none" || c.varies === "column"));
  }

  /** A writer of row `i` alone, whose number is a value: the accumulators are picked by it. */
  row(i: Scalar, at: ReadonlyMap<number, Scalar>, out: KernelStmt[]): TileWriter {
    const { b, product } = this;
    const writer = new TileWriter(b, product, { rows: 1, columns: this.cells[0]?.length ?? 1 });
    this.cells[0]?.forEach((cell, j) => {
      writer.knowColumn(j, cell);
    });
    writer.know(at);
    writer.accumulators = [this.pickRow(i, out)];
    writer.blocks = [out];
    writer.statements(required(product.before, product.after).filter((c) => c.varies === "row" || c.varies === "both"));
    return writer;
  }

  /** For each column, the accumulator of row i. */
  pickRow(i: Scalar, out: KernelStmt[]): readonly Scalar[] {
    const columns = this.accumulators[0] ?? [];
    return columns.map((_, j) => pick(this.b, out, this.accumulators.flatMap((row) => row.slice(j, j + 1)), i));
  }

  /** What follows the sum, for the cell with the given coordinates and sum. */
  finishOne(at: ReadonlyMap<number, Scalar>, sum: Scalar, out: KernelStmt[]): void {
    const { before, after, fold } = this.product;
    // What varies with nothing in the tile is the same in every cell's scope.
    const scope: Scope = new Map([...(this.cells[0]?.[0] ?? []), ...at]);
    for (const id of fold.results) scope.set(id, sum);
    serial(this.b, [...required(before.filter((c) => c.varies !== "none"), after), ...after].map((c) => c.stmt), scope, out);
  }

  /** What follows the sum: shared values first, then each live cell's own and its stores. `done`: what varies with no row is known. */
  finish(out: KernelStmt[], rowInside: readonly (Scalar | undefined)[], columnInside: readonly (Scalar | undefined)[], done = false): void {
    const { after, fold } = this.product;
    const [result] = fold.results;
    this.blocks = [out];
    this.cells.forEach((row, i) => {
      row.forEach((cell, j) => {
        const sum = this.accumulators[i]?.[j];
        if (result !== undefined && sum) cell.set(result, sum);
      });
    });
    this.statements(after.filter((c) => c.varies !== "both" && !(done && c.varies !== "row")));
    // An index that a cell's own values decide is computed beside them, any other before the conditions of the cells.
    const values = new Set(after.flatMap(({ stmt, varies }) => (stmt.kind !== "store" && varies === "both" ? [stmt.id] : [])));
    const indexOf = (index: Scalar, cell: Scope, own: KernelStmt[]): Scalar =>
      refersTo(index, values) ? this.b.let(own, this.b.substitute(index, cell)) : this.address(index, cell);
    this.cells.forEach((row, i) => {
      const line: KernelStmt[] = [];
      row.forEach((cell, j) => {
        const own: KernelStmt[] = [];
        for (const { stmt, varies } of after) {
          if (stmt.kind === "store") {
            own.push({
              kind: "store", buffer: stmt.buffer, index: indexOf(stmt.index, cell, own), value: this.b.substitute(stmt.value, cell),
              ...(stmt.guard && { guard: this.b.substitute(stmt.guard, cell) }),
            });
          } else if (varies === "both") {
            const value = stmt.kind === "let"
              ? this.b.let(own, this.b.substitute(stmt.value, cell))
              : this.b.load(own, stmt.buffer, indexOf(stmt.index, cell, own), stmt.guard && this.b.substitute(stmt.guard, cell));
            cell.set(stmt.id, value);
          }
        }
        line.push(...when(columnInside[j], own));
      });
      out.push(...when(rowInside[i], line));
    });
  }
}

/** The k-th of some values. */
export function pick(b: KernelBuilder, out: KernelStmt[], values: readonly Scalar[], k: Scalar): Scalar {
  const [first, ...more] = values;
  if (!first) throw new InternalError("bind", "a tile without values");
  const here = more.map((_, at) => b.let(out, op("==", "bool", [k, int(at + 1)])));
  return more.reduce<Scalar>((value, other, at) => b.let(out, op("select", value.dtype, [here[at] as Scalar, other, value])), first);
}

function refersTo(s: Scalar, ids: ReadonlySet<number>): boolean {
  if (s.kind === "ref") return ids.has(s.id);
  return (s.kind === "op" || s.kind === "call") && s.args.some((a) => refersTo(a, ids));
}

function when(condition: Scalar | undefined, body: readonly KernelStmt[]): readonly KernelStmt[] {
  return condition ? [{ kind: "if", condition, body }] : body;
}
