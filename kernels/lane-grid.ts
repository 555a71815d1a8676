/**
 * Where the invocations of a workgroup stand that compute a block of a product together: across (along columns) and down (along rows). Comes in:
 * how many each way. Goes out: each invocation's two numbers.
 *
 *     16 across, 8 down:   lanes 0 … 31 are 8 across and 4 down, by twos:   0 2 4 … 14
 *                                                                          1 3 5 … 15
 *                                                                          16 18 … 30
 *                                                                          17 19 … 31
 *
 * Lanes that run in step, mostly 32, are nearly a square, so that together they read the fewest rows and columns of workgroup memory: 8 + 4 fours
 * where a line of 16 by 2 reads 16 + 2, of which 16 are twice what a processor's memory gives at a time. Neighbours (n, n ^ 1) share a column and
 * (n, n ^ 2) a row: reads of four numbers each then take NVIDIA's memory two turns instead of four.
 */
import type { KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { int, over, plus, rest, times } from "./arithmetic.ts";
import type { KernelBuilder } from "./kernel-builder.ts";
import { lane } from "./launch.ts";

/** Lanes that are kept together: what runs in step on most devices, or half of it. */
const together = 32;

/** The two numbers of an invocation; in lines where there are too few to make squares of. */
export function laneGrid(b: KernelBuilder, out: KernelStmt[], across: number, down: number): readonly [x: Scalar, y: Scalar] {
  const wide = across % 8 === 0 && down % 4 === 0 ? 8 : across % 4 === 0 && down % 8 === 0 ? 4 : undefined;
  if (wide === undefined) return [b.let(out, rest(lane, int(across))), b.let(out, over(lane, int(across)))];
  const high = together / wide;
  const [within, square] = [b.let(out, rest(lane, int(together))), b.let(out, over(lane, int(together)))];
  const [left, top] = [b.let(out, rest(b.let(out, over(within, int(2))), int(wide))), b.let(out, plus(rest(within, int(2)), times(over(within, int(2 * wide)), int(2))))];
  const squares = across / wide;
  return [
    b.let(out, plus(left, times(rest(square, int(squares)), int(wide)))),
    b.let(out, plus(top, times(over(square, int(squares)), int(high)))),
  ];
}
