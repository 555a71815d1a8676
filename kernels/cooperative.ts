/**
 * A workgroup owns one point of the parallel axes: its invocations share each long fold, every so-manieth element each, join
 * their parts in a tree through workgroup memory, and share the loops that write. The rest of the body all of them run alike.
 *
 *     s = sum i in 4096 { x[i] } with 64 lanes:   lane l sums x[l], x[l+64], …;  then 32, 16, … 1 lanes add pairs
 *
 * Fits nests that write no buffer they read: lanes do not run in step. Barriers stand in uniform control flow: loops
 * around them are bounded by constants and parameters, and what lies beyond the live points is skipped by whole workgroups.
 */
import type { Axis, KernelStmt, Nest, Profile, Stmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, int, plus } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { accumulate, combine, open, over, serial, type Accumulator, type Fold } from "./serial.ts";

/** Folds shorter than this are not worth a barrier. */
const longFold = 64;
/** With this many results a device is busy with one invocation each. */
const manyResults = 8192;
const widest = 256;

/** True where barriers are cheap, some fold is long, and there are too few results to fill the device otherwise. */
export function isWorthCooperating(nest: Nest, profile: Profile): boolean {
  if (!profile.barriers) return false;
  const folds = nest.body.filter((s) => s.kind === "fold");
  const longest = Math.max(0, ...folds.map((f) => points(f.axes).capacity));
  return longest >= longFold && points(nest.parallel).capacity < manyResults && writesOnlyWhatItDoesNotRead(nest);
}

function writesOnlyWhatItDoesNotRead(nest: Nest): boolean {
  const read = new Set<number>();
  const written = new Set<number>();
  const visit = (stmts: readonly Stmt[]): void => {
    for (const s of stmts) {
      if (s.kind === "load") read.add(s.buffer.id);
      else if (s.kind === "store") written.add(s.buffer.id);
      else if (s.kind !== "let") visit(s.body);
    }
  };
  visit(nest.body);
  return [...written].every((id) => !read.has(id));
}

/** Two lanes or more for each element of the longest fold would idle. */
function widthFor(nest: Nest): number {
  const longest = Math.max(...nest.body.map((s) => (s.kind === "fold" ? points(s.axes).capacity : 1)));
  let width = longFold;
  while (width < widest && width * 4 <= longest) width *= 2;
  return width;
}

/** The kernel with a workgroup for each point of the parallel axes. */
export function cooperative(nest: Nest, profile: Profile, family: string): BoundKernel {
  const b = new KernelBuilder(nest.params);
  const { live, capacity } = points(nest.parallel);
  const width = widthFor(nest);
  const launch = linear(live, capacity, 1, profile);
  const { workgroup } = launch;
  const body: KernelStmt[] = [];
  const arrays = new Map<string, string>();
  const inner: KernelStmt[] = [];
  const exact = typeof live === "number" && launch.isLine;
  const scope: Scope = new Map(coordinatesOf(b, inner, nest.parallel, exact ? workgroup : bounded(b, inner, workgroup, capacity)));
  for (const s of nest.body) {
    if (s.kind === "fold" && points(s.axes).capacity >= longFold) shareFold(b, s, scope, width, body, arrays, inner);
    else if (s.kind === "each") shareLoop(b, s.axis, s.body, scope, width, inner);
    else if (s.kind === "store") {
      const alone: KernelStmt[] = [];
      serial(b, [s], scope, alone);
      inner.push({ kind: "if", condition: op("==", "bool", [lane, int(0)]), body: alone });
    } else serial(b, [s], scope, inner);
  }
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(workgroup, b.size(live)), body: inner });
  return finish(b, nest, { family: `${family}-workgroup`, width, launch }, body);
}

/** The first axis (the longest run in memory is last, but lanes side by side want neighbours): lanes take turns on the last long axis. */
function sharedAxis(axes: readonly Axis[]): Axis | undefined {
  return axes.reduce<Axis | undefined>((best, a) => (a.capacity >= longFold || a.capacity >= (best?.capacity ?? 0) ? a : best), undefined);
}

function strided(b: KernelBuilder, axis: Axis, scope: Scope, width: number, out: KernelStmt[], body: (inner: KernelStmt[]) => void): void {
  b.loop(out, lane, b.size(axis.extent), width, (index, inner) => {
    scope.set(axis.id, index);
    body(inner);
  });
}

function shareLoop(b: KernelBuilder, axis: Axis, stmts: readonly Stmt[], scope: Scope, width: number, out: KernelStmt[]): void {
  strided(b, axis, scope, width, out, (inner) => serial(b, stmts, scope, inner));
}

function shareFold(b: KernelBuilder, fold: Fold, scope: Scope, width: number, top: KernelStmt[], arrays: Map<string, string>, out: KernelStmt[]): void {
  const mine = open(b, fold, out);
  const shared = sharedAxis(fold.axes);
  const turn = (axes: readonly Axis[], at: KernelStmt[]): void => {
    const [axis, ...more] = axes;
    if (!axis) {
      serial(b, fold.body, scope, at);
      accumulate(b, fold, scope, mine, at);
    } else if (axis === shared) strided(b, axis, scope, width, at, (inner) => turn(more, inner));
    else over(b, [axis], [scope], at, (inner) => turn(more, inner));
  };
  turn(fold.axes, out);
  const results = tree(b, fold, mine, width, top, arrays, out);
  fold.results.forEach((id, k) => {
    const value = results[k];
    if (value) scope.set(id, value);
  });
}

/** Joins the lanes' parts pairwise, lower lane first, and gives every lane the result. */
function tree(
  b: KernelBuilder, fold: Fold, mine: readonly Accumulator[], width: number, top: KernelStmt[], arrays: Map<string, string>, out: KernelStmt[],
): readonly Scalar[] {
  const names = mine.map((m, k) => {
    const stored = m.dtype === "bool" ? "u32" : m.dtype;
    const key = `${stored} ${k}`;
    const known = arrays.get(key);
    if (known) return known;
    const name = `shared_${stored}_${k}`;
    arrays.set(key, name);
    top.unshift({ kind: "shared", name, dtype: stored, elements: width });
    return name;
  });
  const publish = (at: KernelStmt[]): void =>
    mine.forEach((m, k) => {
      at.push({ kind: "write_shared", name: names[k] ?? "", index: lane, value: m.dtype === "bool" ? op("cast", "u32", [m]) : m });
    });
  const read = (at: KernelStmt[], index: Scalar): Scalar[] =>
    mine.map((m, k) => {
      const value = b.readShared(at, names[k] ?? "", index, m.dtype === "bool" ? "u32" : m.dtype);
      return m.dtype === "bool" ? b.let(at, op("!=", "bool", [value, constant(0, "u32")])) : value;
    });
  publish(out);
  out.push({ kind: "barrier", scope: "workgroup" });
  for (let half = width / 2; half >= 1; half /= 2) {
    const active: KernelStmt[] = [];
    const theirs = read(active, plus(lane, int(half)));
    if (fold.monoid === "argmax") firstWins(b, mine, theirs, active);
    else combine(b, fold.monoid, mine, theirs, undefined, active);
    publish(active);
    out.push({ kind: "if", condition: below(lane, int(half)), body: active }, { kind: "barrier", scope: "workgroup" });
  }
  const results = read(out, int(0));
  // The arrays are used again by the next fold: nobody writes before all have read.
  out.push({ kind: "barrier", scope: "workgroup" });
  return results;
}

/** Lanes hold interleaved elements, so of equal values the smaller position wins. */
function firstWins(b: KernelBuilder, mine: readonly Accumulator[], theirs: readonly Scalar[], out: KernelStmt[]): void {
  const [best, at] = mine;
  const [value, position] = theirs;
  if (!best || !at || !value || !position) return;
  const larger = op(">", "bool", [value, best]);
  const earlier = op("and", "bool", [op("==", "bool", [value, best]), below(position, at)]);
  const better = b.let(out, op("or", "bool", [larger, earlier]));
  out.push({ kind: "assign", id: best.id, value: op("select", best.dtype, [better, value, best]) });
  out.push({ kind: "assign", id: at.id, value: op("select", "i32", [better, position, at]) });
}
