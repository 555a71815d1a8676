/**
 * What `npm start` in a standalone bundle runs. Comes in: the program and its train block as data, and how to open its
 * model. Goes out: progress on standard error, the measured values on standard output, the weights as safetensors, and
 * the exit status: 0 done, 1 the data or the run is at fault, 2 wrong usage, 3 no adapter, 130 interrupted.
 *
 *     await runBundle({ program, plan, openModel, root: new URL("..", import.meta.url), arguments: process.argv.slice(2) });
 */
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DataError } from "../runtime/data-error.ts";
import { type Dataset, makeDataset } from "../runtime/dataset.ts";
import { type Engine, EngineError } from "../runtime/engine.ts";
import type { Program } from "../runtime/program.ts";
import { writeSafetensors } from "../runtime/safetensors.ts";
import { isSaved } from "../runtime/saved.ts";
import { countedScalars } from "../runtime/scalars.ts";
import { evaluationSeed } from "../runtime/seeds.ts";
import { elementsOf } from "../runtime/sizes.ts";
import { train, type TrainResult } from "../runtime/train.ts";
import type { TrainPlan } from "../runtime/train-plan.ts";
import { openDevice } from "./adapter.ts";
import { EnvironmentError } from "./environment-error.ts";
import { readText, writeFileAtomic } from "./files.ts";
import { printNotFinite, showTraining, summariseTraining } from "./show-training.ts";

/** A bundle. */
export interface Bundle {
  readonly program: Program;
  readonly plan: TrainPlan;
  readonly openModel: (device: GPUDevice) => Promise<Engine>;
  /** The bundle's folder. */
  readonly root: URL;
  /** The command line. */
  readonly arguments: readonly string[];
}

/** Trains, saves and sets the exit status; never throws, and never ends the process by force. */
export async function runBundle(bundle: Bundle): Promise<void> {
  try {
    process.exitCode = await run(bundle);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  const known = error instanceof EnvironmentError || error instanceof DataError || error instanceof EngineError;
  process.stderr.write(`error${known ? ` ${error.code}` : ""}: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof EnvironmentError) {
    if (error.hint !== undefined) process.stderr.write(`help: ${error.hint}\n`);
    return error.code.startsWith("E06") ? 3 : 2;
  }
  if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) return 2;
  if (!known && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
  return known ? (error.code === "E0605" ? 3 : 1) : 70;
}

async function run({ program, plan, openModel, root, arguments: args }: Bundle): Promise<number> {
  const home = fileURLToPath(root);
  const { values } = parseArgs({ args: [...args], options: { out: { type: "string" }, help: { type: "boolean", short: "h" } }, strict: true });
  if (values.help) {
    process.stdout.write("Trains the model and writes its weights.\n\n  npm start -- [--out weights.safetensors]\n");
    return 0;
  }
  const out = values.out ?? path.join(home, "weights.safetensors");
  const data = await loadData(program, plan, home);
  const inHalves = program.kernels.some((k) => k.wgsl.startsWith("enable f16;"));
  const { device, info, close } = await openDevice(inHalves ? { features: ["shader-f16"] } : {});
  try {
    const engine = await openModel(device);
    process.stderr.write(`${program.model} on ${info.name} (${info.software ? "on the processor" : "on a GPU"}, ${info.backend})\n`);
    const terminal = process.stderr.isTTY === true && process.env["TERM"] !== "dumb";
    const columns = (): number => process.stderr.columns || 80;
    const shown = showTraining(plan, { write: (text) => process.stderr.write(text), terminal, columns, now: () => performance.now() });
    let interrupted = false;
    const hear = (): void => {
      interrupted = true;
    };
    process.once("SIGINT", hear);
    const started = performance.now();
    const result = await train({ engine, program, plan, ...(data && { data }), onStep: shown.onStep, onEpoch: shown.onEpoch, interrupted: () => interrupted }).finally(() => {
      shown.end();
      process.off("SIGINT", hear);
    });
    const { lines, measured } = summariseTraining(result, (performance.now() - started) / 1000, columns());
    await writeFileAtomic(out, await weightsOf(program, plan, engine, result));
    for (const line of [...lines, `weights ${out}`]) process.stderr.write(`${line}\n`);
    for (const line of measured) process.stdout.write(`${line}\n`);
    engine.close();
    if (result.end === "not finite") throw new EngineError("E0606", printNotFinite(result));
    return result.end === "interrupted" ? 130 : 0;
  } finally {
    close();
  }
}

async function loadData(program: Program, plan: TrainPlan, home: string): Promise<Dataset | undefined> {
  if (!plan.data) return undefined;
  return makeDataset(plan.data, program, plan.data.kind === "csv" ? { text: await readText(path.resolve(home, plan.data.path)) } : {});
}

/** The parameters; where an optimizer says what stands for them, that. */
async function weightsOf(program: Program, plan: TrainPlan, engine: Engine, { counts, updates }: TrainResult): Promise<Uint8Array> {
  const scalars = { hyper: program.hypers, step: countedScalars({ t: 1, epoch: 1, entries: Object.keys(program.entries), counts }) };
  const live = program.batch === undefined ? {} : { [program.batch]: 1 };
  const exported = program.entries["export"] ? await (await engine.run("export", { live, inputs: {}, scalars, seed: evaluationSeed(plan.seed), step: updates, example: 0 })).read() : {};
  const parameters = program.store.tensors.filter(isSaved);
  const tensors = await Promise.all(parameters.map(async (t) => ({ name: t.name, dtype: t.dtype, shape: t.shape.map((d) => elementsOf([d], {})), data: exported[t.name]?.data ?? (await engine.read(t.name)) })));
  return writeSafetensors(tensors, { model: program.model });
}
