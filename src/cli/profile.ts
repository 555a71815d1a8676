/**
 * `nabla profile`: where the time of a training step goes. Comes in: a file. Goes out: a table of kernels, with what each took on the
 * device of this machine, what the cost model says, its source line and what bounds it.
 *
 *     nabla profile examples/digits.dl
 */
import { largestBatch } from "../check/train-facts.ts";
import { printProfile } from "../report/print-profile.ts";
import { type KernelProfile, profileEntry } from "../report/profile-entry.ts";
import { limitsOf, profileFor } from "../harness/device-class.ts";
import { positionOf } from "../support/span.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { chooseEntry, chooseProgram, loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import { usualBatch } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface ProfileOptions extends CompileOptions {
  readonly entry?: string;
  readonly examples?: number;
  readonly all?: boolean;
  readonly tune?: boolean;
}

/** Kernels that are listed without --all. */
const usuallyShown = 12;

/** Runs the command and gives the exit status. */
export async function profile(terminal: Terminal, options: ProfileOptions, file: string, name?: string): Promise<number> {
  const { compilation } = await loadFile(file, options, terminal);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;
  const program = chooseProgram(compilation.programs, name);
  const entry = chooseEntry(program, options.entry);
  const { adapterMemory, openDevice } = await import("../harness/node/adapter.ts");
  const { device, info, close } = await openDevice({ limits: adapterMemory, optionalFeatures: ["timestamp-query"], exactTimestamps: true });
  try {
    const examples = options.examples ?? largestBatch(program.train) ?? usualBatch;
    const choices = options.tune ? await (await import("./tuning.ts")).tuneFor(program, { device, info, terminal, quiet: options.quiet === true, examples }) : undefined;
    const found = await profileEntry(program, { ...(choices && { choices }), device, clock: () => performance.now(), profile: profileFor({ device, software: info.software }), limits: limitsOf(device), entry, examples });
    const where = `${info.name} (${info.software ? "on the processor" : "on a GPU"}, ${info.backend})`;
    if (options.json) terminal.out(jsonDocument(compilation.diagnostics, { where, ...found, kernels: found.kernels.map(plain) }));
    else terminal.out(printProfile(found, { where, model: program.model.name, most: options.all ? found.kernels.length : usuallyShown }));
    return exitCodes.ok;
  } finally {
    close();
  }
}

function plain({ span, ...kernel }: KernelProfile): object {
  return { ...kernel, ...(span && { file: span.source.path, ...positionOf(span.source, span.start) }) };
}
