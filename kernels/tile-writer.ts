/**
 * Writes the statements of a product for every cell of a tile: what varies with the row once per row, with the column once per
 * column, with both once per cell, the rest once. Comes in: statements with what they vary with, coordinates as they become
 * known. Goes out: kernel statements. Each cell has its own scope; a value shared by several cells is one value in all.
 *
 *     load x: row, load w: column, tile 2 x 2     ->     two loads of x, two of w
 */
import type { Axis, KernelStmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { InternalError } from "../src/support/diagnostic.ts";
import { lineIn } from "./affine.ts";
import { int, plus, times } from "./arithmetic.ts";
import type { Tile } from "./choose-tile.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { required } from "./product.ts";
import type { Classed, Product, Varies } from "./product.ts";
import { serial, type Accumulator } from "./serial.ts";

/** A statement of the innermost loop; for a load whose index is affine, its base per copy, computed before the loop. */
export interface Changing extends Classed {
  readonly line?: { readonly bases: ReadonlyMap<Scope, Scalar>; readonly stride: number };
}

/** Writes one tile. */
export class TileWriter {
  private readonly b: KernelBuilder;
  private readonly product: Product;
  private readonly cells: readonly (readonly Scope[])[];
  private accumulators: readonly (readonly Accumulator[])[] = [];

  constructor(b: KernelBuilder, product: Product, tile: Tile) {
    this.b = b;
    this.product = product;
    this.cells = Array.from({ length: tile.rows }, () => Array.from({ length: tile.columns }, (): Scope => new Map()));
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

  /** Statements outside the sum but for stores, each in as many copies as it needs. */
  statements(list: readonly Classed[], out: KernelStmt[]): void {
    for (const { stmt, varies } of list)
      for (const group of this.groups(varies)) {
        const [first] = group;
        if (!first || stmt.kind === "store") continue;
        const value =
          stmt.kind === "let"
            ? this.b.let(out, this.b.substitute(stmt.value, first))
            : this.b.load(out, stmt.buffer, this.b.let(out, this.b.substitute(stmt.index, first)), stmt.guard && this.b.substitute(stmt.guard, first));
        for (const cell of group) cell.set(stmt.id, value);
      }
  }

  open(out: KernelStmt[]): void {
    const zero = constant(0, this.product.fold.value.dtype);
    this.accumulators = this.cells.map((row) => row.map(() => this.b.variable(out, zero)));
  }

  /** Writes what does not change with the axis, and the bases of affine loads; gives what is left for the loop. */
  hoist(list: readonly Classed[], axis: Axis, out: KernelStmt[]): readonly Changing[] {
    const changes = (id: number): boolean => this.product.turns.get(id)?.has(axis.id) ?? false;
    const left: Changing[] = [];
    for (const c of list) {
      const { stmt } = c;
      if (stmt.kind === "store") continue;
      if (!changes(stmt.id)) {
        this.statements([c], out);
        continue;
      }
      const line = stmt.kind === "load" ? lineIn(stmt.index, axis.id, changes) : undefined;
      if (!line) {
        left.push(c);
        continue;
      }
      const bases = new Map<Scope, Scalar>();
      for (const [first] of this.groups(c.varies)) if (first) bases.set(first, this.b.let(out, this.b.substitute(line.base, first)));
      left.push({ ...c, line: { bases, stride: line.stride } });
    }
    return left;
  }

  /** Some turns of the sum at once: first all loads of all turns, then all arithmetic. */
  block(list: readonly Changing[], axis: Axis | undefined, indices: readonly Scalar[], out: KernelStmt[]): void {
    const [x, y] = this.product.factors;
    const factors = indices.map((index) => {
      if (axis) this.know(new Map([[axis.id, index]]));
      for (const c of list) this.turn(c, index, out);
      const left = this.cells.map((row) => this.b.substitute(x, row[0] ?? new Map()));
      const right = (this.cells[0] ?? []).map((cell) => this.b.substitute(y, cell));
      return { left: left.map((v) => this.b.let(out, v)), right: right.map((v) => this.b.let(out, v)) };
    });
    for (const { left, right } of factors)
      this.accumulators.forEach((row, i) => {
        row.forEach((sum, j) => {
          const [a, c] = [left[i], right[j]];
          if (a && c) out.push({ kind: "assign", id: sum.id, value: op("add", sum.dtype, [sum, op("mul", sum.dtype, [a, c])]) });
        });
      });
  }

  private turn({ stmt, varies, line }: Changing, index: Scalar, out: KernelStmt[]): void {
    if (!line || stmt.kind !== "load") {
      this.statements([{ stmt, varies }], out);
      return;
    }
    const step = this.b.let(out, times(index, int(line.stride)));
    for (const group of this.groups(varies)) {
      const [first] = group;
      const base = first && line.bases.get(first);
      if (!first || !base) continue;
      const value = this.b.load(out, stmt.buffer, plus(base, step), stmt.guard && this.b.substitute(stmt.guard, first));
      for (const cell of group) cell.set(stmt.id, value);
    }
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

  /** What follows the sum: shared values first, then each live cell's own and its stores. */
  finish(out: KernelStmt[], rowInside: readonly (Scalar | undefined)[], columnInside: readonly (Scalar | undefined)[]): void {
    const { after, fold } = this.product;
    const [result] = fold.results;
    this.cells.forEach((row, i) => {
      row.forEach((cell, j) => {
        const sum = this.accumulators[i]?.[j];
        if (result !== undefined && sum) cell.set(result, sum);
      });
    });
    this.statements(after.filter((c) => c.varies !== "both"), out);
    this.cells.forEach((row, i) => {
      const line: KernelStmt[] = [];
      row.forEach((cell, j) => {
        const own: KernelStmt[] = [];
        for (const { stmt, varies } of after) {
          if (stmt.kind === "store") {
            own.push({
              kind: "store", buffer: stmt.buffer, index: this.b.let(own, this.b.substitute(stmt.index, cell)), value: this.b.substitute(stmt.value, cell),
              ...(stmt.guard && { guard: this.b.substitute(stmt.guard, cell) }),
            });
          } else if (varies === "both") {
            const value = stmt.kind === "let"
              ? this.b.let(own, this.b.substitute(stmt.value, cell))
              : this.b.load(own, stmt.buffer, this.b.let(own, this.b.substitute(stmt.index, cell)), stmt.guard && this.b.substitute(stmt.guard, cell));
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

function when(condition: Scalar | undefined, body: readonly KernelStmt[]): readonly KernelStmt[] {
  return condition ? [{ kind: "if", condition, body }] : body;
}

function set(cell: Scope, values: ReadonlyMap<number, Scalar>): void {
  for (const [id, value] of values) cell.set(id, value);
}
