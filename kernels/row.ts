/**
 * Family `row`: one invocation owns a row and runs its folds and loops in turn, so that a softmax reads its row two or
 * three times and stores no intermediate. Where barriers are cheap, long rows go to whole workgroups (cooperative.ts).
 *
 *     softmax over [N, 10]: max -> sum of exp -> quotients     ->     N invocations, three loops of ten
 */
import type { Nest, Profile } from "../src/ir/kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { cooperative, isWorthCooperating } from "./cooperative.ts";
import { owner, pairs, quads } from "./owner.ts";

/** The kernel of a nest that owns rows. */
export function row(nest: Nest, profile: Profile): BoundKernel {
  return isWorthCooperating(nest, profile) ? cooperative(nest, profile, "row") : (quads(nest, profile, "row", profile.rows) ?? pairs(nest, profile, "row", profile.rows) ?? owner(nest, profile, "row", profile.rows));
}
