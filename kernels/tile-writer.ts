/**
 * Writes the statements of a product for every cell of a tile: what varies with the row once per row, with the column once per
 * column, with both once per cell, the rest once; and each part of an index or a condition in the outermost loop that knows it.
 * Comes in: statements with what they vary with, coordinates as they become known. Goes out: kernel statements. Each cell has its own
 * scope; a value shared by several cells is one value in all.
 *
 *     load x: row, load w: column, tile 2 x 2     ->     two loads of x, two of w
 *     x[row*64 + k], rows r and r + 1             ->     before the loop v = r*64; in it x[v + k] and x[v + k + 64]
 */
import type { Axis, KernelStmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { InternalError } from "../src/support/diagnostic.ts";
import { both, int, plus, times } from "./arithmetic.ts";
import type { Tile } from "./choose-tile.ts";
import { conjuncts, termsOf } from "./index-terms.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { dependsOf, required, variesWith } from "./product.ts";
import type { Classed, Product, Varies } from "./product.ts";
import { serial, type Accumulator } from "./serial.ts";

/** Values by the loop that knows them: first those known before any loop. */
type ByLoop = { readonly value: Scalar; readonly times: number }[][];

interface Factors {
  readonly left: readonly Scalar[];
  readonly right: readonly Scalar[];
}

/** The side that invocations in step read together, and the number of the invocation among them. */
export interface Shared {
  readonly side: "row" | "column";
  readonly lane: Scalar;
}

/** Writes one tile. */
export class TileWriter {
  private readonly b: KernelBuilder;
  private readonly product: Product;
  private readonly cells: readonly (readonly Scope[])[];
  /** The axes of the sum that have a loop. */
  readonly loops: readonly Axis[];
  /** Where statements go: before all loops, then in the body of each that is open. */
  private blocks: KernelStmt[][] = [];
  private accumulators: readonly (readonly Scalar[])[] = [];
  private variables: readonly (readonly Accumulator[])[] = [];

  private readonly shared: Shared | undefined;

  constructor(b: KernelBuilder, product: Product, tile: Pick<Tile, "rows" | "columns">, shared?: Shared) {
    this.b = b;
    this.product = product;
    this.shared = shared;
    this.loops = product.fold.axes.filter((a) => a.extent !== 1);
    this.cells = Array.from({ length: tile.rows }, () => Array.from({ length: tile.columns }, (): Scope => new Map()));
    this.know(new Map(product.fold.axes.filter((a) => a.extent === 1).map((a) => [a.id, int(0)])));
  }

  know(values: ReadonlyMap<number, Scalar>): void {
    for (const row of this.cells) for (const cell of row) set(cell, values);
  }

  knowRow(i: number, values: ReadonlyMap<number, Scalar>): void {
    for (const cell of this.cells[i] ?? []) set(cell, values);
  }

  knowColumn(j: number, values: ReadonlyMap<number, Scalar>): void {
    for (const row of this.cells) if (row[j]) set(row[j], values);
  }

  /** The groups of cells that share one copy of a statement; the first of each computes it. */
  private groups(varies: Varies): readonly (readonly Scope[])[] {
    const { cells } = this;
    if (varies === "both") return cells.flat().map((c) => [c]);
    if (varies === "row") return cells;
    if (varies === "column") return (cells[0] ?? []).map((_, j) => cells.flatMap((row) => row.slice(j, j + 1)));
    return [cells.flat()];
  }

  /** Statements but for stores, each in as many copies as it needs, in the innermost open block. */
  private statements(list: readonly Classed[]): void {
    for (const { stmt, varies } of list)
      for (const group of this.groups(varies)) {
        const [first] = group;
        if (!first || stmt.kind === "store") continue;
        const value =
          stmt.kind === "let"
            ? this.b.let(this.block, this.value(stmt.value, first))
            : this.b.load(this.block, stmt.buffer, this.address(stmt.index, first), stmt.guard && this.guard(stmt.guard, first));
        for (const cell of group) cell.set(stmt.id, value);
      }
  }

  private get block(): KernelStmt[] {
    return this.blocks.at(-1) ?? [];
  }

  /** The loop that knows a value: 0 for none. */
  private levelOf(s: Scalar): number {
    const axes = dependsOf(s, this.product.depends);
    return Math.min(this.loops.findLastIndex((a) => axes.has(a.id)) + 1, this.blocks.length - 1);
  }

  /** The value of a cell, its parts computed in the outermost loops that know them. */
  private value(s: Scalar, cell: Scope): Scalar {
    if (s.kind !== "op" && s.kind !== "call") return this.b.substitute(s, cell);
    const level = this.levelOf(s);
    const block = this.blocks[level];
    if (block && block !== this.block) return this.b.let(block, this.b.substitute(s, cell));
    return level > 0 ? { ...s, args: s.args.map((a) => this.value(a, cell)) } : this.b.substitute(s, cell);
  }

  private guard(s: Scalar, cell: Scope): Scalar | undefined {
    const parts = conjuncts(s);
    return this.blocks.reduce<Scalar | undefined>((outer, block, level) => {
      const here = parts.filter((p) => this.levelOf(p) === level).map((p) => this.b.substitute(p, cell));
      if (here.length === 0) return outer;
      const all = here.reduce((x, y) => both(x, y));
      return this.b.let(block, outer ? both(outer, all) : all);
    }, undefined);
  }

  /** An index: what all cells share, what is the cell's own, and a number that is its own too. */
  private address(index: Scalar, cell: Scope): Scalar {
    const { terms, constant: start } = termsOf(index);
    const shared: ByLoop = this.blocks.map(() => []);
    const own: ByLoop = this.blocks.map(() => []);
    let offset = start;
    for (const t of terms) {
      const known = t.value.kind === "ref" ? cell.get(t.value.id) : undefined;
      const parts = termsOf(known ?? int(0));
      offset += t.times * parts.constant;
      const level = this.levelOf(t.value);
      const to = this.isOwn(t.value) ? own : shared;
      if (!known) to[level]?.push({ value: this.b.let(this.blocks[level] ?? this.block, this.value(t.value, cell)), times: t.times });
      else for (const p of parts.terms) to[p.value === this.shared?.lane ? 0 : level]?.push({ value: p.value, times: t.times * p.times });
    }
    return plus(this.chain(own, this.chain(shared, undefined)) ?? int(0), int(offset));
  }

  /** Whether a value differs between cells by more than a number. */
  private isOwn(s: Scalar): boolean {
    const { rows, columns, depends } = this.product;
    const alone = (axes: readonly Axis[]): boolean => s.kind === "ref" && axes.length === 1 && axes[0]?.id === s.id;
    return variesWith(dependsOf(s, depends), rows, columns) !== "none" && !alone(rows) && !alone(columns);
  }

  private chain(parts: ByLoop, before: Scalar | undefined): Scalar | undefined {
    let sum: Scalar | undefined;
    parts.forEach((list, level) => {
      if (list.length === 0) return;
      for (const { value, times: by } of list) sum = sum ? this.b.sum(sum, times(value, int(by))) : times(value, int(by));
      if (sum) sum = this.b.let(this.blocks[level] ?? this.block, sum);
    });
    return before && sum ? plus(before, sum) : (before ?? sum);
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

  private atLevel(level: number): readonly Classed[] {
    return this.product.inside.filter(({ stmt }) => stmt.kind !== "store" && this.loops.findLastIndex((a) => this.product.depends.get(stmt.id)?.has(a.id)) + 1 === level);
  }

  /** Enters the body of the next loop of the sum, whose index is known; `body` writes what else is in it. */
  within(axis: Axis, index: Scalar, inner: KernelStmt[], body: () => void, only: (c: Classed) => boolean = () => true): void {
    this.blocks.push(inner);
    this.know(new Map([[axis.id, index]]));
    this.statements(this.atLevel(this.blocks.length - 1).filter(only));
    body();
    this.blocks.pop();
  }

  /** Some turns of the innermost loop at once: first all loads of all turns, then all arithmetic. */
  turns(axis: Axis | undefined, indices: readonly Scalar[], inner: KernelStmt[]): void {
    const factors = this.readTogether(axis, indices, inner) ?? indices.map((index) => this.read(axis, index, inner));
    // All products of a cell in one expression: its accumulator is fetched and put back once.
    this.variables.forEach((row, i) => {
      row.forEach((variable, j) => {
        const value = factors.reduce<Scalar>((sum, { left, right }) => op("add", variable.dtype, [sum, this.joined(left[i] ?? sum, right[j] ?? sum)]), variable);
        inner.push({ kind: "assign", id: variable.id, value });
      });
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

function set(cell: Scope, values: ReadonlyMap<number, Scalar>): void {
  for (const [id, value] of values) cell.set(id, value);
}
