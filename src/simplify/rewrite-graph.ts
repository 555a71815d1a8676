/**
 * The rewrite table applied to graphs. In: a graph and which rules to use. Out: the graph in normal form and the
 * ledger of what fired, in this graph and in those of the same builder before it. What replaces a node keeps its origin.
 *
 *     const rewrite = rewriting({ off: new Set(["softplus"]) });
 *     rewrite(graph).ledger.hits.get("add-zero")
 */
import type { Graph } from "../ir/node.ts";
import { Builder } from "../graph/builder.ts";
import type { JoinedGraph } from "../graph/early-part.ts";
import { rootsOf, withRoots } from "../graph/walk.ts";
import { tidyLoops } from "../grad/tidy-loops.ts";
import { Rewriter } from "./rewrite.ts";
import type { Ledger } from "./rewrite.ts";
import type { Rule, RulePhase } from "./rule.ts";
import { table } from "./table.ts";

/** Which rules to use, and in which order. */
export interface RewriteOptions {
  /** Names of rules not to use. */
  readonly off?: ReadonlySet<string>;
  /** Another table, or the same in another order. */
  readonly rules?: readonly Rule[];
  /** Rules that hold only for values wait for this phase, when no derivative is left to take. */
  readonly phase?: RulePhase;
}

/** A graph in normal form. */
export interface RewrittenGraph {
  readonly graph: Graph;
  readonly ledger: Ledger;
}

/** Brings a graph into normal form. */
export type Rewriting = (graph: JoinedGraph) => RewrittenGraph;

/** Rewrites graphs; what graphs of one builder share is rewritten once. */
export function rewriting(options: RewriteOptions = {}): Rewriting {
  const rules = (options.rules ?? table).filter((r) => !options.off?.has(r.name) && (r.phase === "always" || options.phase !== "always"));
  const rewriters = new WeakMap<Builder, Rewriter>();
  return (graph) => {
    const builder = Builder.of(graph);
    const rewriter = rewriters.get(builder) ?? new Rewriter(builder, rules);
    rewriters.set(builder, rewriter);
    return { graph: withRoots(graph, builder, tidyLoops(builder, rewriter.bring(rootsOf(graph), graph.readAs))), ledger: rewriter.ledger };
  };
}

/** All roots of one graph rewritten. */
export function rewriteGraph(graph: Graph, options: RewriteOptions = {}): RewrittenGraph {
  return rewriting(options)(graph);
}
