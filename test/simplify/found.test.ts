/** What random graphs and damaged programs found in the rewrites, kept. */
import { expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import { sym } from "../../src/ir/dims.ts";
import { simplify } from "../../src/simplify/simplify.ts";
import { agree, draw, graphWith, leaf, run } from "../graphs/values.ts";

it("both operands of a contraction behind a shifted window read inside", () => {
  const e = new Builder();
  const [x, w] = [leaf(e, "x", [3, 7, 16]), leaf(e, "w", [7, 16])];
  // Both operands have the axis that the window moves along.
  const product = e.contract(x, w, [0, 1, 2], [1, 2], [2, 0]);
  const form = (c: number, k: readonly number[]) => ({ c, k });
  const shifted = e.view(product, {
    shape: [16, 3], index: [{ numerator: form(-2, [1, 0]), divisor: 1 }, { numerator: form(0, [0, 1]), divisor: 1 }],
    guards: [{ kind: "nonnegative", value: form(-2, [1, 0]) }],
  });
  const graph = graphWith(e, { y: e.reduce("sum", shifted, [0, 1]) });
  const inputs = draw(graph, 1);
  agree(run(simplify.run(graph), inputs)["y"]?.data, run(graph, inputs)["y"]?.data, 1e-12);
});

it("a constant of no elements over a batch is not folded by looking at it", () => {
  const e = new Builder();
  const none = e.const({ dtype: "f32", shape: [0] }, []);
  const view = e.view(none, { shape: [sym("N"), 0], index: [{ numerator: { c: 0, k: [0, 1] }, divisor: 1 }], guards: [] });
  expect(simplify.run(graphWith(e, { y: view })).outputs[0]?.node.type.shape.length).toBe(2);
});

it("what a reordering and a part of a larger tensor have in common is no reordering of both", () => {
  const e = new Builder();
  const [x, wide] = [leaf(e, "x", [16, 7]), leaf(e, "wide", [16, 21])];
  // The first seven columns of a tensor of 21, turned as the other is.
  const turned = { shape: [7, 16], index: [{ numerator: { c: 0, k: [0, 1] }, divisor: 1 }, { numerator: { c: 0, k: [1, 0] }, divisor: 1 }], guards: [] };
  const graph = graphWith(e, { y: e.add(e.view(x, turned), e.view(wide, turned)) });
  const inputs = draw(graph, 1);
  agree(run(simplify.run(graph), inputs)["y"]?.data, run(graph, inputs)["y"]?.data, 1e-12);
});
