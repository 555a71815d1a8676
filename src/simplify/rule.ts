/**
 * A rewrite rule: a named equation, read from left to right. `apply` looks at one node whose inputs are already in
 * normal form and answers with an equal node, or with undefined where it does not fit. Rules are pure: they see
 * nothing but the node and make nodes through `e`.
 *
 *     rule({ name: "add-zero", doc: "x + 0 = x", ops: ["add"], apply, example })
 *
 * What every rule owes: values equal on finite values up to rounding, for every input within the types, and equal
 * derivatives (normalise runs before differentiation). `example` builds a graph where it fires; the tests run it.
 */
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node, OpName } from "../ir/node.ts";
import type { DType } from "../ir/types.ts";

/** When a rule may be used: some hold as values alone, so only once no derivative is left to take. */
export type RulePhase = "always" | "differentiated";

/** One entry of the table. */
export interface Rule {
  readonly name: string;
  /** The equation in plain text, and the condition under which it is used. */
  readonly doc: string;
  readonly ops: readonly OpName[];
  readonly phase: RulePhase;
  readonly apply: (node: Node, e: Emit) => Node | undefined;
  readonly example: (e: Emit) => Node;
}

/** Declares a rule; `apply` sees its node narrowed to the ops it is for. */
export function rule<K extends OpName>(r: {
  readonly name: string;
  readonly doc: string;
  readonly ops: readonly K[];
  readonly phase?: RulePhase;
  readonly apply: (node: Extract<Node, { op: K }>, e: Emit) => Node | undefined;
  readonly example: (e: Emit) => Node;
}): Rule {
  // The driver calls a rule only with the ops it names.
  return { ...r, phase: r.phase ?? "always", apply: r.apply as Rule["apply"] };
}

/** Short words for examples: an input leaf of f32 (or the given type). */
export function input(e: Emit, path: string, shape: readonly Dim[], dtype: DType = "f32"): Node {
  return e.leaf({ kind: "input", path, type: { dtype, shape } });
}
