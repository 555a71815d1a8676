/**
 * One kernel by itself on a device, over numbers that are drawn for it: what it computes from them, and how long it takes. In: a
 * kernel and the schedule that it is of. Out: a thing to run, with buffers of its own.
 *
 *     const kernel = await LoneKernel.load(bound, schedule, { device, clock, limits, live });
 *     await kernel.time(16)          // seconds of one run, of sixteen
 */
import { type Triangles, trianglesOf } from "../../kernels/known-zeros.ts";
import type { Buffer, Kernel, Schedule } from "../ir/kernel.ts";
import { bytesOf, slabNames, slabOf, type Plan } from "../memory/placement.ts";
import { type MemoryLimits, plan } from "../memory/plan.ts";
import { randomNumbers } from "../support/random-numbers.ts";
import { assembleEntry, kernelTexts } from "./assemble.ts";
import { type Clock, timed } from "./measure-limits.ts";
import { decode, encode } from "./runtime/bytes.ts";
import type { Values } from "./runtime/engine.ts";
import { encodePass, feedEntry } from "./runtime/feed-entry.ts";
import { loadEntry, type LoadedEntry } from "./runtime/load-entry.ts";
import type { Program } from "./runtime/program.ts";
import type { Live } from "./runtime/sizes.ts";

/** Where and for which sizes. */
export interface LoneOptions {
  readonly device: GPUDevice;
  readonly clock: Clock;
  readonly limits: MemoryLimits;
  /** Where parameters and states lie: a kernel may run over several at once. */
  readonly store: Program["store"];
  readonly live: Live;
}

/** Numbers that were drawn for buffers. */
export type Drawn = Map<Buffer, ReturnType<typeof encode>>;

export class LoneKernel {
  private readonly kernel: Kernel;
  private readonly options: LoneOptions;
  private readonly memory: Plan;
  private readonly entry: LoadedEntry;
  private readonly store: GPUBuffer;
  private readonly triangles: ReadonlyMap<Buffer, Triangles>;

  private constructor(kernel: Kernel, schedule: Schedule, options: LoneOptions, memory: Plan, entry: LoadedEntry, store: GPUBuffer) {
    this.kernel = kernel;
    this.options = options;
    this.memory = memory;
    this.entry = entry;
    this.store = store;
    this.triangles = trianglesOf(schedule.nests);
  }

  /** Throws a UserError or an EngineError where the device refuses it. */
  static async load(kernel: Kernel, schedule: Schedule, options: LoneOptions): Promise<LoneKernel> {
    const { device, limits, live } = options;
    const offsets = new Map(options.store.tensors.map(({ name, offset, bytes }) => [name, { offset, bytes }]));
    const memory = plan("alone", [kernel], { store: { bytes: options.store.bytes, offsets }, limits, reuse: false, inPlace: false, apart: true });
    // Scalars of the host are ones: what they mean does not change how long a kernel takes.
    const host = schedule.host.map(() => ({ op: "const", args: [], value: 1 }));
    const { plan: entry, texts } = assembleEntry({ schedule: { ...schedule, buffers: [], outputs: [], host }, plan: memory, capacity: {}, texts: kernelTexts(memory.kernels) });
    const store = device.createBuffer({ label: "alone", size: Math.max(256, options.store.bytes), usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    try {
      const loaded = await loadEntry(device, entry, texts, store, new Map());
      feedEntry(device, loaded, { live, inputs: {}, scalars: { hyper: {}, step: {} }, seed: 1, step: 1, example: 0 });
      return new LoneKernel(kernel, schedule, options, memory, loaded, store);
    } catch (error) {
      store.destroy();
      throw error;
    }
  }

  /** What it writes, from the same numbers each time, by buffer in the order of their ids; `numbers`: those that kernels of the same buffers have been given. */
  async results(numbers: Drawn = new Map()): Promise<readonly Values[]> {
    const { device, live } = this.options;
    for (const b of this.kernel.buffers) {
      const { slab, offset } = this.placeOf(b);
      const bytes = numbers.get(b) ?? encode(drawn(b, this.triangles.get(b)), b.dtype);
      numbers.set(b, bytes);
      device.queue.writeBuffer(slab, offset, bytes);
    }
    const written = [...this.kernel.writes].filter((b) => b.elements > 0).sort((x, y) => x.id - y.id);
    const staging = device.createBuffer({ size: Math.max(16, written.reduce((n, b) => n + bytesOf(b), 0)), usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encodePass(pass, this.entry.dispatches, live);
    pass.end();
    let end = 0;
    for (const b of written) {
      const { slab, offset } = this.placeOf(b);
      encoder.copyBufferToBuffer(slab, offset, staging, end, bytesOf(b));
      end += bytesOf(b);
    }
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const content = staging.getMappedRange().slice(0);
    staging.destroy();
    let start = 0;
    return written.map((b) => {
      const values = decode(content.slice(start, start + 4 * b.elements), b.dtype);
      start += bytesOf(b);
      return values;
    });
  }

  /** Seconds of one run, the mean of some in a row. */
  async time(repeats: number): Promise<number> {
    const { device, clock, live } = this.options;
    const dispatches = Array.from({ length: repeats }, () => this.entry.dispatches).flat();
    const seconds = await timed(device, clock, (encoder) => {
      const pass = encoder.beginComputePass();
      encodePass(pass, dispatches, live);
      pass.end();
    });
    return seconds / repeats;
  }

  /** The least of some tries. */
  async best(repeats: number, tries: number): Promise<number> {
    let least = Infinity;
    for (let k = 0; k < tries; k++) least = Math.min(least, await this.time(repeats));
    return least;
  }

  destroy(): void {
    this.entry.destroy();
    this.store.destroy();
  }

  private placeOf(b: Buffer): { readonly slab: GPUBuffer; readonly offset: number } {
    return { slab: this.entry.slabs[slabNames.indexOf(slabOf(b.place))] ?? this.store, offset: this.memory.offsets.get(b) ?? 0 };
  }
}

/** Numbers between 1/2 and 3/2, 0 where the schedule leaves 0; integers are 0, which is in every range, and truths alternate. */
function drawn({ elements, dtype, id }: Buffer, triangles: Triangles | undefined): Float64Array | Float32Array {
  if (dtype === "i32") return new Float64Array(elements);
  if (dtype === "f32") {
    const next = randomNumbers(id + 1);
    const values = new Float32Array(elements);
    for (let i = 0; i < elements; i++) {
      const value = 1 + next() / 2;
      values[i] = triangles && i % triangles.side > Math.floor(i / triangles.side) % triangles.side ? 0 : value;
    }
    return values;
  }
  return Float64Array.from({ length: elements }, (_, i) => (dtype === "bool" ? i % 2 : 0));
}
