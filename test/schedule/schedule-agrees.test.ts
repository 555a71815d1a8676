/** The schedule computes what the graph says: random graphs, every combination of switches, sizes under the capacity. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { graphOf, recipes } from "../graphs/random-graph.ts";
import { combinations, expectAgreement } from "./agree.ts";
import { batchedGraph, batchedRecipes } from "./batched-graph.ts";

describe("a schedule computes what its graph says", () => {
  it("on random graphs, with every combination of switches", () => {
    fc.assert(
      fc.property(recipes(12), fc.nat({ max: combinations.length - 1 }), (recipe, at) => {
        expectAgreement(graphOf(recipe), { off: combinations[at] ?? new Set() });
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it("on random batches smaller than their capacity", () => {
    fc.assert(
      fc.property(batchedRecipes(12), fc.nat({ max: combinations.length - 1 }), fc.integer({ min: 1, max: 5 }), (recipe, at, live) => {
        expectAgreement(batchedGraph(recipe), { off: combinations[at] ?? new Set(), sizes: { N: live }, capacity: { N: 5 } });
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  it("in f32, each operation rounded", () => {
    fc.assert(
      fc.property(batchedRecipes(5), (recipe) => expectAgreement(batchedGraph(recipe), { sizes: { N: 3 }, capacity: { N: 4 }, precision: "f32", tolerance: 1e-3 })),
      { numRuns: 40, seed: 3 },
    );
  });
});
