/**
 * What a kernel is, for people, as WGSL comments. Kept apart from the text that a pipeline is keyed by.
 *
 *     // dense_relu (contract): 1 nest, 4 buffers
 *     // b0 = x f32[N, 64], b1 = h.W f32[64, 32], b2 = h.b f32[32], b3 = h f32[N, 32] (written)
 */
import { printShape } from "../ir/types.ts";
import type { Kernel } from "../ir/kernel.ts";
import type { Placement } from "../memory/placement.ts";
import { Writer } from "../support/text.ts";

/** Comment lines about a kernel: its buffers and why it is one kernel. */
export function describe(kernel: Kernel, placement: Placement): string {
  const w = new Writer();
  w.line(`// ${kernel.name} (${kernel.family})`);
  for (const buffer of kernel.buffers) {
    const place = placement.of.get(buffer);
    const at = place === undefined ? "?" : `b${place.group}${place.base === undefined ? "" : ` from p${place.base}`}`;
    w.line(`// ${at}: ${buffer.name} ${buffer.dtype}${printShape(buffer.shape)}${kernel.writes.has(buffer) ? ", written" : ""}`);
  }
  for (const nest of kernel.nests) for (const why of nest.why) w.line(`// ${why}`);
  return w.text();
}
