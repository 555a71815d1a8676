/**
 * `nabla graph`: one HTML page with the source, the graphs of the entries, a formula for each node and the WGSL of each
 * kernel. Comes in: a file. Goes out: a page that needs nothing else.
 *
 *     nabla graph examples/xor.dl -o xor.html
 */
import type { EntryName } from "../graph/build.ts";
import { writeFileAtomic } from "../harness/node/files.ts";
import { page } from "../report/page.ts";
import { jsonDocument, reportDiagnostics } from "./diagnostics.ts";
import { exitCodes } from "./exit-code.ts";
import { chooseProgram, loadFile } from "./load-file.ts";
import type { CompileOptions } from "./options.ts";
import { printBytes } from "./summary.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What the command line may say. */
export interface GraphOptions extends CompileOptions {
  readonly output?: string;
}

/** The entries that explain a program, the gradients first. */
function explained(entries: readonly EntryName[]): readonly EntryName[] {
  return entries.filter((e) => e !== "init").sort((a, b) => Number(b === "gradients") - Number(a === "gradients"));
}

/** Runs the command and gives the exit status. */
export async function graph(terminal: Terminal, options: GraphOptions, file: string, name?: string): Promise<number> {
  const { source, compilation, stem } = await loadFile(file, options, terminal);
  const failed = compilation.diagnostics.some((d) => d.severity === "error");
  if (failed || !options.json) reportDiagnostics(compilation.diagnostics, terminal, options.json === true);
  if (failed) return exitCodes.source;
  const program = chooseProgram(compilation.programs, name);
  const entries = explained(program.entries).map((entry) => {
    const { kernels, texts, plan, schedule } = program.lower(entry, targetOf(program));
    // Equal kernels share a text; the page shows each dispatch with its own.
    const textOf = plan.block.map((item) => (item.kind === "dispatch" ? (texts[item.kernel]?.wgsl ?? "") : ""));
    return { name: entry, graph: program.graph(entry), kernels, became: schedule.became, texts: textOf, peakBytes: plan.peak.bytes };
  });
  const html = await page({ title: program.model.name, source, uses: program.uses.map((u) => u.source), version: packageVersion(), entries });
  if (options.output === "-") {
    terminal.out(html);
    return exitCodes.ok;
  }
  const output = options.output ?? `${stem}.html`;
  await writeFileAtomic(output, html);
  const bytes = new TextEncoder().encode(html).length;
  if (options.json) terminal.out(jsonDocument(compilation.diagnostics, { outputs: [{ path: output, bytes }] }));
  else if (!options.quiet) terminal.err(`wrote ${output} (${printBytes(bytes)}); open it in a browser\n`);
  return exitCodes.ok;
}
