/**
 * A matrix product in blocks that lie in workgroup memory. A workgroup computes rows x columns results: its invocations bring the next
 * few turns of both sides into workgroup memory together (block-fill.ts), wait for each other, and each multiplies them for a tile of its
 * own, whose sums are registers. An element is then read from far once a block, not once a tile.
 *
 *     64 x 64 results in tiles of 8 x 8, 16 turns at a time:   64 invocations;  for each 16 turns: 32 loads, a barrier,
 *                                                             16 times 4 reads of four from workgroup memory and 64 multiplications, a barrier
 *
 * Any product fits, with its masks, batches and what follows the sum; several axes of a side or of the sum are one line, whose position
 * is taken apart where an element is read (a convolution is such a product). Barriers stand in uniform control flow: the loop is bounded
 * by the length of the sum, and workgroups beyond the live blocks leave whole. Each result is summed in the order of the turns.
 */
import * as dims from "../src/ir/dims.ts";
import type { KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, ceilOver, int, over, plus, rest, times } from "./arithmetic.ts";
import { alongOf, BlockFill, strideOf, type FillShape } from "./block-fill.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import type { Block } from "./choose-block.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import { coordinatesOf, lane, linear, points } from "./launch.ts";
import { required } from "./product.ts";
import type { Product } from "./product.ts";
import { fills, finishInLoops, numbersOf, placeAll, sideOf, type Line } from "./tile-lines.ts";
import { TileWriter } from "./tile-writer.ts";

/** Workgroup arrays. */
const names = { row: "shared_left", column: "shared_right" } as const;

/** The kernel for a given block. */
export function blocked(nest: Nest, product: Product, block: Block, profile: Profile): BoundKernel {
  const b = new KernelBuilder(nest.params, { vector: true });
  const [across, down] = [block.columns / block.tile[1], block.rows / block.tile[0]];
  const width = across * down;
  const body: KernelStmt[] = [];
  const fillShape = (side: "row" | "column"): FillShape => ({ side, length: side === "row" ? block.rows : block.columns, turns: block.turns, along: alongOf(product, side), width });
  const shapes = { row: fillShape("row"), column: fillShape("column") } as const;
  for (const side of ["row", "column"] as const) {
    const { dtype } = product.factors[side === "row" ? 0 : 1];
    body.push({ kind: "shared", name: names[side], dtype: dtype === "bool" ? "u32" : dtype, elements: block.turns * strideOf(shapes[side]), fours: true });
  }
  const [rows, columns, batch] = [sideOf(b, product.rows, block.rows), sideOf(b, product.columns, block.columns), sideOf(b, product.batch, 1)];
  const size = dims.product([batch.size, rows.size, columns.size]);
  const launch = linear(size, rows.capacity * columns.capacity * batch.capacity, batch.per * rows.per * columns.per, profile);
  const live = { row: b.let(body, rows.live), column: b.let(body, columns.live), batch: b.let(body, batch.live) };
  const inner: KernelStmt[] = [];
  const [columnBlock = int(0), rowBlock = int(0), batchAt = int(0)] = numbersOf(b, inner, launch.workgroup, [live.column, live.row, live.batch]);
  const at = coordinatesOf(b, inner, product.batch, batchAt);
  const [firstRow, firstColumn] = [b.let(inner, times(rowBlock, int(block.rows))), b.let(inner, times(columnBlock, int(block.columns)))];
  const [x, y] = [b.let(inner, rest(lane, int(across))), b.let(inner, over(lane, int(across)))];

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
  b.loop(inner, int(0), b.let(inner, ceilOver(length, block.turns)), 1, (k, loop) => {
    const start = b.let(loop, times(k, int(block.turns)));
    for (const { side, fill } of sides) fill.fill(names[side], start, beyond, loop);
    loop.push({ kind: "barrier", scope: "workgroup" });
    b.loop(loop, int(0), int(block.turns / block.unroll), 1, (part, some) => {
      const from = b.let(some, times(part, int(block.unroll)));
      const factor = (side: "row" | "column", turn: number, lines: number, step: number, mine: Scalar): readonly Scalar[] => {
        const first = b.let(some, plus(times(plus(from, int(turn)), int(strideOf(shapes[side]))), mine));
        const { dtype } = product.factors[side === "row" ? 0 : 1];
        return Array.from({ length: lines / 4 }, (_, q) => b.readShared4(some, names[side], plus(first, int(q * step)), dtype === "bool" ? "u32" : dtype))
          .flat().map((v) => (dtype === "bool" ? b.let(some, op("!=", "bool", [v, constant(0, "u32")])) : v));
      };
      const factors = Array.from({ length: block.unroll }, (_, u) => ({
        left: factor("row", u, block.tile[0], down, y), right: factor("column", u, block.tile[1], across, x),
      }));
      writer.add(factors, some);
    });
    loop.push({ kind: "barrier", scope: "workgroup" });
  });

  if (block.finish === "rows") finishInLoops(b, writer, inner, "row", rowAt, columnAt);
  else writer.finish(inner, rowInside, columnInside);
  const total = b.let(body, times(times(live.batch, live.row), live.column));
  const exact = total.kind === "constant" && total.value === launch.workgroups && launch.isLine;
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(launch.workgroup, total), body: inner });
  return finish(b, nest, { family: `contract in blocks ${block.rows}x${block.columns}x${block.turns} of ${block.tile.join("x")}`, width, launch }, body);
}

/** Rows in groups of four, the groups of one invocation as far apart as there are invocations: those of a group lie in one vector. */
export function inFours(b: KernelBuilder, out: KernelStmt[], start: Scalar, mine: Scalar, invocations: number): (k: Scalar) => Scalar {
  const first = b.let(out, plus(start, times(mine, int(4))));
  return (k) => plus(first, plus(times(over(k, int(4)), int(4 * invocations)), rest(k, int(4))));
}
