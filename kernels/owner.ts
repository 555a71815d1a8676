/**
 * One invocation owns one point of the parallel axes and runs the nest's body for it, serially. The core of the families
 * `pointwise`, `reduce` and `row`.
 *
 *     h[b, o] for b < N (at most 64), o < 32     ->     item = workgroup*128 + lane; if item < N*32 { b = item/32; o = item%32; … }
 */
import type { KernelStmt, Nest, Profile } from "../src/ir/kernel.ts";
import { int, below, plus, times } from "./arithmetic.ts";
import { finish } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { KernelBuilder } from "./kernel-builder.ts";
import type { Scope } from "./kernel-builder.ts";
import { bounded, coordinatesOf, lane, linear, points } from "./launch.ts";
import { serial } from "./serial.ts";

/** Workgroups that keep a device busy; smaller workgroups are used to reach it. */
const wantedWorkgroups = 16;
const smallestWorkgroup = 16;

/** The kernel with at most `invocations` a workgroup, fewer where that would leave a device idle. */
export function owner(nest: Nest, profile: Profile, family: string, invocations: number): BoundKernel {
  const { capacity } = points(nest.parallel);
  return ownerOf(nest, profile, family, workgroupFor(capacity, invocations));
}

function ownerOf(nest: Nest, profile: Profile, family: string, width: number): BoundKernel {
  const b = new KernelBuilder(nest.params);
  const { live, capacity } = points(nest.parallel);
  const launch = linear(live, capacity, width, profile);
  const body: KernelStmt[] = [];
  const item = b.let(body, plus(times(launch.workgroup, int(width)), lane));
  const exact = live === launch.workgroups * width && launch.isLine;
  const inner: KernelStmt[] = [];
  const safe = exact ? item : bounded(b, inner, item, capacity);
  const scope: Scope = new Map(coordinatesOf(b, inner, nest.parallel, safe));
  serial(b, nest.body, scope, inner);
  if (exact) body.push(...inner);
  else body.push({ kind: "if", condition: below(item, b.size(live)), body: inner });
  return finish(b, nest, { family, width, launch, rebind: (other) => ownerOf(nest, profile, family, other) }, body);
}

/** The largest power of two up to `most` that still gives enough workgroups. */
export function workgroupFor(items: number, most: number, smallest: number = smallestWorkgroup): number {
  let width = most;
  while (width > smallest && items / width < wantedWorkgroups) width /= 2;
  return width;
}
