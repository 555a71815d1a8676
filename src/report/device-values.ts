/**
 * The value of every node of a graph as a device computes it. In: a graph, how to make device code of it, a call. Out: values by
 * node. What a device does not hold in memory (constants, views, scalars of the host) is evaluated from what it does.
 *
 *     const values = await deviceValues(graph, { device, lower, program, held, call });
 */
import { evaluateAll } from "../graph/eval-graph.ts";
import { topological } from "../graph/topological.ts";
import { rootsOf } from "../graph/walk.ts";
import { surroundingsOf } from "../harness/surroundings.ts";
import type { Call, Snapshot, Values } from "../harness/runtime/engine.ts";
import type { Program } from "../harness/runtime/program.ts";
import { sizeOf } from "../harness/runtime/sizes.ts";
import { traceEntry, type Traceable } from "../harness/trace-entry.ts";
import type { Schedule } from "../ir/kernel.ts";
import type { Graph, Node } from "../ir/node.ts";
import type { Tensor64 } from "../ops/op.ts";

/** Device code, and what its buffers hold. */
export interface Followed extends Traceable {
  readonly schedule: Schedule;
}

/** Where and with what it runs. */
export interface Following {
  readonly device: GPUDevice;
  /** Device code of a graph for these sizes, with these nodes in memory. */
  readonly lower: (graph: Graph, live: Call["live"], keep: ReadonlySet<Node>) => Followed;
  readonly program: Pick<Program, "store" | "inputs">;
  /** What parameters and states hold before the run. */
  readonly held: Snapshot;
  readonly call: Call;
}

/** All values; the graph's commits are left out. */
export async function deviceValues(graph: Graph, { device, lower, program, held, call }: Following): Promise<ReadonlyMap<Node, Tensor64>> {
  const nodes = topological(rootsOf(graph));
  const lowered = lower({ ...graph, commits: [] }, call.live, new Set(nodes.filter((n) => n.op !== "leaf" && n.op !== "loop")));
  const runs = await traceEntry({ device, lowered, store: program.store, held, call });
  const made = new Map<Node, Tensor64>();
  for (const run of runs) {
    for (const [buffer, values] of run) {
      const node = lowered.schedule.holds.get(buffer);
      if (node) made.set(node, tensorOf(node, values, call));
    }
  }
  const known = new Map<Node, Tensor64>();
  for (const node of nodes) {
    const value = made.get(lowered.schedule.became.get(node) as Node);
    if (value) known.set(node, value);
  }
  return evaluateAll(nodes, { ...surroundingsOf(program, (path) => held.get(path), call), known });
}

/** A device's numbers as the evaluator has them. */
export function tensorOf(node: Node, values: Values, call: Call): Tensor64 {
  return { shape: node.type.shape.map((d) => sizeOf(d, call.live)), data: Float64Array.from(values) };
}
