/**
 * When each buffer of an entry is needed: from the kernel that first writes it to the last that touches it.
 *
 *     kernels: k0 writes a; k1 reads a, writes b; k2 reads b   =>   a: 0..1, b: 1..2
 */
import type { Buffer, Kernel } from "../ir/kernel.ts";

/** Positions in the kernel list, both inclusive. */
export interface Life {
  readonly from: number;
  readonly to: number;
}

/** The life of every buffer that a kernel touches, parts of an arena apart: an arena lives as long as any of them. */
export function liveness(kernels: readonly Kernel[]): ReadonlyMap<Buffer, Life> {
  const lives = new Map<Buffer, Life>();
  const arenas = arenaOf(kernels);
  kernels.forEach((kernel, at) => {
    for (const touched of kernel.buffers) {
      const buffer = arenas.get(touched)?.arena ?? touched;
      lives.set(buffer, { from: lives.get(buffer)?.from ?? at, to: at });
    }
  });
  return lives;
}

/** For each part of an arena that kernels touch: the arena, and the element of it where the part begins. */
export function arenaOf(kernels: readonly Kernel[]): ReadonlyMap<Buffer, { readonly arena: Buffer; readonly at: number }> {
  const arenas = new Set(kernels.flatMap((k) => k.buffers.filter((b) => b.parts)));
  return new Map([...arenas].flatMap((arena) => (arena.parts ?? []).map(({ buffer, at }) => [buffer, { arena, at }] as const)));
}

/** The most bytes that live at once: no placement of this order needs less. */
export function lowerBound(lives: ReadonlyMap<Buffer, Life>, bytes: (b: Buffer) => number, count: number): number {
  const change = new Float64Array(count + 1);
  for (const [buffer, life] of lives) {
    change[life.from] = (change[life.from] ?? 0) + bytes(buffer);
    change[life.to + 1] = (change[life.to + 1] ?? 0) - bytes(buffer);
  }
  let now = 0;
  let most = 0;
  for (const c of change) {
    now += c;
    most = Math.max(most, now);
  }
  return most;
}
