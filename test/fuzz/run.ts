/**
 * The long form of the fuzzing: `npm run fuzz -- --runs 2000 --seed 7`; `--help` says the rest. Each chunk of cases has a device of its
 * own and a seed of its own; a difference is shrunk, printed whole and counted, and the next chunk goes on. Exits with 1 if there was any.
 */
import { Command, InvalidArgumentError } from "commander";
import fc from "fast-check";
import { openDevice } from "../../src/harness/node/index.ts";
import { checkCase } from "./check-case.ts";
import { checkF64 } from "./check-f64.ts";
import { type Recipe, recipes } from "./recipe.ts";

interface Settings {
  readonly runs: number;
  readonly seed: number;
  readonly steps: number;
  readonly seconds: number;
}

const chunk = 25;

async function fuzz({ runs, seed, steps, seconds }: Settings): Promise<void> {
  const seen = new Map<string, number>();
  const totals = { cases: 0, ran: 0, large: 0, elements: 0, left: 0, failures: 0 };
  for (let at = 0; at < runs; at += chunk) {
    const gpu = await openDevice();
    const property = fc.asyncProperty(recipes(steps), fc.nat({ max: 99_999 }), async (recipe, choice) => {
      const checked = await checkCase(gpu.device, recipe, choice);
      totals.cases++;
      if (checked.kind !== "agrees") totals.large++;
      totals.ran += checked.ran.length;
      totals.elements += checked.elements;
      totals.left += checked.left;
      for (const label of checked.ran) seen.set(label, (seen.get(label) ?? 0) + 1);
    });
    const found = await fc.check(property, { numRuns: Math.min(chunk, runs - at), seed: seed * 100_000 + at, endOnFailure: false, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false });
    gpu.close();
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
async function again(text: string): Promise<void> {
  const { recipe, choice } = JSON.parse(text) as { recipe: Recipe; choice: number };
  const gpu = await openDevice();
  try {
    process.stdout.write(`${JSON.stringify(await checkCase(gpu.device, recipe, choice))}\n`);
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
  gpu.close();
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("It has to be a whole number.");
  return value;
}

const { f64, case: printed, ...settings } = new Command("npm run fuzz --")
  .description("Compiles random graphs in several ways and compares what the device answers with f64.")
  .option("--runs <count>", "how many graphs", whole, 200)
  .option("--seed <number>", "which graphs", whole, 1)
  .option("--steps <count>", "the most operations and layers of a graph", whole, 14)
  .option("--seconds <count>", "the longest that a chunk of 25 graphs may take, with making a failing one smaller", whole, 300)
  .option("--case <json>", "run again what a difference printed")
  .option("--f64", "ask no device: passes keep the values in f64, and gradients are what differences say")
  .parse()
  .opts<Settings & { readonly f64?: true; readonly case?: string }>();
if (f64) fuzzF64(settings);
else await (printed === undefined ? fuzz(settings) : again(printed));
