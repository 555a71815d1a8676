/**
 * Folds tensors without elements away: what is computed from them alone is a constant, so no kernel meets an axis of
 * size 0.
 *
 *     sum over the first axis of f32[0, 3]   ->   zeros f32[3]
 */
import type { Bindings } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf } from "./cost.ts";

/** The node that takes the place of one that reads an empty tensor; undefined when nothing needs to change. */
export function foldEmpty(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings): Node | undefined {
  if (inputs.every((x) => elementsOf(x, capacity) > 0)) return undefined;
  if (elementsOf(node, capacity) === 0) return e.const(node.type, 0);
  if (node.op === "concat") {
    const kept = inputs.filter((x) => elementsOf(x, capacity) > 0);
    const [only] = kept;
    return kept.length === 1 && only ? only : e.concat(kept, node.attrs.axis);
  }
  if (node.op === "reduce") return e.const(node.type, node.attrs.kind === "all" || node.attrs.kind === "prod" ? 1 : 0);
  // Sums of nothing, and views whose guards hold nowhere.
  if (node.op === "contract" || node.op === "scatter_sum" || node.op === "view") return e.const(node.type, 0);
  return undefined;
}
