/**
 * Makes a loop from parts whose leaves have provisional names. In: carries, slices and captures as pairs of a leaf
 * used by the body and the value outside, and the body's values. Out: the loop with its leaves renumbered; slices and
 * captures that the body does not read are left out. A body is a closed graph, so the same leaf node may stand for
 * different things in two bodies: replacement is simultaneous.
 *
 *     closeLoop(e, { trip: 8, reverse: false, carries: [{ leaf: h, init: h0, next: tanh(h + c) }],
 *                    slices: [], captures: [{ leaf: c, input: b }], stacks: [] })
 */
import type { Emit } from "../ir/emit.ts";
import type { LeafKind, Node, NodeOf } from "../ir/node.ts";
import { makeBody } from "../graph/body.ts";
import { replaceNodes, topological } from "../graph/walk.ts";

/** A value carried from turn to turn. */
export interface LoopCarry {
  readonly leaf: Node;
  readonly init: Node;
  readonly next: Node;
}

/** A value sliced or captured, and the leaf the body reads it by. */
export interface LoopInput {
  readonly leaf: Node;
  readonly input: Node;
}

/** What a loop is made of. */
export interface LoopParts {
  readonly trip: number;
  readonly reverse: boolean;
  readonly carries: readonly LoopCarry[];
  readonly slices: readonly LoopInput[];
  readonly captures: readonly LoopInput[];
  readonly stacks: readonly Node[];
}

/** The loop; result k < carries.length is the last value of carry k, the stacks follow. */
export function closeLoop(e: Emit, parts: LoopParts): NodeOf<"loop"> & Node {
  const results = [...parts.carries.map((c) => c.next), ...parts.stacks];
  const used = new Set(topological(results));
  const slices = parts.slices.filter((s) => used.has(s.leaf));
  const captures = parts.captures.filter((c) => used.has(c.leaf));
  const renamed = new Map<Node, Node>();
  const rename = (kind: LeafKind, leaves: readonly { readonly leaf: Node }[]): void =>
    leaves.forEach(({ leaf }, k) => renamed.set(leaf, e.leaf({ kind, path: String(k), type: leaf.type })));
  rename("carry", parts.carries);
  rename("slice", slices);
  rename("capture", captures);
  const body = makeBody(replaceNodes(e, results, renamed));
  const inputs = [...parts.carries.map((c) => c.init), ...slices.map((s) => s.input), ...captures.map((c) => c.input)];
  return e.make("loop", { trip: parts.trip, body, carries: parts.carries.length, slices: slices.length, reverse: parts.reverse }, inputs);
}
