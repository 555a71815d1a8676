/**
 * `nabla train`: compiles a file, trains it on its data, says how well it does and saves the weights. Comes in: a file
 * and perhaps a train block. Goes out: the weights as safetensors, test results on standard output, all else on
 * standard error. A block that starts from another is trained after it.
 *
 *     nabla train examples/digits.dl --set epochs=3 -o runs/short
 */
import * as path from "node:path";
import type { CompiledProgram } from "../compile.ts";
import { isStep } from "../graph/build.ts";
import type { AdapterInfo } from "../harness/node/adapter.ts";
import { ensureFolder, writeFileAtomic } from "../harness/node/files.ts";
import { printTime, printValue } from "../harness/node/progress.ts";
import { printKept, printNotFinite, showTraining, summariseTraining, type TrainingDisplay } from "../harness/node/show-training.ts";
import type { Dataset } from "../harness/runtime/dataset.ts";
import type { TrainPlan } from "../harness/runtime/train-plan.ts";
import type { TrainResult } from "../harness/runtime/train.ts";
import type { Session } from "../session.ts";
import { type Diagnostic, UserError } from "../support/diagnostic.ts";
import { tidyName } from "../support/names.ts";
import type { Span } from "../support/span.ts";
import { reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { watchForInterruption } from "./interruption.ts";
import { chainOf, chooseProgram, loadData, loadFile } from "./load-file.ts";
import { type BackendName, loadWeights, openFor } from "./open.ts";
import { type CompileOptions, type MemoryOptions, memoryOf } from "./options.ts";
import { printBytes, printPlural, printProgram } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface TrainCommandOptions extends CompileOptions, MemoryOptions {
  readonly output?: string;
  readonly backend: BackendName;
  readonly weights?: string;
  readonly tune?: boolean;
}

/** Runs the command and gives the exit status. */
export async function train(terminal: Terminal, options: TrainCommandOptions, file: string, name?: string): Promise<number> {
  const started = performance.now();
  const say = (line: string): void => {
    if (!options.quiet) terminal.err(`${line}\n`);
  };
  const { compilation, folder, stem } = await loadFile(file, options, terminal);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;

  const program = chooseProgram(compilation.programs, name);
  const output = options.output ?? path.join("runs", stem);
  const blocks: Block[] = [];
  for (const each of chainOf(compilation.programs, program)) blocks.push(await prepare(each, folder));
  await ensureFolder(output); // before the work, not after it
  let weights: Uint8Array | undefined;
  for (const block of blocks) {
    const last = block.program === program;
    const to = path.join(output, `${last ? "weights" : tidyName(block.plan.name)}.safetensors`);
    const trained = await trainBlock(terminal, options, { ...block, to, say, from: weights, named: blocks.length > 1 });
    if (last) say(`${printTime(performance.now() - started)} in all`);
    const { result } = trained;
    if (result.end === "not finite") throw new UserError(notFinite(trained, block.span));
    if (result.end === "interrupted") return exitCodes.interrupted;
    weights = trained.weights;
  }
  if (!options.json) next(name === undefined ? quoted(file) : `${quoted(file)} ${quoted(name)}`, stem, program, say);
  return exitCodes.ok;
}

/** Who made the number that is not finite, where that is known, and what is left. */
function notFinite({ result, blame }: Trained, training: Span): Omit<Diagnostic, "severity"> {
  if (!blame?.span) return { code: "E0606", message: printNotFinite(result), span: training, label: "this training", hint: "a smaller learning rate, or clip = norm(1.0), often helps" };
  return { ...blame, related: [...(blame.related ?? []), { span: training, text: printKept(result) }] };
}

/** A train block that is ready to run. */
interface Block {
  readonly program: CompiledProgram;
  readonly plan: TrainPlan;
  readonly span: Span;
  readonly data: Dataset | undefined;
}

async function prepare(program: CompiledProgram, folder: string): Promise<Block> {
  const { model, train: block, trainPlan: plan } = program;
  if (!block || !plan) throw new UserError({ code: "E0407", message: `${model.name} has no train block`, span: model.span, hint: `add train ${model.name} { … }` });
  const [input] = model.inputs;
  if (input && !plan.data)
    throw new UserError({ code: "E0402", message: `${model.name} has inputs, and this block names no data`, span: block.span, related: [{ span: input.span, text: "an input" }], hint: 'data = csv("file.csv") { … }' });
  return { program, plan, span: block.span, data: await loadData(program, folder) };
}

interface BlockRun extends Block {
  /** Where the weights go. */
  readonly to: string;
  readonly say: (line: string) => void;
  /** Weights of the block that this one starts from. */
  readonly from: Uint8Array | undefined;
  /** One of several blocks: what it prints says which. */
  readonly named: boolean;
}

/** What came of a block. */
interface Trained {
  readonly result: TrainResult;
  readonly blame?: Diagnostic;
  readonly weights: Uint8Array;
}

/** Trains one block on a device of its own and writes its weights. */
async function trainBlock(terminal: Terminal, options: TrainCommandOptions, block: BlockRun): Promise<Trained> {
  const { program, plan, data, to, say, from, named } = block;
  const tune = options.tune && { tune: async (device: GPUDevice, info: AdapterInfo) => (await import("./tuning.ts")).tuneFor(program, { device, info, terminal, quiet: options.quiet === true }) };
  const { session, where, missing, close } = await openFor(program, options.backend, { prepare: program.entries.filter(isStep).slice(0, 1), ...tune, ...memoryOf(options) });
  try {
    if (from) session.load(from);
    else await loadWeights(session, options.weights, terminal);
    say(`${named ? `${plan.name}: ` : ""}${printProgram(program)}${data ? `; ${printPlural(data.rows, "example")}` : ""}`);
    say(`running on ${where}`);
    if (missing !== undefined) terminal.err(`${terminal.paint.yellow("warning")}: ${missing}\n`);
    const mark = named ? { block: plan.name } : {};
    const shown = display(plan, terminal, options, mark);
    const interruption = watchForInterruption();
    const started = performance.now();
    let result: Awaited<ReturnType<Session["train"]>>;
    try {
      result = await session.train(data, { onStep: shown.onStep, onEpoch: shown.onEpoch, interrupted: interruption.asked });
    } finally {
      interruption.end();
      shown.end();
    }
    const seconds = (performance.now() - started) / 1000;
    const weights = await session.save();
    await writeFileAtomic(to, weights);
    if (options.json) {
      const { end, epochs, steps, bestEpoch = null, final = null, failure = null, phases } = result;
      const named = phases.some((p) => p.name !== undefined) && { phases };
      terminal.out(`${JSON.stringify({ event: "end", ...mark, end, epochs, steps, seconds, adapter: where, weights: to, bestEpoch, ...named, final, failure })}\n`);
    } else {
      const { lines, measured } = summariseTraining(result, seconds, terminal.columns());
      for (const line of lines) say(line);
      for (const line of data || result.failure ? measured : await valuesOf(session)) terminal.out(`${line}\n`);
    }
    say(`weights ${to} (${printBytes(weights.length)}, float32)`);
    return { result, weights, ...(result.blame && { blame: result.blame }) };
  } finally {
    close();
  }
}

/** Every number that a model without data has at the end. */
async function valuesOf(session: Session): Promise<readonly string[]> {
  const values = Object.entries(await session.evaluate());
  return values.filter(([, { shape }]) => shape.length === 0).map(([name, { data }]) => `${name} ${printValue(data[0] ?? Number.NaN)}`);
}

/** The callbacks of the training loop: a display for people, JSON lines for programs, nothing where it shall be quiet. */
function display(plan: TrainPlan, terminal: Terminal, { json, quiet }: TrainCommandOptions, mark: { readonly block?: string }): TrainingDisplay {
  const nothing = (): void => {};
  if (json) return { onStep: nothing, end: nothing, onEpoch: (report) => terminal.out(`${JSON.stringify({ event: "epoch", ...mark, ...report })}\n`) };
  if (quiet) return { onStep: nothing, onEpoch: nothing, end: nothing };
  return showTraining(plan, { write: terminal.err, terminal: terminal.live, columns: terminal.columns, now: () => performance.now() });
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[\p{L}\p{N}_./:\\+-]+$/u.test(word) ? word : `"${word.replace(/["$`]/g, "\\$&")}"`;
}

/** What to try now; `which` names the file, and the train block where that was named. */
function next(which: string, stem: string, program: CompiledProgram, say: (line: string) => void): void {
  const [hyper] = program.model.hypers;
  const setting = hyper ? `${hyper.name}=${hyper.value * 2}` : "seed=7";
  const tries = [
    [`npx nabla train ${which} --set ${setting}`, "the same with something changed"],
    [`npx nabla graph ${which}`, "a page with the network, its gradient and its kernels"],
    ...(program.train?.start ? [] : [[`npx nabla build ${which} -o ${quoted(`${stem}-bundle`)}`, "a package that trains without nabla"] as const]),
  ] as const;
  const width = Math.max(...tries.map(([command]) => command.length));
  say("\nnext:");
  for (const [command, what] of tries) say(`  ${command.padEnd(width)}  ${what}`);
}
