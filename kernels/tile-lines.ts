/**
 * Where the rows and columns of a tile lie, and what follows the sum of each of its cells. Comes in: a side's axes, a tile's length and
 * number. Goes out: coordinates and, where that is in doubt, the condition that they are live; kernel statements.
 *
 *     100 rows in tiles of 8:     13 tiles; row k of tile t is t + 13·k, alive where that is below 100
 */
import * as dims from "../src/ir/dims.ts";
import type { Dim } from "../src/ir/dims.ts";
import type { Axis, KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, ceilOver, int, over as quotient, plus, rest, times, xor } from "./arithmetic.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { coordinatesOf, points } from "./launch.ts";
import type { TileWriter } from "./tile-writer.ts";

/** Tiles along one side: how many at capacity, their live number, and a size (and its capacity) whose quotient by `per` bounds it. */
export interface Side {
  readonly tiles: number;
  readonly live: Scalar;
  readonly size: Dim;
  readonly capacity: number;
  readonly per: number;
}

/** Some axes in tiles of a length. */
export function sideOf(b: KernelBuilder, axes: readonly Axis[], length: number): Side {
  const { live, capacity } = points(axes);
  const tiles = Math.ceil(capacity / length);
  if (typeof live === "number") return { tiles, live: int(tiles), size: tiles, capacity: tiles, per: 1 };
  return { tiles, live: ceilOver(b.size(live), length), size: dims.add(live, length - 1), capacity: capacity + length - 1, per: length };
}

/** The digits of a number, the last one first, over how many values each but the outermost has. */
export function numbersOf(b: KernelBuilder, out: KernelStmt[], item: Scalar, extents: readonly Scalar[]): readonly Scalar[] {
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
export interface Line {
  readonly axes: readonly Axis[];
  readonly length: number;
  readonly position: (k: Scalar) => Scalar;
  /** All of them are live ones. */
  readonly whole: boolean;
  /** Their elements lie side by side. */
  readonly beside?: true;
}

/**
 * Side by side, or where the number of tiles is known, tile by tile, so that neighbouring invocations have neighbouring columns; `beside`:
 * side by side at any rate, since four of them are then one access; `next`: side by side, since neighbours read the same elements.
 */
export function lineOf(b: KernelBuilder, out: KernelStmt[], axes: readonly Axis[], length: number, tile: Scalar, tiles: number, beside = false, next = false): Line {
  const apart = typeof points(axes).live === "number" && axes.length > 0 && !beside && !next;
  const start = length === 1 ? tile : b.let(out, apart ? tile : times(tile, int(length)));
  return { axes, length, position: (k) => plus(start, apart ? times(k, int(tiles)) : k), whole: fills(axes, length), ...(beside && { beside: true as const }) };
}

/** The lines of a side that four invocations in step deal out: where line k of the first of them lies, invocation n has its own line k ^ n, so that it finds what the others have read by swapping. */
export function swapped(b: KernelBuilder, out: KernelStmt[], line: Line, lane: Scalar): Line {
  const at = (k: number): Scalar => plus(b.let(out, xor(lane, int(k % 4))), int(k - (k % 4)));
  return { axes: line.axes, length: line.length, whole: line.whole, position: (k) => line.position(k.kind === "constant" ? at(k.value) : xor(k, lane)) };
}

/** True where the points of some axes are a whole number of stretches of a length. */
export function fills(axes: readonly Axis[], length: number): boolean {
  const { live } = points(axes);
  return typeof live === "number" && live % length === 0;
}

/** Settles the coordinates of each row (or column) of the tile; gives for each the condition that it is a live one, where that is in doubt. */
export function placeAll(b: KernelBuilder, out: KernelStmt[], line: Line, know: (k: number, at: ReadonlyMap<number, Scalar>) => void): readonly (Scalar | undefined)[] {
  return Array.from({ length: line.length }, (_, k) => {
    const { at, inside } = place(b, out, line, int(k));
    know(k, at);
    return inside;
  });
}

/** The coordinates of those lines of a tile that one of some invocations reads for all of them: every `lanes`-th, from its own number on. */
export function placeLent(b: KernelBuilder, out: KernelStmt[], line: Line, lane: Scalar, lanes: number, know: (q: number, at: ReadonlyMap<number, Scalar>) => void): void {
  for (let q = 0; q < line.length / lanes; q++) know(q, place(b, out, line, plus(lane, int(q * lanes))).at);
}

function place(b: KernelBuilder, out: KernelStmt[], { axes, position, whole }: Line, k: Scalar): { readonly at: ReadonlyMap<number, Scalar>; readonly inside: Scalar | undefined } {
  const { live } = points(axes);
  // A position along one axis stays a sum, whose number indices take up.
  const index = axes.filter((a) => a.extent !== 1).length === 1 ? position(k) : b.let(out, position(k));
  return { at: coordinatesOf(b, out, axes, index), inside: whole ? undefined : b.let(out, below(index, b.size(live))) };
}

/** What follows the sum, as a loop over the rows (or columns) around one over the others: the text stays short. The sums lie in an array meanwhile. */
export function finishInLoops(b: KernelBuilder, writer: TileWriter, out: KernelStmt[], side: "row" | "column", lines: Line, others: Line): void {
  const sums = writer.sums(out);
  const sumAt = (k: Scalar, m: Scalar, at: KernelStmt[]): Scalar => {
    const [i, j, columns] = side === "row" ? [k, m, others.length] : [m, k, lines.length];
    return sums(at, plus(times(i, int(columns)), j));
  };
  const loop = (length: number, at: KernelStmt[], body: (k: Scalar, inner: KernelStmt[]) => void): void => (length === 1 ? body(int(0), at) : b.loop(at, int(0), int(length), 1, body));
  // Four cells whose elements lie side by side are written together: an access of four each.
  const inFours = ({ beside, whole, length, axes }: Line): boolean => beside === true && whole && length % 4 === 0 && writer.endsBeside(axes);
  const fours = (q: Scalar): readonly Scalar[] => [0, 1, 2, 3].map((u) => plus(times(q, int(4)), int(u)));
  const cells = (known: readonly { readonly k: Scalar; readonly scope: Scope }[], m: Scalar, at: KernelStmt[]): void => {
    const { at: rest, inside: live } = place(b, at, others, m);
    const own = live ? [] : at;
    for (const { k, scope } of known) writer.finishCell(side, scope, rest, sumAt(k, m, own), own);
    if (live) at.push({ kind: "if", condition: live, body: own });
  };
  if (!inFours(others) && inFours(lines)) {
    loop(lines.length / 4, out, (q, line) => {
      const known = fours(q).map((k) => ({ k, scope: writer.finishLine(side, place(b, line, lines, k).at, line) }));
      loop(others.length, line, (m, at) => cells(known, m, at));
    });
    return;
  }
  loop(lines.length, out, (k, line) => {
    const { at, inside } = place(b, line, lines, k);
    const own = inside ? [] : line;
    const known = [{ k, scope: writer.finishLine(side, at, own) }];
    if (!inFours(others)) loop(others.length, own, (m, cell) => cells(known, m, cell));
    else loop(others.length / 4, own, (q, cell) => {
      for (const m of fours(q)) cells(known, m, cell);
    });
    if (inside) line.push({ kind: "if", condition: inside, body: own });
  });
}
