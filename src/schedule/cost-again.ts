/**
 * What one element of each node costs when everything down to memory, loops and what is kept is computed in place. In: the nodes of an entry
 * in topological order. Out: costs by id.
 *
 *     y = exp(x) + exp(x)·z      exp(x) once
 *
 * What one computation reads twice at one index it computes once, so each cost carries the parts it is made of; beyond a movement the index is
 * another, and its parts are one.
 */
import type { Node } from "../ir/node.ts";
import { access, costOf } from "./cost.ts";
import type { Facts } from "./node-facts.ts";

/** Parts up to which they are told apart. */
const mostParts = 96;

/** Costs by id; `kept` says which nodes are read from memory besides those that always are. */
export function costAgain(order: readonly Node[], facts: Facts, kept: (node: Node) => boolean): Float64Array {
  const again = facts.numbers();
  /** What a reading at another index costs, and at the own index what each part does: an access for what is in memory. */
  const [elsewhere, prices] = [facts.numbers(), facts.numbers()];
  const parts = facts.lists();
  const seen = facts.marks();
  /** The parts are one, at this price. */
  const asOne = (node: Node, price: number): void => {
    parts.begin(node);
    parts.add(node, node.id);
    prices[node.id] = price;
    elsewhere[node.id] = price;
  };
  for (const node of order) {
    const inMemory = facts.isThere(node) || kept(node);
    if (facts.isFree(node)) {
      if (inMemory) asOne(node, access);
      continue;
    }
    const moved = facts.moves(node);
    const { inputs } = node;
    seen.clear();
    parts.begin(node);
    let cost = costOf(node);
    let all = 0;
    for (let k = 0; k < inputs.length; k++) {
      const x = inputs[k] as Node;
      if (inputs.indexOf(x) < k) continue;
      if (moved) cost += elsewhere[x.id] as number;
      else
        for (let i = 0, count = parts.length(x); i < count; i++) {
          const part = parts.at(x, i);
          if (!seen.addId(part)) continue;
          parts.add(node, part);
          all += prices[part] as number;
        }
    }
    all = Math.min(all + cost, 1e6);
    again[node.id] = all;
    if (inMemory) asOne(node, access);
    else if (moved || parts.length(node) >= mostParts) asOne(node, all);
    else {
      parts.add(node, node.id);
      prices[node.id] = cost;
      elsewhere[node.id] = all;
    }
  }
  return again;
}
