/**
 * Family `contract`: a matrix product with registers as its only cache. One invocation computes a tile of rows x columns results:
 * in each turn of the sum it loads a value per row and a value per column and adds all their products to as many accumulators,
 * each a variable of its own. Undefined for nests that are no product (see product.ts); they run as plain reductions.
 *
 *     2 x 2:   for k { a0 = x[r0+k]; a1 = x[r1+k]; b0 = w[k*N+c0]; b1 = w[k*N+c1];
 *                      s00 += a0*b0; s01 += a0*b1; s10 += a1*b0; s11 += a1*b1 }
 *
 * Any access is fine, transposed, strided or guarded: a load belongs to the row or the column by what its index depends on, and
 * the part of the index that does not change with k is computed before the loop. Rows and columns beyond the live ones
 * are computed at the last live one and not stored. Each result is summed in the same order as by the plain family.
 */
import * as dims from "../src/ir/dims.ts";
import type { Dim } from "../src/ir/dims.ts";
import type { Axis, KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, both, ceilOver, int, least, minus, over as quotient, plus, rest, times } from "./arithmetic.ts";
import { chooseTile, shortAxis, type Tile } from "./choose-tile.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { coordinatesOf, lane, linear, points } from "./launch.ts";
import { workgroupFor } from "./owner.ts";
import { readProduct, type Product } from "./product.ts";
import { pick, TileWriter } from "./tile-writer.ts";

const smallestWorkgroup = { software: 4, gpu: 32 } as const;

/** The tiled kernel; undefined where the nest is no matrix product. */
export function contract(nest: Nest, profile: Profile): BoundKernel | undefined {
  const product = readProduct(nest);
  return product && tiled(nest, product, chooseTile(product, profile), profile);
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
  const [rowTiles, columnTiles, batches] = [b.let(body, rows.live), b.let(body, columns.live), b.let(body, batch.live)];
  const inner: KernelStmt[] = [];
  const column = b.let(inner, rest(item, columnTiles));
  const row = b.let(inner, quotient(item, columnTiles));
  const rowTile = product.batch.length === 0 ? row : b.let(inner, rest(row, rowTiles));
  const writer = new TileWriter(b, product, tile);
  writer.know(coordinatesOf(b, inner, product.batch, product.batch.length === 0 ? int(0) : b.let(inner, quotient(row, rowTiles))));
  const rowAt: Line = { axes: product.rows, length: tile.rows, position: (i) => plus(times(rowTile, int(tile.rows)), i) };
  // Columns of neighbouring invocations lie side by side.
  const columnAt: Line = { axes: product.columns, length: tile.columns, position: (j) => plus(column, times(columnTiles, j)) };
  const rowInside = placeAll(b, inner, rowAt, (i, at) => writer.knowRow(i, at));
  const columnInside = placeAll(b, inner, columnAt, (j, at) => writer.knowColumn(j, at));
  writer.statements(product.before, inner);
  writer.open(inner);
  turns(b, product, tile, writer, inner);
  if (tile.rolled) finishInLoops(b, writer, inner, rowAt, columnAt);
  else writer.finish(inner, rowInside, columnInside);
  const total = b.let(body, times(times(batches, rowTiles), columnTiles));
  const exact = total.kind === "constant" && total.value === launch.workgroups * width && launch.isLine;
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(item, total), body: inner });
  const rebind = (other: number): BoundKernel => tiled(nest, product, tile, profile, other);
  return finish(b, nest, { family: `contract ${tile.rows}x${tile.columns}`, width, launch, rebind }, body);
}

/** The rows (or columns) of a tile: their axes, how many, and where the k-th lies among all. */
interface Line {
  readonly axes: readonly Axis[];
  readonly length: number;
  readonly position: (k: Scalar) => Scalar;
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
  const extent = b.size(live);
  const exact = typeof live === "number" && live % length === 0;
  const index = b.let(out, position(k));
  const safe = exact ? index : b.let(out, least(index, minus(extent, int(1))));
  return { at: coordinatesOf(b, out, axes, safe), inside: exact ? undefined : b.let(out, below(index, extent)) };
}

/** What follows the sum, as two loops around one copy of it: the text stays short, an accumulator is picked by comparing its number. */
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
function turns(b: KernelBuilder, product: Product, tile: Tile, writer: TileWriter, out: KernelStmt[]): void {
  const axes = product.fold.axes.filter((a) => a.extent !== 1);
  writer.know(new Map(product.fold.axes.filter((a) => a.extent === 1).map((a) => [a.id, int(0)])));
  const innermost = axes.at(-1);
  const descend = (left: readonly Axis[], at: KernelStmt[]): void => {
    const [axis, ...more] = left;
    if (axis && axis !== innermost) {
      b.loop(at, int(0), b.size(axis.extent), 1, (index, inner) => {
        writer.know(new Map([[axis.id, index]]));
        descend(more, inner);
      });
      return;
    }
    if (axis) run(b, axis, product, tile, writer, at);
    else writer.block(product.inside, undefined, [int(0)], at);
  };
  descend(axes, out);
}

function run(b: KernelBuilder, axis: Axis, product: Product, tile: Tile, writer: TileWriter, out: KernelStmt[]): void {
  const changing = writer.hoist(product.inside, axis, out);
  const extent = b.size(axis.extent);
  const { unroll } = tile;
  if (extent.kind === "constant" && extent.value <= Math.min(unroll, shortAxis)) {
    writer.block(changing, axis, Array.from({ length: extent.value }, (_, k) => int(k)), out);
    return;
  }
  const whole = b.let(out, quotient(extent, int(unroll)));
  b.loop(out, int(0), whole, 1, (index, inner) => {
    const start = b.let(inner, times(index, int(unroll)));
    writer.block(changing, axis, Array.from({ length: unroll }, (_, u) => plus(start, int(u))), inner);
  });
  if (unroll === 1 || (extent.kind === "constant" && extent.value % unroll === 0)) return;
  b.loop(out, b.let(out, times(whole, int(unroll))), extent, 1, (index, inner) => writer.block(changing, axis, [index], inner));
}
