/**
 * The `.dl` files of the library as one TypeScript module, so that the core needs no file system. Comes in: the files;
 * goes out: the text of sources.generated.ts.
 */
import { Writer } from "../support/text.ts";

/** The module's text; files in the order of their names. */
export function printSources(files: readonly { readonly name: string; readonly text: string }[]): string {
  const writer = new Writer();
  writer.line("/** The library in .dl, embedded. Written by `tsx test/std/generate-sources.ts` from the files beside it. */").line();
  writer.line("/** One file: its path in messages, its text, and the names that it declares. */");
  writer.block("export interface LibraryFile {", "}", () => {
    for (const field of ["path: string", "text: string", "names: readonly string[]"]) writer.line(`readonly ${field};`);
  });
  writer.line().line("/** Every file of the library. */");
  writer.block("export const libraryFiles: readonly LibraryFile[] = [", "];", () => {
    for (const { name, text } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      writer.block("{", "},", () => {
        writer.line(`path: ${JSON.stringify(`std/${name}`)},`);
        writer.line(`names: [${declaredNames(text).map((n) => JSON.stringify(n)).join(", ")}],`);
        writer.block("text: [", '].join("\\n"),', () => {
          for (const line of text.split("\n")) writer.line(`${JSON.stringify(line)},`);
        });
      });
    }
  });
  return writer.text();
}

/** The names declared at the start of a line. */
function declaredNames(text: string): string[] {
  return [...text.matchAll(/^(?:fn|layer|optimizer|schedule|initializer|const)\s+([\p{XID_Start}_]\p{XID_Continue}*)/gmu)].map((m) => m[1] ?? "");
}
