/**
 * Whether a product goes through workgroup memory, and in what blocks. Comes in: a product and a device class. Goes out: the blocks that
 * the device's workgroup memory holds, with their modelled times, to compare with those of tiles (tile-time.ts).
 *
 *     1024 x 1024, sums of 1024:   128 x 128 in tiles of 8 x 8, 8 turns at a time
 *     256 x 256, sums of 256:      32 x 32 in tiles of 4 x 4, since larger blocks leave most of a device idle
 *
 * The model counts for one invocation its share of the loads from far, the reads of workgroup memory in fours, multiplications and
 * barriers, times the rounds that the device needs for all invocations.
 */
import type { Profile } from "../src/ir/kernel.ts";
import { type Prices, prices, ratios } from "../src/schedule/prices.ts";
import { alongOf, strideIsOne, strideOf } from "./block-fill.ts";
import { points } from "./launch.ts";
import type { Product } from "./product.ts";
import { tally, times } from "./tile-time.ts";
import type { Tally } from "./tile-time.ts";

/** What a workgroup computes at a time. */
export interface Block {
  readonly rows: number;
  readonly columns: number;
  /** Turns of the sum that lie in workgroup memory together. */
  readonly turns: number;
  /** Rows and columns of one invocation: multiples of four. */
  readonly tile: readonly [rows: number, columns: number];
  /** Turns written out in one iteration. */
  readonly unroll: number;
  /** How what follows the sum is written: once per cell, or once in loops over both sides. */
  readonly finish: "written" | "rows";
}

/** A block and its modelled time. */
export interface BlockChoice {
  readonly block: Block;
  readonly time: number;
}

/** Rows, columns, turns, and the tile of an invocation. Lanes divide the groups of four that they load. */
const shapes: readonly (readonly [rows: number, columns: number, turns: number, tileRows: number, tileColumns: number])[] = [
  [16, 64, 16, 4, 4], [64, 16, 16, 4, 4], [32, 32, 16, 4, 4], [32, 64, 16, 4, 4], [64, 32, 16, 4, 4], [64, 64, 16, 4, 4],
  [64, 64, 16, 8, 4], [64, 64, 16, 8, 8], [64, 128, 16, 8, 8], [128, 64, 16, 8, 8], [128, 128, 8, 8, 8],
];
/** What every device has. */
const mostWorkgroupBytes = 16_384;

/** All blocks that fit, the cheapest first; none where workgroup memory is not to be used. */
export function rankBlocks(product: Product, profile: Profile): readonly BlockChoice[] {
  const own = prices[profile.name];
  const { blocks: price } = own;
  if (!profile.barriers || !price) return [];
  const [inside, before, after] = [tally(product.inside), tally(product.before), tally(product.after)];
  const near = { row: isNear(product, "row"), column: isNear(product, "column") };
  return shapes.flatMap(([rows, columns, turns, tileRows, tileColumns]) => {
    const bytes = 16 * turns * (strideOf({ length: rows, along: alongOf(product, "row") }) + strideOf({ length: columns, along: alongOf(product, "column") }));
    if (bytes > mostWorkgroupBytes) return [];
    const finish = times(after.operations, tileRows, tileColumns) > ratios.longFinish ? "rows" as const : "written" as const;
    const block: Block = { rows, columns, turns, tile: [tileRows, tileColumns], unroll: tileRows * tileColumns > 16 ? 2 : 4, finish };
    return [{ block, time: timeOf(product, block, { inside, before, after }, near, own, price) }];
  }).sort((a, b) => a.time - b.time);
}

/** True where lanes read neighbours. */
function isNear(product: Product, side: "row" | "column"): boolean {
  const axes = alongOf(product, side) === "turns" ? product.fold.axes : side === "row" ? product.rows : product.columns;
  return strideIsOne(product, side, axes.findLast((a) => a.extent !== 1));
}

function timeOf(
  product: Product, block: Block, { inside, before, after }: Readonly<Record<"inside" | "before" | "after", Tally>>,
  near: Readonly<Record<"row" | "column", boolean>>, own: Prices, price: Exclude<Prices["blocks"], undefined>,
): number {
  const [tileRows, tileColumns] = block.tile;
  const width = (block.rows / tileRows) * (block.columns / tileColumns);
  const cells = tileRows * tileColumns;
  const load = (side: "row" | "column"): number => {
    const elements = ((side === "row" ? block.rows : block.columns) * block.turns) / width;
    const accesses = inside.accesses[side] + inside.accesses.none;
    return elements * (accesses * (near[side] ? price.near : price.apart) + (inside.operations[side] + inside.operations.none) * own.operation) + (elements / 4) * price.four;
  };
  const multiplying = block.turns * (((tileRows + tileColumns) / 4) * price.four + cells * own.cell[0]) + (block.turns / block.unroll) * own.turn;
  const copies = block.finish === "rows" ? [1, 1] as const : block.tile;
  const written = { accesses: times(after.accesses, ...copies), operations: times(after.operations, ...copies) };
  const turns = Math.ceil(points(product.fold.axes).capacity / block.turns);
  const around = times(before.accesses, tileRows, tileColumns) * own.access + times(before.operations, tileRows, tileColumns) * own.operation
    + times(after.accesses, tileRows, tileColumns) * own.access + times(after.operations, tileRows, tileColumns) * own.operation;
  const one = turns * (load("row") + load("column") + multiplying + 2 * own.barrier) + around + own.start;
  const blocks = Math.ceil(points(product.rows).capacity / block.rows) * Math.ceil(points(product.columns).capacity / block.columns) * points(product.batch).capacity;
  const groups = Math.ceil(width / own.lanes);
  const loads = ((block.rows * inside.accesses.row + block.columns * inside.accesses.column) * block.turns) / width;
  const text = (loads + times(before.accesses, tileRows, tileColumns) + written.accesses) * own.buildAccess[0] + (cells * block.unroll * 2 + written.operations) * own.buildOperation[0];
  // A workgroup stays on one processor of the device, which runs a few groups of lanes at a time.
  return one * Math.max(1, groups / price.together, (blocks * groups) / own.groups) + text / ratios.runs;
}
