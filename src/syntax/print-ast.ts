/**
 * The AST as canonical text, for `nabla fmt`. Comes in: a file, with the comments of its source if they are to be kept.
 * Goes out: text that parses to the same AST but for spans; printing that again changes nothing.
 *
 * Comments stay on their own line or at the end of theirs; one inside a statement moves above it. A blank line between
 * two statements stays one blank line. `##` lines belong to the node below them.
 *
 *     format(source, diagnostics)          // what `nabla fmt` writes
 *     printAst(file)                       // from an AST alone
 */
import type { Comment } from "../../grammar/lexer.ts";
import type { Diagnostics } from "../support/diagnostic.ts";
import { Writer } from "../support/text.ts";
import type { Source, Span } from "../support/span.ts";
import type { Block, Declaration, Entry, Expr, File, Param, Statement } from "./ast.ts";
import { read } from "./parse.ts";
import { ExpressionPrinter, printString } from "./print-expression.ts";

/** The canonical text of a source; undefined when it has errors, which are reported. */
export function format(source: Source, diagnostics: Diagnostics): string | undefined {
  const { file, comments } = read(source, diagnostics);
  return file.incomplete ? undefined : printAst(file, comments);
}

/** Prints a file. */
export function printAst(file: File, comments: readonly Comment[] = []): string {
  return new Printer(comments).file(file);
}

/** Lists in braces stay on one line up to this width. */
const longLine = 100;

/** Something with lines of its own. */
interface Item {
  readonly span: Span;
  readonly doc?: string;
}

class Printer {
  private readonly writer = new Writer();
  private readonly e = new ExpressionPrinter((block) => new Printer([]).lines(block));
  private readonly comments: readonly Comment[];
  /** The comment that is next to be written. */
  private at = 0;
  /** Where the source of the text written last ends; undefined at the start of a block. */
  private end: number | undefined;
  /** The next line stands apart whatever the source says. */
  private apart = false;

  constructor(comments: readonly Comment[]) {
    this.comments = comments;
  }

  file(file: File): string {
    let before: Declaration["kind"] | undefined;
    for (const d of file.declarations) {
      this.apart = before !== undefined && !(before === d.kind && (d.kind === "const" || d.kind === "use"));
      this.declaration(d);
      before = d.kind;
    }
    this.flush(file.span.end, file.span);
    return this.writer.text();
  }

  private lines(block: Block): readonly string[] {
    for (const s of block.statements) this.statement(s);
    return this.writer.text().split("\n").slice(0, -1);
  }

  // ------------------------------------------------------------------------------------------- lines and comments

  private blankLine(span: Span, start: number): void {
    const gap = this.end === undefined ? "" : (/^\s*/.exec(span.source.text.slice(this.end, start))?.[0] ?? "");
    if (this.apart || gap.split("\n").length > 2) this.writer.line();
    this.apart = false;
  }

  /** Writes the comments that begin before an offset, each on a line of its own. */
  private flush(offset: number, span: Span): void {
    for (let c = this.comments[this.at]; c && c.start < offset; c = this.comments[++this.at]) {
      this.blankLine(span, c.start);
      this.writer.line(`${c.doc ? "##" : "#"}${c.text}`);
      this.end = c.end;
    }
  }

  /** What stands above an item: comments before `upTo`, a blank line, its doc comment. */
  private above(item: Item, upTo: number): void {
    this.flush(upTo, item.span);
    this.blankLine(item.span, item.span.start);
    for (const line of item.doc?.split("\n") ?? []) this.writer.line(line === "" ? "##" : `## ${line}`);
  }

  /** The comment at the end of the line where an item ends, if there is one. */
  private beside(span: Span): string {
    this.end = span.end;
    const c = this.comments[this.at];
    if (!c || c.start < span.end || span.source.text.slice(span.end, c.start).includes("\n")) return "";
    this.at++;
    this.end = c.end;
    return `  #${c.text}`;
  }

  /** An item without blocks of its own. */
  private simple(item: Item, text: string): void {
    this.above(item, item.span.end);
    this.writer.line(text + this.beside(item.span));
  }

  /** An item with a list in braces. `inner` is the place of the braces. */
  private braces(item: Item, head: string, inner: Span, body: () => void, tail = ""): void {
    this.above(item, inner.start);
    this.writer.line(`${head} {`).indent(() => {
      this.end = undefined;
      body();
      this.flush(inner.end - 1, inner);
    });
    this.writer.line(`}${tail}${this.beside(item.span)}`);
  }

  private block(item: Item, head: string, block: Block, tail = ""): void {
    this.braces(item, head, block.span, () => {
      for (const s of block.statements) this.statement(s);
    }, tail);
  }

  // ------------------------------------------------------------------------------------------- declarations

  private params(params: readonly Param[]): string {
    const texts = params.map((p) => `${p.name.name}${p.type ? `: ${this.e.type(p.type)}` : ""}${p.default ? ` = ${this.e.expression(p.default)}` : ""}`);
    return `(${texts.join(", ")})`;
  }

  private declaration(d: Declaration): void {
    switch (d.kind) {
      case "use": return this.simple(d, `use ${printString(d.path.value)}${d.as ? ` as ${d.as.name}` : ""}`);
      case "const": return this.simple(d, `const ${d.name.name} = ${this.e.expression(d.value)}`);
      case "fn": {
        const gradient = d.gradient ? ` with gradient(${d.gradient.incoming.name}) { ${this.inlineEntries(d.gradient.entries)} }` : "";
        return this.routine(d, `fn ${d.name.name}${this.params(d.params)}`, d.body, gradient);
      }
      case "schedule":
      case "initializer": return this.routine(d, `${d.kind} ${d.name.name}${this.params(d.params)}`, d.body, "");
      case "layer": return this.block(d, `layer ${d.name.name}${this.params(d.params)}`, d.body);
      case "model": return this.block(d, `model ${d.name.name}${d.params.length > 0 ? this.params(d.params) : ""}`, d.body);
      case "optimizer": {
        const over = d.over ? ` over ${d.over.name.name}: ${this.e.type(d.over.type)}` : "";
        return this.block(d, `optimizer ${d.name.name}${this.params(d.params)}${over}`, d.body);
      }
      case "train": return this.braces(d, `train ${d.from ? `${d.from.name}.` : ""}${d.model.name}${d.as ? ` as ${d.as.name}` : ""}`, d.span, () => this.entries(d.entries));
    }
  }

  private routine(item: Item, head: string, body: Expr | Block, tail: string): void {
    if (body.kind === "block") return this.block(item, head, body, tail);
    const text = this.e.expression(body);
    const fits = head.length + text.length + tail.length + 3 <= longLine || text.includes("\n");
    this.simple(item, fits ? `${head} = ${text}${tail}` : `${head} =\n  ${text}${tail}`);
  }

  /** One entry a line, their `=` under each other: a train block reads as a table. */
  private entries(entries: readonly Entry[]): void {
    const width = Math.max(0, ...entries.map((e) => (e.kind === "section" ? 0 : e.key.name.length)));
    for (const entry of entries) {
      if (entry.kind === "section") this.braces(entry, `${entry.keyword.name} ${entry.name.name}`, entry.span, () => this.entries(entry.entries));
      else if (!entry.entries) this.simple(entry, this.entryText(entry, width));
      else {
        const head = `${entry.key.name.padEnd(width)} = ${this.e.expression(entry.value)}`;
        const plain = entry.entries.every((e) => e.doc === undefined && e.kind === "entry") && !this.hasComment(entry.span);
        const inline = plain ? `${head} { ${this.inlineEntries(entry.entries)} }` : "";
        const { entries: nested } = entry;
        if (plain && inline.length <= longLine && !inline.includes("\n")) this.simple(entry, inline);
        else this.braces(entry, head, { ...entry.span, start: entry.value.span.end }, () => this.entries(nested));
      }
    }
  }

  private hasComment(span: Span): boolean {
    return this.comments.some((c) => c.start >= span.start && c.start < span.end);
  }

  private inlineEntries(entries: readonly Entry[]): string {
    return entries.map((e) => this.entryText(e)).join(", ");
  }

  private entryText(e: Entry, width = 0): string {
    const nested = e.entries ? `{ ${this.inlineEntries(e.entries)} }` : "";
    return e.kind === "section" ? `${e.keyword.name} ${e.name.name} ${nested}` : `${e.key.name.padEnd(width)} = ${this.e.expression(e.value)}${nested === "" ? "" : ` ${nested}`}`;
  }

  // ------------------------------------------------------------------------------------------- statements

  private statement(s: Statement): void {
    if (s.kind === "for") this.block(s, `for ${s.index.name} in ${this.e.range(s.range)}`, s.body);
    else this.simple(s, this.statementText(s));
  }

  private statementText(s: Exclude<Statement, { kind: "for" }>): string {
    const e = this.e;
    switch (s.kind) {
      case "input": return `${s.role} ${s.name.name}: ${e.type(s.type)}${s.range ? ` in ${e.range(s.range)}` : ""}`;
      case "param": {
        const role = s.role ? ` as ${s.role.name}` : "";
        return `param ${s.name.name}: ${e.type(s.type)} ~ ${e.expression(s.init)}${role}${s.was ? ` was ${printString(s.was.value)}` : ""}`;
      }
      case "state": return `state ${s.name.name}${s.type ? `: ${e.type(s.type)}` : ""} ~ ${e.expression(s.init)}`;
      case "output": return `output ${e.leftSide(s.target)}${s.value ? ` = ${e.expression(s.value)}` : ""}`;
      case "metric": return `metric ${e.leftSide(s.target)} = ${e.expression(s.value)}`;
      case "loss": return `loss${s.name ? ` ${s.name.name}` : ""} = ${e.expression(s.value)}`;
      case "goal": {
        // With a bracket right behind it the word would be a name with indices.
        const value = e.expression(s.value);
        return `${s.sense} ${value.startsWith("[") ? `(${value})` : value}`;
      }
      case "require": return `require ${e.expression(s.condition)}${s.message ? `, ${printString(s.message.value)}` : ""}`;
      case "return": return `return ${e.expressions(s.values)}`;
      case "bind": return `${s.targets.map((t) => e.leftSide(t)).join(", ")} ${s.op} ${e.expressions(s.values)}`;
      case "expression": return e.expressions(s.values);
    }
  }
}
