/**
 * What a command compiles device code for when no device is open: the sizes of the train block, the baseline device.
 *
 *     program.lower("step", targetOf(program))
 */
import { profiles } from "../../kernels/profiles.ts";
import { largestBatch } from "../check/train-facts.ts";
import type { CompiledProgram } from "../compile.ts";
import type { Target } from "../harness/lowered-entry.ts";

/** Examples per run where the train block does not say. */
export const usualBatch = 64;

/** The target of `program`, for a GPU or for the software adapter. */
export function targetOf(program: CompiledProgram, software = false): Target {
  const batch = program.info.batch;
  const size = largestBatch(program.train) ?? usualBatch;
  return { capacity: batch === undefined ? {} : { [batch]: size }, profile: software ? profiles.software : profiles.gpu };
}
