/**
 * How many rows and columns of a product one invocation computes, and how many turns of the sum it takes at once. Comes in: a
 * product and a device class. Goes out: the tile with the least modelled time whose text stays small enough to build quickly.
 *
 *     64 x 64 results, sums of 64:   software 8 x 8 (64 invocations),   gpu 2 x 2 (1024 invocations)
 *
 * The model counts, for one invocation, accesses, multiplications and turns, in the profile's prices, times the
 * invocations each lane of the device gets, and adds a share of what building the text costs.
 */
import type { Axis, Profile } from "../src/ir/kernel.ts";
import type { Scalar, ScalarFunction } from "../src/ir/scalar.ts";
import { points } from "./launch.ts";
import type { Classed, Product, Varies } from "./product.ts";

/** What one invocation computes. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** Turns of the innermost fold axis written out in one iteration. */
  readonly unroll: number;
  /** What follows the sum is written once, in a loop over the cells, instead of once per cell. */
  readonly rolled: boolean;
}

/** Nanoseconds (or any unit) per invocation, and how many run at a time. */
interface Prices {
  readonly access: number;
  readonly operation: number;
  readonly turn: number;
  readonly start: number;
  readonly lanes: number;
  /**
   * Building the pipeline, per access statement and per operation of the text: alone, and for each accumulator that stays alive
   * meanwhile (register allocation). Spread over the thousand runs expected of a kernel.
   */
  readonly buildAccess: readonly [alone: number, perCell: number];
  readonly buildOperation: readonly [alone: number, perCell: number];
  /** Access statements and operations of one kernel's text. */
  readonly mostAccesses: number;
  readonly mostOperations: number;
}

const prices: Readonly<Record<Profile["name"], Prices>> = {
  software: { access: 15, operation: 0.4, turn: 3, start: 60, lanes: 8, buildAccess: [900, 25], buildOperation: [80, 15], mostAccesses: 200, mostOperations: 2500 },
  gpu: { access: 4, operation: 0.5, turn: 1, start: 50, lanes: 16_384, buildAccess: [20, 0], buildOperation: [4, 0], mostAccesses: 400, mostOperations: 6000 },
};

const sides = [1, 2, 4, 8] as const;
/** Loads of one iteration that unrolling may reach. */
const mostLoadsAtOnce = 16;
const mostUnroll = 4;
/** Operations after the sum that are too many to write once per cell. */
const longFinish = 500;
/** A summed axis this short needs no loop. */
export const shortAxis = 4;

/** The cheapest tile by the model; 1 x 1 where nothing larger fits. */
export function chooseTile(product: Product, profile: Profile): Tile {
  const price = prices[profile.name];
  let best: Tile = { rows: 1, columns: 1, unroll: unrollFor(product, 1, 1), rolled: false };
  let least = Infinity;
  const rolls = (cells: number): boolean => cells > 1 && (profile.name === "software" || cells * operations(product.after, 1, 1) > longFinish);
  for (const rows of sides)
    for (const columns of sides) {
      if (rows > profile.tile[0] || columns > profile.tile[1]) continue;
      if (wasteful(rows, product.rows) || wasteful(columns, product.columns)) continue;
      const tile = { rows, columns, unroll: unrollFor(product, rows, columns), rolled: rolls(rows * columns) };
      const time = timeOf(product, tile, price);
      if (time < least) {
        least = time;
        best = tile;
      }
    }
  return best;
}

/** A side longer than the next power of two of what there is. */
function wasteful(side: number, axes: readonly Axis[]): boolean {
  return side > 1 && side >= 2 * points(axes).capacity;
}

function unrollFor(product: Product, rows: number, columns: number): number {
  const inner = product.fold.axes.findLast((a) => a.extent !== 1);
  if (!inner) return 1;
  if (inner.extent === inner.capacity && inner.capacity <= shortAxis) return inner.capacity;
  const loads = Math.max(1, accesses(product.inside, rows, columns));
  let unroll = 1;
  while (unroll < mostUnroll && unroll * 2 * loads <= mostLoadsAtOnce && unroll * 4 <= inner.capacity) unroll *= 2;
  return unroll;
}

/** Infinity where the text would be too long. */
function timeOf(product: Product, tile: Tile, price: Prices): number {
  const { rows, columns, unroll, rolled } = tile;
  const cells = rows * columns;
  const loads = accesses(product.inside, rows, columns);
  const outside = accesses(product.before, rows, columns) + accesses(product.after, rows, columns);
  const finishing = operations(product.after, rows, columns) + operations(product.before, rows, columns);
  const inner = operations(product.inside, rows, columns) + 2 * cells;
  const writtenAccesses = loads * unroll + (rolled ? accesses(product.before, rows, columns) + accesses(product.after, 1, 1) : outside);
  const writtenAfter = rolled ? 2 * cells + operations(product.before, rows, columns) + operations(product.after, 1, 1) : finishing;
  if (cells > 1 && (writtenAccesses > price.mostAccesses || inner * unroll + writtenAfter > price.mostOperations)) return Infinity;
  const turns = points(product.fold.axes).capacity;
  const one = turns * (loads * price.access + inner * price.operation + price.turn / unroll) + outside * price.access + finishing * price.operation + price.start;
  const tiles = Math.ceil(points(product.rows).capacity / rows) * Math.ceil(points(product.columns).capacity / columns) * points(product.batch).capacity;
  const build =
    writtenAccesses * share(price.buildAccess, cells) + inner * unroll * price.buildOperation[0] + writtenAfter * share(price.buildOperation, rolled ? 1 : cells);
  return one * Math.max(1, tiles / price.lanes) + build;
}

function share([alone, perCell]: readonly [number, number], cells: number): number {
  return alone + perCell * cells;
}

function copies(varies: Varies, rows: number, columns: number): number {
  return varies === "both" ? rows * columns : varies === "row" ? rows : varies === "column" ? columns : 1;
}

function accesses(list: readonly Classed[], rows: number, columns: number): number {
  return list.reduce((n, { stmt, varies }) => n + (stmt.kind === "store" ? rows * columns : stmt.kind === "load" ? copies(varies, rows, columns) : 0), 0);
}

function operations(list: readonly Classed[], rows: number, columns: number): number {
  return list.reduce((n, { stmt, varies }) => {
    const parts = stmt.kind === "let" ? [stmt.value] : stmt.kind === "store" ? [stmt.index, stmt.value] : [stmt.index];
    return n + copies(varies, rows, columns) * parts.reduce((sum, s) => sum + size(s), 0);
  }, 0);
}

function size(s: Scalar): number {
  if (s.kind === "op") return s.args.reduce((n, a) => n + size(a), 1);
  return s.kind === "call" ? s.args.reduce((n, a) => n + size(a), sizeOfFunction(s.fn)) : 0;
}

function sizeOfFunction(fn: ScalarFunction): number {
  return [...fn.lets, fn.result].reduce((n, s) => n + size(s), 0);
}
