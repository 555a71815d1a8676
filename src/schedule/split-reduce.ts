/**
 * Splits a reduction of much to little in two, so that more than a few invocations share it. In: a reduce node.
 * Out: the same value in two stages, each in a fixed order.
 *
 *     sum [64, 64] -> []   =   sum over 64 of (sum [64, 64] -> [64])
 *     sum [N] -> []        =   sum over p in 64 of (sum over r of x[64 r + p], guarded by the live size)
 *
 * On a GPU parts are stretches, x[rows·p + r], whose neighbours lie side by side for the lanes that share one, and as many as keep it busy.
 */
import { addAffine, affine, constant, scaleAffine, unit, whole } from "../ir/access.ts";
import type { AccessMap, Affine, Guard } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Bindings, Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Profile } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf } from "./cost.ts";

const longFold = 2048;
const fewResults = 256;
/** Into how many parts a long axis is cut. */
export const parts = 64;
const fewParts = 16;

/** On a GPU: results that need no more invocations, those that a workgroup has where folds go down columns, workgroups that are wanted, and how many turns each of their parts has at least. */
const onGpu = { manyResults: 65_536, beside: 8, down: { wanted: 256, shortest: 128 }, along: { wanted: 1024, shortest: 1024 }, fewest: 4 } as const;

/** The two-stage form; undefined where one stage does. */
export function splitReduce(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings, device: Profile["name"] = "software"): Node | undefined {
  const [x, mask] = inputs;
  if (node.op !== "reduce" || !x) return undefined;
  const results = elementsOf(node, capacity);
  if (results >= (device === "gpu" ? onGpu.manyResults : fewResults) || elementsOf(x, capacity) / Math.max(1, results) <= longFold) return undefined;
  const { kind, axes } = node.attrs;
  // The longest axis is cut in `parts`, interleaved: part p takes p, p + parts, p + 2 parts, …
  const long = axes.reduce((best, a) => (dims.evaluate(x.type.shape[a] ?? 1, capacity) > dims.evaluate(x.type.shape[best] ?? 1, capacity) ? a : best), axes[0] ?? 0);
  const extent: Dim = x.type.shape[long] ?? 1;
  const most = dims.evaluate(extent, capacity);
  if (most < 2 * parts) return results < fewResults ? byAxis(e, node, inputs, long, most) : undefined;
  const count = device === "gpu" ? partsOnGpu(results, most, !axes.includes(x.type.shape.length - 1)) : parts;
  if (count < onGpu.fewest) return undefined;
  const map = cutInParts(x.type.shape, long, extent, Math.ceil(most / count), count, device);
  // A guarded-off element reads as 0, which is no identity of max, prod and all.
  const needsMask = mask !== undefined || (map.guards.length > 0 && (kind === "max" || kind === "all" || kind === "prod"));
  const open = mask ?? e.const({ dtype: "bool", shape: x.type.shape }, 1);
  const cut = axes.map((a) => (a > long ? a + 1 : a)).map((a) => (a === long ? long + 1 : a));
  const first = e.reduce(kind, e.view(x, map), cut, needsMask ? e.view(open, map) : undefined);
  const kept = Array.from({ length: long }, (_, a) => a).filter((a) => !axes.includes(a)).length;
  return e.reduce(kind, first, [kept]);
}

/** Into how many parts a GPU's workgroups are to share an axis, a power of two; 1 where enough of them are busy. */
function partsOnGpu(results: number, most: number, isDown: boolean): number {
  const { wanted, shortest } = isDown ? onGpu.down : onGpu.along;
  const groups = isDown ? Math.ceil(results / onGpu.beside) : results;
  let count = 1;
  while (groups * count * 2 <= wanted && most >= 2 * count * shortest) count *= 2;
  return count;
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

/** Axis `long` seen as [count, rows]: position part + count·row, on a GPU rows·part + row, where that is within the extent. */
export function cutInParts(shape: readonly Dim[], long: number, extent: Dim, rows: number, count: number, device: Profile["name"]): AccessMap {
  const rank = shape.length + 1;
  const [ofPart, ofRow] = device === "gpu" ? [rows, 1] : [1, count];
  const position: Affine = addAffine(scaleAffine(unit(long, rank), ofPart), scaleAffine(unit(long + 1, rank), ofRow));
  const index = shape.map((_, a) => whole(a < long ? unit(a, rank) : a > long ? unit(a + 1, rank) : position));
  const left = addAffine(constant(dims.sub(extent, 1), rank), scaleAffine(position, -1));
  const exact = typeof extent === "number" && extent === count * rows;
  const guards: Guard[] = exact ? [] : [{ kind: "nonnegative", value: affine(left.c, left.k) }];
  return { shape: [...shape.slice(0, long), count, rows, ...shape.slice(long + 1)], index, guards };
}
