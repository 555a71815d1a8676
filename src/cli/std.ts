/**
 * `nabla std`: the library, which is written in `.dl` and may be copied and changed. Comes in: a name, or nothing for
 * the list. Goes out: the declaration as it stands in the library, on standard output.
 *
 *     nabla std adam
 */
import { foreignHint } from "../check/foreign-names.ts";
import { createLibrary } from "../std/library.ts";
import { libraryFiles } from "../std/sources.generated.ts";
import { Diagnostics } from "../support/diagnostic.ts";
import { suggest } from "../support/suggest.ts";
import type { Declaration } from "../syntax/ast.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import type { CommonOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** Lines of the list end here. */
const longestLine = 140;

/** Up to the first full stop that ends one: of a line that goes on, or of the whole. */
const firstSentence = (doc: string): string => /^.*?[^.]\.(?= \p{Lu}|$)/su.exec(doc.replaceAll("\n", " "))?.[0] ?? doc.replaceAll("\n", " ");

/** Cut between words, where it is too long. */
function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, text.lastIndexOf(" ", length - 2)).replace(/[,:;]$/, "")} …`;
}

/** Runs the command and gives the exit status. */
export async function std(terminal: Terminal, { json }: CommonOptions, name?: string): Promise<number> {
  const library = createLibrary();
  const declarationOf = (wanted: string): Declaration | undefined => library.find(wanted, new Diagnostics());
  if (name === undefined) {
    const entries = libraryFiles.flatMap((file) => file.names.map((entry) => ({ name: entry, file: file.path, summary: firstSentence(declarationOf(entry)?.doc ?? "") })));
    const width = Math.max(...entries.map((e) => e.name.length));
    if (json) terminal.out(`${JSON.stringify(entries, null, 2)}\n`);
    else for (const [at, { name: entry, file, summary }] of entries.entries()) {
      if (entries[at - 1]?.file !== file) terminal.out(`${at === 0 ? "" : "\n"}${file}\n`);
      terminal.out(`  ${entry.padEnd(width)}  ${shortened(summary, longestLine - width - 4)}\n`);
    }
    return exitCodes.ok;
  }
  const declaration = declarationOf(name);
  if (!declaration) {
    const near = suggest(name, library.names());
    throw new CommandError(`the library has no '${name}'`, foreignHint(name) ?? (near ? `did you mean '${near}'?` : "nabla std lists it"));
  }
  const { source, start, end } = declaration.span;
  const doc = declaration.doc?.split("\n").map((line) => `## ${line}\n`).join("") ?? "";
  const text = `${doc}${source.text.slice(start, end)}\n`;
  terminal.out(json ? `${JSON.stringify({ name, file: source.path, text }, null, 2)}\n` : text);
  return exitCodes.ok;
}
