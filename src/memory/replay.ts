/**
 * An entry's kernels with some values not kept. Comes in: the kernels in order, and which values are let go after their first readers.
 * Goes out: the kernels with those repeated, right before the next reader, that make the value anew; it then lives to its last reader.
 *
 *     a = f(x)   b = g(a)   …   db = …b   da = …a      with a let go:     a = f(x)   b = g(a)   …   db = …b   a' = f(x)   da = …a'
 *
 * A repeated kernel is the kernel itself with other buffers, so it has the same text and makes the same bits; what it reads is kept, or made
 * anew before it. Random numbers come from counters, and are the same again.
 */
import { exchangeBuffers } from "../../kernels/exchange-buffers.ts";
import type { Buffer, Kernel } from "../ir/kernel.ts";
import { partsOf } from "../ir/kernel.ts";
import { arenaOf } from "./liveness.ts";

/** A value that may be made anew. */
export interface Value {
  readonly buffer: Buffer;
  /** Position of the kernel that makes it. */
  readonly made: number;
  /** The last reader before the longest stretch without one, and the first reader after it. */
  readonly before: number;
  readonly after: number;
}

/** An entry's kernels, with what is known of their values. */
export class Replay {
  readonly kernels: readonly Kernel[];
  /** Values that somebody reads again after a while, and whose kernel writes nothing but such memory as nobody sees. */
  readonly values: ReadonlyMap<Buffer, Value>;
  private readonly writers = new Map<Buffer, number[]>();
  private readonly nextId: number;

  constructor(kernels: readonly Kernel[]) {
    this.kernels = kernels;
    const readers = new Map<Buffer, number[]>();
    const note = (map: Map<Buffer, number[]>, b: Buffer, at: number): void => void map.set(b, [...(map.get(b) ?? []), at]);
    const arenas = arenaOf(kernels);
    for (const [at, k] of kernels.entries()) {
      // Who writes a part of an arena writes the arena, and the other way round.
      for (const b of k.writes) for (const same of [b, ...(b.parts ?? []).map((p) => p.buffer), arenas.get(b)?.arena ?? b]) note(this.writers, same, at);
      for (const b of k.reads) if (!k.writes.has(b)) note(readers, b, at);
    }
    const alone = (b: Buffer): boolean => b.place === "temp" && !b.parts && !arenas.has(b) && new Set(this.writers.get(b)).size === 1;
    const again = (k: Kernel): boolean => [...k.writes].every(alone);
    const values = new Map<Buffer, Value>();
    for (const [made, kernel] of kernels.entries()) {
      if (!again(kernel)) continue;
      for (const buffer of kernel.writes) {
        const uses = [made, ...(readers.get(buffer) ?? [])];
        const gaps = uses.slice(1).map((after, k) => ({ before: uses[k] ?? made, after }));
        const longest = gaps.reduce((best, gap) => (gap.after - gap.before > best.after - best.before ? gap : best), { before: made, after: made });
        if (longest.after - longest.before > 1) values.set(buffer, { buffer, made, ...longest });
      }
    }
    this.values = values;
    this.nextId = Math.max(0, ...kernels.flatMap((k) => k.buffers.map((b) => b.id))) + 1;
  }

  /** The kernels without the values, and which values cannot go after all: what their kernels read has changed by then. */
  without(gone: ReadonlySet<Buffer>): { readonly kernels: readonly Kernel[]; readonly repeated: readonly number[]; readonly needed: ReadonlySet<Buffer> } {
    const out: Kernel[] = [];
    const repeated: number[] = [];
    const needed = new Set<Buffer>();
    const now = new Map<Buffer, Buffer>();
    let id = this.nextId;
    const absent = (b: Buffer, at: number): boolean => gone.has(b) && !now.has(b) && at > (this.values.get(b)?.before ?? Number.POSITIVE_INFINITY);
    for (const [at, kernel] of this.kernels.entries()) {
      const work = [...kernel.reads].filter((b) => absent(b, at));
      for (let buffer = work.at(-1); buffer; buffer = work.at(-1)) {
        const value = this.values.get(buffer);
        const maker = value && this.kernels[value.made];
        // What it reads may be gone too, and is made before it.
        const first = absent(buffer, at) && maker ? [...maker.reads].filter((b) => !maker.writes.has(b) && absent(b, at)) : [];
        work.push(...first);
        if (first.length > 0) continue;
        work.pop();
        if (!value || !maker || !absent(buffer, at)) continue;
        if ([...maker.reads].some((b) => this.changes(b, value.made, at))) needed.add(buffer);
        const fresh = new Map([...maker.writes].map((b) => [b, { ...b, id: id++, name: `${b.name}'` }] as const));
        out.push(exchangeBuffers(maker, new Map([...this.anew(maker, now), ...fresh])));
        for (const [b, made] of fresh) if (gone.has(b)) now.set(b, made);
        repeated.push(value.made);
      }
      const by = this.anew(kernel, now);
      out.push(by.size > 0 ? exchangeBuffers(kernel, by) : kernel);
    }
    return { kernels: out, repeated, needed };
  }

  /** What a kernel reads that was made anew. */
  private anew(kernel: Kernel, now: ReadonlyMap<Buffer, Buffer>): ReadonlyMap<Buffer, Buffer> {
    return new Map(kernel.buffers.flatMap((b) => {
      const made = now.get(b);
      return made ? [[b, made] as const] : [];
    }));
  }

  /** Whether some kernel writes to a buffer, or to what it is made of, between two positions. */
  private changes(b: Buffer, from: number, to: number): boolean {
    return [b, ...partsOf(b)].some((x) => (this.writers.get(x) ?? []).some((w) => w > from && w < to));
  }
}
