/**
 * How long a kernel should take, and what holds it up. Comes in: what it does (count-work.ts), what the device can do, the device
 * class. Goes out: seconds, and the limit that most of them go to.
 *
 *     3e6 accesses, 2e6 operations, on a processor with 0.5 G accesses a second:   6 ms, bound by accesses
 *
 * A processor that plays GPU does one thing after the other, so times add up. A GPU does them at once, so the longest counts.
 */
import type { Kernel, Profile } from "../src/ir/kernel.ts";
import { type DeviceLimits, prices } from "../src/schedule/prices.ts";
import { countWork, type Work } from "./count-work.ts";

/** What most of a kernel's time goes to. */
export type Bound = "accesses" | "arithmetic" | "memory" | "loops" | "barriers" | "launch";

export interface Prediction {
  readonly seconds: number;
  readonly bound: Bound;
}

/** The modelled time of one dispatch. */
export function predict(work: Work, width: number, limits: DeviceLimits, profile: Profile): Prediction {
  const { lanes, bothBranches: isProcessor, access, turn, barrier, workgroup, latency } = prices[profile.name];
  // One workgroup runs on one core, and lanes that stay empty cost what full ones do.
  const busy = Math.min(1, work.workgroups / limits.parallel);
  const spread = isProcessor ? (Math.ceil(width / lanes) * lanes) / width : 1;
  const parts: Record<Bound, number> =
    isProcessor
      ? {
          accesses: ((work.accesses + work.shared) * spread) / limits.accesses / busy,
          arithmetic: (work.operations * spread) / limits.operations / busy,
          loops: (work.turns * spread * (turn / access)) / limits.accesses / busy,
          barriers: (work.barriers * spread * (barrier / access)) / limits.accesses / busy,
          launch: limits.dispatch + (work.workgroups * lanes * (workgroup / access)) / limits.accesses / busy,
          memory: 0,
        }
      : {
          accesses: work.accesses / limits.accesses / busy,
          arithmetic: work.operations / limits.operations / busy,
          memory: work.bytes / limits.bandwidth,
          loops: (work.turns / work.invocations) * latency * 1e-9,
          barriers: (work.barriers / work.invocations) * barrier * 1e-9,
          launch: limits.dispatch,
        };
  const all = Object.entries(parts) as [Bound, number][];
  const [bound, most] = all.reduce((best, next) => (next[1] > best[1] ? next : best));
  const seconds = isProcessor ? all.reduce((sum, [, s]) => sum + s, 0) : Math.max(most, limits.dispatch);
  return { seconds, bound };
}

/** The modelled seconds of a kernel where no device is measured. */
export function costFor(live: Readonly<Record<string, number>>, profile: Profile): (kernel: Kernel) => number {
  return (kernel) => {
    const [x, y, z] = kernel.workgroup;
    const { bothBranches, nominal } = prices[profile.name];
    return predict(countWork(kernel, { live, bothBranches }), x * y * z, nominal, profile).seconds;
  };
}
