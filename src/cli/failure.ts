/**
 * Prints what went wrong and says which status to end with. The three kinds of failure stay apart: the user's error
 * has a code, the machine's has a hint, and ours asks for a report and names the pass it happened in.
 *
 *     process.exitCode = reportFailure(error, terminal, { json: false, verbose: false });
 */
import { EnvironmentError } from "../harness/node/environment-error.ts";
import { type Diagnostic, UserError } from "../support/diagnostic.ts";
import { CommandError, codeOf, exitCodeOf, exitCodes } from "./exit-code.ts";
import { reportDiagnostics } from "./diagnostics.ts";
import type { Terminal } from "./terminal.ts";

/** How much is shown, and in which form. */
export interface FailureOptions {
  readonly json: boolean;
  readonly verbose: boolean;
}

/** A thrown thing as a diagnostic, where it is one. */
export function diagnosticOf(error: unknown): Diagnostic | undefined {
  if (error instanceof UserError) return error.diagnostic;
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return undefined;
  const hint = error instanceof EnvironmentError ? error.hint : undefined;
  return { code, severity: "error", message: error.message, ...(hint === undefined ? {} : { hint }) };
}

/** Prints a failure on standard error (with --json, a document on standard output) and gives the exit status. */
export function reportFailure(error: unknown, terminal: Terminal, { json, verbose }: FailureOptions): number {
  const { paint, err } = terminal;
  const status = exitCodeOf(error);
  const diagnostic = status === exitCodes.internal ? undefined : diagnosticOf(error);
  if (diagnostic) {
    reportDiagnostics([diagnostic], terminal, json);
  } else if (error instanceof CommandError) {
    err(`${paint.red("error")}: ${error.message}\n`);
    if (error.hint !== undefined) err(`${paint.cyan("help")}: ${error.hint}\n`);
  } else {
    err(`${paint.red("internal error")}: ${error instanceof Error ? error.message : String(error)}\n`);
    err("This is a bug in nabla, not in your program. Please report it with the file and the command.\n");
    if (!verbose) err("--verbose shows where it happened.\n");
  }
  if (verbose && error instanceof Error && error.stack !== undefined) err(`${error.stack}\n`);
  return status;
}
