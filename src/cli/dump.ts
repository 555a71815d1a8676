/**
 * `nabla dump`: what a pass made of a program, as text. Comes in: a file and the name of a pass. Goes out: the text on
 * standard output, for one entry; with --diff, against what came before in the same form.
 *
 *     nabla dump examples/xor.dl --after=simplify --entry=step --diff
 */
import { printKernel } from "../../kernels/print-kernel.ts";
import { printGraph } from "../graph/print-graph.ts";
import type { KernelText } from "../harness/runtime/program.ts";
import type { Kernel, Schedule } from "../ir/kernel.ts";
import type { Graph } from "../ir/node.ts";
import type { Plan } from "../memory/placement.ts";
import { printPlan } from "../memory/print-plan.ts";
import { printSchedule } from "../schedule/print-schedule.ts";
import { Writer } from "../support/text.ts";
import type { Trace } from "../support/trace.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import { diffLines } from "./line-diff.ts";
import { chooseEntry, chooseProgram, loadFile } from "./load-file.ts";
import { type CompileOptions, type MemoryOptions, memoryOf } from "./options.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface DumpOptions extends CompileOptions, MemoryOptions {
  readonly after: string;
  readonly entry?: string;
  readonly diff?: boolean;
  readonly why?: boolean;
  readonly kernels: "gpu" | "software";
}

/** A form that results come in, and how it is printed. */
interface Form {
  readonly passes: readonly string[];
  readonly print: (value: unknown, options: DumpOptions) => string;
}

/** Passes whose results have one form can be compared with each other. The trace hands values over untyped; each pass has its type. */
const forms: readonly Form[] = [
  { passes: ["build", "normalise", "differentiate", "simplify"], print: (value) => printGraph(value as Graph) },
  { passes: ["schedule", "halve"], print: (value, { why = false }) => printSchedule(value as Schedule, { why }) },
  { passes: ["bind", "recompute", "stages"], print: (value, { why = false }) => (value as readonly Kernel[]).map((k) => printKernel(k, { why })).join("\n") },
  { passes: ["plan"], print: (value) => printPlan(value as Plan) },
  { passes: ["emit"], print: (value) => printTexts(value as readonly KernelText[]) },
];

function printTexts(texts: readonly KernelText[]): string {
  const writer = new Writer();
  for (const [position, { name, access, wgsl }] of texts.entries()) writer.line(`// kernel ${position}: ${name} (${access.join(", ")})`).line(wgsl);
  return writer.text();
}

/** Runs the command and gives the exit status. */
export async function dump(terminal: Terminal, options: DumpOptions, file: string, name?: string): Promise<number> {
  const form = forms.find((f) => f.passes.includes(options.after));
  if (!form) throw new CommandError(`there is no pass '${options.after}' whose result can be printed`, `one of ${forms.flatMap((f) => f.passes).join(", ")}`);
  if (options.after === "halve" && !options.half) throw new CommandError("everything keeps its 32 bits without --half", "--after=halve --half");
  if (options.after === "recompute" && options.memory === undefined) throw new CommandError("nothing is computed twice without a budget", "--after=recompute --memory 64MB");
  const heard: { readonly pass: string; readonly entry: string; readonly value: unknown }[] = [];
  const trace: Trace = { verify: options.verify === true, after: (pass, entry, value) => heard.push({ pass, entry, value }) };
  const { compilation } = await loadFile(file, options, terminal, trace);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;

  const program = chooseProgram(compilation.programs, name);
  const entry = chooseEntry(program, options.entry);
  // A file's programs are compiled one after the other, so the n-th result of a pass over an entry is the n-th program's.
  const turn = compilation.programs.filter((p) => p.entries.includes(entry)).indexOf(program);
  const graphs = heard.filter((h) => h.entry === entry);
  const before = heard.length;
  program.lower(entry, { ...targetOf(program, options.kernels === "software"), ...memoryOf(options) });
  const valueAfter = (pass: string): unknown => graphs.filter((h) => h.pass === pass)[turn]?.value ?? heard.slice(before).find((h) => h.pass === pass)?.value;

  const text = form.print(valueAfter(options.after), options);
  // Not every pass runs each time.
  const earlier = form.passes.slice(0, form.passes.indexOf(options.after)).findLast((pass) => valueAfter(pass) !== undefined);
  const diff = (): string => diffLines(earlier === undefined ? "" : form.print(valueAfter(earlier), options), text).map((line) => `${line}\n`).join("");
  const shown = options.diff ? diff() : text;
  terminal.out(options.json ? jsonDocument(compilation.diagnostics, { pass: options.after, entry, text: shown }) : shown);
  return exitCodes.ok;
}
