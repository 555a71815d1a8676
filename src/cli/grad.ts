/**
 * `nabla grad`: the loss and its gradients as formulas. Comes in: a file, and perhaps one parameter. Goes out: the
 * simplified graph of the loss and of its gradients, as people write it; with --explain, what rewriting did to get there.
 *
 *     nabla grad examples/xor.dl --wrt=h.W
 */
import { printFormulas } from "../report/print-formulas.ts";
import { printLedger } from "../report/print-ledger.ts";
import { table } from "../simplify/table.ts";
import { suggest } from "../support/suggest.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import { chooseProgram, loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface GradOptions extends CompileOptions {
  readonly wrt?: string;
  readonly explain?: boolean;
}

/** Runs the command and gives the exit status. */
export async function grad(terminal: Terminal, options: GradOptions, file: string, name?: string): Promise<number> {
  const { source, compilation } = await loadFile(file, options, terminal);
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
  const text = printFormulas(graph, { model: program.model.name, isLibrary: program.text.isLibrary, outputs: wanted });
  const story = options.explain ? program.ledgers("gradients").map(({ pass, before, ledger }) => printLedger(pass, before, ledger, table, source, program.text)).join("\n") : "";
  terminal.out(options.json ? jsonDocument(compilation.diagnostics, { text, ...(options.explain && { ledger: story }) }) : [text, story].filter((t) => t !== "").join("\n"));
  return exitCodes.ok;
}
