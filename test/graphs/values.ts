/**
 * What graph tests share: leaves, graphs of named values, drawn inputs, evaluation, central differences, agreement.
 *
 *     const graph = graphWith(b, { y: b.exp(leaf(b, "x", [3])) });
 *     agree(run(graph, draw(graph, 1))["y"]?.data, …)
 */
import { expect } from "vitest";
import type { Dim } from "../../src/ir/dims.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import type { DType } from "../../src/ir/types.ts";
import { tensor } from "../../src/ir/types.ts";
import type { Builder } from "../../src/graph/builder.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import type { Tensor64 } from "../../src/ops/op.ts";

/** Row-major values of leaves, by path. */
export type Inputs = Readonly<Record<string, readonly number[]>>;

export function leaf(b: Builder, path: string, shape: readonly Dim[], dtype: DType = "f32"): Node {
  return b.leaf({ kind: "input", path, type: tensor(dtype, shape) });
}

/** A graph with these outputs. */
export function graphWith(b: Builder, values: Readonly<Record<string, Node>>): Graph {
  return b.finish("evaluate", Object.entries(values).map(([name, node]) => ({ name, kind: name === "loss" ? "loss" : "output", node }) as const), []);
}

/** What a size of data is, unless a test says otherwise. */
const live: dims.Bindings = { N: 3 };

/** A small generator of numbers in [0, 1), the same for the same seed. */
export function numbers(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values for the leaves of the graph: reals in [-2, 2], integers in 0..2. */
export function draw(graph: Graph, seed: number, bindings: dims.Bindings = live): Inputs {
  const next = numbers(seed);
  const inputs: Record<string, number[]> = {};
  const leaves = topological(rootsOf(graph)).filter((n) => n.op === "leaf");
  for (const { attrs } of leaves.sort((p, q) => (p.attrs.path < q.attrs.path ? -1 : 1))) {
    const count = dims.evaluate(dims.product(attrs.type.shape), bindings);
    inputs[attrs.path] = Array.from({ length: count }, () => (attrs.type.dtype === "f32" ? next() * 4 - 2 : Math.floor(next() * (attrs.type.dtype === "bool" ? 2 : 3))));
  }
  return inputs;
}

/** The outputs by name. */
export function run(graph: Graph, inputs: Inputs, bindings: dims.Bindings = live): Record<string, Tensor64> {
  const shapes = new Map(topological(rootsOf(graph)).flatMap((n) => (n.op === "leaf" ? [[n.attrs.path, n.type.shape] as const] : [])));
  const given = (path: string): Tensor64 => ({
    shape: (shapes.get(path) ?? []).map((d) => dims.evaluate(d, bindings)),
    data: Float64Array.from(inputs[path] as readonly number[]),
  });
  const { outputs } = evaluate(graph, { sizes: bindings, seed: 1, step: 1, example: 0, input: given, stored: given, scalar: (_, path) => given(path).data[0] as number });
  return Object.fromEntries(outputs);
}

/** The gradient of the output `loss` by the leaf `path`, by central differences. */
export function differences(graph: Graph, inputs: Inputs, path: string, bindings: dims.Bindings = live): readonly number[] {
  const at = inputs[path] as readonly number[];
  const loss = (values: readonly number[]): number => run(graph, { ...inputs, [path]: values }, bindings)["loss"]?.data[0] as number;
  const h = 1e-6;
  const moved = (k: number, by: number): number[] => at.map((v, i) => (i === k ? v + by : v));
  return at.map((_, k) => (loss(moved(k, h)) - loss(moved(k, -h))) / (2 * h));
}

/** Equal lengths and values within `tolerance`, absolute below 1 and relative above; differences hold to about 1e-5. */
export function agree(got: ArrayLike<number> | undefined, expected: ArrayLike<number> | undefined, tolerance = 1e-5): void {
  expect(got?.length).toBe(expected?.length);
  for (let i = 0; i < (expected?.length ?? 0); i++) {
    const [g, x] = [got?.[i] as number, expected?.[i] as number];
    if (!(Math.abs(g - x) <= tolerance * Math.max(1, Math.abs(x)))) expect(`${g} at ${i}`).toBe(`${x} at ${i}`);
  }
}
