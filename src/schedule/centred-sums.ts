/**
 * Sums without what sums to 0. In: a reduction over inputs made already. Out: the sum of the other term alone; undefined where no term is centred.
 *
 *     Σ (g + a · (x - mean x))  =  Σ g        along the axes of the mean, a a number for each row
 *
 * The gradient of a layer norm is such a sum: of g it has stored each element, and sums what it multiplies with in the same pass. As a rewrite
 * rule it would cost more than it saves: factors that do not vary go out in front of a sum, and what is left is no value that exists.
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { isCentred } from "../simplify/centred.ts";
import { orders } from "../simplify/match.ts";

/** The sum of the term that is not centred. */
export function withoutCentred(e: Emit, node: Node, inputs: readonly Node[]): Node | undefined {
  const [x] = inputs;
  if (node.op !== "reduce" || node.attrs.kind !== "sum" || inputs.length > 1 || x?.op !== "add" || x.type.dtype !== "f32") return undefined;
  for (const [y, centred] of orders(x)) if (isCentred(e, centred, node.attrs.axes)) return e.reduce("sum", y, node.attrs.axes);
  return undefined;
}
