/**
 * Family `contract`: a matrix product with registers as its only cache. One invocation computes a tile of rows x columns results:
 * in each turn of the sum it loads a value per row and a value per column and adds all their products to as many accumulators,
 * each a variable of its own. Undefined for nests that are no product (see product.ts); they run as plain reductions.
 *
 *     2 x 2:   for k { a0 = x[r0+k]; a1 = x[r1+k]; b0 = w[k*N+c0]; b1 = w[k*N+c1];
 *                      s00 += a0*b0; s01 += a0*b1; s10 += a1*b0; s11 += a1*b1 }
 *
 * Any access is fine, transposed, strided or guarded: a load belongs to the row or the column by what its index depends on, and each
 * part of an index or a condition is computed in the outermost loop that knows it. A tile runs along one axis of each side where
 * that pays (eight images of a convolution at one pixel share one border), or along all of them as one. What lies beyond the live rows and
 * columns is computed and not stored: such reads stay in their binding, as all reads do. Each result is summed in a fixed order.
 *
 * Where invocations run in step and can read each other's values, they read one side together: with four of them, each loads every
 * row's value of another turn (or of every fourth row), and four turns take a quarter of those loads. They then work on the same rows.
 *
 * Neighbours along a row of pixels read the same pixels in neighbouring turns of a window. Where that pays, such turns are written out
 * together, and each element that several of them read is read once.
 */
import * as dims from "../src/ir/dims.ts";
import type { Axis, Buffer, KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { blocked } from "./blocked.ts";
import { rankBlocks } from "./choose-block.ts";
import { below, ceilOver, int, least, minus, over as quotient, plus, rest, times } from "./arithmetic.ts";
import { chooseTile, lanesAlong, rankTiles, type TileOptions } from "./choose-tile.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { type Needed, neededTurns, type Triangles } from "./known-zeros.ts";
import { coordinatesOf, lane, linear } from "./launch.ts";
import { workgroupFor } from "./owner.ts";
import { readProduct, type Product, statementsOf } from "./product.ts";
import { liesBeside } from "./quads.ts";
import { finishInLoops, lineOf, numbersOf, type Line, placeAll, placeLent, type Side, sideOf, swapped } from "./tile-lines.ts";
import type { Tile } from "./tile-time.ts";
import { TileWriter } from "./tile-writer.ts";

const smallestWorkgroup = { software: 4, gpu: 32 } as const;

/** What to leave out. */
export interface ContractOptions extends TileOptions {
  /** False: nothing goes through workgroup memory. */
  readonly blocks?: boolean;
  /** False: no slice of a block is fetched ahead. */
  readonly ahead?: boolean;
  /** Buffers of which a part is known to be 0. */
  readonly triangles?: ReadonlyMap<Buffer, Triangles>;
}

/** What is said of a nest beside itself. */
export interface NestOptions {
  /** Names of optimisations to leave out. */
  readonly off?: ReadonlySet<string>;
  /** Buffers of which a part is known to be 0; none where that is left out. */
  readonly triangles?: ReadonlyMap<Buffer, Triangles>;
}

/** The same for a product. */
export function contractOptions({ off = new Set(), triangles }: NestOptions): ContractOptions {
  return { blocks: !off.has("blocks"), ahead: !off.has("ahead"), neighbours: !off.has("neighbours"), flat: !off.has("flat"), ...(triangles && { triangles }) };
}

/** The kernel of a product, tiled in registers alone or in blocks of workgroup memory too, whichever the model finds faster; undefined where the nest is no product. */
export function contract(nest: Nest, profile: Profile, { blocks = true, ahead = true, triangles = new Map(), ...options }: ContractOptions = {}): BoundKernel | undefined {
  const product = readProduct(nest);
  if (!product) return undefined;
  const best = chooseTile(product, profile, options);
  const [choice] = blocks ? rankBlocks(product, profile, { ahead }) : [];
  return choice && choice.time < best.time ? blocked(nest, product, choice.block, profile) : tiled(nest, best.product, best.tile, profile, { triangles });
}

/** Kernels with other tiles and blocks, the best by the model first, at most so many; none where the nest is no matrix product. */
export function contractBy(nest: Nest, profile: Profile, most: number, { blocks = true, ahead = true, triangles = new Map(), ...options }: ContractOptions = {}): readonly BoundKernel[] {
  const product = readProduct(nest);
  if (!product) return [];
  const ways = [
    ...rankTiles(product, profile, options).map(({ time, ...choice }) => ({ time, make: () => tiled(nest, choice.product, choice.tile, profile, { triangles }) })),
    ...(blocks ? rankBlocks(product, profile, { ahead }) : []).map(({ time, block }) => ({ time, make: () => blocked(nest, product, block, profile) })),
  ];
  return ways.sort((a, b) => a.time - b.time).slice(0, most).map(({ make }) => make());
}

/** The kernel for a given tile; the workgroup's width is chosen when absent. */
export function tiled(
  nest: Nest, product: Product, tile: Tile, profile: Profile, { width: given, triangles = new Map() }: { readonly width?: number; readonly triangles?: ReadonlyMap<Buffer, Triangles> } = {},
): BoundKernel {
  const b = new KernelBuilder(nest.params, { vector: profile.vector !== undefined && profile.name === "software" });
  const body: KernelStmt[] = [];
  const lanes = profile.subgroup ?? 1;
  const byLine = tile.dealt !== undefined && tile.dealt === profile.subgroup && (tile.broadcast === "row" ? tile.rows : tile.columns) % tile.dealt === 0;
  // What neighbours of pixels share, they share along the batch: those beyond its end take part, and store nothing.
  const overBatch = byLine && tile.neighbours !== undefined;
  const [rows, columns, batch] = [sideOf(b, product.rows, tile.rows), sideOf(b, product.columns, tile.columns), padded(sideOf(b, product.batch, 1), overBatch ? lanes : 1)];
  const tiles = rows.tiles * columns.tiles * batch.tiles;
  // Those that share a side are of one workgroup.
  const width = Math.max(given ?? workgroupFor(tiles, profile.rows, smallestWorkgroup[profile.name]), tile.broadcast ? lanes : 1);
  const size = dims.product([batch.size, rows.size, columns.size]);
  const per = width * batch.per * rows.per * columns.per;
  const launch = linear(size, rows.capacity * columns.capacity * batch.capacity, per, profile);
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const live = { row: b.let(body, rows.live), column: b.let(body, columns.live), batch: b.let(body, batch.live) };
  const inner: KernelStmt[] = [];
  // Neighbouring invocations work on neighbours along the last axis, whichever side it belongs to.
  const last = product.parallel.findLast((a) => a.extent !== 1);
  const usual = last && product.batch.includes(last) ? (["batch", "column", "row"] as const) : (["column", "row", "batch"] as const);
  const together = overBatch ? "batch" : profile.subgroup === undefined || (tile.dealt !== undefined && !byLine) ? undefined : lanesAlong(product, tile, profile.subgroup);
  const order = together ? [together, ...usual.filter((side) => side !== together)] : usual;
  const number = numbersOf(b, inner, item, order.map((side) => live[side]));
  const of = (side: "row" | "column" | "batch"): Scalar => number[order.indexOf(side)] ?? item;
  const past = overBatch && batch.padded ? b.let(inner, least(of("batch"), minus(batch.padded, int(1)))) : undefined;
  const at = { row: of("row"), column: of("column"), batch: past ?? of("batch") };
  const shared = together && tile.broadcast && { side: tile.broadcast, lane: b.let(inner, rest(lane, int(lanes))), lanes, by: byLine ? "line" as const : "turn" as const };
  const writer = new TileWriter(b, product, tile, shared);
  writer.know(coordinatesOf(b, inner, product.batch, at.batch));
  const needed = neededTurns(product, triangles);
  const rowLine = lineOf(b, inner, product.rows, tile.rows, at.row, rows.tiles, b.vector && liesBeside(statementsOf(product), product.rows, tile.rows), tile.neighbours === "row" || needed?.line === "row");
  const columnLine = lineOf(b, inner, product.columns, tile.columns, at.column, columns.tiles, b.vector && liesBeside(statementsOf(product), product.columns, tile.columns), tile.neighbours === "column" || needed?.line === "column");
  const dealt = (line: Line, side: "row" | "column"): Line => (byLine && shared && shared.side === side ? swapped(b, inner, line, shared.lane) : line);
  const [rowAt, columnAt] = [dealt(rowLine, "row"), dealt(columnLine, "column")];
  const rowInside = placeAll(b, inner, rowAt, (i, known) => writer.knowRow(i, known));
  const columnInside = placeAll(b, inner, columnAt, (j, known) => writer.knowColumn(j, known));
  if (byLine && shared) placeLent(b, inner, shared.side === "row" ? rowLine : columnLine, shared.lane, lanes, (q, known) => writer.knowLent(q, known));
  writer.open(inner);
  const part = needed && turnsOf(b, inner, needed, tile, at[needed.line], together === needed.line ? lanes : 1);
  sum(b, shared ? tile : { ...tile, unroll: tile.broadcast && !tile.neighbours ? 1 : tile.unroll }, writer, inner, part);
  const ending: KernelStmt[] = past ? [] : inner;
  if (tile.finish === "rows") finishInLoops(b, writer, ending, "row", rowAt, columnAt);
  else if (tile.finish === "columns") finishInLoops(b, writer, ending, "column", columnAt, rowAt);
  else writer.finish(ending, rowInside, columnInside);
  if (past && batch.padded) inner.push({ kind: "if", condition: below(of("batch"), batch.padded), body: ending });
  const total = b.let(body, times(times(live.batch, live.row), live.column));
  const exact = total.kind === "constant" && total.value === launch.workgroups * width && launch.isLine;
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(item, total), body: inner });
  const rebind = (other: number): BoundKernel => tiled(nest, product, tile, profile, { width: other, triangles });
  return finish(b, nest, { family: `contract ${tile.rows}x${tile.columns}${tile.neighbours ? " of neighbours" : ""}${shared ? " in step" : ""}`, width, launch, rebind }, body);
}

/** The side in whole groups of invocations in step; `padded`: how many there are without what fills the last one. */
function padded(side: Side, lanes: number): Side & { readonly padded?: Scalar } {
  if (lanes === 1 || (typeof side.size === "number" && side.size % lanes === 0)) return side;
  const tiles = Math.ceil(side.tiles / lanes) * lanes;
  const live = side.live.kind === "constant" ? int(tiles) : times(ceilOver(side.live, lanes), int(lanes));
  return { ...side, tiles, live, size: dims.add(side.size, lanes - 1), capacity: side.capacity + lanes - 1, padded: side.live };
}

/** Turns of a sum: those before `to`, or from `from` on. */
interface Part {
  readonly from?: Scalar;
  readonly to?: Scalar;
}

/** The turns that a tile needs, or all tiles of the invocations that work in step along the same side. */
function turnsOf(b: KernelBuilder, out: KernelStmt[], { line, turns }: Needed, tile: Tile, at: Scalar, lanes: number): Part {
  const length = line === "row" ? tile.rows : tile.columns;
  const first = lanes > 1 ? b.let(out, minus(at, rest(at, int(lanes)))) : at;
  return turns === "from" ? { from: b.let(out, times(first, int(length))) } : { to: b.let(out, times(plus(first, int(lanes)), int(length))) };
}

/** The loops of the sum; the innermost takes `unroll` turns at once and the rest one by one. */
function sum(b: KernelBuilder, tile: Tile, writer: TileWriter, out: KernelStmt[], part: Part = {}): void {
  if (tile.flat && writer.loops.length > 1) return sumInOne(b, tile, writer, out);
  const descend = (left: readonly Axis[], at: KernelStmt[]): void => {
    const [axis, ...more] = left;
    if (axis && more.length > 0) b.loop(at, int(0), b.size(axis.extent), 1, (index, inner) => writer.within(axis, index, inner, () => descend(more, inner)));
    else if (axis) run(b, axis, tile, writer, at, part);
    else writer.turns(undefined, [int(0)], at);
  };
  descend(writer.loops, out);
}

/** One loop over all turns of the sum, so that its accumulators stay where they are: entering a loop moves each of them. */
function sumInOne(b: KernelBuilder, { unroll }: Tile, writer: TileWriter, out: KernelStmt[]): void {
  const inner = writer.loops.at(-1) as Axis;
  const outer = writer.loops.slice(0, -1);
  const extent = quotient(b.size(inner.extent), int(unroll));
  const total = outer.reduce<Scalar>((n, a) => times(n, b.size(a.extent)), extent);
  b.loop(out, int(0), b.let(out, total), 1, (index, body) => {
    const whole = extent.kind === "constant" && extent.value === 1 ? index : b.let(body, quotient(index, extent));
    const at = coordinatesOf(b, body, outer, whole);
    const start = b.let(body, times(whole === index ? int(0) : minus(index, times(whole, extent)), int(unroll)));
    const descend = ([axis, ...more]: readonly Axis[]): void => {
      if (axis) writer.within(axis, at.get(axis.id) ?? int(0), body, () => descend(more));
      else writer.turns(inner, Array.from({ length: unroll }, (_, u) => plus(start, int(u))), body);
    };
    descend(outer);
  });
}

function run(b: KernelBuilder, axis: Axis, { unroll }: Tile, writer: TileWriter, out: KernelStmt[], part: Part): void {
  const extent = b.size(axis.extent);
  if (extent.kind === "constant" && extent.value <= unroll) {
    writer.turns(axis, Array.from({ length: extent.value }, (_, k) => int(k)), out);
    return;
  }
  const whole = b.let(out, quotient(extent, int(unroll)));
  const from = (start: Scalar, count: number): readonly Scalar[] => Array.from({ length: count }, (_, u) => plus(start, int(u)));
  // What is left over is 0 where it is not needed.
  const first = part.from ? b.let(out, quotient(part.from, int(unroll))) : int(0);
  const end = part.to ? least(whole, b.let(out, ceilOver(part.to, unroll))) : whole;
  b.loop(out, first, end, 1, (index, inner) => writer.turns(axis, from(b.let(inner, times(index, int(unroll))), unroll), inner));
  if (unroll === 1 || (extent.kind === "constant" && extent.value % unroll === 0)) return;
  b.loop(out, b.let(out, times(whole, int(unroll))), extent, 1, (index, inner) => writer.turns(axis, [index], inner));
}
