/**
 * The AST as canonical text, for `nabla fmt`. Comes in: a file, with the comments of its source if they are to be kept.
 * Goes out: text that parses to the same AST but for spans; printing that again changes nothing.
 *
 * Lines are at most 120 characters wide where the language lets them break. Comments stay where they are: at the end of
 * their line, or on lines of their own, between the same elements. A blank line between two statements stays one blank
 * line. `##` lines belong to the node below them. A file keeps its kind of line ends.
 *
 *     format(source, diagnostics)          // what `nabla fmt` writes
 *     printAst(file)                       // from an AST alone
 */
import type { Comment } from "../../grammar/lexer.ts";
import type { Diagnostics } from "../support/diagnostic.ts";
import { type Doc, flatText, group, hardLine, ifBroken, indent, isBroken, line, lines, print, suffix } from "../support/pretty.ts";
import type { Source, Span } from "../support/span.ts";
import type { Block, Declaration, Entry, Expr, File, Param, Statement } from "./ast.ts";
import { CommentStream } from "./comment-stream.ts";
import { read } from "./parse.ts";
import { ExpressionPrinter, printString } from "./print-expression.ts";

/** The width of a line where it can break. */
export const lineWidth = 120;

/** The canonical text of a source; undefined when it has errors, which are reported. */
export function format(source: Source, diagnostics: Diagnostics): string | undefined {
  const { file, comments } = read(source, diagnostics);
  if (file.incomplete) return undefined;
  const text = printAst(file, comments);
  return /^[^\n\r]*\r\n/.test(source.text) ? text.replaceAll("\n", "\r\n") : text;
}

/** Prints a file. */
export function printAst(file: File, comments: readonly Comment[] = []): string {
  return new Printer(comments, file.span.source.text).file(file);
}

/** Something with lines of its own. */
interface Item {
  readonly span: Span;
  readonly doc?: string;
}

/** An item, what it looks like, and whether it stands apart whatever the source says. */
interface Row<T extends Item> {
  readonly item: T;
  readonly print: (item: T) => Doc;
  readonly apart?: boolean;
}

class Printer {
  private readonly comments: CommentStream;
  private readonly text: string;
  private readonly e: ExpressionPrinter;

  constructor(comments: readonly Comment[], text: string) {
    this.text = text;
    this.comments = new CommentStream(comments, text);
    this.e = new ExpressionPrinter(this.comments, (block) => this.loopBody(block));
  }

  file(file: File): string {
    const rows = file.declarations.map((item, k): Row<Declaration> => {
      const before = file.declarations[k - 1];
      const apart = before !== undefined && !(before.kind === item.kind && (item.kind === "const" || item.kind === "use"));
      return { item, print: (d) => this.declaration(d), apart };
    });
    return print(this.rows(rows, file.span.end), lineWidth);
  }

  // ------------------------------------------------------------------------------------------- lines and comments

  /** Whether the source has a blank line right behind an offset. */
  private isGap(from: number | undefined, to: number): boolean {
    const blank = from === undefined ? "" : (/^\s*/.exec(this.text.slice(from, to))?.[0] ?? "");
    return blank.replaceAll("\r\n", "\n").replaceAll("\r", "\n").split("\n").length > 2;
  }

  /** Items and comments in lines of their own, from the first line to the last, without the line break around them. */
  private rows<T extends Item>(rows: readonly Row<T>[], end: number): Doc {
    const out: Doc[] = [];
    let reached: number | undefined;
    const newLine = (start: number, apart: boolean): boolean => {
      const gap = this.isGap(reached, start) || apart;
      if (out.length > 0) out.push(hardLine);
      if (gap) out.push(hardLine);
      return gap;
    };
    /** A comment: behind what stands before it on its line, or on a line of its own. `next` is where what follows begins. */
    let endsInComment = false;
    const comment = (c: Comment, apart: boolean, next: number | undefined): boolean => {
      const behind = out.length > 0 && !endsInComment && !this.comments.isAlone(c);
      endsInComment = true;
      if (behind) out.push(suffix(`#${c.text}`));
      else {
        newLine(c.start, apart);
        // Two signs would make it the doc comment of what now stands right below.
        out.push(`${c.doc && (next === undefined || this.isGap(c.end, next)) ? "##" : "#"}${c.text}`);
      }
      reached = c.end;
      return !behind;
    };
    const upTo = (start: number, item: Item | undefined, apart: boolean): void => {
      let stillApart = apart;
      for (let c = this.comments.peek(start); c; c = this.comments.peek(start)) {
        this.comments.skip();
        if (comment(c, stillApart, this.comments.peek(start)?.start ?? item?.span.start)) stillApart = false;
      }
      if (item) newLine(start, stillApart);
    };
    for (const { item, print: printItem, apart } of rows) {
      upTo(item.span.start, item, apart ?? false);
      for (const text of item.doc?.split("\n") ?? []) out.push(text === "" ? "##" : `## ${text}`, hardLine);
      out.push(printItem(item));
      endsInComment = false;
      // A comment inside it that found no place ends its line; any others follow below.
      if (this.comments.peek(item.span.end)) {
        out.push(suffix(`#${this.comments.peek(item.span.end)?.text ?? ""}`));
        this.comments.skip();
        endsInComment = true;
      }
      reached = item.span.end;
    }
    upTo(end, undefined, false);
    return out;
  }

  /** Rows in braces. `start` is where the first of them could be, `end` is behind the closing brace. */
  private braces<T extends Item>(rows: readonly Row<T>[], end: number): Doc {
    const opening: Doc[] = [];
    const first = rows[0]?.item.span.start ?? end - 1;
    for (let c = this.comments.peek(first); c && !this.comments.isAlone(c); c = this.comments.peek(first)) {
      this.comments.skip();
      opening.push(suffix(`#${c.text}`));
    }
    const inner = this.rows(rows, end - 1);
    const isEmpty = Array.isArray(inner) && inner.length === 0;
    return ["{", lines([opening, isEmpty ? "" : indent([hardLine, inner]), hardLine, "}"])];
  }

  private block(block: Block): Doc {
    return this.braces(block.statements.map((item): Row<Statement> => ({ item, print: (s) => this.statement(s) })), block.span.end);
  }

  /** A block inside an expression: one line if it is one short statement. */
  private loopBody(block: Block): Doc {
    const [only] = block.statements;
    if (!only || block.statements.length > 1 || only.doc !== undefined || this.comments.within(block.span.start, block.span.end)) return this.block(block);
    const doc = this.statement(only);
    return flatText(doc) === undefined ? ["{", lines([indent([hardLine, doc]), hardLine, "}"])] : group(["{", indent([line, doc]), line, "}"]);
  }

  // ------------------------------------------------------------------------------------------- declarations

  private params(params: readonly Param[]): Doc {
    const elements = params.map((p) => ({
      start: p.span.start,
      doc: (): Doc => [this.e.ident(p.name), p.type ? [": ", this.e.type(p.type)] : "", p.default ? [" = ", this.e.expression(p.default)] : ""],
    }));
    return this.e.list("(", elements, ")", true, undefined, params.at(-1)?.span.end);
  }

  private declaration(d: Declaration): Doc {
    switch (d.kind) {
      case "use": return `use ${printString(d.path.value)}${d.as ? ` as ${this.e.ident(d.as)}` : ""}`;
      case "const": return this.e.assign(`const ${this.e.ident(d.name)}`, "=", [d.value]);
      case "fn":
      case "schedule":
      case "initializer": return this.routine([`${d.kind} ${this.e.ident(d.name)}`, this.params(d.params)], d.body, d.kind === "fn" ? d.gradient : undefined);
      case "layer": return [`layer ${this.e.ident(d.name)}`, this.params(d.params), " ", this.block(d.body)];
      case "model": return [`model ${this.e.ident(d.name)}`, d.params.length > 0 ? this.params(d.params) : "", " ", this.block(d.body)];
      case "optimizer": {
        const head: Doc[] = [`optimizer ${this.e.ident(d.name)}`, this.params(d.params)];
        if (d.over) head.push(` over ${this.e.ident(d.over.name)}: `, this.e.type(d.over.type));
        return [head, " ", this.block(d.body)];
      }
      case "train": return [`train ${d.from ? `${this.e.ident(d.from)}.` : ""}${this.e.ident(d.model)}${d.as ? ` as ${this.e.ident(d.as)}` : ""} `, this.entries(d.entries, d.span, false)];
    }
  }

  private routine(head: Doc, body: Expr | Block, gradient: Extract<Declaration, { kind: "fn" }>["gradient"]): Doc {
    if (body.kind !== "block") {
      const value = this.e.assign(head, "=", [body]);
      return [value, this.gradient(gradient)];
    }
    const block = this.block(body);
    return [head, " ", block, this.gradient(gradient)];
  }

  private gradient(gradient: Extract<Declaration, { kind: "fn" }>["gradient"]): Doc {
    return gradient ? [` with gradient(${this.e.ident(gradient.incoming)}) `, this.entries(gradient.entries, gradient.span, true)] : "";
  }

  /**
   * Settings in braces. One a line, their `=` under each other, so that a block reads as a table; or all on one line where
   * that is allowed and they fit.
   */
  private entries(entries: readonly Entry[], span: Span, mayBeShort: boolean): Doc {
    const width = Math.max(0, ...entries.map((e) => (e.kind === "section" ? 0 : e.key.name.length)));
    const isPlain = entries.length > 0 && entries.every((e) => e.kind === "entry" && e.doc === undefined);
    const isShort = mayBeShort && isPlain && !this.comments.within(entries[0]?.span.start ?? span.start, span.end);
    if (!isShort) return this.braces(entries.map((item): Row<Entry> => ({ item, print: (e) => this.entry(e, " ".repeat(width - widthOfKey(e, width))) })), span.end);
    const docs = entries.map((e) => this.entry(e, ifBroken(" ".repeat(width - widthOfKey(e, width)))));
    if (docs.some((d) => flatText(d) === undefined)) return ["{", lines([indent(docs.map((d) => [hardLine, d])), hardLine, "}"])];
    return group(["{", indent(docs.map((d, k) => (k === 0 ? [line, d] : [ifBroken("", ","), line, d]))), line, "}"]);
  }

  private entry(e: Entry, pad: Doc): Doc {
    if (e.kind === "section") return [`${this.e.ident(e.keyword)} ${this.e.ident(e.name)} `, this.entries(e.entries, e.span, true)];
    const value = this.e.assign([this.e.ident(e.key), pad], "=", [e.value]);
    return e.entries ? [value, " ", this.entries(e.entries, e.span, true)] : value;
  }

  // ------------------------------------------------------------------------------------------- statements

  private statement(s: Statement): Doc {
    const e = this.e;
    switch (s.kind) {
      case "for": return [`for ${e.ident(s.index)} in `, e.range(s.range), " ", this.block(s.body)];
      case "input": return [`${s.role} ${e.ident(s.name)}: `, e.type(s.type), s.range ? [" in ", e.range(s.range)] : ""];
      case "param": {
        const head: Doc[] = [`param ${e.ident(s.name)}: `, e.type(s.type)];
        return e.assign(head, "~", [s.init], `${s.role ? ` as ${e.ident(s.role)}` : ""}${s.was ? ` was ${printString(s.was.value)}` : ""}`);
      }
      case "state": {
        const head: Doc[] = [`state ${e.ident(s.name)}`, s.type ? [": ", e.type(s.type)] : ""];
        return e.assign(head, "~", [s.init]);
      }
      case "output": {
        const head: Doc[] = ["output ", e.leftSide(s.target)];
        return s.value ? e.assign(head, "=", [s.value]) : head;
      }
      case "metric": {
        const head: Doc[] = ["metric ", e.leftSide(s.target)];
        return e.assign(head, "=", [s.value]);
      }
      case "loss": return e.assign(`loss${s.name ? ` ${e.ident(s.name)}` : ""}`, "=", [s.value]);
      case "goal": {
        const value = e.expression(s.value);
        // With a bracket right behind it the word would be a name with indices.
        return [`${s.sense} `, beginsWithBracket(value) ? ["(", value, ")"] : value];
      }
      case "require": {
        const condition = e.expression(s.condition);
        if (!s.message) return ["require ", condition];
        const { after, before } = this.comments.take(s.message.span.start);
        return ["require ", condition, group([",", after, indent([line, before, printString(s.message.value)])])];
      }
      case "return": return ["return ", e.expressions(s.values)];
      case "bind": {
        const targets = s.targets.map((t, k) => {
          const { after, before } = this.comments.take(t.span.start);
          return k === 0 ? e.leftSide(t) : [",", after, isBroken([after, before]) ? hardLine : " ", before, e.leftSide(t)];
        });
        return e.assign(targets, this.arrow(s), s.values);
      }
      case "expression": return e.expressions(s.values);
    }
  }

  /** `=`, or the update arrow as it was spelled. */
  private arrow(s: Extract<Statement, { kind: "bind" }>): string {
    if (s.op === "=") return "=";
    const from = s.targets.at(-1)?.span.end ?? 0;
    return /^\s*←/.test(this.text.slice(from, from + 80)) ? "←" : "<-";
  }
}

function widthOfKey(e: Entry, otherwise: number): number {
  return e.kind === "section" ? otherwise : e.key.name.length;
}

/** Whether the first character of a document is `[`. */
function beginsWithBracket(doc: Doc): boolean {
  for (let first: Doc | undefined = doc; first !== undefined; ) {
    if (typeof first === "string") return first.startsWith("[");
    if (!("kind" in first)) first = first.find((d) => d !== "");
    else if (first.kind === "fill") first = first.parts[0];
    else if ("content" in first) first = first.content;
    else return false;
  }
  return false;
}
