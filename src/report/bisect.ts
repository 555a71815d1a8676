/**
 * Which kernel computes something else than its formula. In: device code of an entry as it really runs, the values that it begins
 * with, a call. Out: the first dispatch whose results are not those of its nodes in f64, with the node, the element and the line.
 *
 *     const { suspect } = await bisect({ device, lowered, program, held, call });
 *     suspect?.kernel      // "contract_max"
 *
 * Each kernel is judged by itself: its nodes are evaluated from what the device computed before, so rounding does not add up and a
 * fault is not blamed on those who read it. What rounding may do inside one kernel is found by moving its operands a little.
 */
import { evaluateNodes, type Surroundings } from "../graph/eval-graph.ts";
import { topological } from "../graph/topological.ts";
import type { Call, Snapshot } from "../harness/runtime/engine.ts";
import type { Program } from "../harness/runtime/program.ts";
import { sizeOf } from "../harness/runtime/sizes.ts";
import { surroundingsOf } from "../harness/surroundings.ts";
import { traceEntry } from "../harness/trace-entry.ts";
import { partsOf } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import type { Tensor64 } from "../ops/op.ts";
import { indexAt } from "../ops/tensor64.ts";
import { type Followed, tensorOf } from "./device-values.ts";
import { randomNumbers } from "../support/random-numbers.ts";

/** What to run. */
export interface BisectOptions {
  readonly device: GPUDevice;
  readonly lowered: Followed;
  readonly program: Pick<Program, "store" | "inputs">;
  readonly held: Snapshot;
  readonly call: Call;
}

/** A kernel whose result is not what its nodes mean. */
export interface Suspect {
  readonly kernel: string;
  /** From 1. */
  readonly dispatch: number;
  readonly node: Node;
  readonly at: readonly number[];
  readonly found: number;
  readonly wanted: number;
  /** Elements of its result that differ, and all. */
  readonly differing: number;
  readonly elements: number;
}

/** What came of it. */
export interface Bisection {
  readonly suspect?: Suspect;
  /** Dispatches that were compared, the suspect's last. */
  readonly compared: number;
  /** All dispatches of the entry. */
  readonly dispatches: number;
  readonly elements: number;
  /** The largest difference, relative to the largest number of its tensor. */
  readonly worst: number;
  /** What the device made, by output. */
  readonly outputs: ReadonlyMap<string, Tensor64>;
}

/** Relative to the largest number of a tensor; to it comes what rounding of operands does. */
const tolerance = 1e-5;
/** How far operands are moved, relative: a few roundings. */
const nudge = 2 ** -21;
const rounds = 3;
const largest = 3.4028234663852886e38;

/** Runs the entry and compares, dispatch by dispatch. Throws what the engine throws. */
export async function bisect({ device, lowered, program, held, call }: BisectOptions): Promise<Bisection> {
  const { schedule, memory } = lowered;
  const runs = await traceEntry({ device, lowered, store: program.store, held, call });
  const around = surroundingsOf(program, (path) => held.get(path), call);
  const known = new Map<Node, Tensor64>();
  const outputs = new Map(schedule.outputs.flatMap(({ name, buffer }) => {
    const values = runs.findLast((run) => run.has(buffer))?.get(buffer);
    return values ? [[name, { shape: buffer.shape.map((d) => sizeOf(d, call.live)), data: Float64Array.from(values) }] as const] : [];
  }));
  let elements = 0;
  let worst = 0;
  for (const [at, run] of runs.entries()) {
    const { kernel } = memory.kernels[at] ?? {};
    // What one stage made is still there when the dispatch is over, so that each is judged by itself.
    for (const stage of kernel?.stages ?? [{ writes: run.keys() }]) {
      const writes = new Set([...stage.writes].flatMap(partsOf));
      const made = [...run].flatMap(([buffer, values]) => {
        const node = writes.has(buffer) ? schedule.holds.get(buffer) : undefined;
        return node ? [{ node, found: tensorOf(node, values, call) }] : [];
      });
      const nodes = [...new Set(made.map((m) => m.node))];
      const wanted = evaluateNodes(nodes, { ...around, known });
      const allowed = allowances(nodes, wanted, { ...around, known });
      for (const { node, found } of made) {
        const k = nodes.indexOf(node);
        const exact = wanted[k] as Tensor64;
        const { differing, relative } = differences(found, exact, allowed[k] as Float64Array);
        elements += found.data.length;
        worst = Math.max(worst, relative);
        const [first] = differing;
        if (first === undefined) continue;
        const suspect: Suspect = {
          kernel: kernel?.name ?? "", dispatch: at + 1, node, at: indexAt(first, found.shape),
          found: found.data[first] ?? Number.NaN, wanted: exact.data[first] ?? Number.NaN, differing: differing.length, elements: found.data.length,
        };
        return { suspect, compared: at + 1, dispatches: runs.length, elements, worst, outputs };
      }
      for (const { node, found } of made) known.set(node, found);
    }
  }
  return { compared: runs.length, dispatches: runs.length, elements, worst, outputs };
}

/** Elements that are further off than they may be; the largest difference of all, relative to the tensor. */
function differences(found: Tensor64, exact: Tensor64, allowed: Float64Array): { readonly differing: readonly number[]; readonly relative: number } {
  const scale = scaleOf(exact);
  const differing: number[] = [];
  let relative = 0;
  exact.data.forEach((e, i) => {
    const f = found.data[i] ?? Number.NaN;
    // What is beyond f32 has no value there; a device may end at the largest number, or at an infinity.
    if (!(Math.abs(e) < largest)) return;
    const off = Math.abs(f - e);
    if (!(off <= (allowed[i] ?? 0))) differing.push(i);
    else if (Number.isFinite(allowed[i])) relative = Math.max(relative, off / scale);
  });
  return { differing, relative };
}

/** How far each element may be off: by the tolerance, and by what comes of moving operands; any way where that decides a choice. */
function allowances(nodes: readonly Node[], wanted: readonly Tensor64[], around: Surroundings & { readonly known: ReadonlyMap<Node, Tensor64> }): readonly Float64Array[] {
  const { known } = around;
  const order = topological(nodes, known);
  // What the kernel reads: results of others, and leaves.
  const read = [...new Set([...order.filter((n) => n.op === "leaf"), ...order.flatMap((n) => n.inputs.filter((x) => known.has(x)))])].filter((n) => n.type.dtype === "f32");
  const values = evaluateNodes(read, around);
  const spread = wanted.map((t) => new Float64Array(t.data.length));
  for (let seed = 1; seed <= rounds; seed++) {
    const next = randomNumbers(seed);
    const nudged = new Map(known);
    read.forEach((n, k) => {
      const t = values[k] as Tensor64;
      nudged.set(n, { shape: t.shape, data: t.data.map((v) => v * (1 + nudge * next())) });
    });
    evaluateNodes(nodes, { ...around, known: nudged }).forEach((t, k) => {
      const [wide, exact] = [spread[k] as Float64Array, wanted[k] as Tensor64];
      t.data.forEach((v, i) => {
        const by = Math.abs(v - (exact.data[i] ?? 0));
        wide[i] = by >= 0 ? Math.max(wide[i] ?? 0, by) : Number.POSITIVE_INFINITY;
      });
    });
  }
  return spread.map((wide, k) => {
    const scale = scaleOf(wanted[k] as Tensor64);
    const real = nodes[k]?.type.dtype === "f32";
    return wide.map((by) => (real ? tolerance * scale + 16 * by : by === 0 ? 0 : Number.POSITIVE_INFINITY));
  });
}

function scaleOf({ data }: Tensor64): number {
  return data.reduce((m, v) => (Math.abs(v) < largest ? Math.max(m, Math.abs(v)) : m), 1e-30);
}
