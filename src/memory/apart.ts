/**
 * Which temps are to lie apart from the others, so that four neighbours of those stay one access. Comes in: kernels, and how many buffers one
 * may bind. Goes out: temps that a kernel of more buffers stores number by number while it takes four neighbours of others at once.
 *
 *     a product of 9 buffers and, in the same dispatch, a sum s[r] = …      s lies apart
 *
 * Such a kernel reaches temps through the slab. A binding of vectors is no place to store a single number in, since a device may write all of
 * the vector, and then takes back what other invocations write beside it (emit.ts). So without two bindings the four would be read one by one.
 */
import type { Buffer, Kernel, KernelStmt } from "../ir/kernel.ts";
import { partsOf } from "../ir/kernel.ts";

/** The temps that are stored number by number where others are accessed in fours. */
export function apart(kernels: readonly Kernel[], storageBuffers: number): ReadonlySet<Buffer> {
  const found = new Set<Buffer>();
  for (const kernel of kernels) {
    if (kernel.buffers.length <= storageBuffers) continue;
    const [fours, singles] = [new Set<Buffer>(), new Set<Buffer>()];
    const visit = (s: KernelStmt): void => {
      if (s.kind === "load4" || s.kind === "store4") fours.add(s.buffer);
      else if (s.kind === "store") singles.add(s.buffer);
      else if (s.kind === "for") s.body.forEach(visit);
      else if (s.kind === "if") [...s.body, ...(s.otherwise ?? [])].forEach(visit);
    };
    kernel.body.forEach(visit);
    if (![...fours].some((b) => b.place === "temp" && !singles.has(b))) continue;
    for (const b of singles) if (b.place === "temp") for (const part of [b, ...partsOf(b)]) found.add(part);
  }
  return found;
}
