/**
 * Reads a recipe as a graph of a training step: outputs are the values that nothing uses (of every element type), `loss` is
 * a mean over all of them, gradients of the loss by every leaf, commits of a parameter and a state that read each other.
 * Derivatives are forms: `differentiate` has to come after.
 *
 *     const graph = fuzzGraph(recipe);     // outputs y0, y1, …, loss, d.x0, …; commits w, m
 */
import type { Commit, Graph, Node, Output } from "../../src/ir/node.ts";
import type { Dim } from "../../src/ir/dims.ts";
import { Builder } from "../../src/graph/builder.ts";
import { topological } from "../../src/graph/topological.ts";
import { layers } from "./layer-makers.ts";
import { byData, inTurns, movements, structures } from "./movement-makers.ts";
import { axesOf, N, Pool, sizes } from "./pool.ts";
import { firstInTurns, firstLayer, type Recipe } from "./recipe.ts";
import { elementwise, folds, integers, type Maker, products, rate } from "./values-makers.ts";

/** Which family a step belongs to; weights by repetition. */
const families: readonly (readonly Maker[])[] = [elementwise, elementwise, elementwise, folds, folds, products, products, products, movements, movements, movements, byData, integers, integers, structures];

/** The maker of a step. Kinds from `firstInTurns` and `firstLayer` on are families of their own, so that recipes with smaller kinds stay what they are. */
function makerOf(kind: number): Maker | undefined {
  if (kind >= firstLayer) return layers[kind % layers.length];
  if (kind >= firstInTurns) return inTurns[kind % inTurns.length];
  const family = families[kind % families.length] ?? elementwise;
  return family[Math.floor(kind / families.length) % family.length];
}

/** Forward values and the loss, before gradients are asked for. */
export function fuzzGraph(recipe: Recipe): Graph {
  const e = new Builder();
  const pool = new Pool(e, recipe.capacity);
  recipe.leaves.forEach((at, i) => {
    // Half of the cases are over a batch.
    const shape: Dim[] = i === 0 && recipe.seed % 2 === 1 ? [N] : [];
    for (const k of at) {
      // Rarely an axis of nothing.
      const d = k % 211 === 210 ? 0 : (sizes[k % sizes.length] as Dim);
      if (pool.holds([...shape, d]) && shape.length < 4) shape.push(d);
    }
    pool.add(e.leaf({ kind: "input", path: `x${i}`, type: { dtype: "f32", shape } }));
  });
  const w = e.leaf({ kind: "param", path: "w", type: { dtype: "f32", shape: [7, 16] } });
  pool.add(w);
  pool.add(e.leaf({ kind: "input", path: "t", type: { dtype: "i32", shape: [N] } }));
  for (const step of recipe.steps) {
    const x = pool.pick(step.a);
    if (x) pool.add(makerOf(step.kind)?.(pool, x, step));
  }
  return finish(e, pool, recipe, w);
}

function finish(e: Builder, pool: Pool, recipe: Recipe, w: Node): Graph {
  const ends = [...new Set(pool.nodes.filter((n) => !pool.used.has(n) && n.op !== "leaf"))];
  const outputs: Output[] = ends.map((node, i) => ({ name: `y${i}`, kind: "output", node }));
  const parts = ends.filter((n) => n.type.dtype === "f32").map((n) => {
    const mean = e.const(n.type, 1 / Math.max(1, pool.volume(n.type.shape)));
    return e.reduce("sum", e.mul(lossOf(e, n, recipe.loss), mean), axesOf(n));
  });
  const loss = parts.reduce((s, n) => e.add(s, n), e.scalar(0.5));
  outputs.push({ name: "loss", kind: "loss", node: loss });
  const leaves = topological([loss]).filter((n) => n.op === "leaf" && n.type.dtype === "f32" && (n.attrs.kind === "input" || n.attrs.kind === "param"));
  for (const leaf of leaves) {
    if (leaf.op === "leaf") outputs.push({ name: `d.${leaf.attrs.path}`, kind: "gradient", node: e.make("derive", { kind: "grad" }, [loss, leaf]) });
  }
  return e.finish("step", outputs, commits(e, recipe, w, loss));
}

function lossOf(e: Builder, n: Node, kind: number): Node {
  if (kind % 3 === 0) return n;
  return kind % 3 === 1 ? e.sin(n) : e.mul(n, n);
}

/** Updates that read each other's old values; sometimes a swap, sometimes nothing changes. */
function commits(e: Builder, recipe: Recipe, w: Node, loss: Node): Commit[] {
  const m = e.leaf({ kind: "state", path: "m", type: w.type });
  const gradient = e.make("derive", { kind: "grad" }, [loss, w]);
  const moved = e.add(e.mul(m, e.like(m, 0.875)), e.mul(gradient, e.like(w, 0.1)));
  const next = e.sub(w, e.mul(e.broadcast(rate(e), w.type.shape, []), moved));
  const ok = e.broadcast(e.finite(loss), w.type.shape, []);
  const variants: readonly (readonly [Node, Node])[] = [[next, moved], [e.select(ok, next, w), moved], [m, w], [w, e.add(w, m)]];
  const [toW, toM] = variants[recipe.loss % variants.length] ?? [next, moved];
  return [{ kind: "param", path: "w", node: toW }, { kind: "state", path: "m", node: toM }];
}
