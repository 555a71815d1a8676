/**
 * How long each dispatch of an entry takes on a device, and the entry as a whole. In: device code, a call. Out: seconds, medians of
 * some runs. Parameters start at their initial values, in a store of their own; nothing that is trained is touched.
 *
 *     const { dispatches, whole } = await timeEntry({ device, clock, entry, init, store: program.info.store, call });
 *
 * Each dispatch gets a pass of its own between two timestamps of the device. Without timestamps it is repeated within one pass, and
 * what an empty submission takes is subtracted: coarser, and a kernel that updates in place then sees its own results.
 */
import { type Clock, timed } from "./measure-limits.ts";
import type { Call } from "./runtime/engine.ts";
import { encodePass, feedEntry } from "./runtime/feed-entry.ts";
import { loadEntry, type LoadedEntry } from "./runtime/load-entry.ts";
import type { EntryPlan, KernelText, Program } from "./runtime/program.ts";

/** Device code of one entry. */
export interface Timeable {
  readonly plan: EntryPlan;
  readonly texts: readonly KernelText[];
}

export interface TimeOptions {
  readonly device: GPUDevice;
  readonly clock: Clock;
  readonly entry: Timeable;
  /** What sets parameters and states before. */
  readonly init: Timeable;
  readonly store: Program["store"];
  readonly call: Call;
  /** Seconds to spend, about. */
  readonly budget?: number;
}

export interface EntryTimes {
  /** In the order they run. */
  readonly dispatches: readonly number[];
  /** One run of all of them in one pass, of several queued one after the other. */
  readonly whole: number;
  readonly timestamps: boolean;
  readonly runs: number;
}

const leastRuns = 3;
const mostRuns = 50;
/** Timestamps of one query set; the limit of WebGPU is 4096. */
const mostQueries = 4096;
/** Runs that are queued together to time the whole. */
const queued = 4;

/** Runs the entry some times. Throws what the engine throws. */
export async function timeEntry({ device, clock, entry, init, store, call, budget = 2 }: TimeOptions): Promise<EntryTimes> {
  const own = device.createBuffer({ label: "timed store", size: Math.max(256, store.bytes), usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const loaded: LoadedEntry[] = [];
  const load = async ({ plan, texts }: Timeable): Promise<LoadedEntry> => {
    const made = await loadEntry(device, plan, texts, own, new Map());
    loaded.push(made);
    return made;
  };
  try {
    const start = await load(init);
    feedEntry(device, start, call);
    await timed(device, clock, (encoder) => passOf(encoder, (pass) => encodePass(pass, start.dispatches, call.live)));
    const main = await load(entry);
    feedEntry(device, main, call);
    const run = (times: number): Promise<number> =>
      timed(device, clock, (encoder) => {
        for (let k = 0; k < times; k++) passOf(encoder, (pass) => encodePass(pass, main.dispatches, call.live));
      });
    // The first run of a kernel takes longer.
    const first = await run(1);
    const runs = Math.max(leastRuns, Math.min(mostRuns, Math.floor(budget / 2 / Math.max(1e-4, first))));
    const wholes: number[] = [];
    for (let k = 0; k < Math.max(leastRuns, runs / queued); k++) wholes.push((await run(queued)) / queued);
    const timestamps = device.features.has("timestamp-query");
    const dispatches = timestamps ? await byTimestamps(device, main, call, runs) : await byRepeating(device, clock, main, call);
    return { dispatches, whole: median(wholes), timestamps, runs };
  } finally {
    for (const { destroy } of loaded) destroy();
    own.destroy();
  }
}

async function byTimestamps(device: GPUDevice, entry: LoadedEntry, call: Call, runs: number): Promise<readonly number[]> {
  const perPart = mostQueries / 2;
  const found: number[] = [];
  for (let from = 0; from < entry.dispatches.length; from += perPart) {
    const part = entry.dispatches.slice(from, from + perPart);
    const querySet = device.createQuerySet({ type: "timestamp", count: 2 * part.length });
    const bytes = 16 * part.length;
    const resolved = device.createBuffer({ size: bytes, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const times: number[][] = part.map(() => []);
    for (let run = 0; run < runs; run++) {
      const encoder = device.createCommandEncoder();
      part.forEach((dispatch, k) => {
        const pass = encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * k, endOfPassWriteIndex: 2 * k + 1 } });
        encodePass(pass, [dispatch], call.live);
        pass.end();
      });
      encoder.resolveQuerySet(querySet, 0, 2 * part.length, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
      staging.unmap();
      part.forEach((_, k) => times[k]?.push(Number((stamps[2 * k + 1] ?? 0n) - (stamps[2 * k] ?? 0n)) * 1e-9));
    }
    found.push(...times.map(median));
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
  return found;
}

async function byRepeating(device: GPUDevice, clock: Clock, entry: LoadedEntry, call: Call): Promise<readonly number[]> {
  const wait = await medianOf(leastRuns, () => timed(device, clock, () => undefined));
  const found: number[] = [];
  for (const dispatch of entry.dispatches) {
    const repeat = (times: number): Promise<number> =>
      medianOf(leastRuns, () => timed(device, clock, (encoder) => passOf(encoder, (pass) => encodePass(pass, Array.from({ length: times }, () => dispatch), call.live))));
    const once = (await repeat(1)) - wait;
    // What takes no longer than waiting for it is repeated until it does.
    const times = Math.max(1, Math.min(64, Math.ceil(wait / Math.max(1e-6, once))));
    found.push(Math.max(0, ((await repeat(times)) - wait) / times));
  }
  return found;
}

function passOf(encoder: GPUCommandEncoder, fill: (pass: GPUComputePassEncoder) => void): void {
  const pass = encoder.beginComputePass();
  fill(pass);
  pass.end();
}

async function medianOf(runs: number, run: () => Promise<number>): Promise<number> {
  const all: number[] = [];
  for (let k = 0; k < runs; k++) all.push(await run());
  return median(all);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}
