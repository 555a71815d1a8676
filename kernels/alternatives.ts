/**
 * The kernels that a nest could be. Comes in: a nest and the kernel that it is by the cost model. Goes out: that kernel first, then a
 * handful of others which compute the same in other ways, and a key that equal nests share.
 *
 *     contract 8x8 in workgroups of 16   ->   [itself, of 8, of 32, 4x8, 8x4]
 */
import type { Nest, Profile } from "../src/ir/kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { columns, isWorthColumns } from "./columns.ts";
import { contractBy, contractOptions, type NestOptions } from "./contract.ts";
import { cooperative, isWorthCooperating } from "./cooperative.ts";
import { owner } from "./owner.ts";
import { canonicalText } from "./print-kernel.ts";
import { isSharedVector } from "./vector-products.ts";

/** For each key of a nest, which of its alternatives to take: 0 is the default. */
export type Choices = ReadonlyMap<string, number>;

/** Tiles and blocks that are tried beside the best, by the model: more where it was never held against a device. */
const mostTiles = { software: 4, gpu: 8 } as const;
/** The narrowest and widest workgroups that are tried. */
const [narrowest, widest] = [4, 256];

/** The default, then others. */
export function alternatives(nest: Nest, usual: BoundKernel, profile: Profile, options: NestOptions = {}): readonly BoundKernel[] {
  const others = [...tiles(nest, usual, profile, options), ...families(nest, usual, profile), ...widths(usual, profile)];
  const seen = new Set<string>();
  return [usual, ...others].filter((kernel) => {
    const text = canonicalText(kernel);
    return !seen.has(text) && seen.add(text);
  });
}

/** Other tiles of a product. */
function tiles(nest: Nest, usual: BoundKernel, profile: Profile, options: NestOptions): readonly BoundKernel[] {
  return usual.family.startsWith("contract") && !options.off?.has("tile") ? contractBy(nest, profile, mostTiles[profile.name] + 1, contractOptions(options)).slice(1) : [];
}

/** One invocation for each result where a workgroup shares it. */
function families(nest: Nest, usual: BoundKernel, profile: Profile): readonly BoundKernel[] {
  if (nest.shape !== "reduce" && nest.shape !== "row" && !(nest.shape === "contract" && isSharedVector(nest, profile))) return [];
  const ways = [
    ...(usual.family.endsWith("-workgroup") || usual.family.endsWith("-columns") ? [owner(nest, profile, nest.shape, profile.rows)] : []),
    ...(!usual.family.endsWith("-workgroup") && isWorthCooperating(nest, profile) ? [cooperative(nest, profile, nest.shape)] : []),
  ];
  return nest.shape === "row" || usual.family.endsWith("-columns") || !isWorthColumns(nest, profile) ? ways : [...ways, columns(nest, profile, nest.shape)];
}

/** The same kernel in workgroups of half and of twice the size; of four times where nothing was measured. */
function widths(usual: BoundKernel, { name }: Profile): readonly BoundKernel[] {
  const [width] = usual.workgroup;
  return [width / 2, width * 2, ...(name === "gpu" ? [width * 4] : [])].flatMap((other) => (usual.rebind && Number.isInteger(other) && other >= narrowest && other <= widest ? [usual.rebind(other)] : []));
}

/** Short, and equal for nests whose kernels differ in names and values of parameters alone (53 bits; a clash costs speed, not truth). */
export function keyOf(kernel: BoundKernel): string {
  const text = `${kernel.family} ${kernel.workgroups}\n${canonicalText(kernel)}`;
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (b & 0x1fffff) + (a >>> 0)).toString(36);
}
