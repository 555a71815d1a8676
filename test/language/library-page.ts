/**
 * The page of the library, from the library's own files: each declaration with its heading and its doc comment.
 *
 *     libraryPage()   // "# The library\n\n…## Activations\n\n### `relu(x)`\n\n…"
 */
import { libraryFiles } from "../../src/std/sources.generated.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import type { Declaration, Model, Train, Use } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";
import { printAst } from "../../src/syntax/print-ast.ts";

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** The text of docs/language/library.md. */
export function libraryPage(): string {
  const out = [
    "# The library", "",
    "Written in `.dl` itself: `nabla std` lists it, `nabla std relu` shows how `relu` is written, and a file may declare its own `relu` in its place. This page is made from the library's files.",
  ];
  for (const { path, text } of libraryFiles) {
    const file = parse({ path, text }, new Diagnostics());
    out.push("", `## ${capital(path.replace(/^std\/|\.dl$/g, ""))}`);
    for (const d of file.declarations) {
      if (d.kind === "use" || d.kind === "model" || d.kind === "train") continue;
      out.push("", `### \`${headOf(d)}\``, "", (d.doc ?? "").replaceAll("\n", " ").replaceAll("*", "\\*"));
    }
  }
  return `${out.join("\n")}\n`;
}

/** A declaration as it is called: without its doc and its body. */
function headOf(d: Exclude<Declaration, Use | Model | Train>): string {
  if (d.kind === "const") return `const ${d.name.name}`;
  const { doc: _, ...rest } = d;
  const empty: Declaration = { ...rest, body: { kind: "block", span: d.span, statements: [] } };
  const [head = ""] = printAst({ kind: "file", span: d.span, declarations: [empty] }).split(" {\n");
  return head.replace(/\s+/g, " ").replace("( ", "(").replace(/,? \)$/, ")");
}
