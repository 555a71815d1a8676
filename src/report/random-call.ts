/**
 * A call of a program at a random point: parameters near their initial values, inputs from -2 to 2, labels inside their range,
 * three examples. All numbers are f32, so that a device and the evaluator start from the same.
 *
 *     const { held, call } = await randomCall(program, 1);
 */
import type { EntryName } from "../graph/build.ts";
import { isStep } from "../graph/build.ts";
import { F64Engine } from "../harness/f64-engine.ts";
import type { Call, Snapshot, Values } from "../harness/runtime/engine.ts";
import type { Program } from "../harness/runtime/program.ts";
import { countedScalars } from "../harness/runtime/scalars.ts";
import { elementsOf, type Live } from "../harness/runtime/sizes.ts";
import type { Graph } from "../ir/node.ts";
import { randomNumbers } from "../support/random-numbers.ts";

/** What is needed of a program. */
export interface Callable {
  readonly info: Omit<Program, "kernels" | "entries">;
  readonly entries: readonly EntryName[];
  graph(entry: EntryName): Graph;
}

const examples = 3;

/** What is stored, and a call on it. */
export async function randomCall(program: Callable, seed: number): Promise<{ readonly held: Snapshot; readonly call: Call }> {
  const { info } = program;
  const next = randomNumbers(seed);
  const live = info.batch === undefined ? {} : { [info.batch]: examples };
  const inputs = randomInputs(info, live, next);
  const counts = new Map<string, number>();
  const scalars = { hyper: info.hypers, step: countedScalars({ t: 1, epoch: 1, entries: program.entries.filter(isStep), counts }) };
  const call: Call = { live, inputs, scalars, seed, step: 1, example: 0 };
  const engine = new F64Engine({ program: info, graphOf: (entry) => program.graph(entry as EntryName) });
  await engine.run("init", call);
  const held = new Map<string, Values>();
  for (const [path, values] of await engine.snapshot()) {
    const tensor = info.store.tensors.find((t) => t.name === path);
    held.set(path, tensor?.kind === "param" ? Float64Array.from(values, (v) => Math.fround(v + next() / 2)) : Float64Array.from(values, Math.fround));
  }
  return { held, call };
}

/** Values for every input at these sizes, each inside what is declared of it. */
export function randomInputs({ inputs }: Pick<Program, "inputs">, live: Live, next: () => number): Readonly<Record<string, Values>> {
  const made: Record<string, Values> = Object.create(null);
  for (const { name, dtype, shape, range } of inputs) {
    const { lo, hi } = range ?? { lo: 0, hi: 2 };
    const draw = (): number => (dtype === "f32" ? Math.fround(2 * next()) : lo + Math.min(hi - lo - 1, Math.floor(((next() + 1) / 2) * (hi - lo))));
    made[name] = Float64Array.from({ length: elementsOf(shape, live) }, draw);
  }
  return made;
}
