/**
 * How many rows and columns of a product one invocation computes, along which axes, and how the loops of the sum are ordered. Comes in:
 * a product and a device class. Goes out: the product so arranged and the tile with the least modelled time whose text stays small
 * enough to build quickly.
 *
 *     64 x 64 results, sums of 64:         software 8 x 8 (64 invocations),   gpu 2 x 2 (1024 invocations)
 *     convolution of 64 images, 3 x 3:     software 8 filters x 8 images at one pixel; channels innermost
 *
 * The model is tile-time.ts.
 */
import type { Axis, Profile } from "../src/ir/kernel.ts";
import { prices, ratios } from "../src/schedule/prices.ts";
import { points } from "./launch.ts";
import { arrange } from "./product.ts";
import type { Product } from "./product.ts";
import { piecesOf, tally, times, timeOf } from "./tile-time.ts";
import type { Counted, Tally, Tile } from "./tile-time.ts";

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
export const shortAxis = 4;

/** An arrangement, counted. */
interface Arranged extends Counted {
  /** For each side that invocations in step may read together, along what they are neighbours in tiles of a size. */
  readonly together: readonly { readonly side: "row" | "column"; readonly along: (rows: number, columns: number) => Along | undefined }[];
}

/** The cheapest arrangement and tile by the model; 1 x 1 where nothing larger fits. */
export function chooseTile(product: Product, profile: Profile): Timed {
  const plain: Choice = { product, tile: { rows: 1, columns: 1, unroll: unrollFor(product, tally(product.inside), 1, 1), finish: "written" } };
  let [best, least] = [plain, Infinity];
  for (const [choice, time] of timed(product, profile)) if (time < least) [best, least] = [choice, time];
  return { ...best, time: least };
}

/** The cheapest of each size of tile, the best first: what a tuner tries. */
export function rankTiles(product: Product, profile: Profile): readonly Timed[] {
  const ofSize = new Map<string, readonly [Choice, number]>();
  for (const [choice, time] of timed(product, profile)) {
    const key = `${choice.tile.rows} ${choice.tile.columns}`;
    if (time < (ofSize.get(key)?.[1] ?? Infinity)) ofSize.set(key, [choice, time]);
  }
  return [...ofSize.values()].sort((x, y) => x[1] - y[1]).map(([choice, time]) => ({ ...choice, time }));
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

function counted(product: Product, { subgroup, barriers }: Profile): Arranged {
  // Where barriers are cheap, what a workgroup shares lies in its memory.
  const together = subgroup === undefined || barriers ? [] : (["row", "column"] as const).flatMap((side) => {
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
