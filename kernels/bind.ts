/**
 * Binds nests to kernels. Comes in: an entry's schedule and a device class. Goes out: the kernels, in an order that keeps every
 * value written before it is read. Each nest goes to the family of its shape; small independent kernels then share dispatches.
 *
 *     [dense_relu: contract, softmax: row, sgd W, sgd b]   ->   [tiled, row, one dispatch for both updates]
 *
 * Switches: `tile` (contractions as plain reductions), `blocks` (no product through workgroup memory), `ahead` (none of its slices is fetched while
 * another is multiplied), `neighbours` (no tile for elements that its turns and lines read in common), `flat` (each axis of a sum a loop of its own),
 * `attention` (scores are stored), `columns` (no workgroup shares folds down columns, nor products with a vector), `masked-product` (sums under a mask
 * too), `several` (one point for each invocation), `vector` (each access of one element), `bounds` (loops to their ends, whatever their conditions),
 * `joint` (each fold a loop of its own), `one-pass` (what is shifted by a fold comes after it), `triangles` (products sum over what is known to be 0),
 * `horizontal` (a dispatch for each nest), `alike` (each nest bound by itself).
 */
import type { Kernel, Nest, Profile, Schedule } from "../src/ir/kernel.ts";
import { Alike } from "./alike.ts";
import { alternatives, type Choices, keyOf } from "./alternatives.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { contract, contractOptions, type NestOptions } from "./contract.ts";
import { attention, isWorthAttention } from "./attention.ts";
import { horizontal } from "./horizontal.ts";
import { trianglesOf } from "./known-zeros.ts";
import { maskedProduct } from "./masked-product.ts";
import { lines, pointwise } from "./pointwise.ts";
import { type Attention, findAttention } from "./read-attention.ts";
import { reduce } from "./reduce.ts";
import { row } from "./row.ts";
import { turns } from "./turns.ts";
import { isSharedVector } from "./vector-products.ts";

/** What to leave out. */
export interface BindOptions {
  /** Names of optimisations to leave out. */
  readonly off?: ReadonlySet<string>;
  /** What a tuner has found: for a nest's key, which of its alternatives to take. */
  readonly choices?: Choices;
  /** Values are read that lie between nests: each of them is a kernel. */
  readonly keep?: boolean;
}

/** Kernels for all nests of an entry, in order. */
export function bind(schedule: Schedule, given: Profile, options: BindOptions = {}): readonly Kernel[] {
  const off = options.off ?? new Set<string>();
  const { vector, bounded, joint, onePass, several, columns, ...plain } = given;
  const profile: Profile = { ...plain, ...(vector && !off.has("vector") && { vector }), ...(bounded && !off.has("bounds") && { bounded }), ...(joint && !off.has("joint") && { joint }), ...(onePass && !off.has("one-pass") && { onePass }), ...(columns && !off.has("columns") && { columns }), ...(several !== undefined && !off.has("several") && { several }) };
  const { choices } = options;
  const triangles = off.has("triangles") ? undefined : trianglesOf(schedule.nests);
  const alone: NestOptions = { off, ...(triangles && { triangles }) };
  const make = (nest: Nest): BoundKernel => (choices && choices.size > 0 ? chosen(nest, profile, alone, choices) : bindNest(nest, profile, alone));
  const alike = new Alike(triangles);
  const joined = attentions(schedule.nests, profile, off, options.keep);
  const kernels = schedule.nests.filter((nest) => joined.get(nest) !== "within").map((nest) => {
    const of = joined.get(nest);
    if (of && of !== "within") return attention(of, profile);
    return off.has("alike") ? make(nest) : alike.bind(nest, make);
  });
  return off.has("horizontal") ? kernels : horizontal(kernels, schedule, profile);
}

/** For nests that are attention together: the last of them makes the kernel, the others lie within it. */
function attentions(nests: readonly Nest[], profile: Profile, off: ReadonlySet<string>, keep = false): ReadonlyMap<Nest, Attention | "within"> {
  const found = new Map<Nest, Attention | "within">();
  if (keep || profile.attention === undefined || off.has("attention")) return found;
  for (const of of findAttention(nests).filter((a) => isWorthAttention(a, profile))) {
    const [scores, softmax, values] = of.nests;
    found.set(scores, "within").set(softmax, "within").set(values, of);
  }
  return found;
}

/** The alternative that was chosen for a nest; its default where none was, or where it has none of that number. */
function chosen(nest: Nest, profile: Profile, options: NestOptions, choices: Choices): BoundKernel {
  const usual = bindNest(nest, profile, options);
  const at = choices.get(keyOf(usual)) ?? 0;
  return at === 0 ? usual : (alternatives(nest, usual, profile, options)[at] ?? usual);
}

/** The kernel of one nest. */
export function bindNest(nest: Nest, profile: Profile, options: NestOptions = {}): BoundKernel {
  const { off = new Set<string>() } = options;
  switch (nest.shape) {
    case "pointwise":
      return pointwise(nest, profile, !off.has("several"));
    case "reduce": {
      const product = off.has("tile") || off.has("masked-product") ? undefined : maskedProduct(nest);
      return (product && contract(product, profile, contractOptions({ off }))) ?? reduce(nest, profile);
    }
    case "row":
      return (off.has("several") ? undefined : lines(nest, profile, "row")) ?? row(nest, profile);
    case "turns":
      return turns(nest, profile);
    case "contract":
      return (off.has("tile") || isSharedVector(nest, profile) ? undefined : contract(nest, profile, contractOptions(options))) ?? reduce(nest, profile);
  }
}
