/**
 * Concrete tree to AST: together with `build-expression.ts` the only reader of concrete trees. Comes in: the tree of
 * one declaration, complete or broken. Goes out: its AST, or nothing when not even its name could be read.
 *
 * Invariants: never throws on a broken tree. A broken statement that names something binds that name to an `error`
 * expression, so that later lines which use the name are not reported for it.
 *
 *     buildDeclaration(parseDeclaration(tokens).cst, reading)   // { kind: "const", name: …, value: … }
 */
import type { IToken } from "chevrotain";
import type * as Cst from "../../grammar/cst.generated.ts";
import { canonicalName } from "../../grammar/lexer.ts";
import { reductionWords } from "../../grammar/tokens.ts";
import type { Span } from "../support/span.ts";
import type { Binder, Block, Declaration, Ellipsis, Entry, Expr, Fn, Item, Lhs, Param, Statement, TypeExpr } from "./ast.ts";
import { ExpressionBuilder, only } from "./build-expression.ts";
import type { SyntaxErrors } from "./syntax-errors.ts";

const reductions = new Set<string>(reductionWords);

/** What building needs from around. */
export interface Surroundings {
  readonly span: (start: number, end: number) => Span;
  readonly errors: SyntaxErrors;
  /** The doc comment right above an offset. */
  readonly docAt: (start: number) => string | undefined;
}

/** Builds one declaration. */
export function buildDeclaration(node: Cst.DeclarationCstNode, surroundings: Surroundings): Declaration | undefined {
  return new Builder(surroundings).declaration(node);
}

class Builder {
  private readonly around: Surroundings;
  private readonly e: ExpressionBuilder;
  /** Optimizers may call for effect. */
  private callsAllowed = false;

  constructor(around: Surroundings) {
    this.around = around;
    this.e = new ExpressionBuilder({ span: around.span, errors: around.errors, block: (node, results) => this.block(node, results) });
  }

  private documented(span: Span): { readonly span: Span; readonly doc?: string } {
    const doc = this.around.docAt(span.start);
    return { span, ...(doc !== undefined && { doc }) };
  }

  private failed(span: Span): Expr {
    return { kind: "error", span };
  }

  // ------------------------------------------------------------------------------------------- declarations

  declaration({ children: c }: Cst.DeclarationCstNode): Declaration | undefined {
    const plain = c.useDeclaration?.[0] ?? c.constDeclaration?.[0] ?? c.trainDeclaration?.[0];
    const routine = c.fnDeclaration?.[0] ?? c.layerDeclaration?.[0] ?? c.optimizerDeclaration?.[0] ?? c.scheduleDeclaration?.[0] ?? c.modelDeclaration?.[0];
    const node = plain ?? routine;
    if (!node) return undefined;
    const span = this.e.nodeSpan(node);
    const at = this.documented(span);
    if (node.name === "useDeclaration") {
      const { Text, Name } = node.children;
      return Text?.[0] && { kind: "use", ...at, path: this.e.string(Text[0]), ...(Name?.[0] && { as: this.e.ident(Name[0]) }) };
    }
    if (node.name === "trainDeclaration") {
      const { reference, alias, entries } = node.children;
      if (!reference?.[0]?.children.Name?.[0]) return undefined;
      const { from, name: model } = this.e.reference(reference[0]);
      return { kind: "train", ...at, ...(from && { from }), model, ...(alias?.[0] && { as: this.e.ident(alias[0]) }), entries: this.entries(entries?.[0]) };
    }
    const token = node.children.Name?.[0];
    if (!token) return undefined;
    const name = this.e.ident(token);
    switch (node.name) {
      case "constDeclaration": return { kind: "const", ...at, name, value: this.expression(node.children.expression?.[0], span) };
      case "fnDeclaration": {
        const gradient = this.gradient(node.children.gradient?.[0]);
        return { kind: "fn", ...at, name, params: this.params(node.children.parameters?.[0]), body: this.body(node.children.body?.[0], span), ...(gradient && { gradient }) };
      }
      case "scheduleDeclaration": {
        const kind = node.children.word?.[0]?.image === "initializer" ? "initializer" : "schedule";
        return { kind, ...at, name, params: this.params(node.children.parameters?.[0]), body: this.body(node.children.body?.[0], span) };
      }
      case "layerDeclaration":
      case "modelDeclaration": {
        const kind = node.name === "layerDeclaration" ? "layer" : "model";
        return { kind, ...at, name, params: this.params(node.children.parameters?.[0]), body: this.optionalBlock(node.children.block?.[0], span, kind === "layer") };
      }
      case "optimizerDeclaration": {
        const { parameters, over, type, block } = node.children;
        this.callsAllowed = true;
        return {
          kind: "optimizer", ...at, name, params: this.params(parameters?.[0]),
          ...(over?.[0] && type?.[0] && { over: { name: this.e.ident(over[0]), type: this.type(type[0]) } }), body: this.optionalBlock(block?.[0], span),
        };
      }
    }
  }

  private expression(node: Cst.ExpressionCstNode | undefined, span: Span): Expr {
    return node ? this.e.expression(node) : this.failed(span);
  }

  private optionalBlock(node: Cst.BlockCstNode | undefined, span: Span, returns = false): Block {
    return node ? this.block(node, 0, returns) : { kind: "block", span, statements: [] };
  }

  private body(node: Cst.BodyCstNode | undefined, span: Span): Expr | Block {
    const block = node?.children.block?.[0];
    return block ? this.block(block, 0, true) : this.expression(node?.children.expression?.[0], span);
  }

  private gradient(node: Cst.GradientCstNode | undefined): Fn["gradient"] {
    const { word, Name, entries } = node?.children ?? {};
    if (!node || !word?.[0] || !Name?.[0] || !entries?.[0]) return undefined;
    if (word[0].image !== "gradient") this.around.errors.expected("`gradient` after `with`", this.e.tokenSpan(word[0]));
    return { span: this.e.nodeSpan(node), incoming: this.e.ident(Name[0]), entries: this.entries(entries[0]) };
  }

  private params(node: Cst.ParametersCstNode | undefined): readonly Param[] {
    return (node?.children.parameter ?? []).map((p) => {
      const { Name, type, expression } = p.children;
      return {
        kind: "parameter", span: this.e.nodeSpan(p), name: this.e.ident(only(Name, "name")),
        ...(type?.[0] && { type: this.type(type[0]) }), ...(expression?.[0] && { default: this.e.expression(expression[0]) }),
      };
    });
  }

  private type(node: Cst.TypeCstNode): TypeExpr {
    const { Name, dimension } = node.children;
    return { kind: "type", span: this.e.nodeSpan(node), dtype: this.e.ident(only(Name, "type")), dims: (dimension ?? []).map((d) => this.e.dimension(d)) };
  }

  private entries(node: Cst.EntriesCstNode | undefined): readonly Entry[] {
    return (node?.children.entry ?? []).flatMap((entry): Entry[] => {
      const { key, section, expression, entries } = entry.children;
      if (!key?.[0]) return [];
      const span = this.e.nodeSpan(entry);
      const at = this.documented(span);
      const name = this.e.ident(key[0]);
      if (section?.[0]) return [{ kind: "section", ...at, keyword: name, name: this.e.ident(section[0]), entries: this.entries(entries?.[0]) }];
      return [{ kind: "entry", ...at, key: name, value: this.expression(expression?.[0], span), ...(entries?.[0] && { entries: this.entries(entries[0]) }) }];
    });
  }

  // ------------------------------------------------------------------------------------------- statements

  /** A block whose last statement is a list of `results` expressions, if more than none. */
  private block(node: Cst.BlockCstNode, results: number, returns = false): Block {
    const nodes = node.children.statement ?? [];
    const statements = nodes.flatMap((s) => (s.recoveredNode ? this.salvage(s) : this.statement(s)));
    const span = this.e.nodeSpan(node);
    for (const [i, s] of statements.entries()) {
      if (s.kind === "expression" && !(results > 0 && i === statements.length - 1)) this.checkUse(s.values, returns && i === statements.length - 1);
    }
    const last = statements.at(-1);
    const ends = last?.kind === "expression" ? last.values.length : 0;
    const broken = node.recoveredNode === true || nodes.some((s) => s.recoveredNode);
    if (results > 0 && ends !== results && ends !== 1 && !broken) this.around.errors.results(last?.span ?? span, results, ends);
    return { kind: "block", span, statements };
  }

  /** `result`: it ends a block that returns something. */
  private checkUse(values: readonly Expr[], result: boolean): void {
    const [first] = values;
    if (!first || (this.callsAllowed && values.length === 1 && first.kind === "call")) return;
    const hint =
      first.kind === "unary" && first.op === "-" ? "to go on with the line above, move the `-` to its end"
      : first.kind === "chain" && first.rest[0]?.op === "==" ? "`=` gives a name to a value, `==` compares"
      : result ? `to give it back write \`return ${first.kind === "name" ? first.name : "…"}\``
      : "give it a name: `name = …`";
    this.around.errors.idle(first.span, hint);
  }

  private statement(node: Cst.StatementCstNode): Statement[] {
    const c = node.children;
    const at = this.documented(this.e.nodeSpan(node));
    if (c.bindStatement?.[0]) return [this.bind(c.bindStatement[0].children, at)];
    if (c.inputStatement?.[0]) {
      const { role, Name, type, range } = c.inputStatement[0].children;
      return [{
        kind: "input", ...at, role: only(role, "role").image === "target" ? "target" : "input", name: this.e.ident(only(Name, "name")),
        type: this.type(only(type, "type")), ...(range?.[0] && { range: this.e.range(range[0]) }),
      }];
    }
    if (c.paramStatement?.[0]) {
      const { Name, type, expression, role, Text } = c.paramStatement[0].children;
      return [{
        kind: "param", ...at, name: this.e.ident(only(Name, "name")), type: this.type(only(type, "type")), init: this.e.expression(only(expression, "initialiser")),
        ...(role?.[0] && { role: this.e.ident(role[0]) }), ...(Text?.[0] && { was: this.e.string(Text[0]) }),
      }];
    }
    if (c.stateStatement?.[0]) {
      const { Name, type, expression } = c.stateStatement[0].children;
      return [{ kind: "state", ...at, name: this.e.ident(only(Name, "name")), ...(type?.[0] && { type: this.type(type[0]) }), init: this.e.expression(only(expression, "initialiser")) }];
    }
    if (c.outputStatement?.[0]) {
      const { leftSide, expression } = c.outputStatement[0].children;
      return [{ kind: "output", ...at, target: this.e.leftSide(only(leftSide, "name")), ...(expression?.[0] && { value: this.e.expression(expression[0]) }) }];
    }
    if (c.metricStatement?.[0]) {
      const { leftSide, expression } = c.metricStatement[0].children;
      return [{ kind: "metric", ...at, target: this.e.leftSide(only(leftSide, "name")), value: this.e.expression(only(expression, "value")) }];
    }
    if (c.lossStatement?.[0]) {
      const { Name, expression } = c.lossStatement[0].children;
      return [{ kind: "loss", ...at, ...(Name?.[0] && { name: this.e.ident(Name[0]) }), value: this.e.expression(only(expression, "value")) }];
    }
    if (c.goalStatement?.[0]) {
      const { sense, expression } = c.goalStatement[0].children;
      return [{ kind: "goal", ...at, sense: only(sense, "sense").image === "maximize" ? "maximize" : "minimize", value: this.e.expression(only(expression, "value")) }];
    }
    if (c.requireStatement?.[0]) {
      const { expression, Text } = c.requireStatement[0].children;
      return [{ kind: "require", ...at, condition: this.e.expression(only(expression, "condition")), ...(Text?.[0] && { message: this.e.string(Text[0]) }) }];
    }
    if (c.returnStatement?.[0]) return [{ kind: "return", ...at, values: this.values(only(c.returnStatement[0].children.expressionList, "values")) }];
    const { Name, range, block } = only(c.forStatement, "statement").children;
    return [{ kind: "for", ...at, index: this.e.ident(only(Name, "index")), range: this.e.range(only(range, "range")), body: this.block(only(block, "block"), 0) }];
  }

  private values(node: Cst.ExpressionListCstNode): readonly Expr[] {
    return node.children.listed.map((l) => this.e.expression(only(l.children.expression, "expression")));
  }

  private bind({ left, op, right }: Cst.BindStatementCstChildren, at: { readonly span: Span; readonly doc?: string }): Statement {
    const values = this.values(only(left, "left side"));
    const token = op?.[0];
    if (!token) return { kind: "expression", ...at, values };
    const targets = values.flatMap((v) => this.leftSide(v) ?? []);
    const results = this.values(only(right, "right side"));
    if (results.length > 1 && results.length !== values.length) this.around.errors.counts(at.span, values.length, results.length);
    const [first] = values;
    if (targets.length < values.length || results.length === 0 || !first) return { kind: "bind", ...at, op: "=", targets, values: [this.failed(at.span)] };
    return { kind: "bind", ...at, op: token.tokenType.name === "Arrow" ? "<-" : "=", targets, values: results };
  }

  /** An expression read as the left side of an equation. */
  private leftSide(value: Expr): Lhs | undefined {
    const named = value.kind === "index" && value.target.kind === "name" ? value.target : value;
    if (named.kind === "name" && reductions.has(named.name)) {
      this.around.errors.leftSide(named.span, `\`${named.name}\` is the name of a reduction; choose another name`);
      return undefined;
    }
    if (value.kind === "name") return { kind: "lhs", span: value.span, name: { name: value.name, span: value.span } };
    if (value.kind === "index" && value.target.kind === "name") {
      const items = value.items.flatMap((item) => this.leftItem(item) ?? []);
      if (items.length === value.items.length) return { kind: "lhs", span: value.span, name: { name: value.target.name, span: value.target.span }, items };
      return undefined;
    }
    const callee = value.kind === "call" && value.callee.kind === "name" ? value.callee.name : undefined;
    this.around.errors.leftSide(value.span, callee === undefined ? undefined : `a function is \`fn ${callee}(…) = …\`, outside of models and layers`);
    return undefined;
  }

  private leftItem(item: Item): Ellipsis | Binder | undefined {
    if (item.kind === "ellipsis") return item;
    if (item.kind === "name") return { kind: "binder", span: item.span, name: { name: item.name, span: item.span } };
    if (item.kind === "bound" && item.value.kind === "name") return { kind: "binder", span: item.span, name: { name: item.value.name, span: item.value.span }, range: item.range };
    this.around.errors.leftSide(item.span, "indices on the left are names, `z[i]` or `z[i in 0..n]`");
    return undefined;
  }

  /** The names a broken statement would have bound, bound to an error. */
  private salvage(node: Cst.StatementCstNode): Statement[] {
    const c = node.children;
    const part = Object.values(c)[0]?.[0];
    if (!part) return [];
    const span = this.e.nodeSpan(part);
    const value = this.failed(span);
    if (c.lossStatement) return [{ kind: "loss", span, value }];
    if (c.goalStatement) return [{ kind: "goal", span, sense: "minimize", value }];
    if (c.returnStatement) return [{ kind: "return", span, values: [value] }];
    const bound = (names: readonly Lhs[]): Statement[] => (names.length > 0 ? [{ kind: "bind", span, op: "=", targets: names, values: [value] }] : []);
    const named = (token: IToken | undefined): Lhs[] => {
      if (!token) return [];
      const at = this.e.tokenSpan(token);
      return [{ kind: "lhs", span: at, name: { name: canonicalName(token.image), span: at } }];
    };
    if (c.bindStatement) {
      const left = c.bindStatement[0]?.children.left?.[0];
      const names = left ? this.values(left).flatMap((v) => (v.kind === "name" ? v : v.kind === "index" && v.target.kind === "name" ? v.target : [])) : [];
      return bound(names.map((n) => ({ kind: "lhs", span: n.span, name: { name: n.name, span: n.span } })));
    }
    const side = (c.outputStatement?.[0] ?? c.metricStatement?.[0])?.children.leftSide?.[0];
    if (side) return bound(named(side.children.Name?.[0]));
    return bound(named((c.inputStatement?.[0] ?? c.paramStatement?.[0] ?? c.stateStatement?.[0])?.children.Name?.[0]));
  }
}
