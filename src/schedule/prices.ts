/**
 * What things cost on each class of devices: the one table by which the schedule, the kernels and the profile decide and predict. A threshold
 * that follows from prices is computed from them where it is needed.
 *
 *     software   nanoseconds of one core for four invocations in step, as measured: docs/notes/kernels.md ("Prices"), docs/performance.md
 *     gpu        half the time that a group of 32 lanes takes for a multiplication; guesses from how such devices are built, none was measured
 *
 *     an access on a processor that plays GPU: 15 ns, so tanh(a + b) is rather computed twice (2 · 51) than stored and read (51 + 15 + 30)
 */
import type { Profile } from "../ir/kernel.ts";
import type { OpName } from "../ir/node.ts";
import type { ScalarOp } from "../ir/scalar.ts";

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

/** What a class of devices takes, for the invocations that run in step where nothing else is said. */
export interface Prices {
  /** Invocations that run in step, and how many such groups run at a time. */
  readonly lanes: number;
  readonly groups: number;
  /** Invocations go through the statements of both branches of a condition, one of them switched off. */
  readonly bothBranches: boolean;

  /** One element of a buffer, read or written, with the checks of its place. */
  readonly access: number;
  /** An addition, multiplication, comparison or choice of any type. */
  readonly operation: number;
  /** The larger of two f32, either of which may be NaN. */
  readonly max: number;
  /** A multiplication and an addition to an accumulator, and fetching and putting back the accumulator, once for all turns that are written together. */
  readonly cell: readonly [alone: number, putBack: number];
  /** A cheap instruction with what the driver puts around it, and one statement that is no access, when all lanes are switched off. */
  readonly instruction: number;
  readonly statement: number;

  /** Entering a loop within another, for each accumulator that is alive in it: it is moved there and back. */
  readonly entry: number;
  /** A turn of a loop, beginning an invocation, beginning a workgroup, a barrier, a dispatch among many. */
  readonly turn: number;
  readonly start: number;
  readonly workgroup: number;
  readonly barrier: number;
  readonly dispatch: number;
  /** Until lanes of a workgroup that have met read what the others stored; until a turn of a loop has its numbers from far, where nothing else is done meanwhile. */
  readonly flush: number;
  readonly latency: number;

  /** Where products may go through workgroup memory. */
  readonly blocks?: {
    /** An element from far that its neighbours share a line of memory with, and one that they do not. */
    readonly near: number;
    readonly apart: number;
    /** Four numbers of workgroup memory, for each lane: where lanes stand in squares (kernels/lane-grid.ts), and in lines. */
    readonly four: number;
    readonly fourInLine: number;
    /** Groups of lanes that one of a device's processors runs at a time. */
    readonly together: number;
    /** Registers of a processor, for each lane of a group, and those that an invocation has beside its sums. */
    readonly sums: number;
    readonly besideSums: number;
  };

  /**
   * Building the pipeline, per access statement and per operation of the text: alone, and for each accumulator that stays alive
   * meanwhile (register allocation). Spread over the runs expected of a kernel.
   */
  readonly buildAccess: readonly [alone: number, perCell: number];
  readonly buildOperation: readonly [alone: number, perCell: number];
  /** Access statements and operations of one kernel's text, and accumulators. */
  readonly mostAccesses: number;
  readonly mostOperations: number;
  readonly mostCells: number;

  /** Devices to compare kernels by where none is measured: SwiftShader on two cores, and a GPU of the middle class. */
  readonly nominal: DeviceLimits;
}

/** The table. */
export const prices: Readonly<Record<Profile["name"], Prices>> = {
  software: {
    lanes: 4, groups: 2, bothBranches: true,
    access: 15, operation: 0.5, max: 4.5, cell: [0.55, 2.2], instruction: 1, statement: 1.5,
    entry: 20, turn: 3, start: 60, workgroup: 487.5, barrier: 825, dispatch: 12_000, flush: 1_000, latency: 0,
    buildAccess: [500e3, 12e3], buildOperation: [40e3, 400], mostAccesses: 200, mostOperations: 2500, mostCells: 128,
    nominal: { accesses: 0.5e9, operations: 20e9, bandwidth: 7e9, dispatch: 20e-6, parallel: 2 },
  },
  gpu: {
    lanes: 32, groups: 512, bothBranches: false,
    access: 4, operation: 0.5, max: 0.5, cell: [0.5, 0], instruction: 0.5, statement: 0.5,
    entry: 0, turn: 1, start: 50, workgroup: 50, barrier: 40, dispatch: 5_000, flush: 1_000, latency: 400,
    blocks: { near: 8, apart: 32, four: 4, fourInLine: 6, together: 4, sums: 2048, besideSums: 64 },
    buildAccess: [10e3, 0], buildOperation: [2e3, 0], mostAccesses: 400, mostOperations: 6000, mostCells: 64,
    nominal: { accesses: 1e12, operations: 10e12, bandwidth: 400e9, dispatch: 5e-6, parallel: 160 },
  },
};

/** What is counted alike for both classes. */
export const ratios = {
  /** In accesses: four neighbours at once; a value that is put into an array of the invocation's own and read from it again. */
  wide: 2.5,
  ofArray: 0.7,
  /** In operations: an integer division or remainder; a value taken from another invocation in step. */
  division: 20,
  swap: 1,
  /** Runs that building a kernel is spread over. By the model, steps are then within a hundredth of the fastest. */
  runs: 500,
  /** Operations after a sum that are too many to write once per cell. */
  longFinish: 500,
} as const;

/** What a prediction counts an operation as, in additions; 1 where nothing is said. Functions count by their formulas. */
export const operationWeights: Partial<Readonly<Record<ScalarOp, number>>> = { div: 3, mod: 3, sqrt: 4, floor: 2 };

/** What the schedule counts an element of a node as, in cheap instructions, its operands at hand; 1 where nothing is said. */
export const nodeWeights: Partial<Readonly<Record<OpName, number>>> = {
  const: 0, size: 0, leaf: 0, stop: 0, mark: 0, cast: 1, view: 0, reshape: 2, concat: 3, gather: 2,
  div: 3, sqrt: 4, floordiv: 3, mod: 4, finite: 2, exp: 10, log: 10, log1p: 14, expm1: 14, sigmoid: 14, sin: 16, cos: 16,
  tanh: 20, erf: 24, pow: 20, random: 40,
};

/** Multiplications with two accesses each that take as long as a dispatch: fewer are not worth one of their own. */
export function productsOfADispatch({ dispatch, access, lanes, groups }: Prices): number {
  return (dispatch * lanes * groups) / (2 * access);
}
