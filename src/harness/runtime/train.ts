/**
 * Training as a train block says: its phases in order, each with its steps, then an evaluation of every part.
 *
 *     const result = await train({ engine, program, plan, data, onEpoch: (e) => print(e) });
 *
 * A step stores nothing once a loss or gradient was not finite (commits are predicated on the device), so when the
 * loop hears of it the last good weights are still there.
 */
import { Course } from "./course.ts";
import { split, type Dataset } from "./dataset.ts";
import { EngineError, type Call, type Engine, type Snapshot } from "./engine.ts";
import { PastPhases } from "./past-phases.ts";
import { fittedBy } from "./fitted.ts";
import type { Program } from "./program.ts";
import { runPhase } from "./run-phase.ts";
import type { PhasePlan, RunPlan, TrainPlan } from "./train-plan.ts";
import type { EpochReport, PhaseResult, StepReport, TrainResult } from "./train-report.ts";

export type { EpochReport, StepReport, TrainResult } from "./train-report.ts";

/** What training needs. */
export interface TrainOptions {
  readonly engine: Engine;
  readonly program: Pick<Program, "inputs" | "hypers" | "batch" | "store">;
  readonly plan: TrainPlan;
  /** Absent for a model without data. */
  readonly data?: Dataset;
  readonly hypers?: Readonly<Record<string, number>>;
  /** The most examples that are evaluated in one run; else as many as the device allows. What is measured does not depend on it. */
  readonly most?: number;
  readonly onEpoch?: (report: EpochReport) => void;
  readonly onStep?: (report: StepReport) => void;
  /** Told of the run that was not finite, with the values that it began with still stored. */
  readonly onNotFinite?: (entry: string, call: Call) => Promise<void>;
  /** Asked before each training step; true ends the run with what is there. */
  readonly interrupted?: () => boolean;
}

/** Trains; the parameters stay in the engine. Throws what the engine throws. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { engine, program, plan, data, onEpoch, onStep = () => {}, onNotFinite, interrupted = () => false, hypers = {}, most } = options;
  const { seed, shared } = plan;
  const [first] = program.inputs;
  if (first && !data) throw new EngineError("E0402", `the train block ${plan.name} names no data, and the model has inputs (${first.name})`);
  const parts = data ? split(data, plan.split, seed) : undefined;
  const course = new Course({ engine, program, seed, hypers, ...(most !== undefined && { most }), entries: plan.phases.flatMap((p) => p.runs.map((r) => r.entry)) });
  const past = new PastPhases(plan, course, parts);
  const history: EpochReport[] = [];
  const phases: PhaseResult[] = [];
  // What a later phase may go back to.
  const beginning = plan.phases.length > 1 ? await engine.snapshot() : undefined;
  const hear = (report: EpochReport): void => {
    history.push(report);
    onEpoch?.(report);
  };
  let passes = 0;
  let epochs = 0;
  for (const [k, phase] of plan.phases.entries()) {
    if (beginning && k > 0 && begin(engine, program, phase, plan.phases[k - 1], beginning)) {
      course.restart();
      epochs = 0;
    }
    const fitted = parts && fittedBy(phase, parts);
    const result = await runPhase({
      engine, course, phase, shared, seed, ...(parts && { parts }), ...(fitted && { fitted }), length: past.lengthOf(phase), known: (leaf) => past.valueOf(leaf),
      passes, epochs, onEpoch: hear, onStep, interrupted,
    });
    phases.push(result);
    passes += result.epochs;
    epochs += result.epochs;
    if (result.end === "interrupted" || result.end === "not finite") break;
    await past.keep(phase, result, epochs);
  }
  const last = phases.at(-1);
  const sum = (of: (p: PhaseResult) => number): number => phases.reduce((n, p) => n + of(p), 0);
  const evaluated = async (part: Dataset | undefined) => (part && part.rows > 0 ? course.evaluate(part, epochs + 1) : undefined);
  const [training, validation, test] = last?.end === "not finite" ? [] : [await evaluated(parts?.training), await evaluated(parts?.validation), await evaluated(parts?.test)];
  return {
    end: last?.end ?? "finished",
    epochs: sum((p) => p.epochs),
    steps: sum((p) => p.steps),
    updates: course.updates,
    counts: course.counts,
    history,
    phases,
    ...(last?.bestEpoch !== undefined && { bestEpoch: last.bestEpoch }),
    ...(last?.end === "not finite" ? { failure: await course.blame(onNotFinite) } : { final: { ...(training && { training }), ...(validation && { validation }), ...(test && { test }) } }),
  };
}

/**
 * Sets the values that a phase begins with. A phase that runs the same optimizers as the one before goes on with their
 * states; any other begins with new ones, and so does one that starts fresh. True when they are new.
 */
function begin(engine: Engine, program: TrainOptions["program"], phase: PhasePlan, before: PhasePlan | undefined, beginning: Snapshot): boolean {
  if (phase.start === "fresh") {
    engine.restore(beginning);
    return true;
  }
  const entries = (runs: readonly RunPlan[] = []): string => runs.map((r) => r.entry).join("\n");
  if (entries(phase.runs) === entries(before?.runs)) return false;
  const own = new Set(program.store.tensors.filter((t) => phase.runs.some((r) => r.entry === t.entry)).map((t) => t.name));
  engine.restore(new Map([...beginning].filter(([path]) => own.has(path))));
  return true;
}
