/**
 * Who can be measured: something that trains a workload on the adapter at hand, one step after the other.
 *
 *     const trainee = await contender.open(workloads.mlp);
 *     const loss = await trainee.step(batch);     // queued: upload, forward, backward, update
 *     await loss.read();                          // on the host
 */
import type { Batch, Workload } from "./workloads.ts";

export interface Contender {
  readonly name: ContenderName;
  readonly version: string;
  /** From the program as its user writes it to a model on the device, with the workload's weights. */
  open(workload: Workload): Promise<Trainee>;
}

export const contenderNames = ["nabla", "tensorflow.js", "jax-js"] as const;
export type ContenderName = (typeof contenderNames)[number];

/** Who else is measured, without WebGPU. */
export const measuredNames = [...contenderNames, "pytorch"] as const;
export type MeasuredName = (typeof measuredNames)[number];

export interface Trainee {
  /** Queues a step; many may be queued before a loss is read. */
  step(batch: Batch): Promise<Loss>;
  /** Milliseconds of the parts of opening and of the first step, where there are any to tell apart. */
  readonly parts?: Readonly<Record<string, number>>;
  close(): void;
}

export interface Loss {
  read(): Promise<number>;
  /** Lets it go unread. */
  drop(): void;
}
