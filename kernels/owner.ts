/**
 * One invocation owns one point of the parallel axes and runs the nest's body for it, serially. The core of the families
 * `pointwise`, `reduce` and `row`.
 *
 *     h[b, o] for b < N (at most 64), o < 32     ->     item = workgroup*128 + lane; if item < N*32 { b = item/32; o = item%32; … }
 *
 * Or four neighbouring points at once, where most of what they read and write lies side by side:
 *
 *     if 4·item < N*32 { b = item/8; o = 4·(item%8) + (0, 1, 2, 3); … }
 *
 * Or several such fours, one after the other, where what each does is little beside beginning an invocation.
 */
import type { Axis, KernelStmt, Nest, Profile, Stmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { prices, ratios } from "../src/schedule/prices.ts";
import { int, below, plus, times } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { accessesOf, fillsItsBuffers, isWorthQuads, joinAxes, type Joined, reachAlong } from "./quads.ts";
import { inStep, serial } from "./serial.ts";

/** Workgroups that keep a device busy; smaller workgroups are used to reach it. */
const wantedWorkgroups = 16;
const smallestWorkgroup = 16;
/** Invocations of the smallest workgroup of quads: a multiple of what a processor runs in step. */
const smallestOfQuads = { software: 4, gpu: 32 } as const;
/** Points, or fours of them, that an invocation takes at most: with more it goes no faster. */
const mostTurns = 16;

/** The kernel with at most `invocations` a workgroup, fewer where that would leave a device idle. */
export function owner(nest: Nest, profile: Profile, family: string, invocations: number): BoundKernel {
  const { capacity } = points(nest.parallel);
  const line = nest.parallel.at(-1)?.capacity ?? 1;
  const each = turnsEach(nest, profile, { items: capacity, line, mayEnd: true, each: accessesOf(nest.body) });
  return ownerOf(nest, profile, family, { width: workgroupFor(Math.ceil(capacity / each), invocations), each });
}

/** How a kernel is cut. */
interface Cut {
  readonly width: number;
  /** Points, or fours of them, that an invocation takes, one after the other. */
  readonly each: number;
}

function ownerOf(nest: Nest, profile: Profile, family: string, { width, each }: Cut): BoundKernel {
  const { live, capacity } = points(nest.parallel);
  const b = new KernelBuilder(nest.params, { vector: profile.vector !== undefined && capacity * accessesOf(nest.body) >= profile.vector.accesses, bounded: profile.bounded === true, joint: profile.joint === true, onePass: profile.onePass === true, work: { invocations: capacity, profile } });
  const per = width * each;
  const launch = linear(live, capacity, per, profile);
  const body: KernelStmt[] = [];
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const exact = live === launch.workgroups * per && launch.isLine;
  const scope: Scope = new Map();
  const point = (number: Scalar, stmts: readonly Stmt[], out: KernelStmt[]): void => {
    const inner: KernelStmt[] = exact ? out : [];
    const safe = exact ? number : bounded(b, inner, number, capacity);
    for (const [id, at] of coordinatesOf(b, inner, nest.parallel, safe)) scope.set(id, at);
    serial(b, stmts, scope, inner);
    if (!exact) out.push({ kind: "if", condition: below(number, b.size(live)), body: inner });
  };
  const last = nest.parallel.at(-1);
  if (each === 1 || !last) point(item, nest.body, body);
  else if (nest.parallel.length > 1 && last.extent === last.capacity && last.capacity % each === 0) {
    // Points of one line: where it is stands before the loop.
    const inner: KernelStmt[] = exact ? body : [];
    const safe = exact ? item : bounded(b, inner, item, capacity / each);
    for (const [id, at] of coordinatesOf(b, inner, [...nest.parallel.slice(0, -1), { ...last, extent: last.capacity / each, capacity: last.capacity / each }], safe)) scope.set(id, at);
    const first = b.let(inner, times(scope.get(last.id) ?? int(0), int(each)));
    const [alike, own] = withoutAxes(nest, [last]);
    serial(b, alike, scope, inner);
    b.loop(inner, int(0), int(each), 1, (turn, loop) => {
      scope.set(last.id, b.let(loop, plus(first, turn)));
      serial(b, own, scope, loop);
    });
    if (!exact) body.push({ kind: "if", condition: below(times(item, int(each)), b.size(live)), body: inner });
  } else {
    const [alike, own] = withoutAxes(nest);
    serial(b, alike, scope, body);
    const first = b.let(body, times(item, int(each)));
    b.loop(body, int(0), int(each), 1, (turn, inner) => point(b.let(inner, plus(first, turn)), own, inner));
  }
  return finish(b, nest, { family, width, launch, rebind: (other) => ownerOf(nest, profile, family, { width: other, each }) }, body);
}

/** Beginning an invocation, with what it makes of caches, may come to so small a part of what it does. */
const ofBeginning = 128;

/**
 * How many items (points, or fours) an invocation takes in turn: until beginning it shows no more, of a line at most, and while enough
 * invocations are left; `mayEnd` where a line may end among them.
 */
function turnsEach(nest: Nest, { several, name }: Profile, { items, line, mayEnd, each }: { readonly items: number; readonly line: number; readonly mayEnd: boolean; readonly each: number }): number {
  if (several === undefined || nest.parallel.length === 0) return 1;
  const { start, access } = prices[name];
  const most = Math.max(1, Math.min(mostTurns, Math.ceil((ofBeginning * start) / (Math.max(1, each) * access)), Math.floor(items / several)));
  let even = most;
  while (line % even !== 0) even--;
  return mayEnd && 2 * even < most ? most : even;
}

/** The kernel with four neighbouring points an invocation, or several fours; undefined where that brings nothing. */
export function quads(nest: Nest, profile: Profile, family: string, invocations: number): BoundKernel | undefined {
  if (!profile.vector || nest.parallel.length === 0) return undefined;
  const joined = joinAxes(nest);
  const last = joined.axes.at(-1);
  if (!last || !((last.extent === last.capacity && last.capacity % 4 === 0) || fillsItsBuffers(nest, joined))) return undefined;
  const reach = reachAlong(nest.body, last.id, joined.still);
  const { capacity } = points(joined.axes);
  const items = Math.ceil(capacity / 4);
  if (!isWorthQuads(reach) || items < profile.vector.invocations || capacity * (reach.wide + reach.apart) < profile.vector.accesses) return undefined;
  const each = turnsEach(nest, profile, { items, line: Math.ceil(last.capacity / 4), mayEnd: joined.axes.length === 1, each: ratios.wide * accessesOf(nest.body) });
  return quadsOf(nest, joined, last, profile, family, { width: workgroupFor(Math.ceil(items / each), invocations, smallestOfQuads[profile.name]), each });
}

function quadsOf(nest: Nest, joined: Joined, last: Axis, profile: Profile, family: string, { width, each }: Cut): BoundKernel {
  const { live, capacity } = points(joined.axes);
  const b = new KernelBuilder(nest.params, { vector: true, work: { invocations: capacity / 4 / each, profile } });
  const length = 4 * each;
  const per = length * width;
  const launch = linear(live, capacity, per, profile);
  const body: KernelStmt[] = [];
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const exact = live === launch.workgroups * per && launch.isLine;
  const inner: KernelStmt[] = [];
  const safe = exact ? item : bounded(b, inner, item, Math.ceil(capacity / length));
  // Along the last axis, quads or several of them; last ones that are not whole belong to an axis by itself.
  const whole = typeof last.extent === "number" ? Math.ceil(last.extent / length) : last.extent;
  const known = coordinatesOf(b, inner, [...joined.axes.slice(0, -1), { ...last, extent: whole, capacity: Math.ceil(last.capacity / length) }], safe);
  const scope: Scope = new Map([...known, ...[...joined.still].map((id) => [id, int(0)] as const)]);
  const at = known.get(last.id) ?? int(0);
  const four = (start: Scalar, stmts: readonly Stmt[], out: KernelStmt[]): void => inStep(b, stmts, [0, 1, 2, 3].map((k): Scope => new Map([...scope, [last.id, plus(start, int(k))]])), out);
  if (each === 1) four(b.let(inner, times(at, int(4))), nest.body, inner);
  else {
    const [alike, own] = withoutAxes(nest, [last]);
    serial(b, alike, scope, inner);
    const first = b.let(inner, times(at, int(each)));
    // Fours beyond the end of an axis that is cut unevenly are another invocation's, or nobody's.
    const isEven = exact || (last.extent === last.capacity && last.capacity % length === 0);
    b.loop(inner, int(0), int(each), 1, (turn, loop) => {
      const number = b.let(loop, plus(first, turn));
      const body: KernelStmt[] = isEven ? loop : [];
      const start = b.let(body, times(isEven ? number : bounded(b, body, number, Math.ceil(capacity / 4)), int(4)));
      four(start, own, body);
      if (!isEven) loop.push({ kind: "if", condition: below(times(number, int(4)), b.size(live)), body });
    });
  }
  const rebind = (other: number): BoundKernel => quadsOf(nest, joined, last, profile, family, { width: other, each });
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(times(item, int(length)), b.size(live)), body: inner });
  return finish(b, nest, { family: `${family}-quads`, width, launch, rebind }, body);
}

/** The kernel with two neighbouring points an invocation, which read once what both of them read in all turns of their loops; undefined where that brings nothing. */
export function pairs(nest: Nest, profile: Profile, family: string, invocations: number): BoundKernel | undefined {
  const last = nest.parallel.at(-1);
  const { capacity } = points(nest.parallel);
  if (profile.several === undefined || !profile.vector || !last || last.extent !== last.capacity || last.capacity % 2 !== 0) return undefined;
  if (2 * capacity < profile.several || capacity * accessesOf(nest.body) < profile.vector.accesses) return undefined;
  const { shared, apart, mixes, operations } = reachAlong(nest.body, last.id);
  const b = new KernelBuilder(nest.params, { work: { invocations: capacity / 2, profile } });
  const four = ratios.wide / 4;
  const text = { accesses: statementsOf(nest.body), operations: 4 * operations };
  return mixes && shared > 0 && b.isWorthText({ turns: 0, accesses: four * shared }, text) && apart > 0 ? pairsOf(nest, last, profile, family, workgroupFor(capacity / 2, invocations)) : undefined;
}

function pairsOf(nest: Nest, last: Axis, profile: Profile, family: string, width: number): BoundKernel {
  const { live, capacity } = points(nest.parallel);
  const b = new KernelBuilder(nest.params, { vector: true, bounded: profile.bounded === true, joint: profile.joint === true, onePass: profile.onePass === true, work: { invocations: capacity / 2, profile } });
  const launch = linear(live, capacity, 2 * width, profile);
  const body: KernelStmt[] = [];
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const exact = live === launch.workgroups * 2 * width && launch.isLine;
  const inner: KernelStmt[] = exact ? body : [];
  const safe = exact ? item : bounded(b, inner, item, capacity / 2);
  const known = coordinatesOf(b, inner, [...nest.parallel.slice(0, -1), { ...last, extent: last.capacity / 2, capacity: last.capacity / 2 }], safe);
  const first = b.let(inner, times(known.get(last.id) ?? int(0), int(2)));
  inStep(b, nest.body, [0, 1].map((k): Scope => new Map([...known, [last.id, plus(first, int(k))]])), inner);
  if (!exact) body.push({ kind: "if", condition: below(times(item, int(2)), b.size(live)), body: inner });
  return finish(b, nest, { family: `${family}-pairs`, width, launch, rebind: (other) => pairsOf(nest, last, profile, family, other) }, body);
}

/** Loads and stores in the text. */
function statementsOf(stmts: readonly Stmt[]): number {
  return stmts.reduce((n, s) => n + (s.kind === "load" || s.kind === "store" ? 1 : s.kind === "let" ? 0 : statementsOf(s.body)), 0);
}

/** The statements that are the same all along some axes, and the others. */
export function withoutAxes(nest: Nest, axes: readonly Axis[] = nest.parallel): readonly [readonly Stmt[], readonly Stmt[]] {
  const varies = new Set(axes.map((a) => a.id));
  const written = new Set(nest.body.flatMap((s) => (s.kind === "store" ? [s.buffer] : [])));
  const isAlike = (s: Scalar | undefined): boolean =>
    s === undefined || (s.kind === "ref" ? !varies.has(s.id) : s.kind === "op" || s.kind === "call" ? s.args.every(isAlike) : true);
  const [alike, own]: [Stmt[], Stmt[]] = [[], []];
  for (const s of nest.body) {
    if (s.kind === "let" ? isAlike(s.value) : s.kind === "load" && !written.has(s.buffer) && isAlike(s.index) && isAlike(s.guard)) alike.push(s);
    else {
      own.push(s);
      if (s.kind === "let" || s.kind === "load") varies.add(s.id);
      else if (s.kind === "fold") for (const id of s.results) varies.add(id);
    }
  }
  return [alike, own];
}

/** The largest power of two up to `most` that still gives enough workgroups. */
export function workgroupFor(items: number, most: number, smallest: number = smallestWorkgroup): number {
  let width = most;
  while (width > smallest && items / width < wantedWorkgroups) width /= 2;
  return width;
}
