/**
 * What is really asked of the device: the methods of WebGPU, counted. Comes in: the classes that the `webgpu` package has made
 * global, before any device is opened. Goes out: counts and bytes of whoever is at work, and how long pipelines were being made.
 *
 *     const counters = new Counters();
 *     counters.owner = "nabla";
 *     …
 *     counters.of("nabla").dispatches
 */
export interface Counts {
  dispatches: number;
  submits: number;
  passes: number;
  writes: number;
  copies: number;
  createdBuffers: number;
  createdBytes: number;
  bindGroups: number;
  pipelines: number;
  /** Milliseconds in which at least one pipeline was being made. */
  pipelineMs: number;
  /** Made and not destroyed. */
  liveBytes: number;
}

const zero = (): Counts => ({
  dispatches: 0, submits: 0, passes: 0, writes: 0, copies: 0, createdBuffers: 0, createdBytes: 0, bindGroups: 0, pipelines: 0, pipelineMs: 0, liveBytes: 0,
});

type Method = (this: object, ...args: unknown[]) => unknown;
interface Seen {
  readonly self: object;
  readonly args: readonly unknown[];
  readonly result: unknown;
  readonly started: number;
}

export class Counters {
  /** Who is at work; the harness sets it before each block. */
  owner = "";
  /** All devices that were opened, to be destroyed at the end. */
  readonly devices: GPUDevice[] = [];
  private readonly all = new Map<string, Counts>();
  private readonly buffers = new WeakMap<object, { readonly owner: string; readonly bytes: number }>();
  /** Pipelines being made, and when the first of them began. */
  private making = 0;
  private since = 0;

  constructor() {
    const count = (what: "dispatches" | "passes" | "submits" | "writes" | "copies" | "bindGroups") => (): void => {
      this.of(this.owner)[what]++;
    };
    wrap(GPUComputePassEncoder, "dispatchWorkgroups", count("dispatches"));
    wrap(GPUComputePassEncoder, "dispatchWorkgroupsIndirect", count("dispatches"));
    wrap(GPUCommandEncoder, "beginComputePass", count("passes"));
    wrap(GPUCommandEncoder, "copyBufferToBuffer", count("copies"));
    wrap(GPUQueue, "submit", count("submits"));
    wrap(GPUQueue, "writeBuffer", count("writes"));
    wrap(GPUDevice, "createBindGroup", count("bindGroups"));
    wrap(GPUDevice, "createComputePipeline", ({ started }) => this.pipeline(started, performance.now()));
    wrap(GPUDevice, "createComputePipelineAsync", ({ result }) => {
      if (this.making++ === 0) this.since = performance.now();
      const owner = this.of(this.owner);
      owner.pipelines++;
      const made = (): void => {
        if (--this.making === 0) owner.pipelineMs += performance.now() - this.since;
      };
      void (result as Promise<unknown>).then(made, made);
    });
    wrap(GPUDevice, "createBuffer", ({ args, result }) => {
      const bytes = (args[0] as GPUBufferDescriptor).size;
      const counts = this.of(this.owner);
      counts.createdBuffers++;
      counts.createdBytes += bytes;
      counts.liveBytes += bytes;
      this.buffers.set(result as object, { owner: this.owner, bytes });
    });
    wrap(GPUBuffer, "destroy", ({ self }) => {
      const known = this.buffers.get(self);
      if (known) this.of(known.owner).liveBytes -= known.bytes;
      this.buffers.delete(self);
    });
    wrap(GPUAdapter, "requestDevice", ({ result }) => void (result as Promise<GPUDevice>).then((device) => this.devices.push(device), () => undefined));
  }

  /** The running counts of somebody. */
  of(owner: string): Counts {
    const counts = this.all.get(owner) ?? zero();
    this.all.set(owner, counts);
    return counts;
  }

  /** A copy of them, to subtract from later ones. */
  now(owner: string): Counts {
    return { ...this.of(owner) };
  }

  private pipeline(started: number, ended: number): void {
    const counts = this.of(this.owner);
    counts.pipelines++;
    counts.pipelineMs += ended - started;
  }
}

/** What was added between two readings, divided by a number of steps. */
export function perStep(before: Counts, after: Counts, steps: number): Counts {
  const out = zero();
  for (const key of Object.keys(out) as (keyof Counts)[]) out[key] = (after[key] - before[key]) / steps;
  return out;
}

/** Puts an observer after a method. */
function wrap(owner: { readonly prototype: object } | undefined, name: string, seen: (call: Seen) => void): void {
  const prototype = owner?.prototype as Record<string, Method> | undefined;
  const original = prototype?.[name];
  if (!prototype || !original) return;
  prototype[name] = function (...args) {
    const started = performance.now();
    const result = original.apply(this, args);
    seen({ self: this, args, result, started });
    return result;
  };
}
