/**
 * How outputs come back without stalling. Each run copies its output slab into the next slot of a staging buffer;
 * when the buffer is full, or someone waits for one of its slots, it is mapped once and all its slots are delivered,
 * while later runs fill another buffer of the pool.
 */
import { decode } from "./bytes.ts";
import type { Outputs } from "./engine.ts";
import type { EntryPlan } from "./program.ts";
import { elementsOf, sizeOf, type Live } from "./sizes.ts";
import { gatherLive } from "./strided.ts";

/** Bytes of one staging buffer, unless a single slot needs more. */
const stagingBytes = 32 * 1024;
const mostSlots = 64;
const buffers = 3;

interface Staging {
  readonly buffer: GPUBuffer;
  /** Slots handed out since it was last mapped. */
  used: number;
  /** Set once mapping has begun; resolves to a copy of the content. */
  content: Promise<ArrayBuffer> | undefined;
}

/** The place of one run's outputs. */
export interface Slot {
  /** Adds the copy to a command encoder, after the pass that writes the slab. */
  encode(encoder: GPUCommandEncoder, slab: GPUBuffer | undefined): void;
  /** The bytes, once the device is done. */
  read(): Promise<ArrayBuffer>;
}

export class Readback {
  private readonly bytes: number;
  private readonly slots: number;
  private readonly pool: Staging[] = [];
  /** Slots that must learn which mapping holds their content. */
  private readonly waiting = new Map<Staging, ((content: Promise<ArrayBuffer>) => void)[]>();
  private readonly device: GPUDevice;
  private readonly label: string;
  private filling = 0;

  constructor(device: GPUDevice, bytes: number, label: string) {
    this.device = device;
    this.label = label;
    this.bytes = bytes;
    this.slots = bytes === 0 ? 1 : Math.max(1, Math.min(mostSlots, Math.floor(stagingBytes / bytes)));
    for (let k = 0; k < (bytes === 0 ? 0 : buffers); k++) this.pool.push(this.staging(k));
  }

  private staging(k: number): Staging {
    const buffer = this.device.createBuffer({
      label: `${this.label} readback ${k}`,
      size: this.bytes * this.slots,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    return { buffer, used: 0, content: undefined };
  }

  /** Resolves when a slot may be free: waits only when every buffer of the pool is full and being read. */
  async room(): Promise<void> {
    const staging = this.current();
    if (staging.used < this.slots && !staging.content) return;
    void this.map(staging);
    this.filling = (this.filling + 1) % this.pool.length;
    await this.current().content;
  }

  /**
   * A free slot of the buffer that is being filled, if it has one. Its copy must be submitted before anything is
   * awaited: reading another slot of the same buffer maps the buffer.
   */
  take(): Slot | undefined {
    if (this.bytes === 0) return { encode: () => undefined, read: async () => new ArrayBuffer(0) };
    const own = this.current();
    if (own.used >= this.slots || own.content) return undefined;
    const index = own.used++;
    let content: Promise<ArrayBuffer> | undefined;
    const settle = (): Promise<ArrayBuffer> => {
      content ??= this.map(own);
      return content;
    };
    this.waiting.set(own, [...(this.waiting.get(own) ?? []), (promise) => { content ??= promise; }]);
    return {
      encode: (encoder, slab) => {
        if (slab) encoder.copyBufferToBuffer(slab, 0, own.buffer, index * this.bytes, this.bytes);
      },
      read: async () => (await settle()).slice(index * this.bytes, (index + 1) * this.bytes),
    };
  }

  private current(): Staging {
    const staging = this.pool[this.filling];
    if (!staging) throw new Error("readback: no staging buffer");
    return staging;
  }

  /** Maps a staging buffer, copies it out and frees it for further runs. */
  private map(staging: Staging): Promise<ArrayBuffer> {
    if (staging.content) return staging.content;
    const content = staging.buffer.mapAsync(GPUMapMode.READ).then(() => {
      const copy = staging.buffer.getMappedRange().slice(0);
      staging.buffer.unmap();
      staging.used = 0;
      staging.content = undefined;
      return copy;
    });
    // A run that nobody reads must not turn a lost device into an unhandled rejection.
    content.catch(() => undefined);
    staging.content = content;
    for (const tell of this.waiting.get(staging) ?? []) tell(content);
    this.waiting.delete(staging);
    return content;
  }

  destroy(): void {
    for (const { buffer } of this.pool) buffer.destroy();
  }

  /** The outputs in the bytes of one slot. */
  static decode(bytes: ArrayBuffer, { outputs, capacity }: Pick<EntryPlan, "outputs" | "capacity">, live: Live): Outputs {
    const named: Record<string, Outputs[string]> = Object.create(null);
    for (const o of outputs) {
      const held = decode(bytes.slice(o.offset, o.offset + 4 * elementsOf(o.shape, capacity)), o.dtype);
      named[o.name] = {
        kind: o.kind,
        shape: o.shape.map((d) => sizeOf(d, live)),
        data: gatherLive(held, o.shape, live, capacity),
      };
    }
    return named;
  }
}
