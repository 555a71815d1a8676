/**
 * One phase of training: epochs of training steps, evaluation after each, early stopping, the best values kept. Losses are
 * read behind the device, never waited for inside an epoch.
 */
import { Batches } from "./batches.ts";
import type { Course } from "./course.ts";
import type { Dataset } from "./dataset.ts";
import type { Engine, Snapshot } from "./engine.ts";
import type { Evaluation } from "./evaluate-part.ts";
import type { EarlyStop, PhasePlan } from "./train-plan.ts";
import type { End, EpochReport, PhaseResult, StepReport } from "./train-report.ts";

/** Outcomes left unread behind the newest run: more than one staging buffer holds, so what is read was mapped long ago. */
const lag = 128;

/** What a phase needs. */
export interface PhaseOptions {
  readonly engine: Engine;
  readonly course: Course;
  readonly phase: PhasePlan;
  readonly seed: number;
  readonly parts?: { readonly training: Dataset; readonly validation: Dataset; readonly test: Dataset };
  /** Passes over data before this phase: their orders are not used again. */
  readonly passes: number;
  /** Epochs since the optimizers began. */
  readonly epochs: number;
  readonly onEpoch: (report: EpochReport) => void;
  readonly onStep: (report: StepReport) => void;
  readonly interrupted: () => boolean;
}

interface Best {
  readonly value: number;
  readonly epoch: number;
  readonly step: number;
  readonly snapshot: Snapshot;
}

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

  constructor(options: PhaseOptions) {
    this.o = options;
    const { phase, parts, seed } = options;
    this.batches = new Batches(parts?.training, { batch: phase.batch, most: Math.max(1, ...phase.runs.map((r) => r.times)), seed });
    this.total = phase.steps ?? (phase.epochs ?? 1) * this.batches.perEpoch;
    this.name = phase.name === undefined ? {} : { phase: phase.name };
  }

  async run(): Promise<PhaseResult> {
    const { engine, course, parts, phase } = this.o;
    const { stop } = phase;
    let best: Best | undefined;
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
      const watched = stop && (await this.watched(stop, epoch, losses.loss, validation));
      const better = watched !== undefined && (best === undefined || Number.isNaN(best.value) || improves(stop?.monitor.name ?? "loss", watched, best.value));
      if (better) best = { value: watched, epoch, step: this.step, snapshot: await engine.snapshot() };
      this.o.onEpoch({ ...this.name, epoch, step: this.step, ...losses, best: better, ...(validation && { validation }) });
      if (stop && best && epoch - best.epoch >= stop.patience && end === "finished" && this.step < this.total) end = "early";
    }
    const kept = best && stop?.restore === "best" && end !== "not finite" ? best : undefined;
    if (kept) engine.restore(kept.snapshot);
    return { ...(phase.name !== undefined && { name: phase.name }), end, epochs, steps: this.step, ...(kept && { bestEpoch: kept.epoch, bestStep: kept.step }) };
  }

  /** One pass over the training part; false when interrupted. */
  private async epoch(epoch: number): Promise<boolean> {
    const { course, phase } = this.o;
    for (let k = 0; k < this.batches.perEpoch && this.step < this.total && !course.failed; k++) {
      if (this.o.interrupted()) return false;
      this.step++;
      for (const run of phase.runs) {
        for (let j = 0; j < run.times; j++) {
          await course.run({ run, place: { round: this.o.passes + epoch, step: k, run: j }, epoch: this.o.epochs + epoch }, this.batches);
          await course.drain(lag);
        }
      }
      this.o.onStep({ ...this.name, epoch, step: this.step, steps: this.total });
    }
    return true;
  }

  /** The epoch's mean losses; undefined when nothing ran. */
  private losses(): Pick<EpochReport, "loss" | "losses"> | undefined {
    const { runs, shared } = this.o.phase;
    const losses = this.o.course.takeLosses();
    if (losses.size === 0) return undefined;
    const [first] = runs;
    const loss = first && shared ? losses.get(first.entry) : undefined;
    const named: Record<string, number> = Object.create(null);
    for (const { name, entry } of runs) if (name !== undefined) named[name] = losses.get(entry) ?? Number.NaN;
    return { ...(loss !== undefined && { loss }), ...(Object.keys(named).length > 0 && { losses: named }) };
  }

  private async watched({ monitor }: EarlyStop, epoch: number, loss: number | undefined, validation: Evaluation | undefined): Promise<number | undefined> {
    if (monitor.part === "validation") return validation?.[monitor.name];
    if (monitor.part === "training" && monitor.name === "loss") return loss;
    const part = monitor.part === "test" ? this.o.parts?.test : this.o.parts?.training;
    return part ? (await this.o.course.evaluate(part, this.o.epochs + epoch))[monitor.name] : undefined;
  }
}

/** Losses fall; anything else a model measures (accuracy, …) rises, unless its name says that it is an error or a loss. */
export function improves(name: string, value: number, best: number): boolean {
  const falls = /loss|error|^r?m[sa]p?e$|^nll$|entropy|divergence|perplexity|distance/i.test(name);
  return falls ? value < best : value > best;
}
