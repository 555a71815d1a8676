/**
 * `nabla check`: everything that is wrong with files, nothing written. Device code is made too, for the sizes of the
 * train block and the baseline device, so that what does not fit is known before a run. Status 1 when a file has errors;
 * with `--deny-warnings` also when it has warnings.
 * `--gradients` also compares, at random points in f64, each gradient given by hand with that of its function's body, and the
 * gradient of the loss with central differences. A rule may differ on purpose, so it is said and is no error, nor is a
 * gradient that passes through it, unless `--strict` asks. Where there is a device, its gradients are compared with those in f64.
 * `--bisect` runs every entry on the device at random points and compares it with f64, kernel by kernel.
 *
 *     nabla check examples/xor.dl
 *     nabla check --gradients --strict examples/gate.dl
 *     nabla check --bisect examples/lenet.dl
 */
import type { CompiledProgram } from "../compile.ts";
import { type Diagnostic, UserError } from "../support/diagnostic.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { deviceFindings } from "./device-findings.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import { gradientFindings } from "./gradient-findings.ts";
import { loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import { printProgram } from "./summary.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface CheckOptions extends CompileOptions {
  readonly gradients?: boolean;
  readonly bisect?: boolean;
  /** A rule that differs from its function's derivative is an error too. */
  readonly strict?: boolean;
  /** Warnings end the command like errors. */
  readonly denyWarnings?: boolean;
}

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
export async function check(terminal: Terminal, options: CheckOptions, files: readonly string[]): Promise<number> {
  if (options.strict && !options.gradients) throw new CommandError("--strict is about gradients", "nabla check --gradients --strict file.dl");
  const all: Diagnostic[] = [];
  const lines: string[] = [];
  const fails = (d: Diagnostic): boolean => d.severity === "error" || options.denyWarnings === true;
  for (const file of files) {
    const { source, compilation } = await loadFile(file, options, terminal);
    const gradients = [
      ...(options.gradients ? compilation.programs.map((p) => gradientFindings(p, options.strict === true)) : []),
      ...(options.gradients || options.bisect ? [await deviceFindings(compilation.programs, (p) => (options.bisect ? p.entries : p.entries.filter((e) => e === "gradients")), options.bisect === true)] : []),
    ];
    const diagnostics = [...compilation.diagnostics, ...compilation.programs.flatMap(misfits), ...gradients.flatMap((g) => g.diagnostics)];
    all.push(...diagnostics);
    lines.push(...gradients.flatMap((g) => g.lines));
    if (options.json) continue;
    if (!options.quiet) for (const line of gradients.flatMap((g) => g.lines)) terminal.out(`${line}\n`);
    reportDiagnostics(diagnostics, terminal, false);
    const failed = diagnostics.some(fails);
    if (!failed && !options.quiet) terminal.err(`${source.path}: ${terminal.paint.green("ok")}. ${compilation.programs.map(printProgram).join("; ")}\n`);
  }
  if (options.json) terminal.out(jsonDocument(all, options.gradients || options.bisect ? { outputs: [], gradients: lines } : { outputs: [] }));
  return all.some(fails) ? exitCodes.source : exitCodes.ok;
}
