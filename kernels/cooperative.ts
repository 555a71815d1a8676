/**
 * A workgroup owns one point of the parallel axes: its invocations share each long fold, every so-manieth element each, join
 * their parts (join-lanes.ts), and share the loops that write. The rest of the body all of them run alike. Where a lane has few elements
 * of a row, they stay in its registers: read once, whatever is folded and written from them.
 *
 *     s = sum i in 4096 { x[i] } with 64 lanes:   lane l sums x[l], x[l+64], …;  then 32, 16, … 1 lanes add pairs
 *
 * Fits nests that write no buffer they read: lanes do not run in step. Barriers stand in uniform control flow: loops
 * around them are bounded by constants and parameters, and what lies beyond the live points is skipped by whole workgroups.
 */
import type { Axis, KernelStmt, Nest, Profile, Stmt } from "../src/ir/kernel.ts";
import { op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, int, plus } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { stepAlong } from "./index-terms.ts";
import { joinLanes, type Lanes } from "./join-lanes.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { accumulate, open, type Fold } from "./accumulators.ts";
import { over, serial } from "./serial.ts";

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
  const b = new KernelBuilder(nest.params, { steady: true });
  const { live, capacity } = points(nest.parallel);
  const width = widthFor(nest);
  const launch = linear(live, capacity, 1, profile);
  const { workgroup } = launch;
  const body: KernelStmt[] = [];
  const inner: KernelStmt[] = [];
  const exact = typeof live === "number" && launch.isLine;
  const scope: Scope = new Map(coordinatesOf(b, inner, nest.parallel, exact ? workgroup : bounded(b, inner, workgroup, capacity)));
  const row = new SharedRow(b, scope, { width, subgroup: profile.subgroup, top: body, arrays: new Map() }, isHeld(nest, width));
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
function isHeld(nest: Nest, width: number): boolean {
  const shared = nest.body.flatMap((s) => (s.kind === "fold" && points(s.axes).capacity >= longFold ? [{ axes: s.axes, body: s.body }] : s.kind === "each" ? [{ axes: [s.axis], body: s.body }] : []));
  const turns = Math.max(...shared.map(({ axes }) => Math.ceil(points(axes).capacity / width)));
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

  constructor(b: KernelBuilder, scope: Scope, lanes: Lanes, held: boolean) {
    this.b = b;
    this.scope = scope;
    this.lanes = lanes;
    this.held = held;
  }

  each(axis: Axis, stmts: readonly Stmt[], out: KernelStmt[]): void {
    const { b, scope } = this;
    if (!this.held) {
      this.strided(axis, out, (inner) => serial(b, stmts, scope, inner));
      return;
    }
    this.unrolled(axis, out, (alive) => {
      for (const s of stmts) {
        if (s.kind !== "store" || !alive) {
          serial(b, [s], scope, out);
          continue;
        }
        const own: KernelStmt[] = [];
        serial(b, [s], scope, own);
        out.push({ kind: "if", condition: alive, body: own });
      }
    });
  }

  fold(fold: Fold, out: KernelStmt[]): void {
    const { b, scope } = this;
    const mine = open(b, fold, out);
    const shared = sharedAxis(fold.axes);
    const turn = (axes: readonly Axis[], at: KernelStmt[]): void => {
      const [axis, ...more] = axes;
      if (!axis) {
        serial(b, fold.body, scope, at);
        accumulate(b, fold, scope, mine, at);
      } else if (axis === shared && this.held)
        this.unrolled(axis, at, (alive) => {
          for (const a of more) scope.set(a.id, int(0));
          serial(b, fold.body, scope, at);
          accumulate(b, fold, scope, mine, at, alive);
        });
      else if (axis === shared) this.strided(axis, at, (inner) => turn(more, inner));
      else over(b, [axis], [scope], at, (inner) => turn(more, inner));
    };
    turn(fold.axes, out);
    const results = joinLanes(b, fold, mine, this.lanes, out);
    fold.results.forEach((id, k) => {
      const value = results[k];
      if (value) scope.set(id, value);
    });
  }

  private strided(axis: Axis, out: KernelStmt[], body: (inner: KernelStmt[]) => void): void {
    this.b.loop(out, lane, this.b.size(axis.extent), this.lanes.width, (index, inner) => {
      this.scope.set(axis.id, index);
      body(inner);
    });
  }

  /** The same without a loop: equal loads and values of several passes are one. `alive`: where an element may lie beyond the row. */
  private unrolled(axis: Axis, out: KernelStmt[], body: (alive: Scalar | undefined) => void): void {
    const { b, lanes: { width } } = this;
    for (let start = 0; start < axis.capacity; start += width) {
      const index = plus(lane, int(start));
      this.scope.set(axis.id, index);
      body(axis.extent === axis.capacity && start + width <= axis.capacity ? undefined : b.let(out, below(index, b.size(axis.extent))));
    }
  }
}
