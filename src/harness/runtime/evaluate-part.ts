/** Loss and metrics over a part of the data, exact whatever a metric is and however many runs it takes. */
import { fieldsOf } from "./batch.ts";
import type { Dataset } from "./dataset.ts";
import type { StepScalars } from "./host.ts";
import type { InParts } from "./in-parts.ts";

/** Scalars by name: `loss`, the named terms, the metrics. */
export type Evaluation = Readonly<Record<string, number>>;

export interface EvaluateOptions {
  readonly batch?: string;
  readonly scalars: StepScalars;
  readonly seed: number;
  readonly step: number;
}

/** Evaluates; a model without data as it is. Throws what the engine throws. */
export async function evaluatePart(inParts: InParts, part: Dataset | undefined, { batch, scalars, seed, step }: EvaluateOptions): Promise<Evaluation> {
  const live = batch === undefined ? {} : { [batch]: part?.rows ?? 1 };
  const outputs = await inParts.run("evaluate", { live, inputs: part ? fieldsOf(part) : {}, scalars, seed, step, example: 0 });
  const found: Record<string, number> = Object.create(null);
  for (const [name, { kind, shape, data }] of Object.entries(outputs)) if (shape.length === 0 && kind !== "output") found[name] = data[0] ?? 0;
  return found;
}
