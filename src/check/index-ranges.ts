/**
 * Data that is used as an index must say which values it takes, and they must lie inside the axis: a label out of
 * range would read another row, or none. Comes in: a model's expressions. Goes out: what does not fit, once an access.
 *
 *     target y: i32[N] in 0..10        …  logits[n, y[n]]  with logits: f32[N, 10]
 */
import { print, type Dim } from "../ir/dims.ts";
import type { Span } from "../support/span.ts";
import type { CheckedInput } from "./checked.ts";
import type { Core } from "./core.ts";
import { partsOf } from "./core-parts.ts";

/** An input that indexes an axis of `extent` without lying inside it. */
export interface BadIndex {
  readonly input: CheckedInput;
  readonly extent: Dim;
  /** The access. */
  readonly span: Span;
}

/** Accesses by inputs whose values are not known to lie inside the axis. */
export function badIndices(roots: readonly Core[], inputs: readonly CheckedInput[]): readonly BadIndex[] {
  const byName = new Map(inputs.map((i) => [i.name, i]));
  const found: BadIndex[] = [];
  const seen = new Set<Core>(roots);
  const pending = [...roots];
  for (let core = pending.pop(); core; core = pending.pop()) {
    for (const { index, extent } of indexed(core)) {
      const input = byName.get(sourceOf(index) ?? "");
      const inside = input?.range && typeof extent === "number" && input.range.lo >= 0 && input.range.hi <= extent;
      if (input && !inside) found.push({ input, extent, span: core.span });
    }
    for (const part of partsOf(core)) {
      if (seen.has(part)) continue;
      seen.add(part);
      pending.push(part);
    }
  }
  return found;
}

/** The indices of an access with the extents of their axes. */
function indexed(core: Core): readonly { readonly index: Core; readonly extent: Dim }[] {
  if (core.kind === "at") return core.index.map((index, axis) => ({ index, extent: core.base.type.shape[axis] ?? 0 }));
  if (core.kind !== "slice") return [];
  return core.items.flatMap((item, axis) => (item.kind === "at" ? [{ index: item.index, extent: core.arg.type.shape[axis] ?? 0 }] : []));
}

/** The input whose very numbers the index takes; undefined when they are computed. */
function sourceOf(index: Core): string | undefined {
  let at: Core = index;
  for (;;) {
    if (at.kind === "leaf") return at.role === "input" ? at.path : undefined;
    if (at.kind === "at") at = at.base;
    else if (at.kind === "binding") at = at.value;
    else if (at.kind === "slice" || at.kind === "reshape" || at.kind === "broadcast" || at.kind === "transpose") at = at.arg;
    else if (at.kind === "comprehend") at = at.body;
    else return undefined;
  }
}

/** `in 0..10`. */
export function wantedRange(extent: Dim): string {
  return `in 0..${print(extent)}`;
}
