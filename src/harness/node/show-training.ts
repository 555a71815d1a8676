/**
 * A training run as people see it: the progress while it runs, and what came of it. Comes in: the train block and the
 * reports of the training loop. Goes out: text. The command and every bundle show the same.
 *
 *     const shown = showTraining(plan, { write, terminal: true, columns: () => 80, now });
 *     const result = await train({ …, onStep: shown.onStep, onEpoch: shown.onEpoch });
 *     shown.end();
 */
import type { PhasePlan, TrainPlan } from "../runtime/train-plan.ts";
import type { EpochReport, PhaseResult, StepReport, TrainResult } from "../runtime/train-report.ts";
import { printValue, type Progress, type ProgressOptions, progress, sparkline } from "./progress.ts";

/** The callbacks that a training loop takes, and the end of the display. */
export interface TrainingDisplay {
  onStep(report: StepReport): void;
  onEpoch(report: EpochReport): void;
  end(): void;
}

/** Draws progress: epochs where a phase counts epochs, else steps. Each phase has a display of its own. */
export function showTraining(plan: TrainPlan, options: Omit<ProgressOptions, "total" | "unit">): TrainingDisplay {
  const [first] = plan.phases;
  const known = (length: PhasePlan["epochs"]): number | undefined => (typeof length === "number" ? length : undefined);
  let shown = new PhaseDisplay(first?.name, known(first?.epochs), known(first?.steps) ?? 1, options);
  return {
    onStep: (report) => {
      if (report.phase !== shown.name) {
        shown.end();
        shown = new PhaseDisplay(report.phase, report.epochs, report.steps, options);
      }
      shown.step(report);
    },
    onEpoch: (report) => shown.epoch(report),
    end: () => shown.end(),
  };
}

/** The display of one phase. */
class PhaseDisplay {
  readonly name: string | undefined;
  private readonly epochs: number | undefined;
  private readonly bar: Progress;
  private values: readonly (readonly [string, number])[] = [];

  /** A phase counts epochs where it has a number of them, else steps. */
  constructor(name: string | undefined, epochs: number | undefined, steps: number, options: Omit<ProgressOptions, "total" | "unit">) {
    this.name = name;
    this.epochs = epochs;
    const unit = epochs === undefined ? "step" : "epoch";
    this.bar = progress({ ...options, total: epochs ?? steps, unit: name === undefined ? unit : `${name} ${unit}` });
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
  const named = result.phases.filter((p) => p.name !== undefined);
  const last = result.phases.at(-1);
  const rate = result.steps / Math.max(seconds, 1e-9);
  const { test, validation, training } = result.final ?? {};
  const [part, values] = test ? ["test ", test] : validation ? ["validation ", validation] : ["", training ?? {}];
  return {
    lines: [
      ...curves(result.history).flatMap(([name, losses]) => courseOf(name, losses, columns)),
      ...(named.length > 0 ? named.map((p) => `${p.name}: ${plural(p.epochs, "epoch")}, ${plural(p.steps, "step")}${endOf(p)}`) : []),
      `${plural(result.epochs, "epoch")}, ${plural(result.steps, "step")} in ${seconds.toFixed(1)} s (${rate.toFixed(0)} a second)${named.length > 0 || !last ? "" : endOf(last)}`,
    ],
    measured: Object.entries(values).map(([name, value]) => `${part}${name} ${printValue(value)}`),
  };
}

/** Why a phase ended, and whose values it left. */
function endOf({ end, bestEpoch }: PhaseResult): string {
  const ended = { finished: "", early: ", stopped early", reached: ", reached what it was to reach", interrupted: ", interrupted", "not finite": ", stopped" }[end];
  return `${ended}${bestEpoch === undefined ? "" : `; the weights are those of epoch ${bestEpoch}`}`;
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
export function printNotFinite(result: TrainResult): string {
  const { step = 0, run, names = [] } = result.failure ?? {};
  const what = names.length > 0 ? names.slice(0, 4).join(", ") : "the loss or a gradient";
  return `not a finite number at update ${step}${run === undefined ? "" : ` of ${run}`}: ${what}; ${printKept(result)}`;
}

/** What is left of such a run. */
export function printKept({ failure }: TrainResult): string {
  const { step = 0, run } = failure ?? {};
  return `the weights ${run === undefined ? `of update ${step - 1}` : "before it"} are kept`;
}
