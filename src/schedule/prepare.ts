/**
 * Makes a simplified graph ready for kernels: loops unrolled, tensors without elements gone, reductions of much to
 * little in two stages, long running sums by blocks, orders by counting or merging. In and out: the graph of one entry; its values stay as they are up to the order of sums.
 *
 *     sum over [65536]   ->   sum over 64 of (sum over the part that one of 64 takes)
 */
import { Builder } from "../graph/builder.ts";
import { rebuildGraph } from "../graph/walk.ts";
import type { Bindings } from "../ir/dims.ts";
import type { Graph, Node } from "../ir/node.ts";
import { expandArgsort } from "./expand-argsort.ts";
import { foldEmpty } from "./fold-empty.ts";
import { splitCumsum } from "./split-cumsum.ts";
import { splitReduce } from "./split-reduce.ts";
import { Unroller } from "./unroller.ts";

export interface Prepared {
  readonly graph: Graph;
  /** What each node of the graph became. */
  readonly became: ReadonlyMap<Node, Node>;
}

export function prepare(graph: Graph, capacity: Bindings): Prepared {
  const builder = new Builder();
  const became = new Map<Node, Node>();
  const unroller = new Unroller(builder, graph.origins);
  const prepared = rebuildGraph(
    graph,
    builder,
    (node, inputs) =>
      unroller.replace(node, inputs) ?? foldEmpty(builder, node, inputs, capacity) ?? splitReduce(builder, node, inputs, capacity)
      ?? splitCumsum(builder, node, inputs, capacity) ?? expandArgsort(builder, node, inputs, capacity),
    { became },
  );
  return { graph: prepared, became };
}
