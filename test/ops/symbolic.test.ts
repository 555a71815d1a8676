/** Gradients where a size is known only with the data: one graph over N, run at several N, against central differences. */
import { describe, expect, it } from "vitest";
import * as access from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensor } from "../../src/ir/types.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { Builder } from "../../src/graph/builder.ts";
import { evaluateNodes } from "../../src/graph/eval-graph.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { around, draw, numbers } from "./cases.ts";

const N = dims.sym("N");
const { affine, unit, whole } = access;

/** What is done to x, by title; x has the shape given. `k` is i32[N] in 0..2. */
const programs: readonly (readonly [string, readonly Dim[], (b: Builder, x: Node, k: Node) => Node])[] = [
  ["mean over the batch, spread again", [N, 3], (b, x) => b.sub(x, b.broadcast(b.div(b.reduce("sum", x, [0]), b.broadcast(b.cast(b.size(N), "f32"), [3], [])), [N, 3], [1]))],
  ["largest over the batch", [N, 3], (b, x) => b.reduce("max", x, [0])],
  ["largest of all", [N, 3], (b, x) => b.reduce("max", x, [0, 1])],
  ["largest under a mask", [N, 3], (b, x) => b.reduce("max", x, [1], b.compare(">", x, b.like(x, -1)))],
  ["N by N products", [N, 3], (b, x) => b.contract(x, x, [0, 2], [1, 2], [0, 1])],
  ["rows picked from the batch", [N, 2], (b, x) => b.gather(x, b.const(tensor("i32", [4]), [1, 0, 1, 1]), 0)],
  ["the element of each row that a label names", [N, 3], (b, x, k) => b.gather(x, k, 1)],
  ["rows of a table picked by labels", [3, 2], (b, x, k) => b.gather(x, k, 0)],
  ["sums into rows named by labels", [N, 2], (b, x, k) => b.scatterSum(x, k, 0, 3)],
  ["the batch twice, end to end", [N, 2], (b, x) => b.concat([x, b.mul(x, x)], 0)],
  ["differences of neighbours", [N, 2], (b, x) => {
    const shape = [dims.sub(N, 1), 2];
    const row = (c: number): Node => b.view(x, { shape, index: [whole(affine(c, [1, 0])), whole(unit(1, 2))], guards: [] });
    return b.sub(row(1), row(0));
  }],
  ["the batch from its end", [N], (b, x) => b.view(x, { shape: [N], index: [whole(affine(dims.sub(N, 1), [-1]))], guards: [] })],
  ["two axes in one, and the batch within", [N, 6], (b, x) => b.reshape(b.transpose(b.reshape(x, [N, 2, 3]), [0, 2, 1]), [dims.scale(N, 6)])],
];

describe("gradients over sizes that vary", () => {
  it.each(programs)("%s", (_, shape, make) => {
    const b = new Builder();
    const x = b.mark(b.leaf({ kind: "input", path: "x", type: tensor("f32", shape) }), "x");
    const out = make(b, x, b.leaf({ kind: "input", path: "k", type: tensor("i32", [N]) }));
    // A weight that differs from place to place and does not depend on N.
    const count = dims.product(out.type.shape);
    const weight = b.reshape(b.sin(b.cast(b.iota(count), "f32")), out.type.shape);
    const loss = b.reduce("sum", b.mul(b.sin(out), weight), out.type.shape.map((_d, a) => a));
    const form = b.make("derive", { kind: "grad" }, [loss, x]);
    const graph = differentiate.run(b.finish("g", [{ name: "loss", kind: "loss", node: loss }, { name: "d", kind: "gradient", node: form }], []));
    verifyGraph(graph, { forms: false });
    const [value, gradient] = graph.outputs.map((o) => o.node) as [Node, Node];
    for (const n of [2, 5]) {
      const next = numbers(n);
      const static_ = shape.map((d) => dims.evaluate(d, { N: n }));
      const at = draw(tensor("f32", static_), next);
      const labels = draw(tensor("i32", [n]), next, [0, 2]);
      const run = (node: Node, given: Tensor64): Tensor64 => evaluateNodes([node], around(new Map([["x", given], ["k", labels]]), { N: n }))[0] as Tensor64;
      const found = run(gradient, at);
      expect(found.shape).toEqual(static_);
      for (const [i, v] of found.data.entries()) {
        const moved = (by: number): number => run(value, { shape: at.shape, data: at.data.map((u, j) => (i === j ? u + by : u)) }).data[0] as number;
        const wanted = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        expect(Math.abs(v - wanted), `N = ${n}, element ${i}: ${v} against ${wanted}`).toBeLessThan(1e-5 + 1e-3 * Math.abs(wanted));
      }
    }
  });
});
