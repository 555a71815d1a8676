/**
 * `nabla check`: everything that is wrong with files, nothing written. Status 1 when one of them has errors.
 *
 *     nabla check examples/xor.dl
 */
import type { Diagnostic } from "../support/diagnostic.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import { printProgram } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command and gives the exit status. */
export async function check(terminal: Terminal, options: CompileOptions, files: readonly string[]): Promise<number> {
  const all: Diagnostic[] = [];
  for (const file of files) {
    const { source, compilation } = await loadFile(file, options, terminal);
    all.push(...compilation.diagnostics);
    if (options.json) continue;
    reportDiagnostics(compilation.diagnostics, terminal, false);
    const failed = compilation.diagnostics.some((d) => d.severity === "error");
    if (!failed && !options.quiet) terminal.err(`${source.path}: ${terminal.paint.green("ok")}. ${compilation.programs.map(printProgram).join("; ")}\n`);
  }
  if (options.json) terminal.out(jsonDocument(all, { outputs: [] }));
  return all.some((d) => d.severity === "error") ? exitCodes.source : exitCodes.ok;
}
