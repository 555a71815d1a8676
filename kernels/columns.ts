/**
 * A workgroup owns some neighbouring points of the parallel axes whose folds go down columns of memory: its lanes stand in rows as wide as there are
 * points, so that each reads what its neighbours read beside, and each row of lanes takes every so-manieth turn of the folds. Then the rows join their parts.
 *
 *     s[c] = sum n in 16384 { x[n, c] } with 256 lanes, 32 columns:   lane (r, c) sums x[r, c], x[r + 8, c], …;  then rows 4, 2, 1 add what the others have
 *
 * Folds over the same elements share a loop, which takes some turns at once, so that several reads are on their way. Fits nests that fold and store; results
 * repeat, since the order is fixed. Barriers stand in uniform control flow, as in cooperative.ts, which is for folds along rows of memory.
 */
import type { Axis, KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { accumulate, type Fold, open } from "./accumulators.ts";
import { below, both, int, over as quotient, plus, rest, times } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { writesOnlyWhatItDoesNotRead } from "./cooperative.ts";
import { stepAlong } from "./index-terms.ts";
import { joinLanes, type Lanes } from "./join-lanes.ts";
import { joinedFolds } from "./joined-folds.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { dependsOf } from "./product.ts";
import { inStep, over, serial } from "./serial.ts";

/** With this many points a device is busy with one invocation each. */
const manyPoints = 65_536;
/** Points of a workgroup: as many numbers as a line of memory holds, or the part of it that is read by itself at least. */
const [mostColumns, fewestColumns] = [32, 8] as const;
/** Workgroups that keep a device busy. */
const wanted = 256;
const widest = 256;
/** Turns of a lane that are on their way together: as many as all lanes need to keep memory busy, which is some 2 MB on the largest GPUs. */
const [fewestAtOnce, mostAtOnce, onTheirWay] = [4, 16, 524_288] as const;

/** True where barriers are cheap, there are too few points for a device, and the long folds read neighbours at neighbouring points. */
export function isWorthColumns(nest: Nest, profile: Profile): boolean {
  const { columns: worth } = profile;
  if (!profile.barriers || !worth || points(nest.parallel).capacity >= manyPoints || points(nest.parallel).capacity < fewestColumns) return false;
  const last = nest.parallel.findLast((a) => a.extent !== 1);
  const folds = nest.body.filter((s) => s.kind === "fold");
  const long = folds.filter((f) => isLong(f, profile));
  if (points(nest.parallel).capacity * Math.max(0, ...long.map((f) => points(f.axes).capacity)) < worth.turns) return false;
  const fits = nest.body.every((s) => s.kind !== "each") && folds.every((f) => f.axes.every((a) => !a.below) && f.body.every((s) => s.kind === "let" || s.kind === "load"));
  return last !== undefined && fits && long.length > 0 && long.every((f) => goesDown(f, last, nest)) && writesOnlyWhatItDoesNotRead(nest);
}

/** Folds that are shorter are one invocation's. */
function isLong(fold: Fold, { columns: worth }: Profile): boolean {
  return worth !== undefined && points(fold.axes).capacity >= worth.fold;
}

/** Neighbouring points read neighbours, and what depends on the point does not lie side by side along the fold. */
function goesDown({ axes, body }: Fold, last: Axis, { parallel }: Nest): boolean {
  const own = new Map(parallel.map((a) => [a.id, new Set([a.id])]));
  const loads = body.flatMap((s) => (s.kind === "load" && dependsOf(s.index, own).size > 0 ? [s.index] : []));
  return loads.some((index) => stepAlong(index, last) === 1) && !loads.some((index) => axes.some((a) => a.capacity > 1 && stepAlong(index, a) === 1));
}

/** The kernel. */
export function columns(nest: Nest, profile: Profile, family: string): BoundKernel {
  const b = new KernelBuilder(nest.params, { steady: true, ranges: true });
  const { live, capacity } = points(nest.parallel);
  const long = nest.body.flatMap((s) => (s.kind === "fold" && isLong(s, profile) ? [s] : []));
  const longest = Math.max(...long.map((f) => sharedAxis(f)?.capacity ?? 1));
  let wide: number = mostColumns;
  while (wide > fewestColumns && capacity / wide < wanted) wide /= 2;
  let width = widest;
  while (width > 2 * wide && (width / wide) * fewestAtOnce > longest) width /= 2;
  const launch = linear(live, capacity, wide, profile);
  let atOnce: number = fewestAtOnce;
  while (atOnce < mostAtOnce && launch.workgroups * width * atOnce < onTheirWay && (width / wide) * atOnce * 2 <= longest) atOnce *= 2;
  const body: KernelStmt[] = [];
  const [column, row] = [b.let(body, rest(lane, int(wide))), b.let(body, quotient(lane, int(wide)))];
  const number = b.let(body, plus(times(launch.workgroup, int(wide)), column));
  const exact = live === launch.workgroups * wide && launch.isLine;
  const scope: Scope = new Map(coordinatesOf(b, body, nest.parallel, exact ? number : bounded(b, body, number, capacity)));
  const grid: Grid = { b, scope, row, rows: width / wide, atOnce, lanes: { width, beside: wide, subgroup: undefined, top: body, arrays: new Map() } };
  const last = nest.body.findLastIndex((s) => s.kind === "fold" && isLong(s, profile));
  for (const s of joinedFolds(nest.body.slice(0, last + 1))) {
    if (!("folds" in s)) serial(b, [s], scope, body);
    else if (s.folds.every((f) => isLong(f, profile))) foldDown(grid, s.folds, body);
    else serial(b, s.folds, scope, body);
  }
  // The first row of lanes does what follows.
  const ending: KernelStmt[] = [];
  serial(b, nest.body.slice(last + 1), scope, ending);
  body.push({ kind: "if", condition: both(below(lane, int(wide)), exact ? undefined : below(number, b.size(live))), body: ending });
  return finish(b, nest, { family: `${family}-columns`, width, launch }, body);
}

/** Lanes in rows. */
interface Grid {
  readonly b: KernelBuilder;
  readonly scope: Scope;
  readonly row: Scalar;
  readonly rows: number;
  readonly atOnce: number;
  readonly lanes: Lanes;
}

/** An axis as long as this is worth sharing, though another may be longer. */
const longAxis = 64;

/** The axis whose turns the rows of lanes share: the last that is long, or the longest. */
function sharedAxis({ axes }: Fold): Axis | undefined {
  return axes.reduce<Axis | undefined>((best, a) => (a.capacity >= longAxis || a.capacity >= (best?.capacity ?? 0) ? a : best), undefined);
}

/** Folds over the same elements, each row of lanes its turns, then all of them. */
function foldDown({ b, scope, row, rows, atOnce, lanes }: Grid, folds: readonly Fold[], out: KernelStmt[]): void {
  const [lead] = folds;
  const axis = lead && sharedAxis(lead);
  if (!lead || !axis) return;
  const mine = folds.map((fold) => open(b, fold, out));
  const turns = (indices: readonly Scalar[], at: KernelStmt[]): void => {
    const scopes = indices.map((index): Scope => new Map([...scope, [axis.id, index]]));
    folds.forEach((fold, f) => {
      fold.axes.forEach(({ id }, k) => {
        for (const s of scopes) s.set(id, s.get(lead.axes[k]?.id ?? id) ?? int(0));
      });
      inStep(b, fold.body, scopes, at);
      for (const s of scopes) accumulate(b, fold, s, mine[f] ?? [], at);
    });
  };
  over(b, lead.axes.filter((a) => a !== axis), [scope], out, (outer) => {
    const extent = b.size(axis.extent);
    const stride = rows * atOnce;
    const whole = b.let(outer, times(b.let(outer, quotient(extent, int(stride))), int(stride)));
    b.loop(outer, row, whole, stride, (index, inner) => turns(Array.from({ length: atOnce }, (_, u) => plus(index, int(u * rows))), inner));
    if (typeof axis.extent === "number" && axis.extent % stride === 0) return;
    b.loop(outer, b.let(outer, plus(row, whole)), extent, rows, (index, inner) => turns([index], inner));
  });
  folds.forEach((fold, f) => {
    const results = joinLanes(b, fold, mine[f] ?? [], lanes, out);
    fold.results.forEach((id, k) => {
      const value = results[k];
      if (value) scope.set(id, value);
    });
  });
}
