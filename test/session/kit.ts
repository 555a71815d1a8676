/** Programs from text or from examples/, sessions on the device and on the evaluator, and the error measure between them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import type { Dataset } from "../../src/harness/runtime/dataset.ts";
import { makeDataset } from "../../src/harness/runtime/dataset.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

/** The programs of a text, one for each train block or model without one; fails the test on any error. */
export function programsOf(text: string, set: Record<string, number> = {}, off: readonly string[] = []): readonly CompiledProgram[] {
  const { diagnostics, programs } = compile({ path: "test.dl", text }, { set, off: new Set(off), trace: { verify: true } });
  if (programs.length === 0) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return programs;
}

/** The first program of a text. */
export function programOf(text: string, set: Record<string, number> = {}, off: readonly string[] = []): CompiledProgram {
  return programsOf(text, set, off)[0] as CompiledProgram;
}

/** The programs of a file of examples/. */
export function examplePrograms(name: string, set: Record<string, number> = {}): readonly CompiledProgram[] {
  return programsOf(readFileSync(`${examples}${name}.dl`, "utf8"), set);
}

/** The first program of a file of examples/. */
export function exampleProgram(name: string): CompiledProgram {
  return examplePrograms(name)[0] as CompiledProgram;
}

/** The examples of a program of examples/. */
export function dataOf(program: CompiledProgram): Dataset | undefined {
  const data = program.trainPlan?.data;
  if (!data) return undefined;
  return makeDataset(data, program.info, data.kind === "csv" ? { text: readFileSync(`${examples}${data.path}`, "utf8") } : {});
}

/** Rows from..to-1 of a dataset as a feed. */
export function feedOf(data: Dataset | undefined, from: number, to: number): Record<string, Float64Array> {
  return Object.fromEntries((data?.fields ?? []).map((f) => [f.name, f.values.slice(from * f.width, to * f.width)]));
}

/** The worst |a - e| / max(1, |e|). */
export function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let k = 0; k < actual.length; k++) {
    const [a, e] = [actual[k] ?? Number.NaN, expected[k] ?? Number.NaN];
    const error = Math.abs(a - e) / Math.max(1, Math.abs(e));
    most = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(most, error);
  }
  return most;
}
