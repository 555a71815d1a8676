/** Products of several tensors are taken in the order that costs least, and mean the same. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { orderContractions } from "../../src/simplify/order-contractions.ts";
import { simplify, simplifyBy } from "../../src/simplify/simplify.ts";
import { agree, draw, graphWith, leaf, run } from "../graphs/values.ts";

/** Products that the contractions of a graph take. */
function costOf(graph: Graph): number {
  let cost = 0;
  for (const node of topological(rootsOf(graph))) {
    if (node.op !== "contract") continue;
    const extents = new Map<number, number>();
    [node.attrs.a, node.attrs.b].forEach((labels, side) => labels.forEach((l, k) => extents.set(l, node.inputs[side]?.type.shape[k] as number)));
    cost += [...extents.values()].reduce((a, b) => a * b, 1);
  }
  return cost;
}

const matmul = (e: Builder, x: Node, y: Node): Node => (y.type.shape.length === 1 ? e.contract(x, y, [0, 1], [1], [0]) : e.contract(x, y, [0, 1], [1, 2], [0, 2]));

describe("the order of contractions", () => {
  it("takes A (B v) for (A B) v", () => {
    const e = new Builder();
    const [a, b, v] = [leaf(e, "a", [20, 30]), leaf(e, "b", [30, 40]), leaf(e, "v", [40])];
    const before = graphWith(e, { y: matmul(e, matmul(e, a, b), v) });
    const after = simplify.run(before);
    expect(costOf(before)).toBe(20 * 30 * 40 + 20 * 40);
    expect(costOf(after)).toBe(30 * 40 + 20 * 30);
    const inputs = draw(before, 1);
    agree(run(after, inputs)["y"]?.data, run(before, inputs)["y"]?.data, 1e-12);
    expect(costOf(simplifyBy({ off: new Set(["contraction-order"]) }).run(before))).toBe(costOf(before));
  });

  it("leaves a product alone that something else reads too", () => {
    const e = new Builder();
    const [a, b, v] = [leaf(e, "a", [20, 30]), leaf(e, "b", [30, 40]), leaf(e, "v", [40])];
    const ab = matmul(e, a, b);
    const graph = graphWith(e, { y: matmul(e, ab, v), ab });
    expect(orderContractions(graph)).toBe(graph);
  });

  it("finds the best of a long chain, the textbook's: 30x35 35x15 15x5 5x10 10x20 20x25", () => {
    const e = new Builder();
    const sizes = [30, 35, 15, 5, 10, 20, 25];
    const factors = sizes.slice(1).map((columns, k) => leaf(e, `m${k}`, [sizes[k] as number, columns]));
    const graph = graphWith(e, { y: factors.slice(1).reduce((x, y) => matmul(e, x, y), factors[0] as Node) });
    // Cormen et al., Introduction to Algorithms, 14.2.
    expect(costOf(orderContractions(graph))).toBe(15_125);
  });

  it("keeps the values of random trees of contractions, and costs no more", () => {
    let changed = 0;
    const tree = fc.record({ seed: fc.nat(), shapes: fc.array(fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 6 }), picks: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }) });
    fc.assert(
      fc.property(tree, ({ seed, shapes, picks }) => {
        const e = new Builder();
        const extents = [2, 3, 1, 4, 2, 5];
        let next = 0;
        const pick = (n: number): number => (picks[next++ % picks.length] as number) % n;
        // Factors over labels, merged two at a time; a label that no other factor has and both have is summed as luck will have it.
        let open = shapes.map((labels, k) => {
          const own = [...new Set(labels)];
          return { node: leaf(e, `x${k}`, own.map((l) => extents[l] as number)), labels: own };
        });
        while (open.length > 1) {
          const [x] = open.splice(pick(open.length), 1);
          const [y] = open.splice(pick(open.length), 1);
          if (!x || !y) return;
          const elsewhere = new Set(open.flatMap((f) => f.labels));
          const out = [...new Set([...x.labels, ...y.labels])].filter((l) => elsewhere.has(l) || !(x.labels.includes(l) && y.labels.includes(l)) || pick(3) === 0);
          open = [...open, { node: e.contract(x.node, y.node, x.labels, y.labels, out), labels: out }];
        }
        const before = graphWith(e, { y: open[0]?.node as Node });
        const after = orderContractions(before);
        if (after !== before) changed++;
        expect(costOf(after)).toBeLessThanOrEqual(costOf(before));
        const inputs = draw(before, seed);
        agree(run(after, inputs)["y"]?.data, run(before, inputs)["y"]?.data, 1e-9);
      }),
      { numRuns: 300, seed: 5 },
    );
    expect(changed).toBeGreaterThan(30);
  });
});
