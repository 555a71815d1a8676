/**
 * The record of one primitive: everything that is true of it in one place. How to make a class of operations
 * fast lives in schedule and kernels.
 *
 * Gradient rules use the field's letters: `x`, `y` inputs, `out` the result, `g` the incoming gradient (type
 * of `out`). They return one entry per input: a node of the input's type, or `noPath`. They must be linear in `g`.
 */
import type { Emit } from "../ir/emit.ts";
import type { NodeOf, Node, OpAttrs, OpName } from "../ir/node.ts";
import type { Scalar } from "../ir/scalar.ts";
import type { TensorType } from "../ir/types.ts";

/** Decides fusion and kernel family. */
export type OpClass =
  | "leaf" | "elementwise" | "reduce" | "contract" | "matrix" | "movement" | "gather" | "structure" | "form";

/** No derivative flows to this input (an integer, a stopped value): distinct from a zero. */
export const noPath = "no path";
/** What a gradient rule gives for one input. */
export type Adjoint = Node | typeof noPath;

/** Why the operands do not fit; `operand` is the position to point at. */
export interface Refusal {
  readonly refuse: string;
  readonly operand?: number;
}

/** True when a type rule refused. */
export function isRefusal(t: TensorType | Refusal): t is Refusal {
  return "refuse" in t;
}

/** A dense row-major tensor of doubles; integers exact, bool as 0/1. The evaluator's value. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What an evaluation may ask of its surroundings. */
export interface EvalContext {
  /** The number a dimension is now. */
  readonly size: (dim: import("../ir/dims.ts").Dim) => number;
  readonly seed: number;
  readonly step: number;
  /** Number of the first example of this batch in its logical batch. */
  readonly example: number;
}

/** How the f64 evaluator gets the op's value. */
export type Evaluate<K extends OpName> =
  /** Elementwise: the function of one element of each input. */
  | { readonly kind: "scalar"; readonly of: (attrs: OpAttrs[K], ...x: readonly number[]) => number }
  /** Anything else: a small obvious loop over whole tensors. */
  | { readonly kind: "tensor"; readonly of: (node: NodeOf<K>, inputs: readonly Tensor64[], context: EvalContext) => Tensor64 }
  /** Leaves, loops and forms: the evaluator itself knows. */
  | { readonly kind: "evaluator" };

/** One case for the generated tests: static input types, attributes, a range of values, kinks kept away from. */
export interface Sample<K extends OpName> {
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly TensorType[];
  /** Values are drawn from [low, high]; default [-2, 2]. Integer inputs draw integers in the range given per input. */
  readonly ranges?: readonly (readonly [low: number, high: number])[];
  /** Points within 1e-3 of these are redrawn. */
  readonly kinks?: readonly number[];
  /** Per input: what is added to the diagonal of the last two axes, so that matrices are far from singular. */
  readonly diagonal?: readonly number[];
}

/** What is true of one primitive. */
export interface OpRecord<K extends OpName> {
  /** The spelling in printed IR. */
  readonly name: K;
  /** One sentence, then the formula in plain text. */
  readonly doc: string;
  readonly class: OpClass;
  /** What each attribute means. */
  readonly params: { readonly [P in keyof OpAttrs[K]]: string };
  /** From the input types alone; only `pick` needs the nodes (its loop's body). */
  readonly type: (attrs: OpAttrs[K], inputs: readonly TensorType[], nodes?: readonly Node[]) => TensorType | Refusal;
  /** The rule; or the reason why there is none. */
  readonly grad:
    | ((e: Emit, node: NodeOf<K> & Node, g: Node) => readonly Adjoint[])
    | { readonly none: string };
  readonly eval: Evaluate<K>;
  /** Elementwise alone: the same meaning as text for kernels, written apart from `eval` so that the two can disagree. */
  readonly scalar?: (attrs: OpAttrs[K], args: readonly Scalar[]) => Scalar;
  readonly traits?: {
    readonly commutative?: boolean;
    readonly associative?: boolean;
    readonly identity?: number;
    readonly idempotent?: boolean;
    /** f(x) > 0 for all finite x. */
    readonly positive?: boolean;
  };
  readonly samples: readonly Sample<K>[];
  /** The formula of the node given its operands' formulas. */
  readonly latex: (attrs: OpAttrs[K], args: readonly string[]) => string;
}

/** The table's type: a forgotten operation is a compile error. */
export type OpTable = { readonly [K in OpName]: OpRecord<K> };
