/**
 * Core: the typed expressions of a checked program. Names, functions, layers, defaults and broadcasting rules are
 * resolved; what is left are tensors, index notation, draws, loops and derivatives. Core is a DAG: a binding that
 * is used twice is one object referred to twice, so sharing survives (`y = x + x`, forty times, stays linear).
 *
 *     z[b, o] = sum[i] x[b, i] * W[i, o]
 *     comprehend([b: N, o: 4], fold("sum", [i: 2], apply("mul", at(x, [b, i]), at(W, [i, o]))))
 *
 * `type` is the value's type; inside `comprehend` and `fold` bodies every value is one number (shape []), and tensors
 * occur only as the base of `at`. Dims hold data's size symbols alone. Consumers must not recurse along operand
 * chains without a bound: a program may be 100,000 terms long.
 */
import type { Dim } from "../ir/dims.ts";
import type { Relation } from "../ir/node.ts";
import type { DType, TensorType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";

interface Base {
  readonly type: TensorType;
  readonly span: Span;
}

/** An index variable of a comprehension or fold: runs over lo .. lo + extent - 1. Identity is the object's. */
export interface IndexVar {
  readonly name: string;
  readonly lo: Dim;
  readonly extent: Dim;
  readonly span: Span;
}

/** Elementwise operations as the language has them; operands broadcast right-aligned (size-1 or missing axes stretch). */
export type ApplyOp =
  | "neg" | "abs" | "exp" | "log" | "log1p" | "expm1" | "sqrt" | "sin" | "cos" | "tanh" | "sigmoid" | "erf" | "floor" | "sign"
  | "not" | "and" | "or"
  | "add" | "sub" | "mul" | "div" | "floordiv" | "mod" | "pow" | "max" | "min"
  | { readonly compare: Relation };

export type FoldOp = "sum" | "mean" | "prod" | "max" | "min" | "argmax" | "argmin" | "any" | "all" | "count" | "logsumexp";

/** What is one primitive of whole tensors; axes before those that it works on are a batch. */
export type PrimitiveOp =
  | { readonly name: "cumsum"; readonly axis: number; readonly reverse: boolean; readonly exclusive: boolean }
  | { readonly name: "argsort"; readonly axis: number; readonly descending: boolean }
  | { readonly name: "cholesky" }
  | { readonly name: "triangular_solve"; readonly lower: boolean };

/** One axis of a slice. */
export type SliceItem =
  | { readonly kind: "all" }
  | { readonly kind: "range"; readonly lo: Dim; readonly hi: Dim }
  /** An i32 scalar drops the axis. i32 tensors broadcast together and pick element by element; their common axes stand where the first of them stands. */
  | { readonly kind: "at"; readonly index: Core };

export type Core = Base &
  (
    | { readonly kind: "number"; readonly value: number }
    /** A hyperparameter used as a value: changeable between steps. */
    | { readonly kind: "hyper"; readonly name: string }
    | Omit<CoreLeaf, keyof Base>
    /** `t` (updates, from 1), `epoch` (from 1). f32 scalars evaluated on the host. */
    | { readonly kind: "step"; readonly name: "t" | "epoch" }
    | { readonly kind: "size"; readonly dim: Dim }
    /** The gradient of the train block's loss with respect to a parameter (clipped if the block says so). */
    | { readonly kind: "gradient"; readonly path: string }
    | { readonly kind: "apply"; readonly op: ApplyOp; readonly args: readonly Core[] }
    | { readonly kind: "cast"; readonly to: DType; readonly arg: Core }
    | { readonly kind: "select"; readonly condition: Core; readonly then: Core; readonly otherwise: Core }
    /** Resolved per entry: `then` in the training step, `otherwise` elsewhere. */
    | { readonly kind: "training"; readonly then: Core; readonly otherwise: Core }
    /** Tensor notation reductions over whole axes (they vanish). argmax/argmin have one axis. */
    | { readonly kind: "reduce"; readonly op: FoldOp; readonly axes: readonly number[]; readonly arg: Core }
    /** `@`: the last axis of a with the second-to-last (or only) axis of b; leading axes broadcast. */
    | { readonly kind: "matmul"; readonly a: Core; readonly b: Core }
    | { readonly kind: "primitive"; readonly op: PrimitiveOp; readonly args: readonly Core[] }
    | { readonly kind: "transpose"; readonly order: readonly number[]; readonly arg: Core }
    | { readonly kind: "reshape"; readonly arg: Core }
    | { readonly kind: "broadcast"; readonly arg: Core }
    | { readonly kind: "concat"; readonly axis: number; readonly args: readonly Core[] }
    | { readonly kind: "slice"; readonly items: readonly SliceItem[]; readonly arg: Core }
    /** Array literals of numbers, row-major. */
    | { readonly kind: "table"; readonly data: readonly number[] }
    | { readonly kind: "comprehend"; readonly indices: readonly IndexVar[]; readonly body: Core }
    /**
     * base[index…]: one i32 scalar expression per axis, affine in index variables or by data (a gather). Every index is proven to lie inside
     * its axis; those of the axes in `guarded` only where a guard holds, and elsewhere what they give is not used. With `outside`, an affine
     * index that leaves its axis gives 0.
     */
    | { readonly kind: "at"; readonly base: Core; readonly index: readonly Core[]; readonly guarded?: ReadonlySet<number>; readonly outside?: "zero" }
    | { readonly kind: "index"; readonly variable: IndexVar }
    /** A reduction in index notation; `guard` keeps terms and protects accesses. argmax/argmin have one index and yield its value. */
    | { readonly kind: "fold"; readonly op: FoldOp; readonly indices: readonly IndexVar[]; readonly guard?: Core; readonly body: Core }
    /** Draws of the given shape (in `type`); `path` keys the stream. `within`: the loops whose body the draw stands in, outermost first. */
    | { readonly kind: "random"; readonly distribution: "uniform" | "normal" | "bernoulli"; readonly args: readonly Core[]; readonly path: string; readonly within?: readonly LoopVar[] }
    /** Result `result` of a fold or scan over `index` in 0..trip. */
    | { readonly kind: "loop"; readonly loop: CoreLoop; readonly result: number }
    | { readonly kind: "carry"; readonly carry: CarryVar }
    | { readonly kind: "iteration"; readonly loop: LoopVar }
    | { readonly kind: "derive"; readonly derive: "grad"; readonly value: Core; readonly wrt: Core }
    | { readonly kind: "derive"; readonly derive: "jvp" | "hvp"; readonly value: Core; readonly wrt: Core; readonly along: Core }
    | { readonly kind: "stop"; readonly arg: Core }
    /** A call of a function with a gradient of its own: `value`, whose adjoints by the rules' arguments are expressions in `incoming` and `out`; `args` are its arguments. */
    | { readonly kind: "custom"; readonly name: string; readonly value: Core; readonly args: readonly Core[]; readonly incoming: CarryVar; readonly out: CarryVar; readonly rules: readonly CoreRule[] }
    /** `value` with some leaves standing for other values: the loss at another point of the parameters. */
    | { readonly kind: "replace"; readonly value: Core; readonly pairs: readonly { readonly from: CoreLeaf; readonly to: Core }[] }
    /** A named value: gives `grad(f, a)` its `a` (a binding, a parameter) an identity of its own. */
    | { readonly kind: "binding"; readonly name: string; readonly named: Span; readonly value: Core }
  );

/** An input, parameter or state. */
export type CoreLeaf = Base & { readonly kind: "leaf"; readonly role: "input" | "param" | "state"; readonly path: string };

export type CoreKind = Core["kind"];
export type CoreOf<K extends CoreKind> = Extract<Core, { kind: K }>;

/** One entry of `with gradient`: an argument, spread to the adjoint's shape, and the adjoint. */
export interface CoreRule {
  readonly name: string;
  readonly argument: Core;
  readonly adjoint: Core;
  readonly span: Span;
}

/** The turn number of a loop; identity is the object's. */
export interface LoopVar {
  readonly name: string;
  readonly trip: number;
}

/** What is bound around an expression: by a loop, a carried value; by a rule of one's own, what arrives and the result. */
export interface CarryVar {
  readonly name: string;
  readonly type: TensorType;
}

/** `fold t in 0..trip with h = init { next }`: results are the final carries; a `scan` stacks each turn's `next` on a new first axis. */
export interface CoreLoop {
  readonly kind: "fold" | "scan";
  readonly variable: LoopVar;
  readonly trip: number;
  readonly carries: readonly { readonly variable: CarryVar; readonly init: Core; readonly next: Core }[];
  readonly span: Span;
}
