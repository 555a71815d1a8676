/**
 * Products of a matrix and a vector. Comes in: a nest and a device class. Goes out: whether workgroups share its sums, as they share those of other nests:
 * there is nothing for a tile to read twice, and one invocation by itself reads a row of memory that none of its neighbours reads.
 *
 *     y[i] = sum k { A[i, k] · x[k] }     ->     gpu: a workgroup for each i (cooperative.ts);  y[j] = sum k { x[k] · A[k, j] }: for some j (columns.ts)
 */
import type { Nest, Profile } from "../src/ir/kernel.ts";
import { isWorthColumns } from "./columns.ts";
import { isWorthCooperating } from "./cooperative.ts";
import { points } from "./launch.ts";
import { readProduct } from "./product.ts";

/** How many times as many turns as a sum down columns a product takes to be worth a dispatch of its own; smaller ones share one. */
const timesColumns = 16;

/** True where one side of a product is a vector and workgroups share its sums. */
export function isSharedVector(nest: Nest, profile: Profile): boolean {
  if (!profile.barriers || !profile.columns) return false;
  const product = readProduct(nest);
  if (!product || Math.min(points(product.rows).capacity, points(product.columns).capacity) > 1) return false;
  if (points(nest.parallel).capacity * points(product.fold.axes).capacity < timesColumns * profile.columns.turns) return false;
  return isWorthColumns(nest, profile) || isWorthCooperating(nest, profile);
}
