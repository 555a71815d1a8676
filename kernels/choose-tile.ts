/**
 * How many rows and columns of a product one invocation computes, along which axes, and how the loops of the sum are ordered. Comes in:
 * a product and a device class. Goes out: the product so arranged and the tile with the least modelled time whose text stays small
 * enough to build quickly.
 *
 *     64 x 64 results, sums of 64:         software 8 x 8 (64 invocations),   gpu 2 x 2 (1024 invocations)
 *     convolution of 64 images, 3 x 3:     software 8 filters x 8 images at one pixel; channels innermost
 *
 * The model counts, for one invocation, accesses, multiplications, other operations by the loop that they stand in and turns, in the
 * profile's prices, times the rounds that the device needs for all invocations, and adds a share of what building the text costs.
 */
import type { Axis, Profile } from "../src/ir/kernel.ts";
import type { Scalar, ScalarFunction } from "../src/ir/scalar.ts";
import { conjuncts, termsOf } from "./index-terms.ts";
import { points } from "./launch.ts";
import { arrange, dependsOf, variesWith } from "./product.ts";
import type { Classed, Product, Varies } from "./product.ts";

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
  /** How what follows the sum is written: once per cell, once per column in a loop over the rows, or once in loops over both. */
  readonly finish: "written" | "rows" | "cells";
}

/** A tile, and the product as it is tiled. */
export interface Choice {
  readonly product: Product;
  readonly tile: Tile;
}

/** Nanoseconds (or any unit) per invocation, and how many run at a time. */
interface Prices {
  readonly access: number;
  readonly operation: number;
  /** A multiplication and an addition to an accumulator: alone, and for each accumulator that is fetched and put back in a turn (they do not all fit registers). */
  readonly cell: readonly [alone: number, perCell: number];
  readonly turn: number;
  readonly start: number;
  /** Invocations that run in step, and how many such groups run at a time. */
  readonly lanes: number;
  readonly groups: number;
  /**
   * Building the pipeline, per access statement and per operation of the text: alone, and for each accumulator that stays alive
   * meanwhile (register allocation). Spread over the thousand runs expected of a kernel.
   */
  readonly buildAccess: readonly [alone: number, perCell: number];
  readonly buildOperation: readonly [alone: number, perCell: number];
  /** Access statements and operations of one kernel's text, and accumulators. */
  readonly mostAccesses: number;
  readonly mostOperations: number;
  readonly mostCells: number;
}

const prices: Readonly<Record<Profile["name"], Prices>> = {
  software: {
    access: 15, operation: 0.5, cell: [0.5, 0.017], turn: 3, start: 60, lanes: 4, groups: 2,
    buildAccess: [500, 5], buildOperation: [60, 1], mostAccesses: 200, mostOperations: 2500, mostCells: 64,
  },
  gpu: {
    access: 4, operation: 0.5, cell: [0.5, 0], turn: 1, start: 50, lanes: 32, groups: 512,
    buildAccess: [20, 0], buildOperation: [4, 0], mostAccesses: 400, mostOperations: 6000, mostCells: 64,
  },
};

const sides = [1, 2, 4, 8, 16] as const;
/** A side of at most this length may be one tile, or two. */
const shortSide = 16;
/** Loads of one iteration that unrolling may reach. */
const mostLoadsAtOnce = 32;
const mostUnroll = 4;
/** Operations after the sum that are too many to write once per cell. */
const longFinish = 500;
/** A summed axis this short needs no loop. */
export const shortAxis = 4;
/** A division counts as this many other operations. */
const division = 20;

/** Work inside the sum: what it depends on says how often and in how many copies it is done. */
interface Piece {
  readonly axes: ReadonlySet<number>;
  readonly accesses: number;
  readonly operations: number;
}

/** Accesses and operations of some statements, by what they vary with. */
interface Tally {
  readonly accesses: Readonly<Record<Varies, number>>;
  readonly operations: Readonly<Record<Varies, number>>;
}

/** An arrangement, with the work outside the innermost sum counted once. */
interface Arranged {
  readonly product: Product;
  readonly before: Tally;
  readonly inside: Tally;
  readonly after: Tally;
  /** For each side that invocations in step may read together, along what they are neighbours in tiles of a size. */
  readonly together: readonly { readonly side: "row" | "column"; readonly along: (rows: number, columns: number) => Along | undefined }[];
}

/** The cheapest arrangement and tile by the model; 1 x 1 where nothing larger fits. */
export function chooseTile(product: Product, profile: Profile): Choice {
  const plain: Choice = { product, tile: { rows: 1, columns: 1, unroll: unrollFor(product, tally(product.inside), 1, 1), finish: "written" } };
  let [best, least] = [plain, Infinity];
  for (const [choice, time] of timed(product, profile)) if (time < least) [best, least] = [choice, time];
  return best;
}

/** The cheapest of each size of tile, the best first: what a tuner tries. */
export function rankTiles(product: Product, profile: Profile): readonly Choice[] {
  const ofSize = new Map<string, readonly [Choice, number]>();
  for (const [choice, time] of timed(product, profile)) {
    const key = `${choice.tile.rows} ${choice.tile.columns}`;
    if (time < (ofSize.get(key)?.[1] ?? Infinity)) ofSize.set(key, [choice, time]);
  }
  return [...ofSize.values()].sort((x, y) => x[1] - y[1]).map(([choice]) => choice);
}

/** Every arrangement and tile whose text is not too long, with its modelled time. */
function* timed(product: Product, profile: Profile): Generator<readonly [Choice, number]> {
  const price = prices[profile.name];
  const pieces = piecesOf(product);
  for (const arrangement of arrangements(product)) {
    const arranged = counted(arrangement, profile);
    for (const rows of sidesOf(arrangement.rows, profile.tile[0]))
      for (const columns of sidesOf(arrangement.columns, profile.tile[1])) {
        const cells = rows * columns;
        if (cells > price.mostCells) continue;
        const ways: readonly Pick<Tile, "unroll" | "broadcast">[] = [
          { unroll: unrollFor(arrangement, arranged.inside, rows, columns) },
          ...arranged.together.flatMap(({ side, along }) => (along(rows, columns) ? [{ unroll: profile.subgroup ?? 1, broadcast: side }] : [])),
        ];
        for (const [way, finish] of ways.flatMap((w) => finishes(arranged, rows, columns, profile).map((f) => [w, f] as const))) {
          const tile = { rows, columns, ...way, finish };
          const time = timeOf(arranged, pieces, tile, price);
          if (time < Infinity) yield [{ product: arrangement, tile }, time];
        }
      }
  }
}

function counted(product: Product, { subgroup }: Profile): Arranged {
  const together = subgroup === undefined ? [] : (["row", "column"] as const).flatMap((side) => {
    const along = togetherOn(product, side, subgroup);
    return along ? [{ side, along }] : [];
  });
  return { product, before: tally(product.before), inside: tally(product.inside), after: tally(product.after), together };
}

/** All rows as one line or one axis of them, the same of columns, and each summed axis innermost. */
function arrangements(product: Product): readonly Product[] {
  const lines = (axes: readonly Axis[]): readonly (readonly Axis[])[] => [axes, ...(axes.length > 1 ? axes.map((a) => [a]) : [])];
  const summed = product.fold.axes.filter((a) => a.extent !== 1);
  // The last one first: of equals it stays.
  const innermost = summed.length > 1 ? summed.toReversed() : [undefined];
  return lines(product.rows).flatMap((rows) => lines(product.columns).flatMap((columns) => innermost.map((axis) => arrange(product, rows, columns, axis))));
}

function sidesOf(axes: readonly Axis[], most: number): readonly number[] {
  const { capacity } = points(axes);
  const fitting = capacity <= shortSide ? [capacity, Math.ceil(capacity / 2)] : [];
  return [...new Set([...sides.filter((side) => side === 1 || side < capacity), ...fitting])].filter((side) => side <= most).sort((a, b) => a - b);
}

type Along = "row" | "column" | "batch";

/** Along what invocations that run in step are neighbours, so that all of them need the same values of the side that they read together; undefined where they would not. */
export function lanesAlong(product: Product, { rows, columns, broadcast }: Pick<Tile, "rows" | "columns" | "broadcast">, lanes: number): Along | undefined {
  return broadcast && togetherOn(product, broadcast, lanes)?.(rows, columns);
}

/** The same for tiles of all sizes; undefined where it cannot be for any. */
function togetherOn(product: Product, broadcast: "row" | "column", lanes: number): ((rows: number, columns: number) => Along | undefined) | undefined {
  const { depends, inside, fold, batch } = product;
  const innermost = fold.axes.findLast((a) => a.extent !== 1);
  if (!innermost || innermost.capacity < lanes) return undefined;
  const turning = inside.filter(({ stmt }) => stmt.kind !== "store" && depends.get(stmt.id)?.has(innermost.id));
  if (turning.some((c) => c.varies === "none") || !turning.some((c) => c.varies === broadcast)) return undefined;
  const whole = (axes: readonly Axis[], side: number): boolean => {
    const { live } = points(axes);
    return typeof live === "number" && Math.ceil(live / side) % lanes === 0;
  };
  const own = inside.filter((c) => c.varies === broadcast).map(({ stmt }) => (stmt.kind === "store" ? undefined : depends.get(stmt.id)));
  const otherwise = whole(batch, 1) && batch.every((a) => a.extent === 1 || own.every((axes) => !axes?.has(a.id))) ? "batch" : undefined;
  return broadcast === "row"
    ? (_, columns) => (whole(product.columns, columns) ? "column" : otherwise)
    : (rows) => (whole(product.rows, rows) ? "row" : otherwise);
}

function finishes({ after }: Arranged, rows: number, columns: number, profile: Profile): readonly Tile["finish"][] {
  if (rows * columns === 1) return ["written"];
  if (profile.name !== "software") return [rows * columns * times(after.operations, 1, 1) > longFinish ? "cells" : "written"];
  return rows === 1 ? ["written", "cells"] : ["written", "rows", "cells"];
}

function unrollFor(product: Product, inside: Tally, rows: number, columns: number): number {
  const inner = product.fold.axes.findLast((a) => a.extent !== 1);
  if (!inner) return 1;
  if (inner.extent === inner.capacity && inner.capacity <= shortAxis) return inner.capacity;
  const loads = Math.max(1, times(inside.accesses, rows, columns));
  let unroll = 1;
  while (unroll < mostUnroll && unroll * 2 * loads <= mostLoadsAtOnce && unroll * 4 <= inner.capacity) unroll *= 2;
  return unroll;
}

function piecesOf({ inside, depends }: Product): readonly Piece[] {
  const piece = (s: Scalar, extra: number): Piece => ({ axes: dependsOf(s, depends), accesses: 0, operations: size(s) + extra });
  return inside.flatMap(({ stmt }): readonly Piece[] => {
    if (stmt.kind === "store") return [];
    const axes = depends.get(stmt.id) ?? new Set<number>();
    if (stmt.kind === "let") return [{ axes, accesses: 0, operations: size(stmt.value) }];
    const guards = (stmt.guard ? conjuncts(stmt.guard) : []).map((g) => piece(g, 1));
    const parts = termsOf(stmt.index).terms.filter((t) => size(t.value) > 0).map((t) => piece(t.value, 0));
    return [{ axes, accesses: 1, operations: stmt.guard ? 4 : 2 }, ...guards, ...parts];
  });
}

/** Infinity where the text would be too long. */
function timeOf({ product, before, after }: Arranged, pieces: readonly Piece[], tile: Tile, price: Prices): number {
  const { rows, columns, unroll, finish, broadcast } = tile;
  const cells = rows * columns;
  const loops = product.fold.axes.filter((a) => a.extent !== 1);
  const turnsAt = [1];
  for (const a of loops) turnsAt.push((turnsAt.at(-1) ?? 1) * a.capacity);
  const turns = turnsAt.at(-1) ?? 1;
  let inSum = 0;
  let loads = 0;
  let inner = 2 * cells + (broadcast === "row" ? rows : broadcast === "column" ? columns : 0);
  for (const { axes, accesses: reads, operations: work } of pieces) {
    const level = loops.findLastIndex((a) => axes.has(a.id)) + 1;
    const varies = variesWith(axes, product.rows, product.columns);
    const done = copies(varies, rows, columns) / (level === loops.length && varies === broadcast ? unroll : 1);
    inSum += done * (turnsAt[level] ?? 1) * (reads * price.access + work * price.operation);
    if (level === loops.length) {
      loads += reads * done;
      inner += work * done;
    }
  }
  const outside = times(before.accesses, rows, columns) + times(after.accesses, rows, columns);
  const finishing = times(after.operations, rows, columns) + times(before.operations, rows, columns) + picking(tile);
  const copiesOfAfter = finish === "written" ? [rows, columns] as const : finish === "rows" ? [1, columns] as const : [1, 1] as const;
  const writtenAccesses = loads * unroll + times(before.accesses, rows, columns) + times(after.accesses, ...copiesOfAfter);
  const writtenAfter = times(before.operations, rows, columns) + times(after.operations, ...copiesOfAfter) + (finish === "written" ? 0 : 2 * cells);
  if (cells > 1 && (writtenAccesses > price.mostAccesses || inner * unroll + writtenAfter > price.mostOperations)) return Infinity;
  const loopTurns = turnsAt.slice(1).reduce((sum, n, k) => sum + (k === loops.length - 1 ? n / unroll : n), 0);
  const taken = turns * (broadcast === "row" ? rows : broadcast === "column" ? columns : 0) * price.operation * 2;
  const one = inSum + taken + turns * cells * share(price.cell, cells / unroll) + loopTurns * price.turn + outside * price.access + finishing * price.operation + price.start;
  const tiles = Math.ceil(points(product.rows).capacity / rows) * Math.ceil(points(product.columns).capacity / columns) * points(product.batch).capacity;
  const build = writtenAccesses * share(price.buildAccess, cells) + inner * unroll * price.buildOperation[0] + writtenAfter * share(price.buildOperation, cells);
  return one * Math.max(1, Math.ceil(tiles / price.lanes) / price.groups) + build;
}

/** Operations that pick the accumulators in loops. */
function picking({ rows, columns, finish }: Tile): number {
  if (finish === "written") return 0;
  const byRow = rows * (rows - 1) * (columns + 1) * 2.5;
  return finish === "rows" ? byRow : byRow + rows * columns * (columns - 1) * 5;
}

function share([alone, perCell]: readonly [number, number], cells: number): number {
  return alone + perCell * cells;
}

function copies(varies: Varies, rows: number, columns: number): number {
  return varies === "both" ? rows * columns : varies === "row" ? rows : varies === "column" ? columns : 1;
}

function tally(list: readonly Classed[]): Tally {
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
function times(counts: Readonly<Record<Varies, number>>, rows: number, columns: number): number {
  return counts.none + counts.row * rows + counts.column * columns + counts.both * rows * columns;
}

function size(s: Scalar): number {
  if (s.kind === "op") return s.args.reduce((n, a) => n + size(a), s.op === "div" || s.op === "mod" ? division : 1);
  return s.kind === "call" ? s.args.reduce((n, a) => n + size(a), sizeOfFunction(s.fn)) : 0;
}

function sizeOfFunction(fn: ScalarFunction): number {
  return [...fn.lets, fn.result].reduce((n, s) => n + size(s), 0);
}
