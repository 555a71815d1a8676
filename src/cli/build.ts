/**
 * `nabla build`: a program as a standalone package that trains in Node with `npm start`. Comes in: a file with a train
 * block, and its data. Goes out: a folder of TypeScript, WGSL and JavaScript, written whole or not at all.
 *
 *     nabla build examples/digits.dl -o digits-bundle
 */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Choices } from "../../kernels/alternatives.ts";
import { largestBatch } from "../check/train-facts.ts";
import type { CompiledProgram } from "../compile.ts";
import type { SplitEntry } from "../graph/split-by-example.ts";
import type { LoweredEntry, Target } from "../harness/lowered-entry.ts";
import { isStep, type EntryName } from "../graph/build.ts";
import { baseName, bundle } from "../harness/bundle.ts";
import { readText, writeFiles } from "../harness/node/files.ts";
import type { Dataset } from "../harness/runtime/dataset.ts";
import type { Block, EntryPlan, KernelText, Program } from "../harness/runtime/program.ts";
import { UserError } from "../support/diagnostic.ts";
import { positionOf, type Source } from "../support/span.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import { chooseProgram, loadData, loadFile } from "./load-file.ts";
import { type CompileOptions, type MemoryOptions, memoryOf } from "./options.ts";
import { printBytes, printPlural } from "./summary.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** Examples that a bundle evaluates in one run at most; of more it evaluates parts. */
const mostAtOnce = 4096;

/** What the command line may say. */
export interface BuildOptions extends CompileOptions, MemoryOptions {
  readonly output?: string;
  /** The class of device that kernels are made for. */
  readonly kernels: "gpu" | "software";
  readonly tune?: boolean;
}

/** Runs the command and gives the exit status. */
export async function build(terminal: Terminal, options: BuildOptions, file: string, name?: string): Promise<number> {
  if (options.output === undefined) throw new CommandError("build needs a folder to write into", "for example -o bundle");
  const { source, compilation, folder, stem } = await loadFile(file, options, terminal);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;
  const program = chooseProgram(compilation.programs, name);
  if (!program.train || !program.trainPlan) throw new UserError({ code: "E0407", message: `${program.model.name} has no train block`, span: program.model.span, label: "described, and not trained", hint: `add train ${program.model.name} { … }` });
  const { start } = program.train;
  if (start) throw new UserError({ code: "E0120", message: "a bundle of a block that starts from another is not supported yet", span: start.span, unsupported: true, hint: `build \`${start.block}\`, which starts fresh` });
  const examples = await loadData(program, folder);
  const target = { ...targetOf(program, options.kernels === "software"), ...memoryOf(options) };
  const choices = options.tune ? await tuned(program, target, options, terminal) : undefined;
  const lowered = lowerAll(program, examples, { ...target, ...(choices && { choices }) });
  const plan = program.trainPlan;
  const files = await bundle({
    program: { ...program.info, ...link(lowered) },
    plan,
    source: { name: `${stem}.dl`, text: source.text },
    uses: program.uses.map((u) => ({ name: u.path, text: u.source.text })),
    carried: carried(),
    ...(plan.data?.kind === "csv" && { data: { path: plan.data.path, text: await readText(path.resolve(folder, plan.data.path)) } }),
    sources: sourcesOf(program, source, lowered),
    version: packageVersion(),
  });
  const written = await writeFiles(options.output, files);
  const bytes = written.reduce((sum, f) => sum + f.bytes, 0);
  if (options.json) terminal.out(jsonDocument(compilation.diagnostics, { outputs: written }));
  else if (!options.quiet) {
    terminal.err(`wrote ${printPlural(written.length, "file")} (${printBytes(bytes)}) into ${options.output}, ${written.filter((f) => f.changed).length} of them changed\n`);
    terminal.err(`\nnext:\n  cd ${options.output} && npm install && npm start\n`);
  }
  return exitCodes.ok;
}

/** The kernels that are the fastest on the device at hand, which must be of the class that the bundle is for. */
async function tuned(program: CompiledProgram, { profile }: Target, options: BuildOptions, terminal: Terminal): Promise<Choices> {
  const [{ adapterMemory, openDevice }, { tuneFor }] = await Promise.all([import("../harness/node/adapter.ts"), import("./tuning.ts")]);
  const { device, info, close } = await openDevice({ limits: adapterMemory });
  try {
    if (info.software !== (options.kernels === "software"))
      throw new CommandError(`--tune tries kernels on ${info.name}, ${info.software ? "which is no GPU" : "a GPU"}; the bundle is for ${options.kernels === "gpu" ? "GPUs" : "software adapters"}`, info.software ? "for example --kernels software" : "leave --kernels software out");
    return await tuneFor(program, { device, info, terminal, quiet: options.quiet === true || options.json === true, profile });
  } finally {
    close();
  }
}

/** Every entry for the sizes that training and evaluation will have. */
function lowerAll(program: CompiledProgram, examples: Dataset | undefined, target: Target): ReadonlyMap<string, LoweredEntry> {
  const { batch } = program.info;
  const rows = examples?.rows ?? 1;
  const most = Math.min(largestBatch(program.train) ?? rows, rows);
  const sizeOf = (entry: EntryName | SplitEntry): number =>
    entry === "init" ? 1 : isStep(entry) || entry === "gradients" ? most : entry === "evaluate.whole" ? rows : Math.min(mostAtOnce, rows);
  const parts: readonly SplitEntry[] = batch !== undefined && rows > mostAtOnce ? ["evaluate.part", "evaluate.whole"] : [];
  return new Map([...program.entries, ...parts].map((entry) => {
    return [entry, program.lower(entry, batch === undefined ? target : { ...target, capacity: { [batch]: sizeOf(entry) } })];
  }));
}

/** One list of kernels for all entries, equal texts once. */
function link(lowered: ReadonlyMap<string, LoweredEntry>): Pick<Program, "kernels" | "entries"> {
  const kernels: KernelText[] = [];
  const known = new Map<string, number>();
  const entries: Record<string, EntryPlan> = {};
  for (const [entry, { plan, texts }] of lowered) {
    const places = texts.map((text) => {
      const key = `${text.access.join()}\n${text.wgsl}`;
      const place = known.get(key) ?? kernels.push(text) - 1;
      known.set(key, place);
      return place;
    });
    const moved = (block: Block): Block =>
      block.map((item) => (item.kind === "dispatch" ? { ...item, kernel: places[item.kernel] ?? item.kernel } : item.kind === "repeat" ? { ...item, block: moved(item.block) } : item));
    entries[entry] = { ...plan, block: moved(plan.block) };
  }
  return { kernels, entries };
}

/** Which source lines each kernel of each entry computes. */
function sourcesOf(program: CompiledProgram, first: Source, lowered: ReadonlyMap<string, LoweredEntry>): unknown {
  // Paths as `use` says them: a bundle does not tell where it was made.
  const paths = new Map([[first, baseName(first.path)], ...program.uses.map((u) => [u.source, u.path] as const)]);
  return Object.fromEntries([...lowered].map(([entry, { kernels, schedule: { origins } }]) => {
    return [entry, kernels.map((kernel) => {
      const spans = kernel.nests.flatMap((nest) => nest.nodes).flatMap((node) => origins.get(node)?.spans ?? []);
      const lines = new Set(spans.map((span) => `${paths.get(span.source) ?? span.source.path}:${positionOf(span.source, span.start).line}`));
      return { kernel: kernel.name, lines: [...lines].sort((a, b) => a.localeCompare(b, "en", { numeric: true })) };
    })];
  }));
}

/** The runtime's own TypeScript, which a bundle carries; the package ships it beside its compiled form. */
function carried(): Readonly<Record<string, string>> {
  const found = ["../harness/", "../../../src/harness/"].map((up) => new URL(up, import.meta.url)).find((home) => fs.existsSync(new URL("runtime/program.ts", home)));
  if (!found) throw new CommandError("the package is incomplete: src/harness is missing", "install it again");
  const texts: Record<string, string> = {};
  for (const room of ["runtime", "node"]) {
    for (const file of fs.readdirSync(new URL(`${room}/`, found)).filter((f) => f.endsWith(".ts")).sort()) texts[`${room}/${file}`] = fs.readFileSync(new URL(`${room}/${file}`, found), "utf8");
  }
  return texts;
}
