/**
 * Every sample of every op as a small program in which the op stands in the middle: its operands are computed, its
 * result is weighted and another term is added.
 *
 *     u_i ∈ random,   x_i = a_i·u_i + b_i,   loss = Σ r·op(x) + Σ s·u²
 */
import { Builder } from "../../src/graph/builder.ts";
import { evaluateNodes } from "../../src/graph/eval-graph.ts";
import type { Surroundings } from "../../src/graph/eval-graph.ts";
import type { Node, OpAttrs, OpName } from "../../src/ir/node.ts";
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

/** An op in the middle of a program, with numbers for its leaves. */
export interface Program {
  readonly builder: Builder;
  /** What is differentiated by, each a mark over a leaf; undefined where the operand is no f32. */
  readonly wrt: readonly (Node | undefined)[];
  readonly out: Node;
  readonly loss: Node;
  readonly values: Map<string, Tensor64>;
}

/** Makes the program of a case. */
export function programOf(c: Case, seed: number): Program {
  const next = numbers(seed);
  const builder = new Builder();
  const values = new Map<string, Tensor64>();
  const table64 = (type: TensorType, t: Tensor64): Node => builder.const(type, t.data.length === 0 ? 0 : [...t.data]);
  const wrt: (Node | undefined)[] = [];
  const operands = c.inputs.map((type, i) => {
    const x = draw(type, next, c.sample.ranges?.[i], c.sample.kinks, c.sample.diagonal?.[i]);
    const leaf = builder.leaf({ kind: "input", path: `u${i}`, type });
    if (type.dtype !== "f32") {
      values.set(`u${i}`, x);
      wrt.push(undefined);
      return leaf;
    }
    // The operand itself must lie in the range, so u = (x - b) / a.
    const a = draw(type, next, [0.5, 1.5]);
    const b = draw(type, next, [-1, 1]);
    values.set(`u${i}`, { shape: x.shape, data: x.data.map((v, k) => (v - (b.data[k] ?? 0)) / (a.data[k] ?? 1)) });
    const u = builder.mark(leaf, `u${i}`);
    wrt.push(u);
    return builder.add(builder.mul(u, table64(type, a)), table64(type, b));
  });
  const out = builder.make(c.op, c.attrs, operands);
  const sum = (x: Node): Node => builder.reduce("sum", x, x.type.shape.map((_, a) => a));
  const real = builder.cast(out, "f32");
  let loss = sum(builder.mul(real, table64(real.type, draw(real.type, next))));
  for (const u of wrt) if (u) loss = builder.add(loss, sum(builder.mul(table64(u.type, draw(u.type, next)), builder.mul(u, u))));
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
