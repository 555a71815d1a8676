/**
 * The layout of the persistent store: parameters first, then optimizer and model state, each aligned, in the order
 * given. Every entry of a program uses the same layout.
 *
 *     layOutStore([{ path: "W", elements: 8 }, { path: "b", elements: 4 }])   // W at 0, b at 256, 512 bytes
 */
import type { StoreLayout } from "./placement.ts";
import { align } from "./placement.ts";

export function layOutStore(tensors: readonly { readonly path: string; readonly elements: number }[]): StoreLayout {
  const offsets = new Map<string, { offset: number; bytes: number }>();
  let end = 0;
  for (const { path, elements } of tensors) {
    const bytes = align(Math.max(1, elements) * 4, 16);
    offsets.set(path, { offset: end, bytes });
    end = align(end + bytes);
  }
  return { bytes: end, offsets };
}
