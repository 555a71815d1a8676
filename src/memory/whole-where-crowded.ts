/**
 * Gives values their 32 bits back that a kernel of many buffers touches: those of a slab share one binding there, and such a binding has no
 * place for numbers of 16 bits. Comes in: kernels. Goes out: kernels; unchanged where every kernel binds each of its buffers by itself.
 *
 *     k7 binds 9 buffers, of which h is kept in f16      h is kept in f32, in all kernels
 */
import { exchangeBuffers } from "../../kernels/exchange-buffers.ts";
import type { Buffer, Kernel } from "../ir/kernel.ts";
import type { MemoryLimits } from "./plan.ts";

/** `storageBuffers` is how many bindings a kernel may have. */
export function wholeWhereCrowded(kernels: readonly Kernel[], { storageBuffers }: Pick<MemoryLimits, "storageBuffers">): readonly Kernel[] {
  const crowded = new Set(kernels.filter((k) => k.buffers.length > storageBuffers).flatMap((k) => k.buffers.filter((b) => b.half)));
  const by = new Map([...crowded].map((b): [Buffer, Buffer] => {
    const { half: _, ...whole } = b;
    return [b, whole];
  }));
  return by.size === 0 ? kernels : kernels.map((k) => (k.buffers.some((b) => by.has(b)) ? exchangeBuffers(k, by) : k));
}
