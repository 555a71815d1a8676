/**
 * Family `pointwise`: one invocation for each point of the parallel axes, or for a few. Fits every nest.
 *
 *     y[i] = max(x[i], 0) for i < 1000     ->     8 workgroups of 128
 */
import type { Axis, Nest, Profile } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { isOwnPosition } from "../src/schedule/join-over-arenas.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { points } from "./launch.ts";
import { owner, quads, withoutAxes } from "./owner.ts";

/** Lengths of a last axis that one invocation goes along by itself, and how many such lines keep a processor busy. */
const along = { least: 4, most: 256, lines: 512 } as const;
/** Folds that are written out, so that a line may hold them. */
const shortFold = 9;

/** The kernel of any nest: one invocation per point, or for several where there are many and beginning one is dear. */
export function pointwise(nest: Nest, profile: Profile, several = true): BoundKernel {
  const line = several ? lines(nest, profile, "pointwise") : undefined;
  if (line) return line;
  return (several ? quads(nest, profile, "pointwise", profile.pointwise) : undefined) ?? owner(nest, profile, "pointwise", profile.pointwise);
}

/** The kernel of a nest in lines along its last axis; undefined where that brings nothing. */
export function lines(nest: Nest, profile: Profile, family: string): BoundKernel | undefined {
  return profile.name === "software" && isWorthLines(nest) ? owner(alongLast(nest), profile, `${family}-line`, profile.rows) : undefined;
}

/** True where positions must be taken apart, which costs a division an axis and point: a line of points does it once. */
function isWorthLines(nest: Nest): boolean {
  const last = nest.parallel.at(-1);
  if (!last || nest.parallel.length < 2 || typeof last.extent !== "number" || last.extent < along.least || last.extent > along.most) return false;
  if (points(nest.parallel.slice(0, -1)).capacity < along.lines) return false;
  const folds = nest.body.flatMap((s) => (s.kind === "fold" ? [s] : []));
  if (nest.body.some((s) => s.kind === "each") || folds.some((f) => points(f.axes).capacity > shortFold)) return false;
  if (folds.length > 0) return true;
  const ids = new Set(nest.parallel.map((a) => a.id));
  const usesAxes = (s: Scalar): boolean => (s.kind === "ref" ? ids.has(s.id) : (s.kind === "op" || s.kind === "call") && s.args.some(usesAxes));
  return nest.body.some((s) => ((s.kind === "load" || s.kind === "store") && usesAxes(s.index) && !isOwnPosition(s.index, nest.parallel)) || (s.kind === "let" && usesAxes(s.value)));
}

/** The nest with its last axis as a loop; what does not change along it stands before. */
function alongLast(nest: Nest): Nest {
  const axis = nest.parallel.at(-1) as Axis;
  const [alike, own] = withoutAxes(nest, [axis]);
  return { ...nest, parallel: nest.parallel.slice(0, -1), body: [...alike, { kind: "each", axis, body: own }] };
}
