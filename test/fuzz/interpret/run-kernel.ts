/**
 * Runs the workgroups of one dispatch on the processor. Workgroups and invocations go one after the other, forwards or backwards; where
 * invocations wait, four in step go up to the next barrier or exchange of values, which all have to come to.
 *
 *     const run = runnable(kernel)        // once for a kernel
 *     run(memory, params, [4, 1, 1], "backwards")
 */
import type { Kernel } from "../../../src/ir/kernel.ts";
import { arithmetic } from "./arithmetic.ts";
import type { Memory } from "./memory.ts";
import { printKernel } from "./print-kernel.ts";

export type Order = "forwards" | "backwards";

/** Runs a grid of workgroups over a memory in which the dispatch has begun. */
export type Run = (memory: Memory, params: readonly number[], grid: readonly [number, number, number], order: Order) => void;

/** Invocations that run in step, as on the software adapter. */
export const inStep = 4;

type Lane = Generator<string, void, undefined>;
type Invocation = (wx: number, wy: number, wz: number, lane: number, p: readonly number[]) => Lane | undefined;
export type Make = (M: typeof arithmetic, E: Memory, L: Exchange) => Invocation;

/** A kernel as something to run; its text is compiled once for all that share it. */
export function runnable(kernel: Kernel, known: Map<string, Make>): Run {
  const { text, waits } = printKernel(kernel);
  const make = known.get(text) ?? (new Function("M", "E", "L", text) as Make);
  known.set(text, make);
  const [width, ...others] = kernel.workgroup;
  if (others.some((n) => n !== 1)) throw new Error(`${kernel.name}: a workgroup that is no line`);
  const arrays = kernel.body.flatMap((s) => (s.kind === "shared" ? [{ name: s.name, elements: s.elements * (s.fours ? 4 : 1) }] : []));
  return (memory, params, [gx, gy, gz], order) => {
    const invoke = make(arithmetic, memory, new Exchange());
    const count = gx * gy * gz;
    for (let k = 0; k < count; k++) {
      const w = order === "forwards" ? k : count - 1 - k;
      const [wx, wy, wz] = [w % gx, Math.floor(w / gx) % gy, Math.floor(w / (gx * gy))];
      memory.workgroup(arrays);
      if (waits) {
        const lanes = Array.from({ length: width }, (_, lane) => invoke(wx, wy, wz, lane, params) as Lane);
        together(kernel.name, memory, lanes, order);
        continue;
      }
      for (let l = 0; l < width; l++) {
        const lane = order === "forwards" ? l : width - 1 - l;
        memory.invocation = lane;
        invoke(wx, wy, wz, lane, params);
      }
    }
  };
}

/** Runs the lanes of a workgroup from barrier to barrier. */
function together(name: string, memory: Memory, lanes: readonly Lane[], order: Order): void {
  const quads = Array.from({ length: Math.ceil(lanes.length / inStep) }, (_, q) => q * inStep);
  if (order === "backwards") quads.reverse();
  for (;;) {
    const places = new Set(quads.map((first) => inStepUntilBarrier(name, memory, lanes, first)));
    const [place = "end"] = places;
    if (places.size > 1) throw new Error(`${name}: invocations of a workgroup wait at ${[...places].join(" and ")}`);
    if (place === "end") return;
    memory.barrier(place.startsWith("storage") ? "storage" : "workgroup");
  }
}

/** Where four lanes stop: at a barrier, or at their end. */
function inStepUntilBarrier(name: string, memory: Memory, lanes: readonly Lane[], first: number): string {
  for (;;) {
    const places = new Set<string>();
    for (let lane = first; lane < Math.min(first + inStep, lanes.length); lane++) {
      memory.invocation = lane;
      const next = (lanes[lane] as Lane).next();
      places.add(next.done ? "end" : next.value);
    }
    const [place = "end"] = places;
    if (places.size > 1) throw new Error(`${name}: invocations in step are at ${[...places].join(" and ")}`);
    if (!place.startsWith("lanes")) return place;
  }
}

/** What lanes in step tell each other. */
class Exchange {
  private readonly given: number[] = [];

  /** The value of the lane whose number differs in these bits. Nobody gives the next value before all have taken this one. */
  *swap(lane: number, value: number, bits: number, place: string): Generator<string, number, undefined> {
    this.given[lane] = value;
    yield place;
    const found = this.given[lane ^ bits] as number;
    yield place;
    return found;
  }

  /** The values of all of them, joined. */
  *joined(op: string, lane: number, value: number, place: string): Generator<string, number, undefined> {
    this.given[lane] = value;
    yield place;
    const first = lane - (lane % inStep);
    const found = this.given.slice(first, first + inStep).reduce((x, y) => joins[op]?.(x, y) ?? Number.NaN);
    yield place;
    return found;
  }
}

const joins: Readonly<Record<string, (x: number, y: number) => number>> = {
  subgroup_add: (x, y) => x + y, subgroup_mul: (x, y) => x * y, subgroup_max: Math.max, subgroup_any: (x, y) => x | y, subgroup_all: (x, y) => x & y,
};
