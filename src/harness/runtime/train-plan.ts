/**
 * A train block as data: where the examples come from, how they are split and batched, how long training goes on.
 * What the compiler hands to the training loop and what a bundle carries.
 */

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

export interface TrainPlan {
  readonly name: string;
  readonly model: string;
  readonly data?: DataPlan;
  /** Fractions of the examples. */
  readonly split: { readonly validation: number; readonly test: number };
  readonly batch: number | "all";
  /** Exactly one of epochs and steps. */
  readonly epochs?: number;
  readonly steps?: number;
  readonly stop?: {
    readonly kind: "early";
    readonly patience: number;
    readonly monitor: { readonly part: Part; readonly name: string };
    readonly restore: "best" | "last";
  };
  readonly seed: number;
}
