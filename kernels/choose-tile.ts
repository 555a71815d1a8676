/**
 * How many rows and columns of a product one invocation computes, along which axes, and how the loops of the sum are ordered. Comes in:
 * a product and a device class. Goes out: the product so arranged and the tile with the least modelled time whose text stays small
 * enough to build quickly.
 *
 *     64 x 64 results, sums of 64:         software 8 x 8 (64 invocations),   gpu 2 x 2 (1024 invocations)
 *     convolution of 64 images, 3 x 3:     software 8 filters x a row of 14 pixels; the window's row innermost and written out, so that
 *                                          its three places and 14 pixels read 14 elements, not 42
 *
 * The model is tile-time.ts.
 */
import type { Axis, Profile } from "../src/ir/kernel.ts";
import { prices, ratios } from "../src/schedule/prices.ts";
import { Differing } from "./differing.ts";
import { points } from "./launch.ts";
import { arrange, variesWith } from "./product.ts";
import type { Product } from "./product.ts";
import { axesBeside, besideOf, endsOf, piecesOf, roundsOf, sumOf, sumTimeOf, tally, times, timeOf } from "./tile-time.ts";
import type { Counted, Piece, Tally, Tile, Way } from "./tile-time.ts";

/** A tile, and the product as it is tiled. */
export interface Choice {
  readonly product: Product;
  readonly tile: Tile;
}

/** A choice and its modelled time. */
export interface Timed extends Choice {
  readonly time: number;
}

const sides = [1, 2, 4, 8, 16] as const;
/** A side of at most this length may be one tile, or two. */
const shortSide = 16;
/** Loads of one iteration that unrolling may reach. */
const mostLoadsAtOnce = 32;
const mostUnroll = 4;
/** A summed axis this short needs no loop. */
const shortAxis = 4;
/** Turns that are written together where they read the same elements. */
const mostTogether = 8;
/** More than there are rows or columns of a tile, and ways to compute one. */
const mostSide = 64;
const mostWays = 256;
/** Fewer tiles at one place of a side are not worth dealing out to invocations in step. */
const fewestApart = 16;

/** An arrangement, counted. */
interface Arranged extends Counted {
  /** For each side that invocations in step may read together, along what they are neighbours in tiles of a size. */
  readonly together: readonly { readonly side: "row" | "column"; readonly along: (rows: number, columns: number) => Along | undefined }[];
  /** Sides that they may read together line by line. */
  readonly byLine: readonly ("row" | "column")[];
}

/** What to leave out. */
export interface TileOptions {
  /** False: no tile is chosen for elements that its turns and lines read in common. */
  readonly neighbours?: boolean;
  /** False: each axis of a sum is a loop of its own. */
  readonly flat?: boolean;
}

/** The cheapest arrangement and tile by the model; 1 x 1 where nothing larger fits. */
export function chooseTile(product: Product, profile: Profile, options: TileOptions = {}): Timed {
  const plain: Choice = { product, tile: { rows: 1, columns: 1, unroll: unrollFor(product, tally(product.inside), 1, 1), finish: "written" } };
  let [best, least, first] = [plain, Infinity, 0];
  const see = (choice: Choice, time: number, at: number): void => {
    if (time < least || (time === least && at < first && time < Infinity)) [best, least, first] = [choice, time, at];
  };
  timed(product, profile, options, see, () => least);
  return { ...best, time: least };
}

/** The cheapest of each size of tile, the best first: what a tuner tries. */
export function rankTiles(product: Product, profile: Profile, options: TileOptions = {}): readonly Timed[] {
  const ofSize = new Map<string, readonly [Choice, number]>();
  timed(product, profile, options, (choice, time) => {
    const key = `${choice.tile.rows} ${choice.tile.columns}`;
    if (time < (ofSize.get(key)?.[1] ?? Infinity)) ofSize.set(key, [choice, time]);
  });
  return [...ofSize.values()].sort((x, y) => x[1] - y[1]).map(([choice, time]) => ({ ...choice, time }));
}

/**
 * Looks at arrangements and tiles, large tiles first, which are mostly better: sees each with its modelled time, infinite where its text is too
 * long, and its number among all from the smallest on, by which equals are told apart. What must take longer than `enough` is left out: what a
 * sum takes is known before what follows it.
 */
function timed(product: Product, profile: Profile, options: TileOptions, see: (choice: Choice, time: number, at: number) => void, enough: () => number = () => Infinity): void {
  const { neighbours = true } = options;
  const price = prices[profile.name];
  const pieces = piecesOf(product);
  const beside = profile.vector !== undefined && profile.name === "software" ? axesBeside(product) : undefined;
  for (const [number, arrangement] of arrangements(product, neighbours).entries()) {
    const arranged = counted(arrangement, profile, beside);
    const sum = sumOf(arrangement, pieces);
    for (const rows of sidesOf(arrangement.rows, profile.tile[0]).toReversed())
      for (const columns of sidesOf(arrangement.columns, profile.tile[1]).toReversed()) {
        const cells = rows * columns;
        if (cells > price.mostCells) continue;
        const ways: readonly Omit<Way, "rows" | "columns">[] = [
          { unroll: unrollFor(arrangement, arranged.inside, rows, columns) },
          ...arranged.together.flatMap(({ side, along }) => (along(rows, columns) ? inStep(arranged, pieces, side, side === "row" ? rows : columns, profile.subgroup ?? 1) : [])),
          ...(neighbours ? overlapping(arranged, rows, columns, profile) : []),
        ];
        const rounds = roundsOf(sum, { rows, columns }, price);
        const ends = finishes(arranged, rows, columns, profile);
        let at = ((number * mostSide + rows) * mostSide + columns) * mostWays;
        for (const way of ways) {
          const plain: Way = { rows, columns, ...way };
          // What a sum takes does not depend on how it ends.
          const both = (flattens(arrangement, plain, options) ? [plain, { ...plain, flat: true as const }] : [plain]).map((w) => [w, sumTimeOf(arranged, sum, w, price)] as const);
          both.forEach(([each, inSum], k) => {
            if (inSum.time * rounds > enough()) return;
            ends.forEach((finish, e) => {
              const tile: Tile = { ...each, finish };
              see({ product: arrangement, tile }, timeOf(arranged, rounds, inSum, tile, price), at + e * both.length + k);
            });
          });
          at += ends.length * both.length;
        }
      }
  }
}

function counted(product: Product, { subgroup, barriers }: Profile, axes: ReadonlySet<Axis> | undefined): Arranged {
  // Where barriers are cheap, what a workgroup shares lies in its memory.
  const together = subgroup === undefined || barriers ? [] : (["row", "column"] as const).flatMap((side) => {
    const along = togetherOn(product, side, subgroup);
    return along ? [{ side, along }] : [];
  });
  const byLine = subgroup === undefined || barriers ? [] : (["row", "column"] as const).filter((side) => isOfNoBatch(product, side) && points(product.batch).capacity >= fewestApart);
  return { product, before: tally(product.before), inside: tally(product.inside), after: tally(product.after), ends: endsOf(product), differing: new Differing(product), ...(axes && { beside: besideOf(product, axes) }), together, byLine };
}

/** Invocations in step read a side together: each another turn, or other lines, in as many turns, which are one access where they lie side by side. */
function inStep({ product, beside }: Arranged, pieces: readonly Piece[], broadcast: "row" | "column", lines: number, lanes: number): readonly Pick<Tile, "unroll" | "broadcast" | "dealt">[] {
  const turn = product.fold.axes.findLast((a) => a.extent !== 1);
  const isSide = ({ axes }: Piece): boolean => variesWith(axes, product.rows, product.columns) === broadcast;
  const inFours = beside !== undefined && lines % lanes === 0 && turn !== undefined && pieces.some((p) => p.along === turn.id && isSide(p));
  return [{ unroll: lanes, broadcast }, ...(inFours ? [{ unroll: lanes, broadcast, dealt: lanes }] : [])];
}

/** Ways to write turns together whose lines read the same elements: each side's lines as neighbours, the other side's read one by one or together. */
function overlapping({ product, byLine, differing }: Arranged, rows: number, columns: number, { subgroup }: Profile): readonly Pick<Tile, "unroll" | "neighbours" | "broadcast" | "dealt">[] {
  const inner = product.fold.axes.findLast((a) => a.extent !== 1);
  if (!inner || typeof inner.extent !== "number") return [];
  const unroll = togetherOf(inner.extent);
  return (["row", "column"] as const).flatMap((neighbours) => {
    const [axes, length] = neighbours === "row" ? [product.rows, rows] : [product.columns, columns];
    const [other, lines] = neighbours === "row" ? ["column" as const, columns] : ["row" as const, rows];
    // Of several axes the lines have to be all, so that where each lies is a number.
    const isLine = axes.filter((a) => a.extent !== 1).length === 1 || (points(axes).capacity === length && typeof points(axes).live === "number");
    const loads = product.inside.flatMap(({ stmt, varies }) => (stmt.kind === "load" && varies === neighbours ? [stmt.index] : []));
    if (unroll === 1 || !isLine || !loads.some((index) => differing.of(index, { rows, columns, unroll, neighbours }) < 1)) return [];
    const dealt = subgroup !== undefined && lines % subgroup === 0 && byLine.includes(other) ? subgroup : undefined;
    return [{ unroll, neighbours }, ...(dealt === undefined ? [] : [{ unroll, neighbours, broadcast: other, dealt }])];
  });
}

/** True where the loops of a sum can be one: no turns of the innermost are left over. */
function flattens(product: Product, { rows, columns, unroll }: Way, { flat = true }: TileOptions): boolean {
  const loops = product.fold.axes.filter((a) => a.extent !== 1);
  const inner = loops.at(-1);
  return flat && rows * columns > 1 && loops.length > 1 && typeof inner?.extent === "number" && inner.extent % unroll === 0;
}

/** So many turns of a loop are written together: all, or a part that leaves no rest. */
function togetherOf(extent: number): number {
  for (let n = Math.min(extent, mostTogether); n > 1; n--) if (extent % n === 0) return n;
  return 1;
}

/** True where what is read of a side inside the sum is the same for all of the batch. */
function isOfNoBatch({ inside, depends, batch }: Product, side: "row" | "column"): boolean {
  return inside.every(({ stmt, varies }) => varies !== side || stmt.kind === "store" || batch.every((a) => a.extent === 1 || !depends.get(stmt.id)?.has(a.id)));
}

/** All rows as one line or one axis of them, the same of columns, and each summed axis innermost. */
function arrangements(product: Product, neighbours: boolean): readonly Product[] {
  // Two axes that are few points together, such as the places of a window, are one line too.
  const pairs = (axes: readonly Axis[]): readonly (readonly Axis[])[] =>
    neighbours && axes.length > 2 ? axes.slice(1).map((a, i) => [axes[i] as Axis, a]).filter((pair) => points(pair).capacity <= shortSide && pair.every((a) => a.extent !== 1)) : [];
  const lines = (axes: readonly Axis[]): readonly (readonly Axis[])[] => [axes, ...(axes.length > 1 ? axes.map((a) => [a]) : []), ...pairs(axes)];
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
  const otherwise = whole(batch, 1) && isOfNoBatch(product, broadcast) ? "batch" : undefined;
  return broadcast === "row"
    ? (_, columns) => (whole(product.columns, columns) ? "column" : otherwise)
    : (rows) => (whole(product.rows, rows) ? "row" : otherwise);
}

function finishes({ after }: Arranged, rows: number, columns: number, profile: Profile): readonly Tile["finish"][] {
  if (rows * columns === 1) return ["written"];
  if (profile.name !== "software") return [rows * columns * times(after.operations, 1, 1) > ratios.longFinish ? "rows" : "written"];
  return ["written", "rows", "columns"];
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
