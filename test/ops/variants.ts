/**
 * The cases of the table and what becomes of them with other sizes: an axis of one element, an axis of none. In: the table. Out:
 * further cases, for those ops and samples that have a meaning there (the type rule says so).
 *
 *     mul f32[2, 3], f32[2, 3]     ->     f32[1, 3], f32[2, 1], f32[0, 3], f32[2, 0]
 */
import type { OpAttrs, OpName } from "../../src/ir/node.ts";
import type { TensorType } from "../../src/ir/types.ts";
import { isRefusal } from "../../src/ops/op.ts";
import type { OpRecord, Sample } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { elements } from "../../src/ops/tensor64.ts";
import { type Case, allCases } from "./cases.ts";

/** All cases, as they are and with other sizes; none twice. */
export function variants(): readonly Case[] {
  const found = new Map<string, Case>();
  const key = (c: Case): string => JSON.stringify([c.op, c.attrs, c.inputs]);
  for (const c of allCases()) found.set(`${found.size}`, c);
  const known = new Set([...found.values()].map(key));
  for (const c of allCases()) {
    const extents = c.inputs[0]?.shape ?? [];
    for (const from of new Set([extents[0], extents.at(-1)])) {
      if (typeof from !== "number") continue;
      for (const to of [1, 0]) {
        const made = resized(c, from, to);
        if (!made || known.has(key(made))) continue;
        known.add(key(made));
        found.set(`${found.size}`, made);
      }
    }
  }
  return [...found.values()];
}

/** The case with every axis of `from` elements having `to`; undefined where that means nothing. */
function resized(c: Case, from: number, to: number): Case | undefined {
  const extent = (d: number): number => (d === from ? to : d);
  const inputs = c.inputs.map((t): TensorType => ({ dtype: t.dtype, shape: t.shape.map((d) => extent(Number(d))) }));
  const attrs = resizedAttrs(c, extent);
  const ranges = attrs && rangesOf(c, attrs, inputs);
  if (!attrs || !ranges) return undefined;
  const record = table[c.op] as unknown as OpRecord<OpName>;
  if (isRefusal(record.type(attrs, inputs))) return undefined;
  const sample: Sample<OpName> = { ...c.sample, attrs, inputs, ...(ranges.length > 0 && { ranges }) };
  return { title: `${c.title}, ${from} made ${to}`, resized: true, op: c.op, attrs, inputs, sample };
}

/** Attributes that speak of sizes follow; those of views do not: their samples have axes of one and of none. */
function resizedAttrs(c: Case, extent: (d: number) => number): OpAttrs[OpName] | undefined {
  if (c.op === "view" || c.inputs.length === 0) return undefined;
  if ("shape" in c.attrs && c.op === "reshape") return { shape: (c.attrs as OpAttrs["reshape"]).shape.map((d) => extent(Number(d))) };
  if (c.op === "scatter_sum") return { ...(c.attrs as OpAttrs["scatter_sum"]), size: Math.max(1, extent((c.attrs as OpAttrs["scatter_sum"]).size)) };
  return c.attrs;
}

/** Indices stay within what they index. */
function rangesOf(c: Case, attrs: OpAttrs[OpName], inputs: readonly TensorType[]): NonNullable<Sample<OpName>["ranges"]> | undefined {
  const ranges = c.sample.ranges ?? [];
  const [x, idx] = inputs;
  if (c.op !== "gather" && c.op !== "scatter_sum") return ranges;
  const rows = c.op === "gather" ? Number(x?.shape[(attrs as OpAttrs["gather"]).batch]) : (attrs as OpAttrs["scatter_sum"]).size;
  if (rows === 0 && elements((idx?.shape ?? []).map(Number)) > 0) return undefined;
  return [ranges[0] ?? [-2, 2], [0, Math.max(0, rows - 1)]];
}
