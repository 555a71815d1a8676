/**
 * Random files, as ASTs that some text could have: what printing and parsing again must give back. Comes in: nothing.
 * Goes out: fast-check arbitraries. All spans are one dummy; comparisons leave spans out.
 */
import * as fc from "fast-check";
import { spanOf } from "../../src/support/span.ts";
import type { Arg, Binder, BinaryOp, Declaration, Entry, Expr, File, Ident, Item, Lhs, Param, Range, ReductionOp, Statement, TypeExpr } from "../../src/syntax/ast.ts";

const span = spanOf({ path: "random", text: "" }, 0, 0);
const ident: fc.Arbitrary<Ident> = fc.constantFrom("a", "x", "W", "θ", "μ_2", "hidden", "lr", "grad", "pi").map((name) => ({ name, span }));
const text = fc.string({ unit: fc.constantFrom("a", " ", '"', "\\", "\n", "\t", "ü", "#"), maxLength: 6 });
const string = text.map((value) => ({ kind: "string" as const, span, value }));
const doc = fc.option(fc.array(fc.constantFrom("about this", "x ← y", "more"), { minLength: 1, maxLength: 2 }).map((lines) => lines.join("\n")), { nil: undefined, freq: 4 });
/** Leaves out what is undefined, as the parser does. */
const tidy = <T extends object>(node: T): T => Object.fromEntries(Object.entries(node).filter(([, v]) => v !== undefined)) as T;
const many = <T>(of: fc.Arbitrary<T>, minLength = 1, maxLength = 3): fc.Arbitrary<T[]> => fc.array(of, { minLength, maxLength });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

const chains: readonly (readonly BinaryOp[])[] = [["or"], ["and"], ["==", "!=", "<", "<=", ">", ">="], ["+", "-"], ["*", "/", "//", "%", "@"], ["^"]];
const reductions: readonly ReductionOp[] = ["sum", "mean", "prod", "max", "argmin", "any", "logsumexp"];
const number = fc.oneof(fc.nat(1000).map(String), fc.constantFrom("1.5", "1e-4", "2.50", "3E5")).map((t): Expr => ({ kind: "number", span, text: t, value: Number(t), integer: /^\d+$/.test(t) }));
const name: fc.Arbitrary<Expr> = fc.oneof(ident.map((i) => i.name), fc.constantFrom("max", "sum")).map((n) => ({ kind: "name", span, name: n }));

/** Expressions of bounded depth. */
export const expressions: fc.Arbitrary<Expr> = fc.letrec<{ expr: Expr; range: Range; binder: Binder; arg: Arg; item: Item }>((tie) => {
  const expr = tie("expr");
  const chain = fc.constantFrom(...chains).chain((ops) => {
    const single = ops.includes("==") || ops.includes("^");
    const link = fc.record({ op: fc.constantFrom(...ops), opSpan: fc.constant(span), value: expr });
    // The right side of `^` is itself the rest of a tower, and comparisons do not chain.
    return fc.tuple(expr, many(link, 1, single ? 1 : 3)).map(([first, rest]): Expr => ({ kind: "chain", span, first, rest }));
  });
  const statements = many(fc.record({ target: ident, value: expr }).map((b): Statement => ({ kind: "bind", span, op: "=", targets: [{ kind: "lhs", span, name: b.target }], values: [b.value] })), 0, 2);
  // What a call, an index or a field can be applied to; a `max` before [ would be a reduction.
  const target = fc.oneof({ weight: 3, arbitrary: ident.map((i): Expr => ({ kind: "name", span, name: i.name })) }, { weight: 1, arbitrary: expr.filter((e) => e.kind !== "name") });
  return {
    expr: fc.oneof({ depthSize: "small", withCrossShrink: true }, name, number,
      string, fc.boolean().map((value): Expr => ({ kind: "boolean", span, value })), chain, chain,
      fc.record({ op: fc.constantFrom("-" as const, "not" as const), operand: expr }).map((u): Expr => ({ kind: "unary", span, ...u })),
      fc.record({ op: fc.constantFrom(...reductions), binders: many(tie("binder")), where: maybe(expr), body: expr }).map((r): Expr => tidy({ kind: "reduction", span, opSpan: span, ...r }) as Expr),
      fc.record({ callee: target, args: many(tie("arg"), 0) }).map((c): Expr => ({ kind: "call", span, ...c })),
      fc.record({ target, items: many(tie("item")) }).map((i): Expr => ({ kind: "index", span, ...i })),
      fc.record({ target, name: ident }).map((f): Expr => ({ kind: "field", span, ...f })),
      many(expr, 0).map((items): Expr => ({ kind: "array", span, items })),
      fc.record({ arms: many(fc.record({ span: fc.constant(span), value: expr, condition: expr }), 0, 2), otherwise: expr }).map((c): Expr => ({ kind: "cases", span, ...c })),
      fc.record({ form: fc.constantFrom("fold" as const, "scan" as const), index: ident, range: tie("range"), carries: many(fc.record({ span: fc.constant(span), name: ident, init: expr }), 1, 2), statements })
        .chain(({ statements: before, ...f }) => many(expr, f.carries.length, f.carries.length).map((values): Expr => ({ kind: "fold", span, ...f, body: { kind: "block", span, statements: [...before, { kind: "expression", span, values }] } }))),
      fc.record({ from: maybe(ident), layer: ident, args: many(tie("arg"), 0) }).map((i): Expr => tidy({ kind: "instance", span, ...i }) as Expr)),
    range: fc.record({ from: expr, to: expr }).map((r) => ({ kind: "range", span, ...r })),
    binder: fc.record({ name: ident, range: maybe(tie("range")) }).map((b) => tidy({ kind: "binder", span, ...b }) as Binder),
    arg: fc.record({ name: maybe(ident), value: fc.oneof(expr, tie("range")) }).map((a) => tidy({ kind: "argument", span, ...a }) as Arg),
    item: fc.oneof(expr, tie("range"), fc.constantFrom<Item>({ kind: "ellipsis", span }, { kind: "whole", span }), fc.record({ value: expr, range: tie("range") }).map((b): Item => ({ kind: "bound", span, ...b }))),
  };
}).expr;

const range = fc.record({ from: expressions, to: expressions }).map((r): Range => ({ kind: "range", span, ...r }));
const type = fc.record({ dtype: ident, dims: many(fc.oneof(expressions, fc.constant({ kind: "ellipsis" as const, span })), 0) }).map((t): TypeExpr => ({ kind: "type", span, ...t }));
const binder = fc.record({ name: ident, range: maybe(range) }).map((b) => tidy({ kind: "binder", span, ...b }) as Binder);
const lhs = fc.record({ name: ident, items: maybe(many(fc.oneof(binder, fc.constant({ kind: "ellipsis" as const, span })))) }).map((l) => tidy({ kind: "lhs", span, ...l }) as Lhs);
const node = <K extends string, P extends object>(kind: K, parts: fc.Arbitrary<P>) => fc.tuple(parts, doc).map(([p, d]) => tidy({ kind, span, ...p, doc: d }));

const statement = (depth: number): fc.Arbitrary<Statement> =>
  fc.oneof(
    node("input", fc.record({ role: fc.constantFrom("input" as const, "target" as const), name: ident, type, range: maybe(range) })),
    node("param", fc.record({ name: ident, type, init: expressions, role: maybe(ident), was: maybe(string) })),
    node("state", fc.record({ name: ident, type: maybe(type), init: expressions })),
    node("output", fc.record({ target: lhs, value: maybe(expressions) })), node("metric", fc.record({ target: lhs, value: expressions })),
    node("loss", fc.record({ name: maybe(ident), value: expressions })),
    node("goal", fc.record({ sense: fc.constantFrom("minimize" as const, "maximize" as const), value: expressions })),
    node("require", fc.record({ condition: expressions, message: maybe(string) })), node("return", fc.record({ values: many(expressions) })),
    fc.oneof(
      node("bind", fc.record({ op: fc.constantFrom("=" as const, "<-" as const), targets: many(lhs), values: many(expressions, 1, 1) })),
      ...(depth > 0 ? [node("for", fc.record({ index: ident, range, body: block(depth - 1) }))] : []),
    ),
  ) as fc.Arbitrary<Statement>;
const block = (depth: number) => many(statement(depth), 0).map((statements) => ({ kind: "block" as const, span, statements }));
const param = fc.record({ name: ident, type: maybe(type), default: maybe(expressions) }).map((p) => tidy({ kind: "parameter", span, ...p }) as Param);
const entry = (depth: number): fc.Arbitrary<Entry> =>
  fc.oneof(
    node("entry", fc.record({ key: ident, value: expressions, ...(depth > 0 && { entries: maybe(many(entry(depth - 1), 0)) }) })),
    ...(depth > 0 ? [node("section", fc.record({ keyword: ident, name: ident, entries: many(entry(depth - 1), 0) }))] : []),
  ) as fc.Arbitrary<Entry>;
const plainEntry = fc.record({ key: ident, value: expressions }).map((e): Entry => ({ kind: "entry", span, ...e }));
const body = fc.oneof(expressions, block(1));
const declaration = fc.oneof(
  node("use", fc.record({ path: string, as: maybe(ident) })), node("const", fc.record({ name: ident, value: expressions })),
  node("fn", fc.record({ name: ident, params: many(param, 0), body, gradient: maybe(fc.record({ span: fc.constant(span), incoming: ident, entries: many(plainEntry, 1) })) })),
  node("layer", fc.record({ name: ident, params: many(param, 0), body: block(2) })),
  node("optimizer", fc.record({ name: ident, params: many(param, 0), over: maybe(fc.record({ name: ident, type })), body: block(1) })),
  node("schedule", fc.record({ name: ident, params: many(param, 0), body })), node("initializer", fc.record({ name: ident, params: many(param, 0), body })),
  node("model", fc.record({ name: ident, params: many(param, 0), body: block(2) })), node("train", fc.record({ from: maybe(ident), model: ident, as: maybe(ident), entries: many(entry(2), 0) })),
) as fc.Arbitrary<Declaration>;

/** Whole files. */
export const files: fc.Arbitrary<File> = many(declaration, 0, 3).map((declarations) => ({ kind: "file", span, declarations }));
