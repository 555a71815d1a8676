/**
 * The order of evaluation. In: roots. Out: every node they need, inputs before users, each once. Iterative, and a
 * function of the roots alone: operands are visited left to right.
 *
 *     topological([add(x, mul(x, y))])      // [x, y, mul, add]
 */
import type { Node } from "../ir/node.ts";

/** The nodes the roots need, in order of evaluation; bodies of loops are not entered, nor nodes `without` which to do. */
export function topological(roots: Iterable<Node>, without: Iterable<Node> = []): readonly Node[] {
  const order: Node[] = [];
  const done = new Set<Node>(without);
  // A node waits on the stack with the position of the operand to visit next.
  const stack: { readonly node: Node; next: number }[] = [];
  for (const root of roots) {
    if (done.has(root)) continue;
    stack.push({ node: root, next: 0 });
    while (stack.length > 0) {
      const frame = stack[stack.length - 1] as { readonly node: Node; next: number };
      const { node } = frame;
      if (done.has(node)) {
        stack.pop();
        continue;
      }
      const input = node.inputs[frame.next];
      if (input === undefined) {
        stack.pop();
        done.add(node);
        order.push(node);
        continue;
      }
      frame.next++;
      if (!done.has(input)) stack.push({ node: input, next: 0 });
    }
  }
  return order;
}
