/**
 * Every sample of every op as a small program in which the op stands in the middle: its operands are computed, its
 * result is weighted and another term is added.
 *
 *     u_i ∈ random,   x_i = a_i·u_i + b_i,   loss = Σ r·op(x) + Σ s·op(x)² + Σ t·u²
 */
import { Builder } from "../../src/graph/builder.ts";
import { evaluateNodes } from "../../src/graph/eval-graph.ts";
import type { Surroundings } from "../../src/graph/eval-graph.ts";
import type { Node, OpAttrs, OpName } from "../../src/ir/node.ts";
import { printType } from "../../src/ir/types.ts";
import type { TensorType } from "../../src/ir/types.ts";
import type { OpRecord, Sample, Tensor64 } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { elements } from "../../src/ops/tensor64.ts";

/** A generator of numbers in 0..1 that repeats (a linear congruence of 2^31 with good low multiplier, enough for test data). */
export function numbers(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A sample with its op. */
export interface Case {
  readonly title: string;
  readonly op: OpName;
  readonly attrs: OpAttrs[OpName];
  readonly inputs: readonly TensorType[];
  readonly sample: Sample<OpName>;
  /** A sample with other sizes. */
  readonly resized?: true;
}

/** The cases of every op in the table. */
export function allCases(): readonly Case[] {
  return (Object.keys(table) as OpName[]).flatMap((op) => {
    const { samples } = table[op] as unknown as OpRecord<OpName>;
    return samples.map((sample, n) => ({ title: `${op} #${n} ${JSON.stringify(sample.attrs).slice(0, 60)}`, op, attrs: sample.attrs, inputs: sample.inputs, sample }));
  });
}

/** A tensor of the type within the range; kinks are kept 1e-3 away, and so are equal elements, since ties are kinks too. */
export function draw(type: TensorType, next: () => number, range: readonly [number, number] = [-2, 2], kinks: readonly number[] = [], diagonal = 0): Tensor64 {
  const shape = type.shape.map(Number);
  const [low, high] = type.dtype === "bool" ? [0, 1] : range;
  const data: number[] = [];
  for (let i = 0; i < elements(shape); i++) {
    if (type.dtype !== "f32") {
      data.push(low + Math.floor(next() * (high - low + 1)));
      continue;
    }
    let x: number;
    do x = low + next() * (high - low);
    while (kinks.some((k) => Math.abs(x - k) < 1e-3) || data.some((y) => Math.abs(x - y) < 1e-3));
    data.push(x);
  }
  const [rows = 0, columns = 0] = diagonal === 0 ? [] : shape.slice(-2);
  data.forEach((_, i) => {
    if (diagonal !== 0 && Math.floor(i / columns) % rows === i % columns) data[i] = (data[i] ?? 0) + diagonal;
  });
  return { shape, data: Float64Array.from(data) };
}

/** How operands are made of what is differentiated by: each of its own leaf, equal types of one leaf, or of a leaf that lacks an axis. */
export type Form = "own" | "shared" | "first axis spread" | "last axis spread";

/** An op in the middle of a program, with numbers for its leaves. */
export interface Program {
  readonly builder: Builder;
  /** What is differentiated by, each a mark over a leaf, by name; one of them does not occur in the loss. */
  readonly wrt: ReadonlyMap<string, Node>;
  readonly out: Node;
  readonly loss: Node;
  readonly values: Map<string, Tensor64>;
}

/** The name of the leaf that the loss does not depend on. */
export const unused = "unused";

/** Makes the program of a case: x_i = a_i·u_i + b_i,  loss = Σ r·op(x) + Σ s·op(x)² + Σ t·u². */
export function programOf(c: Case, seed: number, form: Form = "own"): Program {
  const next = numbers(seed);
  const builder = new Builder();
  const values = new Map<string, Tensor64>();
  const wrt = new Map<string, Node>();
  const table64 = (type: TensorType, data: ArrayLike<number>): Node => builder.const(type, data.length === 0 ? 0 : Array.from(data));
  const leafOf = (name: string, type: TensorType): Node => {
    const known = wrt.get(name);
    if (known) return known;
    values.set(name, draw(type, next, [-1, 1]));
    const u = builder.mark(builder.leaf({ kind: "input", path: name, type }), name);
    wrt.set(name, u);
    return u;
  };
  const operands = c.inputs.map((type, i) => {
    const x = draw(type, next, c.sample.ranges?.[i], c.sample.kinks, c.sample.diagonal?.[i]);
    if (type.dtype !== "f32") {
      values.set(`k${i}`, x);
      return builder.leaf({ kind: "input", path: `k${i}`, type });
    }
    const rank = type.shape.length;
    const gone = form === "first axis spread" ? 0 : form === "last axis spread" ? rank - 1 : rank;
    const kept = type.shape.map((_, a) => a).filter((a) => a !== gone);
    const own: TensorType = { dtype: "f32", shape: kept.map((a) => type.shape[a] ?? 1) };
    const leaf = leafOf(form === "shared" ? `u${printType(type)}` : `u${i}`, own);
    const u = kept.length === rank ? leaf : builder.broadcast(leaf, type.shape, kept);
    // The operand itself must lie in the range, so b = x - a·u.
    const a = draw(type, next, [0.5, 1.5]);
    const at = evaluated(u, values);
    return builder.add(builder.mul(u, table64(type, a.data)), table64(type, x.data.map((v, k) => v - (a.data[k] ?? 0) * (at.data[k] ?? 0))));
  });
  const out = builder.make(c.op, c.attrs, operands);
  const sum = (x: Node): Node => builder.reduce("sum", x, x.type.shape.map((_, a) => a));
  const weighted = (x: Node): Node => sum(builder.mul(x, table64(x.type, draw(x.type, next).data)));
  const real = builder.cast(out, "f32");
  let loss = builder.add(weighted(real), weighted(builder.mul(real, real)));
  for (const u of wrt.values()) loss = builder.add(loss, weighted(builder.mul(u, u)));
  leafOf(unused, { dtype: "f32", shape: [2, 3] });
  return { builder, wrt, out, loss, values };
}

/** Surroundings whose inputs are these. */
export function around(values: ReadonlyMap<string, Tensor64>, sizes: Readonly<Record<string, number>> = {}): Surroundings {
  return {
    sizes,
    seed: 7,
    step: 3,
    example: 0,
    input: (name) => values.get(name) as Tensor64,
    stored: (path) => values.get(path) as Tensor64,
    scalar: (_, path) => values.get(path)?.data[0] ?? 0,
  };
}

/** The value of one node. */
export function evaluated(node: Node, values: ReadonlyMap<string, Tensor64>, sizes: Readonly<Record<string, number>> = {}): Tensor64 {
  return evaluateNodes([node], around(values, sizes))[0] as Tensor64;
}

/** The derivative of a scalar node by each element of an input: central differences in f64. */
export function differences(node: Node, name: string, values: ReadonlyMap<string, Tensor64>, eps = 1e-6): number[] {
  const at = values.get(name) as Tensor64;
  return Array.from(at.data, (_, k) => {
    const moved = (by: number): number => {
      const data = at.data.slice();
      data[k] = (data[k] ?? 0) + by;
      return evaluated(node, new Map(values).set(name, { shape: at.shape, data })).data[0] ?? 0;
    };
    return (moved(eps) - moved(-eps)) / (2 * eps);
  });
}
