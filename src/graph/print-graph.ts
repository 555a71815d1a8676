/**
 * A graph as text; `readGraph` is its inverse but for origins, which text does not carry.
 *
 *     graph predict
 *       %0 = leaf input "x" : f32[N, 2]
 *       %1 = sigmoid (%0) : f32[N, 2]
 *       output output "p" %1
 *
 * Printing what was read gives the same text again.
 */
import type { Graph } from "../ir/node.ts";
import { Writer } from "../support/text.ts";
import { printNodes } from "./print-nodes.ts";
import { rootsOf } from "./walk.ts";

/** The canonical text of a graph. */
export function printGraph(graph: Graph): string {
  const w = new Writer();
  w.line(`graph ${graph.entry}`);
  w.indent(() => {
    const numbers = printNodes(w, rootsOf(graph));
    for (const o of graph.outputs) w.line(`output ${o.kind} ${JSON.stringify(o.name)} %${numbers.get(o.node)}`);
    for (const c of graph.commits) w.line(`commit ${c.kind} ${JSON.stringify(c.path)} %${numbers.get(c.node)}`);
  });
  return w.text();
}
