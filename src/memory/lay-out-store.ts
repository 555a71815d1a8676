/**
 * The layout of the persistent store: tensors of one kind side by side, each aligned. Every entry of a program uses the same layout.
 *
 *     layOutStore([{ path: "W", elements: 8 }, { path: "b", elements: 4 }])   // W at 0, b at 256, 512 bytes
 *
 * Parameters of one role and what an optimizer keeps for them (`adam.s/…`) lie in one order, so that an update rule runs over all of
 * them at once (see join-over-arenas.ts).
 */
import type { Stored } from "../schedule/schedule.ts";
import type { StoreLayout } from "./placement.ts";
import { align, alignment } from "./placement.ts";

/** What is to be laid out. */
export interface StoredSize {
  readonly path: string;
  readonly elements: number;
  /** A parameter's role. */
  readonly role?: string;
}

export function layOutStore(tensors: readonly StoredSize[]): StoreLayout {
  const offsets = new Map<string, { offset: number; bytes: number }>();
  let end = 0;
  for (const { path, elements } of inOrder(tensors)) {
    const bytes = align(Math.max(1, elements) * 4, 16);
    offsets.set(path, { offset: end, bytes });
    end = align(end + bytes);
  }
  return { bytes: end, offsets };
}

/** By kind: parameters by role, then what is kept for parameters by what it is, in the order of the parameters; all else as it comes. */
function inOrder(tensors: readonly StoredSize[]): readonly StoredSize[] {
  const roles = [...new Set(tensors.map((t) => t.role))];
  const params = tensors.filter((t) => t.role !== undefined).sort((x, y) => roles.indexOf(x.role) - roles.indexOf(y.role));
  const rank = new Map(params.map((p, k) => [p.path, k]));
  const kinds = new Map<string, StoredSize[]>();
  for (const t of tensors) {
    if (t.role !== undefined) continue;
    const kind = t.path.slice(0, Math.max(0, t.path.indexOf("/")));
    const known = kinds.get(kind);
    if (known) known.push(t);
    else kinds.set(kind, [t]);
  }
  const place = ({ path }: StoredSize): number => rank.get(path.slice(path.indexOf("/") + 1)) ?? -1;
  return [...params, ...[...kinds.values()].flatMap((kind) => kind.sort((x, y) => place(x) - place(y)))];
}

/** The layout as a schedule asks for it; no arena is larger than a binding. */
export function storedIn(layout: StoreLayout, bindingBytes: number): Stored {
  const at = (path: string): number | undefined => {
    const place = layout.offsets.get(path);
    return place && place.offset / 4;
  };
  return { at, alignment: alignment / 4, most: bindingBytes / 4 };
}
