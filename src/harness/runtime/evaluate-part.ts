/**
 * Loss and metrics over a part of the data: in one run, which is exact whatever a metric is. Where that does not fit
 * the device, in chunks whose values weigh by their share of the examples, which is exact for means over examples.
 */
import { fieldsOf, rowsOf } from "./batch.ts";
import type { Dataset } from "./dataset.ts";
import type { Engine } from "./engine.ts";
import type { StepScalars } from "./host.ts";

/** Scalars by name: `loss`, the named terms, the metrics. */
export type Evaluation = Readonly<Record<string, number>>;

/** Parts are not cut smaller than this to make them fit. */
const leastChunk = 64;

export interface EvaluateOptions {
  readonly batch?: string;
  readonly scalars: StepScalars;
  readonly seed: number;
  readonly step: number;
}

/** A model without data, as it is. */
const nothing: Dataset = { rows: 1, fields: [] };

/** Evaluates in as few runs as the device allows. Throws what the engine throws. */
export async function evaluatePart(engine: Engine, part: Dataset | undefined, options: EvaluateOptions): Promise<Evaluation> {
  const rows = part ?? nothing;
  for (let size = rows.rows; ; size = Math.ceil(size / 2)) {
    try {
      return await evaluateInChunks(engine, rows, size, options);
    } catch (error) {
      if (size <= leastChunk || !isTooLarge(error)) throw error;
    }
  }
}

/** A plan that does not fit the device, or a bundle's that was made for fewer examples. */
function isTooLarge(error: unknown): boolean {
  const { code, diagnostic } = error as { readonly code?: unknown; readonly diagnostic?: { readonly code?: unknown } };
  return [code, diagnostic?.code].some((c) => c === "E0602" || c === "E0603");
}

async function evaluateInChunks(engine: Engine, part: Dataset, size: number, options: EvaluateOptions): Promise<Evaluation> {
  const sums: Record<string, number> = Object.create(null);
  for (let from = 0; from < part.rows; from += size) {
    const rows = Math.min(size, part.rows - from);
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
