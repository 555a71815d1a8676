/** One graph through schedule, bind and plan as a variant says, each stage verified: kernels and where they lie, before any text. */
import { costFor } from "../../kernels/predict.ts";
import { bind, bindNest } from "../../kernels/bind.ts";
import { blocked } from "../../kernels/blocked.ts";
import { chooseTile } from "../../kernels/choose-tile.ts";
import { tiled } from "../../kernels/contract.ts";
import { horizontal } from "../../kernels/horizontal.ts";
import { readProduct } from "../../kernels/product.ts";
import { stages } from "../../kernels/stages.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import { assembleEntry } from "../../src/harness/assemble.ts";
import type { EntryPlan, KernelText, StoredTensor } from "../../src/harness/runtime/program.ts";
import type * as dims from "../../src/ir/dims.ts";
import type { Kernel, Schedule } from "../../src/ir/kernel.ts";
import { prices } from "../../src/schedule/prices.ts";
import type { Graph } from "../../src/ir/node.ts";
import { baseline, type How, placedBytes, plan } from "../../src/memory/plan.ts";
import type { PlacedKernel, Plan } from "../../src/memory/placement.ts";
import { recompute } from "../../src/memory/recompute.ts";
import { verifyPlan } from "../../src/memory/verify-plan.ts";
import { storedLayout } from "../schedule/stored-layout.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { verifySchedule } from "../../src/schedule/verify-schedule.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import type { Variant } from "./variants.ts";

/** As `bind` does it, but every product in tiles or blocks of the variant's size; undefined where there is no product. */
function inTiles(nests: Schedule, { profile, off, tile, block }: Variant): readonly Kernel[] | undefined {
  const products = new Map(nests.nests.flatMap((n) => (n.shape === "contract" ? [[n, readProduct(n)] as const] : [])));
  if (products.size === 0) return undefined;
  const kernels = nests.nests.map((nest) => {
    const product = products.get(nest);
    if (!product) return bindNest(nest, profile, { off });
    if (block || !tile) return block ? blocked(nest, product, block, profile) : bindNest(nest, profile, { off });
    const [rows, columns, finish] = tile;
    const best = chooseTile(product, profile);
    return tiled(nest, best.product, { ...best.tile, rows, columns, finish }, profile);
  });
  return horizontal(kernels, nests, profile);
}

/** The kernels in the least memory from this part of what they take as they are; undefined where all of it is needed. */
function within(kernels: readonly Kernel[], part: number, entry: string, capacity: dims.Bindings, { profile }: Variant, how: How): readonly Kernel[] | undefined {
  const placed = (of: readonly Kernel[]): number => placedBytes(of, how);
  const all = placed(kernels);
  for (let budget = Math.floor(all * part); budget < all; budget += Math.ceil(all / 8)) {
    try {
      const made = recompute(kernels, { entry, budget, cost: costFor(capacity, profile), placed });
      verifyKernels(made, profile);
      return made;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return undefined;
}

/** What a variant makes of a graph. */
export interface Lowered {
  readonly nests: Schedule;
  readonly memory: Plan;
  readonly entry: { readonly plan: EntryPlan; readonly texts: readonly KernelText[] };
  readonly store: { readonly bytes: number; readonly tensors: readonly StoredTensor[] };
}

/** The kernels of a graph, with a text for each by `write`; undefined where the variant says nothing of it. */
export function lowerVariant(graph: Graph, variant: Variant, capacity: dims.Bindings, write: (kernel: PlacedKernel, at: number) => string): Lowered | undefined {
  const { profile, off } = variant;
  const { layout, stored: at } = storedLayout(graph);
  const nests = schedule(graph, { capacity, profile, off, stored: at });
  verifySchedule(nests);
  const bound = variant.tile || variant.block ? inTiles(nests, variant) : bind(nests, profile, { off });
  if (!bound) return undefined;
  verifyKernels(bound, profile);
  const how = { reuse: !off.has("reuse"), inPlace: !off.has("in-place"), apart: !off.has("apart") };
  const apart = variant.budget === undefined ? bound : within(bound, variant.budget, graph.entry, capacity, variant, how);
  if (!apart) return undefined;
  // A dispatch so dear that all of a small graph is stages of few of them.
  const kernels = off.has("stages") ? apart : stages(apart, { live: capacity, profile, ...(variant.dispatch !== undefined && { limits: { ...prices[profile.name].nominal, dispatch: variant.dispatch } }) });
  verifyKernels(kernels, profile);
  const stored = nests.buffers.filter((b) => (b.place === "param" || b.place === "state") && !b.parts);
  const memory = plan(graph.entry, kernels, { store: layout, limits: baseline, ...how });
  verifyPlan(memory);
  const texts = memory.kernels.map((placed, at) => ({ name: placed.kernel.name, wgsl: write(placed, at), access: placed.placement.groups.map((g) => g.access) }));
  const entry = assembleEntry({ schedule: nests, plan: memory, capacity, texts });
  const tensors = stored.map((b) => {
    const name = b.path ?? b.name;
    return { name, kind: "param" as const, dtype: b.dtype, shape: b.shape, ...(layout.offsets.get(name) ?? { offset: 0, bytes: 0 }) };
  });
  return { nests, memory, entry, store: { bytes: layout.bytes, tensors } };
}
