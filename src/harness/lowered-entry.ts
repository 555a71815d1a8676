/**
 * What one entry becomes for a device, and for which: schedule, kernels, memory plan and texts, made for the sizes and the
 * class of device of a target.
 *
 *     program.lower("step", { capacity: { N: 32 }, profile: profiles.software }).plan
 */
import type { Choices } from "../../kernels/alternatives.ts";
import type { Kernel, Profile, Schedule } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import type { Plan } from "../memory/placement.ts";
import type { MemoryLimits } from "../memory/plan.ts";
import type { EntryPlan, KernelText } from "./runtime/program.ts";

/** What one entry becomes for a device. */
export interface LoweredEntry {
  readonly schedule: Schedule;
  readonly kernels: readonly Kernel[];
  readonly memory: Plan;
  readonly plan: EntryPlan;
  /** Distinct texts; the plan's dispatches name them by position. */
  readonly texts: readonly KernelText[];
}

/** Sizes and device class that an entry's code is made for. */
export interface Target {
  readonly capacity: Readonly<Record<string, number>>;
  readonly profile: Profile;
  readonly limits?: MemoryLimits;
  /** What a tuner has found of the device. */
  readonly choices?: Choices;
  /** Bytes that a step may keep between its kernels; what does not fit is computed twice. Unlimited without it. */
  readonly memory?: number;
  /** Keeps what the forward pass leaves for the gradient in 16 bits a number; for devices with the feature `shader-f16`. */
  readonly half?: boolean;
  /** Nodes of the graph that must lie in memory. */
  readonly keep?: ReadonlySet<Node>;
}
