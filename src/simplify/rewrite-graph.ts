/**
 * The rewrite table applied to a graph. In: a graph and which rules to use. Out: the graph in normal form and the
 * ledger of what fired. What replaces a node keeps its origin.
 *
 *     rewriteGraph(graph, { off: new Set(["softplus"]) }).ledger.hits.get("add-zero")
 */
import type { Graph, Node } from "../ir/node.ts";
import { Builder } from "../graph/builder.ts";
import { rootsOf, topological, withRoots } from "../graph/walk.ts";
import { tidyLoops } from "../grad/tidy-loops.ts";
import { rewrite } from "./rewrite.ts";
import type { Ledger } from "./rewrite.ts";
import type { Rule } from "./rule.ts";
import { table } from "./table.ts";

/** Which rules to use, and in which order. */
export interface RewriteOptions {
  /** Names of rules not to use. */
  readonly off?: ReadonlySet<string>;
  /** Another table, or the same in another order. */
  readonly rules?: readonly Rule[];
}

/** Rewrites all roots of the graph; rules that hold only for values wait until no derivative form is left. */
export function rewriteGraph(graph: Graph, options: RewriteOptions = {}): { readonly graph: Graph; readonly ledger: Ledger } {
  const roots = rootsOf(graph);
  const differentiated = !hasForms(roots);
  const rules = (options.rules ?? table).filter((r) => !options.off?.has(r.name) && (differentiated || r.phase === "always"));
  const builder = new Builder();
  const { roots: normal, ledger } = rewrite(builder, roots, rules, (from, make) =>
    builder.withOrigin(graph.origins.get(from) ?? builder.originOf(from), make),
  );
  return { graph: withRoots(graph, builder, tidyLoops(builder, normal)), ledger };
}

/** True when a derivative is still to be taken, in a loop's body too. */
function hasForms(roots: readonly Node[]): boolean {
  const open: (readonly Node[])[] = [roots];
  for (let some = open.pop(); some; some = open.pop()) {
    for (const node of topological(some)) {
      if (node.op === "derive") return true;
      if (node.op === "loop") open.push(node.attrs.body.results);
    }
  }
  return false;
}
