/**
 * Expressions as documents that lay themselves out. Comes in: an expression, and the comments of its file. Goes out: a
 * `Doc` whose text parses to the same expression, with parentheses where precedence asks for them or a reader could doubt.
 *
 *     expression(parse("a+(b·c)"))   // a + b · c
 *
 * Lines break only where the newline rules of the language let them: inside ( and [, after an operator or a comma. Names
 * and operators keep the author's spelling (`∑` or `sum`, `·` or `*`), read from the source at their places.
 */
import { canonicalName } from "../../grammar/lexer.ts";
import { symbolTypes } from "../../grammar/tokens.ts";
import { InternalError, unreachable } from "../support/diagnostic.ts";
import { type Doc, fill, flatText, group, hang, hardLine, hasLines, ifBroken, indent, isBroken, line, lines, softLine, split, widthOf } from "../support/pretty.ts";
import type { Span } from "../support/span.ts";
import type { Arg, ArrayLiteral, Binder, Block, Cases, Chain, Ellipsis, Expr, Fold, Ident, Item, Lhs, Link, Range, Reduction, TypeExpr } from "./ast.ts";
import type { CommentStream } from "./comment-stream.ts";

/** How tightly an expression binds; the table of the reference. `..` of a range lies between comparisons and sums. */
const levels: Readonly<Record<string, number>> = {
  or: 1, and: 2, not: 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "@": 6, "^": 8,
};
const comparison = 4;
const sum = 5;
const product = 6;
const unary = 7;
const power = 8;
const atom = 9;

/** Conditions of `cases` stand under each other unless a value is wider than this. */
const widestAligned = 60;

/** How an expression stands in its place. */
interface Place {
  /** What binds less tightly than this gets parentheses. */
  readonly level?: number;
  /** No blanks around operators, and no line breaks: the ends of ranges. */
  readonly tight?: boolean;
  /** Lines that go on are not indented further: what stands around has done so. */
  readonly aligned?: boolean;
}

/** An element of a list in brackets. */
interface Element {
  readonly start: number;
  readonly doc: () => Doc;
}

function levelOf(e: Expr): number {
  if (e.kind === "chain") return levels[e.rest[0]?.op ?? "^"] ?? atom;
  if (e.kind === "unary") return e.op === "not" ? (levels["not"] ?? atom) : unary;
  return e.kind === "reduction" ? unary : atom;
}

/** Whether the text ends in the body of a reduction, which would swallow a factor that follows. */
function isOpen(e: Expr): boolean {
  if (e.kind === "reduction") return true;
  if (e.kind === "unary") return isOpen(e.operand);
  const last = e.kind === "chain" ? e.rest.at(-1)?.value : undefined;
  return last !== undefined && levelOf(last) > levelOf(e) && isOpen(last);
}

const parenthesised = (doc: Doc): Doc => ["(", hang(doc), ")"];

/** Escapes a text as a string literal. */
export function printString(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}

/** A name as its author spelled it, but for Unicode's equal spellings. */
export function spelledName(span: Span, name: string): string {
  const written = span.source.text.slice(span.start, span.end).replace(/^[\s(]+|[\s)]+$/g, "");
  const composed = written.normalize("NFC").replaceAll("\u00b5", "\u03bc");
  return canonicalName(written) === name ? composed : name;
}

/** An operator as its author spelled it. */
function spelledOperator(link: Link): string {
  const written = link.opSpan.source.text.slice(link.opSpan.start, link.opSpan.end);
  return symbolTypes.get(written) === symbolTypes.get(link.op) && written !== "" ? written : link.op;
}

/** Prints expressions and the small parts that hold them. */
export class ExpressionPrinter {
  private readonly comments: CommentStream;
  private readonly block: (block: Block) => Doc;

  /** `block` prints the block of a loop, braces included. */
  constructor(comments: CommentStream, block: (block: Block) => Doc) {
    this.comments = comments;
    this.block = block;
  }

  /** Prints an expression for a place. */
  expression(e: Expr, place: Place = {}): Doc {
    const bare = this.bare(e, place);
    return levelOf(e) < (place.level ?? 0) ? parenthesised(bare) : bare;
  }

  /** Expressions between commas, outside of brackets. */
  expressions(list: readonly Expr[], place: Place = {}): Doc {
    const docs = list.map((e, k) => (k === 0 ? this.expression(e, place) : this.next(",", e, place)));
    return docs.length > 1 ? group(docs) : docs;
  }

  private next(comma: string, e: Expr, place: Place): Doc {
    const { after, before } = this.comments.take(e.span.start);
    const following: Doc = [comma, after, line, before, this.expression(e, place)];
    return place.aligned === true ? following : indent(following);
  }

  ident(i: Ident): string {
    return spelledName(i.span, i.name);
  }

  private bare(e: Expr, place: Place): Doc {
    switch (e.kind) {
      case "number": return e.text;
      case "string": return printString(e.value);
      case "boolean": return String(e.value);
      case "name": return spelledName(e.span, e.name);
      case "call": return [this.expression(e.callee, { level: atom }), this.args(e.args, e.span.end)];
      case "index": return [this.expression(e.target, { level: atom }), this.list("[", e.items.map((i) => ({ start: i.span.start, doc: () => this.item(i) })), "]", false, e.span.end)];
      case "field": return [e.target.kind === "number" ? `(${e.target.text})` : this.expression(e.target, { level: atom }), ".", this.ident(e.name)];
      case "unary": return e.op === "not"
        ? ["not ", this.expression(e.operand, { level: levels["not"] ?? atom })]
        : ["-", this.expression(e.operand, { level: e.operand.kind === "reduction" ? unary : power, tight: place.tight ?? false })];
      case "chain": return this.chain(e, place);
      case "reduction": return this.reduction(e);
      case "array": return this.array(e);
      case "cases": return this.cases(e);
      case "fold": return this.fold(e);
      case "instance": return [`instance ${e.from ? `${this.ident(e.from)}.` : ""}`, this.ident(e.layer), this.args(e.args, e.span.end)];
      case "error": throw new InternalError("print", "an expression that could not be read has no text");
      default: return unreachable(e, "print");
    }
  }

  private chain(e: Chain, place: Place): Doc {
    const level = levelOf(e);
    const close = level === power || (place.tight === true && (level === sum || level === product));
    const operand = (value: Expr, last: boolean, least: number): Doc => {
      // A reduction in the middle of a product would swallow the rest; before a comparison a reader could think so.
      const closed = !last && ((level === product && levelOf(value) >= least && isOpen(value)) || (level <= comparison && value.kind === "reduction"));
      // Of a negated one, as a note writes it: -(Σ x) / n.
      if (closed && value.kind === "unary" && value.op === "-") return ["-", parenthesised(this.expression(value.operand))];
      const doc = this.expression(value, { level: least, tight: place.tight ?? false });
      return closed ? parenthesised(doc) : doc;
    };
    const parts: Doc[] = [operand(e.first, false, level + 1)];
    for (const [i, link] of e.rest.entries()) {
      const isLast = i === e.rest.length - 1;
      if (close) parts.push(link.op, operand(link.value, isLast, level === power ? power : level + 1));
      else {
        const { after, before } = this.comments.take(link.value.span.start);
        parts.push([` ${spelledOperator(link)}`, after, line], [before, operand(link.value, isLast, level + 1)]);
      }
    }
    if (close) return parts;
    return place.aligned === true ? fill(parts) : indent(fill(parts));
  }

  private reduction(e: Reduction): Doc {
    const head: Doc[] = e.binders.map((b, k) => {
      const { after, before } = this.comments.take(b.span.start);
      return [k === 0 ? [after, softLine] : [",", after, line], before, this.binder(b)];
    });
    if (e.where) {
      const { after, before } = this.comments.take(e.where.span.start);
      head.push(after, line, before, "where ", this.expression(e.where));
    }
    const { after, last } = this.comments.takeInside((e.where ?? e.binders.at(-1) ?? e).span.end);
    const word = spelledName(e.opSpan, e.op);
    return [word, hang(group(["[", indent([head, after, last]), softLine, "]"])), " ", this.expression(e.body, { level: product })];
  }

  // ------------------------------------------------------------------------------------------- lists

  /** A list in brackets: on one line, or one element a line. `end` is the offset behind its closing bracket, if known. */
  list(open: string, elements: readonly Element[], close: string, comma: boolean, end?: number, lastEnd = end ?? 0): Doc {
    let opening: Doc = "";
    const parts: Doc[] = elements.map(({ start, doc }, k) => {
      const { after, before } = this.comments.take(start);
      if (k === 0) opening = [after, softLine];
      return [k === 0 ? "" : [",", after, line], before, doc()];
    });
    if (elements.length === 0 && end === undefined) return open + close;
    const { after, last } = end === undefined ? this.comments.takeInside(lastEnd) : this.comments.take(end - 1);
    if (elements.length === 0 && !isBroken([after, last])) return open + close;
    // A block with lines of its own may end a list on one line, and may not stand in the middle of it.
    const apart = parts.slice(0, -1).some(hasLines) ? split : "";
    // All elements on the next line, or one a line.
    const [first = "", ...others] = parts;
    const inner = group([first, ...others, comma && elements.length > 0 ? ifBroken(",") : "", after, last]);
    return hang(group([open, indent([apart, opening, inner]), softLine, close]));
  }

  args(args: readonly Arg[], end: number): Doc {
    return this.list("(", args.map((a) => ({ start: a.span.start, doc: () => this.arg(a) })), ")", true, end);
  }

  private arg(a: Arg): Doc {
    const name = a.name ? `${this.ident(a.name)} = ` : "";
    return [name, a.value.kind === "ellipsis" ? "..." : a.value.kind === "range" ? this.range(a.value) : this.expression(a.value)];
  }

  /** Rows of a table one a line; numbers as many on a line as fit. */
  private array(e: ArrayLiteral): Doc {
    const isShort = (i: Expr): boolean => i.kind === "number" || i.kind === "name" || i.kind === "boolean" || (i.kind === "unary" && isShort(i.operand)) || (i.kind === "array" && i.items.length < 2 && i.items.every(isShort));
    if (e.items.length < 2 || !e.items.every(isShort)) return this.list("[", e.items.map((i) => ({ start: i.span.start, doc: () => this.expression(i) })), "]", true, e.span.end);
    const parts: Doc[] = [];
    for (const [k, item] of e.items.entries()) {
      const { after, before } = this.comments.take(item.span.start);
      if (k === 0) parts.push([after, isBroken(after) ? hardLine : "", before, this.expression(item)]);
      else parts.push([",", after, line], [before, this.expression(item)]);
    }
    const { after, last } = this.comments.take(e.span.end - 1);
    return hang(group(["[", indent([softLine, fill(parts), ifBroken(","), after, last]), softLine, "]"]));
  }

  // ------------------------------------------------------------------------------------------- blocks

  private cases(e: Cases): Doc {
    const rows = [...e.arms.map((a) => ({ start: a.span.start, value: a.value, condition: a.condition })), { start: e.otherwise.span.start, value: e.otherwise, condition: undefined }];
    const arms = rows.map(({ start, value, condition }) => {
      const taken = this.comments.take(start);
      const doc = this.expression(value);
      return { taken, doc, condition: condition ? ["if ", this.expression(condition)] : "otherwise", width: widthOf(flatText(doc) ?? " ".repeat(widestAligned + 1)) };
    });
    const { after, last } = this.comments.take(e.span.end - 1);
    const widest = Math.max(...arms.map((a) => a.width));
    const pad = (width: number): string => (widest > widestAligned ? " " : " ".repeat(widest + 2 - width));
    return ["cases {", lines([
      arms[0]?.taken.after ?? "",
      indent([arms.map((a, k) => [k === 0 ? "" : a.taken.after, hardLine, a.taken.before, a.doc, pad(a.width), a.condition]), after, last]),
      hardLine, "}",
    ])];
  }

  private fold(e: Fold): Doc {
    const head: Doc[] = [`${e.form} ${this.ident(e.index)} in `, this.range(e.range), " with "];
    const carries = e.carries.map((c, k) => {
      const { after, before } = this.comments.take(c.span.start);
      return [k === 0 ? [after, isBroken([after, before]) ? hardLine : ""] : [",", after, line], before, this.ident(c.name), " = ", this.expression(c.init)];
    });
    return [head, group(indent(carries)), " ", this.block(e.body)];
  }

  // ------------------------------------------------------------------------------------------- small parts

  private item(i: Item): Doc {
    if (i.kind === "ellipsis") return "...";
    if (i.kind === "whole") return ":";
    if (i.kind === "range") return this.range(i);
    if (i.kind === "bound") return [this.expression(i.value), " in ", this.range(i.range)];
    return this.expression(i);
  }

  range(r: Range): Doc {
    return [this.expression(r.from, { level: sum, tight: true }), "..", this.expression(r.to, { level: sum, tight: true })];
  }

  binder(b: Binder): Doc {
    return b.range ? [this.ident(b.name), " in ", this.range(b.range)] : this.ident(b.name);
  }

  private dimension(d: Expr | Ellipsis): Doc {
    return d.kind === "ellipsis" ? "..." : this.expression(d, { level: sum });
  }

  type(t: TypeExpr): Doc {
    return t.dims.length === 0 ? this.ident(t.dtype) : [this.ident(t.dtype), this.list("[", t.dims.map((d) => ({ start: d.span.start, doc: () => this.dimension(d) })), "]", false, t.span.end)];
  }

  leftSide(l: Lhs): Doc {
    if (!l.items) return this.ident(l.name);
    return [this.ident(l.name), this.list("[", l.items.map((i) => ({ start: i.span.start, doc: () => (i.kind === "ellipsis" ? "..." : this.binder(i)) })), "]", false, l.span.end)];
  }

  /**
   * `head = value`. What ends in brackets of its own stays on the line and breaks inside; anything else goes to the next
   * line as a whole where it does not fit.
   */
  assign(head: Doc, op: string, values: readonly Expr[], tail: Doc = ""): Doc {
    const [first] = values;
    const { after, before } = this.comments.take(first?.span.start ?? 0);
    const value = this.expressions(values, { aligned: true });
    if (isBroken([after, before])) return [head, ` ${op}`, after, indent([hardLine, before, value]), tail];
    const stays = values.length === 1 && first !== undefined && first.kind !== "chain" && first.kind !== "reduction" && first.kind !== "unary";
    return stays ? [head, ` ${op} `, value, tail] : [head, ` ${op}`, group(indent([line, value])), tail];
  }
}

