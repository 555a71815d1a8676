/**
 * Joins dispatches that depend on each other as stages of one workgroup, where that costs less than dispatching each. Comes in: kernels in
 * order. Goes out: fewer kernels in the same order; numbers are equal to the bit, since each invocation does what it did.
 *
 *     loss of 32 rows | sums of their gradients | update       ->       one dispatch of one workgroup, two barriers
 *
 * A stage has one core of a processor, one compute unit of a GPU, instead of all of them, and waits at a barrier; it saves a dispatch. The model
 * (predict.ts) says what a kernel takes either way; the cheapest way to cut the line of kernels into dispatches is found from the first to
 * the last. What is too large for one workgroup is dispatched as before.
 */
import type * as dims from "../src/ir/dims.ts";
import type { Buffer, Kernel, Profile } from "../src/ir/kernel.ts";
import { partsOf } from "../src/ir/kernel.ts";
import { type DeviceLimits, prices, ratios } from "../src/schedule/prices.ts";
import { countWork, type Work } from "./count-work.ts";
import { largestSlab, mostSlabBytes } from "./horizontal.ts";
import { fitsOneWorkgroup, hasBarriers, inOneWorkgroup, membersOf } from "./one-workgroup.ts";
import { predict } from "./predict.ts";
import { canonicalText } from "./print-kernel.ts";
import { measure } from "./renumber.ts";

/** What one dispatch may come to: building a text of many accesses takes longer than building as many in several. */
const most = { accesses: 640, statements: 6400, kernels: 48 } as const;
/** Lanes of a GPU's workgroup. */
const widest = 256;

/** Lanes of a workgroup of stages: on a processor those that run in step, since each further ones wait for the others at a barrier. */
function lanesOf({ name, subgroup }: Profile): number {
  const { bothBranches: isProcessor, lanes } = prices[name];
  return isProcessor ? Math.max(lanes, subgroup ?? 1) : widest;
}

/** Workgroups that are looked at where it is enough to know the size of it. */
const few = 2;

/** Nobody takes longer in one workgroup than over the device by more than the dispatches around it. */
const mostSeconds = 1e-3;

export interface StagesOptions {
  /** The sizes to decide for. */
  readonly live: dims.Bindings;
  readonly profile: Profile;
  /** What a device can do. */
  readonly limits?: DeviceLimits;
}

/** A dispatch as it is, and what it would be as a stage. */
interface Candidate {
  readonly kernel: Kernel;
  /** Seconds of its work over the whole device. */
  readonly spread: number;
  /** Seconds of its work in one workgroup, by the number of lanes; absent where it does not fit. */
  readonly alone: ReadonlyMap<number, number>;
  readonly size: { readonly accesses: number; readonly statements: number };
  /** Equal for kernels of one text; only known where it fits. */
  readonly text: string;
}

/** Kernels `from`, …, `to` - 1 in one dispatch of so many lanes. */
interface Cut {
  readonly from: number;
  readonly width: number;
  readonly seconds: number;
}

/** The kernels, some of them joined. */
export function stages(kernels: readonly Kernel[], { live, profile, limits = prices[profile.name].nominal }: StagesOptions): readonly Kernel[] {
  // Of those that are equal but for their buffers one says it for all.
  const distinct = new Map(kernels.flatMap(membersOf).map((m) => [m.alike ?? m, m] as const));
  const barriers = [...distinct.values()].flatMap((m) => (hasBarriers(m.body) ? [m.workgroup[0]] : []));
  const widths = [...new Set([lanesOf(profile), ...barriers])];
  const flush = prices[profile.name].flush * 1e-9;
  const cost = new Costs(live, profile, limits, widths);
  const buffers = [...new Set(kernels.flatMap((k) => k.buffers))];
  const slabs = largestSlab(buffers) <= mostSlabBytes;
  // Where slabs hold whatever there is, nobody counts what a stage binds.
  const anyBind = slabs && !buffers.some((b) => b.half);
  const met = new Set<string>();
  const all = kernels.map((k): Candidate => {
    const of = cost.of(k);
    // A text that others have is built once, until it is part of another.
    const again = met.has(of.text);
    if (of.alone.size > 0) met.add(of.text);
    return again ? { ...of, alone: new Map([...of.alone].map(([width, seconds]) => [width, seconds + building(of.size, profile)])) } : of;
  });
  /** The best way to run the first so many kernels: its time, and where the last dispatch begins. */
  const best: Cut[] = [{ from: 0, width: 0, seconds: 0 }];
  all.forEach((last, at) => {
    const before = best[at] as Cut;
    let cheapest: Cut = { from: at, width: 0, seconds: before.seconds + limits.dispatch + last.spread };
    for (const width of widths) {
      let seconds = limits.dispatch;
      let [accesses, statements, count] = [0, 0, 0];
      const used = new Set<Buffer>();
      for (let from = at; from >= 0; from--) {
        const { kernel, alone, size } = all[from] as Candidate;
        const own = alone.get(width);
        accesses += size.accesses;
        statements += size.statements;
        count += membersOf(kernel).length;
        if (own === undefined || accesses > most.accesses || statements > most.statements || count > most.kernels) break;
        if (!anyBind) for (const b of kernel.buffers) used.add(b);
        if (!anyBind && !fitsBindings(used, slabs, profile)) break;
        seconds += own + (from < at ? flush : 0);
        const whole = (best[from] as Cut).seconds + seconds;
        if (from < at && whole < cheapest.seconds) cheapest = { from, width, seconds: whole };
      }
    }
    best.push(cheapest);
  });
  const found: Kernel[] = [];
  for (let end = kernels.length; end > 0; ) {
    const { from, width } = best[end] as Cut;
    const joined = all.slice(from, end);
    const [first] = joined;
    if (joined.length === 1 && first) found.push({ ...first.kernel, why: reasonsApart(first, all[from - 1], profile, limits) });
    else found.push({ ...inOneWorkgroup(joined.map((c) => c.kernel), width), why: reasonsFor(joined, width, limits) });
    end = from;
  }
  return found.reverse();
}

/** Seconds a run that building so much text once more comes to. */
function building({ accesses, statements }: Candidate["size"], { name }: Profile): number {
  const { buildAccess: [access], buildOperation: [operation] } = prices[name];
  return ((accesses * access + statements * operation) / ratios.runs) * 1e-9;
}

/** A stage may bind them: by slabs where they are many or one lies in another, which has no place for numbers of 16 bits. */
function fitsBindings(buffers: ReadonlySet<Buffer>, slabs: boolean, { storageBuffers }: Profile): boolean {
  const all = buffers.size <= storageBuffers ? [...buffers].flatMap(partsOf) : [];
  const apart = buffers.size <= storageBuffers && new Set(all).size === all.length;
  return apart || (slabs && ![...buffers].some((b) => b.half));
}

/** What kernels take, those that are equal but for their buffers once. */
class Costs {
  private readonly known = new Map<object, Omit<Candidate, "kernel">>();
  private readonly live: dims.Bindings;
  private readonly profile: Profile;
  private readonly limits: DeviceLimits;
  private readonly price: number;
  private readonly widths: readonly number[];

  constructor(live: dims.Bindings, profile: Profile, limits: DeviceLimits, widths: readonly number[]) {
    this.live = live;
    this.profile = profile;
    this.limits = { ...limits, dispatch: 0 };
    this.price = limits.dispatch;
    this.widths = widths;
  }

  of(kernel: Kernel): Candidate {
    const key = kernel.alike ?? kernel;
    const known = this.known.get(key) ?? this.make(kernel);
    this.known.set(key, known);
    return { kernel, ...known };
  }

  private make(kernel: Kernel): Omit<Candidate, "kernel"> {
    const members = membersOf(kernel);
    const alone = new Map<number, number>();
    // What is by far too large is only looked at roughly: it adds the same to every way to cut.
    const rough = this.seconds(kernel, few);
    const onOne = members.reduce((sum, m) => sum + this.secondsOf({ ...this.count(m, few), workgroups: 1 }, m), 0);
    if (rough > 4 * mostSeconds || onOne - rough > 4 * 2 * this.price) return { spread: rough, alone, size: { accesses: 0, statements: 0 }, text: "" };
    const sizes = members.map((m) => measure(m.body));
    const size = { accesses: sizes.reduce((n, s) => n + s.accesses, 0), statements: sizes.reduce((n, s) => n + s.statements, 0) };
    const spread = this.seconds(kernel);
    // A dispatch on each side is what it could save; who shares a dispatch may take less without the others.
    const least = members.length === 1 ? spread : members.reduce((sum, m) => sum + this.seconds(m), 0);
    if (least < spread + 2 * this.price && least < mostSeconds)
      for (const width of this.widths)
        if (fitsOneWorkgroup(kernel, width)) alone.set(width, this.seconds(inOneWorkgroup([kernel], width)));
    return { spread, alone, size, text: alone.size > 0 ? canonicalText(kernel) : "" };
  }

  private seconds(kernel: Kernel, sampled?: number): number {
    return this.secondsOf(this.count(kernel, sampled), kernel);
  }

  private count(kernel: Kernel, sampled?: number): Work {
    const { live, profile } = this;
    return countWork(kernel, { live, bothBranches: prices[profile.name].bothBranches, ...(sampled !== undefined && { sampled }) });
  }

  private secondsOf(work: Work, { workgroup: [x, y, z] }: Kernel): number {
    return predict(work, x * y * z, this.limits, this.profile).seconds;
  }
}

/** 12.3 µs */
const printed = (seconds: number): string => `${(seconds * 1e6).toFixed(seconds < 1e-5 ? 1 : 0)} µs`;

function reasonsFor(joined: readonly Candidate[], width: number, limits: DeviceLimits): readonly string[] {
  return joined.map(({ kernel, spread, alone }, at) =>
    `${kernel.name}: ${at === 0 ? "a dispatch" : "a stage after it"}, ${printed(alone.get(width) ?? 0)} by ${width} lanes for ${printed(spread)} of its own${at > 0 ? ` and a dispatch of ${printed(limits.dispatch)}` : ""}`);
}

function reasonsApart({ kernel, spread, alone }: Candidate, before: Candidate | undefined, profile: Profile, limits: DeviceLimits): readonly string[] {
  if (!before) return [];
  const width = lanesOf(profile);
  const own = alone.get(width);
  const other = own === undefined ? kernel : before.alone.get(width) === undefined ? before.kernel : undefined;
  if (other) return [`no stage after ${before.kernel.name}: ${other.name} is too large for one workgroup or has its own shape (${printed(other === kernel ? spread : before.spread)})`];
  return [`no stage after ${before.kernel.name}: in one workgroup ${printed(own ?? 0)} and ${printed(before.alone.get(width) ?? 0)}, apart ${printed(spread)} and ${printed(before.spread)} and a dispatch of ${printed(limits.dispatch)}`];
}
