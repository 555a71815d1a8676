/**
 * What a tile of a product should take. Comes in: an arranged product, a tile, the prices of a device class. Goes out: modelled
 * time, Infinity where the kernel's text would be too long.
 *
 *     8 x 8 of 64 x 64, sums of 64, on a processor:   64 invocations of 64 turns, each 16 accesses and 64 multiplications
 *
 * The model counts, for one invocation, accesses, multiplications, other operations by the loop that they stand in and turns, in the
 * profile's prices, times the rounds that the device needs for all invocations, and adds a share of what building the text costs.
 */
import type { Axis } from "../src/ir/kernel.ts";
import type { Scalar, ScalarFunction } from "../src/ir/scalar.ts";
import { type Prices, ratios } from "../src/schedule/prices.ts";
import type { Differing } from "./differing.ts";
import { conjuncts, termsOf } from "./index-terms.ts";
import { points } from "./launch.ts";
import { dependsOf, statementsOf, variesWith } from "./product.ts";
import type { Classed, Depends, Product, Varies } from "./product.ts";
import { fitsFourTimes, liesBeside } from "./quads.ts";

/** What one invocation computes. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** Turns of the innermost fold axis written out in one iteration. */
  readonly unroll: number;
  /**
   * The side whose values the invocations that run in step read together, each those of another turn, and take from each other: they
   * work on the same rows (columns), and on neighbours along `lanesAlong`.
   */
  readonly broadcast?: "row" | "column";
  /** The lines of that side are dealt out to so many invocations instead: each reads its own in all turns. */
  readonly dealt?: number;
  /** The side whose lines are neighbours, since what they read in the turns written together are partly the same elements, each of which is read once. */
  readonly neighbours?: "row" | "column";
  /** The loops of the sum are one, whose position is taken apart in each turn. */
  readonly flat?: true;
  /** How what follows the sum is written: once per cell, or once in a loop over the rows around one over the columns, or the other way round. */
  readonly finish: "written" | "rows" | "columns";
}

/** Work inside the sum: what it depends on says how often and in how many copies it is done. */
export interface Piece {
  readonly axes: ReadonlySet<number>;
  readonly accesses: number;
  readonly operations: number;
  /** Where an access reads. */
  readonly index?: Scalar;
  /** The axis along which four neighbours are one access. */
  readonly along?: number | undefined;
}

/** Accesses and operations of some statements, by what they vary with. */
export interface Tally {
  readonly accesses: Readonly<Record<Varies, number>>;
  readonly operations: Readonly<Record<Varies, number>>;
}

/** An access after the sum: what it varies with, and the axis along which four neighbours are one access. */
export interface End {
  readonly varies: Varies;
  readonly along: number | undefined;
}

/** The axis of each side whose lines may lie side by side, so that four of them are one access. */
export type Beside = Readonly<Record<"row" | "column", Axis | undefined>>;

/** An arrangement, with the work outside the innermost sum counted once. */
export interface Counted {
  readonly product: Product;
  readonly before: Tally;
  readonly inside: Tally;
  readonly after: Tally;
  readonly ends: readonly End[];
  readonly differing: Differing;
  /** Absent where each access is of one element. */
  readonly beside?: Beside;
}

/** The work of a sum, part by part. */
export function piecesOf({ inside, depends }: Product): readonly Piece[] {
  const piece = (s: Scalar, extra: number): Piece => ({ axes: dependsOf(s, depends), accesses: 0, operations: size(s) + extra });
  return inside.flatMap(({ stmt }): readonly Piece[] => {
    if (stmt.kind === "store") return [];
    const axes = depends.get(stmt.id) ?? new Set<number>();
    if (stmt.kind === "let") return [{ axes, accesses: 0, operations: size(stmt.value) }];
    const guards = (stmt.guard ? conjuncts(stmt.guard) : []).map((g) => piece(g, 1));
    const parts = termsOf(stmt.index).terms.filter((t) => size(t.value) > 0).map((t) => piece(t.value, 0));
    return [{ axes, accesses: 1, operations: stmt.guard ? 4 : 2, index: stmt.index, along: stmt.guard ? undefined : wideAlong(stmt.index, depends) }, ...guards, ...parts];
  });
}

/** Accesses after the sum. Each cell stores its own result. */
export function endsOf({ after, depends }: Product): readonly End[] {
  return after.flatMap(({ stmt, varies }): readonly End[] =>
    stmt.kind === "let" ? [] : [{ varies: stmt.kind === "store" ? "both" : varies, along: stmt.guard ? undefined : wideAlong(stmt.index, depends) }]);
}

/** The axes along which lines of a product may lie side by side, however it is arranged. */
export function axesBeside(product: Product): ReadonlySet<Axis> {
  const stmts = statementsOf(product);
  return new Set(product.parallel.filter((axis) => liesBeside(stmts, [axis], 4)));
}

/** Those of an arrangement: a side's only axis. */
export function besideOf({ rows, columns }: Product, axes: ReadonlySet<Axis>): Beside {
  const only = (side: readonly Axis[]): Axis | undefined => {
    const [axis, another] = side.filter((a) => a.extent !== 1);
    return axis && !another && axes.has(axis) ? axis : undefined;
  };
  return { row: only(rows), column: only(columns) };
}

/** The axis that moves an index by one where everything else moves it by fours. */
function wideAlong(index: Scalar, depends: Depends): number | undefined {
  const { terms, constant } = termsOf(index);
  const [one, another] = terms.filter((t) => t.times % 4 !== 0);
  if (constant % 4 !== 0 || !one || another || one.times !== 1 || one.value.kind !== "ref") return undefined;
  const { id } = one.value;
  return terms.some((t) => t !== one && dependsOf(t.value, depends).has(id)) ? undefined : id;
}

/** A piece with the loop it stands in, 0 outside of all, and what it varies with in an arrangement. */
interface Placed extends Piece {
  readonly level: number;
  readonly varies: Varies;
}

/** The loops of an arrangement's sum, and its pieces in them. */
export interface Sum {
  readonly loops: readonly Axis[];
  readonly pieces: readonly Placed[];
  /** Turns of so many of the loops, the outermost first. */
  readonly turnsAt: readonly number[];
  /** Lines of each side, and how often all of that is. */
  readonly points: Readonly<Record<"rows" | "columns" | "batch", number>>;
}

/** The sum of an arrangement. */
export function sumOf(product: Product, pieces: readonly Piece[]): Sum {
  const loops = product.fold.axes.filter((a) => a.extent !== 1);
  const turnsAt = [1];
  for (const a of loops) turnsAt.push((turnsAt.at(-1) ?? 1) * a.capacity);
  const placed = pieces.map((p): Placed => ({ ...p, level: loops.findLastIndex((a) => p.axes.has(a.id)) + 1, varies: variesWith(p.axes, product.rows, product.columns) }));
  return { loops, pieces: placed, turnsAt, points: { rows: points(product.rows).capacity, columns: points(product.columns).capacity, batch: points(product.batch).capacity } };
}

/** What one invocation does in its sum. */
export interface SumTime {
  readonly time: number;
  /** Accesses and operations of a turn of the innermost loop. */
  readonly loads: number;
  readonly inner: number;
}

/** A tile, however it ends. */
export type Way = Omit<Tile, "finish">;

/** The time of one invocation's sum. */
export function sumTimeOf(counted: Counted, { loops, pieces, turnsAt }: Sum, tile: Way, price: Prices): SumTime {
  const { beside } = counted;
  const { rows, columns, unroll, broadcast, neighbours } = tile;
  const shared = tile.dealt ?? unroll;
  const cells = rows * columns;
  const turns = turnsAt.at(-1) ?? 1;
  const turnsOf = (level: number): number => (tile.flat && level > 0 && level < loops.length ? turns / unroll : turnsAt[level] ?? 1);
  const lent = broadcast === "row" ? rows : broadcast === "column" ? columns : 0;
  let inSum = 0;
  let loads = 0;
  let inner = 2 * cells + lent;
  // Turns that an invocation reads in order, four neighbours in memory at once; where others read some of them, each has an order of its own.
  const last = loops.at(-1);
  const inFours = beside && last && unroll % 4 === 0 && typeof last.extent === "number" && last.extent % 4 === 0 ? last.id : undefined;
  const wide = (along: number | undefined, varies: Varies): boolean => {
    if (!beside || along === undefined || varies === "none") return false;
    if (along === inFours && (broadcast === undefined || tile.dealt !== undefined)) return true;
    return isBeside(counted, varies, along, tile);
  };
  for (const { accesses, operations: work, index, along, level, varies } of pieces) {
    const innermost = level === loops.length;
    const done = copies(varies, rows, columns) / (innermost && varies === broadcast ? shared : 1);
    const reads = accesses * (index && neighbours && varies === neighbours && innermost ? counted.differing.of(index, tile) : innermost && wide(along, varies) ? ratios.wide / 4 : 1);
    inSum += done * turnsOf(level) * (reads * price.access + work * price.operation);
    if (innermost) {
      loads += reads * done;
      inner += work * done;
    }
  }
  // A loop over turns that are all written out is none; how many there are of a batch is not known to the text.
  const open = loops.length - (last && typeof last.extent === "number" && last.extent <= unroll ? 1 : 0);
  const entries = tile.flat ? 1 : turnsAt.slice(0, open).reduce((sum, n) => sum + n, 0);
  const loopTurns = tile.flat ? turns / unroll : turnsAt.slice(1).reduce((sum, n, k) => sum + (k === loops.length - 1 ? n / unroll : n), 0);
  const apart = tile.flat ? loopTurns * 2 * ratios.division * (open - 1) * price.operation : 0;
  const taken = turns * lent * price.operation * ratios.swap;
  const time = inSum + taken + turns * cells * share(price.cell, 1 / unroll) + loopTurns * price.turn + (entries === 0 ? 0 : 2 * price.cell[1] + (entries - 1) * price.entry) * cells + apart;
  return { time, loads, inner };
}

/** How many times as long as one invocation the device takes for all of them. */
export function roundsOf({ points: all }: Sum, { rows, columns }: Pick<Tile, "rows" | "columns">, price: Prices): number {
  const tiles = Math.ceil(all.rows / rows) * Math.ceil(all.columns / columns) * all.batch;
  return Math.max(1, Math.ceil(tiles / price.lanes) / price.groups);
}

/** The time of all invocations; infinity where the text would be too long. */
export function timeOf(counted: Counted, rounds: number, sum: SumTime, tile: Tile, price: Prices): number {
  const { before, after } = counted;
  const { rows, columns, unroll, finish } = tile;
  const { loads, inner } = sum;
  const cells = rows * columns;
  const finishing = finishOf(counted, tile);
  const outside = times(before.accesses, rows, columns) + finishing.accesses;
  const written = finish === "written" ? [rows, columns] as const : [1, 1] as const;
  const writtenAccesses = loads * unroll + times(before.accesses, rows, columns) + times(after.accesses, ...written) + (finish === "written" ? 0 : 2);
  const writtenAfter = times(before.operations, rows, columns) + times(after.operations, ...written) * finishing.copies + (finish === "written" ? 0 : cells);
  if (cells > 1 && (writtenAccesses > price.mostAccesses || inner * unroll + writtenAfter > price.mostOperations)) return Infinity;
  const one = sum.time + outside * price.access + (times(before.operations, rows, columns) + finishing.operations) * price.operation + finishing.turns * price.turn + price.start;
  const build = writtenAccesses * share(price.buildAccess, cells) + inner * unroll * price.buildOperation[0] + writtenAfter * share(price.buildOperation, cells);
  return one * rounds + build / ratios.runs;
}

/** True for accesses along a side's axis whose lines are written in fours; lines that are dealt out have an order of their own in each invocation. */
function isBeside({ beside }: Counted, varies: Varies, along: number, tile: Way): boolean {
  return (["row", "column"] as const).some((side) => {
    const [axis, length] = [beside?.[side], side === "row" ? tile.rows : tile.columns];
    if (axis?.id !== along || (varies !== side && varies !== "both") || (tile.dealt !== undefined && tile.broadcast === side)) return false;
    return length % 4 === 0 && typeof axis.extent === "number" && axis.extent % length === 0;
  });
}

/** What is done after the sum. In loops, what varies with the side inside is done for each cell, positions too, and a cell's sum is read from an array. */
function finishOf(counted: Counted, tile: Tile): { readonly accesses: number; readonly operations: number; readonly turns: number; readonly copies: number } {
  const { rows: rowAxes, columns: columnAxes } = counted.product;
  const { operations } = counted.after;
  const { rows, columns, finish } = tile;
  const four = ratios.wide / 4;
  const accesses = (each: (end: End) => number): number => counted.ends.reduce((n, end) => n + each(end), 0);
  const wide = ({ varies, along }: End): boolean => along !== undefined && isBeside(counted, varies, along, tile);
  if (finish === "written") return { accesses: accesses((end) => copies(end.varies, rows, columns) * (wide(end) ? four : 1)), operations: times(operations, rows, columns), turns: 0, copies: 1 };
  const cells = rows * columns;
  const [line, lines, axes, others] = finish === "rows" ? ["row", rows, rowAxes, columnAxes] as const : ["column", columns, columnAxes, rowAxes] as const;
  const other = line === "row" ? "column" : "row";
  // Four cells at once along the loop inside where that has accesses of four, else along the one around it.
  const fits = fitsFourTimes(times(operations, 1, 1));
  const has = (side: "row" | "column"): boolean => fits && counted.ends.some((end) => wide(end) && end.along === counted.beside?.[side]?.id);
  const inFours = has(other) ? other : has(line) ? line : undefined;
  const fourOf = (end: End): number => (inFours && wide(end) && end.along === counted.beside?.[inFours]?.id ? four : 1);
  const inLoops = (n: Readonly<Record<Varies, number>>): number => n.none + n[line] * lines + (n[other] + n.both) * cells;
  const placing = (of: readonly Axis[]): number => 2 + 2 * ratios.division * Math.max(0, of.length - 1);
  return {
    accesses: accesses((end) => (end.varies === "none" ? 1 : end.varies === line ? lines : cells) * fourOf(end)) + cells * ratios.ofArray,
    operations: inLoops(operations) + lines * placing(axes) + cells * (placing(others) + 2),
    turns: inFours === line ? (lines + cells) / 4 : inFours ? lines + cells / 4 : lines + cells, copies: inFours ? 4 : 1,
  };
}

function share([alone, perCell]: readonly [number, number], cells: number): number {
  return alone + perCell * cells;
}

function copies(varies: Varies, rows: number, columns: number): number {
  return varies === "both" ? rows * columns : varies === "row" ? rows : varies === "column" ? columns : 1;
}

/** Accesses and operations of some statements. */
export function tally(list: readonly Classed[]): Tally {
  const accesses = { none: 0, row: 0, column: 0, both: 0 };
  const operations = { none: 0, row: 0, column: 0, both: 0 };
  for (const { stmt, varies } of list) {
    // Each cell stores its own result.
    const of = stmt.kind === "store" ? "both" : varies;
    if (stmt.kind !== "let") accesses[of]++;
    operations[of] += 2 + (stmt.kind === "load" ? 0 : size(stmt.value));
  }
  return { accesses, operations };
}

/** What is counted for a tile of this size. */
export function times(counts: Readonly<Record<Varies, number>>, rows: number, columns: number): number {
  return counts.none + counts.row * rows + counts.column * columns + counts.both * rows * columns;
}

function size(s: Scalar): number {
  if (s.kind === "op") return s.args.reduce((n, a) => n + size(a), s.op === "div" || s.op === "mod" ? ratios.division : 1);
  return s.kind === "call" ? s.args.reduce((n, a) => n + size(a), sizeOfFunction(s.fn)) : 0;
}

function sizeOfFunction(fn: ScalarFunction): number {
  return [...fn.lets, fn.result].reduce((n, s) => n + size(s), 0);
}
