/** What a compiled case runs on: a device, or the interpreter of kernels. */
import type { Call, Values } from "../../src/harness/runtime/engine.ts";
import type * as dims from "../../src/ir/dims.ts";
import type { Graph } from "../../src/ir/node.ts";
import type { Leaves } from "./leaves.ts";
import type { Variant } from "./variants.ts";

/** Outputs and stored values of one run, by name. */
export type Results = Readonly<Record<string, Values>>;

/** How far results may be from the formula: this much of a number or of 1, and so many times what rounding in f32 was seen to do. */
export interface Room {
  readonly floor: number;
  readonly spread: number;
  /** How many times rounding is tried. */
  readonly rounds: number;
}

/** What a device with numbers of 32 bits may do. */
export const ofF32: Room = { floor: 2e-5, spread: 6, rounds: 4 };

export interface Machine {
  /** Invocations that run in step, where that is one number. */
  readonly inStep: number | undefined;
  readonly room: Room;
  /** Runs a graph twice over (the second run starts from what the first committed) and gives the results of both; none where the variant says nothing of it. */
  readonly run: (graph: Graph, variant: Variant, capacity: dims.Bindings, call: Call) => Promise<readonly Results[]>;
  /** Which kernel of a variant differs from its formula, in words; where none does by itself, that. */
  readonly suspect: (graph: Graph, variant: Variant, capacity: dims.Bindings, leaves: Leaves) => Promise<string>;
}
