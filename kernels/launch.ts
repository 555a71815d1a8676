/**
 * How many workgroups, and which index an invocation works on. Comes in: how many items there are, live and at capacity. Goes
 * out: a grid whose x folds into y beyond a device's limit, the item's number, and whether it is within the live ones.
 *
 *     1000 items, 64 each:          grid [16, 1, 1],      item = x*64 + lane
 *     10,000,000 items, 64 each:    grid [1024, 153, 1],  item = (y*1024 + x)*64 + lane
 */
import * as dims from "../src/ir/dims.ts";
import type { Dim } from "../src/ir/dims.ts";
import { builtin } from "../src/ir/kernel.ts";
import type { Axis, KernelStmt, Launch, Profile } from "../src/ir/kernel.ts";
import { constant, op, ref } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { int, least, over, plus, rest, times } from "./arithmetic.ts";
import type { KernelBuilder } from "./kernel-builder.ts";

const once: Launch = { size: 1, per: 1 };
/** Workgroups in x once y is used: few, since a live size below capacity leaves part of a row of them idle. */
const foldedWidth = 1024;

/** The workgroup's position along x. */
export const workgroupX: Scalar = ref(builtin.workgroupX, "i32");
/** The invocation's position in its workgroup. */
export const lane: Scalar = ref(builtin.localX, "i32");

/** Workgroups in a line, folded where the line is too long. */
export interface LinearLaunch {
  readonly grid: readonly [Launch, Launch, Launch];
  /** The number of the workgroup in the whole grid. */
  readonly workgroup: Scalar;
  /** Workgroups at capacity. */
  readonly workgroups: number;
  /** All workgroups lie in x. */
  readonly isLine: boolean;
}

/** Workgroups for `size` items (at most `capacity`), `per` items each. */
export function linear(size: Dim, capacity: number, per: number, profile: Profile): LinearLaunch {
  const workgroups = Math.ceil(capacity / per);
  const isLine = workgroups <= profile.workgroupsPerDimension;
  if (isLine) return { grid: [{ size, per }, once, once], workgroup: workgroupX, workgroups, isLine };
  const y = ref(builtin.workgroupY, "i32");
  return {
    workgroups,
    isLine,
    grid: [{ size: foldedWidth, per: 1 }, { size, per: per * foldedWidth }, once],
    workgroup: plus(times(y, int(foldedWidth)), workgroupX),
  };
}

/** The live number of points of some axes, and the most there can be. */
export function points(axes: readonly Axis[]): { readonly live: Dim; readonly capacity: number } {
  return { live: dims.product(axes.map((a) => a.extent)), capacity: axes.reduce((n, a) => n * a.capacity, 1) };
}

/** The coordinates of a row-major number over the live extents of axes. */
export function coordinatesOf(b: KernelBuilder, out: KernelStmt[], axes: readonly Axis[], position: Scalar): ReadonlyMap<number, Scalar> {
  const found = new Map<number, Scalar>();
  let left = position;
  for (let a = axes.length - 1; a >= 0; a--) {
    const axis = axes[a] as Axis;
    const extent = b.size(axis.extent);
    const outermost = axes.slice(0, a).every((x) => x.extent === 1);
    if (axis.extent === 1) found.set(axis.id, int(0));
    else if (outermost) found.set(axis.id, left);
    else {
      found.set(axis.id, b.let(out, rest(left, extent)));
      left = b.let(out, over(left, extent));
    }
  }
  return found;
}

/** The number made safe for indexing: within capacity whatever the launch rounds up to. */
export function bounded(b: KernelBuilder, out: KernelStmt[], position: Scalar, capacity: number): Scalar {
  return b.let(out, least(position, int(capacity - 1)));
}

/** The number of the workgroup as one of so many, which a compiler can see: then it knows the range of what follows from it. */
export function workgroupBelow(b: KernelBuilder, out: KernelStmt[], { workgroup, workgroups }: LinearLaunch): Scalar {
  return b.let(out, op("cast", "i32", [op("min", "u32", [op("cast", "u32", [workgroup]), constant(workgroups - 1, "u32")])]));
}
