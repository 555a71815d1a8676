/**
 * Checks a plan without trusting how it was made: plays the kernels in order over a map of who owns which bytes.
 * A read must find its own buffer's bytes untouched since they were written; bindings must be aligned, inside their
 * slab, disjoint where writable, and of one access per slab. Throws an InternalError naming kernel and buffer.
 */
import type { Buffer, Stage } from "../ir/kernel.ts";
import { partsOf } from "../ir/kernel.ts";
import { invariant } from "../support/diagnostic.ts";
import { mayTakePlaceOf } from "./in-place.ts";
import { type Group, type PlacedKernel, type Plan, storedAs, widthOf } from "./placement.ts";

interface Extent {
  readonly owner: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What places start out holding valid data before the first kernel. */
const filled = new Set(["param", "state", "input"]);

/** Throws an InternalError when the plan is unsound. */
export function verifyPlan(plan: Plan): void {
  const owners = new Map<string, Extent[]>();
  for (const [buffer, offset] of plan.offsets)
    if (filled.has(buffer.place) && !buffer.parts) claim(owners, slabKey(buffer), buffer, offset);
  for (const placed of plan.kernels) {
    checkBindings(placed, plan);
    // What lies between two barriers is done when the next begins.
    for (const stage of placed.kernel.stages ?? [placed.kernel]) checkStage(stage, placed, plan, owners);
  }
}

/** Nests that run at once: what they read must be there, and what they write must lie apart from all that the dispatch touches. */
function checkStage({ reads, writes, nests }: Pick<Stage, "reads" | "writes" | "nests">, placed: PlacedKernel, plan: Plan, owners: Map<string, Extent[]>): void {
  const { name, buffers } = placed.kernel;
  const overwritten = new Set([...writes].flatMap(partsOf));
  for (const buffer of [...reads].flatMap(partsOf)) {
    const offset = plan.offsets.get(buffer);
    invariant(offset !== undefined, "verify plan", `${name} reads ${buffer.name}, which has no place`);
    const extents = owners.get(slabKey(buffer)) ?? [];
    const held = extents.some((e) => e.owner === buffer && e.start === offset && e.end === offset + sizeOf(buffer));
    // What goes in turns reads what it wrote a turn before.
    const own = overwritten.has(buffer) && (buffer.place !== "temp" || nests.some((n) => n.shape === "turns"));
    invariant(held || own, "verify plan", `${name} reads ${buffer.name}, whose bytes were never written or were overwritten`);
  }
  for (const buffer of writes) {
    const offset = plan.offsets.get(buffer);
    invariant(offset !== undefined, "verify plan", `${name} writes ${buffer.name}, which has no place`);
    for (const other of buffers)
      if (other !== buffer && slabKey(other) === slabKey(buffer) && !isInPlace(placed, buffer, other, plan) && !share(buffer, other))
        // What lies between the parts of an arena is not its own.
        for (const part of partsOf(other)) {
          const at = plan.offsets.get(part) ?? 0;
          invariant(disjoint(offset, offset + sizeOf(buffer), at, at + sizeOf(part)), "verify plan", `${name} writes ${buffer.name} over ${part.name}`);
        }
    claim(owners, slabKey(buffer), buffer, offset);
    for (const { buffer: part, at } of buffer.parts ?? []) claim(owners, slabKey(part), part, offset + 4 * at);
  }
}

/** An arena and its parts, or two arenas of one part: stages apart reach it either way (see verify-kernel.ts). */
function share(a: Buffer, b: Buffer): boolean {
  const own = new Set(partsOf(a));
  return partsOf(b).some((part) => own.has(part));
}

/** The one lies exactly where the other lies, and is written there element by element after it was read. */
function isInPlace({ kernel }: PlacedKernel, result: Buffer, argument: Buffer, { offsets }: Plan): boolean {
  return offsets.get(result) === offsets.get(argument) && !kernel.writes.has(argument) && mayTakePlaceOf(kernel, result, argument);
}

/** Bytes of all elements, without padding. */
function sizeOf(buffer: Buffer): number {
  return widthOf(storedAs(buffer)) * buffer.elements;
}

function slabKey(buffer: Buffer): string {
  return buffer.place === "param" || buffer.place === "state" ? "store" : buffer.place;
}

/** The buffer takes its bytes; whoever held any of them holds nothing any more. */
function claim(owners: Map<string, Extent[]>, slab: string, owner: Buffer, start: number): void {
  const end = start + sizeOf(owner);
  const kept = (owners.get(slab) ?? []).filter((e) => disjoint(e.start, e.end, start, end));
  owners.set(slab, [...kept, { owner, start, end }]);
}

function disjoint(a: number, b: number, c: number, d: number): boolean {
  return b <= c || d <= a;
}

function checkBindings({ kernel, placement }: PlacedKernel, plan: Plan): void {
  const where = `kernel ${kernel.name}`;
  for (const group of placement.groups) {
    invariant(group.offset % 256 === 0, "verify plan", `${where}: a binding starts at ${group.offset}`);
    invariant(group.bytes >= widthOf(group.elem) * group.elements, "verify plan", `${where}: a binding is shorter than its array`);
    invariant(group.offset + group.bytes <= Math.max(256, plan.slabs[group.slab]), "verify plan", `${where}: a binding leaves the slab ${group.slab}`);
  }
  for (const [i, a] of placement.groups.entries())
    for (const b of placement.groups.slice(i + 1)) checkPair(where, a, b);
  for (const buffer of kernel.buffers) {
    const place = placement.of.get(buffer);
    const group = place && placement.groups[place.group];
    invariant(place && group, "verify plan", `${where}: ${buffer.name} has no binding`);
    const slot = place.base === undefined ? undefined : placement.params[place.base];
    const base = slot?.source.kind === "constant" ? slot.source.value : 0;
    const offset = plan.offsets.get(buffer) ?? -1;
    invariant(group.offset + 4 * base === offset, "verify plan", `${where}: ${buffer.name} is bound at ${group.offset + 4 * base}, placed at ${offset}`);
    invariant(base + buffer.elements <= group.elements, "verify plan", `${where}: ${buffer.name} leaves its binding`);
    invariant(!kernel.writes.has(buffer) || group.access === "read_write", "verify plan", `${where}: ${buffer.name} is written through a read-only binding`);
  }
}

function checkPair(where: string, a: Group, b: Group): void {
  if (a.slab !== b.slab) return;
  invariant(a.access === b.access, "verify plan", `${where}: the slab ${a.slab} is bound both read-only and writable`);
  if (a.access === "read_write")
    invariant(disjoint(a.offset, a.offset + a.bytes, b.offset, b.offset + b.bytes), "verify plan", `${where}: writable bindings of ${a.slab} overlap`);
}
