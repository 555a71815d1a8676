/**
 * The nest that copies one buffer to another of the same shape: for commits that cannot be made in place.
 *
 *     identityNest(next, p)    parallel i0 in 3: v1 = load next[i0]; store p[i0] = v1
 */
import type { Bindings } from "../ir/dims.ts";
import type { Buffer, Nest } from "../ir/kernel.ts";
import { toScalar } from "./index-form.ts";
import { address } from "./index-maps.ts";
import { NestBuilder } from "./nest-builder.ts";

/** Copies all live elements of one buffer to the other. */
export function identityNest(from: Buffer, to: Buffer, capacity: Bindings): Nest {
  const b = new NestBuilder(capacity);
  const parallel = from.shape.map((d, i) => b.parallel(`i${i}`, d));
  const at = toScalar(address(b, from.shape, parallel.map((a) => b.indexOf(a))));
  b.store(to, at, b.load(from, at, undefined));
  const why = [`${to.name} is still read after ${from.name} is made: copied at the end`];
  return { name: "copy", parallel, body: b.body(), params: b.params, nodes: [], why, shape: "pointwise" };
}
