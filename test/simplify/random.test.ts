/** On and off pairs on random graphs: values and gradients are those of the graph as it was written. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import { topological } from "../../src/graph/walk.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { rewriteGraph } from "../../src/simplify/rewrite-graph.ts";
import { simplify } from "../../src/simplify/simplify.ts";
import { table } from "../../src/simplify/table.ts";
import type { Graph } from "../../src/ir/node.ts";
import { runPass } from "../../src/support/trace.ts";
import { agree, draw, run } from "../graphs/values.ts";
import { graphOf, recipes } from "../graphs/random-graph.ts";

/** The graph with the gradient of its loss by every leaf. */
function withGradients(b: Builder, graph: Graph): Graph {
  const loss = graph.outputs.find((o) => o.kind === "loss");
  if (!loss) throw new Error("no loss");
  const leaves = topological([loss.node]).filter((n) => n.op === "leaf");
  const forms = leaves.map((x, i) => ({ name: `d${i}`, kind: "gradient" as const, node: b.make("derive", { kind: "grad" }, [loss.node, x]) }));
  return b.finish(graph.entry, [...graph.outputs, ...forms], []);
}

function same(a: Graph, b: Graph, seed: number, tolerance: number): void {
  const inputs = draw(a, seed);
  const [p, q] = [run(a, inputs), run(b, inputs)];
  for (const o of a.outputs) agree(q[o.name]?.data, p[o.name]?.data, tolerance);
}

describe("random graphs", () => {
  it("keep their values under all rules", () => {
    fc.assert(
      fc.property(recipes(14), fc.nat({ max: 99 }), (recipe, seed) => {
        const graph = graphOf(recipe);
        same(graph, simplify.run(graph), seed, 1e-8);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("keep their values under some of the rules, in any order", () => {
    fc.assert(
      fc.property(recipes(10), fc.shuffledSubarray([...table]), (recipe, rules) => {
        const graph = graphOf(recipe);
        same(graph, rewriteGraph(graph, { rules }).graph, 3, 1e-8);
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  it("keep their gradients when normalised before and simplified after", () => {
    fc.assert(
      fc.property(recipes(8), fc.nat({ max: 99 }), (recipe, seed) => {
        const b = new Builder();
        const graph = withGradients(b, graphOf(recipe, b));
        const plain = differentiate.run(graph);
        const all = [normalise, differentiate, simplify].reduce((g, pass) => runPass(pass, g, { verify: true }), graph);
        same(plain, all, seed, 1e-7);
      }),
      { numRuns: 150, seed: 3 },
    );
  });
});
