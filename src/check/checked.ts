/**
 * The checked program: what `check` makes of the AST and `build` makes graphs of. Every name is resolved, every
 * layer call is instantiated with its own parameters and path, every size is a number or a polynomial in data's
 * size symbols, every optimizer is instantiated for every parameter it updates.
 */
import type { TensorType } from "../ir/types.ts";
import type { Source, Span } from "../support/span.ts";
import type { Core } from "./core.ts";

export interface CheckedProgram {
  readonly source: Source;
  /** The files that it uses, those of the library left out; paths start from the folder of `source`. */
  readonly uses: readonly UsedFile[];
  readonly models: readonly CheckedModel[];
  readonly trains: readonly CheckedTrain[];
  /** Which calls of the user's text led to which bodies of the library: an expression of the library has many callers. */
  readonly libraryCalls?: readonly LibraryCall[];
}

/** `call`, in the user's text, ran the body of the library's `name`, directly or through others. */
export interface LibraryCall {
  readonly name: string;
  readonly declaration: Span;
  readonly call: Span;
}

export interface UsedFile {
  readonly path: string;
  readonly source: Source;
}

export interface Hyper {
  readonly name: string;
  readonly value: number;
  /** True when it fixes a size, a bound or a branch, so that changing it means compiling again. */
  readonly static: boolean;
  readonly span: Span;
}

export interface CheckedInput {
  readonly name: string;
  readonly role: "input" | "target";
  readonly type: TensorType;
  /** `in lo..hi`: legal values are lo .. hi - 1. */
  readonly range?: { readonly lo: number; readonly hi: number };
  /** Where the range stands. */
  readonly rangeSpan?: Span;
  readonly span: Span;
}

export type Role = "weight" | "bias" | "scale";

export interface CheckedParam {
  /** `Digits.h.W`; the key in safetensors, API and reports. */
  readonly path: string;
  readonly type: TensorType;
  readonly role: Role;
  readonly init: Core;
  /** Former path. */
  readonly was?: string;
  readonly span: Span;
}

export interface CheckedState {
  readonly path: string;
  readonly type: TensorType;
  readonly init: Core;
  readonly span: Span;
}

/** The value of `path` after the step: all `<-` to it composed in text order. Exists only where `training` is true. */
export interface Update {
  readonly path: string;
  readonly value: Core;
  readonly span: Span;
}

export interface Named {
  readonly name: string;
  readonly value: Core;
  readonly span: Span;
}

/** One term of the objective. `maximize e` is a term with sense "maximize"; the minimised whole is Σ ± terms. */
export interface Term extends Named {
  readonly sense: "minimize" | "maximize";
}

export interface CheckedModel {
  readonly name: string;
  readonly span: Span;
  readonly hypers: readonly Hyper[];
  /** The common first unknown dimension of inputs and targets; absent in a model without data. */
  readonly batch?: string;
  readonly inputs: readonly CheckedInput[];
  readonly params: readonly CheckedParam[];
  readonly states: readonly CheckedState[];
  readonly outputs: readonly Named[];
  /** Empty when the model has no objective. */
  readonly terms: readonly Term[];
  readonly metrics: readonly Named[];
  readonly updates: readonly Update[];
}

/** A column expression of the data contract, evaluated per row in f64. */
export type DataExpr =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "column"; readonly name: string; readonly span: Span }
  /** Columns from..to-1 by position; yields a vector. */
  | { readonly kind: "columns"; readonly from: number; readonly to: number; readonly span: Span }
  | { readonly kind: "binary"; readonly op: "+" | "-" | "*" | "/"; readonly a: DataExpr; readonly b: DataExpr };

export type DataPlan =
  | { readonly kind: "csv"; readonly path: string; readonly span: Span; readonly fields: readonly { readonly name: string; readonly expr: DataExpr; readonly span: Span }[] }
  /** Values written in the file: `table { x = [[0, 0], …], y = [0, …] }`; row-major, first axis is the example. */
  | { readonly kind: "table"; readonly span: Span; readonly rows: number; readonly fields: readonly { readonly name: string; readonly shape: readonly number[]; readonly values: readonly number[]; readonly span: Span }[] };

export type Part = "training" | "validation" | "test";

export interface Clip {
  readonly kind: "norm" | "value";
  readonly limit: Core;
}

/** An operator of a formula, on what was computed last. */
export type FormulaOp = "negate" | "not" | "or" | "and" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "//" | "%" | "^";

/** A formula that the host evaluates, postfix; truth is 1 or 0. */
export interface Formula<Leaf> {
  /** As it is written. */
  readonly text: string;
  readonly code: readonly ({ readonly number: number } | { readonly leaf: Leaf } | { readonly op: FormulaOp })[];
}

/** A number of an example: of an input's numbers the one at a position, row-major. */
export interface ExampleLeaf {
  readonly field: string;
  readonly at: number;
}

/** What a phase may read of the run: a measurement of the epoch that has just ended, or how an earlier phase ended. */
export type RunLeaf =
  | { readonly kind: "measured"; readonly part: Part; readonly name: string }
  | { readonly kind: "count"; readonly phase: string; readonly count: "epochs" | "steps" | "best_epoch" | "best_step" }
  /** Measured with the values that the phase left. */
  | { readonly kind: "kept"; readonly phase: string; readonly part: Part; readonly name: string };

/** Training ends after the first epoch in which the condition holds. */
export interface ReachStop {
  readonly kind: "reach";
  readonly condition: Formula<RunLeaf>;
}

/** Training ends once `monitor` has not become better for `patience` epochs. */
export interface EarlyStop {
  readonly kind: "early";
  readonly patience: number;
  readonly monitor: { readonly part: Part; readonly name: string };
  readonly restore: "best" | "last";
}

/** The graph of a step: `step`, `step.critic`. */
export type StepEntry = "step" | `step.${string}`;

/** One kind of update: what it minimises, by which optimizer over which parameters. */
export interface CheckedStep {
  /** Of its section; absent where the block has none. */
  readonly name?: string;
  readonly entry: StepEntry;
  readonly span: Span;
  /** What it minimises; absent for the model's whole loss. */
  readonly objective?: Core;
  /** The terms in it. */
  readonly terms: readonly Term[];
  readonly clip?: Clip;
  /** For the parameters that this step trains. */
  readonly optimizer: CheckedOptimizer;
  /** Runs in each training step; the k-th takes its k-th batch. */
  readonly times: number;
}

/** A stretch of training. A block without `phase` sections has one. */
export interface CheckedPhase {
  /** Of its section; absent where the block has none. */
  readonly name?: string;
  readonly span: Span;
  readonly batch: number | "all";
  /** Exactly one of the two. */
  readonly epochs?: number | Formula<RunLeaf>;
  readonly steps?: number | Formula<RunLeaf>;
  readonly stop?: EarlyStop | ReachStop;
  /** The parts whose examples the steps see. */
  readonly fit: readonly Part[];
  /** Which of them. */
  readonly only?: Formula<ExampleLeaf>;
  /** The values that it begins with: those of the phase before, or those that the run began with. */
  readonly start: "fresh" | "previous";
  /** In the order in which each training step runs them. */
  readonly runs: readonly CheckedStep[];
}

export interface CheckedTrain {
  /** `train M as name`; else the model's name. */
  readonly name: string;
  readonly model: string;
  readonly span: Span;
  /** The block whose parameters it starts with. */
  readonly start?: { readonly block: string; readonly span: Span };
  readonly data?: DataPlan;
  /** Fractions; both 0 when everything is training data. */
  readonly split: { readonly validation: number; readonly test: number };
  readonly seed: number;
  /** At least one. */
  readonly phases: readonly CheckedPhase[];
}

/** An optimizer instantiated for each parameter that it trains: states keyed `adam.s/Digits.h.W` (`critic/adam.s/…` in a step of that name), one update per state and for θ. */
export interface CheckedOptimizer {
  readonly name: string;
  readonly span: Span;
  readonly perParam: readonly ParamUpdates[];
}

/** What an optimizer does to one parameter. */
export interface ParamUpdates {
  readonly param: string;
  readonly states: readonly CheckedState[];
  /** Of the states and of the parameter itself (`path` of the parameter). */
  readonly updates: readonly Update[];
  /** What evaluation, prediction and export use in the parameter's place, from stored values. */
  readonly output?: Core;
  /** Set where these are another parameter's with other paths, which take no derivative: what was made of those is made of these again. */
  readonly like?: Likeness;
}

/** Whose updates they are, and what its paths are called here. */
export interface Likeness {
  readonly of: ParamUpdates;
  readonly paths: ReadonlyMap<string, string>;
}

/** Each model with each of its train blocks, in the order of the blocks; then the models that no block trains. */
export function trainedModels({ models, trains }: CheckedProgram): readonly (readonly [CheckedModel, CheckedTrain | undefined])[] {
  const trained = trains.flatMap((t) => models.filter((m) => m.name === t.model).map((m) => [m, t] as const));
  const rest = models.filter((m) => !trained.some(([t]) => t === m)).map((m) => [m, undefined] as const);
  return [...trained, ...rest];
}
