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
import { exchangeBuffers } from "./exchange-buffers.ts";
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
export const mostSlabBytes = 64 * 1024 * 1024;

interface Group {
  readonly members: BoundKernel[];
  readonly reads: Set<Buffer>;
  readonly writes: Set<Buffer>;
  /** What arenas among those are made of, each with its arena. */
  readonly parts: Map<Buffer, Buffer>;
  accesses: number;
  statements: number;
}

/** The same work in fewer dispatches, in an order that keeps all dependences. */
export function horizontal(kernels: readonly BoundKernel[], schedule: Pick<Schedule, "buffers">, profile: Profile): readonly Kernel[] {
  const mostBuffers = largestSlab(schedule.buffers) <= mostSlabBytes ? Infinity : profile.storageBuffers;
  // From the last kernel to the first, so that each finds those after it settled.
  const groups: Group[] = [];
  const sizeOf = sizes();
  for (const kernel of kernels.toReversed()) {
    const size = sizeOf(kernel);
    const host = hostFor(kernel, size, groups, { mostBuffers, profile, sizeOf });
    if (host) join(host, kernel, size);
    else {
      const group: Group = { members: [], reads: new Set(), writes: new Set(), parts: new Map(), accesses: 0, statements: 0 };
      join(group, kernel, size);
      groups.push(group);
    }
  }
  const merges = new Merges();
  return groups.toReversed().map(({ members }) => merges.of(members.toReversed()));
}

type Size = ReturnType<typeof measure>;

/** Sizes of kernels; those that are equal but for their buffers are measured once. */
function sizes(): (kernel: Kernel) => Size {
  const known = new Map<object, Size>();
  return (kernel) => {
    const by = kernel.alike ?? kernel;
    const size = known.get(by) ?? measure(kernel.body);
    known.set(by, size);
    return size;
  };
}

/** Bytes of the largest of the slabs that buffers fall into. */
export function largestSlab(buffers: readonly Buffer[]): number {
  const bytes = new Map<string, number>();
  for (const b of buffers) {
    const slab = b.place === "param" || b.place === "state" ? "store" : b.place;
    bytes.set(slab, (bytes.get(slab) ?? 0) + 4 * b.elements + 256);
  }
  return Math.max(0, ...bytes.values());
}

interface Sharing {
  readonly mostBuffers: number;
  readonly profile: Profile;
  readonly sizeOf: (kernel: Kernel) => Size;
}

/** The first group from the front (the last of the list) that the kernel may join without passing one it conflicts with. */
function hostFor(kernel: BoundKernel, size: Size, groups: readonly Group[], { mostBuffers, profile, sizeOf }: Sharing): Group | undefined {
  if (!kernel.rebind) return undefined;
  const mayWait = [...kernel.writes].every((b) => b.place !== "temp") || waiting(kernel) <= mostWaiting;
  const parts = partsIn(kernel.buffers);
  const price = prices[profile.name];
  for (let ahead = 1; ahead <= (mayWait ? farthest : 1); ahead++) {
    const group = groups.at(-ahead);
    if (!group || conflicts(kernel, parts, group)) return undefined;
    const fits =
      group.members.length < most.members &&
      group.accesses + size.accesses <= most.accesses &&
      group.statements + size.statements <= most.statements &&
      group.members.every((m) => m.rebind) &&
      (!price.bothBranches || lost(kernel, group, price, sizeOf) < price.dispatch) &&
      buffersFit(new Set([...group.reads, ...group.writes, ...kernel.buffers]), mostBuffers, profile) &&
      [kernel, ...group.members].reduce((sum, m) => sum + workgroupsAt(m, widest), 0) <= profile.workgroupsPerDimension;
    if (fits) return group;
  }
  return undefined;
}

/** A binding that several buffers share has no place for numbers of 16 bits. */
function buffersFit(buffers: ReadonlySet<Buffer>, most: number, profile: Profile): boolean {
  return buffers.size <= profile.storageBuffers || (buffers.size <= most && ![...buffers].some((b) => b.half));
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
function lost(kernel: BoundKernel, group: Group, price: Prices, sizeOf: Sharing["sizeOf"]): number {
  let width = kernel.workgroup[0];
  for (const m of group.members) width = Math.max(width, m.workgroup[0]);
  width = Math.min(widest, width);
  let theirs = 0;
  for (const m of group.members) theirs += workgroupsOf(m, width);
  const size = sizeOf(kernel);
  const [own, weight] = [size, group].map((s) => price.access * s.accesses + price.statement * s.statements) as [number, number];
  return ((theirs * own + workgroupsOf(kernel, width) * weight) * (width / price.lanes)) / price.groups;
}

function workgroupsOf(kernel: BoundKernel, width: number): number {
  return Math.ceil((kernel.workgroups * kernel.workgroup[0]) / width);
}

/** One writes what the other touches, or both reach one element through different buffers: an arena and a part of it, or two arenas. */
function conflicts(kernel: Kernel, parts: Parts, group: Group): boolean {
  for (const [b, arena] of parts) if (group.reads.has(b) || group.writes.has(b) || (group.parts.get(b) ?? arena) !== arena) return true;
  for (const b of kernel.buffers) if (group.writes.has(b) || group.parts.has(b) || (kernel.writes.has(b) && group.reads.has(b))) return true;
  return false;
}

/** What arenas are made of, each with its arena. */
type Parts = ReadonlyMap<Buffer, Buffer>;

function partsIn(buffers: readonly Buffer[]): Parts {
  return new Map(buffers.flatMap((b) => (b.parts ? partsOf(b).map((p) => [p, b] as const) : [])));
}

function join(group: Group, kernel: BoundKernel, size: Size): void {
  group.members.push(kernel);
  group.accesses += size.accesses;
  group.statements += size.statements;
  for (const b of kernel.reads) group.reads.add(b);
  for (const b of kernel.writes) group.writes.add(b);
  for (const [b, arena] of partsIn(kernel.buffers)) group.parts.set(b, arena);
}

/** Kernels of several. Members that are equal but for their buffers and share those alike make kernels that are, too: they are merged once. */
class Merges {
  private readonly known = new Map<string, { readonly kernel: Kernel; readonly buffers: readonly Buffer[] }>();
  private readonly numbers = new Map<object, number>();

  of(members: readonly BoundKernel[]): Kernel {
    const [first] = members;
    if (members.length === 1 && first) return first;
    if (!members.every((m) => m.alike)) return merge(members);
    const { params, slots } = together(members);
    const buffers = [...new Set(members.flatMap((m) => m.buffers))];
    const at = new Map(buffers.map((b, k) => [b, k]));
    const key = members.map((m, k) => `${this.numberOf(m.alike ?? m)} ${m.buffers.map((b) => at.get(b)).join()} ${slots[k]?.join()}`).join(";");
    const known = this.known.get(key);
    if (known) {
      const by = new Map(known.buffers.map((b, k) => [b, buffers[k] ?? b]));
      return { ...exchangeBuffers({ ...known.kernel, params, nests: [], members: [] }, by), name: nameOfAll(members, "and"), nests: members.flatMap((m) => m.nests), members };
    }
    const merged = merge(members);
    // A member of another width may have other parameters.
    if (merged.params.length !== params.length || !merged.params.every((p, k) => keyOf(p) === keyOf(params[k] ?? p))) return merged;
    const kernel = { ...merged, alike: merged };
    this.known.set(key, { kernel, buffers });
    return kernel;
  }

  private numberOf(alike: object): number {
    const known = this.numbers.get(alike) ?? this.numbers.size;
    this.numbers.set(alike, known);
    return known;
  }
}

/** The parameters of all, and where among them those of each are. */
function together(members: readonly Kernel[]): { readonly params: readonly ParamSlot[]; readonly slots: readonly (readonly number[])[] } {
  const params: ParamSlot[] = [];
  return { slots: members.map((m) => m.params.map((p) => slotFor(params, p))), params };
}

function merge(members: readonly BoundKernel[]): Kernel {
  const width = Math.min(widest, Math.max(...members.map((m) => m.workgroup[0])));
  const bound = members.map((m) => (m.workgroup[0] === width ? m : (m.rebind?.(width) ?? m)));
  const { params, slots } = together(bound);
  const body: KernelStmt[] = [];
  let offset = 0;
  let start = 0;
  bound.forEach((kernel, at) => {
    const end = start + kernel.workgroups;
    const own: KernelStmt[] = [];
    const position = start === 0 ? workgroupX : ref(offset, "i32");
    if (start > 0) own.push({ kind: "let", id: offset++, value: minus(workgroupX, int(start)) });
    own.push(...renumber(kernel.body, { offset, builtins: new Map([[builtin.workgroupX, position]]), slot: (k) => slots[at]?.[k] ?? k }));
    offset += lastValue(kernel.body) + 1;
    const from = start > 0 ? op(">=", "bool", [workgroupX, int(start)]) : undefined;
    const upto = at < bound.length - 1 ? below(workgroupX, int(end)) : undefined;
    const condition = from && upto ? both(from, upto) : (from ?? upto);
    if (condition) body.push({ kind: "if", condition, body: own });
    start = end;
  });
  return {
    name: nameOfAll(bound, "and"), family: `horizontal ${bound.length}`,
    workgroup: [width, 1, 1],
    grid: [{ size: start, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }],
    ...touched(body), params, body, nests: bound.flatMap((k) => k.nests), members,
  };
}

/** A name for several kernels in one. */
export function nameOfAll(kernels: readonly Kernel[], word: "and" | "then"): string {
  const names = [...new Set(kernels.map((k) => k.name))];
  if (names.length === 1) return kernels.length === 1 ? `${names[0]}` : `${names[0]}_x${kernels.length}`;
  return names.slice(0, 3).join(`_${word}_`) + (names.length > 3 ? `_${word}_more` : "");
}

/** The slot of an equal parameter, or a further one. Offsets that happen to be equal are two: elsewhere in kernels of the same text they are not. */
export function slotFor(params: ParamSlot[], slot: ParamSlot): number {
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
