/**
 * Text to AST. Comes in: a source. Goes out: everything of it that could be read; what could not is reported, several
 * independent errors in one run. Never throws on any text, and neither time nor stack depend on more than its length.
 *
 *     parse({ path: "net.dl", text: "const a = 1" }, diagnostics).declarations   // [{ kind: "const", … }]
 */
import { layOut } from "../../grammar/layout.ts";
import { type Comment, tokenize } from "../../grammar/lexer.ts";
import { parseDeclaration } from "../../grammar/parse-declaration.ts";
import type { Diagnostics } from "../support/diagnostic.ts";
import { type Source, spanOf } from "../support/span.ts";
import type { Declaration, File } from "./ast.ts";
import { buildDeclaration } from "./build-ast.ts";
import { SyntaxErrors } from "./syntax-errors.ts";

/** A stretch of a text; places in what is read from it are places in the whole text. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** Reads a file, or the declarations in a part of it. */
export function parse(source: Source, diagnostics: Diagnostics, part?: Part): File {
  return read(source, diagnostics, part).file;
}

/** Reads a file and keeps the comments that are not docs of a node, for printing it back. */
export function read(source: Source, diagnostics: Diagnostics, part?: Part): { readonly file: File; readonly comments: readonly Comment[] } {
  const errors = new SyntaxErrors(source);
  const lexed = part ? tokenize(source.text.slice(0, part.end), part.start) : tokenize(source.text);
  for (const problem of lexed.problems) errors.lexical(problem);
  const { chunks, problems } = layOut(lexed.tokens);
  for (const problem of problems) errors.layout(problem);
  const attached = new Set<Comment>();
  const docAt = docFinder(source.text, lexed.comments, attached);
  const declarations: Declaration[] = [];
  for (const { tokens, isDeclaration, unbalanced } of chunks) {
    if (!isDeclaration) {
      errors.stray(tokens);
      continue;
    }
    if (errors.full) break;
    const { cst, errors: wrong } = parseDeclaration(tokens);
    for (const error of wrong) errors.parser(error, tokens, unbalanced);
    const span = (start: number, end: number) => spanOf(source, start, end);
    const declaration = cst && buildDeclaration(cst, { span, errors, docAt });
    if (declaration) declarations.push(declaration);
  }
  errors.into(diagnostics);
  const file: File = { kind: "file", span: spanOf(source, 0, source.text.length), declarations, ...(errors.any && { incomplete: true }) };
  return { file, comments: lexed.comments.filter((c) => !attached.has(c)) };
}

/** Finds the `##` lines right above an offset: comment by comment upwards, with nothing but blanks and one line break between. */
function docFinder(text: string, comments: readonly Comment[], attached: Set<Comment>): (start: number) => string | undefined {
  const docs = comments.filter((c) => c.doc);
  const joins = (from: number, to: number): boolean => /^[^\S\n]*\r?\n?[^\S\n]*$/.test(text.slice(from, to));
  return (start) => {
    let low = 0;
    let high = docs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((docs[middle]?.start ?? 0) < start) low = middle + 1;
      else high = middle;
    }
    const lines: string[] = [];
    let below = start;
    for (let i = low - 1; i >= 0; i--) {
      const doc = docs[i];
      if (!doc || !joins(doc.end, below)) break;
      attached.add(doc);
      lines.push(doc.text.replace(/^ /, ""));
      below = doc.start;
    }
    return lines.length > 0 ? lines.reverse().join("\n") : undefined;
  };
}
