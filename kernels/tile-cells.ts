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
import { both, int, plus, times } from "./arithmetic.ts";
import { conjuncts, termsOf } from "./index-terms.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { dependsOf, variesWith } from "./product.ts";
import type { Classed, Product, Varies } from "./product.ts";

/** Values by the loop that knows them: first those known before any loop. */
type ByLoop = { readonly value: Scalar; readonly times: number }[][];

/** The side whose lines several invocations read together, and how many of a tile's each reads. */
export interface Lent {
  readonly side: "row" | "column";
  readonly lines: number;
}

/** The cells of one tile. */
export class TileCells {
  protected readonly b: KernelBuilder;
  protected readonly product: Product;
  protected readonly cells: readonly (readonly Scope[])[];
  /** The axes of the sum that have a loop, those of one loop together. */
  private readonly nested: readonly (readonly Axis[])[];
  /** Where statements go: before all loops, then in the body of each that is open. */
  protected blocks: KernelStmt[][] = [];
  /** Values that no loop changes, though what they are added to may be known within. */
  protected apart: ReadonlySet<Scalar> = new Set();
  /** Of a side whose lines are read by several invocations together: those lines that this one reads in a turn. */
  protected readonly lent: readonly Scope[];
  private readonly lentSide: "row" | "column" | undefined;

  constructor(b: KernelBuilder, product: Product, [rows, columns]: readonly [number, number], nested: readonly (readonly Axis[])[], lent?: Lent) {
    this.b = b;
    this.product = product;
    this.nested = nested;
    this.lent = Array.from({ length: lent?.lines ?? 0 }, (): Scope => new Map());
    this.lentSide = lent?.side;
    this.cells = Array.from({ length: rows }, () => Array.from({ length: columns }, (): Scope => new Map()));
    this.know(new Map(product.fold.axes.filter((a) => a.extent === 1).map((a) => [a.id, int(0)])));
  }

  know(values: ReadonlyMap<number, Scalar>): void {
    for (const cell of [...this.cells.flat(), ...this.lent]) set(cell, values);
  }

  knowLent(q: number, values: ReadonlyMap<number, Scalar>): void {
    const scope = this.lent[q];
    if (scope) set(scope, values);
  }

  knowRow(i: number, values: ReadonlyMap<number, Scalar>): void {
    for (const cell of this.cells[i] ?? []) set(cell, values);
  }

  knowColumn(j: number, values: ReadonlyMap<number, Scalar>): void {
    for (const row of this.cells) if (row[j]) set(row[j], values);
  }

  /** The groups of cells that share one copy of a statement; the first of each computes it. */
  private groups(varies: Varies): readonly (readonly Scope[])[] {
    const { cells, lent } = this;
    if (varies === "both") return cells.flat().map((c) => [c]);
    if (varies === "none") return [[...cells.flat(), ...lent]];
    const lines = varies === "row" ? cells : (cells[0] ?? []).map((_, j) => cells.flatMap((row) => row.slice(j, j + 1)));
    if (varies !== this.lentSide) return lines;
    const turning = this.blocks.length > this.nested.length;
    return [...(turning ? [] : lines), ...lent.map((scope) => [scope])];
  }

  /** Statements but for stores, each in as many copies as it needs, in the innermost open block. */
  protected statements(list: readonly Classed[]): void {
    for (const { stmt, varies } of list)
      for (const group of this.groups(varies)) {
        const [first] = group;
        if (!first || stmt.kind === "store") continue;
        const value = stmt.kind === "let" ? this.b.let(this.block, this.value(stmt.value, first)) : this.loaded(stmt, first);
        for (const cell of group) cell.set(stmt.id, value);
      }
  }

  /** What a load reads; 0 where its condition never holds. */
  private loaded({ buffer, index, guard }: Extract<Classed["stmt"], { kind: "load" }>, cell: Scope): Scalar {
    const condition = guard && this.guard(guard, cell);
    if (condition?.kind === "constant" && condition.value === 0) return constant(0, buffer.dtype);
    return this.b.load(this.block, buffer, this.address(index, cell), condition);
  }

  protected get block(): KernelStmt[] {
    return this.blocks.at(-1) ?? [];
  }

  /** The innermost loop that some axes belong to: 0 for none. */
  private loopOf(axes: ReadonlySet<number> | undefined): number {
    return this.nested.findLastIndex((loop) => loop.some((a) => axes?.has(a.id))) + 1;
  }

  /** The loop that knows a value: 0 for none. */
  private levelOf(s: Scalar): number {
    return Math.min(this.loopOf(dependsOf(s, this.product.depends)), this.blocks.length - 1);
  }

  /** The value of a cell, its parts computed in the outermost loops that know them. */
  protected value(s: Scalar, cell: Scope): Scalar {
    if (s.kind !== "op" && s.kind !== "call") return this.b.substitute(s, cell);
    const level = this.levelOf(s);
    const block = this.blocks[level];
    if (block && block !== this.block) return this.b.let(block, this.b.substitute(s, cell));
    return level > 0 ? { ...s, args: s.args.map((a) => this.value(a, cell)) } : this.b.substitute(s, cell);
  }

  private guard(s: Scalar, cell: Scope): Scalar | undefined {
    const parts = conjuncts(s).map((p) => ({ level: this.levelOf(p), is: settled(this.b.substitute(p, cell)) }));
    const never = parts.find(({ is }) => is.kind === "constant" && is.value === 0);
    if (never) return never.is;
    return this.blocks.reduce<Scalar | undefined>((outer, block, level) => {
      const here = parts.filter((p) => p.level === level && p.is.kind !== "constant").map((p) => p.is);
      if (here.length === 0) return outer;
      const all = here.reduce((x, y) => both(x, y));
      return this.b.let(block, outer ? both(outer, all) : all);
    }, undefined);
  }

  /** An index: what all cells share, what is the cell's own, and a number that is its own too. */
  protected address(index: Scalar, cell: Scope): Scalar {
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
      else for (const p of parts.terms) to[this.apart.has(p.value) ? 0 : level]?.push({ value: p.value, times: t.times * p.times });
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

  protected atLevel(level: number): readonly Classed[] {
    return this.product.inside.filter(({ stmt }) => stmt.kind !== "store" && this.loopOf(this.product.depends.get(stmt.id)) === level);
  }

  /** Enters the body of the next loop of the sum, whose indices are known; `body` writes what else is in it. */
  inside(inner: KernelStmt[], body: () => void, only: (c: Classed) => boolean = () => true): void {
    this.blocks.push(inner);
    this.statements(this.atLevel(this.blocks.length - 1).filter(only));
    body();
    this.blocks.pop();
  }
}

/** A comparison of a sum with 0 with its numbers added up, so that equal conditions have one text; a constant where the sum is one. */
function settled(condition: Scalar): Scalar {
  const [sum, zero] = condition.kind === "op" && condition.op === ">=" ? condition.args : [];
  if (sum?.dtype !== "i32" || zero?.kind !== "constant" || zero.value !== 0) return condition;
  const { terms, constant: start } = termsOf(sum);
  if (terms.length === 0) return constant(start >= 0 ? 1 : 0, "bool");
  return op(">=", "bool", [plus(terms.reduce<Scalar>((s, t) => plus(s, times(t.value, int(t.times))), int(0)), int(start)), zero]);
}

function set(cell: Scope, values: ReadonlyMap<number, Scalar>): void {
  for (const [id, value] of values) cell.set(id, value);
}
