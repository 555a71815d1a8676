/**
 * How the phases before ended, for those that read it: `epochs = warm.best_epoch`, `reach(validation.loss < warm.best_training_loss)`.
 * What is measured of a phase is measured with the values that it left, once, when it ends, and only where a later one asks.
 *
 *     await past.keep(phase, result, epochs);
 *     past.valueOf({ kind: "count", phase: "warm", count: "best_epoch" })
 */
import type { Course } from "./course.ts";
import type { Dataset } from "./dataset.ts";
import { EngineError } from "./engine.ts";
import { evaluateFormula, type Formula } from "./formula.ts";
import type { Part, PhasePlan, RunLeaf, TrainPlan } from "./train-plan.ts";
import type { PhaseResult } from "./train-report.ts";

type Kept = Extract<RunLeaf, { kind: "kept" }>;

export class PastPhases {
  private readonly wanted: readonly Kept[];
  private readonly course: Course;
  private readonly parts: Readonly<Record<Part, Dataset>> | undefined;
  private readonly results = new Map<string, PhaseResult>();
  private readonly kept = new Map<string, number>();

  constructor(plan: TrainPlan, course: Course, parts: Readonly<Record<Part, Dataset>> | undefined) {
    this.course = course;
    this.parts = parts;
    this.wanted = plan.phases.flatMap(formulasOf).flatMap((f) => f.code).flatMap((item) => ("leaf" in item && item.leaf.kind === "kept" ? [item.leaf] : []));
  }

  /** Remembers a phase that has ended, while its values are still there. */
  async keep({ name }: PhasePlan, result: PhaseResult, epochs: number): Promise<void> {
    if (name === undefined) return;
    this.results.set(name, result);
    for (const leaf of this.wanted) {
      if (leaf.phase !== name || this.kept.has(keyOf(leaf))) continue;
      for (const [measure, value] of Object.entries(await this.course.evaluate(this.parts?.[leaf.part], epochs))) this.kept.set(keyOf({ ...leaf, name: measure }), value);
    }
  }

  /** A value of an earlier phase; what nothing is known of is not a number. */
  valueOf(leaf: RunLeaf): number {
    if (leaf.kind === "measured") return Number.NaN;
    if (leaf.kind === "kept") return this.kept.get(keyOf(leaf)) ?? Number.NaN;
    const result = this.results.get(leaf.phase);
    if (!result) return Number.NaN;
    return { epochs: result.epochs, steps: result.steps, best_epoch: result.bestEpoch ?? result.epochs, best_step: result.bestStep ?? result.steps }[leaf.count];
  }

  /** How long a phase lasts. Throws EngineError E0522 when its formula gives no number of epochs or steps. */
  lengthOf({ name, epochs, steps }: PhasePlan): { readonly epochs?: number; readonly steps?: number } {
    const resolved = (key: string, length: number | Formula<RunLeaf>): number => {
      if (typeof length === "number") return length;
      const value = Math.round(evaluateFormula(length, (leaf) => this.valueOf(leaf)));
      if (value >= 0 && value < 2 ** 31) return value;
      throw new EngineError("E0522", `the phase ${name ?? ""} cannot last ${value} ${key} (${length.text})`);
    };
    return steps !== undefined ? { steps: resolved("steps", steps) } : { epochs: resolved("epochs", epochs ?? 1) };
  }
}

function formulasOf({ epochs, steps, stop }: PhasePlan): readonly Formula<RunLeaf>[] {
  return [epochs, steps, stop?.kind === "reach" ? stop.condition : undefined].flatMap((f) => (typeof f === "object" ? [f] : []));
}

function keyOf({ phase, part, name }: Kept): string {
  return JSON.stringify([phase, part, name]);
}
