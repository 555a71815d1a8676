/**
 * A training run as people see it: the progress while it runs, and what came of it. Comes in: the train block and the
 * reports of the training loop. Goes out: text. The command and every bundle show the same.
 *
 *     const shown = showTraining(plan, { write, terminal: true, columns: () => 80, now });
 *     const result = await train({ …, onStep: shown.onStep, onEpoch: shown.onEpoch });
 *     shown.end();
 */
import type { PhasePlan, TrainPlan } from "../runtime/train-plan.ts";
import type { EpochReport, StepReport, TrainResult } from "../runtime/train-report.ts";
import { printValue, type Progress, type ProgressOptions, progress, sparkline } from "./progress.ts";

/** The callbacks that a training loop takes, and the end of the display. */
export interface TrainingDisplay {
  onStep(report: StepReport): void;
  onEpoch(report: EpochReport): void;
  end(): void;
}

/** Draws progress: epochs where a phase counts epochs, else steps. Each phase has a display of its own. */
export function showTraining(plan: TrainPlan, options: Omit<ProgressOptions, "total" | "unit">): TrainingDisplay {
  const begin = (name: string | undefined): PhaseDisplay => new PhaseDisplay(plan.phases.find((p) => p.name === name) ?? plan.phases[0], options);
  let shown = begin(plan.phases[0]?.name);
  const of = (name: string | undefined): PhaseDisplay => {
    if (name === shown.name) return shown;
    shown.end();
    shown = begin(name);
    return shown;
  };
  return { onStep: (report) => of(report.phase).step(report), onEpoch: (report) => of(report.phase).epoch(report), end: () => shown.end() };
}

/** The display of one phase. */
class PhaseDisplay {
  readonly name: string | undefined;
  private readonly epochs: number | undefined;
  private readonly bar: Progress;
  private values: readonly (readonly [string, number])[] = [];

  constructor(phase: PhasePlan | undefined, options: Omit<ProgressOptions, "total" | "unit">) {
    this.name = phase?.name;
    this.epochs = phase?.epochs;
    const unit = this.epochs === undefined ? "step" : "epoch";
    this.bar = progress({ ...options, total: this.epochs ?? phase?.steps ?? 1, unit: this.name === undefined ? unit : `${this.name} ${unit}` });
    this.bar.update({ at: 1, fraction: 0, values: [] });
  }

  step({ epoch, step, steps }: StepReport): void {
    const perEpoch = steps / (this.epochs ?? steps);
    // The last step's report comes before the epoch's own, which alone may say that it is done.
    const fraction = this.epochs === undefined ? 0 : Math.min(0.999, (step - (epoch - 1) * perEpoch) / perEpoch);
    this.bar.update({ at: this.epochs === undefined ? step : epoch, fraction, values: this.values });
  }

  epoch({ epoch, step, loss, losses, validation }: EpochReport): void {
    const measured = Object.entries(validation ?? {}).filter(([name]) => name !== "loss").map(([name, value]) => [`validation ${name}`, value] as const);
    this.values = [...(loss === undefined ? [] : [["loss", loss] as const]), ...Object.entries(losses ?? {}), ...measured];
    this.bar.update({ at: this.epochs === undefined ? step : epoch, fraction: 1, values: this.values });
  }

  end(): void {
    this.bar.end();
  }
}

/** How a run ended. */
export interface TrainingSummary {
  /** For standard error: the course of the loss, the time, why it ended. */
  readonly lines: readonly string[];
  /** The result: what was measured, on the test part where there is one. */
  readonly measured: readonly string[];
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/** Sums a run up. */
export function summariseTraining(result: TrainResult, seconds: number, columns: number): TrainingSummary {
  const rate = result.steps / Math.max(seconds, 1e-9);
  const ended = { finished: "", early: ", stopped early", interrupted: ", interrupted", "not finite": ", stopped" }[result.end];
  const best = result.bestEpoch === undefined ? "" : `; the weights are those of epoch ${result.bestEpoch}`;
  const { test, validation, training } = result.final ?? {};
  const [part, values] = test ? ["test ", test] : validation ? ["validation ", validation] : ["", training ?? {}];
  return {
    lines: [
      ...curves(result.history).flatMap(([name, losses]) => courseOf(name, losses, columns)),
      `${plural(result.epochs, "epoch")}, ${plural(result.steps, "step")} in ${seconds.toFixed(1)} s (${rate.toFixed(0)} a second)${ended}${best}`,
    ],
    measured: Object.entries(values).map(([name, value]) => `${part}${name} ${printValue(value)}`),
  };
}

/** The losses that were reported, by name: `loss`, or `critic` and `generator`, of each phase by itself. */
function curves(history: readonly EpochReport[]): readonly (readonly [name: string, losses: readonly number[]])[] {
  const found = new Map<string, number[]>();
  for (const { phase, loss, losses } of history) {
    const named = losses ? Object.entries(losses) : loss === undefined ? [] : [["loss", loss] as const];
    for (const [name, value] of named) {
      const key = phase === undefined ? name : `${phase} ${name}`;
      found.set(key, [...(found.get(key) ?? []), value]);
    }
  }
  return [...found];
}

function courseOf(name: string, losses: readonly number[], columns: number): readonly string[] {
  const line = sparkline(losses, Math.min(60, columns - 20 - name.length));
  return line === "" ? [] : [`${name} ${printValue(losses[0] ?? Number.NaN)} ${line} ${printValue(losses.at(-1) ?? Number.NaN)}`];
}

/** What to say of a run that met a number that is not finite (E0606). */
export function printNotFinite({ failure }: TrainResult): string {
  const { step = 0, run, names = [] } = failure ?? {};
  const what = names.length > 0 ? names.slice(0, 4).join(", ") : "the loss or a gradient";
  return `not a finite number at update ${step}${run === undefined ? "" : ` of ${run}`}: ${what}; the weights ${run === undefined ? `of update ${step - 1}` : "before it"} are kept`;
}
