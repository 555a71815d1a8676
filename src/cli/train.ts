/**
 * `nabla train`: compiles a file, trains it on its data, says how well it does and saves the weights. Comes in: a file
 * and perhaps a train block. Goes out: the weights as safetensors, test results on standard output, all else on
 * standard error.
 *
 *     nabla train examples/digits.dl --set epochs=3 -o runs/short
 */
import * as path from "node:path";
import type { CompiledProgram } from "../compile.ts";
import { ensureFolder, writeFileAtomic } from "../harness/node/files.ts";
import { printTime, printValue, progress, sparkline } from "../harness/node/progress.ts";
import type { Evaluation } from "../harness/runtime/evaluate-part.ts";
import type { EpochReport, StepReport, TrainResult } from "../harness/runtime/train.ts";
import { UserError } from "../support/diagnostic.ts";
import { reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { watchForInterruption } from "./interruption.ts";
import { chooseProgram, loadData, loadFile } from "./load-file.ts";
import { loadWeights, openFor } from "./open.ts";
import type { CompileOptions } from "./options.ts";
import { printBytes, printPlural, printProgram } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface TrainCommandOptions extends CompileOptions {
  readonly output?: string;
  readonly backend: string;
  readonly weights?: string;
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
  if (!program.train) throw new UserError({ code: "E0401", message: `${program.model.name} has no train block`, span: program.model.span, hint: `add train ${program.model.name} { … }` });
  const data = await loadData(program, folder);
  const output = options.output ?? path.join("runs", stem);
  await ensureFolder(output);
  const { session, where, close } = await openFor(program, options.backend);
  try {
    await loadWeights(session, options.weights, terminal);
    say(`${printProgram(program)}${data ? `; ${printPlural(data.rows, "example")}` : ""}`);
    say(`running on ${where}`);

    const shown = display(program, terminal, options);
    const interruption = watchForInterruption();
    const trainingStarted = performance.now();
    let result: TrainResult;
    try {
      result = await session.train(data, { ...shown, interrupted: interruption.asked });
    } finally {
      interruption.end();
      shown.end();
    }
    const seconds = (performance.now() - trainingStarted) / 1000;
    const weights = path.join(output, "weights.safetensors");
    const bytes = await session.save();
    await writeFileAtomic(weights, bytes);

    if (options.json) terminal.out(`${JSON.stringify({ event: "end", end: result.end, epochs: result.epochs, steps: result.steps, seconds, adapter: where, weights, bestEpoch: result.bestEpoch ?? null, final: result.final ?? null, failure: result.failure ?? null })}\n`);
    else summarise(result, seconds, { terminal, say });
    say(`weights  ${weights} (${printBytes(bytes.length)}, float32)`);
    say(`${printTime(performance.now() - started)} in all`);
    if (result.end === "not finite") throw new UserError({ code: "E0606", message: notFinite(result), span: program.train.span, label: "this training", hint: "a smaller learning rate, or clip = norm(1.0), often helps" });
    if (result.end === "interrupted") return exitCodes.interrupted;
    if (!options.json) next(file, say);
    return exitCodes.ok;
  } finally {
    close();
  }
}

function notFinite({ failure }: TrainResult): string {
  const { step = 0, names = [] } = failure ?? {};
  const what = names.length > 0 ? names.slice(0, 4).join(", ") : "the loss or a gradient";
  return `not a finite number at update ${step}: ${what}; the weights of update ${step - 1} are kept`;
}

/** The callbacks of the training loop that draw its progress. */
function display(program: CompiledProgram, terminal: Terminal, { json, quiet }: TrainCommandOptions): { onEpoch(report: EpochReport): void; onStep(report: StepReport): void; end(): void } {
  const plan = program.trainPlan;
  const epochs = plan?.epochs;
  const bar = quiet || json ? undefined : progress({ write: terminal.err, terminal: terminal.live, columns: terminal.columns, total: epochs ?? plan?.steps ?? 1, unit: epochs === undefined ? "step" : "epoch", now: () => performance.now() });
  let values: readonly (readonly [string, number])[] = [];
  return {
    onStep({ epoch, step, steps }) {
      const perEpoch = steps / (epochs ?? steps);
      bar?.update({ at: epochs === undefined ? step : epoch, fraction: epochs === undefined ? 0 : Math.min(0.999, (step - (epoch - 1) * perEpoch) / perEpoch), values });
    },
    onEpoch({ epoch, step, loss, validation, best }) {
      if (json) terminal.out(`${JSON.stringify({ event: "epoch", epoch, step, loss, ...(validation ? { validation } : {}), best })}\n`);
      values = [["loss", loss], ...Object.entries(validation ?? {}).map(([name, value]) => [`validation ${name}`, value] as const)];
      bar?.update({ at: epochs === undefined ? step : epoch, fraction: 1, values });
    },
    end() {
      bar?.end();
    },
  };
}

/** How it ended and how well it does; the measured values are the command's result. */
function summarise(result: TrainResult, seconds: number, { terminal, say }: { readonly terminal: Terminal; readonly say: (line: string) => void }): void {
  const losses = result.history.map((h) => h.loss);
  const line = sparkline(losses, Math.min(60, terminal.columns() - 20));
  if (line !== "") say(`loss  ${printValue(losses[0] ?? Number.NaN)} ${line} ${printValue(losses.at(-1) ?? Number.NaN)}`);
  const rate = result.steps / Math.max(seconds, 1e-9);
  const ended = { finished: "", early: ", stopped early", interrupted: ", interrupted", "not finite": ", stopped" }[result.end];
  const best = result.bestEpoch === undefined ? "" : `; the weights are those of epoch ${result.bestEpoch}`;
  say(`${printPlural(result.epochs, "epoch")}, ${printPlural(result.steps, "step")} in ${seconds.toFixed(1)} s (${rate.toFixed(0)} a second)${ended}${best}`);
  const { test, validation, training } = result.final ?? {};
  const [part, values] = test ? ["test ", test] : validation ? ["validation ", validation] : ["", training ?? {}];
  for (const [name, value] of Object.entries(values satisfies Evaluation)) terminal.out(`${part}${name} ${printValue(value)}\n`);
}

/** What to try now. */
function next(file: string, say: (line: string) => void): void {
  say("");
  say("next:");
  say(`  nabla train ${file} --set seed=7    train again, with something changed`);
  say(`  nabla check ${file}                 after editing the file`);
}
