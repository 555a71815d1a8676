/**
 * Concrete expressions to abstract ones. Comes in: `expression` nodes of the concrete tree, which are flat lists of
 * operands and operators. Goes out: expressions with precedence resolved.
 *
 * Invariants: operators of one level become one flat chain, built by a loop; recursion is as deep as the brackets,
 * prefixes and powers of the text, which the token layout has limited.
 *
 *     a + b * c - d   →   chain(a, [+ chain(b, [* c]), - d])
 */
import type { IToken } from "chevrotain";
import type * as Cst from "../../grammar/cst.generated.ts";
import { canonicalName } from "../../grammar/lexer.ts";
import { invariant } from "../support/diagnostic.ts";
import { cover, type Span } from "../support/span.ts";
import type {
  Arg, Binder, BinaryOp, Block, Cases, Ellipsis, Expr, Fold, Ident, Item, Lhs, Link, NumberLiteral, Range, Reduction, ReductionOp, StringLiteral,
} from "./ast.ts";
import type { SyntaxErrors } from "./syntax-errors.ts";

/** What building needs from around: places, messages, and blocks inside expressions. */
export interface Reading {
  readonly span: (start: number, end: number) => Span;
  readonly errors: SyntaxErrors;
  /** A block that ends in as many expressions as `results`. */
  readonly block: (node: Cst.BlockCstNode, results: number) => Block;
}

/** Binding strengths, loosest first; the table of the reference. */
const levels: Readonly<Record<BinaryOp, number>> = {
  or: 1, and: 2, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "@": 6, "^": 8,
};
const notLevel = 3;
const comparison = 4;
const sum = 5;
const product = 6;
const power = 8;

/** The first of a list that the grammar says is there. */
export function only<V>(list: readonly V[] | undefined, what: string): V {
  const first = list?.[0];
  invariant(first !== undefined, "syntax", `the tree has no ${what}`);
  return first;
}

/** The operator an operator token stands for. */
function operatorOf(token: IToken): BinaryOp {
  const name = token.tokenType.name;
  if (name === "And") return "and";
  if (name === "Or") return "or";
  const label = token.tokenType.LABEL ?? "";
  // Labels of operator tokens are their ASCII spelling in backticks.
  return label.slice(1, -1) as BinaryOp;
}

/** Builds expressions of one file. */
export class ExpressionBuilder {
  private readonly reading: Reading;
  /** The end of the last token built from: where something that recovery left empty is said to be. */
  private reached = 0;

  constructor(reading: Reading) {
    this.reading = reading;
  }

  // ------------------------------------------------------------------------------------------- small parts

  tokenSpan(token: IToken): Span {
    this.reached = (token.endOffset ?? token.startOffset) + 1;
    return this.reading.span(token.startOffset, this.reached);
  }

  /** Chevrotain marks a node without tokens by offsets that are no numbers. */
  nodeSpan(node: { readonly location?: { readonly startOffset: number; readonly endOffset?: number } }): Span {
    const { startOffset: start = Number.NaN, endOffset: end = Number.NaN } = node.location ?? {};
    return Number.isNaN(start) || Number.isNaN(end) ? this.reading.span(this.reached, this.reached) : this.reading.span(start, end + 1);
  }

  ident(token: IToken): Ident {
    return { name: canonicalName(token.image), span: this.tokenSpan(token) };
  }

  /** `name`, or `from.name`. */
  reference(node: Cst.ReferenceCstNode): { readonly from?: Ident; readonly name: Ident } {
    const [first, second] = node.children.Name ?? [];
    const head = this.ident(first ?? only(node.children.Name, "name"));
    return second ? { from: head, name: this.ident(second) } : { name: head };
  }

  string(token: IToken): StringLiteral {
    const quote = token.image.charAt(0);
    const body = token.image.endsWith(quote) && token.image.length > 1 ? token.image.slice(1, -1) : token.image.slice(1);
    const value = body.replace(/\\(.)/gs, (all, c: string) => (c === "n" ? "\n" : c === "t" ? "\t" : c === '"' || c === "\\" ? c : all));
    return { kind: "string", span: this.tokenSpan(token), value };
  }

  private number(token: IToken): NumberLiteral {
    return { kind: "number", span: this.tokenSpan(token), text: token.image, value: Number(token.image), integer: /^\d+$/.test(token.image) };
  }

  private ellipsis(token: IToken): Ellipsis {
    return { kind: "ellipsis", span: this.tokenSpan(token) };
  }

  range(node: Cst.RangeCstNode): Range {
    const { expression } = node.children;
    return this.rangeOf(this.bound(only(expression, "range start")), this.bound(only(expression.slice(1), "range end")));
  }

  private rangeOf(from: Expr, to: Expr): Range {
    return { kind: "range", span: cover(from.span, to.span), from, to };
  }

  /** One end of a range: `..` binds looser than `+` and tighter than comparisons. */
  private bound(node: Cst.ExpressionCstNode): Expr {
    return this.expression(node, sum);
  }

  binder(node: Cst.BinderCstNode): Binder {
    const { Name, range } = node.children;
    return { kind: "binder", span: this.nodeSpan(node), name: this.ident(only(Name, "index")), ...(range?.[0] && { range: this.range(range[0]) }) };
  }

  leftSide(node: Cst.LeftSideCstNode): Lhs {
    const { Name, leftItem } = node.children;
    const items = leftItem?.map(({ children: c }) => (c.Ellipsis?.[0] ? this.ellipsis(c.Ellipsis[0]) : this.binder(only(c.binder, "index"))));
    return { kind: "lhs", span: this.nodeSpan(node), name: this.ident(only(Name, "name")), ...(items && { items }) };
  }

  dimension(node: Cst.DimensionCstNode): Expr | Ellipsis {
    const { Ellipsis: dots, expression } = node.children;
    return dots?.[0] ? this.ellipsis(dots[0]) : this.expression(only(expression, "dimension"), sum);
  }

  // ------------------------------------------------------------------------------------------- operators

  /** Reads a whole flat expression; `level` says how tightly its operators have to bind. */
  expression(node: Cst.ExpressionCstNode, level = 0): Expr {
    const cursor: Cursor = { operands: node.children.operand, operators: node.children.op ?? [], at: 0, head: 0 };
    const result = this.climb(cursor, level);
    const left = cursor.operators[cursor.at - 1];
    if (left) this.reading.errors.needsParentheses(left.image, this.tokenSpan(left));
    return result;
  }

  /** Precedence climbing: what binds at least as tightly as `level`, from the cursor on. */
  private climb(cursor: Cursor, level: number): Expr {
    let left = this.prefixed(cursor, level);
    for (let next = nextOperator(cursor); next && levels[next.op] >= level; next = nextOperator(cursor)) {
      const run = levels[next.op];
      const rest: Link[] = [];
      for (let link: Operator | undefined = next; link && levels[link.op] === run; link = nextOperator(cursor)) {
        const opSpan = this.tokenSpan(link.token);
        // `^` groups to the right, all others to the left. The operand of the next link begins where this operator ends.
        const value = this.climb(cursor, run === power ? power : run + 1);
        if (run === comparison && rest.length > 0) this.reading.errors.chainedComparison(opSpan);
        else rest.push({ op: link.op, opSpan, value });
      }
      left = { kind: "chain", span: cover(left.span, rest.at(-1)?.value.span ?? left.span), first: left, rest };
    }
    return left;
  }

  /** An operand with what stands before it: `-`, `not`, and the heads of reductions. */
  private prefixed(cursor: Cursor, level: number): Expr {
    const operand = only(cursor.operands.slice(cursor.at, cursor.at + 1), "operand");
    const head = this.headsOf(operand)[cursor.head];
    if (!head) {
      cursor.at++;
      cursor.head = 0;
      return this.atom(operand);
    }
    cursor.head++;
    if (head.node) return this.reduction(head.node, this.climb(cursor, product));
    const op = head.token.tokenType.name === "Not" ? "not" : "-";
    const span = this.tokenSpan(head.token);
    if (op === "not" && level > notLevel) this.reading.errors.needsParentheses("not", span);
    const inner = this.climb(cursor, op === "not" ? notLevel : power);
    return { kind: "unary", span: cover(span, inner.span), op, operand: inner };
  }

  private headsOf(operand: Cst.OperandCstNode): readonly Head[] {
    const { prefix, reduction } = operand.children;
    if (!prefix && !reduction) return [];
    const heads: Head[] = [
      ...(prefix ?? []).map((token) => ({ token })),
      ...(reduction ?? []).map((node) => ({ node, token: only(node.children.ReductionWord, "reduction") })),
    ];
    return heads.sort((a, b) => a.token.startOffset - b.token.startOffset);
  }

  private reduction(node: Cst.ReductionCstNode, body: Expr): Reduction {
    const { ReductionWord, binder, expression } = node.children;
    const word = only(ReductionWord, "reduction");
    const opSpan = this.tokenSpan(word);
    return {
      kind: "reduction", span: cover(opSpan, body.span), op: canonicalName(word.image) as ReductionOp, opSpan,
      binders: binder.map((b) => this.binder(b)), ...(expression?.[0] && { where: this.expression(expression[0]) }), body,
    };
  }

  // ------------------------------------------------------------------------------------------- operands

  /** An operand without its heads. */
  private atom(node: Cst.OperandCstNode): Expr {
    let expr = this.primary(node.children);
    for (const postfix of node.children.postfix ?? []) expr = this.postfix(expr, postfix);
    return expr;
  }

  private primary(c: Cst.OperandCstChildren): Expr {
    if (c.Number?.[0]) return this.number(c.Number[0]);
    const word = c.Name?.[0] ?? c.ReductionWord?.[0];
    if (word) return { kind: "name", span: this.tokenSpan(word), name: canonicalName(word.image) };
    if (c.Text?.[0]) return this.string(c.Text[0]);
    const truth = c.True?.[0] ?? c.False?.[0];
    if (truth) return { kind: "boolean", span: this.tokenSpan(truth), value: truth.image === "true" };
    // Parentheses leave no node, but they belong to the place of what they hold.
    if (c.parenthesis?.[0]) return { ...this.expression(only(c.parenthesis[0].children.expression, "expression")), span: this.nodeSpan(c.parenthesis[0]) };
    if (c.array?.[0]) return { kind: "array", span: this.nodeSpan(c.array[0]), items: (c.array[0].children.expression ?? []).map((e) => this.expression(e)) };
    if (c.cases?.[0]) return this.cases(c.cases[0]);
    if (c.fold?.[0]) return this.fold(c.fold[0]);
    const instance = only(c.instance, "operand");
    const { reference, arguments: args } = instance.children;
    const { from, name } = this.reference(only(reference, "layer"));
    return { kind: "instance", span: this.nodeSpan(instance), ...(from && { from }), layer: name, args: this.args(only(args, "arguments")) };
  }

  private postfix(target: Expr, node: Cst.ArgumentsCstNode | Cst.ItemsCstNode | Cst.MemberCstNode): Expr {
    const span = cover(target.span, this.nodeSpan(node));
    switch (node.name) {
      case "arguments":
        return { kind: "call", span, callee: target, args: this.args(node) };
      case "items":
        return { kind: "index", span, target, items: node.children.item.map((i) => this.item(i)) };
      case "member":
        return { kind: "field", span, target, name: this.ident(only(node.children.Word, "field")) };
    }
  }

  private args(node: Cst.ArgumentsCstNode): readonly Arg[] {
    const dots = (node.children.Ellipsis ?? []).map((token): Arg => ({ kind: "argument", span: this.tokenSpan(token), value: this.ellipsis(token) }));
    const args = (node.children.argument ?? []).map((arg): Arg => {
      const { Word, expression, to } = arg.children;
      const name = Word?.[0] && this.ident(Word[0]);
      const first = only(expression, "argument");
      const value = to?.[0] ? this.rangeOf(this.bound(first), this.bound(to[0])) : this.expression(first);
      return { kind: "argument", span: this.nodeSpan(arg), ...(name && { name }), value };
    });
    return dots.length === 0 ? args : [...args, ...dots].sort((a, b) => a.span.start - b.span.start);
  }

  private item(node: Cst.ItemCstNode): Item {
    const { Ellipsis: dots, Colon, expression, to, range } = node.children;
    if (dots?.[0]) return this.ellipsis(dots[0]);
    if (Colon?.[0]) return { kind: "whole", span: this.tokenSpan(Colon[0]) };
    const first = only(expression, "index");
    if (to?.[0]) return this.rangeOf(this.bound(first), this.bound(to[0]));
    if (range?.[0]) return { kind: "bound", span: this.nodeSpan(node), value: this.expression(first), range: this.range(range[0]) };
    return this.expression(first);
  }

  private cases(node: Cst.CasesCstNode): Cases {
    const arms: Cases["arms"][number][] = [];
    const span = this.nodeSpan(node);
    let otherwise: Expr | undefined;
    let broken = false;
    for (const arm of node.children.caseArm ?? []) {
      const { expression, condition } = arm.children;
      if (arm.recoveredNode) {
        broken = true;
        continue;
      }
      if (otherwise) this.reading.errors.afterOtherwise(this.nodeSpan(arm));
      const value = this.expression(only(expression, "value"));
      if (condition?.[0]) arms.push({ span: this.nodeSpan(arm), value, condition: this.expression(condition[0]) });
      else otherwise = value;
    }
    if (!otherwise && !broken) this.reading.errors.noOtherwise(this.tokenSpan(only(node.children.Cases, "cases")));
    return { kind: "cases", span, arms, otherwise: otherwise ?? { kind: "error", span } };
  }

  private fold(node: Cst.FoldCstNode): Fold {
    const { form, Name, range, carry, block } = node.children;
    const word = only(form, "fold");
    return {
      kind: "fold", span: this.nodeSpan(node), form: word.image === "scan" ? "scan" : "fold", index: this.ident(only(Name, "index")),
      range: this.range(only(range, "range")),
      carries: carry.map((c) => ({ span: this.nodeSpan(c), name: this.ident(only(c.children.Name, "name")), init: this.expression(only(c.children.expression, "value")) })),
      body: this.reading.block(only(block, "block"), carry.length),
    };
  }
}

/** A place in a flat expression: the next operand, and how many of its heads are taken. */
interface Cursor {
  readonly operands: readonly Cst.OperandCstNode[];
  readonly operators: readonly IToken[];
  at: number;
  head: number;
}

interface Operator {
  readonly op: BinaryOp;
  readonly token: IToken;
}

/** A prefix operator, or a reduction with its brackets. */
interface Head {
  readonly token: IToken;
  readonly node?: Cst.ReductionCstNode;
}

/** The operator after the operand read last, if any. */
function nextOperator(cursor: Cursor): Operator | undefined {
  const token = cursor.operators[cursor.at - 1];
  return token && { op: operatorOf(token), token };
}
