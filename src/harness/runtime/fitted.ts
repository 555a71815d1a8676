/** The examples that a phase's steps see: the parts that it fits, and of those the ones that its condition keeps. */
import { DataError } from "./data-error.ts";
import { take, type Dataset } from "./dataset.ts";
import { evaluateFormula } from "./formula.ts";
import type { Part, PhasePlan } from "./train-plan.ts";

/** Throws a DataError E0521 when none is left. */
export function fittedBy({ name, fit, only }: PhasePlan, parts: Readonly<Record<Part, Dataset>>): Dataset {
  const all = fit.map((part) => parts[part]).reduce(joined);
  if (!only) return all;
  const fields = new Map(all.fields.map((f) => [f.name, f]));
  const rows = Array.from({ length: all.rows }, (_, k) => k).filter((row) => {
    const value = evaluateFormula(only, ({ field, at }) => {
      const found = fields.get(field);
      return found?.values[row * found.width + at] ?? Number.NaN;
    });
    return value !== 0;
  });
  if (rows.length > 0) return take(all, rows);
  throw new DataError("E0521", name === undefined ? "only" : `phase ${name}`, `none of ${all.rows} examples satisfies ${only.text}`);
}

/** The examples of one part, then those of the other. */
function joined(a: Dataset, b: Dataset): Dataset {
  const fields = a.fields.map((f) => {
    const values = new Float64Array((a.rows + b.rows) * f.width);
    values.set(f.values);
    values.set(b.fields.find((g) => g.name === f.name)?.values ?? [], f.values.length);
    return { ...f, values };
  });
  return { rows: a.rows + b.rows, fields };
}
