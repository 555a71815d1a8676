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
import type { Dim } from "../src/ir/dims.ts";
import type { Axis, KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, both, ceilOver, int, over as quotient, plus, rest, times } from "./arithmetic.ts";
import { chooseTile, lanesAlong, rankTiles, shortAxis } from "./choose-tile.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { coordinatesOf, lane, linear, points } from "./launch.ts";
import { workgroupFor } from "./owner.ts";
import { readProduct, type Product } from "./product.ts";
import type { Tile } from "./tile-time.ts";
import { pick, TileWriter } from "./tile-writer.ts";

const smallestWorkgroup = { software: 4, gpu: 32 } as const;

/** The tiled kernel; undefined where the nest is no matrix product. */
export function contract(nest: Nest, profile: Profile): BoundKernel | undefined {
  const product = readProduct(nest);
  if (!product) return undefined;
  const best = chooseTile(product, profile);
  return tiled(nest, best.product, best.tile, profile);
}

/** Kernels with other tiles, the best by the model first, at most so many; none where the nest is no matrix product. */
export function contractBy(nest: Nest, profile: Profile, most: number): readonly BoundKernel[] {
  const product = readProduct(nest);
  if (!product) return [];
  return rankTiles(product, profile).slice(0, most).map((choice) => tiled(nest, choice.product, choice.tile, profile));
}

/** Tiles along one side: how many at capacity, their live number, and a size (and its capacity) whose quotient by `per` bounds it. */
interface Side {
  readonly tiles: number;
  readonly live: Scalar;
  readonly size: Dim;
  readonly capacity: number;
  readonly per: number;
}

function sideOf(b: KernelBuilder, axes: readonly Axis[], length: number): Side {
  const { live, capacity } = points(axes);
  const tiles = Math.ceil(capacity / length);
  if (typeof live === "number") return { tiles, live: int(tiles), size: tiles, capacity: tiles, per: 1 };
  return { tiles, live: ceilOver(b.size(live), length), size: dims.add(live, length - 1), capacity: capacity + length - 1, per: length };
}

/** The kernel for a given tile; the workgroup's width is chosen when absent. */
export function tiled(nest: Nest, product: Product, tile: Tile, profile: Profile, given?: number): BoundKernel {
  const b = new KernelBuilder(nest.params);
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
  const rowAt = lineOf(b, inner, product.rows, tile.rows, at.row, rows.tiles);
  const columnAt = lineOf(b, inner, product.columns, tile.columns, at.column, columns.tiles);
  const rowInside = placeAll(b, inner, rowAt, (i, known) => writer.knowRow(i, known));
  const columnInside = placeAll(b, inner, columnAt, (j, known) => writer.knowColumn(j, known));
  writer.open(inner);
  sum(b, shared ? tile : { ...tile, unroll: tile.broadcast ? 1 : tile.unroll }, writer, inner);
  if (tile.finish === "cells") finishInLoops(b, writer, inner, rowAt, columnAt);
  // A product without rows has one, and what follows its sum varies with the column alone.
  else if (tile.finish === "rows" && tile.rows > 1 && product.rows.length > 0) finishByRow(b, writer, inner, rowAt, columnInside);
  else writer.finish(inner, rowInside, columnInside);
  const total = b.let(body, times(times(live.batch, live.row), live.column));
  const exact = total.kind === "constant" && total.value === launch.workgroups * width && launch.isLine;
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(item, total), body: inner });
  const rebind = (other: number): BoundKernel => tiled(nest, product, tile, profile, other);
  return finish(b, nest, { family: `contract ${tile.rows}x${tile.columns}${shared ? " in step" : ""}`, width, launch, rebind }, body);
}

/** The digits of a number, the last one first, over how many values each but the outermost has. */
function numbersOf(b: KernelBuilder, out: KernelStmt[], item: Scalar, extents: readonly Scalar[]): readonly Scalar[] {
  let left = item;
  return extents.map((extent, k) => {
    if (k === extents.length - 1 || extents.slice(k + 1).every((e) => e.kind === "constant" && e.value === 1)) {
      const digit = left;
      left = int(0);
      return digit;
    }
    const digit = b.let(out, rest(left, extent));
    left = b.let(out, quotient(left, extent));
    return digit;
  });
}

/** The rows (or columns) of a tile: their axes, how many, and where the k-th lies among all. */
interface Line {
  readonly axes: readonly Axis[];
  readonly length: number;
  readonly position: (k: Scalar) => Scalar;
}

/** Side by side, or where the number of tiles is known, tile by tile, so that neighbouring invocations have neighbouring columns. */
function lineOf(b: KernelBuilder, out: KernelStmt[], axes: readonly Axis[], length: number, tile: Scalar, tiles: number): Line {
  const apart = typeof points(axes).live === "number" && axes.length > 0;
  const start = length === 1 ? tile : b.let(out, apart ? tile : times(tile, int(length)));
  return { axes, length, position: (k) => plus(start, apart ? times(k, int(tiles)) : k) };
}

/** Settles the coordinates of each row (or column) of the tile; gives for each the condition that it is a live one, where that is in doubt. */
function placeAll(b: KernelBuilder, out: KernelStmt[], line: Line, know: (k: number, at: ReadonlyMap<number, Scalar>) => void): readonly (Scalar | undefined)[] {
  return Array.from({ length: line.length }, (_, k) => {
    const { at, inside } = place(b, out, line, int(k));
    know(k, at);
    return inside;
  });
}

function place(b: KernelBuilder, out: KernelStmt[], { axes, length, position }: Line, k: Scalar): { readonly at: ReadonlyMap<number, Scalar>; readonly inside: Scalar | undefined } {
  const { live } = points(axes);
  const exact = typeof live === "number" && live % length === 0;
  // A position along one axis stays a sum, whose number indices take up.
  const index = axes.filter((a) => a.extent !== 1).length === 1 ? position(k) : b.let(out, position(k));
  return { at: coordinatesOf(b, out, axes, index), inside: exact ? undefined : b.let(out, below(index, b.size(live))) };
}

/** What follows the sum, as a loop over the rows around one copy of it for each column: an accumulator is picked by comparing row numbers. */
function finishByRow(b: KernelBuilder, writer: TileWriter, out: KernelStmt[], rowAt: Line, columnInside: readonly (Scalar | undefined)[]): void {
  writer.finishColumns(out);
  b.loop(out, int(0), int(rowAt.length), 1, (i, inner) => {
    const { at, inside } = place(b, inner, rowAt, i);
    writer.row(i, at, inner).finish(inner, [inside], columnInside, true);
  });
}

/** What follows the sum, as two loops around one copy of it: the text stays short. */
function finishInLoops(b: KernelBuilder, writer: TileWriter, out: KernelStmt[], rowAt: Line, columnAt: Line): void {
  const loop = (line: Line, at: KernelStmt[], body: (k: Scalar, inner: KernelStmt[]) => void): void =>
    line.length === 1 ? body(int(0), at) : b.loop(at, int(0), int(line.length), 1, body);
  loop(rowAt, out, (i, row) => {
    const { at: rows, inside: rowInside } = place(b, row, rowAt, i);
    const ofRow = writer.pickRow(i, row);
    loop(columnAt, row, (j, cell) => {
      const { at: columns, inside: columnInside } = place(b, cell, columnAt, j);
      const own: KernelStmt[] = [];
      writer.finishOne(new Map([...rows, ...columns]), pick(b, cell, ofRow, j), own);
      const condition = rowInside && columnInside ? both(rowInside, columnInside) : (rowInside ?? columnInside);
      if (condition) cell.push({ kind: "if", condition, body: own });
      else cell.push(...own);
    });
  });
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
