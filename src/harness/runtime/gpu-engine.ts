/**
 * Runs a program's entries on a WebGPU device, in Node (Dawn) and in a browser alike. Pipelines, bind groups and
 * buffers are made when an entry is loaded; a run writes its scalars and inputs, encodes one pass, submits once and
 * allocates nothing on the device. Outputs come back through a pool of mapped staging buffers (see readback.ts).
 */
import { decode, encode } from "./bytes.ts";
import type { Call, Engine, Outcome, Snapshot, Values } from "./engine.ts";
import { checkCapacity, EngineError } from "./engine.ts";
import { encodePass, feedEntry } from "./feed-entry.ts";
import { loadEntry, type LoadedEntry } from "./load-entry.ts";
import type { EntryPlan, KernelText, Program, StoredTensor } from "./program.ts";
import { Readback } from "./readback.ts";
import { elementsOf, type Live } from "./sizes.ts";

/** Runs that may be queued ahead of the device. */
const inFlight = 3;

export interface GpuEngineOptions {
  readonly device: GPUDevice;
  readonly program: Pick<Program, "store">;
  /** Called before an entry runs that was not loaded, or whose capacity is too small; loads a plan that fits. */
  readonly planFor: (entry: string, live: Live) => { readonly plan: EntryPlan; readonly kernels: readonly KernelText[] };
}

export class GpuEngine implements Engine {
  readonly backend = "webgpu";
  private readonly device: GPUDevice;
  private readonly options: GpuEngineOptions;
  private readonly store: GPUBuffer;
  private readonly tensors: ReadonlyMap<string, StoredTensor>;
  private readonly entries = new Map<string, Promise<LoadedEntry>>();
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly pending: Promise<unknown>[] = [];
  /** The run asked for last, settled once it is queued. */
  private last: Promise<unknown> = Promise.resolve();
  private failure: EngineError | undefined;

  constructor(options: GpuEngineOptions) {
    this.options = options;
    this.device = options.device;
    const { store } = options.program;
    const most = this.device.limits.maxBufferSize;
    if (store.bytes > most) throw new EngineError("E0602", `parameters and states take ${store.bytes} bytes; one buffer of the device holds ${most}`);
    this.tensors = new Map(store.tensors.map((t) => [t.name, t]));
    this.store = this.device.createBuffer({
      label: "store",
      size: Math.max(256, store.bytes),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    this.device.addEventListener("uncapturederror", this.onError);
    void this.device.lost.then((lost) => {
      if (lost.reason !== "destroyed") this.failure ??= new EngineError("E0605", `the device was lost: ${lost.message}`);
    });
  }

  /** An error that no scope caught is a bug of whoever made the commands; it surfaces at the next call. */
  private readonly onError = (event: Event): void => {
    this.failure ??= new EngineError("E0604", `WebGPU: ${(event as GPUUncapturedErrorEvent).error.message}`);
  };

  /** The entry, loaded with a capacity that fits; loading happens once per entry and capacity. */
  private async entry(name: string, live: Live): Promise<LoadedEntry> {
    const known = await this.entries.get(name);
    if (known && Object.entries(known.plan.capacity).every(([s, most]) => (live[s] ?? 0) <= most)) return known;
    const { plan, kernels } = this.options.planFor(name, live);
    checkCapacity(plan, live);
    const loading = loadEntry(this.device, plan, kernels, this.store, this.pipelines);
    this.entries.set(name, loading);
    try {
      const loaded = await loading;
      if (known) void this.idle().then(() => known.destroy());
      return loaded;
    } catch (error) {
      if (known) this.entries.set(name, Promise.resolve(known));
      else this.entries.delete(name);
      throw error;
    }
  }

  /** After what was asked for before: its plan is made, and its pipelines begun, while those of an earlier run are built. */
  prepare(name: string, live: Live): void {
    setTimeout(() => {
      if (!this.failure) void this.entry(name, live).catch(() => undefined);
    });
  }

  /** Runs are queued one at a time, in the order they are asked for: an entry has one set of input and word buffers. */
  run(name: string, call: Call): Promise<Outcome> {
    const run = this.last.then(() => this.enqueue(name, call));
    this.last = run.catch(() => undefined);
    return run;
  }

  private async enqueue(name: string, call: Call): Promise<Outcome> {
    this.check();
    const entry = await this.entry(name, call.live);
    while (this.pending.length >= inFlight) await this.pending.shift();
    let slot = entry.readback.take();
    while (!slot) {
      await entry.readback.room();
      slot = entry.readback.take();
    }
    this.check();
    // Nothing is awaited from here to `submit`: a slot's staging buffer must not be mapped in between.
    feedEntry(this.device, entry, call);
    const encoder = this.device.createCommandEncoder({ label: name });
    const pass = encoder.beginComputePass({ label: name });
    encodePass(pass, entry.dispatches, call.live);
    pass.end();
    slot.encode(encoder, entry.slabs[entry.outputSlab]);
    this.device.queue.submit([encoder.finish()]);
    this.pending.push(this.idle());
    return {
      read: async () => {
        const bytes = await slot.read();
        this.check();
        return Readback.decode(bytes, entry.plan, call.live);
      },
    };
  }

  async read(path: string): Promise<Values> {
    this.check();
    const t = this.tensor(path);
    const staging = this.device.createBuffer({ size: t.bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.store, t.offset, staging, 0, t.bytes);
    this.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const elements = elementsOf(t.shape, {});
    const values = decode(staging.getMappedRange().slice(0, elements * 4), t.dtype);
    staging.destroy();
    this.check();
    return values;
  }

  write(path: string, data: ArrayLike<number>): void {
    const t = this.tensor(path);
    const elements = elementsOf(t.shape, {});
    if (data.length !== elements)
      throw new EngineError("E0504", `${path} has ${elements} numbers, not ${data.length}`);
    this.device.queue.writeBuffer(this.store, t.offset, encode(data, t.dtype));
  }

  async snapshot(): Promise<Snapshot> {
    const all = new Map<string, Values>();
    for (const path of this.tensors.keys()) all.set(path, await this.read(path));
    return all;
  }

  restore(snapshot: Snapshot): void {
    for (const [path, data] of snapshot) this.write(path, data);
  }

  close(): void {
    this.failure ??= new EngineError("E0605", "the session is closed");
    this.device.removeEventListener("uncapturederror", this.onError);
    this.store.destroy();
    for (const entry of this.entries.values()) void entry.then((e) => e.destroy(), () => undefined);
  }

  /** When everything submitted so far is done, or never will be: a lost device is reported by `check`. */
  private idle(): Promise<void> {
    return this.device.queue.onSubmittedWorkDone().then(() => undefined, () => undefined);
  }

  private tensor(path: string): StoredTensor {
    const t = this.tensors.get(path);
    if (!t) throw new EngineError("E0505", `there is no parameter or state named ${path}`);
    return t;
  }

  private check(): void {
    if (this.failure) throw this.failure;
  }
}
