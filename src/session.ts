/**
 * A program on a device or on the f64 evaluator: parameters by name, training steps, evaluation, prediction,
 * gradients, all with plain typed arrays.
 *
 *     const session = await openSession(program, { device });        // or { backend: "f64" }
 *     const { loss } = await session.step({ x, y });
 *     const { p } = await session.predict({ x });
 */
import type { Choices } from "../kernels/alternatives.ts";
import { largestBatch } from "./check/train-facts.ts";
import type { CompiledProgram } from "./compile.ts";
import { type DeviceClass, limitsOf, profileFor } from "./harness/device-class.ts";
import { F64Engine } from "./harness/f64-engine.ts";
import { checkRange, liveOf } from "./harness/feed.ts";
import type { Dataset } from "./harness/runtime/dataset.ts";
import { EngineError, type Call, type Engine, type OutputValue, type Values } from "./harness/runtime/engine.ts";
import { GpuEngine } from "./harness/runtime/gpu-engine.ts";
import { InParts } from "./harness/runtime/in-parts.ts";
import type { StoredTensor } from "./harness/runtime/program.ts";
import { isSaved, matchSaved } from "./harness/runtime/saved.ts";
import { readSafetensors, writeSafetensors } from "./harness/runtime/safetensors.ts";
import { countedScalars } from "./harness/runtime/scalars.ts";
import { evaluationSeed } from "./harness/runtime/seeds.ts";
import { elementsOf } from "./harness/runtime/sizes.ts";
import { train, type TrainOptions, type TrainResult } from "./harness/runtime/train.ts";
import { isStep, type EntryName } from "./graph/build.ts";
import type { SplitEntry } from "./graph/split-by-example.ts";
import { blameRun } from "./report/blame-run.ts";
import type { Diagnostic } from "./support/diagnostic.ts";

/** Where a session runs. */
export type SessionOptions = {
  /** Seed of initial values and draws; the train block's, else 0. */
  readonly seed?: number;
  /** Largest batch a training step is compiled for; the train block's. Other entries grow with what they are given. */
  readonly batch?: number;
  /** Bytes that a training step may keep between its kernels: values that do not fit are computed twice. Unlimited without it. */
  readonly memory?: number;
  /**
   * Keeps what the forward pass of a training step leaves for its gradient in 16 bits a number, where the device was opened with the feature
   * `shader-f16`; elsewhere in 32, as without it. Sums, gradients and parameters have 32 bits everywhere.
   */
  readonly half?: boolean;
  /** Entries that will run soon, `step` say: their kernels are made while the initial values are. */
  readonly prepare?: readonly EntryName[];
  /** Most examples that an evaluation, a prediction or gradients take in one run; as many as the device allows. What they give does not depend on it. */
  readonly most?: number;
} & ({ readonly backend: "f64" } | OnDevice);

/** On a device, with what is known of it. */
export interface OnDevice extends DeviceClass {
  readonly backend?: "webgpu";
  /** Kernels that were found faster on the device than those of the cost model (see tuneProgram). */
  readonly choices?: Choices;
}

/** Tensors by input name: flat, row-major. */
export type Feed = Readonly<Record<string, ArrayLike<number>>>;

/** Compiles what is needed for the device, sets all parameters to their initial values. Throws EngineError and UserError. */
export async function openSession(program: CompiledProgram, options: SessionOptions): Promise<Session> {
  const session = new Session(program, makeEngine(program, options), options);
  const ready = session.reset();
  const { batch } = program.info;
  for (const entry of options.prepare ?? []) session.engine.prepare(entry, batch === undefined ? {} : { [batch]: options.batch ?? largestBatch(program.train) ?? 1 });
  await ready;
  return session;
}

function makeEngine(program: CompiledProgram, options: SessionOptions): Engine {
  if (options.backend === "f64") return new F64Engine({ program: program.info, graphOf: (entry) => program.graph(entry as EntryName | SplitEntry) });
  const profile = profileFor(options);
  const batch = options.batch ?? largestBatch(program.train) ?? 0;
  const half = options.half === true && options.device.features.has("shader-f16");
  return new GpuEngine({
    device: options.device,
    program: program.info,
    planFor: (entry, live) => {
      const capacity = Object.fromEntries(Object.entries(live).map(([s, n]) => [s, isStep(entry) ? Math.max(n, batch) : n]));
      const { plan, texts } = program.lower(entry as EntryName | SplitEntry, { capacity, profile, half, limits: limitsOf(options.device), ...(options.choices && { choices: options.choices }), ...(options.memory !== undefined && { memory: options.memory }) });
      return { plan, kernels: texts };
    },
  });
}

/** A step met a number that is not finite and changed nothing; `diagnostic` says who made it, where that is known. */
export class NotFinite extends EngineError {
  readonly diagnostic: Diagnostic | undefined;
  constructor(update: number, diagnostic: Diagnostic | undefined) {
    super("E0606", `${diagnostic?.message ?? `the loss or a gradient was not finite at update ${update}`}; the parameters are those before it`);
    this.name = "NotFinite";
    this.diagnostic = diagnostic;
  }
}

/** Updates so far, and by entry. */
interface Progress {
  readonly updates: number;
  readonly counts: ReadonlyMap<string, number>;
}

export class Session {
  readonly program: CompiledProgram;
  readonly engine: Engine;
  private readonly seed: number;
  private readonly hypers: Record<string, number>;
  /** Updates so far: the counter of draws. */
  private updates = 0;
  /** Updates by entry: the `t` of each step's optimizer. */
  private readonly counts = new Map<string, number>();
  private loaded = false;
  /** Steps that were asked for and have not ended. */
  private underWay = 0;
  /** Of the steps under way, the first with a number that is not finite: what was counted before it, and what is said of it. */
  private stopped: { readonly before: Progress; readonly error: Promise<NotFinite> } | undefined;
  private readonly options: SessionOptions;
  private readonly inParts: InParts;

  constructor(program: CompiledProgram, engine: Engine, options: SessionOptions) {
    this.program = program;
    this.engine = engine;
    this.options = options;
    this.inParts = new InParts({ engine, program: program.info, ...(options.most !== undefined && { most: options.most }) });
    this.seed = options.seed ?? program.train?.seed ?? 0;
    this.hypers = { ...program.info.hypers };
  }

  /** Path, shape, element type and role of every parameter. */
  get parameters(): readonly StoredTensor[] {
    return this.program.info.store.tensors.filter((t) => t.kind === "param");
  }

  /** Initial values for parameters and state; the update count starts again. */
  async reset(): Promise<void> {
    this.updates = 0;
    this.counts.clear();
    await (await this.engine.run("init", this.call({}, { t: 1, step: 0, seed: this.seed }))).read();
  }

  /** A copy of a parameter or state. Throws EngineError E0505 on an unknown path. */
  get(path: string): Promise<Values> {
    return this.engine.read(path);
  }

  /** Throws EngineError E0504 when the number of elements differs. */
  set(path: string, values: ArrayLike<number>): void {
    this.engine.write(path, values);
  }

  /** Changes a hyperparameter that fixes no size; throws EngineError E0510 on any other name. */
  setHyper(name: string, value: number): void {
    if (!Object.hasOwn(this.hypers, name)) throw new EngineError("E0510", `there is no hyperparameter ${name} that can change without compiling again`);
    this.hypers[name] = value;
  }

  /**
   * One update on a batch; the loss and its named terms before the update. `step` names which, where the train block has
   * several. Steps may be asked for without waiting for those before, and run in that order. Throws EngineError E0520 on another
   * name, a NotFinite (E0606) when something is not finite: so do all that are under way then, and none of them changes anything.
   */
  async step(feed: Feed = {}, options: { readonly step?: string } = {}): Promise<Readonly<Record<string, number>>> {
    const entry = this.stepEntry(options.step);
    const before: Progress = { updates: this.updates, counts: new Map(this.counts) };
    const t = (this.counts.get(entry) ?? 0) + 1;
    const call = this.call(feed, { t, step: before.updates + 1, seed: this.seed });
    this.updates++;
    this.counts.set(entry, t);
    this.underWay++;
    try {
      const outputs = await (await this.engine.run(entry, call)).read();
      const status = outputs["status"]?.data[0] ?? 0;
      if (status === 0) return scalars(outputs);
      // The word is sticky, so what is queued behind changes nothing either and ends with what is found of the first.
      this.stopped ??= { before, error: this.blame(entry, call).then((blame) => new NotFinite(status, blame)) };
      throw await this.stopped.error;
    } catch (error) {
      // What did not run is not counted, unless others were numbered after it.
      if (!this.stopped && this.updates === before.updates + 1) this.goBack(before);
      throw error;
    } finally {
      this.underWay--;
      if (this.stopped && this.underWay === 0) {
        this.engine.write("status", [0]);
        this.goBack(this.stopped.before);
        this.stopped = undefined;
      }
    }
  }

  private goBack({ updates, counts }: Progress): void {
    this.updates = updates;
    this.counts.clear();
    for (const [entry, count] of counts) this.counts.set(entry, count);
  }

  /** Names that `step` takes: `critic`, or `warm.critic` where phases have steps of their own. Empty where there is one step alone. */
  get steps(): readonly string[] {
    return this.program.entries.filter(isStep).flatMap((entry) => (entry === "step" ? [] : [entry.slice("step.".length)]));
  }

  private stepEntry(name: string | undefined): EntryName {
    if (!this.program.train) throw new EngineError("E0407", `${this.program.model.name} has no train block`);
    const entries = this.program.entries.filter(isStep);
    const [only] = entries;
    const entry = name === undefined ? (entries.length === 1 ? only : undefined) : entries.find((e) => e === `step.${name}`);
    if (entry) return entry;
    const listed = this.steps.join(", ") || "one step, which has no name";
    throw new EngineError("E0520", name === undefined ? `${this.program.train.name} has several steps, and one must be named: ${listed}` : `${this.program.train.name} has no step ${name}; it has ${listed}`);
  }

  /** Loss, terms, metrics and outputs, as evaluation sees them. */
  evaluate(feed: Feed = {}): Promise<Readonly<Record<string, OutputValue>>> {
    return this.outputs("evaluate", feed);
  }

  /** The model's outputs; targets are not needed. */
  predict(feed: Feed = {}): Promise<Readonly<Record<string, OutputValue>>> {
    return this.outputs("predict", feed);
  }

  /** The loss (under `loss`) and its gradient for each parameter, by path. */
  gradients(feed: Feed = {}): Promise<Readonly<Record<string, OutputValue>>> {
    return this.outputs("gradients", feed);
  }

  private async outputs(entry: EntryName, feed: Feed): Promise<Readonly<Record<string, OutputValue>>> {
    const call = this.call(feed, { t: Math.max(1, ...this.counts.values()), step: this.updates, seed: evaluationSeed(this.seed) });
    return this.inParts.run(entry, call);
  }

  /** Who made the first number that is not finite in a run of a step, from the values that are stored now; undefined where none is. */
  async blame(entry: EntryName, call: Call): Promise<Diagnostic | undefined> {
    const { program, options } = this;
    const { model } = program;
    const profile = options.backend === "f64" ? undefined : profileFor(options);
    return blameRun(program.graph(entry), {
      program: program.info, held: await this.engine.snapshot(), call, text: program.text,
      what: `not a finite number at update ${call.scalars.step["t"]}${entry === "step" ? "" : ` of ${entry.slice("step.".length)}`}`,
      declared: (path) => [...model.params, ...model.states].find((p) => p.path === path)?.span ?? model.inputs.find((i) => i.name === path)?.span,
      ...(options.backend !== "f64" && profile && { device: { device: options.device, lower: (graph, live, keep) => program.lower(graph, { capacity: live, profile, keep, limits: limitsOf(options.device) }) } }),
    });
  }

  /** Trains as the file's train block says; where that ends with a number that is not finite, `blame` says who made it. Throws EngineError E0407 when there is no block. */
  async train(data: Dataset | undefined, options: Pick<TrainOptions, "onEpoch" | "onStep" | "interrupted"> = {}): Promise<TrainResult & { readonly blame?: Diagnostic }> {
    const plan = this.program.trainPlan;
    if (!plan) throw new EngineError("E0407", `${this.program.model.name} has no train block`);
    if (plan.start !== undefined && !this.loaded) throw new EngineError("E0523", `${plan.name} starts from ${plan.start}: load what that has saved before training`);
    let blame: Diagnostic | undefined;
    const onNotFinite = async (entry: string, call: Call): Promise<void> => {
      blame = await this.blame(entry as EntryName, call);
    };
    const result = await train({ engine: this.engine, program: this.program.info, plan, hypers: this.hypers, ...(data && { data }), ...(this.options.most !== undefined && { most: this.options.most }), ...options, onNotFinite });
    this.goBack(result);
    return { ...result, ...(blame && { blame }) };
  }

  /** The parameters, and the model's own states, as a safetensors file; where an optimizer has an output, that. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    const exported = this.program.entries.includes("export") ? await this.outputs("export", {}) : {};
    const tensors = [];
    for (const t of this.program.info.store.tensors.filter(isSaved))
      tensors.push({ name: t.name, dtype: t.dtype, shape: t.shape.map((d) => elementsOf([d], {})), data: exported[t.name]?.data ?? (await this.get(t.name)) });
    return writeSafetensors(tensors, { model: this.program.model.name });
  }

  /** Sets the parameters and states that a safetensors file holds (also under former paths, or under the same names in another model); returns the parameters it lacks. Throws EngineError E0504 on another shape, before anything is set. */
  load(bytes: Uint8Array): readonly string[] {
    const { program } = this;
    const { fitting, missing } = matchSaved(readSafetensors(bytes), program.info.store.tensors, program.model.name);
    for (const [path, data] of fitting) this.set(path, data);
    // What an optimizer has averaged so far says nothing of these values.
    this.counts.clear();
    this.loaded = true;
    return missing;
  }

  close(): void {
    this.engine.close();
  }

  private call(feed: Feed, { t, step, seed }: { readonly t: number; readonly step: number; readonly seed: number }): Call {
    const inputs: Record<string, Values> = Object.create(null);
    for (const i of this.program.info.inputs) {
      const values = Object.hasOwn(feed, i.name) ? feed[i.name] : undefined;
      if (!values) continue;
      checkRange(i, values);
      inputs[i.name] = Float64Array.from(values);
    }
    return {
      live: liveOf(this.program.info, feed), inputs, seed, step, example: 0, scalars: { hyper: this.hypers, step: countedScalars({ t, epoch: 1, entries: this.program.entries.filter(isStep), counts: this.counts }) },
    };
  }
}

function scalars(outputs: Readonly<Record<string, OutputValue>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(outputs).filter(([, o]) => o.shape.length === 0 && o.kind !== "status").map(([name, o]) => [name, o.data[0] ?? Number.NaN]),
  );
}
