/**
 * A train block as data: where the examples come from, how they are split and batched, how long training goes on.
 * What the compiler hands to the training loop and what a bundle carries.
 */

import type { Formula } from "./formula.ts";

/** A column expression, evaluated per row in f64; `columns` is a vector. */
export type DataExpr =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "column"; readonly name: string }
  | { readonly kind: "columns"; readonly from: number; readonly to: number }
  | { readonly kind: "binary"; readonly op: "+" | "-" | "*" | "/"; readonly a: DataExpr; readonly b: DataExpr };

export type DataPlan =
  /** `path` is relative to the `.dl` file. */
  | { readonly kind: "csv"; readonly path: string; readonly fields: readonly { readonly name: string; readonly expr: DataExpr }[] }
  | {
      readonly kind: "table";
      readonly rows: number;
      readonly fields: readonly { readonly name: string; readonly shape: readonly number[]; readonly values: readonly number[] }[];
    };

export type Part = "training" | "validation" | "test";

/** A number of an example: of a field's numbers the one at a position, row-major. */
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

/** A step of each training step: which entry runs, and how often. */
export interface RunPlan {
  /** `critic`; absent where the block has one step without a name. */
  readonly name?: string;
  /** `step`, `step.critic`. */
  readonly entry: string;
  /** The k-th time takes the k-th batch of the training step. */
  readonly times: number;
}

/** A stretch of training. */
export interface PhasePlan {
  readonly name?: string;
  readonly batch: number | "all";
  /** Exactly one of epochs and steps. */
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
  readonly runs: readonly RunPlan[];
}

export interface TrainPlan {
  readonly name: string;
  readonly model: string;
  readonly data?: DataPlan;
  /** Fractions of the examples. */
  readonly split: { readonly validation: number; readonly test: number };
  readonly seed: number;
  /** The block whose parameters this one starts with. */
  readonly start?: string;
  /** All steps minimise one thing, which an evaluation calls `loss`. */
  readonly shared: boolean;
  /** At least one. */
  readonly phases: readonly PhasePlan[];
}
