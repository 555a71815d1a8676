/**
 * Tunes what training a program runs. In: a program, a device, the examples of a batch. Out: choices for `openSession`.
 *
 *     const choices = await tuneProgram(program, { device, clock: () => performance.now(), profile, limits, examples: 64 });
 *     const session = await openSession(program, { device, choices });
 */
import type { Choices } from "../../kernels/alternatives.ts";
import type { EntryName } from "../graph/build.ts";
import { isStep } from "../graph/build.ts";
import type { Profile } from "../ir/kernel.ts";
import type { MemoryLimits } from "../memory/plan.ts";
import type { LoweredEntry, Target } from "./lowered-entry.ts";
import type { Clock } from "./measure-limits.ts";
import type { Program } from "./runtime/program.ts";
import { type Tried, tune } from "./tune.ts";

/** What is needed of a program. */
export interface Tunable {
  readonly info: Pick<Program, "store" | "batch">;
  readonly entries: readonly EntryName[];
  lower(entry: EntryName, target: Target): LoweredEntry;
}

export interface TuneProgramOptions {
  readonly device: GPUDevice;
  readonly clock: Clock;
  readonly profile: Profile;
  readonly limits: MemoryLimits;
  /** Examples of a training step. */
  readonly examples: number;
  /** What was found before. */
  readonly known?: Choices;
  readonly onTried?: (tried: Tried) => void;
}

/** Tries the kernels of every training step; gives what was known with what was found. */
export async function tuneProgram(program: Tunable, { examples, known, ...options }: TuneProgramOptions): Promise<Choices> {
  const { info } = program;
  const live = info.batch === undefined ? {} : { [info.batch]: examples };
  let choices = known ?? new Map<string, number>();
  for (const entry of program.entries.filter(isStep)) {
    const { schedule } = program.lower(entry, { capacity: live, profile: options.profile, limits: options.limits });
    choices = await tune(schedule, { ...options, store: info.store, live, known: choices });
  }
  return choices;
}
