/**
 * `--tune` of a command: tries kernels on the open device, keeps what it finds for later runs, and says so. Comes in: a program and
 * what it runs on. Goes out: choices for the session; with `--tune` absent none, so that a run does not depend on earlier ones.
 *
 *     tuned 5 of 12 kernels in 8.1 s; contract 8x8 → contract 8x4 is 1.31 times as fast
 */
import { largestBatch } from "../check/train-facts.ts";
import type { CompiledProgram } from "../compile.ts";
import { limitsOf, profileFor } from "../harness/device-class.ts";
import type { AdapterInfo } from "../harness/node/adapter.ts";
import { printTime } from "../harness/node/progress.ts";
import { readTuned, writeTuned } from "../harness/node/tuned.ts";
import { tuneProgram } from "../harness/tune-program.ts";
import type { Tried } from "../harness/tune.ts";
import type { Profile } from "../ir/kernel.ts";
import { printPlural } from "./summary.ts";
import { usualBatch } from "./target.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What is open. */
export interface Tuning {
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  readonly terminal: Terminal;
  readonly quiet: boolean;
  /** Examples of a step; the train block's batch when absent. */
  readonly examples?: number;
  /** What kernels are made for where that is not all that the device offers: a bundle's, which runs on others too. */
  readonly profile?: Profile;
}

/** Tries what is not known yet of a program's steps. */
export async function tuneFor(program: CompiledProgram, { device, info, terminal, quiet, examples, profile }: Tuning): Promise<ReadonlyMap<string, number>> {
  const started = performance.now();
  const version = packageVersion();
  const kept = profile ? `${info.name} for bundles` : info.name;
  const tried: Tried[] = [];
  const choices = await tuneProgram(program, {
    device, clock: () => performance.now(), profile: profile ?? profileFor({ device, software: info.software }), limits: limitsOf(device),
    examples: examples ?? largestBatch(program.train) ?? usualBatch, known: readTuned(kept, version), onTried: (t) => tried.push(t),
  });
  if (tried.length > 0) writeTuned(kept, version, choices);
  if (!quiet) terminal.err(`${summary(tried, performance.now() - started)}\n`);
  return choices;
}

function summary(tried: readonly Tried[], ms: number): string {
  if (tried.length === 0) return "tuned before";
  const changed = tried.filter((t) => t.chosen > 0).sort((x, y) => gain(y) - gain(x));
  const [best] = changed;
  const most = best ? `; ${named(best, 0)} → ${named(best, best.chosen)} is ${gain(best).toFixed(2)} times as fast` : "";
  return `tuned ${printPlural(tried.length, "kernel")} in ${printTime(ms)}, ${changed.length === 0 ? "none" : changed.length} changed${most}`;
}

function named({ kernels }: Tried, at: number): string {
  const kernel = kernels[at];
  return kernel ? `${kernel.family} of ${kernel.width}` : "";
}

function gain({ kernels, chosen }: Tried): number {
  return (kernels[0]?.seconds ?? 0) / Math.max(1e-9, kernels[chosen]?.seconds ?? 1);
}
