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

/** What a rule asks of the ops that the inputs of a node have, and of its own. */
export type Over = (inputs: readonly OpName[], op: OpName) => boolean;

/** One entry of the table. */
export interface Rule {
  readonly name: string;
  /** The equation in plain text, and the condition under which it is used. */
  readonly doc: string;
  readonly ops: readonly OpName[];
  /** Where it does not hold the rule does not fit and is not tried; where it holds, `apply` says. */
  readonly over: Over;
  readonly phase: RulePhase;
  readonly apply: (node: Node, e: Emit) => Node | undefined;
  readonly example: (e: Emit) => Node;
}

/** Declares a rule; `apply` sees its node narrowed to the ops it is for. */
export function rule<K extends OpName>(r: {
  readonly name: string;
  readonly doc: string;
  readonly ops: readonly K[];
  readonly over?: Over;
  readonly phase?: RulePhase;
  readonly apply: (node: Extract<Node, { op: K }>, e: Emit) => Node | undefined;
  readonly example: (e: Emit) => Node;
}): Rule {
  // The driver calls a rule only with the ops it names.
  return { ...r, over: r.over ?? anything, phase: r.phase ?? "always", apply: r.apply as Rule["apply"] };
}

const anything: Over = () => true;

/** An input of one of these ops. */
export function some(...ops: readonly OpName[]): Over {
  return (inputs) => inputs.some((x) => ops.includes(x));
}

/** No input but of these ops. */
export function every(...ops: readonly OpName[]): Over {
  return (inputs) => inputs.every((x) => ops.includes(x));
}

/** The first input of one of these ops. */
export function first(...ops: readonly OpName[]): Over {
  return ([x]) => x !== undefined && ops.includes(x);
}

/** The second input of one of these ops. */
export function second(...ops: readonly OpName[]): Over {
  return ([, y]) => y !== undefined && ops.includes(y);
}

/** Both inputs of one op, as those of one node that is read twice. */
export function alike([x, y]: readonly OpName[]): boolean {
  return x === y;
}

/** All of these. */
export function both(...all: readonly Over[]): Over {
  return (inputs, op) => all.every((over) => over(inputs, op));
}

/** One of these. */
export function either(...all: readonly Over[]): Over {
  return (inputs, op) => all.some((over) => over(inputs, op));
}

/** Short words for examples: an input leaf of f32 (or the given type). */
export function input(e: Emit, path: string, shape: readonly Dim[], dtype: DType = "f32"): Node {
  return e.leaf({ kind: "input", path, type: { dtype, shape } });
}
