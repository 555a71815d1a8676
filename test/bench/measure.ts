/**
 * What a program costs: compile time, time to the first step, time per step, dispatches and bytes. Comes in: a file of
 * examples/. Goes out: numbers; nothing is asserted here, since machines are noisy.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { profiles } from "../../kernels/profiles.ts";
import { largestBatch } from "../../src/check/train-facts.ts";
import { compile } from "../../src/compile.ts";
import { fieldsOf, rowsOf } from "../../src/harness/runtime/batch.ts";
import { makeDataset } from "../../src/harness/runtime/dataset.ts";
import { openSession } from "../../src/session.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));

export interface Cost {
  readonly name: string;
  /** Source text to the graphs of all entries. */
  readonly compileMs: number;
  /** Device code of the step and its pipelines, and the step itself. */
  readonly firstStepMs: number;
  /** Median over rounds of the mean of a round. */
  readonly stepMs: number;
  readonly dispatches: number;
  readonly texts: number;
  readonly peakBytes: number;
  readonly lowerBoundBytes: number;
}

/** Measures an example that trains; `steps` per round. */
export async function measure(device: GPUDevice, name: string, steps: number, rounds: number): Promise<Cost> {
  const text = readFileSync(`${examples}${name}.dl`, "utf8");
  const started = performance.now();
  const [program] = compile({ path: `${name}.dl`, text }).programs;
  if (!program?.trainPlan) throw new Error(`${name} does not train`);
  const compileMs = performance.now() - started;
  const { trainPlan: plan, info } = program;
  const session = await openSession(program, { device });
  const data = plan.data && makeDataset(plan.data, info, plan.data.kind === "csv" ? { text: readFileSync(`${examples}${plan.data.path}`, "utf8") } : {});
  const rows = Math.min(largestBatch(program.train) ?? Number.POSITIVE_INFINITY, data?.rows ?? 1);
  const inputs = data ? fieldsOf(rowsOf(data, Array.from({ length: rows }, (_, k) => k))) : {};
  const live = info.batch === undefined ? {} : { [info.batch]: rows };
  const run = (t: number) => session.engine.run("step", { live, inputs, scalars: { hyper: info.hypers, step: { t, epoch: 1 } }, seed: plan.seed, step: t, example: 0 });
  const before = performance.now();
  await (await run(1)).read();
  const firstStepMs = performance.now() - before;
  const means: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    let last = await run(2);
    for (let k = 1; k < steps; k++) last = await run(k + 2);
    await last.read();
    means.push((performance.now() - start) / steps);
  }
  const lowered = program.lower("step", { capacity: live, profile: profiles.software });
  session.close();
  means.sort((a, b) => a - b);
  return {
    name, compileMs, firstStepMs, stepMs: means[Math.floor(means.length / 2)] ?? Number.NaN,
    dispatches: lowered.plan.block.length, texts: lowered.texts.length, peakBytes: lowered.plan.peak.bytes, lowerBoundBytes: lowered.plan.peak.lowerBound,
  };
}
