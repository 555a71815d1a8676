/**
 * A training run as people see it: the progress while it runs, and what came of it. Comes in: the train block and the
 * reports of the training loop. Goes out: text. The command and every bundle show the same.
 *
 *     const shown = showTraining(plan, { write, terminal: true, columns: () => 80, now });
 *     const result = await train({ …, onStep: shown.onStep, onEpoch: shown.onEpoch });
 *     shown.end();
 */
import type { EpochReport, StepReport, TrainResult } from "../runtime/train.ts";
import type { TrainPlan } from "../runtime/train-plan.ts";
import { printValue, type ProgressOptions, progress, sparkline } from "./progress.ts";

/** The callbacks that a training loop takes, and the end of the display. */
export interface TrainingDisplay {
  onStep(report: StepReport): void;
  onEpoch(report: EpochReport): void;
  end(): void;
}

/** Draws progress: epochs where the block counts epochs, else steps. */
export function showTraining({ epochs, steps: planned }: TrainPlan, options: Omit<ProgressOptions, "total" | "unit">): TrainingDisplay {
  const bar = progress({ ...options, total: epochs ?? planned ?? 1, unit: epochs === undefined ? "step" : "epoch" });
  let values: readonly (readonly [string, number])[] = [];
  bar.update({ at: 1, fraction: 0, values });
  return {
    onStep({ epoch, step, steps }) {
      const perEpoch = steps / (epochs ?? steps);
      // The last step's report comes before the epoch's own, which alone may say that it is done.
      const fraction = epochs === undefined ? 0 : Math.min(0.999, (step - (epoch - 1) * perEpoch) / perEpoch);
      bar.update({ at: epochs === undefined ? step : epoch, fraction, values });
    },
    onEpoch({ epoch, step, loss, validation }) {
      values = [["loss", loss], ...Object.entries(validation ?? {}).filter(([name]) => name !== "loss").map(([name, value]) => [`validation ${name}`, value] as const)];
      bar.update({ at: epochs === undefined ? step : epoch, fraction: 1, values });
    },
    end: () => bar.end(),
  };
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
  const losses = result.history.map((h) => h.loss);
  const line = sparkline(losses, Math.min(60, columns - 24));
  const rate = result.steps / Math.max(seconds, 1e-9);
  const ended = { finished: "", early: ", stopped early", interrupted: ", interrupted", "not finite": ", stopped" }[result.end];
  const best = result.bestEpoch === undefined ? "" : `; the weights are those of epoch ${result.bestEpoch}`;
  const { test, validation, training } = result.final ?? {};
  const [part, values] = test ? ["test ", test] : validation ? ["validation ", validation] : ["", training ?? {}];
  return {
    lines: [
      ...(line === "" ? [] : [`loss ${printValue(losses[0] ?? Number.NaN)} ${line} ${printValue(losses.at(-1) ?? Number.NaN)}`]),
      `${plural(result.epochs, "epoch")}, ${plural(result.steps, "step")} in ${seconds.toFixed(1)} s (${rate.toFixed(0)} a second)${ended}${best}`,
    ],
    measured: Object.entries(values).map(([name, value]) => `${part}${name} ${printValue(value)}`),
  };
}

/** What to say of a run that met a number that is not finite (E0606). */
export function printNotFinite({ failure }: TrainResult): string {
  const { step = 0, names = [] } = failure ?? {};
  const what = names.length > 0 ? names.slice(0, 4).join(", ") : "the loss or a gradient";
  return `not a finite number at update ${step}: ${what}; the weights of update ${step - 1} are kept`;
}
