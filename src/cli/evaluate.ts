/**
 * `nabla eval`: a model's outputs, loss and gradients as they stand, without training. Comes in: a file. Goes out: the
 * values by name on standard output; with data, over all its examples.
 *
 *     nabla eval examples/max.dl --backend f64
 */
import type { OutputValue } from "../harness/runtime/engine.ts";
import { UserError } from "../support/diagnostic.ts";
import { reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { fieldsOf } from "../harness/runtime/batch.ts";
import { chooseProgram, loadData, loadFile } from "./load-file.ts";
import { type BackendName, loadWeights, openFor } from "./open.ts";
import type { CompileOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface EvaluateOptions extends CompileOptions {
  readonly backend: BackendName;
  readonly weights?: string;
}

/** Numbers shown of one tensor. */
const MOST_NUMBERS = 16;

/** `z[2, 2] = 1 2 3 4`, long ones cut. */
function printTensor(name: string, { shape, data }: Pick<OutputValue, "shape" | "data">): string {
  const numbers = Array.from(data.slice(0, MOST_NUMBERS), (v) => String(Number(v.toPrecision(6))));
  const cut = data.length > MOST_NUMBERS ? ` … (${data.length} numbers)` : "";
  return `${name}${shape.length > 0 ? `[${shape.join(", ")}]` : ""} = ${numbers.join(" ")}${cut}\n`;
}

/** Runs the command and gives the exit status. */
export async function evaluate(terminal: Terminal, options: EvaluateOptions, file: string, name?: string): Promise<number> {
  const { compilation, folder } = await loadFile(file, options, terminal);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;
  const program = chooseProgram(compilation.programs, name);
  const data = await loadData(program, folder);
  const [input] = program.model.inputs;
  if (input && !data) {
    throw new UserError({
      code: "E0503", message: `\`${input.name}\` has no values: nothing says from what data`, span: input.span, label: "an input",
      hint: `add \`train ${program.model.name} { data = csv("file.csv") { … } … }\`, or \`data = table { … }\``,
    });
  }
  const feed = data ? fieldsOf(data) : {};
  const { session, where, close } = await openFor(program, options.backend);
  try {
    await loadWeights(session, options.weights, terminal);
    const values = await session.evaluate(feed);
    const gradients = program.model.terms.length > 0 ? await session.gradients(feed) : {};
    const slopes = Object.entries(gradients).filter(([, value]) => value.kind === "gradient");
    if (options.json) {
      const plain = (entries: readonly (readonly [string, OutputValue])[]): object => Object.fromEntries(entries.map(([key, { shape, data: numbers }]) => [key, { shape, data: Array.from(numbers) }]));
      terminal.out(`${JSON.stringify({ version: 1, ok: true, where, values: plain(Object.entries(values)), gradients: plain(slopes) }, null, 2)}\n`);
      return exitCodes.ok;
    }
    for (const [key, value] of Object.entries(values)) terminal.out(printTensor(key, value));
    for (const [key, value] of slopes) terminal.out(printTensor(`d loss / d ${key}`, value));
    if (!options.quiet) terminal.err(`on ${where}\n`);
    return exitCodes.ok;
  } finally {
    close();
  }
}
