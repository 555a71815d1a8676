/**
 * Groups of neighbouring nests that do not depend on each other, in the schedule's order: what kernels may merge into
 * one dispatch.
 *
 *     [store a] [store b] [load a, store c]    ->    [[0, 1], [2]]
 */
import type { Buffer, Nest, Schedule } from "../ir/kernel.ts";
import { loads, stores } from "./order.ts";

export function independentRuns(schedule: Pick<Schedule, "nests">): readonly (readonly Nest[])[] {
  const runs: Nest[][] = [];
  let read = new Set<Buffer>();
  let written = new Set<Buffer>();
  for (const nest of schedule.nests) {
    const reads = loads(nest).map((l) => l.buffer);
    const writes = stores(nest).map((s) => s.buffer);
    const free = !reads.some((b) => written.has(b)) && !writes.some((b) => written.has(b) || read.has(b));
    const run = runs.at(-1);
    if (free && run) run.push(nest);
    else {
      runs.push([nest]);
      read = new Set();
      written = new Set();
    }
    for (const b of reads) read.add(b);
    for (const b of writes) written.add(b);
  }
  return runs;
}
