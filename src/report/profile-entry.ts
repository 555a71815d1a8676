/**
 * Where the time of one entry goes: each dispatch with what it took on the device, what the model says that it should take, what it
 * does, and the line that it comes from. In: a program and a device. Out: figures, in the order of execution.
 *
 *     const profile = await profileEntry(program, { device, clock: () => performance.now(), profile, entry: "step", examples: 64 });
 *     profile.kernels[0]?.measured       // seconds
 */
import type { Choices } from "../../kernels/alternatives.ts";
import { countWork, type Work } from "../../kernels/count-work.ts";
import { type Bound, predict } from "../../kernels/predict.ts";
import type { EntryName } from "../graph/build.ts";
import { isStep } from "../graph/build.ts";
import { nearby, placesOf, type TextContext } from "../graph/places-of.ts";
import type { LoweredEntry, Target } from "../harness/lowered-entry.ts";
import { type Clock, measureLimits } from "../harness/measure-limits.ts";
import type { Call } from "../harness/runtime/engine.ts";
import { countedScalars } from "../harness/runtime/scalars.ts";
import { timeEntry } from "../harness/time-entry.ts";
import type { MemoryLimits } from "../memory/plan.ts";
import { type DeviceLimits, prices } from "../schedule/prices.ts";
import { type Kernel, partsOf, type Profile } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import { isAnchor } from "../schedule/cost.ts";
import { stores } from "../schedule/order.ts";
import type { Span } from "../support/span.ts";
import { type Callable, randomInputs } from "./random-call.ts";
import { randomNumbers } from "../support/random-numbers.ts";

/** What is needed of a program. */
export interface Profilable extends Callable {
  readonly text: TextContext;
  lower(entry: EntryName, target: Target): LoweredEntry;
}

export interface ProfileOptions {
  readonly device: GPUDevice;
  readonly clock: Clock;
  readonly profile: Profile;
  readonly limits?: MemoryLimits;
  /** What a tuner has found. */
  readonly choices?: Choices;
  readonly entry: EntryName;
  /** Examples of a run, where the program takes any number. */
  readonly examples: number;
}

/** One dispatch. */
export interface KernelProfile {
  /** From 1, in the order of execution. */
  readonly dispatch: number;
  readonly name: string;
  readonly family: string;
  /** What it computes, as the program calls it: `h1`, `∂h2.W`, `new h1.W`; empty where nothing of it has a name. */
  readonly computes: string;
  /** Where what it computes stands in the text. */
  readonly span?: Span;
  /** Seconds. */
  readonly measured: number;
  readonly predicted: number;
  /** What most of the predicted time goes to. */
  readonly bound: Bound;
  readonly work: Work;
}

/** One entry. */
export interface EntryProfile {
  readonly entry: EntryName;
  readonly examples: number | undefined;
  readonly kernels: readonly KernelProfile[];
  /** Seconds of a whole run, of several queued one after the other. */
  readonly whole: number;
  readonly limits: DeviceLimits;
  /** Whether the device stamped its times itself. */
  readonly timestamps: boolean;
  readonly runs: number;
}

/** Measures and models. Throws what the engine throws. */
export async function profileEntry(program: Profilable, { device, clock, profile, limits: memory, choices, entry, examples }: ProfileOptions): Promise<EntryProfile> {
  const { info } = program;
  const live = info.batch === undefined ? {} : { [info.batch]: examples };
  const target: Target = { capacity: live, profile, ...(memory && { limits: memory }), ...(choices && { choices }) };
  const lowered = program.lower(entry, target);
  const init = program.lower("init", target);
  const scalars = { hyper: info.hypers, step: countedScalars({ t: 1, epoch: 1, entries: program.entries.filter(isStep), counts: new Map() }) };
  const call: Call = { live, inputs: randomInputs(info, live, randomNumbers(1)), scalars, seed: 1, step: 1, example: 0 };
  const limits = await measureLimits(device, clock);
  const { dispatches, whole, timestamps, runs } = await timeEntry({ device, clock, entry: lowered, init, store: info.store, call });
  const naming = new Naming(lowered, program);
  const kernels = lowered.memory.kernels.map(({ kernel }, at): KernelProfile => {
    const work = countWork(kernel, { live, bothBranches: prices[profile.name].bothBranches });
    const { seconds, bound } = predict(work, kernel.workgroup[0] * kernel.workgroup[1] * kernel.workgroup[2], limits, profile);
    const span = naming.spanOf(kernel);
    return { dispatch: at + 1, name: kernel.name, family: kernel.family, computes: naming.of(kernel), ...(span && { span }), measured: dispatches[at] ?? 0, predicted: seconds, bound, work };
  });
  return { entry, examples: info.batch === undefined ? undefined : examples, kernels, whole, limits, timestamps, runs };
}

/** Names of what a kernel computes that are shown at most. */
const mostNames = 3;

/** Tells what kernels compute, in the user's words. */
class Naming {
  private readonly lowered: LoweredEntry;
  private readonly text: TextContext;
  /** What the gradients of parameters are called, by the nodes of the nests that hold them. */
  private readonly gradients: ReadonlyMap<Node, string>;

  constructor(lowered: LoweredEntry, program: Profilable) {
    this.lowered = lowered;
    this.text = program.text;
    const outputs = program.entries.includes("gradients") ? program.graph("gradients").outputs : [];
    this.gradients = new Map(outputs.flatMap(({ name, kind, node }) => {
      const held = lowered.schedule.became.get(node);
      return kind === "gradient" && held ? [[held, `∂${this.short(name)}`] as const] : [];
    }));
  }

  /** `h1`, `∂h2.W`, `new h1.W, h1.b`; of stages `h1, z, ∂z, …; new h1.W`; empty where nothing of it has a name. */
  of(kernel: Kernel): string {
    const updated = [...kernel.writes].flatMap((b) => (b.place === "param" && b.path !== undefined ? [this.short(b.path)] : []));
    const nodes = kernel.nests.filter((n) => !stores(n).some((s) => partsOf(s.buffer).some((b) => b.place === "param"))).flatMap((n) => n.nodes);
    const values = new Set(nodes.flatMap((n) => this.gradients.get(n) ?? this.nameOf(n)?.text ?? []));
    return [several([...values]), updated.length > 0 ? `new ${several(updated)}` : ""].filter((part) => part !== "").join("; ");
  }

  /** The place of what costs most: the first loop that stands in the user's text, else what it is called there, else any place. */
  spanOf(kernel: Kernel): Span | undefined {
    const nodes = kernel.nests.flatMap((n) => n.nodes);
    const places = [...nodes.filter(isAnchor), ...nodes].map((n) => placesOf(this.lowered.schedule, n, this.text)[0]);
    const sure = places.find((p) => p && p.text !== nearby);
    return sure?.span ?? nodes.map((n) => this.nameOf(n)?.span).find((s) => s !== undefined) ?? places.find((p) => p)?.span;
  }

  /** What the user calls a node. */
  private nameOf(node: Node): { readonly text: string; readonly span: Span } | undefined {
    const name = this.lowered.schedule.origins.get(node)?.name;
    return name && !this.text.isLibrary(name.span.source) ? name : undefined;
  }

  /** A path without the model's name, which is the same in all. */
  private short(path: string): string {
    return path.slice(path.indexOf(".") + 1);
  }
}

function several(names: readonly string[]): string {
  return names.length > mostNames ? `${names.slice(0, mostNames).join(", ")}, …` : names.join(", ");
}
