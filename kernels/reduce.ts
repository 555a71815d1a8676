/**
 * Family `reduce`: one invocation for each result, its folds in order. Where barriers are cheap and the folds long, a
 * workgroup shares each result and joins its parts in a tree of fixed shape (cooperative.ts).
 *
 *     s[c] = sum n in N { x[n, c] }     ->     software: one invocation per c; gpu: a workgroup for some neighbouring c once N is long (columns.ts)
 */
import type { Nest, Profile } from "../src/ir/kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { columns, isWorthColumns } from "./columns.ts";
import { cooperative, isWorthCooperating } from "./cooperative.ts";
import { owner, pairs, quads } from "./owner.ts";

/** The kernel of a nest whose body folds. */
export function reduce(nest: Nest, profile: Profile): BoundKernel {
  if (isWorthColumns(nest, profile)) return columns(nest, profile, "reduce");
  return isWorthCooperating(nest, profile) ? cooperative(nest, profile, "reduce") : (quads(nest, profile, "reduce", profile.rows) ?? pairs(nest, profile, "reduce", profile.rows) ?? owner(nest, profile, "reduce", profile.rows));
}
