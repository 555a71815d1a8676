/**
 * Factors read off what a condition has kept of them. In: a graph. Out: for each value of which a product of matrices reads what a condition
 * keeps, that choice; and other choices by the same condition made again, with the choice in place of the factor.
 *
 *     p = select(c, e / s, 0), g' = select(c, g · (e / s), 0)     ->     g' = select(c, g · p, 0)
 *
 * The weights of masked attention are one: the products keep p in memory, so that neither e nor s need be kept for the gradient beside it.
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { Survey } from "../graph/survey.ts";

/** Factors between a choice and the one that is looked for. */
const deepest = 4;

/** For each value of which a condition keeps some, and others read it too, the choice that a product reads. */
export function keptFactorsOf(graph: Survey): ReadonlyMap<Node, Node> {
  const found = new Map<Node, Node>();
  for (const node of graph.order) {
    const x = node.inputs[1];
    if (!isKeeping(node) || !x || (x.op !== "div" && x.op !== "mul" && x.op !== "exp") || graph.readers(x).length < 2) continue;
    if (!found.has(x) && graph.readers(node).some((r) => r.op === "contract")) found.set(x, node);
  }
  return found;
}

/** A choice with the results of other choices for its factors; undefined where none of them has one. */
export function withKeptFactors(e: Emit, node: Node, kept: ReadonlyMap<Node, Node>, became: (node: Node) => Node): Node | undefined {
  if (kept.size === 0 || !isKeeping(node)) return undefined;
  const [condition, value, zero] = node.inputs as readonly [Node, Node, Node];
  const instead = (x: Node, depth: number): Node | undefined => {
    const choice = kept.get(x);
    if (choice && choice !== node && choice.inputs[0] === condition) return e.select(became(condition), became(x), became(choice.inputs[2] as Node));
    if (depth === 0 || (x.op !== "mul" && x.op !== "neg")) return undefined;
    const inputs = x.inputs.map((y) => instead(y, depth - 1));
    return inputs.some((y) => y) ? e.make(x.op, x.attrs, x.inputs.map((y, at) => inputs[at] ?? became(y))) : undefined;
  };
  const made = instead(value, deepest);
  return made && e.select(became(condition), made, became(zero));
}

/** True for a choice between a value and 0. */
function isKeeping(node: Node): boolean {
  const zero = node.inputs[2];
  return node.op === "select" && node.type.dtype === "f32" && zero?.op === "const" && zero.attrs.data === 0;
}
