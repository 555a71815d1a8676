/**
 * Family `pointwise`: one invocation for each point of the parallel axes, or for a few. Fits every nest.
 *
 *     y[i] = max(x[i], 0) for i < 1000     ->     8 workgroups of 128
 */
import type { Nest, Profile } from "../src/ir/kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { points } from "./launch.ts";
import { owner } from "./owner.ts";

/** Points from which on an invocation of a processor that plays GPU takes several: beginning one costs as much as several accesses. */
const manyPoints = 8192;
const pointsEach = 4;

/** The kernel of any nest: one invocation per point, or for four points where there are many and beginning one is dear. */
export function pointwise(nest: Nest, profile: Profile, several = true): BoundKernel {
  const each = several && profile.name === "software" && points(nest.parallel).capacity >= manyPoints ? pointsEach : 1;
  return owner(nest, profile, "pointwise", profile.pointwise, each);
}
