/**
 * Random training-like graphs over a batch `N`: values of shapes [], [N], [C], [N, C], [N, N]; dense products and their
 * gradients' products, row and column reductions, softmax, norms, gathers, dropout, guarded views over the batch, commits
 * of parameters. A recipe is plain numbers, so any recipe is a valid graph.
 */
import fc from "fast-check";
import * as access from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Commit, Graph, Node } from "../../src/ir/node.ts";
import type { DType } from "../../src/ir/types.ts";
import { Builder } from "../../src/graph/builder.ts";

export type Recipe = readonly (readonly [kind: number, a: number, b: number])[];

export function batchedRecipes(steps: number): fc.Arbitrary<Recipe> {
  const some = fc.nat({ max: 999 });
  return fc.array(fc.tuple(some, some, some), { minLength: 1, maxLength: steps });
}

const N = dims.sym("N");
const features = 4;

export const leafTypes: Readonly<Record<string, { readonly kind: "input" | "param" | "state"; readonly dtype: DType; readonly shape: readonly Dim[] }>> = {
  x: { kind: "input", dtype: "f32", shape: [N, features] },
  t: { kind: "input", dtype: "i32", shape: [N] },
  w: { kind: "param", dtype: "f32", shape: [features, features] },
  c: { kind: "param", dtype: "f32", shape: [features] },
  m: { kind: "state", dtype: "f32", shape: [features, features] },
};

export function batchedGraph(recipe: Recipe): Graph {
  const e = new Builder();
  const leaf = (path: string): Node => {
    const { kind, dtype, shape } = leafTypes[path] as { kind: "input"; dtype: DType; shape: readonly Dim[] };
    return e.leaf({ kind, path, type: { dtype, shape } });
  };
  const pool: Node[] = [leaf("x"), leaf("w"), leaf("c")];
  const used = new Set<Node>();
  const by = (test: (n: Node) => boolean, k: number): Node => {
    const fitting = pool.filter(test);
    const node = fitting[k % fitting.length] ?? (pool[0] as Node);
    used.add(node);
    return node;
  };
  const rank = (n: Node): number => n.type.shape.length;
  const wide = (k: number): Node => by((n) => rank(n) === 2 && n.type.shape[0] !== features && n.type.shape[1] === features, k);
  const square = (k: number): Node => by((n) => rank(n) === 2 && n.type.shape[0] === features && n.type.shape[1] === features, k);
  const same = (k: number, as: Node): Node => by((n) => rank(n) === rank(as) && n.type.shape.every((d, a) => dims.equal(d, as.type.shape[a] ?? 0)), k);
  const any = (k: number): Node => by(() => true, k);
  const back = (row: Node, as: Node): Node => e.broadcast(row, as.type.shape, [0]);
  const hyper = e.leaf({ kind: "hyper", path: "lr", type: { dtype: "f32", shape: [] } });
  const step = e.leaf({ kind: "step", path: "t", type: { dtype: "f32", shape: [] } });
  const rate = e.div(hyper, e.sub(e.scalar(1.5), e.pow(e.add(step, e.cast(e.size(N), "f32")), -1)));
  const size = e.cast(e.size(N), "f32");

  const makers: readonly ((a: number, b: number) => Node)[] = [
    (a) => e.make("tanh", {}, [any(a)]),
    (a) => e.sigmoid(any(a)),
    (a, b) => e.add(same(a, any(b)), any(b)),
    (a, b) => e.mul(same(a, any(b)), e.sin(any(b))),
    (a) => { const x = any(a); return e.select(e.compare(">", x, e.like(x, 0)), x, e.like(x, 0)); },
    (a, b) => e.contract(wide(a), square(b), [0, 1], [1, 2], [0, 2]),
    (a, b) => e.contract(wide(a), square(b), [0, 1], [2, 1], [0, 2]),
    (a, b) => e.contract(wide(a), wide(b), [0, 1], [0, 2], [1, 2]),
    (a, b) => e.contract(wide(a), wide(b), [0, 1], [0, 1], [0]),
    (a) => { const x = wide(a); return e.add(x, e.broadcast(leaf("c"), x.type.shape, [1])); },
    (a) => e.reduce("sum", wide(a), [1]),
    (a) => e.reduce("max", wide(a), [1]),
    (a) => { const x = wide(a); return e.reduce("prod", e.add(e.like(x, 1), e.mul(e.sin(x), e.like(x, 1 / 8))), [1]); },
    (a) => e.div(e.reduce("sum", wide(a), [0]), e.broadcast(size, [features], [])),
    (a) => { const x = any(a); return e.reduce("sum", x, x.type.shape.map((_, i) => i)); },
    (a) => { const x = wide(a); const y = e.exp(e.sub(x, back(e.reduce("max", x, [1]), x))); return e.div(y, back(e.reduce("sum", y, [1]), x)); },
    (a) => { const x = wide(a); const d = e.sub(x, back(e.mul(e.reduce("sum", x, [1]), e.const({ dtype: "f32", shape: [N] }, 1 / features)), x));
      const v = e.reduce("sum", e.mul(d, d), [1]); return e.div(d, back(e.sqrt(e.add(v, e.like(v, 1))), x)); },
    (a) => e.gather(wide(a), leaf("t"), 1),
    (a) => { const x = wide(a); return e.select(e.compare("==", e.broadcast(e.iota(features), x.type.shape, [1]), e.broadcast(leaf("t"), x.type.shape, [0])), x, e.like(x, 0)); },
    (a) => { const rows = e.gather(leaf("w"), leaf("t"), 0); return e.mul(rows, wide(a)); },
    (a) => e.scatterSum(wide(a), leaf("t"), 0, features),
    (a) => { const x = wide(a); return e.view(x, { shape: x.type.shape, guards: [],
      index: [access.whole(access.addAffine(access.scaleAffine(access.unit(0, 2), -1), access.constant(dims.sub(N, 1), 2))), access.whole(access.unit(1, 2))] }); },
    (a) => { const x = wide(a); const at = access.addAffine(access.unit(0, 2), access.constant(-1, 2)); return e.view(x, { shape: x.type.shape,
      guards: [{ kind: "nonnegative", value: at }], index: [access.whole(at), access.whole(access.unit(1, 2))] }); },
    (a) => { const x = wide(a); return e.reshape(e.transpose(e.reshape(x, [N, 2, 2]), [0, 2, 1]), x.type.shape); },
    (a, b) => e.reduce("sum", e.concat([wide(a), e.exp(e.make("tanh", {}, [wide(b)]))], 1), [1]),
    (a, b) => e.reduce("max", e.concat([wide(a), wide(b)], 0), [0]),
    (a) => { const x = wide(a); const u = e.cast(e.make("random", { shape: x.type.shape, path: "drop", hash: a, word: 1 }, []), "f32");
      return e.select(e.compare("<", u, e.like(u, 2 ** 31)), e.mul(x, e.like(x, 1.25)), e.like(x, 0)); },
    (a, b) => { const p = e.reduce("sum", wide(a), [1]); const q = e.reduce("max", wide(b), [1]); const grid = [N, N];
      return e.reduce("sum", e.make("tanh", {}, [e.sub(e.broadcast(p, grid, [0]), e.broadcast(q, grid, [1]))]), [1]); },
    (a) => { const x = wide(a); return e.div(e.cast(e.argmax(x, 1), "f32"), e.const({ dtype: "f32", shape: [N] }, 4)); },
    (a) => { const x = any(a); return e.mul(x, e.broadcast(rate, x.type.shape, [])); },
    (a) => { const x = wide(a); return e.mul(x, e.broadcast(e.const({ dtype: "f32", shape: [4] }, [0.5, 1, -1, 0.1]), x.type.shape, [1])); },
    (a) => { const table = e.const({ dtype: "f32", shape: [4, 4] }, Array.from({ length: 16 }, (_, i) => i / 7)); return e.mul(wide(a), e.gather(table, leaf("t"), 0)); },
  ];
  for (const [kind, a, b] of recipe) {
    const made = makers[kind % makers.length]?.(a, b);
    if (made) pool.push(made);
  }
  const ends = pool.filter((n) => !used.has(n));
  const rest = ends.reduce<Node>((s, n) => e.add(s, e.reduce("sum", e.make("tanh", {}, [n]), n.type.shape.map((_, i) => i))), e.scalar(0));
  const ok = e.finite(rest);
  const grown = square(recipe.length);
  const w = leaf("w");
  const m = e.add(e.mul(leaf("m"), e.like(w, 0.875)), e.mul(grown, e.like(w, 0.1)));
  const next = e.sub(w, e.mul(e.broadcast(rate, w.type.shape, []), m));
  const swap = recipe.length % 3 === 0;
  const commits: Commit[] = [
    { kind: "state", path: "m", node: swap ? w : m },
    { kind: "param", path: "w", node: swap ? leaf("m") : e.select(e.broadcast(ok, w.type.shape, []), next, w) },
    { kind: "param", path: "c", node: recipe.length % 2 === 0 ? leaf("c") : e.reduce("sum", e.transpose(w, [1, 0]), [0]) },
  ];
  const outputs = ends.map((node, i) => ({ name: `y${i}`, kind: "output" as const, node }));
  return e.finish("step", [...outputs, { name: "loss", kind: "loss", node: rest }, { name: "rate", kind: "value", node: rate }], commits);
}
