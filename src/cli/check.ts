/**
 * `nabla check`: everything that is wrong with files, nothing written. Device code is made too, for the sizes of the
 * train block and the baseline device, so that what does not fit is known before a run. Status 1 when a file has errors.
 *
 *     nabla check examples/xor.dl
 */
import type { CompiledProgram } from "../compile.ts";
import { type Diagnostic, UserError } from "../support/diagnostic.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import { printProgram } from "./summary.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/** What a program asks that the baseline device does not have; one thing an entry at most. */
function misfits(program: CompiledProgram): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const entry of program.entries) {
    try {
      program.lower(entry, targetOf(program));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { diagnostic } = error;
      // Every entry of a program that is too large says so; once is enough for one place.
      const key = `${diagnostic.code} ${diagnostic.span?.start ?? ""}`;
      found.set(key, found.get(key) ?? (diagnostic.span ? diagnostic : { ...diagnostic, span: program.model.span, label: `while compiling ${entry}` }));
    }
  }
  return [...found.values()];
}

/** Runs the command and gives the exit status. */
export async function check(terminal: Terminal, options: CompileOptions, files: readonly string[]): Promise<number> {
  const all: Diagnostic[] = [];
  for (const file of files) {
    const { source, compilation } = await loadFile(file, options, terminal);
    const diagnostics = [...compilation.diagnostics, ...compilation.programs.flatMap(misfits)];
    all.push(...diagnostics);
    if (options.json) continue;
    reportDiagnostics(diagnostics, terminal, false);
    const failed = diagnostics.some((d) => d.severity === "error");
    if (!failed && !options.quiet) terminal.err(`${source.path}: ${terminal.paint.green("ok")}. ${compilation.programs.map(printProgram).join("; ")}\n`);
  }
  if (options.json) terminal.out(jsonDocument(all, { outputs: [] }));
  return all.some((d) => d.severity === "error") ? exitCodes.source : exitCodes.ok;
}
