/**
 * The symbolic graph. A node is one primitive applied to nodes; a graph is what one entry computes: named
 * outputs and commits (new values of parameters and state). The language elaborates into it, gradients are
 * more of it, optimizers are more of it, kernels are groups of it.
 *
 *     %0 = leaf input "x" : f32[N, 2]
 *     %1 = leaf param "Xor.h.W" : f32[2, 4]
 *     %2 = contract [0,1] [1,2] -> [0,2] (%0, %1) : f32[N, 4]
 *
 * Invariants:
 *   - nodes are made by a builder alone; within one builder, equal (op, attrs, inputs) are one object;
 *   - elementwise inputs have equal shapes: broadcasting is an explicit `view`;
 *   - shapes are static but for data's size symbols (see dims.ts);
 *   - ids rise with creation, so inputs have lower ids than their users; walks are iterative;
 *   - a `loop` has dtype of its first result and is read through `pick` alone; its body is closed;
 *   - `mark` gives a name used as `wrt` its own identity; `derive`, `mark`, `custom` are gone after differentiate.
 */
import type { Span } from "../support/span.ts";
import type { AccessMap } from "./access.ts";
import type { Dim } from "./dims.ts";
import type { DType, TensorType } from "./types.ts";

/**
 * What a leaf stands for. `carry slice capture iteration` occur in loop bodies alone; `rule` stands, in the adjoints of a
 * `custom`, for the incoming adjoint or the result.
 */
export type LeafKind = "input" | "param" | "state" | "hyper" | "step" | "carry" | "slice" | "capture" | "iteration" | "rule";

export type Relation = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type ReduceKind = "sum" | "prod" | "max" | "any" | "all";
export type DeriveKind = "grad" | "jvp" | "hvp";

type None = Readonly<Record<never, never>>;

/** The attributes of each primitive; the keys are the closed set of operations. */
export interface OpAttrs {
  /** A splat of one number, or a table in row-major order; bool as 0 or 1. */
  const: { readonly type: TensorType; readonly data: number | readonly number[] };
  /** `path` names the thing: `x`, `Digits.h.W`, `t`, `decay`; for loop leaves the position as text. */
  leaf: { readonly kind: LeafKind; readonly path: string; readonly type: TensorType };
  /** The live value of a dimension, i32 scalar. */
  size: { readonly dim: Dim };
  /** 0, 1, 2, … : i32[extent]. */
  iota: { readonly extent: Dim };
  /**
   * Threefry-2x32 words, u32[shape]: key (seed, hash) folded with each input (i32 scalars: loop iterations),
   * counter (step, flat index); `word` 0 or 1 of the pair. `path` is the call path that `hash` hashes.
   */
  random: { readonly shape: readonly Dim[]; readonly path: string; readonly hash: number; readonly word: 0 | 1 };

  neg: None;
  exp: None;
  log: None;
  log1p: None;
  expm1: None;
  sqrt: None;
  sin: None;
  cos: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  floor: None;
  not: None;
  /** bool: true unless the bits say NaN or infinity. */
  finite: None;

  add: None;
  mul: None;
  div: None;
  max: None;
  /** x ^ exponent, a constant. */
  pow: { readonly exponent: number };
  floordiv: None;
  mod: None;
  compare: { readonly relation: Relation };
  logic: { readonly kind: "and" | "or" };

  /** (condition, then, otherwise). */
  select: None;
  cast: { readonly to: DType };
  /** The value, no gradient path. */
  stop: None;
  /** The value under an identity of its own. */
  mark: { readonly id: string };

  /** (x) or (x, mask): folds over `axes` (sorted), which vanish. Empty: sum 0, prod 1, any false, all true; max over nothing is refused. */
  reduce: { readonly kind: ReduceKind; readonly axes: readonly number[] };
  /** i32 index of the first largest along `axis`, which vanishes. */
  argmax: { readonly axis: number };
  /** out_t = Σ x_s over s ≤ t along `axis`; s < t when exclusive, s ≥ t and s > t in reverse. */
  cumsum: { readonly axis: number; readonly reverse: boolean; readonly exclusive: boolean };
  /** i32 positions along `axis` in order of value; equal elements keep their order. */
  argsort: { readonly axis: number; readonly descending: boolean };
  /** A[B…, n, n] -> the lower triangular L with L Lᵀ = A; reads the lower triangle of A. */
  cholesky: None;
  /** A[B…, n, n], b[B…, n, m] -> x[B…, n, m] with A x = b; reads one triangle of A. */
  triangular_solve: { readonly lower: boolean };

  /**
   * out[o…] = Σ a[…]·b[…]: one label per axis, labels renumbered by first use over (a, b); each label of `out` occurs in a or b,
   * labels absent from `out` are summed and occur in both; no label twice in one operand.
   */
  contract: { readonly a: readonly number[]; readonly b: readonly number[]; readonly out: readonly number[] };

  view: { readonly map: AccessMap };
  /** Row-major, equal element counts. */
  reshape: { readonly shape: readonly Dim[] };
  concat: { readonly axis: number };

  /** x[B…, K, R…], i32 idx[B…, I…] -> out[B…, I…, R…] = x[b…, idx[b…, i…], r…]; `batch` counts B. */
  gather: { readonly batch: number };
  /** g[B…, I…, R…], idx[B…, I…] -> out[B…, size, R…] = Σ over I of g where idx == k. */
  scatter_sum: { readonly batch: number; readonly size: number };

  /**
   * `trip` turns of `body`. Inputs: initial carries, then sliced inputs (first axis `trip`), then captures.
   * Results, read by `pick`: final carries, then stacked results (first axis `trip`). `reverse` runs from the last turn to the first;
   * slices and stacks keep their positions.
   */
  loop: { readonly trip: number; readonly body: Body; readonly carries: number; readonly slices: number; readonly reverse: boolean };
  pick: { readonly index: number };

  /** grad: (value scalar, wrt). jvp: (value, wrt, tangent). hvp: (value scalar, wrt, vector). */
  derive: { readonly kind: DeriveKind };
  /**
   * (value, incoming, out, then `rules` pairs of an argument and its adjoint): the value, whose derivative is what the
   * adjoints say with the leaves `incoming` and `out` replaced by the adjoint that arrives and by this node.
   */
  custom: { readonly name: string; readonly rules: number };
}

export type OpName = keyof OpAttrs;

export interface NodeOf<K extends OpName> {
  readonly id: number;
  readonly op: K;
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly Node[];
  readonly type: TensorType;
}

/** One primitive applied; narrow on `op`. */
export type Node = { [K in OpName]: NodeOf<K> }[OpName];

/** A closed loop body. Its leaves are `carry` 0.., `slice` 0.., `capture` 0.. and `iteration`. */
export interface Body {
  /** First the next carries (types equal to the carries), then the values to stack. */
  readonly results: readonly Node[];
  /** The canonical printed form, which is its identity. */
  readonly text: string;
}

/** `rows` and `sum` are what a part of the examples gives for the whole: numbers of each example, or sums over examples; `early` is what updates will read. */
export type OutputKind = "loss" | "term" | "output" | "metric" | "gradient" | "status" | "value" | "rows" | "sum" | "early";

export interface Output {
  readonly name: string;
  readonly kind: OutputKind;
  readonly node: Node;
  /** Of a gradient: the loss that it is the gradient of. */
  readonly of?: string;
}

/** The new value of a parameter or state, stored when the entry ends. */
export interface Commit {
  readonly kind: "param" | "state";
  readonly path: string;
  readonly node: Node;
}

/** Why a node is there: where in the source, and for what reason if the compiler made it. */
export interface Origin {
  /** At most 16; `more` counts the rest. */
  readonly spans: readonly Span[];
  readonly more: number;
  /** "gradient of contract with respect to input 0". */
  readonly reason?: string;
  /** What the value is called: the name of a binding, and where it stands. */
  readonly name?: { readonly text: string; readonly span: Span };
}

/** Where nodes come from; constants come from nowhere. */
export interface Origins {
  get(node: Node): Origin | undefined;
}

/** What one entry computes. */
export interface Graph {
  /** `step`, `evaluate`, `predict`, `gradients`, `init`. */
  readonly entry: string;
  readonly outputs: readonly Output[];
  readonly commits: readonly Commit[];
  /** The builder that made the nodes. */
  readonly origins: Origins;
}
