/**
 * Loss and metrics over a part of the data. The part runs in chunks when it is large; each chunk's values weigh by its
 * share of the examples, so a mean over examples comes out as over the whole part.
 */
import { fieldsOf, rowsOf } from "./batch.ts";
import type { Dataset } from "./dataset.ts";
import type { Engine } from "./engine.ts";
import type { StepScalars } from "./host.ts";

/** Scalars by name: `loss`, the named terms, the metrics. */
export type Evaluation = Readonly<Record<string, number>>;

/** Examples evaluated in one run. */
export const evaluationChunk = 4096;

export interface EvaluateOptions {
  readonly batch?: string;
  readonly scalars: StepScalars;
  readonly seed: number;
  readonly step: number;
}

export async function evaluatePart(engine: Engine, part: Dataset, options: EvaluateOptions): Promise<Evaluation> {
  const sums: Record<string, number> = Object.create(null);
  for (let from = 0; from < part.rows; from += evaluationChunk) {
    const rows = Math.min(evaluationChunk, part.rows - from);
    const chunk = rows === part.rows ? part : rowsOf(part, Array.from({ length: rows }, (_, k) => from + k));
    const outcome = await engine.run("evaluate", {
      live: options.batch ? { [options.batch]: rows } : {},
      inputs: fieldsOf(chunk),
      scalars: options.scalars,
      seed: options.seed,
      step: options.step,
      example: from,
    });
    for (const [name, output] of Object.entries(await outcome.read())) {
      if (output.shape.length > 0 || output.kind === "output") continue;
      sums[name] = (sums[name] ?? 0) + ((output.data[0] ?? 0) * rows) / part.rows;
    }
  }
  return sums;
}
