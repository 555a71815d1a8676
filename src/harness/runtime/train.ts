/**
 * The training loop: batches of shuffled examples through the `step` entry, evaluation after each epoch, early
 * stopping, the best weights kept. Losses are read behind the device, never waited for inside the loop.
 *
 *     const result = await train({ engine, program, plan, data, onEpoch: (e) => print(e) });
 *
 * The step stores nothing once a loss or gradient was not finite (commits are predicated on the device), so when the
 * loop hears of it the last good weights are still there.
 */
import { fieldsOf, rowsOf } from "./batch.ts";
import { split, type Dataset } from "./dataset.ts";
import { EngineError, type Engine, type Outcome, type Outputs } from "./engine.ts";
import { evaluatePart, type Evaluation } from "./evaluate-part.ts";
import type { Program } from "./program.ts";
import { shuffled } from "./shuffle.ts";
import type { TrainPlan } from "./train-plan.ts";

/** Outcomes left unread behind the newest step: more than one staging buffer holds, so what is read was mapped long ago. */
const lag = 128;

/** What is known when an epoch ends. */
export interface EpochReport {
  readonly epoch: number;
  /** Updates done so far. */
  readonly step: number;
  /** Mean over the epoch's examples of the loss each step started from. */
  readonly loss: number;
  readonly validation?: Evaluation;
  readonly best: boolean;
}

/** Where the run is. */
export interface StepReport {
  readonly epoch: number;
  readonly step: number;
  /** Steps of the whole run, when every epoch runs. */
  readonly steps: number;
}

/** What training needs. */
export interface TrainOptions {
  readonly engine: Engine;
  readonly program: Pick<Program, "inputs" | "hypers" | "batch">;
  readonly plan: TrainPlan;
  /** Absent for a model without data. */
  readonly data?: Dataset;
  readonly hypers?: Readonly<Record<string, number>>;
  readonly onEpoch?: (report: EpochReport) => void;
  readonly onStep?: (report: StepReport) => void;
  /** Asked before each step; true ends the run with what is there. */
  readonly interrupted?: () => boolean;
}

/** How training ended. */
export interface TrainResult {
  readonly end: "finished" | "early" | "interrupted" | "not finite";
  readonly epochs: number;
  readonly steps: number;
  readonly history: readonly EpochReport[];
  /** The epoch whose weights are in the store, when the block keeps the best. */
  readonly bestEpoch?: number;
  readonly final?: { readonly training?: Evaluation; readonly validation?: Evaluation; readonly test?: Evaluation };
  /** When not finite: the first bad step and what was not finite when it was run again. */
  readonly failure?: { readonly step: number; readonly names: readonly string[] };
}

/** Trains; the parameters stay in the engine. Throws what the engine throws. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  return new Training(options).run();
}

class Training {
  private readonly o: TrainOptions;
  private readonly parts: ReturnType<typeof split> | undefined;
  private readonly perEpoch: number;
  private readonly total: number;
  private readonly history: EpochReport[] = [];
  private readonly unread: { readonly outcome: Outcome; readonly rows: number }[] = [];
  private step = 0;
  private lossSum = 0;
  private lossRows = 0;
  private badStep = 0;

  constructor(options: TrainOptions) {
    this.o = options;
    const { plan, data, program } = options;
    const [first] = program.inputs;
    if (first && !data) throw new EngineError("E0402", `the train block ${plan.name} names no data, and the model has inputs (${first.name})`);
    this.parts = data ? split(data, plan.split, plan.seed) : undefined;
    const rows = this.parts?.training.rows ?? 1;
    this.perEpoch = plan.batch === "all" || !this.parts ? 1 : Math.ceil(rows / Math.min(plan.batch, rows));
    this.total = plan.steps ?? (plan.epochs ?? 1) * this.perEpoch;
  }

  async run(): Promise<TrainResult> {
    const { plan, engine } = this.o;
    const stop = plan.stop;
    let best: { value: number; epoch: number; snapshot: Awaited<ReturnType<Engine["snapshot"]>> } | undefined;
    let end: TrainResult["end"] = "finished";
    for (let epoch = 1; this.step < this.total && end === "finished"; epoch++) {
      if (!(await this.epoch(epoch))) end = "interrupted";
      await this.drain(0);
      if (this.badStep > 0) {
        end = "not finite";
        break;
      }
      if (this.lossRows === 0) break;
      const validation = this.parts && this.parts.validation.rows > 0 ? await this.evaluate(this.parts.validation) : undefined;
      const loss = this.lossSum / this.lossRows;
      const watched = stop && (await this.watched(stop.monitor, loss, validation));
      const better = watched !== undefined && (best === undefined || Number.isNaN(best.value) || improves(stop?.monitor.name ?? "loss", watched, best.value));
      if (better) best = { value: watched, epoch, snapshot: await engine.snapshot() };
      const report: EpochReport = { epoch, step: this.step, loss, best: better, ...(validation && { validation }) };
      this.history.push(report);
      this.o.onEpoch?.(report);
      if (stop && best && epoch - best.epoch >= stop.patience && end === "finished" && this.step < this.total) end = "early";
    }
    if (best && stop?.restore === "best" && end !== "not finite") engine.restore(best.snapshot);
    return {
      end,
      epochs: this.history.length,
      steps: this.step,
      history: this.history,
      ...(best && stop?.restore === "best" && end !== "not finite" && { bestEpoch: best.epoch }),
      ...(end === "not finite" ? { failure: await this.blame() } : { final: await this.finalEvaluation() }),
    };
  }

  /** One pass over the training part; false when interrupted. */
  private async epoch(epoch: number): Promise<boolean> {
    this.lossSum = 0;
    this.lossRows = 0;
    for (let k = 0; k < this.perEpoch && this.step < this.total && this.badStep === 0; k++) {
      if (this.o.interrupted?.()) return false;
      this.step++;
      const batch = this.batch(this.step);
      const outcome = await this.o.engine.run("step", this.call(batch, epoch, this.step));
      this.unread.push({ outcome, rows: batch?.rows ?? 1 });
      this.o.onStep?.({ epoch, step: this.step, steps: this.total });
      await this.drain(lag);
    }
    return true;
  }

  /** The examples of a step (counted from 1). */
  private batch(step: number): Dataset | undefined {
    const training = this.parts?.training;
    if (!training) return undefined;
    if (this.o.plan.batch === "all") return training;
    const size = Math.min(this.o.plan.batch, training.rows);
    const round = Math.floor((step - 1) / this.perEpoch) + 1;
    const from = ((step - 1) % this.perEpoch) * size;
    return rowsOf(training, shuffled(training.rows, this.o.plan.seed, round).subarray(from, from + size));
  }

  private call(batch: Dataset | undefined, epoch: number, step: number): Parameters<Engine["run"]>[1] {
    const { plan, program } = this.o;
    return {
      live: program.batch && batch ? { [program.batch]: batch.rows } : {},
      inputs: batch ? fieldsOf(batch) : {},
      scalars: { hyper: { ...program.hypers, ...this.o.hypers }, step: { t: step, epoch } },
      seed: plan.seed,
      step,
      example: 0,
    };
  }

  /** Reads outcomes until at most `keep` are unread. */
  private async drain(keep: number): Promise<void> {
    while (this.unread.length > keep) {
      const next = this.unread.shift();
      if (!next) return;
      const outputs = await next.outcome.read();
      const status = scalarOf(outputs, "status") ?? 0;
      if (status !== 0 && this.badStep === 0) this.badStep = status;
      this.lossSum += (scalarOf(outputs, "loss") ?? 0) * next.rows;
      this.lossRows += next.rows;
    }
  }

  private evaluate(part: Dataset): Promise<Evaluation> {
    const { engine, program, plan } = this.o;
    return evaluatePart(engine, part, {
      ...(program.batch && { batch: program.batch }),
      scalars: { hyper: { ...program.hypers, ...this.o.hypers }, step: { t: Math.max(1, this.step), epoch: this.history.length + 1 } },
      seed: plan.seed,
      step: this.step,
    });
  }

  private async watched(monitor: { part: string; name: string }, loss: number, validation: Evaluation | undefined): Promise<number | undefined> {
    if (monitor.part === "validation") return validation?.[monitor.name];
    if (monitor.part === "training" && monitor.name === "loss") return loss;
    const part = monitor.part === "test" ? this.parts?.test : this.parts?.training;
    return part ? (await this.evaluate(part))[monitor.name] : undefined;
  }

  private async finalEvaluation(): Promise<NonNullable<TrainResult["final"]>> {
    if (!this.parts) return {};
    const { training, validation, test } = this.parts;
    return {
      training: await this.evaluate(training),
      ...(validation.rows > 0 && { validation: await this.evaluate(validation) }),
      ...(test.rows > 0 && { test: await this.evaluate(test) }),
    };
  }

  /** Runs the bad step's batch once more from the kept weights and names what is not finite. */
  private async blame(): Promise<{ step: number; names: readonly string[] }> {
    const batch = this.batch(this.badStep);
    const outcome = await this.o.engine.run("gradients", this.call(batch, Math.ceil(this.badStep / this.perEpoch), this.badStep));
    const outputs = await outcome.read();
    const names = Object.entries(outputs)
      .filter(([, o]) => !Array.from(o.data).every(Number.isFinite))
      .map(([name, o]) => (o.kind === "gradient" ? `the gradient of ${name}` : name));
    return { step: this.badStep, names };
  }
}

function scalarOf(outputs: Outputs, name: string): number | undefined {
  return outputs[name]?.data[0];
}

/** Losses fall; anything else a model measures (accuracy, …) rises, unless its name says that it is an error or a loss. */
export function improves(name: string, value: number, best: number): boolean {
  const falls = /loss|error|^r?m[sa]p?e$|^nll$|entropy|divergence|perplexity|distance/i.test(name);
  return falls ? value < best : value > best;
}
