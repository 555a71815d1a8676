/**
 * The pass before differentiation: the rewrite table brings accesses and contractions into their one form and replaces
 * unstable formulas by stable ones, so that their gradients are stable too. In and out: a graph with derivative forms
 * and marks; no rule reaches across a mark.
 *
 *     log(softmax(x))    ->  x - m - log Σ exp(x - m)
 */
import type { Graph } from "../ir/node.ts";
import type { Pass } from "../support/trace.ts";
import { verifyGraph } from "../graph/verify-graph.ts";
import { rewriting } from "./rewrite-graph.ts";
import type { RewriteOptions } from "./rewrite-graph.ts";

/** Canonical accesses, contractions and stable forms. */
export const normalise: Pass<Graph, Graph> = normaliseBy({});

/** The pass with some rules off or in another order. */
export function normaliseBy(options: RewriteOptions): Pass<Graph, Graph> {
  const rewrite = rewriting({ ...options, phase: "always" });
  return {
    name: "normalise",
    doc: "Brings accesses and contractions into their one form and unstable formulas into stable ones.",
    run: (graph) => rewrite(graph).graph,
    verify: verifyGraph,
  };
}
