/**
 * Values for the leaves of a fuzzed graph: drawn from the recipe's seed, smaller and smaller until nothing on the way to a
 * result is large.
 *
 *     moderate(graph, recipe)?.around       // for the evaluator; .call is the same for a device
 */
import type { Call, Values } from "../../src/harness/runtime/engine.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Graph } from "../../src/ir/node.ts";
import type { Surroundings } from "../../src/graph/eval-graph.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { numbers } from "../graphs/values.ts";
import { evaluateNoisy, type Met } from "./noise.ts";
import type { Recipe } from "./recipe.ts";

const words = { seed: 5, step: 3, example: 10 };
const scalars = { hyper: { lr: 0.05 }, step: { t: 3, epoch: 1 } };

/** The same values for the evaluator and for a device. */
export interface Leaves {
  readonly around: Surroundings;
  readonly call: Call;
}

/** Values for the leaves with which nothing on the way is large; undefined where none is found. */
export function moderate(graph: Graph, recipe: Recipe): Leaves | undefined {
  const sizes = { N: recipe.live };
  for (const scale of [2, 1, 0.5, 0.25]) {
    const next = numbers(recipe.seed + 100_000 * scale);
    const values: Record<string, Tensor64> = {};
    for (const node of topological(rootsOf(graph))) {
      if (node.op !== "leaf" || node.attrs.kind === "hyper" || node.attrs.kind === "step") continue;
      const shape = node.type.shape.map((d) => dims.evaluate(d, sizes));
      const count = shape.reduce((p, d) => p * d, 1);
      values[node.attrs.path] = { shape, data: Float64Array.from({ length: count }, () => (node.type.dtype === "f32" ? Math.fround((2 * next() - 1) * scale) : Math.floor(next() * 9) - 4)) };
    }
    const held = (path: string): Tensor64 => values[path] as Tensor64;
    const around: Surroundings = { sizes, ...words, input: held, stored: held, scalar: (kind, path) => (scalars[kind] as Record<string, number>)[path] ?? Number.NaN };
    const met: Met = { largest: 0 };
    evaluateNoisy(rootsOf(graph), around, undefined, met);
    const inputs = Object.fromEntries(Object.entries(values).map(([path, t]): [string, Values] => [path, t.data]));
    if (met.largest < 1e4) return { around, call: { live: sizes, inputs, scalars, ...words } };
  }
  return undefined;
}
