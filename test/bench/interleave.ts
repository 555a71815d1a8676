/**
 * One workload, measured: contenders take turns, block after block, on one adapter in one process. A block is some steps and
 * one reading of the last loss. Comes in: contenders and how long to measure. Goes out: times, counts and losses of each.
 *
 *     first step, second step, (steps 2..11, 12..21: losses are compared, and everything is warm,) rounds of timed blocks
 */
import { type Contender, measuredNames, type MeasuredName, type Trainee } from "./contender.ts";
import { type Counters, type Counts, perStep } from "./counters.ts";
import type { Batch, Workload } from "./workloads.ts";

/** How much is measured. */
export interface Effort {
  /** Timed blocks of each contender. */
  readonly rounds: number;
  /** About how long one block takes, in milliseconds; at least one step. */
  readonly blockMs: number;
  /** How long one contender may take to reach the losses of steps 11 and 21, in milliseconds; and again for its timed blocks. */
  readonly patienceMs: number;
}

/** What came of a contender. */
export interface Measured {
  readonly name: MeasuredName;
  readonly version: string;
  /** Why there is nothing else. */
  readonly error?: string;
  /** From the program's text, or model function, to the first loss on the host. */
  readonly firstStepMs?: number;
  /** Parts of it: `compile` (Nabla's own) and `pipelines` (while the device was making some). */
  readonly firstStepParts?: Readonly<Record<string, number>>;
  /** Median over blocks, the least, and the median processor time, which includes a software adapter's own. */
  readonly stepMs?: number;
  readonly bestMs?: number;
  readonly cpuMs?: number;
  readonly blocks?: readonly number[];
  readonly stepsPerBlock?: number;
  readonly perStep?: Counts;
  readonly pipelines?: number;
  readonly liveBytes?: number;
  /** Losses by step, from 0. */
  readonly losses: Readonly<Record<number, number>>;
}

/** The steps whose losses are compared. */
export const comparedSteps = [0, 1, 11, 21] as const;

interface Runner {
  readonly contender: Contender;
  readonly trainee: Trainee;
  readonly losses: Record<number, number>;
  readonly blocks: number[];
  readonly cpu: number[];
  firstStepMs: number;
  parts: Record<string, number>;
  /** Milliseconds of a step, as far as known. */
  estimate: number;
  taken: number;
  stepsPerBlock: number;
  counts?: Counts;
  spent: number;
}

export async function interleave(workload: Workload, contenders: readonly Contender[], effort: Effort, counters: Counters): Promise<readonly Measured[]> {
  const batches = workload.batches();
  const runners: Runner[] = [];
  const failed: Measured[] = [];
  for (const contender of contenders) {
    counters.owner = contender.name;
    try {
      const runner = await begin(contender, workload, batches, counters);
      await reachLosses(runner, batches, effort.patienceMs);
      runners.push(runner);
    } catch (error) {
      failed.push({ name: contender.name, version: contender.version, losses: {}, error: error instanceof Error ? error.message : String(error) });
    }
  }
  for (const r of runners) r.stepsPerBlock = Math.max(1, Math.round(effort.blockMs / r.estimate));
  for (let round = 0; round < effort.rounds; round++) {
    for (const r of turned(runners, round)) {
      // Whoever is slow has fewer rounds, but two.
      if (r.blocks.length >= 2 && r.spent + r.estimate * r.stepsPerBlock > effort.patienceMs) continue;
      counters.owner = r.contender.name;
      const before = counters.now(r.contender.name);
      const cpu = process.cpuUsage();
      const started = performance.now();
      await block(r, batches, r.stepsPerBlock);
      const spent = performance.now() - started;
      const used = process.cpuUsage(cpu);
      r.counts ??= perStep(before, counters.now(r.contender.name), r.stepsPerBlock);
      r.blocks.push(spent / r.stepsPerBlock);
      r.cpu.push((used.user + used.system) / 1000 / r.stepsPerBlock);
      r.spent += spent;
    }
  }
  const measured = runners.map((r) => result(r, counters.now(r.contender.name)));
  for (const r of runners) r.trainee.close();
  return [...measured, ...failed].sort((a, b) => measuredNames.indexOf(a.name) - measuredNames.indexOf(b.name));
}

/** Opens, and takes the first two steps: the first with all that is made once, the second to know what a step takes. */
async function begin(contender: Contender, workload: Workload, batches: readonly Batch[], counters: Counters): Promise<Runner> {
  const before = counters.now(contender.name);
  const started = performance.now();
  const trainee = await contender.open(workload);
  const runner: Runner = { contender, trainee, losses: {}, blocks: [], cpu: [], firstStepMs: 0, parts: {}, estimate: 0, taken: 0, stepsPerBlock: 1, spent: 0 };
  await block(runner, batches, 1);
  runner.firstStepMs = performance.now() - started;
  const pipelines = counters.now(contender.name).pipelineMs - before.pipelineMs;
  const own = trainee.parts ?? {};
  runner.parts = { ...own, pipelines, run: Math.max(0, runner.firstStepMs - pipelines - Object.values(own).reduce((a, b) => a + b, 0)) };
  const again = performance.now();
  await block(runner, batches, 1);
  runner.estimate = performance.now() - again;
  return runner;
}

/** Steps up to the compared ones, as far as patience goes. */
async function reachLosses(r: Runner, batches: readonly Batch[], patienceMs: number): Promise<void> {
  for (const to of comparedSteps) {
    const steps = to + 1 - r.taken;
    if (steps <= 0) continue;
    if (r.estimate * (to - 1) > patienceMs) return;
    const started = performance.now();
    await block(r, batches, steps);
    r.estimate = (performance.now() - started) / steps;
  }
}

/** Some steps, and the loss of the last one. */
async function block(r: Runner, batches: readonly Batch[], steps: number): Promise<void> {
  for (let k = 1; k <= steps; k++) {
    const batch = batches[r.taken % batches.length];
    if (!batch) throw new Error("no batch");
    const loss = await r.trainee.step(batch);
    r.taken++;
    if (k < steps) loss.drop();
    else r.losses[r.taken - 1] = await loss.read();
  }
}

/** Everybody, another one first in each round. */
const turned = <T>(all: readonly T[], by: number): readonly T[] => all.map((_, k) => all[(k + by) % all.length] as T);

function result(r: Runner, counts: Counts): Measured {
  return {
    name: r.contender.name, version: r.contender.version,
    firstStepMs: r.firstStepMs, firstStepParts: r.parts,
    stepMs: median(r.blocks), bestMs: Math.min(...r.blocks), cpuMs: median(r.cpu), blocks: r.blocks, stepsPerBlock: r.stepsPerBlock,
    ...(r.counts && { perStep: r.counts }), pipelines: counts.pipelines, liveBytes: counts.liveBytes,
    losses: Object.fromEntries(comparedSteps.flatMap((step) => (r.losses[step] === undefined ? [] : [[step, r.losses[step]]]))),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
