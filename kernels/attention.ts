/**
 * Attention whose scores are never stored. Comes in: three nests (read-attention.ts). Goes out: one kernel, a workgroup for each 32
 * queries, which goes through the keys 32 at a time: scores of a block by tiles, the largest and the sum of each row so far, weights in
 * workgroup memory, and the values weighted by them added to sums that are scaled down whenever a larger score turns up.
 *
 *     m' = max(m, max s);  a = exp(m - m');  l' = a·l + sum exp(s - m');  o' = a·o + exp(s - m')·v;  in the end o / l
 *
 * The same sums as those of the three kernels in another order, each in a fixed one. Dao et al. 2022, with the online softmax of
 * Milakov and Gimelshein 2018. Barriers stand in uniform control flow; what lies beyond the live queries is not stored, beyond the live
 * keys it has no weight.
 */
import * as dims from "../src/ir/dims.ts";
import type { KernelStmt, Profile } from "../src/ir/kernel.ts";
import { call, constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { ratios } from "../src/schedule/prices.ts";
import { below, both, ceilOver, int, plus, times } from "./arithmetic.ts";
import { alongOf, BlockFill, strideOf, type FillShape } from "./block-fill.ts";
import { inFours } from "./blocked.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { laneGrid } from "./lane-grid.ts";
import { coordinatesOf, linear, points, workgroupBelow } from "./launch.ts";
import { required } from "./product.ts";
import type { Product } from "./product.ts";
import type { Attention } from "./read-attention.ts";
import { identity } from "./accumulators.ts";
import { serial } from "./serial.ts";
import { fills, finishInLoops, numbersOf, placeAll, sideOf, type Line } from "./tile-lines.ts";
import { tally, times as copies } from "./tile-time.ts";
import { TileWriter } from "./tile-writer.ts";

/** What a workgroup does at a time: its invocations along keys (or channels) and along queries, each with tiles of four by four; turns of a score's sum. */
export interface AttentionBlock {
  readonly across: number;
  readonly down: number;
  readonly turns: number;
}

/** 32 queries and 32 keys: 16 KiB of workgroup memory. */
const usual: AttentionBlock = { across: 8, down: 8, turns: 16 };
/** Channels that one workgroup has registers for. */
const mostChannels = 128;
/** Numbers of a block of values in workgroup memory. */
const mostValues = 2048;

/** True where attention in one kernel is worth it: what it saves is writing and reading all scores and weights. */
export function isWorthAttention({ scores, values }: Attention, profile: Profile): boolean {
  return profile.attention !== undefined && fitsAttention(values) && points(scores.columns).capacity >= profile.attention;
}

/** True where the registers of a workgroup hold the sums of its queries. */
export function fitsAttention(values: Product): boolean {
  return points(values.columns).capacity <= mostChannels;
}

const names = { left: "shared_left", right: "shared_right", weights: "shared_weights", rows: "shared_rows" } as const;

/** The kernel. */
export function attention(found: Attention, profile: Profile, { across, down, turns }: AttentionBlock = usual): BoundKernel {
  const [width, queries, keys] = [across * down, 4 * down, 4 * across];
  const { scores, values, nests: [, , last] } = found;
  const b = new KernelBuilder(found.nests.flatMap((n) => n.params), { vector: true, ranges: true });
  let channels = across * 4;
  while (channels < points(values.columns).capacity) channels *= 2;
  const valueTurns = Math.min(keys, mostValues / channels);
  const shapes: Readonly<Record<"query" | "key" | "value", FillShape>> = {
    query: { side: "row", length: queries, turns, along: alongOf(scores, "row"), width },
    key: { side: "column", length: keys, turns, along: alongOf(scores, "column"), width },
    value: { side: "column", length: channels, turns: valueTurns, along: alongOf(values, "column"), width },
  };
  const body: KernelStmt[] = [
    { kind: "shared", name: names.left, dtype: "f32", elements: turns * strideOf(shapes.query), fours: true },
    { kind: "shared", name: names.right, dtype: "f32", elements: Math.max(turns * strideOf(shapes.key), valueTurns * strideOf(shapes.value)), fours: true },
    { kind: "shared", name: names.weights, dtype: "f32", elements: keys * (queries / 4), fours: true },
    { kind: "shared", name: names.rows, dtype: "f32", elements: queries * across },
  ];
  const [rows, batch] = [sideOf(b, scores.rows, queries), sideOf(b, scores.batch, 1)];
  const launch = linear(dims.mul(batch.size, rows.size), rows.capacity * batch.capacity, batch.per * rows.per, profile);
  const live = { row: b.let(body, rows.live), batch: b.let(body, batch.live) };
  const inner: KernelStmt[] = [];
  const [rowBlock = int(0), batchAt = int(0)] = numbersOf(b, inner, workgroupBelow(b, inner, launch), [live.row, live.batch]);
  const at = coordinatesOf(b, inner, scores.batch, batchAt);
  const inValues = new Map([...found.same].flatMap(([axis, { values: its }]) => { const known = at.get(axis.id); return known ? [[its.id, known] as const] : []; }));
  for (const a of values.batch) if (a.extent === 1) inValues.set(a.id, int(0));
  const firstRow = b.let(inner, times(rowBlock, int(queries)));
  const [x, y] = laneGrid(b, inner, across, down);

  const sums = new TileWriter(b, { ...values, before: required(values.before, values.after), inside: [] }, { rows: 4, columns: channels / across });
  sums.know(inValues);
  const rowAt: Line = { axes: values.rows, length: 4, position: inFours(b, inner, firstRow, y, down), whole: fills(values.rows, queries) };
  const channelAt: Line = { axes: values.columns, length: channels / across, position: inFours(b, inner, int(0), x, across), whole: fills(values.columns, channels) };
  const rowInside = placeAll(b, inner, rowAt, (i, known) => sums.knowRow(i, known));
  const channelInside = placeAll(b, inner, channelAt, (j, known) => sums.knowColumn(j, known));
  sums.open(inner);
  const query = new BlockFill(b, scores, shapes.query, inner);
  query.know(at);
  query.open(firstRow, inner);
  const value = new BlockFill(b, values, shapes.value, inner);
  value.know(inValues);
  value.open(int(0), inner);
  const most = Array.from({ length: 4 }, () => b.variable(inner, identity("max", "f32")));
  const total = Array.from({ length: 4 }, () => b.variable(inner, constant(0)));
  const [count, depth] = [b.let(inner, b.size(points(scores.columns).live)), points(scores.fold.axes)];
  const length = b.let(inner, b.size(depth.live));
  const beyond = typeof depth.live === "number" && depth.live % turns === 0 ? undefined : length;

  b.loop(inner, int(0), b.let(inner, ceilOver(count, keys)), 1, (k, loop) => {
    const firstKey = b.let(loop, times(k, int(keys)));
    const tile = new TileWriter(b, { ...scores, before: required(scores.before, scores.after), inside: [] }, { rows: 4, columns: 4 });
    tile.know(at);
    const queryAt: Line = { ...rowAt, axes: scores.rows, whole: true };
    const keyAt: Line = { axes: scores.columns, length: 4, position: inFours(b, loop, firstKey, x, across), whole: false };
    placeAll(b, loop, queryAt, (i, known) => tile.knowRow(i, known));
    const keyInside = placeAll(b, loop, keyAt, (j, known) => tile.knowColumn(j, known));
    tile.open(loop);
    const key = new BlockFill(b, scores, shapes.key, loop);
    key.know(at);
    key.open(firstKey, loop);
    b.loop(loop, int(0), b.let(loop, ceilOver(length, turns)), 1, (part, some) => {
      const start = b.let(some, times(part, int(turns)));
      query.fill(names.left, start, beyond, some);
      key.fill(names.right, start, beyond, some);
      multiplyTurns(b, some, tile, turns, { stride: strideOf(shapes.query), name: names.left, groups: 1, apart: down, first: y }, { stride: strideOf(shapes.key), name: names.right, groups: 1, apart: across, first: x }, int(0));
    });
    const { score, seen } = scoresOf(b, found, tile, { at, row: rowAt, key: keyAt, inside: keyInside }, loop);
    // The largest so far, of each row.
    const larger = joinAcross(b, loop, score.map((row) => row.reduce((p, q) => op("max", "f32", [p, q]))), across, [y, x], (p, q) => op("max", "f32", [p, q]))
      .map((m, i) => b.let(loop, op("max", "f32", [m, most[i] ?? m])));
    const shrink = larger.map((m, i) => b.let(loop, call(found.exp, [op("sub", "f32", [most[i] ?? m, m])])));
    const weights = score.map((row, i) => row.map((s, j) => b.let(loop, op("select", "f32", [seen[i]?.[j] ?? constant(1, "bool"), call(found.exp, [op("sub", "f32", [s, larger[i] ?? s])]), constant(0)]))));
    loop.push({ kind: "barrier", scope: "workgroup" });
    for (let j = 0; j < 4; j++) {
      const index = plus(times(plus(times(x, int(4)), int(j)), int(queries / 4)), y);
      loop.push({ kind: "write_shared4", name: names.weights, index: b.let(loop, index), values: weights.map((row) => row[j] ?? constant(0)) });
    }
    const added = joinAcross(b, loop, weights.map((row) => row.reduce((p, q) => op("add", "f32", [p, q]))), across, [y, x], (p, q) => op("add", "f32", [p, q]));
    total.forEach((t, i) => {
      loop.push({ kind: "assign", id: t.id, value: op("add", "f32", [op("mul", "f32", [t, shrink[i] ?? t]), added[i] ?? t]) });
    });
    most.forEach((m, i) => {
      loop.push({ kind: "assign", id: m.id, value: larger[i] ?? m });
    });
    sums.change(loop, (sum, i) => op("mul", "f32", [sum, shrink[i] ?? sum]));
    b.loop(loop, int(0), int(keys / valueTurns), 1, (part, some) => {
      const offset = b.let(some, times(part, int(valueTurns)));
      value.fill(names.right, b.let(some, plus(firstKey, offset)), count, some);
      multiplyTurns(b, some, sums, valueTurns, { stride: queries / 4, name: names.weights, groups: 1, apart: down, first: y }, { stride: strideOf(shapes.value), name: names.right, groups: channels / across / 4, apart: across, first: x }, offset);
    });
  });
  // A row that sees no key has no weights.
  sums.change(inner, (sum, i) => op("select", "f32", [op("==", "bool", [total[i] ?? sum, constant(0)]), constant(0), op("div", "f32", [sum, total[i] ?? sum])]));
  if (copies(tally(values.after).operations, 4, channels / across) > ratios.longFinish) finishInLoops(b, sums, inner, "row", rowAt, channelAt);
  else sums.finish(inner, rowInside, channelInside);
  const all = b.let(body, times(live.batch, live.row));
  body.push({ kind: "if", condition: below(launch.workgroup, all), body: inner });
  return { ...finish(b, last, { family: "attention", width, launch }, body), name: "attention", nests: found.nests };
}

/** One side in workgroup memory: vectors a turn, its name, groups of four of an invocation, how far apart those are, and the number of the first. */
interface InMemory {
  readonly stride: number;
  readonly name: string;
  readonly groups: number;
  readonly apart: number;
  readonly first: Scalar;
}

/** Waits for a block, multiplies its turns, waits until all have. `offset`: the first turn on the left side. */
function multiplyTurns(b: KernelBuilder, out: KernelStmt[], writer: TileWriter, count: number, left: InMemory, right: InMemory, offset: Scalar): void {
  out.push({ kind: "barrier", scope: "workgroup" });
  b.loop(out, int(0), int(count / 2), 1, (pair, inner) => {
    const from = b.let(inner, times(pair, int(2)));
    const read = ({ stride, name, groups, apart, first }: InMemory, turn: Scalar): readonly Scalar[] => {
      const start = b.let(inner, plus(times(turn, int(stride)), first));
      return Array.from({ length: groups }, (_, q) => b.readShared4(inner, name, plus(start, int(q * apart)), "f32")).flat();
    };
    writer.add([0, 1].map((u) => ({ left: read(left, plus(plus(offset, from), int(u))), right: read(right, plus(from, int(u))) })), inner);
  });
  out.push({ kind: "barrier", scope: "workgroup" });
}

/** For each of an invocation's rows, what those that share the row have, joined in their order. */
function joinAcross(b: KernelBuilder, out: KernelStmt[], mine: readonly Scalar[], across: number, [y, x]: readonly [Scalar, Scalar], join: (p: Scalar, q: Scalar) => Scalar): readonly Scalar[] {
  const places = mine.map((_, i) => b.let(out, times(plus(times(y, int(4)), int(i)), int(across))));
  mine.forEach((value, i) => {
    out.push({ kind: "write_shared", name: names.rows, index: plus(places[i] ?? y, x), value: b.let(out, value) });
  });
  out.push({ kind: "barrier", scope: "workgroup" });
  return places.map((place) => {
    const parts = Array.from({ length: across }, (_, k) => b.readShared(out, names.rows, plus(place, int(k)), "f32"));
    return b.let(out, parts.reduce(join));
  });
}

interface Places {
  readonly at: ReadonlyMap<number, Scalar>;
  readonly row: Line;
  readonly key: Line;
  readonly inside: readonly (Scalar | undefined)[];
}

/** The scores of a tile as the softmax takes them, the lowest number where a key is not seen, and where it is. */
function scoresOf(b: KernelBuilder, { nests: [, softmax], before, most, score, same }: Attention, tile: TileWriter, { at, row, key, inside }: Places, out: KernelStmt[]) {
  const raw: KernelStmt[] = [];
  tile.finish(raw, [], []);
  const stored: Scalar[] = [];
  for (const s of raw) {
    if (s.kind === "store") stored.push(b.let(out, s.value));
    else out.push(s);
  }
  const [along] = most.axes;
  const cells = Array.from({ length: 4 }, (_, i) =>
    Array.from({ length: 4 }, (__, j) => {
      const scope: Scope = new Map(softmax.parallel.filter((a) => a.extent === 1).map((a) => [a.id, int(0)]));
      for (const [axis, its] of same) scope.set(its.softmax.id, at.get(axis.id) ?? row.position(int(i)));
      if (along) scope.set(along.id, key.position(int(j)));
      serial(b, before, scope, out);
      for (const s of most.body) {
        if (s === score) scope.set(s.id, stored[4 * i + j] ?? constant(0));
        else serial(b, [s], scope, out);
      }
      const here = inside[j] ?? constant(1, "bool");
      const seen = b.let(out, both(here, most.mask && b.substitute(most.mask, scope)));
      return { seen, value: b.let(out, op("select", "f32", [seen, b.substitute(most.value, scope), identity("max", "f32")])) };
    }));
  return { score: cells.map((r) => r.map((c) => c.value)), seen: cells.map((r) => r.map((c) => c.seen)) };
}
