/**
 * Tries the kernels that each nest of an entry could be on the device at hand, and says which was fastest. In: a schedule, a device, a
 * clock. Out: choices by the nest's key, to bind it by; a kernel whose numbers are not the default's never wins.
 *
 *     const choices = await tune(schedule, { device, clock, profile, limits, store: program.info.store, live: { N: 64 } });
 *     bind(schedule, profile, { choices });
 *
 * Every nest is run alone, over numbers that are drawn for it; equal nests are one. What was chosen before is not tried again.
 */
import { alternatives, type Choices, keyOf } from "../../kernels/alternatives.ts";
import { bindNest } from "../../kernels/bind.ts";
import type { BoundKernel } from "../../kernels/bound-kernel.ts";
import { trianglesOf } from "../../kernels/known-zeros.ts";
import type { Kernel, Nest, Profile, Schedule } from "../ir/kernel.ts";
import { UserError } from "../support/diagnostic.ts";
import { type Drawn, LoneKernel, type LoneOptions } from "./lone-kernel.ts";
import { EngineError, type Values } from "./runtime/engine.ts";

export interface TuneOptions extends LoneOptions {
  readonly profile: Profile;
  /** What is known already. */
  readonly known?: Choices;
  /** Hears of each nest that was tried. */
  readonly onTried?: (tried: Tried) => void;
}

/** What came of one nest. */
export interface Tried {
  readonly name: string;
  /** How many equal nests the entry has. */
  readonly nests: number;
  /** The default first; `seconds` is undefined where the numbers differ or the device refused it. */
  readonly kernels: readonly { readonly family: string; readonly width: number; readonly seconds: number | undefined }[];
  readonly chosen: number;
}

/** A gain smaller than this share is chance. */
const worthIt = 0.05;
/** Seconds that a measurement should take, and how many are made of each kernel, in turns. */
const enough = 2e-3;
const mostRepeats = 256;
const rounds = 5;
/** Kernels with less of the time of all are left as they are. */
const leastShare = 0.02;
/** How far results may lie apart, relative to the largest: sums in another order. */
const tolerance = 1e-4;

/** Tries what is not known; gives all that is known then. Throws what the engine throws for the default kernels. */
export async function tune(schedule: Schedule, options: TuneOptions): Promise<Choices> {
  const { known = new Map<string, number>(), profile, onTried } = options;
  const choices = new Map(known);
  const byKey = new Map<string, { readonly nest: Nest; readonly usual: BoundKernel; nests: number }>();
  const triangles = trianglesOf(schedule.nests);
  for (const nest of schedule.nests) {
    const usual = bindNest(nest, profile, { triangles });
    const key = keyOf(usual);
    const equal = byKey.get(key);
    if (equal) equal.nests++;
    else byKey.set(key, { nest, usual, nests: 1 });
  }
  const unknown = [...byKey].filter(([key]) => !choices.has(key));
  // What is not worth a try stays as it is, next time too: equal programs get equal kernels.
  for (const [key] of unknown) choices.set(key, 0);
  for (const [key, { nest, usual, nests }] of await worthTrying(unknown, schedule, options)) {
    const kernels = alternatives(nest, usual, profile, { triangles });
    if (kernels.length < 2) continue;
    const seconds = await compareKernels(kernels, schedule, options);
    const chosen = fastest(seconds);
    choices.set(key, chosen);
    onTried?.({ name: nest.name, nests, chosen, kernels: kernels.map((k, at) => ({ family: k.family, width: k.workgroup[0], seconds: seconds[at] })) });
  }
  return choices;
}

/** Those that take a share of the time that is worth looking at. */
async function worthTrying<T extends readonly [string, { readonly usual: BoundKernel; readonly nests: number }]>(all: readonly T[], schedule: Schedule, options: TuneOptions): Promise<readonly T[]> {
  const seconds: number[] = [];
  for (const [, { usual, nests }] of all) {
    const kernel = await LoneKernel.load(usual, schedule, options);
    await kernel.results();
    seconds.push(nests * (await kernel.best(1, 2)));
    kernel.destroy();
  }
  const whole = seconds.reduce((a, b) => a + b, 0);
  return all.filter((_, at) => (seconds[at] ?? 0) >= leastShare * whole);
}

/** The default unless another is faster by more than chance. */
function fastest(seconds: readonly (number | undefined)[]): number {
  const [first = Number.POSITIVE_INFINITY] = seconds;
  let best = 0;
  seconds.forEach((s, at) => {
    if (s !== undefined && s < (seconds[best] ?? first) && s < first * (1 - worthIt)) best = at;
  });
  return best;
}

/** Seconds of each kernel; undefined where it is refused, or computes something else than the first. */
export async function compareKernels(kernels: readonly Kernel[], schedule: Schedule, options: LoneOptions): Promise<readonly (number | undefined)[]> {
  const alone: (LoneKernel | undefined)[] = [];
  try {
    // All at once: drivers build several pipelines side by side.
    alone.push(...(await Promise.all(kernels.map((kernel) => LoneKernel.load(kernel, schedule, options).catch(refused)))));
    const results: (readonly Values[] | undefined)[] = [];
    const numbers: Drawn = new Map();
    for (const kernel of alone) results.push(await kernel?.results(numbers));
    const right = alone.map((kernel, at) => (results[0] && results[at] && agree(results[0], results[at]) ? kernel : undefined));
    const seconds = right.map((): number[] => []);
    // The same for all, so that what a submission takes is, too.
    const once: number[] = [];
    for (const kernel of right) once.push(kernel ? await kernel.best(1, 3) : 0);
    const repeats = Math.max(1, Math.min(mostRepeats, Math.ceil(enough / Math.max(1e-6, Math.min(...once.filter((s) => s > 0))))));
    // In turns, so that what else the machine does is the same for all.
    for (let round = 0; round < rounds; round++)
      for (const [at, kernel] of right.entries()) if (kernel) seconds[at]?.push(await kernel.time(repeats));
    return seconds.map((all) => (all.length === 0 ? undefined : Math.min(...all)));
  } finally {
    for (const kernel of alone) kernel?.destroy();
  }
}

/** A candidate that does not fit the device is none. */
function refused(error: unknown): undefined {
  if (error instanceof UserError || error instanceof EngineError) return undefined;
  throw error;
}

/** Whether all numbers are the same, but for the order of their sums. */
function agree(wanted: readonly Values[], found: readonly Values[]): boolean {
  return wanted.every((values, k) => {
    let largest = 0;
    for (const v of values) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
    const others = found[k] ?? [];
    for (let i = 0; i < values.length; i++) {
      const [v = Number.NaN, other = Number.NaN] = [values[i], others[i]];
      if (Number.isFinite(v) ? !(Math.abs(other - v) <= tolerance * largest) : Number.isFinite(other)) return false;
    }
    return true;
  });
}
