/**
 * `nabla fmt`: files in their canonical form. Comes in: files (`-` is standard input, printed to standard output). Goes
 * out: the files rewritten whole; with --check nothing is written, and status 1 says that some would change.
 *
 *     nabla fmt --check examples/xor.dl
 */
import { readText, writeFileAtomic } from "../harness/node/files.ts";
import { Diagnostics } from "../support/diagnostic.ts";
import { format } from "../syntax/print-ast.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import type { CommonOptions } from "./options.ts";
import { readStandardInput } from "./standard-input.ts";
import { printPlural } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface FmtOptions extends CommonOptions {
  readonly check?: boolean;
}

/** Runs the command and gives the exit status. A file with errors is left alone. */
export async function fmt(terminal: Terminal, { check = false, json = false, quiet = false }: FmtOptions, files: readonly string[]): Promise<number> {
  const diagnostics = new Diagnostics();
  const outputs: { path: string; changed: boolean }[] = [];
  for (const file of files) {
    const text = file === "-" ? await readStandardInput() : await readText(file);
    const formatted = format({ path: file === "-" ? "<stdin>" : file, text }, diagnostics);
    if (formatted === undefined) continue;
    const changed = formatted !== text;
    outputs.push({ path: file, changed });
    if (file === "-" && !check) terminal.out(formatted);
    else if (changed && check && !json) terminal.err(`${file} is not formatted\n`);
    else if (changed && !check) await writeFileAtomic(file, formatted);
  }
  if (json) terminal.out(jsonDocument(diagnostics.list, { outputs }));
  else reportDiagnostics(diagnostics.list, terminal, false);
  const changed = outputs.filter((o) => o.changed).length;
  if (!json && !quiet && !files.includes("-")) terminal.err(`${printPlural(outputs.length, "file")}, ${changed} ${check ? "to change" : "changed"}\n`);
  return diagnostics.hasErrors || (check && changed > 0) ? exitCodes.source : exitCodes.ok;
}
