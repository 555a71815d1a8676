/**
 * One phase of training: epochs of training steps, evaluation after each, its stopping rule, the best values kept. Losses
 * are read behind the device, never waited for inside an epoch.
 */
import { Batches } from "./batches.ts";
import type { Course } from "./course.ts";
import type { Dataset } from "./dataset.ts";
import type { Engine, Snapshot } from "./engine.ts";
import type { Evaluation } from "./evaluate-part.ts";
import { evaluateFormula } from "./formula.ts";
import type { EarlyStop, Part, PhasePlan, ReachStop, RunLeaf } from "./train-plan.ts";
import type { End, EpochReport, PhaseResult, StepReport } from "./train-report.ts";

/** Outcomes left unread behind the newest run: more than one staging buffer holds, so what is read was mapped long ago. */
const lag = 128;

/** What a phase needs. */
export interface PhaseOptions {
  readonly engine: Engine;
  readonly course: Course;
  readonly phase: PhasePlan;
  /** How long it lasts at most: one of the two. */
  readonly length: { readonly epochs?: number; readonly steps?: number };
  /** All steps minimise one thing, which an evaluation calls `loss`. */
  readonly shared: boolean;
  readonly seed: number;
  /** Absent for a model without data. */
  readonly parts?: Readonly<Record<Part, Dataset>>;
  /** The examples that the steps see. */
  readonly fitted?: Dataset;
  /** Passes over data before this phase: their orders are not used again. */
  readonly passes: number;
  /** Epochs since the optimizers began. */
  readonly epochs: number;
  /** What is known of earlier phases. */
  readonly known: (leaf: RunLeaf) => number;
  readonly onEpoch: (report: EpochReport) => void;
  readonly onStep: (report: StepReport) => void;
  readonly interrupted: () => boolean;
}

interface Best {
  readonly value: number;
  readonly epoch: number;
  readonly step: number;
  readonly snapshot: Snapshot;
  readonly counts: ReadonlyMap<string, number>;
}

/** What was measured of the parts after an epoch, evaluated when first asked for. */
type Measure = (part: Part, name: string) => Promise<number | undefined>;

/** Runs the phase; the values stay in the engine. Throws what the engine throws. */
export async function runPhase(options: PhaseOptions): Promise<PhaseResult> {
  return new PhaseRun(options).run();
}

class PhaseRun {
  private readonly o: PhaseOptions;
  private readonly batches: Batches;
  private readonly total: number;
  private readonly name: { readonly phase?: string };
  private step = 0;
  private best: Best | undefined;

  constructor(options: PhaseOptions) {
    this.o = options;
    const { phase, length, fitted, seed } = options;
    this.batches = new Batches(fitted, { batch: phase.batch, most: Math.max(1, ...phase.runs.map((r) => r.times)), seed });
    this.total = length.steps ?? (length.epochs ?? 1) * this.batches.perEpoch;
    this.name = phase.name === undefined ? {} : { phase: phase.name };
  }

  async run(): Promise<PhaseResult> {
    const { engine, course, parts, phase } = this.o;
    const { stop } = phase;
    let end: End = "finished";
    let epochs = 0;
    for (let epoch = 1; this.step < this.total && end === "finished"; epoch++) {
      if (!(await this.epoch(epoch))) end = "interrupted";
      await course.drain(0);
      if (course.failed) {
        end = "not finite";
        break;
      }
      const losses = this.losses();
      if (!losses) break;
      epochs = epoch;
      const validation = parts && parts.validation.rows > 0 ? await course.evaluate(parts.validation, this.o.epochs + epoch) : undefined;
      const measure = this.measure(epoch, losses.loss, validation);
      const better = stop?.kind === "early" && (await this.improved(stop, epoch, measure));
      this.o.onEpoch({ ...this.name, epoch, step: this.step, ...losses, best: better, ...(validation && { validation }) });
      if (end !== "finished") break;
      if (stop?.kind === "reach" && (await this.reached(stop, measure))) end = "reached";
      if (stop?.kind === "early" && this.best && epoch - this.best.epoch >= stop.patience && this.step < this.total) end = "early";
    }
    const kept = stop?.kind === "early" && stop.restore === "best" && end !== "not finite" ? this.best : undefined;
    if (kept) {
      engine.restore(kept.snapshot);
      course.rewind(kept.counts);
    }
    return { ...(phase.name !== undefined && { name: phase.name }), end, epochs, steps: this.step, ...(kept && { bestEpoch: kept.epoch, bestStep: kept.step }) };
  }

  /** One pass over the fitted examples; false when interrupted. */
  private async epoch(epoch: number): Promise<boolean> {
    const { course, phase, length } = this.o;
    for (let k = 0; k < this.batches.perEpoch && this.step < this.total && !course.failed; k++) {
      if (this.o.interrupted()) return false;
      this.step++;
      for (const run of phase.runs) {
        for (let j = 0; j < run.times; j++) {
          await course.run({ run, place: { round: this.o.passes + epoch, step: k, run: j }, epoch: this.o.epochs + epoch }, this.batches);
          await course.drain(lag);
        }
      }
      this.o.onStep({ ...this.name, epoch, step: this.step, steps: this.total, ...(length.epochs !== undefined && length.steps === undefined && { epochs: length.epochs }) });
    }
    return true;
  }

  /** The epoch's mean losses; undefined when nothing ran. */
  private losses(): Pick<EpochReport, "loss" | "losses"> | undefined {
    const { runs } = this.o.phase;
    const losses = this.o.course.takeLosses();
    if (losses.size === 0) return undefined;
    const [first] = runs;
    const loss = first && this.o.shared ? losses.get(first.entry) : undefined;
    const named: Record<string, number> = Object.create(null);
    for (const { name, entry } of runs) if (name !== undefined) named[name] = losses.get(entry) ?? Number.NaN;
    return { ...(loss !== undefined && { loss }), ...(Object.keys(named).length > 0 && { losses: named }) };
  }

  /** `training.loss` is the epoch's own where the steps see the training part and nothing else: it costs nothing. */
  private measure(epoch: number, loss: number | undefined, validation: Evaluation | undefined): Measure {
    const { parts, course, phase } = this.o;
    const plain = phase.only === undefined && phase.fit.join() === "training";
    const evaluated = new Map<Part, Evaluation>(validation ? [["validation", validation]] : []);
    return async (part, name) => {
      if (part === "training" && name === "loss" && loss !== undefined && (plain || !parts)) return loss;
      const values = evaluated.get(part) ?? (await course.evaluate(parts?.[part], this.o.epochs + epoch));
      evaluated.set(part, values);
      return values[name];
    };
  }

  /** Whether the epoch is the best so far; then its values are kept. */
  private async improved({ monitor }: EarlyStop, epoch: number, measure: Measure): Promise<boolean> {
    const value = await measure(monitor.part, monitor.name);
    const { best } = this;
    if (value === undefined || (best && !Number.isNaN(best.value) && !improves(monitor.name, value, best.value))) return false;
    this.best = { value, epoch, step: this.step, snapshot: await this.o.engine.snapshot(), counts: new Map(this.o.course.counts) };
    return true;
  }

  private async reached({ condition }: ReachStop, measure: Measure): Promise<boolean> {
    const values = new Map<string, number>();
    for (const item of condition.code) {
      if ("leaf" in item && item.leaf.kind === "measured") values.set(`${item.leaf.part} ${item.leaf.name}`, (await measure(item.leaf.part, item.leaf.name)) ?? Number.NaN);
    }
    return evaluateFormula(condition, (leaf) => (leaf.kind === "measured" ? (values.get(`${leaf.part} ${leaf.name}`) ?? Number.NaN) : this.o.known(leaf))) !== 0;
  }
}

/** Losses fall; anything else a model measures (accuracy, …) rises, unless its name says that it is an error or a loss. */
export function improves(name: string, value: number, best: number): boolean {
  const falls = /loss|error|^r?m[sa]p?e$|^nll$|entropy|divergence|perplexity|distance/i.test(name);
  return falls ? value < best : value > best;
}
