/**
 * How long a kernel should take, and what holds it up. Comes in: what it does (count-work.ts), what the device can do, the device
 * class. Goes out: seconds, and the limit that most of them go to.
 *
 *     3e6 accesses, 2e6 operations, on a processor with 0.5 G accesses a second:   6 ms, bound by accesses
 *
 * A processor that plays GPU does one thing after the other, so times add up. A GPU does them at once, so the longest counts.
 */
import type { Kernel, Profile } from "../src/ir/kernel.ts";
import { countWork, type Work } from "./count-work.ts";

/** What a device can do, all of it together. */
export interface DeviceLimits {
  /** Loads and stores of elements that lie in a cache, a second. */
  readonly accesses: number;
  /** Additions and multiplications on f32, a second. */
  readonly operations: number;
  /** Bytes read and written by a copy, a second. */
  readonly bandwidth: number;
  /** Seconds of one dispatch among many. */
  readonly dispatch: number;
  /** Workgroups that the whole device needs to be busy. */
  readonly parallel: number;
}

/** Devices to compare kernels by where none is measured: SwiftShader on two cores, and a GPU of the middle class. */
export const nominalLimits: Readonly<Record<Profile["name"], DeviceLimits>> = {
  software: { accesses: 0.5e9, operations: 20e9, bandwidth: 7e9, dispatch: 12e-6, parallel: 2 },
  gpu: { accesses: 1e12, operations: 10e12, bandwidth: 400e9, dispatch: 5e-6, parallel: 160 },
};

/** What most of a kernel's time goes to. */
export type Bound = "accesses" | "arithmetic" | "memory" | "loops" | "barriers" | "launch";

export interface Prediction {
  readonly seconds: number;
  readonly bound: Bound;
}

/** Invocations that a processor takes at once. */
const lanes = 4;
/** On a processor, in the time of an access of one lane: a turn of a loop, the start of a workgroup, an invocation at a barrier. */
const software = { turn: 0.17, workgroup: 130, barrier: 55 } as const;

/** The modelled time of one dispatch. */
export function predict(work: Work, width: number, limits: DeviceLimits, profile: Profile): Prediction {
  // One workgroup runs on one core, and lanes that stay empty cost what full ones do.
  const busy = Math.min(1, work.workgroups / limits.parallel);
  const spread = profile.name === "software" ? (Math.ceil(width / lanes) * lanes) / width : 1;
  const parts: Record<Bound, number> =
    profile.name === "software"
      ? {
          accesses: ((work.accesses + work.shared) * spread) / limits.accesses / busy,
          arithmetic: (work.operations * spread) / limits.operations / busy,
          loops: (work.turns * spread * software.turn) / limits.accesses / busy,
          barriers: (work.barriers * spread * software.barrier) / limits.accesses / busy,
          launch: limits.dispatch + (work.workgroups * software.workgroup) / limits.accesses / busy,
          memory: 0,
        }
      : {
          accesses: work.accesses / limits.accesses / busy,
          arithmetic: work.operations / limits.operations / busy,
          memory: work.bytes / limits.bandwidth,
          loops: 0,
          barriers: 0,
          launch: limits.dispatch,
        };
  const all = Object.entries(parts) as [Bound, number][];
  const [bound, most] = all.reduce((best, next) => (next[1] > best[1] ? next : best));
  const seconds = profile.name === "software" ? all.reduce((sum, [, s]) => sum + s, 0) : Math.max(most, limits.dispatch);
  return { seconds, bound };
}

/** The modelled seconds of a kernel where no device is measured. */
export function costFor(live: Readonly<Record<string, number>>, profile: Profile): (kernel: Kernel) => number {
  return (kernel) => {
    const [x, y, z] = kernel.workgroup;
    return predict(countWork(kernel, { live, bothBranches: profile.name === "software" }), x * y * z, nominalLimits[profile.name], profile).seconds;
  };
}
