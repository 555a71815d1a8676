/**
 * Family `pointwise`: one invocation for each point of the parallel axes. Fits every nest.
 *
 *     y[i] = max(x[i], 0) for i < 1000     ->     8 workgroups of 128
 */
import type { Nest, Profile } from "../src/ir/kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { owner } from "./owner.ts";

/** The kernel of any nest, one invocation per point. */
export function pointwise(nest: Nest, profile: Profile): BoundKernel {
  return owner(nest, profile, "pointwise", profile.pointwise);
}
