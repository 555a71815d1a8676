/** What training tells while it runs, and what came of it. */
import type { Evaluation } from "./evaluate-part.ts";

/** What is known when an epoch ends. */
export interface EpochReport {
  /** Of a block with phases. */
  readonly phase?: string;
  /** From 1 in each phase. */
  readonly epoch: number;
  /** Training steps done so far in this phase. */
  readonly step: number;
  /** Mean over the epoch's examples of the loss each step started from; absent where steps minimise different things. */
  readonly loss?: number;
  /** The same for each step of a block with `step` sections. */
  readonly losses?: Readonly<Record<string, number>>;
  readonly validation?: Evaluation;
  readonly best: boolean;
}

/** Where the run is. */
export interface StepReport {
  readonly phase?: string;
  readonly epoch: number;
  readonly step: number;
  /** Training steps of the whole phase, when every epoch runs. */
  readonly steps: number;
  /** Its epochs, where it counts epochs. */
  readonly epochs?: number;
}

/** Why training, or a phase of it, ended. */
export type End = "finished" | "early" | "reached" | "interrupted" | "not finite";

/** What became of a phase. */
export interface PhaseResult {
  readonly name?: string;
  readonly end: End;
  readonly epochs: number;
  readonly steps: number;
  /** The epoch whose weights were kept, when the phase keeps the best, and the training steps up to its end. */
  readonly bestEpoch?: number;
  readonly bestStep?: number;
}

/** When not finite: the first bad update, of which step, and what was not finite when it was run again. */
export interface Failure {
  readonly step: number;
  readonly run?: string;
  readonly names: readonly string[];
}

/** How training ended. */
export interface TrainResult {
  readonly end: End;
  readonly epochs: number;
  /** Training steps in all. */
  readonly steps: number;
  /** Updates in all: one training step may run several. */
  readonly updates: number;
  /** Updates by entry, since its optimizer began. */
  readonly counts: ReadonlyMap<string, number>;
  readonly history: readonly EpochReport[];
  readonly phases: readonly PhaseResult[];
  /** The epoch whose weights are in the store, when the last phase keeps the best. */
  readonly bestEpoch?: number;
  readonly final?: { readonly training?: Evaluation; readonly validation?: Evaluation; readonly test?: Evaluation };
  readonly failure?: Failure;
}
