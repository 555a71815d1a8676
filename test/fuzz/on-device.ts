/** One graph through schedule, bind, plan, emit and the device engine, each stage verified; outputs and stored values by name. */
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
import { GpuEngine } from "../../src/harness/runtime/gpu-engine.ts";
import type { Call, Values } from "../../src/harness/runtime/engine.ts";
import type * as dims from "../../src/ir/dims.ts";
import type { Kernel, Schedule } from "../../src/ir/kernel.ts";
import { prices } from "../../src/schedule/prices.ts";
import type { Graph } from "../../src/ir/node.ts";
import { baseline, type How, placedBytes, plan } from "../../src/memory/plan.ts";
import { recompute } from "../../src/memory/recompute.ts";
import { verifyPlan } from "../../src/memory/verify-plan.ts";
import { storedLayout } from "../schedule/stored-layout.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { verifySchedule } from "../../src/schedule/verify-schedule.ts";
import { bisect } from "../../src/report/bisect.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import { emit } from "../../src/wgsl/emit.ts";
import type { Variant } from "./variants.ts";

/** A number that spoils whatever reads it: f32 12345678, a far index, true. */
const poison = 0x4b3c614e;

/**
 * The device, but storage starts as poison where WebGPU gives zeros: what lies past the live rows, in padding or in memory
 * that nothing wrote must not matter.
 */
function poisoned(device: GPUDevice): GPUDevice {
  const createBuffer = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    const buffer = device.createBuffer(descriptor);
    if (descriptor.usage & GPUBufferUsage.STORAGE) device.queue.writeBuffer(buffer, 0, new Uint32Array(descriptor.size / 4).fill(poison));
    return buffer;
  };
  return new Proxy(device, {
    get: (_, name) => {
      if (name === "createBuffer") return createBuffer;
      const value: unknown = Reflect.get(device, name, device);
      return typeof value === "function" ? value.bind(device) : value;
    },
  });
}

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

/** Which kernel of a variant differs from its formula, in words; where none does by itself, that. */
export async function suspectOf(device: GPUDevice, graph: Graph, variant: Variant, capacity: dims.Bindings, call: Call): Promise<string> {
  const made = compiled(graph, variant, capacity);
  if (!made) return "not compiled";
  const inputs = made.nests.buffers.filter((b) => b.place === "input").map((b) => ({ name: b.path ?? b.name, role: "input" as const, dtype: b.dtype, shape: b.shape }));
  const held = new Map(made.tensors.map((t) => [t.name, call.inputs[t.name] ?? new Float64Array()]));
  const { suspect } = await bisect({ device, lowered: { schedule: made.nests, memory: made.memory, plan: made.entry.plan, texts: made.entry.texts }, program: { store: made.store, inputs }, held, call });
  return suspect ? `kernel ${suspect.dispatch}, ${suspect.kernel}, ${suspect.node.op} at [${suspect.at.join(", ")}]: ${suspect.found} instead of ${suspect.wanted}` : "no kernel differs by itself";
}

/** Runs a graph twice over (the second run starts from what the first committed) and gives the results of both; none where the variant says nothing of it. */
export async function onDevice(device: GPUDevice, graph: Graph, variant: Variant, capacity: dims.Bindings, call: Call): Promise<readonly Readonly<Record<string, Values>>[]> {
  const made = compiled(graph, variant, capacity);
  if (!made) return [];
  const { entry, tensors, store } = made;
  const engine = new GpuEngine({ device: poisoned(device), program: { store }, planFor: () => ({ plan: entry.plan, kernels: entry.texts }) });
  try {
    for (const t of tensors) engine.write(t.name, call.inputs[t.name] ?? []);
    const runs: Readonly<Record<string, Values>>[] = [];
    for (let k = 0; k < 2; k++) {
      const outputs = await (await engine.run(graph.entry, call)).read();
      const found: Record<string, Values> = Object.fromEntries(Object.entries(outputs).map(([name, o]) => [name, o.data]));
      for (const t of tensors) found[t.name] = await engine.read(t.name);
      runs.push(found);
    }
    return runs;
  } finally {
    engine.close();
  }
}

/** How many invocations of a device run in step, where that is one number. */
export function inStepOn(device: GPUDevice): number | undefined {
  const { subgroupMinSize: least, subgroupMaxSize: most } = device.adapterInfo;
  return device.features.has("subgroups") && least === most ? most : undefined;
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

/** Device code of a graph; undefined where the variant says nothing of it. */
function compiled(graph: Graph, variant: Variant, capacity: dims.Bindings) {
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
  const texts = memory.kernels.map(({ kernel, placement }) => ({ name: kernel.name, wgsl: emit(kernel, placement), access: placement.groups.map((g) => g.access) }));
  const entry = assembleEntry({ schedule: nests, plan: memory, capacity, texts });
  const tensors = stored.map((b) => {
    const name = b.path ?? b.name;
    return { name, kind: "param" as const, dtype: b.dtype, shape: b.shape, ...(layout.offsets.get(name) ?? { offset: 0, bytes: 0 }) };
  });
  return { nests, memory, entry, tensors, store: { bytes: layout.bytes, tensors } };
}
