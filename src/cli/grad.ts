/**
 * `nabla grad`: the gradient of the loss as a graph. Comes in: a file, and perhaps one parameter. Goes out: the
 * simplified graph of the loss and of its gradients, as text on standard output.
 *
 *     nabla grad examples/xor.dl --wrt=h.W
 */
import { printGraph } from "../graph/print-graph.ts";
import { suggest } from "../support/suggest.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import { chooseProgram, loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface GradOptions extends CompileOptions {
  readonly wrt?: string;
}

/** Runs the command and gives the exit status. */
export async function grad(terminal: Terminal, options: GradOptions, file: string, name?: string): Promise<number> {
  const { compilation } = await loadFile(file, options, terminal);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;
  const program = chooseProgram(compilation.programs, name);
  if (!program.entries.includes("gradients")) throw new CommandError(`${program.model.name} has no loss`, "its gradients are those that it writes itself", exitCodes.source);
  const graph = program.graph("gradients");
  const outputs = graph.outputs.filter((o) => o.kind === "gradient");
  const { wrt } = options;
  // Parameters may be named without their model: h.W for Xor.h.W.
  const wanted = wrt === undefined ? graph.outputs : outputs.filter((o) => o.name === wrt || o.name === `${program.model.name}.${wrt}`);
  if (wanted.length === 0) {
    const names = outputs.map((o) => o.name);
    const near = suggest(wrt ?? "", names);
    throw new CommandError(`${program.model.name} has no parameter '${wrt}'`, near === undefined ? `one of ${names.join(", ")}` : `did you mean ${near}?`);
  }
  const text = printGraph({ ...graph, outputs: wanted });
  terminal.out(options.json ? jsonDocument(compilation.diagnostics, { text }) : text);
  return exitCodes.ok;
}
