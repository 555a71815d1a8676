/**
 * `a @ b` as one contraction: the last axis of a with the second-to-last (or only) axis of b; axes before these broadcast,
 * right-aligned, as do index variables.
 *
 *     x: f32[N, 64] @ W: f32[64, 32]     contract [n, k] [k, o] -> [n, o]
 */
import * as access from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { DType } from "../ir/types.ts";
import { convert, ownShape } from "./build-values.ts";
import type { Value, Variables } from "./build-values.ts";

/** The matrix product of two values. */
export function matmulValue(e: Emit, variables: Variables, a: Value, b: Value, dtype: DType): Value {
  const vars = variables.union([a.vars, b.vars]);
  const labels = new Map<unknown, number>();
  const label = (key: unknown): number => {
    const known = labels.get(key) ?? labels.size;
    labels.set(key, known);
    return known;
  };
  const [row, inner, column] = ["row", "inner", "column"].map(label) as [number, number, number];
  const [ownA, ownB] = [ownShape(a), ownShape(b)];
  const tailA = ownA.length > 1 ? [row, inner] : [inner];
  const tailB = ownB.length > 1 ? [inner, column] : [inner];
  const leadA = ownA.slice(0, ownA.length - tailA.length);
  const leadB = ownB.slice(0, ownB.length - tailB.length);
  const depth = Math.max(leadA.length, leadB.length);

  /** The operand without leading axes of size 1 that the other one stretches, and its labels. */
  const operand = (value: Value, lead: readonly Dim[], other: readonly Dim[], tail: readonly number[]): { node: Node; labels: number[] } => {
    const own = [...value.vars.map(label)];
    const dropped: number[] = [];
    lead.forEach((d, axis) => {
      const back = lead.length - axis;
      const there = other[other.length - back];
      if (d === 1 && there !== undefined && !dims.equal(there, 1)) dropped.push(value.vars.length + axis);
      else own.push(label(`lead ${back}`));
    });
    return { node: convert(e, withoutOnes(e, value.node, dropped), "f32"), labels: [...own, ...tail] };
  };
  const left = operand(a, leadA, leadB, tailA);
  const right = operand(b, leadB, leadA, tailB);
  const lead = Array.from({ length: depth }, (_, i) => label(`lead ${depth - i}`));
  const out = [...vars.map(label), ...lead, ...(tailA.length > 1 ? [row] : []), ...(tailB.length > 1 ? [column] : [])];
  return { node: convert(e, e.contract(left.node, right.node, left.labels, right.labels, out), dtype), vars };
}

function withoutOnes(e: Emit, node: Node, axes: readonly number[]): Node {
  if (axes.length === 0) return node;
  const kept = node.type.shape.map((_, a) => a).filter((a) => !axes.includes(a));
  const rank = kept.length;
  const index = node.type.shape.map((_, a) => access.whole(axes.includes(a) ? access.constant(0, rank) : access.unit(kept.indexOf(a), rank)));
  return e.view(node, { shape: kept.map((a) => node.type.shape[a] as Dim), index, guards: [] });
}
