/**
 * Makes everything an entry needs on a device, once: slabs, the parameter blocks' buffer, pipelines (in parallel, one
 * per distinct text) and bind groups. Afterwards a run allocates nothing. Everything is asked for before anything is
 * waited for, so several entries may be loaded at a time; pipelines are built by threads of the device, longest text
 * first, so that none of them ends with a long one alone. WebGPU keeps no pipelines from one process to the next.
 */
import { EngineError } from "./engine.ts";
import type { Block, Dispatch, EntryPlan, KernelText } from "./program.ts";
import { Readback } from "./readback.ts";

/** Dynamic offsets of the parameter blocks must be multiples of this. */
const blockAlignment = 256;

export interface LoadedDispatch {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  /** Where this dispatch's parameter block lies in the words buffer. */
  readonly wordOffset: number;
}

export interface LoadedEntry {
  readonly plan: EntryPlan;
  /** slabs[0] is the store. */
  readonly slabs: readonly GPUBuffer[];
  readonly outputSlab: number;
  readonly words: ArrayBuffer;
  readonly wordBuffer: GPUBuffer;
  readonly dispatches: readonly LoadedDispatch[];
  readonly readback: Readback;
  destroy(): void;
}

/** Loads a plan; throws an EngineError E0604 with the device's message when it refuses something. */
export async function loadEntry(
  device: GPUDevice,
  plan: EntryPlan,
  kernels: readonly KernelText[],
  store: GPUBuffer,
  pipelines: Map<string, Promise<GPUComputePipeline>>,
): Promise<LoadedEntry> {
  const order = flatten(plan.block);
  const used = order.map((dispatch) => {
    const kernel = kernels[dispatch.kernel];
    if (!kernel) throw new EngineError("E0604", `${plan.name}: dispatch ${dispatch.name} names no kernel`);
    return kernel;
  });
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const slabs = plan.slabs.map((slab, at) =>
    at === 0
      ? store
      : device.createBuffer({
          label: `${plan.name} ${slab.name}`,
          size: Math.max(256, slab.bytes),
          usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        }),
  );
  const { offsets, blockBytes, total } = layOut(order);
  const wordBuffer = device.createBuffer({
    label: `${plan.name} words`,
    size: Math.max(blockAlignment, total + blockBytes),
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const layouts = new Map<string, GPUBindGroupLayout>();
  for (const kernel of [...new Set(used)].sort((a, b) => b.wgsl.length - a.wgsl.length))
    if (!pipelines.has(keyOf(kernel))) pipelines.set(keyOf(kernel), build(device, kernel, layoutOf(device, kernel.access, layouts)));
  const making = order.map(async (dispatch, at): Promise<LoadedDispatch> => {
    const kernel = used[at] as KernelText;
    const group = device.createBindGroup({
      label: dispatch.name,
      layout: layoutOf(device, kernel.access, layouts),
      entries: [
        { binding: 0, resource: { buffer: wordBuffer, offset: 0, size: blockBytes } },
        ...dispatch.bindings.map((range, k) => ({
          binding: k + 1,
          resource: { buffer: slabs[range.slab] ?? store, offset: range.offset, size: range.bytes },
        })),
      ],
    });
    return { dispatch, pipeline: await (pipelines.get(keyOf(kernel)) as Promise<GPUComputePipeline>), group, wordOffset: offsets[at] ?? 0 };
  });
  // The scopes end here, before anything is awaited: what another entry does meanwhile is not in them.
  const scopes = [device.popErrorScope(), device.popErrorScope()];
  const built = await Promise.all(making).catch((error: unknown) => ({ error }));
  const errors = (await Promise.all(scopes)).filter((e) => e !== null);
  const release = (): void => {
    for (const slab of slabs.slice(1)) slab.destroy();
    wordBuffer.destroy();
  };
  if (errors[0] || "error" in built) {
    release();
    if (errors[0]) throw new EngineError("E0604", `${plan.name}: ${errors[0].message}`);
    throw "error" in built && built.error instanceof Error ? built.error : new EngineError("E0604", `${plan.name}: a pipeline could not be made`);
  }
  const outputSlab = plan.outputs[0]?.slab ?? 0;
  const outputBytes = plan.outputs.length === 0 ? 0 : (plan.slabs[outputSlab]?.bytes ?? 0);
  const readback = new Readback(device, outputBytes, plan.name);
  return {
    plan,
    slabs,
    outputSlab,
    words: new ArrayBuffer(total),
    wordBuffer,
    dispatches: built,
    readback,
    destroy() {
      release();
      readback.destroy();
    },
  };
}

/** What makes two kernels one pipeline. */
function keyOf(kernel: KernelText): string {
  return `${kernel.access.join()}\n${kernel.wgsl}`;
}

/** The dispatches in the order they run; repeats are written out. Copies are not made by any pass of this version. */
function flatten(block: Block): Dispatch[] {
  return block.flatMap((item) => {
    if (item.kind === "dispatch") return [item];
    if (item.kind === "repeat") return Array.from({ length: item.times }, () => flatten(item.block)).flat();
    throw new EngineError("E0604", "a plan with copies needs a runtime that splits passes");
  });
}

function layOut(order: readonly Dispatch[]): { offsets: number[]; blockBytes: number; total: number } {
  const bytesOf = (d: Dispatch): number => Math.max(16, Math.ceil(d.words.length / 4) * 16);
  const blockBytes = Math.max(16, ...order.map(bytesOf));
  const stride = Math.ceil(blockBytes / blockAlignment) * blockAlignment;
  return { offsets: order.map((_, k) => k * stride), blockBytes, total: order.length * stride };
}

function layoutOf(device: GPUDevice, access: KernelText["access"], known: Map<string, GPUBindGroupLayout>): GPUBindGroupLayout {
  const key = access.join();
  let layout = known.get(key);
  if (!layout) {
    layout = device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } },
        ...access.map((a, k): GPUBindGroupLayoutEntry => ({
          binding: k + 1,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: a === "read" ? "read-only-storage" : "storage" },
        })),
      ],
    });
    known.set(key, layout);
  }
  return layout;
}

async function build(device: GPUDevice, kernel: KernelText, layout: GPUBindGroupLayout): Promise<GPUComputePipeline> {
  const module = device.createShaderModule({ label: kernel.name, code: kernel.wgsl });
  try {
    return await device.createComputePipelineAsync({
      label: kernel.name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
  } catch (error) {
    throw new EngineError("E0604", `kernel ${kernel.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
