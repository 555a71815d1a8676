/**
 * Expressions as canonical text. Comes in: an expression. Goes out: text that parses to the same expression, with
 * parentheses only where precedence asks for them. May hold line breaks (cases, folds); inner lines are indented.
 *
 *     printExpression(parse("a+(b*c)"))   // "a + b * c"
 */
import { InternalError, unreachable } from "../support/diagnostic.ts";
import type { Arg, Binder, Block, Chain, Ellipsis, Expr, Item, Lhs, Range, TypeExpr } from "./ast.ts";

/** How tightly an expression binds; the table of the reference. `..` of a range lies between comparisons and sums. */
const levels: Readonly<Record<string, number>> = {
  or: 1, and: 2, not: 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "@": 6, "^": 8,
};
const sum = 5;
const product = 6;
const unary = 7;
const power = 8;
const atom = 9;

/** Prints the statements of a block inside an expression, one per line. */
export type PrintBlock = (block: Block) => readonly string[];

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

/** Escapes a text as a string literal. */
export function printString(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}

/** Indents all lines but the first. */
function hang(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** Prints expressions and the small parts that hold them. */
export class ExpressionPrinter {
  private readonly printBlock: PrintBlock;

  constructor(printBlock: PrintBlock) {
    this.printBlock = printBlock;
  }

  /** Prints an expression in a place that takes what binds at least as tightly as `level`. `tight` leaves out spaces. */
  expression(e: Expr, level = 0, tight = false): string {
    const text = this.bare(e, tight);
    return levelOf(e) < level ? `(${text})` : text;
  }

  expressions(list: readonly Expr[]): string {
    return list.map((e) => this.expression(e)).join(", ");
  }

  private bare(e: Expr, tight: boolean): string {
    switch (e.kind) {
      case "number": return e.text;
      case "string": return printString(e.value);
      case "boolean": return String(e.value);
      case "name": return e.name;
      case "call": return `${this.expression(e.callee, atom)}(${this.args(e.args)})`;
      case "index": return `${this.expression(e.target, atom)}[${e.items.map((i) => this.item(i)).join(", ")}]`;
      case "field": return `${e.target.kind === "number" ? `(${e.target.text})` : this.expression(e.target, atom)}.${e.name.name}`;
      case "unary": return e.op === "not" ? `not ${this.expression(e.operand, levels["not"])}` : `-${this.expression(e.operand, e.operand.kind === "reduction" ? unary : power, tight)}`;
      case "chain": return this.chain(e, tight);
      case "reduction": {
        const where = e.where ? ` where ${this.expression(e.where)}` : "";
        return `${e.op}[${e.binders.map((b) => this.binder(b)).join(", ")}${where}] ${this.expression(e.body, product)}`;
      }
      case "array": return `[${this.expressions(e.items)}]`;
      case "cases": {
        const arms: (readonly [value: string, condition: string])[] = e.arms.map((a) => [this.expression(a.value), `if ${this.expression(a.condition)}`]);
        arms.push([this.expression(e.otherwise), "otherwise"]);
        // Conditions stand under each other, as in a piecewise definition on paper, unless a value is too long for it.
        const widths = arms.map(([value]) => [...value].length);
        const width = arms.some(([value]) => value.includes("\n")) || Math.max(...widths) > 60 ? 0 : Math.max(...widths) + 1;
        const lines = arms.map(([value, condition], k) => `${value}${" ".repeat(Math.max(0, width - (widths[k] ?? 0)))} ${condition}`);
        return ["cases {", ...lines.map((arm) => `  ${hang(arm)}`), "}"].join("\n");
      }
      case "fold": {
        const carries = e.carries.map((c) => `${c.name.name} = ${this.expression(c.init)}`).join(", ");
        const head = `${e.form} ${e.index.name} in ${this.range(e.range)} with ${carries} {`;
        const lines = this.printBlock(e.body);
        const [only] = lines;
        return lines.length === 1 && only !== undefined ? `${head} ${only} }` : [head, ...lines.map((l) => (l === "" ? "" : `  ${l}`)), "}"].join("\n");
      }
      case "instance": return `instance ${e.from ? `${e.from.name}.` : ""}${e.layer.name}(${this.args(e.args)})`;
      case "error": throw new InternalError("print", "an expression that could not be read has no text");
      default: return unreachable(e, "print");
    }
  }

  private chain(e: Chain, tight: boolean): string {
    const level = levelOf(e);
    const operand = (value: Expr, last: boolean, least: number): string => {
      // A reduction in the middle of a product would swallow the rest.
      const swallows = level === product && !last && levelOf(value) >= least && isOpen(value);
      if (swallows && value.kind === "unary") return `-(${this.expression(value.operand, 0, tight)})`;
      const text = this.expression(value, least, tight);
      return swallows ? `(${text})` : text;
    };
    const parts = [operand(e.first, false, level + 1)];
    for (const [i, link] of e.rest.entries()) {
      const close = level === power || (tight && (level === sum || level === product));
      parts.push(close ? link.op : ` ${link.op} `, operand(link.value, i === e.rest.length - 1, level === power ? power : level + 1));
    }
    return parts.join("");
  }

  private args(args: readonly Arg[]): string {
    return args.map((a) => `${a.name ? `${a.name.name} = ` : ""}${a.value.kind === "range" ? this.range(a.value) : this.expression(a.value)}`).join(", ");
  }

  private item(i: Item): string {
    if (i.kind === "ellipsis") return "...";
    if (i.kind === "whole") return ":";
    if (i.kind === "range") return this.range(i);
    if (i.kind === "bound") return `${this.expression(i.value)} in ${this.range(i.range)}`;
    return this.expression(i);
  }

  range(r: Range): string {
    const from = this.expression(r.from, sum, true);
    const to = this.expression(r.to, sum, true);
    return `${from}..${to}`;
  }

  binder(b: Binder): string {
    return b.range ? `${b.name.name} in ${this.range(b.range)}` : b.name.name;
  }

  private dimension(d: Expr | Ellipsis): string {
    return d.kind === "ellipsis" ? "..." : this.expression(d, sum);
  }

  type(t: TypeExpr): string {
    return t.dims.length === 0 ? t.dtype.name : `${t.dtype.name}[${t.dims.map((d) => this.dimension(d)).join(", ")}]`;
  }

  leftSide(l: Lhs): string {
    if (!l.items) return l.name.name;
    return `${l.name.name}[${l.items.map((i) => (i.kind === "ellipsis" ? "..." : this.binder(i))).join(", ")}]`;
  }
}
