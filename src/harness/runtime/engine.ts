/**
 * What runs entries of a program over one persistent store: a WebGPU device, or the f64 evaluator. Sessions,
 * training and bundles speak to this interface alone.
 */
import type { StepScalars } from "./host.ts";
import type { EntryPlan } from "./program.ts";
import type { Live } from "./sizes.ts";

/** Numbers of one tensor, row-major; bool as 0 or 1. */
export type Values = Float32Array | Float64Array | Int32Array | Uint32Array;

/** One run of one entry. */
export interface Call {
  readonly live: Live;
  readonly inputs: Readonly<Record<string, Values>>;
  readonly scalars: StepScalars;
  readonly seed: number;
  /** The counter of random draws: the number of the update. */
  readonly step: number;
  /** Number of the first example of this batch in its logical batch. */
  readonly example: number;
}

/** One result: its kind (`loss`, `metric`, `output`, …), live shape and numbers. */
export interface OutputValue {
  readonly kind: string;
  readonly shape: readonly number[];
  readonly data: Values;
}

/** Results by name. */
export type Outputs = Readonly<Record<string, OutputValue>>;

/** A queued run: its outputs come when asked for. */
export interface Outcome {
  read(): Promise<Outputs>;
}

/** A program's entries, ready to run. */
export interface Engine {
  /** `webgpu` or `f64`. */
  readonly backend: string;
  /** Queues a run; resolves when it is queued, which waits only while too many are in flight. */
  run(entry: string, call: Call): Promise<Outcome>;
  /** Begins to make what a run of these sizes will need, while other things go on. A failure is kept for that run. */
  prepare(entry: string, live: Live): void;
  /** The content of a parameter or state. */
  read(path: string): Promise<Values>;
  write(path: string, data: ArrayLike<number>): void;
  /** Copies of all parameters and states, to go back to. */
  snapshot(): Promise<Snapshot>;
  restore(snapshot: Snapshot): void;
  close(): void;
}

/** Parameters and states by path. */
export type Snapshot = ReadonlyMap<string, Values>;

/** A failure of the device or of our own code on it, with what was being done. */
export class EngineError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "EngineError";
    this.code = code;
  }
}

/** Throws an EngineError E0603 unless the plan can run these sizes. */
export function checkCapacity(plan: EntryPlan, live: Live): void {
  for (const [symbol, most] of Object.entries(plan.capacity)) {
    const size = live[symbol];
    if (size === undefined) throw new EngineError("E0603", `entry ${plan.name}: the size ${symbol} is not given`);
    if (!Number.isInteger(size) || size < 1 || size > most)
      throw new EngineError("E0603", `entry ${plan.name}: ${symbol} = ${size} is outside 1..${most}`);
  }
}
