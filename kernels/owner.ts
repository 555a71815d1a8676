/**
 * One invocation owns one point of the parallel axes and runs the nest's body for it, serially. The core of the families
 * `pointwise`, `reduce` and `row`.
 *
 *     h[b, o] for b < N (at most 64), o < 32     ->     item = workgroup*128 + lane; if item < N*32 { b = item/32; o = item%32; … }
 *
 * Or four neighbouring points at once, where most of what they read and write lies side by side:
 *
 *     if 4·item < N*32 { b = item/8; o = 4·(item%8) + (0, 1, 2, 3); … }
 */
import type { Axis, KernelStmt, Nest, Profile, Stmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
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

/** The kernel with at most `invocations` a workgroup, fewer where that would leave a device idle; each takes `several` points. */
export function owner(nest: Nest, profile: Profile, family: string, invocations: number, several = 1): BoundKernel {
  const { capacity } = points(nest.parallel);
  return ownerOf(nest, profile, family, workgroupFor(Math.ceil(capacity / several), invocations), several);
}

function ownerOf(nest: Nest, profile: Profile, family: string, width: number, several: number): BoundKernel {
  const { live, capacity } = points(nest.parallel);
  const b = new KernelBuilder(nest.params, { vector: profile.vector !== undefined && capacity * accessesOf(nest.body) >= profile.vector.accesses, bounded: profile.bounded === true, joint: profile.joint === true, work: { invocations: capacity, profile } });
  const per = width * several;
  const launch = linear(live, capacity, per, profile);
  const body: KernelStmt[] = [];
  const first = b.let(body, plus(times(launch.workgroup, int(per)), lane));
  const exact = live === launch.workgroups * per && launch.isLine;
  const scope: Scope = new Map();
  const [alike, own] = several > 1 ? withoutAxes(nest) : [[], nest.body];
  serial(b, alike, scope, body);
  const point = (item: Scalar, out: KernelStmt[]): void => {
    const inner: KernelStmt[] = [];
    const safe = exact ? item : bounded(b, inner, item, capacity);
    for (const [id, at] of coordinatesOf(b, inner, nest.parallel, safe)) scope.set(id, at);
    serial(b, own, scope, inner);
    if (exact) out.push(...inner);
    else out.push({ kind: "if", condition: below(item, b.size(live)), body: inner });
  };
  if (several === 1) point(first, body);
  // Neighbours take neighbouring points, turn by turn.
  else b.loop(body, int(0), int(per), width, (offset, inner) => point(b.let(inner, plus(first, offset)), inner));
  return finish(b, nest, { family, width, launch, rebind: (other) => ownerOf(nest, profile, family, other, several), inLine: several === 1 }, body);
}

/** The kernel with four neighbouring points an invocation; undefined where that brings nothing. */
export function quads(nest: Nest, profile: Profile, family: string, invocations: number): BoundKernel | undefined {
  if (!profile.vector || nest.parallel.length === 0) return undefined;
  const joined = joinAxes(nest);
  const last = joined.axes.at(-1);
  if (!last || !((last.extent === last.capacity && last.capacity % 4 === 0) || fillsItsBuffers(nest, joined))) return undefined;
  const reach = reachAlong(nest.body, last.id, joined.still);
  const { capacity } = points(joined.axes);
  const items = Math.ceil(capacity / 4);
  if (!isWorthQuads(reach) || items < profile.vector.invocations || capacity * (reach.wide + reach.apart) < profile.vector.accesses) return undefined;
  return quadsOf(nest, joined, last, profile, family, workgroupFor(items, invocations, smallestOfQuads[profile.name]));
}

function quadsOf(nest: Nest, joined: Joined, last: Axis, profile: Profile, family: string, width: number): BoundKernel {
  const { live, capacity } = points(joined.axes);
  const b = new KernelBuilder(nest.params, { vector: true, work: { invocations: capacity / 4, profile } });
  const per = 4 * width;
  const launch = linear(live, capacity, per, profile);
  const body: KernelStmt[] = [];
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const exact = live === launch.workgroups * per && launch.isLine;
  const inner: KernelStmt[] = [];
  const safe = exact ? item : bounded(b, inner, item, Math.ceil(capacity / 4));
  // Along the last axis, quads; a last one that is not whole belongs to an axis by itself.
  const whole = typeof last.extent === "number" ? Math.ceil(last.extent / 4) : last.extent;
  const known = coordinatesOf(b, inner, [...joined.axes.slice(0, -1), { ...last, extent: whole, capacity: Math.ceil(last.capacity / 4) }], safe);
  const start = b.let(inner, times(known.get(last.id) ?? int(0), int(4)));
  const scopes = [0, 1, 2, 3].map((k): Scope => new Map([...known, ...[...joined.still].map((id) => [id, int(0)] as const), [last.id, plus(start, int(k))]]));
  inStep(b, nest.body, scopes, inner);
  const rebind = (other: number): BoundKernel => quadsOf(nest, joined, last, profile, family, other);
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(times(item, int(4)), b.size(live)), body: inner });
  return finish(b, nest, { family: `${family}-quads`, width, launch, rebind }, body);
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
