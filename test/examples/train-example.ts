/**
 * Trains an example as its file says, on the device, and hands over what a test looks at: the session with the learned
 * parameters, the run's result and the data.
 *
 *     const { session, result } = await trainExample(gpu, "softmax");
 *     expect(result.final?.test?.accuracy).toBeGreaterThan(0.9);
 */
import type { CompiledProgram } from "../../src/compile.ts";
import type { OpenDevice } from "../../src/harness/node/index.ts";
import type { Dataset } from "../../src/harness/runtime/dataset.ts";
import { split } from "../../src/harness/runtime/dataset.ts";
import type { TrainResult } from "../../src/harness/runtime/train.ts";
import { openSession, type Session } from "../../src/session.ts";
import { dataOf, examplePrograms, feedOf } from "../session/kit.ts";

export interface Trained {
  readonly program: CompiledProgram;
  readonly session: Session;
  readonly result: TrainResult;
  /** Values measured when training ended, on the test part where there is one. */
  readonly measured: Readonly<Record<string, number>>;
  /** The part they were measured on. */
  readonly feed: Readonly<Record<string, Float64Array>>;
}

/** Settings override the file's; `block` names the train block where there are several. */
export async function trainExample(gpu: OpenDevice, name: string, options: { readonly set?: Record<string, number>; readonly block?: string } = {}): Promise<Trained> {
  const programs = examplePrograms(name, options.set);
  const program = options.block === undefined ? programs[0] : programs.find((p) => p.train?.name === options.block);
  if (!program) throw new Error(`no train block ${options.block ?? ""} in ${name}`);
  const data = dataOf(program);
  const session = await openSession(program, { device: gpu.device });
  const result = await session.train(data);
  const part = data && program.trainPlan ? measuredPart(data, program.trainPlan) : undefined;
  return { program, session, result, measured: result.final?.test ?? result.final?.training ?? {}, feed: feedOf(part, 0, part?.rows ?? 0) };
}

function measuredPart(data: Dataset, plan: NonNullable<CompiledProgram["trainPlan"]>): Dataset {
  const parts = split(data, plan.split, plan.seed);
  return parts.test.rows > 0 ? parts.test : parts.training;
}

/** A flat array as rows of `width` numbers. */
export function rowsOf(values: ArrayLike<number>, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, n) => Array.from({ length: width }, (__, k) => values[n * width + k] ?? Number.NaN));
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
export const mean = (values: readonly number[]): number => sum(values) / values.length;
