/**
 * A workgroup owns one point of the parallel axes: its invocations share each long fold, every so-manieth element each, join
 * their parts (join-lanes.ts), and share the loops that write. The rest of the body all of them run alike. Where a lane has few elements
 * of a row, they stay in its registers: read once, whatever is folded and written from them. Elements that lie side by side a lane takes by fours.
 *
 *     s = sum i in 4096 { x[i] } with 64 lanes:   lane l sums x[l], x[l+64], …;  then 32, 16, … 1 lanes add pairs
 *
 * Fits nests that write no buffer they read: lanes do not run in step. Barriers stand in uniform control flow: loops
 * around them are bounded by constants and parameters, and what lies beyond the live points is skipped by whole workgroups.
 */
import type { Axis, KernelStmt, Nest, Profile, Stmt } from "../src/ir/kernel.ts";
import { op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, int, plus, times } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { stepAlong } from "./index-terms.ts";
import { joinLanes, type Lanes } from "./join-lanes.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { accumulate, open, type Fold } from "./accumulators.ts";
import { accessesOf, isWorthQuads, reachAlong } from "./quads.ts";
import { inStep, over, serial } from "./serial.ts";

/** Folds shorter than this are not worth a barrier. */
const longFold = 64;
/** With this many results a device is busy with one invocation each, and those of neighbours that go down columns read neighbours. */
const manyColumns = 1024;
const widest = 256;
/** Elements of a row, and loads, that a lane keeps in registers. */
const mostHeld = 16;
const mostHeldLoads = 64;

/** True where barriers are cheap and some fold is long, along a row of memory or with too few results to fill the device otherwise. */
export function isWorthCooperating(nest: Nest, profile: Profile): boolean {
  if (!profile.barriers) return false;
  const folds = nest.body.filter((s) => s.kind === "fold");
  const longest = Math.max(0, ...folds.map((f) => points(f.axes).capacity));
  return longest >= longFold && (points(nest.parallel).capacity < manyColumns || folds.some(isAlongMemory)) && writesOnlyWhatItDoesNotRead(nest);
}

/** Lanes that share the fold read neighbours. */
function isAlongMemory(fold: Fold): boolean {
  const axis = sharedAxis(fold.axes);
  return axis !== undefined && fold.body.some((s) => s.kind === "load" && stepAlong(s.index, axis) === 1);
}

/** True where no buffer is both read and written. */
export function writesOnlyWhatItDoesNotRead(nest: Nest): boolean {
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

/** Two lanes or more for each element of the longest fold (or each four of them) would idle. */
function widthFor(nest: Nest, each: 1 | 4): number {
  const longest = Math.max(...nest.body.map((s) => (s.kind === "fold" ? points(s.axes).capacity : 1)));
  let width = longFold;
  while (width < widest && width * (each === 1 ? 4 : 8) <= longest) width *= 2;
  return width;
}

/** What lanes share: long folds, and the loops that write. */
function sharedLoops(nest: Nest): readonly { readonly axes: readonly Axis[]; readonly body: readonly Stmt[] }[] {
  return nest.body.flatMap((s) => (s.kind === "fold" && points(s.axes).capacity >= longFold ? [{ axes: s.axes, body: s.body }] : s.kind === "each" ? [{ axes: [s.axis], body: s.body }] : []));
}

/** True where lanes take four neighbours of a row each, which are one access: in all that they share, where there is enough of it and none of the narrowest workgroup's would idle. */
function isInFours(nest: Nest, { vector }: Profile): boolean {
  if (!vector || points(nest.parallel).capacity * accessesOf(nest.body) < vector.accesses) return false;
  return sharedLoops(nest).every(({ axes, body }) => {
    const axis = sharedAxis(axes);
    return axis !== undefined && axis.extent === axis.capacity && axis.capacity % 4 === 0 && axis.capacity >= 4 * longFold && !axis.below && body.every((s) => s.kind !== "fold" && s.kind !== "each") && isWorthQuads(reachAlong(body, axis.id));
  });
}

/** The kernel with a workgroup for each point of the parallel axes. */
export function cooperative(nest: Nest, profile: Profile, family: string): BoundKernel {
  const each = isInFours(nest, profile) ? 4 : 1;
  const b = new KernelBuilder(nest.params, { steady: true, vector: each === 4 });
  const { live, capacity } = points(nest.parallel);
  const width = widthFor(nest, each);
  const launch = linear(live, capacity, 1, profile);
  const { workgroup } = launch;
  const body: KernelStmt[] = [];
  const inner: KernelStmt[] = [];
  const exact = typeof live === "number" && launch.isLine;
  const scope: Scope = new Map(coordinatesOf(b, inner, nest.parallel, exact ? workgroup : bounded(b, inner, workgroup, capacity)));
  const row = new SharedRow(b, scope, { width, subgroup: profile.subgroup, top: body, arrays: new Map() }, isHeld(nest, width, each), each);
  for (const s of nest.body) {
    if (s.kind === "fold" && points(s.axes).capacity >= longFold) row.fold(s, inner);
    else if (s.kind === "each") row.each(s.axis, s.body, inner);
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

/** True where each lane's elements of the row are few enough to stay in registers from one fold to the next. */
function isHeld(nest: Nest, width: number, each: 1 | 4): boolean {
  const shared = sharedLoops(nest);
  const turns = Math.max(...shared.map(({ axes }) => each * Math.ceil(points(axes).capacity / (each * width))));
  const loads = shared.reduce((n, { body }) => n + body.filter((s) => s.kind === "load").length, 0);
  return shared.every(({ axes, body }) => axes.filter((a) => a.extent !== 1).length === 1 && body.every((s) => s.kind === "let" || s.kind === "load" || s.kind === "store"))
    && turns <= mostHeld && turns * loads <= mostHeldLoads;
}

/** The first axis (the longest run in memory is last, but lanes side by side want neighbours): lanes take turns on the last long axis. */
function sharedAxis(axes: readonly Axis[]): Axis | undefined {
  return axes.reduce<Axis | undefined>((best, a) => (a.capacity >= longFold || a.capacity >= (best?.capacity ?? 0) ? a : best), undefined);
}

/** What lanes do together along a row. */
class SharedRow {
  private readonly b: KernelBuilder;
  private readonly scope: Scope;
  private readonly lanes: Lanes;
  private readonly held: boolean;
  /** Neighbours that a lane takes at once. */
  private readonly neighbours: 1 | 4;

  constructor(b: KernelBuilder, scope: Scope, lanes: Lanes, held: boolean, neighbours: 1 | 4) {
    this.b = b;
    this.scope = scope;
    this.lanes = lanes;
    this.held = held;
    this.neighbours = neighbours;
  }

  each(axis: Axis, stmts: readonly Stmt[], out: KernelStmt[]): void {
    const { b } = this;
    if (!this.held) {
      this.strided(axis, out, (scopes, inner) => inStep(b, stmts, scopes, inner));
      return;
    }
    this.unrolled(axis, out, (scopes, alive) => {
      for (const s of stmts) {
        if (s.kind !== "store" || !alive) {
          inStep(b, [s], scopes, out);
          continue;
        }
        const own: KernelStmt[] = [];
        inStep(b, [s], scopes, own);
        out.push({ kind: "if", condition: alive, body: own });
      }
    });
  }

  fold(fold: Fold, out: KernelStmt[]): void {
    const { b, scope } = this;
    const mine = open(b, fold, out);
    const shared = sharedAxis(fold.axes);
    const take = (scopes: readonly Scope[], at: KernelStmt[], alive?: Scalar): void => {
      inStep(b, fold.body, scopes, at);
      for (const s of scopes) accumulate(b, fold, s, mine, at, alive);
    };
    const turn = (axes: readonly Axis[], scopes: readonly Scope[], at: KernelStmt[]): void => {
      const [axis, ...more] = axes;
      if (!axis) take(scopes, at);
      else if (axis === shared && this.held)
        this.unrolled(axis, at, (fours, alive) => {
          for (const s of fours) for (const a of more) s.set(a.id, int(0));
          take(fours, at, alive);
        });
      else if (axis === shared) this.strided(axis, at, (fours, inner) => turn(more, fours, inner));
      else over(b, [axis], scopes, at, (inner) => turn(more, scopes, inner));
    };
    turn(fold.axes, [scope], out);
    const results = joinLanes(b, fold, mine, this.lanes, out);
    fold.results.forEach((id, k) => {
      const value = results[k];
      if (value) scope.set(id, value);
    });
  }

  /** The scopes of a lane's neighbours from a position on; alone it is the row's own. */
  private from(axis: Axis, first: Scalar): readonly Scope[] {
    if (this.neighbours === 1) {
      this.scope.set(axis.id, first);
      return [this.scope];
    }
    return [0, 1, 2, 3].map((u): Scope => new Map([...this.scope, [axis.id, plus(first, int(u))]]));
  }

  private strided(axis: Axis, out: KernelStmt[], body: (scopes: readonly Scope[], inner: KernelStmt[]) => void): void {
    const { b, neighbours } = this;
    // A position that is a multiple of four by what it is computed from: so are its accesses.
    if (neighbours === 1) b.loop(out, lane, b.size(axis.extent), this.lanes.width, (index, inner) => body(this.from(axis, index), inner));
    else b.loop(out, lane, int(axis.capacity / 4), this.lanes.width, (index, inner) => body(this.from(axis, b.let(inner, times(index, int(4)))), inner));
  }

  /** The same without a loop: equal loads and values of several passes are one. `alive`: where elements may lie beyond the row. */
  private unrolled(axis: Axis, out: KernelStmt[], body: (scopes: readonly Scope[], alive: Scalar | undefined) => void): void {
    const { b, neighbours, lanes: { width } } = this;
    for (let start = 0; start < axis.capacity; start += neighbours * width) {
      const index = plus(times(lane, int(neighbours)), int(start));
      body(this.from(axis, index), axis.extent === axis.capacity && start + neighbours * width <= axis.capacity ? undefined : b.let(out, below(index, b.size(axis.extent))));
    }
  }
}
