/**
 * Lets small independent kernels share one dispatch. Comes in: bound kernels in order. Goes out: fewer kernels, each of which
 * gives ranges of its workgroups to the bodies of several.
 *
 *     sgd W (4 workgroups), sgd b (1)     ->     workgroups 0..3 update W, workgroup 4 updates b
 *
 * Two kernels may share a dispatch when neither writes what the other reads or writes. A kernel joins the next one or, when all
 * it writes outlives the entry (an update, an output) or it reads little (sums for a bias), a later one, as long as it depends on nothing
 * on the way and nothing there on it. A dispatch costs as much as several thousand multiplications; a model has dozens of updates.
 *
 * A processor that plays GPU takes every branch, with all lanes switched off where the condition is false: there each workgroup
 * pays for every body once, and kernels share a dispatch only where that costs less than the dispatch.
 */
import type { Buffer, KernelStmt, Kernel, ParamSlot, Profile, Schedule } from "../src/ir/kernel.ts";
import { builtin, partsOf } from "../src/ir/kernel.ts";
import { print } from "../src/ir/dims.ts";
import { op, ref } from "../src/ir/scalar.ts";
import { type Prices, prices } from "../src/schedule/prices.ts";
import { below, both, int, minus } from "./arithmetic.ts";
import { touched } from "./bound-kernel.ts";
import type { BoundKernel } from "./bound-kernel.ts";
import { workgroupX } from "./launch.ts";
import { lastValue, measure, renumber } from "./renumber.ts";

/** What one dispatch may come to. */
const most = { accesses: 160, statements: 1600, members: 32 } as const;
/** How many dispatches ahead an update may wait. */
const farthest = 64;
/** What a kernel whose results the entry itself reads may keep in memory by waiting. */
const mostWaiting = 1024 * 1024;
/** Invocations of a workgroup that several kernels share. */
const widest = 64;
/** Kernels with more buffers than a stage may bind reach them through one binding a slab, which must hold them all. */
const mostSlabBytes = 64 * 1024 * 1024;

interface Group {
  readonly members: BoundKernel[];
  readonly reads: Set<Buffer>;
  readonly writes: Set<Buffer>;
  accesses: number;
  statements: number;
}

/** The same work in fewer dispatches, in an order that keeps all dependences. */
export function horizontal(kernels: readonly BoundKernel[], schedule: Pick<Schedule, "buffers">, profile: Profile): readonly Kernel[] {
  const mostBuffers = largestSlab(schedule.buffers) <= mostSlabBytes ? Infinity : profile.storageBuffers;
  // From the last kernel to the first, so that each finds those after it settled.
  const groups: Group[] = [];
  for (const kernel of kernels.toReversed()) {
    const host = hostFor(kernel, groups, mostBuffers, profile);
    if (host) join(host, kernel);
    else {
      const group: Group = { members: [], reads: new Set(), writes: new Set(), accesses: 0, statements: 0 };
      join(group, kernel);
      groups.push(group);
    }
  }
  return groups.toReversed().map(({ members }) => merge(members.toReversed()));
}

/** Bytes of the largest of the slabs that buffers fall into. */
function largestSlab(buffers: readonly Buffer[]): number {
  const bytes = new Map<string, number>();
  for (const b of buffers) {
    const slab = b.place === "param" || b.place === "state" ? "store" : b.place;
    bytes.set(slab, (bytes.get(slab) ?? 0) + 4 * b.elements + 256);
  }
  return Math.max(0, ...bytes.values());
}

/** The first group from the front (the last of the list) that the kernel may join without passing one it conflicts with. */
function hostFor(kernel: BoundKernel, groups: readonly Group[], mostBuffers: number, profile: Profile): Group | undefined {
  if (!kernel.rebind) return undefined;
  const mayWait = [...kernel.writes].every((b) => b.place !== "temp") || waiting(kernel) <= mostWaiting;
  const size = measure(kernel.body);
  const price = prices[profile.name];
  for (let ahead = 1; ahead <= (mayWait ? farthest : 1); ahead++) {
    const group = groups.at(-ahead);
    if (!group || conflicts(kernel, group)) return undefined;
    const fits =
      group.members.every((m) => m.rebind) &&
      (!price.bothBranches || lost(kernel, group, price) < price.dispatch) &&
      group.members.length < most.members &&
      group.accesses + size.accesses <= most.accesses &&
      group.statements + size.statements <= most.statements &&
      new Set([...group.reads, ...group.writes, ...kernel.buffers]).size <= mostBuffers &&
      [kernel, ...group.members].reduce((sum, m) => sum + workgroupsAt(m, widest), 0) <= profile.workgroupsPerDimension;
    if (fits) return group;
  }
  return undefined;
}

/** Bytes that live longer when a kernel waits: temps that it reads. */
function waiting(kernel: Kernel): number {
  return [...kernel.reads].reduce((bytes, b) => bytes + (b.place === "temp" ? 4 * b.elements : 0), 0);
}

/** Workgroups of a kernel at capacity if each had `width` invocations. */
function workgroupsAt(kernel: BoundKernel, width: number): number {
  return Math.ceil((kernel.workgroups * kernel.workgroup[0]) / Math.min(width, kernel.workgroup[0]));
}

/** What a processor loses, in nanoseconds, when a kernel joins: the workgroups of each go through the bodies of the others. */
function lost(kernel: BoundKernel, group: Group, price: Prices): number {
  const width = Math.min(widest, Math.max(...[kernel, ...group.members].map((m) => m.workgroup[0])));
  const workgroups = (m: BoundKernel): number => Math.ceil((m.workgroups * m.workgroup[0]) / width);
  const weight = (size: { readonly accesses: number; readonly statements: number }): number => price.access * size.accesses + price.statement * size.statements;
  const theirs = group.members.reduce((sum, m) => sum + workgroups(m), 0);
  return ((theirs * weight(measure(kernel.body)) + workgroups(kernel) * weight(group)) * (width / price.lanes)) / price.groups;
}

/** One writes what the other touches, or one works on an arena and the other on a part of it. */
function conflicts(kernel: Kernel, group: Group): boolean {
  const touches = (writes: Iterable<Buffer>, reads: ReadonlySet<Buffer>, others: ReadonlySet<Buffer>): boolean =>
    [...writes].some((b) => reads.has(b) || others.has(b));
  const parts = (buffers: Iterable<Buffer>): readonly Buffer[] => [...buffers].flatMap((b) => (b.parts ? partsOf(b) : []));
  const own = new Set(kernel.buffers);
  const theirs = [...group.reads, ...group.writes];
  if (parts(own).some((b) => group.reads.has(b) || group.writes.has(b)) || parts(theirs).some((b) => own.has(b))) return true;
  return touches(kernel.writes, group.reads, group.writes) || touches(group.writes, kernel.reads, kernel.writes);
}

function join(group: Group, kernel: BoundKernel): void {
  const size = measure(kernel.body);
  group.members.push(kernel);
  group.accesses += size.accesses;
  group.statements += size.statements;
  for (const b of kernel.reads) group.reads.add(b);
  for (const b of kernel.writes) group.writes.add(b);
}

function merge(members: readonly BoundKernel[]): Kernel {
  const [first] = members;
  if (members.length === 1 && first) return first;
  const width = Math.min(widest, Math.max(...members.map((m) => m.workgroup[0])));
  const bound = members.map((m) => (m.workgroup[0] === width ? m : (m.rebind?.(width) ?? m)));
  const params: ParamSlot[] = [];
  const body: KernelStmt[] = [];
  let offset = 0;
  let start = 0;
  bound.forEach((kernel, at) => {
    const end = start + kernel.workgroups;
    const own: KernelStmt[] = [];
    const position = start === 0 ? workgroupX : ref(offset, "i32");
    if (start > 0) own.push({ kind: "let", id: offset++, value: minus(workgroupX, int(start)) });
    const slots = kernel.params.map((p) => slotFor(params, p));
    own.push(...renumber(kernel.body, { offset, builtins: new Map([[builtin.workgroupX, position]]), slot: (k) => slots[k] ?? k }));
    offset += lastValue(kernel.body) + 1;
    const from = start > 0 ? op(">=", "bool", [workgroupX, int(start)]) : undefined;
    const upto = at < bound.length - 1 ? below(workgroupX, int(end)) : undefined;
    const condition = from && upto ? both(from, upto) : (from ?? upto);
    if (condition) body.push({ kind: "if", condition, body: own });
    start = end;
  });
  const names = [...new Set(bound.map((k) => k.name))];
  return {
    name: names.length === 1 ? `${names[0]}_x${bound.length}` : names.slice(0, 3).join("_and_") + (names.length > 3 ? "_and_more" : ""),
    family: `horizontal ${bound.length}`,
    workgroup: [width, 1, 1],
    grid: [{ size: start, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }],
    ...touched(body), params, body, nests: bound.flatMap((k) => k.nests),
  };
}

/** The slot of an equal parameter, or a further one. Offsets that happen to be equal are two: elsewhere in kernels of the same text they are not. */
function slotFor(params: ParamSlot[], slot: ParamSlot): number {
  const same = slot.source.kind === "offset" ? -1 : params.findIndex((p) => p.dtype === slot.dtype && keyOf(p) === keyOf(slot));
  return same >= 0 ? same : params.push(slot) - 1;
}

function keyOf({ source }: ParamSlot): string {
  switch (source.kind) {
    case "size":
      return `size ${print(source.dim)}`;
    case "constant":
      return `constant ${Object.is(source.value, -0) ? "-0" : source.value}`;
    case "offset":
      return `offset ${source.value}`;
    case "host":
      return `host ${source.index}`;
    case "word":
      return source.word;
    case "base":
      return `base ${source.buffer.id}`;
  }
}
