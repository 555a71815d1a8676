/** What follows from a checked train block: its distinct steps, their states, the loss that is the block's own. */
import type { CheckedState, CheckedStep, CheckedTrain } from "./checked.ts";
import type { Core } from "./core.ts";

/** Every step once, though several phases may run it. */
export function stepsOf(train: CheckedTrain): readonly CheckedStep[] {
  return [...new Map(train.phases.flatMap((p) => p.runs).map((s) => [s.entry, s])).values()];
}

/** The states of the optimizers, by the entry that updates them. */
export function optimizerStates(train: CheckedTrain | undefined): readonly (CheckedState & { readonly entry: string })[] {
  const steps = train ? stepsOf(train) : [];
  return steps.flatMap(({ entry, optimizer }) => optimizer.perParam.flatMap((p) => p.states).map((s) => ({ ...s, entry })));
}

/** The steps whose optimizers say what stands for a parameter outside training. */
export function stepsWithOutput(train: CheckedTrain | undefined): readonly CheckedStep[] {
  return train ? stepsOf(train).filter((s) => s.optimizer.perParam.some((p) => p.output)) : [];
}

/** What all steps minimise, where that is one thing: `terms` is the model's whole loss. */
export function sharedObjective(steps: readonly CheckedStep[]): Core | "terms" | undefined {
  const [first] = steps;
  if (!first) return "terms";
  return steps.every((s) => s.objective === first.objective) ? (first.objective ?? "terms") : undefined;
}

/** The largest batch that a phase takes, where every phase counts. */
export function largestBatch(train: CheckedTrain | undefined): number | undefined {
  const sizes = train?.phases.map((p) => p.batch) ?? [];
  return sizes.every((b) => typeof b === "number") && sizes.length > 0 ? Math.max(...sizes) : undefined;
}
