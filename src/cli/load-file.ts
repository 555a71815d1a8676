/**
 * From a path on the command line to a compilation. Comes in: a path (`-` is standard input) and settings. Goes out:
 * the source and what the compiler made of it. A file that cannot be read is a usage error (E0701).
 *
 *     const { source, compilation } = await loadFile("digits.dl", options, terminal);
 */
import * as fs from "node:fs";
import * as path from "node:path";
import type { UseOptions } from "../check/files.ts";
import { compile, type Compilation } from "../compile.ts";
import { type EntryName, isStep } from "../graph/build.ts";
import { decodeText, readText, whyUnread } from "../harness/node/files.ts";
import { makeDataset, type Dataset } from "../harness/runtime/dataset.ts";
import { UserError } from "../support/diagnostic.ts";
import type { Source } from "../support/span.ts";
import type { Trace } from "../support/trace.ts";
import type { CompiledProgram } from "../compile.ts";
import { CommandError } from "./exit-code.ts";
import { diagnosticOf } from "./failure.ts";
import type { CompileOptions } from "./options.ts";
import { readStandardInput } from "./standard-input.ts";
import type { Terminal } from "./terminal.ts";

/** A compiled file. */
export interface LoadedFile {
  readonly source: Source;
  readonly compilation: Compilation;
  /** Where the paths in the file start from. */
  readonly folder: string;
  /** The file's name without folder and ending. */
  readonly stem: string;
}

/** A trace that verifies where asked, and tells each pass's time where asked. */
function traceOf({ verify, verbose }: CompileOptions, terminal: Terminal): Trace {
  const after: Trace["after"] = (pass, subject, _value, milliseconds) => terminal.err(`${terminal.paint.dim(`${pass.padEnd(14)} ${subject.padEnd(10)} ${milliseconds.toFixed(1)} ms`)}\n`);
  return { verify: verify === true, now: () => performance.now(), ...(verbose ? { after } : {}) };
}

/** Reads and compiles a file, with the settings and the watchfulness of the command line. `trace` replaces theirs. */
export async function loadFile(file: string, options: CompileOptions, terminal: Terminal, trace: Trace = traceOf(options, terminal)): Promise<LoadedFile> {
  const source: Source = file === "-" ? { path: "<stdin>", text: await readStandardInput() } : { path: path.relative("", path.resolve(file)) || file, text: await readText(file) };
  const folder = file === "-" ? "." : path.dirname(file);
  const compilation = compile(source, { ...usedFrom(folder), trace, ...(options.set && { set: options.set }) });
  return { source, compilation, folder, stem: file === "-" ? "stdin" : path.basename(file).replace(/\.dl$/, "") };
}

/** The files beside a file, for `use`. */
function usedFrom(folder: string): Required<Pick<UseOptions, "use" | "useNames">> {
  return {
    use: (wanted) => {
      const found = path.join(folder, wanted);
      try {
        return { path: path.relative("", found) || found, text: decodeText(fs.readFileSync(found)) };
      } catch (error) {
        return fs.existsSync(found) ? { problem: whyUnread(error) } : undefined;
      }
    },
    useNames: (wanted) => {
      const beside = path.dirname(path.join(folder, wanted));
      return fs.existsSync(beside) && fs.statSync(beside).isDirectory() ? fs.readdirSync(beside).filter((name) => name.endsWith(".dl")) : [];
    },
  };
}

const nameOf = (program: CompiledProgram): string => program.train?.name ?? program.model.name;

/** The program to work on: the named train block or model, else the only one that trains and that none starts from, else the only one. */
export function chooseProgram(programs: readonly CompiledProgram[], name: string | undefined): CompiledProgram {
  const list = (some: readonly CompiledProgram[]): string => some.map(nameOf).join(", ");
  if (name !== undefined) {
    const named = programs.find((p) => nameOf(p) === name);
    if (!named) throw new CommandError(`there is no train block or model named '${name}'`, `there is ${list(programs)}`);
    return named;
  }
  const trained = programs.filter((p) => p.train);
  const begun = new Set(trained.map((p) => p.train?.start?.block));
  const candidates = trained.length > 0 ? trained.filter((p) => !begun.has(nameOf(p))) : programs;
  const [only] = candidates;
  if (!only) throw new CommandError("the file holds no model");
  if (candidates.length > 1) throw new CommandError(`the file has several ${trained.length > 0 ? "train blocks" : "models"}; say which`, `one of ${list(trained.length > 0 ? trained : programs)}`);
  return only;
}

/** The entry that the command line names; without a name the first step, or evaluation where nothing trains. */
export function chooseEntry(program: CompiledProgram, name: string | undefined): EntryName {
  const entry = (name ?? program.entries.find(isStep) ?? "evaluate") as EntryName;
  if (!program.entries.includes(entry)) throw new CommandError(`${program.model.name} has no entry '${entry}'`, `one of ${program.entries.join(", ")}`);
  return entry;
}

/** The programs to train for one: those that it starts from, one after the other, and itself. The checker has refused circles. */
export function chainOf(programs: readonly CompiledProgram[], program: CompiledProgram): readonly CompiledProgram[] {
  const chain = [program];
  for (let at = program.train?.start; at; at = chain[0]?.train?.start) {
    const { block } = at;
    const before = programs.find((p) => p.train?.name === block);
    if (!before || chain.includes(before)) break;
    chain.unshift(before);
  }
  return chain;
}

/** The examples that a train block names, or nothing where it names none. A fault in them points at the data line of the file. */
export async function loadData(program: CompiledProgram, folder: string): Promise<Dataset | undefined> {
  const plan = program.trainPlan?.data;
  if (!plan) return undefined;
  const span = program.train?.data?.span;
  const located = (error: unknown, code?: string): never => {
    const diagnostic = diagnosticOf(error);
    if (!diagnostic || !span) throw error;
    throw new UserError({ ...diagnostic, code: code ?? diagnostic.code, span });
  };
  const text = plan.kind === "csv" ? await readText(path.resolve(folder, plan.path)).catch((error: unknown) => located(error, "E0501")) : undefined;
  try {
    return makeDataset(plan, program.info, text === undefined ? {} : { text });
  } catch (error) {
    return located(error);
  }
}
