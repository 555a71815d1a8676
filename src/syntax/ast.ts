/**
 * The surface AST of a `.dl` file: what was written, without its trivia. `parse` makes it, `check` reads it and
 * `printAst` writes it back.
 *
 * Invariants:
 * - Plain readonly data, discriminated by `kind`; every node has a `span`, and two trees are compared without spans.
 * - Names are NFC; operators, `∑ ∏ ∇ π` and `µ` are normalised to one spelling each (`·` and `⊙` are `*`, `≠` is `!=`,
 *   `∑` is `sum`, `∇` is `grad`, `π` is `pi`).
 * - Precedence is resolved, parentheses are gone.
 * - A run of operators of one level is one flat `chain`, so a sum of 100,000 terms is one node with 99,999 links, not a
 *   tower: a walk that recurses into children is never deeper than the nesting limit of the parser. Meaning: from
 *   the left, `a - b + c` is `(a - b) + c`. Comparisons and `^` have exactly one link (`a ^ b ^ c` is `a ^ (b ^ c)`).
 *
 *     a * x + 1   is   chain(chain(a, [* x]), [+ 1])
 */
import type { Span } from "../support/span.ts";

/** A name where it stands. */
export interface Ident {
  readonly name: string;
  readonly span: Span;
}

export interface File {
  readonly kind: "file";
  readonly span: Span;
  readonly declarations: readonly Declaration[];
  /** True when something could not be read (and was reported): what seems to be missing may have been written. */
  readonly incomplete?: true;
}

// ---------------------------------------------------------------------------------------------- declarations

export type Declaration = Use | Const | Fn | Layer | Optimizer | Schedule | Initializer | Model | Train;

interface Documented {
  readonly span: Span;
  /** The `##` lines right above, without `## `, joined by line breaks. */
  readonly doc?: string;
}

/** `use "file.dl" as name`. */
export interface Use extends Documented {
  readonly kind: "use";
  readonly path: StringLiteral;
  readonly as?: Ident;
}

/** `const name = value`. */
export interface Const extends Documented {
  readonly kind: "const";
  readonly name: Ident;
  readonly value: Expr;
}

/** `fn name(params) = expr` or `fn name(params) { … }`, with its own gradient if one is given. */
export interface Fn extends Documented {
  readonly kind: "fn";
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly body: Expr | Block;
  /** `with gradient(dy) { x = … }`: one entry per differentiable parameter. */
  readonly gradient?: { readonly span: Span; readonly incoming: Ident; readonly entries: readonly Entry[] };
}

export interface Layer extends Documented {
  readonly kind: "layer";
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly body: Block;
}

/** `optimizer name(params) { … }`, per parameter, or `… over θ: f32[P] { … }`, all of them as one vector. */
export interface Optimizer extends Documented {
  readonly kind: "optimizer";
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly over?: { readonly name: Ident; readonly type: TypeExpr };
  readonly body: Block;
}

export interface Schedule extends Documented {
  readonly kind: "schedule";
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly body: Expr | Block;
}

export interface Initializer extends Documented {
  readonly kind: "initializer";
  readonly name: Ident;
  readonly params: readonly Param[];
  readonly body: Expr | Block;
}

export interface Model extends Documented {
  readonly kind: "model";
  readonly name: Ident;
  /** Empty when none are written. */
  readonly params: readonly Param[];
  readonly body: Block;
}

/** `train Model as name { … }`; `train more.Model { … }` for one of a used file. */
export interface Train extends Documented {
  readonly kind: "train";
  /** The name that the model's file stands behind. */
  readonly from?: Ident;
  readonly model: Ident;
  readonly as?: Ident;
  readonly entries: readonly Entry[];
}

/** `x: f32[N, d] = default`. */
export interface Param {
  readonly kind: "parameter";
  readonly span: Span;
  readonly name: Ident;
  readonly type?: TypeExpr;
  readonly default?: Expr;
}

/** `key = value`, `key = value { … }`, or a section `step name { … }`, `phase name { … }`. */
export type Entry = ValueEntry | SectionEntry;

export interface ValueEntry extends Documented {
  readonly kind: "entry";
  readonly key: Ident;
  readonly value: Expr;
  readonly entries?: readonly Entry[];
}

export interface SectionEntry extends Documented {
  readonly kind: "section";
  readonly keyword: Ident;
  readonly name: Ident;
  readonly entries: readonly Entry[];
}

// ---------------------------------------------------------------------------------------------- types

/** `f32[N, 64]`; without brackets a scalar. */
export interface TypeExpr {
  readonly kind: "type";
  readonly span: Span;
  /** As written; `check` knows which names are dtypes. */
  readonly dtype: Ident;
  /** Empty for a scalar. */
  readonly dims: readonly (Expr | Ellipsis)[];
}

export interface Ellipsis {
  readonly kind: "ellipsis";
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------- statements

export interface Block {
  readonly kind: "block";
  readonly span: Span;
  readonly statements: readonly Statement[];
}

export type Statement =
  | Input | ParamDecl | StateDecl | Output | Metric | Loss | Goal | Require | Return | For | Bind | ExprStatement;

/** `input x: f32[N, 64]`, `target y: i32[N] in 0..10`. */
export interface Input extends Documented {
  readonly kind: "input";
  readonly role: "input" | "target";
  readonly name: Ident;
  readonly type: TypeExpr;
  readonly range?: Range;
}

/** `param W: f32[n, m] ~ init as weight was "Old.W"`. */
export interface ParamDecl extends Documented {
  readonly kind: "param";
  readonly name: Ident;
  readonly type: TypeExpr;
  readonly init: Expr;
  readonly role?: Ident;
  readonly was?: StringLiteral;
}

/** `state s ~ zeros`; without a type it has the shape of the parameter (optimizers). */
export interface StateDecl extends Documented {
  readonly kind: "state";
  readonly name: Ident;
  readonly type?: TypeExpr;
  readonly init: Expr;
}

/** `output p = softmax(z)`, `output p[n, k] = …`, or `output p` of a name bound above. */
export interface Output extends Documented {
  readonly kind: "output";
  readonly target: Lhs;
  readonly value?: Expr;
}

export interface Metric extends Documented {
  readonly kind: "metric";
  readonly target: Lhs;
  readonly value: Expr;
}

/** `loss = e` or `loss name = e`. */
export interface Loss extends Documented {
  readonly kind: "loss";
  readonly name?: Ident;
  readonly value: Expr;
}

/** `minimize e`, `maximize e`. */
export interface Goal extends Documented {
  readonly kind: "goal";
  readonly sense: "minimize" | "maximize";
  readonly value: Expr;
}

export interface Require extends Documented {
  readonly kind: "require";
  readonly condition: Expr;
  readonly message?: StringLiteral;
}

export interface Return extends Documented {
  readonly kind: "return";
  readonly values: readonly Expr[];
}

/** `for k in 0..depth { … }`: unrolled, fresh parameters each turn. */
export interface For extends Documented {
  readonly kind: "for";
  readonly index: Ident;
  readonly range: Range;
  readonly body: Block;
}

/** `a = e`, `z[b, o] = e`, `h, c = lstm(x)` (`=`: a new name) and `s <- e` (`<-`: a commit). */
export interface Bind extends Documented {
  readonly kind: "bind";
  readonly op: "=" | "<-";
  /** At least one. */
  readonly targets: readonly Lhs[];
  /** One, or as many as targets. */
  readonly values: readonly Expr[];
}

/** Expressions alone: the results that end a `fold` or `scan` block, or a call for its effect in an optimizer. */
export interface ExprStatement extends Documented {
  readonly kind: "expression";
  readonly values: readonly Expr[];
}

/** The left side of an equation: a name, with its indices in index notation. */
export interface Lhs {
  readonly kind: "lhs";
  readonly span: Span;
  readonly name: Ident;
  /** Absent for a whole tensor; present (and not empty) for an equation. */
  readonly items?: readonly (Ellipsis | Binder)[];
}

/** An index that is bound: `i`, or `i in 0..n`. */
export interface Binder {
  readonly kind: "binder";
  readonly span: Span;
  readonly name: Ident;
  readonly range?: Range;
}

/** Half-open: `from..to`. */
export interface Range {
  readonly kind: "range";
  readonly span: Span;
  readonly from: Expr;
  readonly to: Expr;
}

// ---------------------------------------------------------------------------------------------- expressions

export type Expr =
  | NumberLiteral | StringLiteral | BooleanLiteral | Name | Call | Index | Field | Unary | Chain | Reduction
  | ArrayLiteral | Cases | Fold | Instance | ErrorExpr;

export interface NumberLiteral {
  readonly kind: "number";
  readonly span: Span;
  /** As written. */
  readonly text: string;
  readonly value: number;
  /** Written without a point and without an exponent. */
  readonly integer: boolean;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly span: Span;
  /** With escapes resolved. */
  readonly value: string;
}

export interface BooleanLiteral {
  readonly kind: "boolean";
  readonly span: Span;
  readonly value: boolean;
}

/** A name used as a value; a reduction's word (`max`) is a name when no `[` follows. */
export interface Name {
  readonly kind: "name";
  readonly span: Span;
  readonly name: string;
}

/** `f(a, axis = 0, columns(0..64))`. */
export interface Call {
  readonly kind: "call";
  readonly span: Span;
  readonly callee: Expr;
  readonly args: readonly Arg[];
}

export interface Arg {
  readonly kind: "argument";
  readonly span: Span;
  /** `name = value`. */
  readonly name?: Ident;
  /** `...` stands among the sizes of `reshape(x, N, ...)`. */
  readonly value: Expr | Range | Ellipsis;
}

/** `x[b, i]`, `x[:, 0..3]`, `normal(0, 1)[N, k]`. */
export interface Index {
  readonly kind: "index";
  readonly span: Span;
  readonly target: Expr;
  readonly items: readonly Item[];
}

export type Item = Expr | Ellipsis | WholeAxis | Range | BoundItem;

/** `:`. */
export interface WholeAxis {
  readonly kind: "whole";
  readonly span: Span;
}

/** `e in a..b` inside brackets. */
export interface BoundItem {
  readonly kind: "bound";
  readonly span: Span;
  readonly value: Expr;
  readonly range: Range;
}

/** `validation.loss`. */
export interface Field {
  readonly kind: "field";
  readonly span: Span;
  readonly target: Expr;
  readonly name: Ident;
}

export interface Unary {
  readonly kind: "unary";
  readonly span: Span;
  readonly op: "-" | "not";
  readonly operand: Expr;
}

export type BinaryOp =
  | "or" | "and"
  | "==" | "!=" | "<" | "<=" | ">" | ">="
  | "+" | "-"
  | "*" | "/" | "//" | "%" | "@"
  | "^";

/** Operands of one precedence level, read from the left: `first op value op value …`; see the header. */
export interface Chain {
  readonly kind: "chain";
  readonly span: Span;
  readonly first: Expr;
  /** At least one; all operators are of one level. */
  readonly rest: readonly Link[];
}

export interface Link {
  readonly op: BinaryOp;
  readonly opSpan: Span;
  readonly value: Expr;
}

export type ReductionOp =
  | "sum" | "mean" | "prod" | "max" | "min" | "argmax" | "argmin" | "any" | "all" | "count" | "logsumexp";

/** `sum[i in 0..n, j where j != i] body`; `body` is the product that follows. */
export interface Reduction {
  readonly kind: "reduction";
  readonly span: Span;
  readonly op: ReductionOp;
  readonly opSpan: Span;
  /** At least one. */
  readonly binders: readonly Binder[];
  readonly where?: Expr;
  readonly body: Expr;
}

/** `[1, 2, 3]`, `[[0, 1], [1, 0]]`. */
export interface ArrayLiteral {
  readonly kind: "array";
  readonly span: Span;
  readonly items: readonly Expr[];
}

/** `cases { a if p ⏎ b otherwise }`: the first arm that holds. */
export interface Cases {
  readonly kind: "cases";
  readonly span: Span;
  /** May be empty. */
  readonly arms: readonly { readonly span: Span; readonly value: Expr; readonly condition: Expr }[];
  readonly otherwise: Expr;
}

/** `fold t in 0..T with h = h0 { cell(x[:, t], h) }`; `scan` keeps every turn on a new first axis. */
export interface Fold {
  readonly kind: "fold";
  readonly span: Span;
  readonly form: "fold" | "scan";
  readonly index: Ident;
  readonly range: Range;
  /** At least one. */
  readonly carries: readonly { readonly span: Span; readonly name: Ident; readonly init: Expr }[];
  /** Ends in an `expression` statement with one value per carry. */
  readonly body: Block;
}

/** `instance dense(units = 64)`: a layer's parameters, to be called later. */
export interface Instance {
  readonly kind: "instance";
  readonly span: Span;
  /** The name that the layer's file stands behind. */
  readonly from?: Ident;
  readonly layer: Ident;
  readonly args: readonly Arg[];
}

/** Stands where an expression could not be read; an error was reported, so consumers stay silent about it. */
export interface ErrorExpr {
  readonly kind: "error";
  readonly span: Span;
}
