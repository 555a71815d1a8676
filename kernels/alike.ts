/**
 * Binds nests that are equal but for their buffers, and where accesses begin in them, once. Comes in: a nest, and how to bind it. Goes out: its kernel, made anew for the
 * first of its kind and with other buffers in it for those that follow: twelve equal layers are bound like one.
 *
 *     h2 = h1 · W2     bound by its family
 *     h3 = h2 · W3     the same kernel, h2 in the place of h1, W3 in that of W2, h3 in that of h2
 */
import type { Buffer, Nest } from "../src/ir/kernel.ts";
import { NestKeys } from "../src/schedule/nest-key.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { exchangeBuffers } from "./exchange-buffers.ts";
import type { Triangles } from "./known-zeros.ts";

/** Nests by what they say. */
export class Alike {
  private readonly known = new Map<string, { readonly buffers: readonly Buffer[]; readonly kernel: BoundKernel }>();
  private readonly keys = new NestKeys();

  private readonly texts = new Map<Buffer, string>();
  private readonly triangles: ReadonlyMap<Buffer, Triangles>;

  /** Nests are alike only where what is known of their buffers is. */
  constructor(triangles: ReadonlyMap<Buffer, Triangles> = new Map()) {
    this.triangles = triangles;
  }

  bind(nest: Nest, make: (nest: Nest) => BoundKernel): BoundKernel {
    const { key, buffers } = this.describe(nest);
    const first = key === undefined ? undefined : this.known.get(key);
    if (first) return forNest(first.kernel, nest, new Map(first.buffers.map((b, k) => [b, buffers[k] ?? b])));
    const kernel = make(nest);
    if (key === undefined) return kernel;
    const marked = { ...kernel, alike: kernel };
    this.known.set(key, { buffers, kernel: marked });
    return marked;
  }

  /** All that a nest says, its buffers by number; no key where a buffer is made of others. */
  private describe(nest: Nest): { readonly key: string | undefined; readonly buffers: readonly Buffer[] } {
    const numbers = new Map<Buffer, number>();
    let made = false;
    const key = this.keys.of(nest, {
      buffer: (buffer) => {
        made ||= buffer.parts !== undefined;
        const known = numbers.get(buffer);
        if (known !== undefined) return String(known);
        numbers.set(buffer, numbers.size);
        return this.textOf(buffer);
      },
      // An offset is a parameter of its kernel alone.
      params: nest.params.map((p) => (p.source.kind === "offset" ? { ...p, source: "offset" } : p)),
    });
    return { key: made ? undefined : key, buffers: [...numbers.keys()] };
  }

  /** What a buffer says, which several nests ask. */
  private textOf(buffer: Buffer): string {
    const known = this.texts.get(buffer);
    if (known !== undefined) return known;
    const { dtype, half, shape, elements, place } = buffer;
    const text = JSON.stringify([half ? "f16" : dtype, shape, elements, place, this.triangles.get(buffer)?.side]);
    this.texts.set(buffer, text);
    return text;
  }
}

/** A kernel for another nest, with other buffers and offsets. */
function forNest(kernel: BoundKernel, nest: Nest, by: ReadonlyMap<Buffer, Buffer>): BoundKernel {
  const { rebind } = kernel;
  const other = exchangeBuffers({ ...kernel, nests: [] }, by);
  // The parameters of a nest come first among its kernel's.
  const params = other.params.map((p, k) => (p.source.kind === "offset" ? (nest.params[k] ?? p) : p));
  return { ...other, params, name: nest.name, nests: [nest], ...(rebind && { rebind: (width: number) => forNest(rebind(width), nest, by) }) };
}
