/**
 * Brackets of tensor notation as an access in index notation. In: a slice and the values of its indices. Out: one index per axis of the
 * tensor, over fresh variables that then become the axes of the result, in order.
 *
 *     x[1..3, :]            x[i + 1, j]            axes i, j
 *     x[rows, :, columns]   x[rows[k], j, columns[k]]   axes k, j: lists pick together, and stand where the first of them stands
 */
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Core, CoreOf, IndexVar } from "../check/core.ts";
import { ownShape, spread } from "./build-values.ts";
import type { Value, Variables } from "./build-values.ts";

/** Where a slice reads, and the variables that are the axes of what it gives. */
export interface SliceIndex {
  readonly index: readonly Value[];
  readonly axes: readonly IndexVar[];
}

/** The indices of a slice; `get` gives the value of an index that is an expression. */
export function sliceIndex(e: Emit, variables: Variables, core: CoreOf<"slice">, get: (index: Core) => Value): SliceIndex {
  const axes: IndexVar[] = [];
  const fresh = (extent: Dim): IndexVar => {
    const v = { name: `axis ${axes.length}`, lo: 0, extent, span: core.span };
    variables.register([v]);
    axes.push(v);
    return v;
  };
  const along = (lo: Dim, extent: Dim): Value => {
    const v = fresh(extent);
    return { node: e.iota(extent), vars: [v], form: { c: lo, terms: new Map([[v, 1]]) } };
  };
  const lists = stretched(core.items.flatMap((i) => (i.kind === "at" ? [ownShape(get(i.index))] : [])));
  let joint: readonly IndexVar[] | undefined;
  const index = core.arg.type.shape.map((extent, a): Value => {
    const item = core.items[a] ?? { kind: "all" };
    if (item.kind === "all") return along(0, extent);
    if (item.kind === "range") return along(item.lo, core.type.shape[axes.length] as Dim);
    const at = get(item.index);
    if (ownShape(at).length === 0) return at;
    joint ??= lists.map(fresh);
    return { node: spread(e, at, at.vars, lists), vars: [...at.vars, ...joint] };
  });
  return { index, axes };
}

/** The shape that right-aligned shapes stretch to. */
function stretched(shapes: readonly (readonly Dim[])[]): readonly Dim[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, k) => shapes.map((s) => s[s.length - rank + k] ?? 1).find((d) => d !== 1) ?? 1);
}
