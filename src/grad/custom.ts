/**
 * The gradient of a value that brings its own. In: a `custom` node and the adjoint that arrives there. Out: one entry per
 * input, as a rule of the table gives: the adjoints that were written, with the leaves that stand for the incoming
 * adjoint and for the result replaced. What is made is ordinary graph, so it can be differentiated again.
 *
 *     custom "sign_st" 1 (sign(x), dy, out, x, 2 * dy)      adjoint of x: 2 * g
 */
import type { Node, NodeOf } from "../ir/node.ts";
import type { Adjoint } from "../ops/op.ts";
import { noPath } from "../ops/op.ts";
import type { Derivation } from "./derivation.ts";

/** The adjoints of the inputs; only the arguments have a path. */
export function customGradient(d: Derivation, node: NodeOf<"custom"> & Node, g: Node): readonly Adjoint[] {
  const [, incoming, out] = node.inputs as readonly [Node, Node, Node];
  const args = node.inputs.filter((_, i) => i >= 3 && i % 2 === 1);
  // Arguments, and what they are spread from, depend on neither leaf: there the walk ends.
  const by = new Map<Node, Node>([...args, ...args.flatMap((a) => (a.op === "view" ? a.inputs : []))].map((x) => [x, x]));
  by.set(incoming, g).set(out, node);
  return node.inputs.map((_, i) => (i >= 3 && i % 2 === 1 ? d.replace(node.inputs[i + 1] as Node, by) : noPath));
}
