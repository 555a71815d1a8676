/**
 * The long form of the fuzzing: `npm run fuzz -- --runs 2000 --seed 7`; `--help` says the rest. Each chunk of cases has a device of its
 * own and a seed of its own; a difference is shrunk, printed whole and counted, and the next chunk goes on. Exits with 1 if there was any.
 */
import { Command, InvalidArgumentError } from "commander";
import fc from "fast-check";
import { openDevice } from "../../src/harness/node/index.ts";
import { checkCase } from "./check-case.ts";
import { checkF64 } from "./check-f64.ts";
import { interpreter } from "./interpret/interpreter.ts";
import type { Machine } from "./machine.ts";
import { deviceMachine } from "./on-device.ts";
import { type Recipe, recipes } from "./recipe.ts";
import { everyVariant } from "./variants.ts";

interface Settings {
  readonly runs: number;
  readonly seed: number;
  readonly steps: number;
  readonly seconds: number;
  readonly interpret?: boolean;
  readonly every?: boolean;
}

const chunk = 25;

/** A machine of its own for what is asked of it: a device, or none. */
async function withMachine<T>(interpret: boolean, ask: (machine: Machine) => Promise<T>): Promise<T> {
  if (interpret) return ask(interpreter);
  const gpu = await openDevice();
  try {
    return await ask(deviceMachine(gpu.device));
  } finally {
    gpu.close();
  }
}

async function fuzz({ runs, seed, steps, seconds, interpret = false, every = false }: Settings): Promise<void> {
  const seen = new Map<string, number>();
  const totals = { cases: 0, ran: 0, large: 0, elements: 0, left: 0, failures: 0 };
  for (let at = 0; at < runs; at += chunk) {
    const compare = (machine: Machine) => async (recipe: Recipe, choice: number): Promise<void> => {
      const checked = await checkCase(machine, recipe, choice, every ? everyVariant(machine.inStep) : undefined);
      totals.cases++;
      if (checked.kind !== "agrees") totals.large++;
      totals.ran += checked.ran.length;
      totals.elements += checked.elements;
      totals.left += checked.left;
      for (const label of checked.ran) seen.set(label, (seen.get(label) ?? 0) + 1);
    };
    const limits = { numRuns: Math.min(chunk, runs - at), seed: seed * 100_000 + at, endOnFailure: false, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false };
    const found = await withMachine(interpret, (machine) => fc.check(fc.asyncProperty(recipes(steps), fc.nat({ max: 99_999 }), compare(machine)), limits));
    if (found.failed) {
      totals.failures++;
      const error = found.errorInstance;
      process.stdout.write(`\n== a difference (chunk seed ${found.seed}, shrunk ${found.numShrinks} times) ==\n${error instanceof Error ? (error.message.includes("{\"recipe\"") ? error.message : `${JSON.stringify(found.counterexample)}\n${error.stack}`) : String(error)}\n`);
    }
    process.stderr.write(`${at + chunk} of ${runs}: ${JSON.stringify(totals)}\n`);
  }
  const labels = [...seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([label, count]) => `${label} ${count}`);
  process.stdout.write(`\n${JSON.stringify(totals)}\nvariants: ${labels.join("; ")}\n`);
  if (totals.failures > 0) process.exitCode = 1;
}

/** Passes and gradients in f64. */
function fuzzF64({ runs, seed, steps }: Settings): void {
  const totals = { cases: 0, elements: 0, left: 0, worst: 0, off: 0, failures: 0 };
  const slopes = new Map<string, number>();
  for (let at = 0; at < runs; at += chunk) {
    const property = fc.property(recipes(steps), (recipe) => {
      const { slope, elements, left, worst, off } = checkF64(recipe);
      totals.cases++;
      totals.elements += elements;
      totals.left += left;
      totals.worst = Math.max(totals.worst, worst);
      totals.off = Math.max(totals.off, off);
      slopes.set(slope, (slopes.get(slope) ?? 0) + 1);
    });
    const found = fc.check(property, { numRuns: Math.min(chunk, runs - at), seed: seed * 100_000 + at });
    if (found.failed) {
      totals.failures++;
      const error = found.errorInstance;
      process.stdout.write(`\n== a difference (chunk seed ${found.seed}, shrunk ${found.numShrinks} times) ==\n${error instanceof Error ? error.message : String(error)}\n`);
    }
    if ((at / chunk) % 20 === 19) process.stderr.write(`${at + chunk} of ${runs}: ${JSON.stringify(totals)}\n`);
  }
  process.stdout.write(`\n${JSON.stringify(totals)}\ngradients: ${[...slopes].map(([label, count]) => `${label} ${count}`).join("; ")}\n`);
  if (totals.failures > 0) process.exitCode = 1;
}

/** One case again, as it was printed. */
async function again(text: string, { interpret = false, every = false }: Settings): Promise<void> {
  const { recipe, choice } = JSON.parse(text) as { recipe: Recipe; choice: number };
  try {
    process.stdout.write(`${JSON.stringify(await withMachine(interpret, (machine) => checkCase(machine, recipe, choice, every ? everyVariant(machine.inStep) : undefined)))}\n`);
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("It has to be a whole number.");
  return value;
}

const { f64, case: printed, ...settings } = new Command("npm run fuzz --")
  .description("Compiles random graphs in several ways and compares what the device, or an interpreter of kernels, answers with f64.")
  .option("--runs <count>", "how many graphs", whole, 200)
  .option("--seed <number>", "which graphs", whole, 1)
  .option("--steps <count>", "the most operations and layers of a graph", whole, 14)
  .option("--seconds <count>", "the longest that a chunk of 25 graphs may take, with making a failing one smaller", whole, 300)
  .option("--case <json>", "run again what a difference printed")
  .option("--interpret", "ask no device: run kernels as they are placed on the processor, in f64, and look for races")
  .option("--every", "leave out every optimisation below the graph in turn, for both device classes, instead of a few variants")
  .option("--f64", "ask no device: passes keep the values in f64, and gradients are what differences say")
  .parse()
  .opts<Settings & { readonly f64?: true; readonly case?: string }>();
if (f64) fuzzF64(settings);
else await (printed === undefined ? fuzz(settings) : again(printed, settings));
