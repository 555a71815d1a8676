/**
 * Which examples a run takes. An epoch is one pass over the training part in an order of its own; a training step takes as
 * many batches as its most frequent step has runs, and the k-th run of every step takes the k-th of them. Where the last
 * training step of an epoch would run out of batches, it takes the epoch's first ones again.
 *
 *     new Batches(training, { batch: 64, most: 5, seed: 42 }).at({ round: 1, step: 0, run: 4 })   // rows of the fifth batch
 */
import { rowsOf } from "./batch.ts";
import type { Dataset } from "./dataset.ts";
import { shuffled } from "./shuffle.ts";

/** Where a batch stands. */
export interface BatchPlace {
  /** The pass over the data, from 1: it decides the order. */
  readonly round: number;
  /** The training step in the pass, from 0. */
  readonly step: number;
  /** The run in the training step, from 0. */
  readonly run: number;
}

export class Batches {
  /** Training steps in one pass; 1 without data. */
  readonly perEpoch: number;
  private readonly training: Dataset | undefined;
  private readonly size: number;
  private readonly whole: boolean;
  private readonly most: number;
  private readonly seed: number;
  private order: { readonly round: number; readonly rows: Uint32Array } | undefined;

  constructor(training: Dataset | undefined, { batch, most, seed }: { readonly batch: number | "all"; readonly most: number; readonly seed: number }) {
    this.training = training;
    this.most = most;
    this.seed = seed;
    const rows = training?.rows ?? 1;
    this.whole = batch === "all";
    this.size = batch === "all" ? rows : Math.min(batch, rows);
    this.perEpoch = Math.ceil(Math.ceil(rows / this.size) / most);
  }

  /** The examples of a run; undefined without data. */
  at({ round, step, run }: BatchPlace): Dataset | undefined {
    const { training, size } = this;
    if (!training || this.whole) return training;
    const count = Math.ceil(training.rows / size);
    const from = ((step * this.most + run) % count) * size;
    if (this.order?.round !== round) this.order = { round, rows: shuffled(training.rows, this.seed, round) };
    return rowsOf(training, this.order.rows.subarray(from, from + size));
  }
}
