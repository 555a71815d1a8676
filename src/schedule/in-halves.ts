/**
 * Keeps what the forward pass leaves for the gradient in 16 bits a number, where a user asks for it. Comes in: a schedule and the graph that it
 * was made of. Goes out: the schedule with other buffers; what its nests compute with stays f32.
 *
 *     h = gelu(x W + b)      f32 in registers, f16 in memory; whoever reads h gets f32 back, rounded to 11 bits
 *
 * Gradients stay f32: most of theirs are too small for the range of f16. So do the results of sums over many values (statistics, parts of
 * long sums) and whatever is small beside the rest, since it costs nothing; parameters, states and results are as they were.
 */
import { topological } from "../graph/topological.ts";
import type { Buffer, Nest, Schedule, Stmt } from "../ir/kernel.ts";
import type { Graph } from "../ir/node.ts";

/** A value with fewer elements than this part of the largest one stays as it is: what is left of a row, say. */
const smallest = 1 / 16;

/** The schedule with the largest values of the forward pass in halves. */
export function inHalves(schedule: Schedule, graph: Graph): Schedule {
  const forward = topological(graph.outputs.filter((o) => o.kind === "loss").map((o) => o.node));
  const values = new Set(forward.flatMap((node) => schedule.became.get(node) ?? []).filter((node) => node.op !== "reduce" && node.type.dtype === "f32"));
  const arenas = new Set(schedule.buffers.flatMap((b) => b.parts?.map((p) => p.buffer) ?? []));
  const kept = [...schedule.holds].flatMap(([b, node]) => (b.place === "temp" && !b.parts && !arenas.has(b) && values.has(node) ? [b] : []));
  const largest = Math.max(0, ...kept.map((b) => b.elements));
  const by = new Map(kept.filter((b) => b.elements > largest * smallest).map((b): [Buffer, Buffer] => [b, { ...b, half: true }]));
  const to = (b: Buffer): Buffer => by.get(b) ?? b;
  const block = (body: readonly Stmt[]): readonly Stmt[] => body.map((s) => (s.kind === "fold" || s.kind === "each" ? { ...s, body: block(s.body) } : "buffer" in s ? { ...s, buffer: to(s.buffer) } : s));
  return {
    ...schedule,
    nests: schedule.nests.map((nest): Nest => ({ ...nest, body: block(nest.body) })),
    buffers: schedule.buffers.map(to),
    holds: new Map([...schedule.holds].map(([b, node]) => [to(b), node])),
  };
}
