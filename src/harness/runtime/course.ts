/**
 * What goes on from phase to phase of a training run: the engine and its data, how many updates were made (the counter of
 * draws), how often each step's optimizer was run (its `t`), and the runs whose results were not read yet.
 *
 *     await course.run({ run: critic, place: { round: 1, step: 0, run: 2 }, epoch: 1 }, batches);
 *     await course.drain(0);
 */
import { fieldsOf } from "./batch.ts";
import type { BatchPlace, Batches } from "./batches.ts";
import type { Dataset } from "./dataset.ts";
import type { Call, Engine, Outcome, Outputs } from "./engine.ts";
import { evaluatePart, type Evaluation } from "./evaluate-part.ts";
import { InParts } from "./in-parts.ts";
import type { Program } from "./program.ts";
import { countedScalars } from "./scalars.ts";
import { evaluationSeed } from "./seeds.ts";
import type { RunPlan } from "./train-plan.ts";
import type { Failure } from "./train-report.ts";

/** What runs are made of. */
export interface CourseOptions {
  readonly engine: Engine;
  readonly program: Pick<Program, "inputs" | "hypers" | "batch">;
  readonly seed: number;
  /** The steps of all phases. */
  readonly entries: readonly string[];
  readonly hypers: Readonly<Record<string, number>>;
  /** The most examples that are evaluated in one run; else as many as the device allows. */
  readonly most?: number;
}

/** One run of one step. */
export interface RunAt {
  readonly run: RunPlan;
  readonly place: BatchPlace;
  /** Since the optimizer began. */
  readonly epoch: number;
}

interface Queued extends RunAt {
  readonly outcome: Outcome;
  readonly rows: number;
  readonly t: number;
  readonly update: number;
  readonly batches: Batches;
}

/** Mean losses since they were last taken, by entry. */
interface Mean {
  sum: number;
  rows: number;
}

export class Course {
  private readonly o: CourseOptions;
  private readonly inParts: InParts;
  private readonly unread: Queued[] = [];
  private readonly means = new Map<string, Mean>();
  private bad: Queued | undefined;
  /** Updates so far, of all steps: the counter of draws. */
  updates = 0;
  /** Updates by entry: the `t` of its optimizer. */
  readonly counts = new Map<string, number>();

  constructor(options: CourseOptions) {
    this.o = options;
    this.inParts = new InParts(options);
  }

  /** True once an update was not finite: it and all later ones stored nothing. */
  get failed(): boolean {
    return this.bad !== undefined;
  }

  /** Queues a run of a step on its batch. */
  async run(at: RunAt, batches: Batches): Promise<void> {
    const batch = batches.at(at.place);
    const t = (this.counts.get(at.run.entry) ?? 0) + 1;
    this.counts.set(at.run.entry, t);
    const update = ++this.updates;
    const outcome = await this.o.engine.run(at.run.entry, this.call(batch, t, at.epoch, update));
    this.unread.push({ ...at, outcome, rows: batch?.rows ?? 1, t, update, batches });
  }

  /** Reads outcomes until at most `keep` are unread. */
  async drain(keep: number): Promise<void> {
    while (this.unread.length > keep) {
      const next = this.unread.shift();
      if (!next) return;
      const outputs = await next.outcome.read();
      // The word is sticky, so the first run that shows it is the bad one.
      if ((scalarOf(outputs, "status") ?? 0) !== 0) this.bad ??= next;
      const mean = this.means.get(next.run.entry) ?? { sum: 0, rows: 0 };
      mean.sum += (scalarOf(outputs, "loss") ?? 0) * next.rows;
      mean.rows += next.rows;
      this.means.set(next.run.entry, mean);
    }
  }

  /** The mean loss of each step since this was last asked, by entry. */
  takeLosses(): ReadonlyMap<string, number> {
    const losses = new Map([...this.means].filter(([, m]) => m.rows > 0).map(([entry, m]) => [entry, m.sum / m.rows]));
    this.means.clear();
    return losses;
  }

  /** All optimizers count their updates from 1 again. */
  restart(): void {
    this.counts.clear();
  }

  /** The optimizers go on from where they were. */
  rewind(counts: ReadonlyMap<string, number>): void {
    this.counts.clear();
    for (const [entry, count] of counts) this.counts.set(entry, count);
  }

  /** Loss and metrics over a part, or of a model without data, with draws of evaluation's own. */
  evaluate(part: Dataset | undefined, epoch: number): Promise<Evaluation> {
    const { program, seed } = this.o;
    const t = Math.max(1, ...this.counts.values());
    return evaluatePart(this.inParts, part, {
      ...(program.batch && { batch: program.batch }), scalars: this.scalars(t, epoch), seed: evaluationSeed(seed), step: this.updates,
    });
  }

  /** Runs the bad update's batch once more, with its draws, from the kept weights, and names what is not finite; `tell` may look closer. */
  async blame(tell?: (entry: string, call: Call) => Promise<void>): Promise<Failure> {
    const { bad } = this;
    if (!bad) return { step: 0, names: [] };
    const call = this.call(bad.batches.at(bad.place), bad.t, bad.epoch, bad.update);
    const outcome = await this.o.engine.run("gradients", call);
    // Other steps' losses are not what ended the run.
    const own = ["loss", `${bad.run.name ?? "step"}.loss`, `${bad.run.entry.slice("step.".length)}.loss`];
    const names = Object.entries(await outcome.read())
      .filter(([name, o]) => (o.kind !== "loss" || own.includes(name)) && !Array.from(o.data).every(Number.isFinite))
      .map(([name, o]) => (o.kind === "gradient" ? `the gradient of ${name}` : name));
    await tell?.(bad.run.entry, call);
    return { step: bad.t, ...(bad.run.name !== undefined && { run: bad.run.name }), names };
  }

  private call(batch: Dataset | undefined, t: number, epoch: number, update: number): Call {
    const { program, seed } = this.o;
    return {
      live: program.batch && batch ? { [program.batch]: batch.rows } : {}, inputs: batch ? fieldsOf(batch) : {}, scalars: this.scalars(t, epoch), seed, step: update, example: 0,
    };
  }

  private scalars(t: number, epoch: number): Call["scalars"] {
    return { hyper: { ...this.o.program.hypers, ...this.o.hypers }, step: countedScalars({ t, epoch, entries: this.o.entries, counts: this.counts }) };
  }
}

function scalarOf(outputs: Outputs, name: string): number | undefined {
  return outputs[name]?.data[0];
}
