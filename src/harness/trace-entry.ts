/**
 * Runs an entry once on a device, dispatch by dispatch, and reads back what each writes before a later one writes over it.
 * In: device code, the content of the store, a call. Out: for each dispatch the numbers of its buffers. What is stored stays
 * as it is: the run has a store of its own.
 *
 *     const runs = await traceEntry({ device, lowered, store: program.info.store, held: await engine.snapshot(), call });
 *     runs[3].get(buffer)        // what buffer held after the fourth dispatch
 */
import type { Buffer } from "../ir/kernel.ts";
import { bytesOf, slabNames, slabOf, type Plan } from "../memory/placement.ts";
import { decode, encode } from "./runtime/bytes.ts";
import type { Call, Snapshot, Values } from "./runtime/engine.ts";
import { encodePass, feedEntry } from "./runtime/feed-entry.ts";
import { loadEntry } from "./runtime/load-entry.ts";
import type { EntryPlan, KernelText, Program } from "./runtime/program.ts";
import { gatherLive } from "./runtime/strided.ts";

/** Device code that can be followed. */
export interface Traceable {
  readonly memory: Plan;
  readonly plan: EntryPlan;
  readonly texts: readonly KernelText[];
}

export interface TraceRun {
  readonly device: GPUDevice;
  readonly lowered: Traceable;
  readonly store: Program["store"];
  /** What parameters and states hold before the run. */
  readonly held: Snapshot;
  readonly call: Call;
}

/** Live numbers by buffer: what one dispatch wrote. */
export type Written = ReadonlyMap<Buffer, Values>;

/** Bytes that are read back at a time. */
const mostBytes = 2 ** 26;

/** What each dispatch wrote, in their order. Throws what the engine throws. */
export async function traceEntry({ device, lowered, store, held, call }: TraceRun): Promise<readonly Written[]> {
  const { memory, plan, texts } = lowered;
  const own = device.createBuffer({ label: "traced store", size: Math.max(256, store.bytes), usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  try {
    const entry = await loadEntry(device, plan, texts, own, new Map());
    try {
      for (const t of store.tensors) device.queue.writeBuffer(own, t.offset, encode(held.get(t.name) ?? [], t.dtype));
      feedEntry(device, entry, call);
      const written: Written[] = [];
      for (const part of partsOf(memory)) {
        const staging = device.createBuffer({ size: part.bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
        const encoder = device.createCommandEncoder();
        part.places.forEach((places, k) => {
          const pass = encoder.beginComputePass();
          encodePass(pass, entry.dispatches.slice(part.from + k, part.from + k + 1), call.live);
          pass.end();
          for (const { buffer, at } of places) {
            const slab = entry.slabs[slabNames.indexOf(slabOf(buffer.place))];
            if (slab) encoder.copyBufferToBuffer(slab, memory.offsets.get(buffer) ?? 0, staging, at, bytesOf(buffer));
          }
        });
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        const content = staging.getMappedRange().slice(0);
        staging.destroy();
        const valuesOf = ({ buffer, at }: Place): Values => gatherLive(decode(content.slice(at, at + 4 * buffer.elements), buffer.dtype), buffer.shape, call.live, plan.capacity);
        for (const places of part.places) written.push(new Map(places.map((p) => [p.buffer, valuesOf(p)])));
      }
      return written;
    } finally {
      entry.destroy();
    }
  } finally {
    own.destroy();
  }
}

/** Where a buffer lies among what is read back at once. */
interface Place {
  readonly buffer: Buffer;
  readonly at: number;
}

/** Dispatches whose results are read back at once: from which on, and what each writes. */
interface Part {
  readonly from: number;
  readonly places: Place[][];
  bytes: number;
}

function partsOf({ kernels, offsets }: Plan): readonly Part[] {
  const parts: Part[] = [];
  kernels.forEach(({ kernel }, at) => {
    const buffers = [...kernel.writes].flatMap((b) => b.parts?.map((p) => p.buffer) ?? [b]).filter((b) => offsets.has(b) && b.elements > 0);
    const bytes = buffers.reduce((n, b) => n + bytesOf(b), 0);
    let part = parts.at(-1);
    if (!part || (part.bytes > 16 && part.bytes + bytes > mostBytes)) {
      part = { from: at, places: [], bytes: 16 };
      parts.push(part);
    }
    const places: Place[] = [];
    for (const buffer of buffers) {
      places.push({ buffer, at: part.bytes });
      part.bytes += bytesOf(buffer);
    }
    part.places.push(places);
  });
  return parts;
}
