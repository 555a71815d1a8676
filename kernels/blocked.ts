/**
 * A matrix product in blocks that lie in workgroup memory. A workgroup computes rows x columns results: its invocations bring the next
 * few turns of both sides into workgroup memory together (block-fill.ts), wait for each other, and each multiplies them for a tile of its
 * own, whose sums are registers. An element is then read from far once a block, not once a tile.
 *
 *     64 x 64 results in tiles of 8 x 8, 16 turns at a time:   64 invocations;  for each 16 turns: 32 loads, a barrier,
 *                                                             16 times 4 reads of four from workgroup memory and 64 multiplications, a barrier
 *
 * Or, `ahead`, with two such buffers: the next turns are fetched into registers while those of one buffer are multiplied, then put into the
 * other one, so that nobody waits for memory and one barrier a slice is enough.
 *
 * Any product fits, with its masks, batches and what follows the sum; several axes of a side or of the sum are one line, whose position
 * is taken apart where an element is read (a convolution is such a product). Barriers stand in uniform control flow: the loop is bounded
 * by the length of the sum, and workgroups beyond the live blocks leave whole. Each result is summed in the order of the turns.
 */
import * as dims from "../src/ir/dims.ts";
import type { KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, ceilOver, int, least, minus, over, plus, rest, times } from "./arithmetic.ts";
import { alongOf, BlockFill, strideOf, type FillShape } from "./block-fill.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import type { Block } from "./choose-block.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { laneGrid } from "./lane-grid.ts";
import { coordinatesOf, lane, linear, points, workgroupBelow } from "./launch.ts";
import { required } from "./product.ts";
import type { Product } from "./product.ts";
import { fills, finishInLoops, numbersOf, placeAll, sideOf, type Line } from "./tile-lines.ts";
import { type Factors, TileWriter } from "./tile-writer.ts";

/** Workgroup arrays. */
const names = { row: "shared_left", column: "shared_right" } as const;

/** The kernel for a given block. */
export function blocked(nest: Nest, product: Product, block: Block, profile: Profile): BoundKernel {
  const { ahead = false } = block;
  const b = new KernelBuilder(nest.params, { vector: true, ranges: ahead });
  const [across, down] = [block.columns / block.tile[1], block.rows / block.tile[0]];
  const width = across * down;
  const body: KernelStmt[] = [];
  const fillShape = (side: "row" | "column"): FillShape => ({ side, length: side === "row" ? block.rows : block.columns, turns: block.turns, along: alongOf(product, side), width });
  const shapes = { row: fillShape("row"), column: fillShape("column") } as const;
  const vectors = { row: block.turns * strideOf(shapes.row), column: block.turns * strideOf(shapes.column) } as const;
  for (const side of ["row", "column"] as const) {
    const { dtype } = product.factors[side === "row" ? 0 : 1];
    body.push({ kind: "shared", name: names[side], dtype: dtype === "bool" ? "u32" : dtype, elements: (ahead ? 2 : 1) * vectors[side], fours: true });
  }
  const [rows, columns, batch] = [sideOf(b, product.rows, block.rows), sideOf(b, product.columns, block.columns), sideOf(b, product.batch, 1)];
  const size = dims.product([batch.size, rows.size, columns.size]);
  const launch = linear(size, rows.capacity * columns.capacity * batch.capacity, batch.per * rows.per * columns.per, profile);
  const live = { row: b.let(body, rows.live), column: b.let(body, columns.live), batch: b.let(body, batch.live) };
  const inner: KernelStmt[] = [];
  const number = ahead ? workgroupBelow(b, inner, launch) : launch.workgroup;
  const [columnBlock = int(0), rowBlock = int(0), batchAt = int(0)] = numbersOf(b, inner, number, [live.column, live.row, live.batch]);
  const at = coordinatesOf(b, inner, product.batch, batchAt);
  const [firstRow, firstColumn] = [b.let(inner, times(rowBlock, int(block.rows))), b.let(inner, times(columnBlock, int(block.columns)))];
  const [x, y] = ahead ? laneGrid(b, inner, across, down) : [b.let(inner, rest(lane, int(across))), b.let(inner, over(lane, int(across)))];

  const writer = new TileWriter(b, { ...product, before: required(product.before, product.after), inside: [] }, { rows: block.tile[0], columns: block.tile[1] });
  writer.know(at);
  const rowAt: Line = { axes: product.rows, length: block.tile[0], position: inFours(b, inner, firstRow, y, down), whole: fills(product.rows, block.rows) };
  const columnAt: Line = { axes: product.columns, length: block.tile[1], position: inFours(b, inner, firstColumn, x, across), whole: fills(product.columns, block.columns) };
  const rowInside = placeAll(b, inner, rowAt, (i, known) => writer.knowRow(i, known));
  const columnInside = placeAll(b, inner, columnAt, (j, known) => writer.knowColumn(j, known));
  writer.open(inner);

  const sides = (["row", "column"] as const).map((side) => {
    const fill = new BlockFill(b, product, shapes[side], inner);
    fill.know(at);
    fill.open(side === "row" ? firstRow : firstColumn, inner);
    return { side, fill };
  });
  const { live: turns } = points(product.fold.axes);
  const length = b.let(inner, b.size(turns));
  const beyond = typeof turns === "number" && turns % block.turns === 0 ? undefined : length;
  const slices = b.let(inner, ceilOver(length, block.turns));

  /** Multiplies some turns of what lies in one of the buffers. */
  const multiply = (buffer: Scalar, from: Scalar, some: KernelStmt[]): void => {
    const factor = (side: "row" | "column", turn: number, lines: number, step: number, mine: Scalar): readonly Scalar[] => {
      const first = b.let(some, plus(plus(times(buffer, int(vectors[side])), times(plus(from, int(turn)), int(strideOf(shapes[side])))), mine));
      const { dtype } = product.factors[side === "row" ? 0 : 1];
      return Array.from({ length: lines / 4 }, (_, q) => b.readShared4(some, names[side], plus(first, int(q * step)), dtype === "bool" ? "u32" : dtype))
        .flat().map((v) => (dtype === "bool" ? b.let(some, op("!=", "bool", [v, constant(0, "u32")])) : v));
    };
    const read = (u: number): Factors => ({ left: factor("row", u, block.tile[0], down, y), right: factor("column", u, block.tile[1], across, x) });
    if (!ahead) {
      writer.add(Array.from({ length: block.unroll }, (_, u) => read(u)), some);
      return;
    }
    // A turn is multiplied while the next one is on its way.
    let next = read(0);
    for (let u = 1; u <= block.unroll; u++) {
      const now = next;
      if (u < block.unroll) next = read(u);
      writer.add([now], some);
    }
  };
  const multiplyAll = (buffer: Scalar, out: KernelStmt[]): void => {
    if (ahead && block.turns === block.unroll) multiply(buffer, int(0), out);
    else b.loop(out, int(0), int(block.turns / block.unroll), 1, (part, some) => multiply(buffer, b.let(some, times(part, int(block.unroll))), some));
  };
  const barrier: KernelStmt = { kind: "barrier", scope: "workgroup" };
  if (ahead) {
    const bring = (start: Scalar, out: KernelStmt[]): readonly (readonly Scalar[])[] => sides.map(({ fill }) => fill.read(start, beyond, out));
    const put = (fetched: readonly (readonly Scalar[])[], buffer: Scalar, out: KernelStmt[]): void => sides.forEach(({ side, fill }, k) => fill.write(names[side], fetched[k] ?? [], times(buffer, int(vectors[side])), out));
    put(bring(int(0), inner), int(0), inner);
    inner.push(barrier);
    const last = b.let(inner, minus(slices, int(1)));
    b.loop(inner, int(0), slices, 1, (k, loop) => {
      // The last slice is fetched once more, which nobody reads: without a condition compilers keep loads where they are, before what is done meanwhile.
      const fetched = bring(b.let(loop, times(b.let(loop, least(plus(k, int(1)), last)), int(block.turns))), loop);
      const buffer = b.let(loop, rest(k, int(2)));
      multiplyAll(buffer, loop);
      // Whoever still multiplies reads the other buffer, and whoever begins the next slice has met all.
      put(fetched, b.let(loop, minus(int(1), buffer)), loop);
      loop.push(barrier);
    });
  } else {
    b.loop(inner, int(0), slices, 1, (k, loop) => {
      const start = b.let(loop, times(k, int(block.turns)));
      for (const { side, fill } of sides) fill.fill(names[side], start, beyond, loop);
      loop.push(barrier);
      multiplyAll(int(0), loop);
      loop.push(barrier);
    });
  }

  if (block.finish === "rows") finishInLoops(b, writer, inner, "row", rowAt, columnAt);
  else writer.finish(inner, rowInside, columnInside);
  const total = b.let(body, times(times(live.batch, live.row), live.column));
  const exact = total.kind === "constant" && total.value === launch.workgroups && launch.isLine;
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(launch.workgroup, total), body: inner });
  return finish(b, nest, { family: `contract in blocks ${block.rows}x${block.columns}x${block.turns} of ${block.tile.join("x")}${ahead ? " ahead" : ""}`, width, launch }, body);
}

/** Rows in groups of four, the groups of one invocation as far apart as there are invocations: those of a group lie in one vector. */
export function inFours(b: KernelBuilder, out: KernelStmt[], start: Scalar, mine: Scalar, invocations: number): (k: Scalar) => Scalar {
  const first = b.let(out, plus(start, times(mine, int(4))));
  return (k) => plus(first, plus(times(over(k, int(4)), int(4 * invocations)), rest(k, int(4))));
}
