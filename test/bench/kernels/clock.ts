/**
 * How long commands take on a device. Comes in: what to encode. Goes out: milliseconds, medians over repeats; by the device's own
 * timestamps where it has them, else by the clock around submit and done, with so many repeats in one pass that both weigh little.
 */
import { median } from "../interleave.ts";

/** Milliseconds: the median, the least, and the median of what all threads of the process used, a software adapter's too. */
export interface Time {
  readonly ms: number;
  readonly best: number;
  readonly processorMs: number;
}

/** Encodes one run of what is measured into a pass. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** Runs in one pass at most, and how much more of them a try may have than the one before. */
const mostRepeats = 4000;
const growth = 16;

export class Clock {
  readonly device: GPUDevice;
  private readonly queries: GPUQuerySet | undefined;
  private readonly resolved: GPUBuffer | undefined;
  private readonly staging: GPUBuffer | undefined;

  constructor(device: GPUDevice) {
    this.device = device;
    if (!device.features.has("timestamp-query")) return;
    this.queries = device.createQuerySet({ type: "timestamp", count: 2 });
    this.resolved = device.createBuffer({ size: 256, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.staging = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** True when times are the device's own. */
  get timestamps(): boolean {
    return this.queries !== undefined;
  }

  /** One run, from several samples of at least `minMs`. */
  async time(encode: Encode, { samples = 7, minMs = 20 } = {}): Promise<Time> {
    await this.sample(encode, 1);
    const repeats = await this.repeatsFor(encode, minMs);
    const found: number[] = [];
    const processor: number[] = [];
    for (let k = 0; k < samples; k++) {
      const before = process.cpuUsage();
      found.push((await this.sample(encode, repeats)) / repeats);
      const { user, system } = process.cpuUsage(before);
      processor.push((user + system) / 1000 / repeats);
    }
    return { ms: median(found), best: Math.min(...found), processorMs: median(processor) };
  }

  /** So many runs that they take long enough together. A run by itself does not tell: waiting for its end may take longer than it does. */
  private async repeatsFor(encode: Encode, minMs: number): Promise<number> {
    let repeats = 1;
    for (;;) {
      const ms = await this.sample(encode, repeats);
      if (ms >= minMs || repeats === mostRepeats) return repeats;
      repeats = Math.min(mostRepeats, Math.ceil(repeats * Math.min(growth, (1.1 * minMs) / ms)));
    }
  }

  /** Milliseconds from submit to done of several runs in one pass. */
  private async sample(encode: Encode, repeats: number): Promise<number> {
    const { device, queries, resolved, staging } = this;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass(queries ? { timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } } : {});
    for (let k = 0; k < repeats; k++) encode(pass);
    pass.end();
    if (!queries || !resolved || !staging) {
      const commands = encoder.finish();
      const started = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - started;
    }
    encoder.resolveQuerySet(queries, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const [from = 0n, to = 0n] = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    return Number(to - from) / 1e6;
  }
}
