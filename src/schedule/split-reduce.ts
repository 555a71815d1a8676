/**
 * Splits a reduction of much to little in two, so that more than a few invocations share it. In: a reduce node.
 * Out: the same value in two stages, each in a fixed order.
 *
 *     sum [64, 64] -> []   =   sum over 64 of (sum [64, 64] -> [64])
 *     sum [N] -> []        =   sum over p in 64 of (sum over r of x[64 r + p], guarded by the live size)
 */
import { addAffine, affine, constant, scaleAffine, unit, whole } from "../ir/access.ts";
import type { AccessMap, Affine, Guard } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Bindings, Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf } from "./cost.ts";

const longFold = 2048;
const fewResults = 256;
/** Into how many parts a long axis is cut. */
export const parts = 64;
const fewParts = 16;

/** The two-stage form; undefined where one stage does. */
export function splitReduce(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings): Node | undefined {
  const [x, mask] = inputs;
  if (node.op !== "reduce" || !x) return undefined;
  const results = elementsOf(node, capacity);
  if (results >= fewResults || elementsOf(x, capacity) / Math.max(1, results) <= longFold) return undefined;
  const { kind, axes } = node.attrs;
  // The longest axis is cut in `parts`, interleaved: part p takes p, p + parts, p + 2 parts, …
  const long = axes.reduce((best, a) => (dims.evaluate(x.type.shape[a] ?? 1, capacity) > dims.evaluate(x.type.shape[best] ?? 1, capacity) ? a : best), axes[0] ?? 0);
  const extent: Dim = x.type.shape[long] ?? 1;
  const most = dims.evaluate(extent, capacity);
  if (most < 2 * parts) return byAxis(e, node, inputs, long, most);
  const map = interleaved(x.type.shape, long, extent, Math.ceil(most / parts));
  // A guarded-off element reads as 0, which is no identity of max, prod and all.
  const needsMask = mask !== undefined || (map.guards.length > 0 && (kind === "max" || kind === "all" || kind === "prod"));
  const open = mask ?? e.const({ dtype: "bool", shape: x.type.shape }, 1);
  const cut = axes.map((a) => (a > long ? a + 1 : a)).map((a) => (a === long ? long + 1 : a));
  const first = e.reduce(kind, e.view(x, map), cut, needsMask ? e.view(open, map) : undefined);
  const kept = Array.from({ length: long }, (_, a) => a).filter((a) => !axes.includes(a)).length;
  return e.reduce(kind, first, [kept]);
}

/** Without an axis long enough to cut: all but the longest first, then that one. */
function byAxis(e: Emit, node: Node & { readonly op: "reduce" }, inputs: readonly Node[], long: number, most: number): Node | undefined {
  const [x, mask] = inputs;
  const { kind, axes } = node.attrs;
  const others = axes.filter((a) => a !== long);
  if (!x || others.length === 0 || most < fewParts) return undefined;
  const first = e.reduce(kind, x, others, mask);
  return e.reduce(kind, first, [long - others.filter((a) => a < long).length]);
}

/** Axis `long` seen as [count, rows]: position part + count·row where that is within the extent. */
export function interleaved(shape: readonly Dim[], long: number, extent: Dim, rows: number, count = parts): AccessMap {
  const rank = shape.length + 1;
  const position: Affine = addAffine(unit(long, rank), scaleAffine(unit(long + 1, rank), count));
  const index = shape.map((_, a) => whole(a < long ? unit(a, rank) : a > long ? unit(a + 1, rank) : position));
  const left = addAffine(constant(dims.sub(extent, 1), rank), scaleAffine(position, -1));
  const exact = typeof extent === "number" && extent === count * rows;
  const guards: Guard[] = exact ? [] : [{ kind: "nonnegative", value: affine(left.c, left.k) }];
  return { shape: [...shape.slice(0, long), count, rows, ...shape.slice(long + 1)], index, guards };
}
