/** What the project set itself for its steps, and how the measured ones stand to it. Comes in: results. Goes out: rows of a table. */
import type { ContenderName } from "./contender.ts";
import type { Measured } from "./interleave.ts";
import type { WorkloadName } from "./workloads.ts";

interface Goal {
  /** At the most. */
  readonly dispatches: number;
  /** How many times as fast as a peer, at the least. */
  readonly faster: Readonly<Partial<Record<ContenderName, number>>>;
}

export const goals: Readonly<Partial<Record<WorkloadName, Goal>>> = {
  spiral: { dispatches: 6, faster: { "tensorflow.js": 9, "jax-js": 25 } },
  mlp: { dispatches: 12, faster: { "tensorflow.js": 9, "jax-js": 2.5 } },
  cnn: { dispatches: 24, faster: { "tensorflow.js": 9, "jax-js": 5 } },
  transformer: { dispatches: 45, faster: { "tensorflow.js": 9, "jax-js": 3.5 } },
};

export const goalHead = ["goal", "", "wanted", "measured", ""] as const;

/** A row for each goal of a workload that can be told from what was measured. */
export function goalRows(workload: WorkloadName, measured: readonly Measured[]): readonly (readonly string[])[] {
  const goal = goals[workload];
  const own = measured.find((m) => m.name === "nabla");
  if (!goal || own?.stepMs === undefined || !own.perStep) return [];
  const rows: (readonly string[])[] = [row(workload, "dispatches", `at most ${goal.dispatches}`, own.perStep.dispatches, own.perStep.dispatches <= goal.dispatches)];
  for (const [name, times] of Object.entries(goal.faster)) {
    const peer = measured.find((m) => m.name === name);
    if (peer?.stepMs === undefined) continue;
    const ratio = peer.stepMs / own.stepMs;
    rows.push(row(workload, `times as fast as ${name}`, `at least ${times}`, ratio, ratio >= times));
  }
  return rows;
}

const row = (workload: string, what: string, wanted: string, value: number, met: boolean): readonly string[] => [
  workload, what, wanted, Number.isInteger(value) ? String(value) : value.toFixed(1), met ? "met" : "missed",
];
