/**
 * Reads a contract nest as a matrix product. Comes in: a nest. Goes out: its parallel axes in three groups, and for
 * each statement whether it varies with the row, the column, both or neither; undefined when the nest is no such product.
 *
 *     h[b, o] = relu(sum i { x[b, i] * W[i, o] } + c[o])      rows: b, columns: o
 *         load x: row      load W: column      load c: column      the sum and what follows: both
 *
 * Rows are the axes that the left factor alone varies with, columns those of the right alone, the others are the batch.
 * The last parallel axis is made a column, so that neighbouring invocations work on neighbouring results.
 */
import type { Axis, Nest, Stmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import type { Fold } from "./accumulators.ts";

/** What a statement varies with inside a tile. */
export type Varies = "none" | "row" | "column" | "both";

/** A statement and what it varies with. */
export interface Classed {
  readonly stmt: Exclude<Stmt, { kind: "fold" | "each" }>;
  readonly varies: Varies;
}

/** A matrix product, with what comes before and after it. */
export interface Product {
  /** All parallel axes, in the nest's order. */
  readonly parallel: readonly Axis[];
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly batch: readonly Axis[];
  /** Its axes in the order of the loops. */
  readonly fold: Fold;
  /** Statements that the fold needs from before it, those of its body, and all others. */
  readonly before: readonly Classed[];
  readonly inside: readonly Classed[];
  readonly after: readonly Classed[];
  /** The factors: the first varies with the row, the second with the column. */
  readonly factors: readonly [Scalar, Scalar];
  /** Which of them is a condition instead, under which the other is summed: what it hides may be anything. */
  readonly mask?: "row" | "column";
  /** For each value of the nest, the axes it depends on. */
  readonly depends: Depends;
}

/** For values, the axes that each depends on. */
export type Depends = ReadonlyMap<number, ReadonlySet<number>>;

/** The nest as a product; undefined where its factors do not split into rows and columns. */
export function readProduct(nest: Nest): Product | undefined {
  const folds = nest.body.filter((s) => s.kind === "fold");
  const [fold] = folds;
  if (!fold || folds.length !== 1 || nest.body.some((s) => s.kind === "each")) return undefined;
  if (fold.monoid !== "sum" || fold.mask || fold.axes.length === 0) return undefined;
  if (!fold.body.every((s) => s.kind === "let" || s.kind === "load")) return undefined;
  const terms = termsOfSum(fold.value);
  if (!terms) return undefined;
  const { left, right } = terms;
  const depends = dependencies(nest, fold);
  const parallel = new Set(nest.parallel.filter((a) => a.extent !== 1).map((a) => a.id));
  const own = (s: Scalar): Set<number> => new Set([...dependsOf(s, depends)].filter((id) => parallel.has(id)));
  const [ofLeft, ofRight] = [own(left), own(right)];
  const onlyLeft = nest.parallel.filter((a) => ofLeft.has(a.id) && !ofRight.has(a.id));
  const onlyRight = nest.parallel.filter((a) => ofRight.has(a.id) && !ofLeft.has(a.id));
  if (onlyLeft.length === 0 && onlyRight.length === 0) return undefined;
  const last = nest.parallel.findLast((a) => a.extent !== 1);
  const turned = last !== undefined && onlyLeft.includes(last);
  const [rows, columns] = turned ? [onlyRight, onlyLeft] : [onlyLeft, onlyRight];
  const batch = nest.parallel.filter((a) => !rows.includes(a) && !columns.includes(a));
  const classed = (stmts: readonly Stmt[]): Classed[] =>
    stmts.flatMap((s) => (s.kind === "fold" || s.kind === "each" ? [] : [{ stmt: s, varies: variesWith(stmtDepends(s, depends), rows, columns) }]));
  const at = nest.body.indexOf(fold);
  const inside = required(classed(withOpenGuards(fold.body)), [], [left, right]);
  if (inside.some((c) => c.varies === "both")) return undefined;
  // What stands before the sum but serves only what follows it is done then: it would lie in registers all the while.
  const first = classed(nest.body.slice(0, at));
  const before = required(first, inside, [left, right]);
  return {
    parallel: nest.parallel, rows, columns, batch, fold, inside, depends, before,
    after: [...first.filter((c) => !before.includes(c)), ...classed(nest.body.slice(at + 1))],
    factors: turned ? [right, left] : [left, right],
    ...(terms.masked && { mask: turned ? "column" as const : "row" as const }),
  };
}

/** All statements of a product, those of its sum among them. */
export function statementsOf({ before, inside, after }: Product): readonly Stmt[] {
  return [...before, ...inside, ...after].map((c) => c.stmt);
}

/** The two sides of what is summed: factors, or a condition and what is summed where it holds. */
function termsOfSum(value: Scalar): { readonly left: Scalar; readonly right: Scalar; readonly masked: boolean } | undefined {
  if (value.kind !== "op") return undefined;
  const [left, right, otherwise] = value.args;
  if (!left || !right) return undefined;
  if (value.op === "mul") return { left, right, masked: false };
  return value.op === "select" && otherwise?.kind === "constant" && otherwise.value === 0 ? { left, right, masked: true } : undefined;
}

/**
 * The same product with other rows and columns, each some of its own; the axes left over are batch. `innermost` becomes the last
 * axis of the sum: conditions and indices that it does not change are then computed around its loop.
 */
export function arrange(product: Product, rows: readonly Axis[], columns: readonly Axis[], innermost: Axis | undefined): Product {
  const again = (list: readonly Classed[]): readonly Classed[] =>
    list.map(({ stmt }) => ({ stmt, varies: variesWith(stmtDepends(stmt, product.depends), rows, columns) }));
  const { axes } = product.fold;
  return {
    ...product, rows, columns,
    batch: product.parallel.filter((a) => !rows.includes(a) && !columns.includes(a)),
    fold: { ...product.fold, axes: innermost ? [...axes.filter((a) => a !== innermost), innermost] : axes },
    before: again(product.before), inside: again(product.inside), after: again(product.after),
  };
}

/** Guards with the conjunctions that they name written out, so that each condition can be computed where it first is known. */
function withOpenGuards(body: readonly Stmt[]): readonly Stmt[] {
  const named = new Map<number, Scalar>();
  const open = (s: Scalar): Scalar => {
    if (s.kind === "ref") return named.get(s.id) ?? s;
    return s.kind === "op" && s.op === "and" ? { ...s, args: s.args.map(open) } : s;
  };
  return body.map((s) => {
    if (s.kind === "let" && s.value.kind === "op" && s.value.op === "and" && s.value.dtype === "bool") named.set(s.id, open(s.value));
    return s.kind === "load" && s.guard ? { ...s, guard: open(s.guard) } : s;
  });
}

/** For each value of the nest, the axes it depends on. */
function dependencies(nest: Nest, fold: Fold): Depends {
  const depends = new Map<number, ReadonlySet<number>>();
  for (const axis of [...nest.parallel, ...fold.axes]) depends.set(axis.id, new Set([axis.id]));
  const visit = (stmts: readonly Stmt[]): void => {
    for (const s of stmts) {
      if (s.kind === "let" || s.kind === "load") depends.set(s.id, stmtDepends(s, depends));
      else if (s.kind === "fold") {
        visit(s.body);
        const parallel = new Set(nest.parallel.map((a) => a.id));
        for (const id of s.results) depends.set(id, parallel);
      }
    }
  };
  visit(nest.body);
  return depends;
}

function stmtDepends(s: Stmt, depends: Depends): ReadonlySet<number> {
  const parts: Scalar[] = [];
  if (s.kind === "let") parts.push(s.value);
  else if (s.kind === "load") parts.push(s.index, ...(s.guard ? [s.guard] : []));
  else if (s.kind === "store") parts.push(s.index, s.value, ...(s.guard ? [s.guard] : []));
  return new Set(parts.flatMap((p) => [...dependsOf(p, depends)]));
}

/** The axes that a scalar depends on. */
export function dependsOf(s: Scalar, depends: Depends): ReadonlySet<number> {
  if (s.kind === "ref") return depends.get(s.id) ?? new Set();
  if (s.kind !== "op" && s.kind !== "call") return new Set();
  return new Set(s.args.flatMap((a) => [...dependsOf(a, depends)]));
}

/** What changes with some axes, seen from a tile. */
export function variesWith(axes: ReadonlySet<number>, rows: readonly Axis[], columns: readonly Axis[]): Varies {
  const row = rows.some((a) => axes.has(a.id));
  const column = columns.some((a) => axes.has(a.id));
  return row && column ? "both" : row ? "row" : column ? "column" : "none";
}

/** Those of some statements that later ones or values need, directly or through each other, in order. */
export function required(list: readonly Classed[], later: readonly Classed[], values: readonly Scalar[] = []): readonly Classed[] {
  const needed = new Set<number>();
  const note = (s: Scalar): void => {
    if (s.kind === "ref") needed.add(s.id);
    else if (s.kind === "op" || s.kind === "call") s.args.forEach(note);
  };
  const noteAll = ({ stmt }: Classed): void => {
    if (stmt.kind === "let" || stmt.kind === "store") note(stmt.value);
    if (stmt.kind !== "let") note(stmt.index);
    if (stmt.kind !== "let" && stmt.guard) note(stmt.guard);
  };
  values.forEach(note);
  later.forEach(noteAll);
  return list.toReversed().filter((c) => {
    if (c.stmt.kind === "store" || !needed.has(c.stmt.id)) return false;
    noteAll(c);
    return true;
  }).toReversed();
}
