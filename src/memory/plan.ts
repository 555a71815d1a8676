/**
 * Places the buffers of one entry: kernels in order and the store's layout come in, byte offsets and each kernel's
 * bindings go out. Temps share one slab by liveness, largest first, each at the lowest offset where it meets no
 * other that lives at the same time; a result may take the place of an argument that nobody reads afterwards (in-place.ts).
 *
 * A kernel with at most `storageBuffers` buffers binds each by itself, so equal kernels have equal text whatever
 * they work on. With more, or where writable ones would overlap, those of a slab share one binding and their positions in it are parameters; temps
 * share several where some of them lie apart at the slab's end (apart.ts).
 */
import type { Buffer, Kernel, ParamSlot } from "../ir/kernel.ts";
import { InternalError, invariant, UserError } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import { apart } from "./apart.ts";
import { inPlace } from "./in-place.ts";
import { arenaOf, liveness, lowerBound, type Life } from "./liveness.ts";
import {
  align, bytesOf, slabNames, slabOf, storedAs,
  type Group, type Placement, type Plan, type SlabName, type StoreLayout,
} from "./placement.ts";

/** What a device must have; the defaults are WebGPU's baseline. */
export interface MemoryLimits {
  readonly storageBuffers: number;
  readonly bindingBytes: number;
  readonly bufferBytes: number;
}

/** What every WebGPU device has. */
export const baseline: MemoryLimits = { storageBuffers: 8, bindingBytes: 128 * 1024 * 1024, bufferBytes: 256 * 1024 * 1024 };

/** What a plan is made for. */
export interface PlanOptions {
  readonly store: StoreLayout;
  readonly limits: MemoryLimits;
  /** False gives every temp bytes of its own: the off switch that tests compare with. */
  readonly reuse: boolean;
  /** False gives no result the place of an argument. */
  readonly inPlace: boolean;
  /** False leaves all temps among each other, also those that are stored number by number where others are accessed in fours. */
  readonly apart: boolean;
  /** Where a parameter or state was declared, to show what is too large. */
  readonly spanOf?: (path: string) => Span | undefined;
}

/** What decides where temps lie. */
export type How = Pick<PlanOptions, "reuse" | "inPlace" | "apart">;

/** Throws a UserError E0602 when a tensor or a slab is larger than the device allows. */
export function plan(entry: string, kernels: readonly Kernel[], options: PlanOptions): Plan {
  const { lives, taken } = livesInPlace(kernels, options);
  const offsets = new Map<Buffer, number>();
  const slabs: Record<SlabName, number> = { store: options.store.bytes, inputs: 0, outputs: 0, temps: 0 };
  const temps: [Buffer, Life][] = [];
  for (const [buffer, life] of lives) {
    const slab = slabOf(buffer.place);
    if (bytesOf(buffer) > options.limits.bindingBytes) throw tooLarge(buffer, options);
    if (slab === "temps") temps.push([buffer, life]);
    else if (slab === "store") offsets.set(buffer, storeOffset(buffer, options.store));
    else {
      offsets.set(buffer, slabs[slab]);
      slabs[slab] = align(slabs[slab] + bytesOf(buffer));
    }
  }
  const { bytes, borders } = placeAll(temps, offsets, options.reuse, options.apart ? apartFrom(kernels, taken, options.limits.storageBuffers) : new Set());
  slabs.temps = bytes;
  for (const [result, argument] of taken) offsets.set(result, offsets.get(argument) ?? 0);
  for (const [part, { arena, at }] of arenaOf(kernels)) offsets.set(part, (offsets.get(arena) ?? 0) + 4 * at);
  for (const name of slabNames)
    if (slabs[name] > options.limits.bufferBytes)
      throw new UserError({
        code: "E0602",
        message: `entry ${entry} needs ${count(slabs[name])} bytes in one buffer (${name}); the device allows ${count(options.limits.bufferBytes)}`,
        hint: "a smaller batch or smaller layers need less",
      });
  const placed = kernels.map((kernel) => ({ kernel, placement: bindBuffers(kernel, offsets, slabs, borders, options.limits) }));
  const least = lowerBound(new Map(temps), (b) => align(bytesOf(b)), kernels.length);
  return { entry, kernels: placed, offsets, slabs, peak: { bytes: slabs.temps, lowerBound: least } };
}

/** Bytes that the values between the kernels take once they are placed. */
export function placedBytes(kernels: readonly Kernel[], how: How): number {
  const { lives, taken } = livesInPlace(kernels, how);
  return placeAll([...lives].filter(([b]) => slabOf(b.place) === "temps"), new Map(), how.reuse, how.apart ? apartFrom(kernels, taken, baseline.storageBuffers) : new Set()).bytes;
}

/** The temps that are best apart, each under the buffer whose place it has. */
function apartFrom(kernels: readonly Kernel[], taken: ReadonlyMap<Buffer, Buffer>, storageBuffers: number): ReadonlySet<Buffer> {
  const found = apart(kernels, storageBuffers);
  if (found.size === 0) return found;
  const arenas = arenaOf(kernels);
  return new Set([...found].map((b) => arenas.get(b)?.arena ?? taken.get(b) ?? b));
}

/** How long each place is needed, under the buffer that is there first, and whose place each other one takes. */
function livesInPlace(kernels: readonly Kernel[], how: How): { readonly lives: ReadonlyMap<Buffer, Life>; readonly taken: ReadonlyMap<Buffer, Buffer> } {
  const lives = new Map(liveness(kernels));
  const taken = how.reuse && how.inPlace ? inPlace(kernels, lives) : new Map<Buffer, Buffer>();
  const first = new Map<Buffer, Buffer>();
  // In the order of kernels, so the first of all is known already.
  for (const [result, argument] of taken) {
    const owner = first.get(argument) ?? argument;
    first.set(result, owner);
    lives.set(owner, { from: lives.get(owner)?.from ?? 0, to: lives.get(result)?.to ?? 0 });
    lives.delete(result);
  }
  return { lives, taken: first };
}

/** 1,600,000,000 */
const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

function tooLarge(buffer: Buffer, { limits, spanOf }: PlanOptions): UserError {
  const span = buffer.path === undefined ? undefined : spanOf?.(buffer.path);
  return new UserError({
    code: "E0602",
    message: `${buffer.name} takes ${count(bytesOf(buffer))} bytes, and one binding of the device holds ${count(limits.bindingBytes)}`,
    ...(span && { span, label: `${count(bytesOf(buffer) / 4)} numbers` }),
    hint: "a smaller batch or smaller layers need less",
  });
}

function storeOffset(buffer: Buffer, store: StoreLayout): number {
  const place = store.offsets.get(buffer.path ?? "");
  invariant(place, "plan", `${buffer.name} (${buffer.path}) is not in the store`);
  for (const { buffer: part, at } of buffer.parts ?? [])
    invariant(store.offsets.get(part.path ?? "")?.offset === place.offset + 4 * at, "plan", `${part.path} does not lie in the store where its arena has it`);
  invariant(buffer.parts || place.bytes === bytesOf(buffer), "plan", `${buffer.path} has ${bytesOf(buffer)} bytes, the store keeps ${place.bytes}`);
  return place.offset;
}

/** Temps in one slab, and where those that lie apart begin. */
interface Placed {
  readonly bytes: number;
  readonly borders: readonly number[];
}

/** Of what the slab takes otherwise, what it may take with some temps apart. */
const mostApart = 1.1;

/** Gives each temp an offset: those apart after all others, arenas of which only parts are stored number by number before the rest, unless the slab becomes much larger so. */
function placeAll(temps: readonly [Buffer, Life][], offsets: Map<Buffer, number>, reuse: boolean, others: ReadonlySet<Buffer>): Placed {
  const together = new Map<Buffer, number>();
  const bytes = placeTemps(temps, together, reuse);
  const kinds = [temps.filter(([b]) => !others.has(b)), temps.filter(([b]) => others.has(b) && b.parts), temps.filter(([b]) => others.has(b) && !b.parts)].filter((some) => some.length > 0);
  const places = new Map<Buffer, number>();
  const borders: number[] = [];
  let end = 0;
  for (const some of kinds.length > 1 ? kinds : []) {
    if (end > 0) borders.push(end);
    const own = new Map<Buffer, number>();
    const size = placeTemps(some, own, reuse);
    for (const [b, at] of own) places.set(b, end + at);
    end += size;
  }
  const isApart = borders.length > 0 && end <= mostApart * bytes;
  for (const [b, at] of isApart ? places : together) offsets.set(b, at);
  return isApart ? { bytes: end, borders } : { bytes, borders: [] };
}

/** Gives each temp an offset; returns the slab's size. Several orders are tried where the first wastes more than a twentieth. */
function placeTemps(temps: readonly [Buffer, Life][], offsets: Map<Buffer, number>, reuse: boolean): number {
  const count = Math.max(0, ...temps.map(([, life]) => life.to + 1));
  const enough = 1.05 * lowerBound(new Map(temps), (b) => align(bytesOf(b)), count);
  const all = temps.map(([buffer, life]): Temp => ({ buffer, life, bytes: align(bytesOf(buffer)), span: life.to - life.from + 1 }));
  const orders: readonly ((a: Temp, b: Temp) => number)[] = [
    (a, b) => b.bytes - a.bytes,
    (a, b) => b.span * b.bytes - a.span * a.bytes,
    (a, b) => b.span - a.span || b.bytes - a.bytes,
    (a, b) => a.life.from - b.life.from || b.life.to - a.life.to,
  ];
  let best: { readonly places: ReadonlyMap<Buffer, number>; readonly bytes: number } | undefined;
  for (const before of orders) {
    const places = new Map<Buffer, number>();
    const bytes = placeInOrder(all.toSorted((a, b) => before(a, b) || a.life.from - b.life.from || a.buffer.id - b.buffer.id), places, reuse);
    if (!best || bytes < best.bytes) best = { places, bytes };
    if (!reuse || best.bytes <= enough) break;
  }
  for (const [b, at] of best?.places ?? []) offsets.set(b, at);
  return best?.bytes ?? 0;
}

/** A temp to be placed, and what orders it among others. */
interface Temp {
  readonly buffer: Buffer;
  readonly life: Life;
  readonly bytes: number;
  /** Kernels that it lives for. */
  readonly span: number;
}

/** Each temp at the lowest place where it meets no earlier one that lives at the same time; returns where the last one ends. */
function placeInOrder(order: readonly Temp[], places: Map<Buffer, number>, reuse: boolean): number {
  /** In the order of their places. */
  const done: { readonly start: number; readonly end: number; readonly life: Life }[] = [];
  let size = 0;
  for (const { buffer, life, bytes } of order) {
    let start = 0;
    for (const rival of done) {
      if (reuse && (rival.life.from > life.to || life.from > rival.life.to)) continue;
      if (rival.start - start >= bytes) break;
      start = Math.max(start, rival.end);
    }
    places.set(buffer, start);
    done.splice(firstAfter(done, start), 0, { start, end: start + bytes, life });
    size = Math.max(size, start + bytes);
  }
  return size;
}

/** Where the first one begins that lies after a place. */
function firstAfter(done: readonly { readonly start: number }[], start: number): number {
  let [from, to] = [0, done.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((done[middle]?.start ?? 0) <= start) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The bindings of one kernel. */
function bindBuffers(kernel: Kernel, offsets: ReadonlyMap<Buffer, number>, slabs: Readonly<Record<SlabName, number>>, borders: readonly number[], limits: MemoryLimits): Placement {
  const offsetOf = (b: Buffer): number => {
    const offset = offsets.get(b);
    if (offset === undefined) throw new InternalError("plan", `${b.name} has no place`);
    return offset;
  };
  const placeOf = new Map(kernel.buffers.map((b) => [b, `${slabOf(b.place)} ${offsetOf(b)} ${bytesOf(b)}`]));
  const written = new Set([...kernel.writes].map((b) => slabOf(b.place)));
  const accessOf = (slab: SlabName): Group["access"] => (written.has(slab) ? "read_write" : "read");
  // A result in the place of an argument has its binding.
  const places = new Map<string, Buffer>();
  for (const [b, place] of placeOf) if (!places.has(place)) places.set(place, b);
  const inSlab = (slab: SlabName): readonly Buffer[] => [...places.values()].filter((b) => slabOf(b.place) === slab);
  // Writable bindings may not overlap, as those of an arena and of a part of it, or of what lies between its parts, would.
  const whole = new Set(slabNames.filter((slab) => places.size > limits.storageBuffers || (written.has(slab) && overlap(inSlab(slab), offsetOf))));
  const params: ParamSlot[] = [...kernel.params];
  const groups: Group[] = [];
  const of = new Map<Buffer, { readonly group: number; readonly base?: number }>();
  const groupAt = new Map<string, number>();
  for (const [place, b] of places) {
    const slab = slabOf(b.place);
    if (whole.has(slab)) continue;
    groupAt.set(place, groups.push({ slab, offset: offsetOf(b), bytes: bytesOf(b), elem: storedAs(b), elements: Math.max(1, b.elements), access: accessOf(slab) }) - 1);
  }
  for (const [b, place] of placeOf) if (!whole.has(slabOf(b.place))) of.set(b, { group: groupAt.get(place) ?? 0 });
  const spans = [...whole].flatMap((slab) => [0, ...(slab === "temps" ? borders : [])].map((from, k, { length }) => ({ slab, from, to: k < length - 1 ? (borders[k] ?? 0) : slabs[slab] })));
  for (const { slab, from, to } of spans) {
    const members = kernel.buffers.filter((b) => slabOf(b.place) === slab && offsetOf(b) >= from && offsetOf(b) < Math.max(to, 1));
    if (members.length === 0) continue;
    // The whole slab where a binding holds it: the array in the text then has one length for all, and equal layers have one text.
    const fits = to - from <= limits.bindingBytes;
    const start = fits ? from : Math.min(...members.map(offsetOf));
    const end = fits ? to : Math.max(...members.map((b) => offsetOf(b) + bytesOf(b)));
    if (end - start > limits.bindingBytes)
      throw new UserError({ code: "E0602", message: `kernel ${kernel.name} works on ${count(end - start)} bytes of one buffer; a binding holds ${count(limits.bindingBytes)}` });
    const types = new Set(members.map(storedAs));
    const [only] = types;
    const elem = types.size === 1 && only ? only : "u32";
    invariant(!types.has("f16"), "plan", `${kernel.name} binds a whole slab with numbers of 16 bits in it`);
    groups.push({ slab, offset: start, bytes: end - start, elem, elements: (end - start) / 4, access: accessOf(slab) });
    for (const b of members) {
      of.set(b, { group: groups.length - 1, base: params.length });
      params.push({ dtype: "i32", source: { kind: "constant", value: (offsetOf(b) - start) / 4 } });
    }
  }
  return { groups, of, params };
}

/** True where one of them begins before another ends. */
function overlap(buffers: readonly Buffer[], offsetOf: (b: Buffer) => number): boolean {
  const order = buffers.toSorted((a, b) => offsetOf(a) - offsetOf(b));
  let end = 0;
  return order.some((b) => {
    const meets = offsetOf(b) < end;
    end = Math.max(end, offsetOf(b) + bytesOf(b));
    return meets;
  });
}
