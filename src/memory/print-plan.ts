/**
 * A plan as text: slabs, then each buffer's bytes and life, then each kernel's bindings.
 *
 *     temps 512 bytes (liveness needs 512)
 *       0..256      h        k0..k2
 *     k0 dense_relu: b0 = inputs[0..256] read, …
 */
import { Writer } from "../support/text.ts";
import { liveness } from "./liveness.ts";
import { bytesOf, slabNames, slabOf, type Plan } from "./placement.ts";

/** The text of a plan. */
export function printPlan(plan: Plan): string {
  const w = new Writer();
  const lives = liveness(plan.kernels.map((k) => k.kernel));
  w.line(`plan ${plan.entry}: ${plan.kernels.length} kernels, peak ${plan.peak.bytes} bytes (liveness needs ${plan.peak.lowerBound})`);
  for (const slab of slabNames) {
    const members = [...plan.offsets].filter(([b]) => slabOf(b.place) === slab && lives.has(b)).sort(([a, x], [b, y]) => x - y || a.id - b.id);
    w.block(`${slab} ${plan.slabs[slab]} bytes`, "", () => {
      for (const [b, offset] of members) {
        const life = lives.get(b);
        w.line(`${`${offset}..${offset + bytesOf(b)}`.padEnd(16)} ${(b.half ? `${b.name}, f16` : b.name).padEnd(24)} k${life?.from}..k${life?.to}`);
      }
    });
  }
  plan.kernels.forEach(({ kernel, placement }, at) => {
    const bound = placement.groups.map((g, k) => `b${k} = ${g.slab}[${g.offset}..${g.offset + g.bytes}] ${g.access}`);
    w.line(`k${at} ${kernel.name} (${kernel.family}): ${bound.join(", ")}`);
  });
  return w.text();
}
