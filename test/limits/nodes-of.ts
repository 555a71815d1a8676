/** The nodes of a graph: what memory is linear in, whatever the machine. */
import { rootsOf, topological } from "../../src/graph/walk.ts";
import type { Graph, Node } from "../../src/ir/node.ts";

/** Every node that outputs and commits need; none of no graph. */
export function nodesOf(graph: Graph | undefined): readonly Node[] {
  return graph ? topological(rootsOf(graph)) : [];
}
