/**
 * The pass after differentiation: the same rewrite table and the rules that hold for values alone. In: a graph
 * without derivative forms, or one in which they are read as the derivatives. Out: the simplified, unfused graph, which is the meaning of the entry for every target.
 *
 *     mul(view(1 / s), exp(x - m)) …     ->  softmax(x) - onehot(y), over N
 */
import type { Graph } from "../ir/node.ts";
import type { Pass } from "../support/trace.ts";
import type { JoinedGraph } from "../graph/early-part.ts";
import { verifyGraph } from "../graph/verify-graph.ts";
import { orderContractions } from "./order-contractions.ts";
import { rewriting } from "./rewrite-graph.ts";
import type { RewriteOptions } from "./rewrite-graph.ts";

/** All rewrite rules to their fixpoint. */
export const simplify: Pass<JoinedGraph, Graph> = simplifyBy({});

/** The pass with some rules off or in another order. */
export function simplifyBy(options: RewriteOptions): Pass<JoinedGraph, Graph> {
  const rewrite = rewriting({ ...options, phase: "differentiated" });
  return {
    name: "simplify",
    doc: "Applies the table of rewrites until nothing fires: identities, algebra, views, contractions; then takes products of several tensors in the cheapest order.",
    run: (graph) => {
      const simple = rewrite(graph).graph;
      const ordered = options.off?.has("contraction-order") ? simple : orderContractions(simple);
      return ordered === simple ? simple : rewrite(ordered).graph;
    },
    verify: verifyGraph,
  };
}
