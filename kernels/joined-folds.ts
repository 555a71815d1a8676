/**
 * Folds that go through the same elements share a loop. Comes in: statements in order. Goes out: the same with such folds side by side,
 * what they need before them and what follows from them behind.
 *
 *     a = sum r { g[i, r] · x[i, r] }; b = a / s; c = sum q { g[i, q] }     ->     a, c = sums over r of g[i, r] · x[i, r] and g[i, r]; b = a / s
 *
 * What each folds, and in which order, stays as it is. The gradient of a layer norm reads its row once for both of its sums.
 */
import type { Stmt } from "../src/ir/kernel.ts";
import { refersTo, type Scalar } from "../src/ir/scalar.ts";
import * as dims from "../src/ir/dims.ts";
import { keyOf } from "../src/schedule/index-form.ts";
import { turnsThatCount } from "./bounded-turns.ts";

type Fold = Extract<Stmt, { kind: "fold" }>;

/** The statements, folds that share a loop as a list. */
export function joinedFolds(stmts: readonly Stmt[]): readonly (Exclude<Stmt, Fold> | readonly Fold[])[] {
  const out: (Exclude<Stmt, Fold> | readonly Fold[])[] = [];
  let rest = stmts;
  while (rest.length > 0) {
    const [first, ...more] = rest as readonly [Stmt, ...Stmt[]];
    if (first.kind !== "fold") {
      out.push(first);
      rest = more;
      continue;
    }
    const { before, folds, after } = along(first, more);
    out.push(...before, folds);
    rest = after;
  }
  return out;
}

/** What may share the loop of a fold, with what it needs from between. */
function along(first: Fold, later: readonly Stmt[]): { readonly before: readonly Exclude<Stmt, Fold>[]; readonly folds: readonly Fold[]; readonly after: readonly Stmt[] } {
  const folds = [first];
  const before: Exclude<Stmt, Fold>[] = [];
  const after: Stmt[] = [];
  // What is known only once the loop is over.
  const open = new Set<number>(first.results);
  for (const [at, s] of later.entries()) {
    if (s.kind === "store" || s.kind === "each") {
      after.push(...later.slice(at));
      break;
    }
    if (s.kind !== "fold" && !partsOf(s).some((part) => refersTo(part, open))) {
      before.push(s);
      continue;
    }
    if (s.kind === "fold" && !partsOf(s).some((part) => refersTo(part, open)) && isAlong(first, s)) {
      folds.push(s);
    } else after.push(s);
    for (const id of s.kind === "fold" ? s.results : [s.id]) open.add(id);
  }
  return folds.length > 1 ? { before, folds, after } : { before: [], folds, after: later };
}

/** Whether two folds have the same turns and read an element in common. */
function isAlong(a: Fold, b: Fold): boolean {
  if (a.axes.length !== b.axes.length || a.axes.some((x, k) => x.below || b.axes[k]?.below || !dims.equal(x.extent, b.axes[k]?.extent ?? 0))) return false;
  const [end, other] = [turnsThatCount(a), turnsThatCount(b)];
  if ((end && keyOf(end)) !== (other && keyOf(other))) return false;
  if ([...a.body, ...b.body].some((s) => s.kind === "fold" || s.kind === "each" || s.kind === "store")) return false;
  const read = new Set(readsOf(a, new Map(a.axes.map((x, k) => [x.id, k]))));
  return readsOf(b, new Map(b.axes.map((x, k) => [x.id, k]))).some((key) => read.has(key));
}

/** What a fold reads, its axes by their number. */
function readsOf(fold: Fold, axes: ReadonlyMap<number, number>): readonly string[] {
  const numbered = (s: Scalar): Scalar => {
    if (s.kind === "ref") return axes.has(s.id) ? { ...s, id: -1 - (axes.get(s.id) ?? 0) } : s;
    return s.kind === "op" || s.kind === "call" ? { ...s, args: s.args.map(numbered) } : s;
  };
  return fold.body.flatMap((s) => (s.kind === "load" && !s.guard ? [`${s.buffer.id} ${keyOf(numbered(s.index))}`] : []));
}

/** The scalars of a statement, those within a fold among them. */
function partsOf(s: Stmt): readonly Scalar[] {
  switch (s.kind) {
    case "let": return [s.value];
    case "load": return [s.index, ...(s.guard ? [s.guard] : [])];
    case "store": return [s.index, s.value, ...(s.guard ? [s.guard] : [])];
    case "fold": return [s.value, ...(s.mask ? [s.mask] : []), ...s.axes.flatMap((a) => (a.below ? [a.below] : [])), ...s.body.flatMap(partsOf)];
    case "each": return s.body.flatMap(partsOf);
  }
}
