/**
 * The order of evaluation. In: roots. Out: every node they need, inputs before users, each once. Iterative, and a
 * function of the roots alone: operands are visited left to right.
 *
 *     topological([add(x, mul(x, y))])      // [x, y, mul, add]
 */
import type { Node } from "../ir/node.ts";

/** Nodes seen that are worth an array of all ids: below, it would cost more than the walk. */
const many = 512;

/** The nodes the roots need, in order of evaluation; bodies of loops are not entered, nor nodes `without` which to do. */
export function topological(roots: Iterable<Node>, without?: { has(node: Node): boolean }): readonly Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // Inputs have lower ids than their users, so no id is higher than the roots'. All nodes are of one builder.
  const start = [...roots];
  let known: Uint8Array | undefined;
  const has = (node: Node): boolean => (known ? known[node.id] === 1 : seen.has(node)) || (without?.has(node) ?? false);
  const add = (node: Node): void => {
    order.push(node);
    if (known) known[node.id] = 1;
    else seen.add(node);
    if (!known && order.length === many) {
      known = new Uint8Array(start.reduce((most, n) => Math.max(most, n.id), 0) + 1);
      for (const n of order) known[n.id] = 1;
    }
  };
  // A node waits on the stack with the position of the operand to visit next.
  const stack: Node[] = [];
  const next: number[] = [];
  for (const root of start) {
    if (has(root)) continue;
    stack.push(root);
    next.push(0);
    while (stack.length > 0) {
      const top = stack.length - 1;
      const node = stack[top] as Node;
      const { inputs } = node;
      // The next operand that needs a walk of its own: what has no operands is added as it is met.
      let at = next[top] as number;
      let input = inputs[at++];
      for (; input !== undefined; input = inputs[at++]) {
        if (has(input)) continue;
        if (input.inputs.length > 0) break;
        add(input);
      }
      if (input === undefined) {
        stack.pop();
        next.pop();
        // Nodes on the stack lie on one way, so none is there twice.
        add(node);
        continue;
      }
      next[top] = at;
      stack.push(input);
      next.push(0);
    }
  }
  return order;
}
