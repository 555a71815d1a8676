/**
 * Whether a product goes through workgroup memory, and in what blocks. Comes in: a product and a device class. Goes out: the blocks that
 * the device's workgroup memory holds, with their modelled times, to compare with those of tiles (tile-time.ts).
 *
 *     1024 x 1024, sums of 1024:   128 x 128 in tiles of 8 x 8, 8 turns at a time
 *     256 x 256, sums of 256:      32 x 32 in tiles of 4 x 4, since larger blocks leave most of a device idle
 *
 * The model counts for a group of lanes what a slice asks of memory far away, of workgroup memory and of what issues instructions, which work side by
 * side; then how long it waits at barriers and for memory, unless other workgroups of the processor, or what was fetched ahead, fill the time; times the workgroups
 * that each processor of the device has.
 */
import type { Profile } from "../src/ir/kernel.ts";
import { type Prices, prices, ratios } from "../src/schedule/prices.ts";
import { alongOf, strideIsOne, strideOf } from "./block-fill.ts";
import { points } from "./launch.ts";
import type { Product } from "./product.ts";
import { baseWorkgroupBytes } from "./profiles.ts";
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
  /** The next turns are fetched while these are multiplied, into a second buffer. */
  readonly ahead?: boolean;
  /** How what follows the sum is written: once per cell, or once in loops over both sides. */
  readonly finish: "written" | "rows";
}

/** A block and its modelled time. */
export interface BlockChoice {
  readonly block: Block;
  readonly time: number;
}

/** Rows and columns, and the tile of an invocation. */
const shapes: readonly (readonly [rows: number, columns: number, tileRows: number, tileColumns: number])[] = [
  [16, 64, 4, 4], [64, 16, 4, 4], [32, 32, 4, 4], [32, 64, 4, 4], [64, 32, 4, 4], [64, 64, 4, 4],
  [64, 64, 8, 4], [64, 64, 8, 8], [64, 128, 8, 8], [128, 64, 8, 8], [128, 128, 8, 8],
];
/** Turns that lie in workgroup memory together: the most that fit. */
const turnsAtOnce = [16, 8] as const;
/** What keeps parts of a processor from working wholly side by side: a share of what the less busy ones do shows. */
const overlap = 4;
/** Turns written out: of one slice, one after the other, where the next slice is on its way. */
const writtenAhead = 8;

/** What to leave out. */
export interface BlockOptions {
  /** False: a slice is fetched when the one before has been multiplied. */
  readonly ahead?: boolean;
}

/** All blocks that fit, the cheapest first; none where workgroup memory is not to be used. */
export function rankBlocks(product: Product, profile: Profile, { ahead = true }: BlockOptions = {}): readonly BlockChoice[] {
  const own = prices[profile.name];
  const { blocks: price } = own;
  if (!profile.barriers || !price) return [];
  const [inside, before, after] = [tally(product.inside), tally(product.before), tally(product.after)];
  const near = { row: isNear(product, "row"), column: isNear(product, "column") };
  const along = { row: alongOf(product, "row"), column: alongOf(product, "column") };
  const choices = shapes.flatMap(([rows, columns, ...tile]) => (ahead ? [true, false] : [false]).flatMap((early): readonly BlockChoice[] => {
    const turns = turnsAtOnce.find((t) => {
      const bytes = 16 * t * (strideOf({ length: rows, along: along.row }) + strideOf({ length: columns, along: along.column }));
      return (early ? 2 : 1) * bytes <= (profile.workgroupBytes ?? baseWorkgroupBytes) && sharesEvenly(rows, t, along.row, widthOf({ rows, columns, tile })) && sharesEvenly(columns, t, along.column, widthOf({ rows, columns, tile }));
    });
    if (turns === undefined) return [];
    const cells = tile[0] * tile[1];
    const finish = times(after.operations, ...tile) > ratios.longFinish ? "rows" as const : "written" as const;
    const block: Block = { rows, columns, turns, tile, unroll: early ? writtenAhead : cells > 16 ? 2 : 4, finish, ...(early && { ahead: true }) };
    return [{ block, time: timeOf(product, block, { inside, before, after }, near, own, price) }];
  }));
  return choices.sort((a, b) => a.time - b.time);
}

/** Invocations of a workgroup. */
function widthOf({ rows, columns, tile }: Pick<Block, "rows" | "columns" | "tile">): number {
  return (rows / tile[0]) * (columns / tile[1]);
}

/** True where each invocation brings as many groups of four of a side as any other, a number of turns or of groups apart. */
function sharesEvenly(length: number, turns: number, along: "line" | "turns", width: number): boolean {
  const groups = length / 4;
  return (groups * turns) % width === 0 && (along === "turns" ? width % turns === 0 : width % groups === 0);
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
  const { turns, unroll, ahead = false, finish } = block;
  const width = widthOf(block);
  const cells = tileRows * tileColumns;
  const fours = (tileRows + tileColumns) / 4;
  const four = ahead ? price.four : price.fourInLine;
  // What one group of lanes asks of each of a processor's parts for a slice: of memory far away, of workgroup memory, of what issues instructions.
  const side = (which: "row" | "column"): { readonly far: number; readonly loads: number; readonly operations: number; readonly fours: number } => {
    const elements = ((which === "row" ? block.rows : block.columns) * turns) / width;
    const accesses = elements * (inside.accesses[which] + inside.accesses.none);
    return { far: accesses * (near[which] ? price.near : price.apart), loads: accesses, operations: elements * (inside.operations[which] + inside.operations.none), fours: elements / 4 };
  };
  const [row, column] = [side("row"), side("column")];
  const far = row.far + column.far;
  const shared = (turns * fours + row.fours + column.fours) * four;
  const issued = (turns * (cells + fours) + row.loads + column.loads + row.operations + column.operations) * own.cell[0] + (turns / unroll) * own.turn;
  const busiest = Math.max(far, shared, issued);
  // The parts work side by side, but not quite.
  const slice = busiest + (far + shared + issued - busiest) / overlap;

  // A workgroup stays on one processor of the device, which runs a few groups of lanes at a time and holds some more.
  const processors = own.groups / price.together;
  const groups = Math.ceil(width / own.lanes);
  const blocks = Math.ceil(points(product.rows).capacity / block.rows) * Math.ceil(points(product.columns).capacity / block.columns) * points(product.batch).capacity;
  const each = Math.ceil(blocks / processors);
  const held = Math.max(1, Math.min(each, Math.floor(price.sums / (cells + price.besideSums) / groups)));
  // Nobody waits while the others that a part of the processor holds, or what is at hand, take longer.
  const meanwhile = slice * (Math.max(0, (held * groups) / price.together - 1) + (ahead ? 1 : 0));
  const waits = Math.max(0, own.latency - meanwhile) + (ahead ? 1 : 2) * own.barrier;
  const slices = Math.ceil(points(product.fold.axes).capacity / turns) + (ahead ? 1 : 0);
  const around = times(before.accesses, tileRows, tileColumns) * own.access + times(before.operations, tileRows, tileColumns) * own.operation
    + times(after.accesses, tileRows, tileColumns) * own.access + times(after.operations, tileRows, tileColumns) * own.operation;
  const all = Math.max(1, (each * groups) / price.together) * (slices * slice + around + own.start) + Math.ceil(each / held) * slices * waits;

  const copies = finish === "rows" ? [1, 1] as const : block.tile;
  const loads = (row.loads + column.loads) * (ahead ? 2 : 1);
  const text = (loads + times(before.accesses, tileRows, tileColumns) + times(after.accesses, ...copies)) * own.buildAccess[0] + (cells * unroll * 2 + times(after.operations, ...copies)) * own.buildOperation[0];
  return all + text / ratios.runs;
}
