/**
 * Writes a tile of a product whose accumulators are registers: the statements of its sum, turn by turn, and of what follows it.
 * Comes in: a product, a tile, coordinates as they become known. Goes out: kernel statements (see tile-cells.ts).
 *
 *     2 x 2 at once, one turn:     two loads of x, two of w;  s00 = s00 + x0·w0;  s01 = s01 + x0·w1;  …
 */
import type { Axis, KernelStmt } from "../src/ir/kernel.ts";
import { constant, op, refersTo } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { int, plus, xor } from "./arithmetic.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { required } from "./product.ts";
import { fitsFourTimes, reachAlong } from "./quads.ts";
import type { Classed, Product } from "./product.ts";
import type { Accumulator } from "./accumulators.ts";
import { serial } from "./serial.ts";
import { TileCells } from "./tile-cells.ts";
import type { Tile } from "./tile-time.ts";

/** What a turn multiplies: a value for each row and for each column. */
export interface Factors {
  readonly left: readonly Scalar[];
  readonly right: readonly Scalar[];
}

/** What some turns multiply where one side is read together, by the number of the row (or column): taken from whoever has read it when asked for. */
interface Together {
  readonly side: "row" | "column";
  readonly lines: number;
  readonly ofLine: (k: number) => readonly Factors[];
}

/** The side that invocations in step read together, each another turn or other lines of it, and the number of the invocation among them. */
export interface Shared {
  readonly side: "row" | "column";
  readonly lane: Scalar;
  readonly lanes: number;
  readonly by: "turn" | "line";
}

/** Writes one tile. */
export class TileWriter extends TileCells {
  /** The axes of the sum that have a loop. */
  readonly loops: readonly Axis[];
  private accumulators: readonly (readonly Scalar[])[] = [];
  private variables: readonly (readonly Accumulator[])[] = [];
  private readonly shared: Shared | undefined;
  /** The turns of four in the order in which this invocation has them: its own first, then those of the ones that it swaps with. */
  private turnOf: readonly Scalar[] = [];

  constructor(b: KernelBuilder, product: Product, tile: Pick<Tile, "rows" | "columns">, shared?: Shared) {
    const loops = product.fold.axes.filter((a) => a.extent !== 1);
    const lent = shared?.by === "line" ? { side: shared.side, lines: (shared.side === "row" ? tile.rows : tile.columns) / shared.lanes } : undefined;
    super(b, product, [tile.rows, tile.columns], loops.map((a) => [a]), lent);
    this.loops = loops;
    this.shared = shared;
  }

  /** What the sum needs that no loop changes. */
  open(out: KernelStmt[]): void {
    this.blocks = [out];
    const { shared } = this;
    if (shared?.by === "turn") this.turnOf = Array.from({ length: shared.lanes }, (_, k) => this.b.let(out, xor(shared.lane, int(k))));
    this.apart = new Set(this.turnOf);
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

  /**
   * Some turns of the innermost loop at once: first all loads of all turns, then all arithmetic. What others have read is taken for one
   * row (or column) at a time, so that few values wait in registers.
   */
  turns(axis: Axis | undefined, indices: readonly Scalar[], inner: KernelStmt[]): void {
    const together = this.readTogether(axis, indices, inner);
    if (!together) this.add(indices.map((index) => this.read(axis, index, inner)), inner);
    else for (let k = 0; k < together.lines; k++) this.add(together.ofLine(k), inner, { [together.side]: k });
  }

  /** Adds what some turns multiply: to all sums, or to those of one row or column. */
  add(factors: readonly Factors[], inner: KernelStmt[], only: { readonly row?: number; readonly column?: number } = {}): void {
    // All products of a cell in one expression: its accumulator is fetched and put back once.
    this.variables.forEach((row, i) => {
      row.forEach((variable, j) => {
        if ((only.row ?? i) !== i || (only.column ?? j) !== j) return;
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
      const all = (s: Scalar, cells: readonly (Scope | undefined)[]): Scalar[] => cells.map((cell) => this.b.let(inner, this.value(s, cell ?? new Map())));
      const lent = (side: "row" | "column"): boolean => this.lent.length > 0 && this.shared?.side === side;
      if (sides.includes("row")) factors.left = all(x, lent("row") ? this.lent : this.cells.map((row) => row[0]));
      if (sides.includes("column")) factors.right = all(y, lent("column") ? this.lent : (this.cells[0] ?? []));
    };
    if (axis) this.within(axis, index, inner, body, (c) => both || c.varies === sides[0]);
    else body();
    return factors;
  }

  /** The same with one side read together: each invocation reads that of another turn, or of other lines, and all take them from it. */
  private readTogether(axis: Axis | undefined, indices: readonly Scalar[], inner: KernelStmt[]): Together | undefined {
    const [start] = indices;
    if (!this.shared || !axis || !start) return undefined;
    const { side, lane, lanes, by } = this.shared;
    const [mine, other] = side === "row" ? (["left", "right"] as const) : (["right", "left"] as const);
    if (by === "line") {
      const turns = indices.map((index) => this.read(axis, index, inner));
      const lines = this.lent.length * lanes;
      // Line k is what the invocation that differs in the bits of k mod lanes has read as its (k / lanes)-th.
      const lineOf = (k: number): readonly Factors[] => turns.map((read) => {
        const value = read[mine][Math.floor(k / lanes)];
        const taken = value ? new Array<Scalar>(lines).fill(this.theirs(value, k % lanes, inner)) : [];
        return side === "row" ? { left: taken, right: read.right } : { left: read.left, right: taken };
      });
      return { side, lines, ofLine: lineOf };
    }
    if (indices.length === 1) return undefined;
    const read = this.read(axis, plus(start, lane), inner, [side])[mine];
    const own = this.turnOf.map((turn) => this.read(axis, plus(start, turn), inner, [side === "row" ? "column" : "row"])[other]);
    const ofLine = (k: number): readonly Factors[] => own.map((values, turn) => {
      const taken = read.map((v, line) => (line === k ? this.theirs(v, turn, inner) : v));
      return side === "row" ? { left: taken, right: values } : { left: values, right: taken };
    });
    return { side, lines: read.length, ofLine };
  }

  /** The value of the invocation that differs in some bits of its number; conditions go as numbers. */
  private theirs(v: Scalar, bits: number, inner: KernelStmt[]): Scalar {
    if (bits === 0) return v;
    const from = constant(bits, "u32");
    if (v.dtype !== "bool") return this.b.let(inner, op("swap", v.dtype, [v, from]));
    const number = op("swap", "u32", [op("select", "u32", [v, constant(1, "u32"), constant(0, "u32")]), from]);
    return this.b.let(inner, op("==", "bool", [number, constant(1, "u32")]));
  }

  /** The sums of all cells, row by row, in an array of the invocation's own. */
  sums(out: KernelStmt[]): (at: KernelStmt[], index: Scalar) => Scalar {
    return this.b.array(out, this.product.fold.value.dtype, this.accumulators.flat());
  }

  /** What follows the sum for one row (or column) whose coordinates are known, but for what varies with its cells; gives what is known then. */
  finishLine(side: "row" | "column", at: ReadonlyMap<number, Scalar>, out: KernelStmt[]): Scope {
    // What varies with nothing in the tile is the same in every cell's scope.
    const scope: Scope = new Map([...(this.cells[0]?.[0] ?? []), ...at]);
    serial(this.b, this.following().filter((c) => this.isOfLine(c, side)).map((c) => c.stmt), scope, out);
    return scope;
  }

  /** The rest, for a cell of such a line. */
  finishCell(side: "row" | "column", line: Scope, at: ReadonlyMap<number, Scalar>, sum: Scalar, out: KernelStmt[]): void {
    const scope: Scope = new Map([...line, ...at]);
    for (const id of this.product.fold.results) scope.set(id, sum);
    serial(this.b, this.following().filter((c) => !this.isOfLine(c, side)).map((c) => c.stmt), scope, out);
  }

  /** True for what is known of a whole line: it varies with the line at most, and does not follow from a sum, which is a cell's even where there is one cell a line. */
  private isOfLine({ stmt, varies }: Classed, side: "row" | "column"): boolean {
    return stmt.kind !== "store" && (varies === side || varies === "none") && !this.fromSum.has(stmt.id);
  }

  /** True where what follows the sum is best done for four neighbours at once along the one of these axes that has more than a point: elements lie side by side. */
  endsBeside(axes: readonly Axis[]): boolean {
    const axis = axes.find((a) => a.extent !== 1);
    if (!axis) return false;
    const { wide, operations } = reachAlong(this.product.after.map((c) => c.stmt), axis.id);
    return wide > 0 && fitsFourTimes(operations);
  }

  /** What follows from a sum. */
  private get fromSum(): ReadonlySet<number> {
    const found = new Set(this.product.fold.results);
    for (const { stmt } of this.product.after) {
      if (stmt.kind === "store") continue;
      const parts = stmt.kind === "let" ? [stmt.value] : [stmt.index, ...(stmt.guard ? [stmt.guard] : [])];
      if (parts.some((s) => refersTo(s, found))) found.add(stmt.id);
    }
    return found;
  }

  /** What follows the sum, with what it needs from before that rows or columns have their own of. */
  private following(): readonly Classed[] {
    const { before, after } = this.product;
    return [...required(before.filter((c) => c.varies !== "none"), after), ...after];
  }

  /** What follows the sum: shared values first, then each live cell's own and its stores. */
  finish(out: KernelStmt[], rowInside: readonly (Scalar | undefined)[], columnInside: readonly (Scalar | undefined)[]): void {
    const { after, fold } = this.product;
    const [result] = fold.results;
    this.blocks = [out];
    this.cells.forEach((row, i) => {
      row.forEach((cell, j) => {
        const sum = this.accumulators[i]?.[j];
        if (result !== undefined && sum) cell.set(result, sum);
      });
    });
    this.statements(after.filter((c) => c.varies !== "both"));
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

function when(condition: Scalar | undefined, body: readonly KernelStmt[]): readonly KernelStmt[] {
  return condition ? [{ kind: "if", condition, body }] : body;
}
