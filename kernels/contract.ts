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
 * row's value of another turn, and four turns take a quarter of those loads. They then work on the same rows.
 */
import * as dims from "../src/ir/dims.ts";
import type { Axis, KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { blocked } from "./blocked.ts";
import { rankBlocks } from "./choose-block.ts";
import { below, int, over as quotient, plus, rest, times } from "./arithmetic.ts";
import { chooseTile, lanesAlong, rankTiles, shortAxis } from "./choose-tile.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { coordinatesOf, lane, linear } from "./launch.ts";
import { workgroupFor } from "./owner.ts";
import { readProduct, type Product } from "./product.ts";
import { liesBeside } from "./quads.ts";
import { finishInLoops, lineOf, numbersOf, placeAll, sideOf } from "./tile-lines.ts";
import type { Tile } from "./tile-time.ts";
import { TileWriter } from "./tile-writer.ts";

const smallestWorkgroup = { software: 4, gpu: 32 } as const;

/** The kernel of a product, tiled in registers alone or in blocks of workgroup memory too, whichever the model finds faster; undefined where the nest is no product. */
export function contract(nest: Nest, profile: Profile, blocks = true): BoundKernel | undefined {
  const product = readProduct(nest);
  if (!product) return undefined;
  const best = chooseTile(product, profile);
  const [choice] = blocks ? rankBlocks(product, profile) : [];
  return choice && choice.time < best.time ? blocked(nest, product, choice.block, profile) : tiled(nest, best.product, best.tile, profile);
}

/** Kernels with other tiles and blocks, the best by the model first, at most so many; none where the nest is no matrix product. */
export function contractBy(nest: Nest, profile: Profile, most: number, blocks = true): readonly BoundKernel[] {
  const product = readProduct(nest);
  if (!product) return [];
  const ways = [
    ...rankTiles(product, profile).map(({ time, ...choice }) => ({ time, make: () => tiled(nest, choice.product, choice.tile, profile) })),
    ...(blocks ? rankBlocks(product, profile) : []).map(({ time, block }) => ({ time, make: () => blocked(nest, product, block, profile) })),
  ];
  return ways.sort((a, b) => a.time - b.time).slice(0, most).map(({ make }) => make());
}

/** The kernel for a given tile; the workgroup's width is chosen when absent. */
export function tiled(nest: Nest, product: Product, tile: Tile, profile: Profile, given?: number): BoundKernel {
  const b = new KernelBuilder(nest.params, { vector: profile.vector !== undefined && profile.name === "software" });
  const body: KernelStmt[] = [];
  const [rows, columns, batch] = [sideOf(b, product.rows, tile.rows), sideOf(b, product.columns, tile.columns), sideOf(b, product.batch, 1)];
  const tiles = rows.tiles * columns.tiles * batch.tiles;
  const width = given ?? workgroupFor(tiles, profile.rows, smallestWorkgroup[profile.name]);
  const size = dims.product([batch.size, rows.size, columns.size]);
  const per = width * batch.per * rows.per * columns.per;
  const launch = linear(size, rows.capacity * columns.capacity * batch.capacity, per, profile);
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const live = { row: b.let(body, rows.live), column: b.let(body, columns.live), batch: b.let(body, batch.live) };
  const inner: KernelStmt[] = [];
  // Neighbouring invocations work on neighbours along the last axis, whichever side it belongs to.
  const last = product.parallel.findLast((a) => a.extent !== 1);
  const usual = last && product.batch.includes(last) ? (["batch", "column", "row"] as const) : (["column", "row", "batch"] as const);
  const together = profile.subgroup === undefined ? undefined : lanesAlong(product, tile, profile.subgroup);
  const order = together ? [together, ...usual.filter((side) => side !== together)] : usual;
  const number = numbersOf(b, inner, item, order.map((side) => live[side]));
  const of = (side: "row" | "column" | "batch"): Scalar => number[order.indexOf(side)] ?? item;
  const at = { row: of("row"), column: of("column"), batch: of("batch") };
  const shared = together && tile.broadcast && { side: tile.broadcast, lane: b.let(inner, rest(lane, int(profile.subgroup ?? 1))) };
  const writer = new TileWriter(b, product, tile, shared);
  writer.know(coordinatesOf(b, inner, product.batch, at.batch));
  const rowAt = lineOf(b, inner, product.rows, tile.rows, at.row, rows.tiles, b.vector && liesBeside(nest.body, product.rows, tile.rows));
  const columnAt = lineOf(b, inner, product.columns, tile.columns, at.column, columns.tiles, b.vector && liesBeside(nest.body, product.columns, tile.columns));
  const rowInside = placeAll(b, inner, rowAt, (i, known) => writer.knowRow(i, known));
  const columnInside = placeAll(b, inner, columnAt, (j, known) => writer.knowColumn(j, known));
  writer.open(inner);
  sum(b, shared ? tile : { ...tile, unroll: tile.broadcast ? 1 : tile.unroll }, writer, inner);
  if (tile.finish === "rows") finishInLoops(b, writer, inner, "row", rowAt, columnAt);
  else if (tile.finish === "columns") finishInLoops(b, writer, inner, "column", columnAt, rowAt);
  else writer.finish(inner, rowInside, columnInside);
  const total = b.let(body, times(times(live.batch, live.row), live.column));
  const exact = total.kind === "constant" && total.value === launch.workgroups * width && launch.isLine;
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(item, total), body: inner });
  const rebind = (other: number): BoundKernel => tiled(nest, product, tile, profile, other);
  return finish(b, nest, { family: `contract ${tile.rows}x${tile.columns}${shared ? " in step" : ""}`, width, launch, rebind }, body);
}

/** The loops of the sum; the innermost takes `unroll` turns at once and the rest one by one. */
function sum(b: KernelBuilder, tile: Tile, writer: TileWriter, out: KernelStmt[]): void {
  const descend = (left: readonly Axis[], at: KernelStmt[]): void => {
    const [axis, ...more] = left;
    if (axis && more.length > 0) b.loop(at, int(0), b.size(axis.extent), 1, (index, inner) => writer.within(axis, index, inner, () => descend(more, inner)));
    else if (axis) run(b, axis, tile, writer, at);
    else writer.turns(undefined, [int(0)], at);
  };
  descend(writer.loops, out);
}

function run(b: KernelBuilder, axis: Axis, { unroll }: Tile, writer: TileWriter, out: KernelStmt[]): void {
  const extent = b.size(axis.extent);
  if (extent.kind === "constant" && extent.value <= Math.min(unroll, shortAxis)) {
    writer.turns(axis, Array.from({ length: extent.value }, (_, k) => int(k)), out);
    return;
  }
  const whole = b.let(out, quotient(extent, int(unroll)));
  const from = (start: Scalar, count: number): readonly Scalar[] => Array.from({ length: count }, (_, u) => plus(start, int(u)));
  b.loop(out, int(0), whole, 1, (index, inner) => writer.turns(axis, from(b.let(inner, times(index, int(unroll))), unroll), inner));
  if (unroll === 1 || (extent.kind === "constant" && extent.value % unroll === 0)) return;
  b.loop(out, b.let(out, times(whole, int(unroll))), extent, 1, (index, inner) => writer.turns(axis, [index], inner));
}
