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
import type { Fold } from "./accumulators.ts";
import { turnsThatCount } from "./bounded-turns.ts";
import { neededOf, type Shifted, shiftedBy } from "./shifted-folds.ts";

/** Folds in one loop. */
export interface Joined {
  readonly folds: readonly Fold[];
  /** Those whose terms are shifted by what one of the folds comes to. */
  readonly shifted: readonly Shifted[];
  /** What those need to be done, once the loop is over. */
  readonly between: readonly Exclude<Stmt, Fold>[];
}

/** The statements, folds with what shares their loop; those that `mayShift` says may be taken up along with what they are shifted by. */
export function joinedFolds(stmts: readonly Stmt[], mayShift: (fold: Fold) => boolean = () => false): readonly (Exclude<Stmt, Fold> | Joined)[] {
  const out: (Exclude<Stmt, Fold> | Joined)[] = [];
  let rest = stmts;
  while (rest.length > 0) {
    const [first, ...more] = rest as readonly [Stmt, ...Stmt[]];
    if (first.kind !== "fold") {
      out.push(first);
      rest = more;
      continue;
    }
    const { before, after, ...joined } = along(first, more, mayShift);
    out.push(...before, joined);
    rest = after;
  }
  return out;
}

/** What may share the loop of a fold, with what it needs from between. */
function along(first: Fold, later: readonly Stmt[], mayShift: (fold: Fold) => boolean): Joined & { readonly before: readonly Exclude<Stmt, Fold>[]; readonly after: readonly Stmt[] } {
  const folds = [first];
  const shifted: Shifted[] = [];
  const before: Exclude<Stmt, Fold>[] = [];
  let after: Stmt[] = [];
  // What is known only once the loop is over.
  const open = new Set<number>(first.results);
  for (const [at, s] of later.entries()) {
    if (s.kind === "store" || s.kind === "each") {
      after.push(...later.slice(at));
      break;
    }
    const follows = partsOf(s).some((part) => refersTo(part, open));
    if (s.kind !== "fold" && !follows) {
      before.push(s);
      continue;
    }
    if (s.kind === "fold" && isAlong(first, s)) {
      const shift = follows && mayShift(first) && mayShift(s) ? shiftedBy(folds, s, after, open) : undefined;
      if (shift) shifted.push(shift);
      else if (follows) after.push(s);
      else folds.push(s);
    } else after.push(s);
    for (const id of s.kind === "fold" ? s.results : [s.id]) open.add(id);
  }
  if (folds.length + shifted.length === 1) return { before: [], folds, shifted, between: [], after: later };
  const between = neededOf(shifted, after);
  after = after.filter((s) => s.kind === "fold" || !between.includes(s));
  return { before, folds, shifted, between, after };
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
