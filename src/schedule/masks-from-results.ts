/**
 * Conditions of a rectifier read off its result. In: a graph. Out: for each condition x > c that chooses between x and c, the choice,
 * and what takes the condition's place for everybody else.
 *
 *     r = select(x > 0, x, 0), g' = select(x > 0, g, 0)     ->     g' = select(r > 0, g, 0)
 *
 * r > c exactly where x > c: elsewhere r is c itself, also where x is -0 or no number. So x need not be kept for the gradient beside r.
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { Survey } from "../graph/survey.ts";

/** For each such condition, the choice that has it. */
export function rectifiersOf(graph: Survey): ReadonlyMap<Node, Node> {
  const found = new Map<Node, Node>();
  for (const node of graph.order) {
    const [condition, x, c] = node.inputs;
    if (node.op !== "select" || condition?.op !== "compare" || condition.attrs.relation !== ">") continue;
    const isSplat = c?.op === "const" && typeof c.attrs.data === "number";
    if (isSplat && node.type.dtype === "f32" && condition.inputs[0] === x && condition.inputs[1] === c && !found.has(condition)) found.set(condition, node);
  }
  return found;
}

/** A choice over inputs made again, by the results of other rectifiers where it is by their conditions; undefined where it is by none. */
export function fromResults(e: Emit, node: Node, inputs: readonly Node[], rectifiers: ReadonlyMap<Node, Node>, became: (node: Node) => Node): Node | undefined {
  const own = (x: Node): Node | undefined => {
    const rectifier = rectifiers.get(x);
    return rectifier === node ? undefined : rectifier;
  };
  if (node.op !== "select" || !node.inputs.some(own)) return undefined;
  const instead = node.inputs.map((x, at) => {
    const rectifier = own(x);
    if (!rectifier) return inputs[at] as Node;
    const [condition, value, c] = rectifier.inputs.map(became) as [Node, Node, Node];
    return e.compare(">", e.select(condition, value, c), c);
  });
  return e.make(node.op, node.attrs, instead);
}
