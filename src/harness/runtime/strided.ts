/**
 * Tensors below capacity. A device's tensor has the strides of the largest sizes its plan can run; where an axis that
 * varies is not the first, the live numbers are therefore not side by side.
 *
 *     [2, N] at N = 2 of 3:   device  a b . c d .      live  a b c d
 */
import type { Values } from "./engine.ts";
import type { Size } from "./program.ts";
import { sizeOf, type Live } from "./sizes.ts";

/** Where each live element lies on the device, in live order; undefined when it is the same place. */
export function positions(shape: readonly Size[], live: Live, capacity: Live): Uint32Array | undefined {
  const now = shape.map((d) => sizeOf(d, live));
  const most = shape.map((d) => sizeOf(d, capacity));
  if (now.every((n, axis) => axis === 0 || n === most[axis])) return undefined;
  const strides = most.map((_, axis) => most.slice(axis + 1).reduce((p, d) => p * d, 1));
  const found = new Uint32Array(now.reduce((p, d) => p * d, 1));
  for (let k = 0; k < found.length; k++) {
    let rest = k;
    let at = 0;
    for (let axis = now.length - 1; axis >= 0; axis--) {
      const extent = now[axis] ?? 1;
      at += (rest % extent) * (strides[axis] ?? 1);
      rest = Math.floor(rest / extent);
    }
    found[k] = at;
  }
  return found;
}

/** The live numbers of a device tensor. */
export function gatherLive(device: Values, shape: readonly Size[], live: Live, capacity: Live): Values {
  const at = positions(shape, live, capacity);
  const elements = shape.reduce<number>((n, d) => n * sizeOf(d, live), 1);
  if (!at) return device.slice(0, elements);
  const out = device.slice(0, elements);
  for (let k = 0; k < at.length; k++) out[k] = device[at[k] ?? 0] ?? 0;
  return out;
}

/** Live numbers spread to where the device expects them; what lies between is zero. */
export function spreadLive(values: Values, shape: readonly Size[], live: Live, capacity: Live): Values {
  const at = positions(shape, live, capacity);
  if (!at) return values;
  const out = new Float64Array(shape.reduce<number>((n, d) => n * sizeOf(d, capacity), 1));
  for (let k = 0; k < at.length; k++) out[at[k] ?? 0] = values[k] ?? 0;
  return out;
}
