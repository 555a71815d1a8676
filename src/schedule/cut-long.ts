/**
 * Makes further roots where one would draw together too many nodes or sources for one kernel. In: the nodes of an entry in topological order, the
 * roots so far. Out: the roots.
 *
 *     a sum of 200 products     ->   cut where it has 96 nodes
 */
import type { Node } from "../ir/node.ts";
import type { Facts } from "./node-facts.ts";

/** Sources and nodes that one root may draw together by itself. */
const mostSources = 6;
const mostNodes = 96;

export function cutLong(order: readonly Node[], facts: Facts, roots: ReadonlyMap<Node, string>): ReadonlyMap<Node, string> {
  const all = new Map(roots);
  /** What each node draws together by itself; none for what is in memory. */
  const [nodes, sources] = [facts.lists(), facts.lists()];
  const inMemory = (x: Node): boolean => facts.isStored(x) || all.has(x);
  const [seen, read] = [facts.marks(), facts.marks()];
  const weight = (x: Node): number => nodes.length(x) / mostNodes + sources.length(x) / mostSources;
  for (const node of order) {
    if (facts.isStored(node) || (facts.isFree(node) && !all.has(node))) continue;
    for (;;) {
      nodes.begin(node);
      sources.begin(node);
      seen.clear();
      read.clear();
      seen.add(node);
      nodes.add(node, node.id);
      for (const x of node.inputs) {
        if (inMemory(x)) {
          if (read.add(x)) sources.add(node, x.id);
          continue;
        }
        for (let i = 0; i < nodes.length(x); i++) if (seen.addId(nodes.at(x, i))) nodes.add(node, nodes.at(x, i));
        for (let i = 0; i < sources.length(x); i++) if (read.addId(sources.at(x, i))) sources.add(node, sources.at(x, i));
      }
      if (nodes.length(node) <= mostNodes && sources.length(node) <= mostSources) break;
      const largest = node.inputs.filter((x) => !inMemory(x) && nodes.length(x) > 1).sort((x, y) => weight(y) - weight(x) || x.id - y.id)[0];
      if (!largest) break;
      all.set(largest, "its chain is long enough for one kernel");
    }
  }
  return all;
}
