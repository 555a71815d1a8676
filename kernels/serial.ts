/**
 * One invocation runs statements of a nest as written: folds become loops over accumulators, `each` becomes a loop.
 * Comes in: statements and the scope that knows what they refer to. Goes out: kernel statements; the scope learns their results.
 *
 *     s = fold sum i in 64 { x = load a[i] } x     ->     var s = 0; for i in 0..64 { x = a[i]; s = s + x }
 *
 * The order of a fold is the order of its axes, so results repeat. Statements may run for several points in step, a scope each; their loops
 * are one, as are those of folds over the same elements (joined-folds.ts). A loop along memory takes four turns at once, so that its accesses become accesses of four neighbours (merge-accesses.ts); a fold
 * then has four accumulators, which are joined pairwise at its end.
 */
import type { Axis, Buffer, KernelStmt, Stmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { accumulate, type Accumulator, combine, type Fold, open } from "./accumulators.ts";
import { int, plus, times } from "./arithmetic.ts";
import { turnsAtOnce, turnsBeforeConstants, turnsThatCount } from "./bounded-turns.ts";
import { joinedFolds } from "./joined-folds.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import { onePass } from "./one-pass.ts";
import { isWorthQuads, reachAlong } from "./quads.ts";

/** Statements of a fold in all its turns that are not too many to write out. */
const shortFold = 36;

/** Buffers that a fold reads. */
const readBy = (fold: Fold): readonly Buffer[] => fold.body.flatMap((s) => (s.kind === "load" ? [s.buffer] : []));

/** Writes the statements; results of folds and loads are put in scope. */
export function serial(b: KernelBuilder, stmts: readonly Stmt[], scope: Scope, out: KernelStmt[]): void {
  inStep(b, stmts, [scope], out);
}

/** Writes the statements for several points, each statement for one after the other. */
export function inStep(b: KernelBuilder, stmts: readonly Stmt[], scopes: readonly Scope[], out: KernelStmt[]): void {
  for (const s of b.joint ? joinedFolds(stmts, (fold) => mayShift(b, fold, scopes.length, stmts)) : stmts) {
    if ("folds" in s) {
      if (s.shifted.length > 0) onePass(b, s, scopes, out, { inStep, over });
      else serialFolds(b, s.folds, scopes, out, stmts);
      continue;
    }
    switch (s.kind) {
      case "let":
        for (const scope of scopes) scope.set(s.id, b.let(out, b.substitute(s.value, scope)));
        break;
      case "load":
        for (const scope of scopes) scope.set(s.id, b.load(out, s.buffer, b.let(out, b.substitute(s.index, scope)), s.guard && b.substitute(s.guard, scope)));
        break;
      case "store":
        for (const scope of scopes)
          out.push({
            kind: "store", buffer: s.buffer, index: b.let(out, b.substitute(s.index, scope)), value: b.substitute(s.value, scope),
            ...(s.guard && { guard: b.substitute(s.guard, scope) }),
          });
        break;
      case "fold":
        serialFolds(b, [s], scopes, out, stmts);
        break;
      case "each":
        serialEach(b, s, scopes, out);
    }
  }
}

/** Points that may take four turns each at once. */
const mostPoints = 2;

function serialEach(b: KernelBuilder, s: Extract<Stmt, { kind: "each" }>, scopes: readonly Scope[], out: KernelStmt[]): void {
  const { axis, body } = s;
  // A turn reads what the one before it stored.
  if (scopes.length > mostPoints || s.turns || !takesFour(b, axis, body, 0)) {
    over(b, [axis], scopes, out, (inner) => inStep(b, body, scopes, inner));
    return;
  }
  const bounded = b.bounded ? turnsBeforeConstants(axis, body) : undefined;
  const count = bounded && b.let(out, turnsAtOnce(b, axis, bounded.count, scopes, 4));
  four(b, axis, scopes, out, (lanes, inner) => inStep(b, body, lanes.flat(), inner), { to: count });
  if (bounded) four(b, axis, scopes, out, (lanes, inner) => inStep(b, bounded.beyond, lanes.flat(), inner), { from: count });
}

/** Loops over axes, outermost first; an axis of one element needs none. */
export function over(b: KernelBuilder, axes: readonly Axis[], scopes: readonly Scope[], out: KernelStmt[], body: (inner: KernelStmt[]) => void): void {
  const [axis, ...more] = axes;
  const [first] = scopes;
  if (!axis || !first) body(out);
  else if (axis.extent === 1 && !axis.below) {
    settle(scopes, axis, int(0));
    over(b, more, scopes, out, body);
  } else
    b.repeated(axis.capacity, () =>
      b.loop(out, int(0), axis.below ? b.let(out, b.substitute(axis.below, first)) : b.size(axis.extent), 1, (index, inner) => {
        settle(scopes, axis, index);
        over(b, more, scopes, inner, body);
      }));
}

function settle(scopes: readonly Scope[], axis: Axis, value: Scalar): void {
  for (const scope of scopes) scope.set(axis.id, value);
}

/** True for a loop that takes four turns at once: over whole quads, of statements without loops of their own that mostly go along memory. */
function takesFour(b: KernelBuilder, axis: Axis, body: readonly Stmt[], least: number): boolean {
  if (!b.vector || typeof axis.extent !== "number" || axis.extent % 4 !== 0 || axis.extent < Math.max(8, least) || axis.below) return false;
  return body.every((s) => s.kind !== "fold" && s.kind !== "each") && isWorthQuads(reachAlong(body, axis.id));
}

/** A loop that takes four turns at once, a scope each for every point; all fours, or those from one to another. */
function four(
  b: KernelBuilder, axis: Axis, scopes: readonly Scope[], out: KernelStmt[], body: (lanes: readonly (readonly Scope[])[], inner: KernelStmt[]) => void,
  { from = int(0), to = int(axis.capacity / 4) }: { readonly from?: Scalar | undefined; readonly to?: Scalar | undefined } = {},
): void {
  b.loop(out, from, to, 1, (index, inner) => {
    const start = b.let(inner, times(index, int(4)));
    body(scopes.map((scope) => [0, 1, 2, 3].map((k) => new Map([...scope, [axis.id, plus(start, int(k))]]))), inner);
  });
}

/** Turns of a fold, infinitely many where their number is not known. */
function turnsOf({ axes }: Fold): number {
  return axes.reduce((n, a) => (a.extent === a.capacity && !a.below ? n * a.capacity : Infinity), 1);
}

/** True for a fold that may be written out. */
function isShort(fold: Fold): boolean {
  return turnsOf(fold) * fold.body.length <= shortFold && fold.body.every((s) => s.kind !== "fold" && s.kind !== "each");
}

/** True for a fold whose turns are written out one after the other, for so many points each. */
function isWrittenOut(b: KernelBuilder, fold: Fold, points: number, beside: readonly Stmt[]): boolean {
  if (!isShort(fold)) return false;
  const turns = turnsOf(fold);
  const reads = readBy(fold);
  // Folds over the same few elements read each of them once.
  const others = new Set(beside.flatMap((s) => (s.kind === "fold" && s !== fold ? readBy(s) : [])));
  const saved = { turns, accesses: points * turns * reads.filter((r) => others.has(r)).length };
  const copies = points * (turns - 1);
  return b.isWorthText(saved, { accesses: copies * reads.length, operations: copies * (fold.body.length + 1) });
}

/** Loops over axes; one over few turns of a short body is written out where that pays. */
function overFold(b: KernelBuilder, fold: Fold, isWritten: boolean, scopes: readonly Scope[], out: KernelStmt[], body: (inner: KernelStmt[]) => void): void {
  if (!isWritten) {
    over(b, fold.axes, scopes, out, body);
    return;
  }
  const unroll = ([axis, ...more]: readonly Axis[]): void => {
    if (!axis) body(out);
    else
      for (let k = 0; k < axis.capacity; k++) {
        settle(scopes, axis, int(k));
        unroll(more);
      }
  };
  unroll(fold.axes);
}

/** True for a fold that may be taken up, several turns at once, with what it is shifted by, or shifts. */
function mayShift(b: KernelBuilder, fold: Fold, points: number, beside: readonly Stmt[]): boolean {
  const last = fold.axes.at(-1);
  return b.onePass && points <= mostPoints && last !== undefined && fold.axes.every((a) => a.extent === a.capacity && !a.below) && takesFour(b, last, fold.body, 0) && !isWrittenOut(b, fold, points, beside);
}

/** One fold, or several of the same turns in one loop. */
function serialFolds(b: KernelBuilder, folds: readonly Fold[], scopes: readonly Scope[], out: KernelStmt[], beside: readonly Stmt[]): void {
  const [lead] = folds;
  if (!lead) return;
  const last = lead.axes.at(-1);
  const isWritten = isWrittenOut(b, lead, scopes.length, beside);
  const isInFours = (fold: Fold): boolean => {
    const own = fold.axes.at(-1);
    return own !== undefined && takesFour(b, own, fold.body, isShort(fold) && !isWritten ? 0 : shortFold / Math.max(1, fold.body.length));
  };
  if (last && scopes.length <= mostPoints && folds.every(isInFours)) return foldByFour(b, folds, last, scopes, out);
  const accumulators = folds.map((fold) => scopes.map(() => open(b, fold, out)));
  overFold(b, lead, isWritten, scopes, out, (inner) => {
    folds.forEach((fold, f) => {
      inTurn(b, lead, fold, scopes, inner);
      scopes.forEach((s, k) => {
        accumulate(b, fold, s, accumulators[f]?.[k] ?? [], inner);
      });
    });
  });
  folds.forEach((fold, f) => {
    scopes.forEach((s, k) => {
      give(fold, s, accumulators[f]?.[k] ?? []);
    });
  });
}

/** The body of a fold in a turn of the loop that it shares: its axes are where those of the first one are. */
function inTurn(b: KernelBuilder, lead: Fold, fold: Fold, scopes: readonly Scope[], inner: KernelStmt[]): void {
  fold.axes.forEach(({ id }, k) => {
    const of = lead.axes[k]?.id ?? id;
    for (const scope of scopes) scope.set(id, scope.get(of) ?? int(0));
  });
  inStep(b, fold.body, scopes, inner);
}

function give(fold: Fold, scope: Scope, accumulators: readonly Accumulator[]): void {
  fold.results.forEach((id, k) => {
    const value = accumulators[k];
    if (value) scope.set(id, value);
  });
}

/** Folds whose last axis takes four turns at once, each with an accumulator of its own; for argmax one, since the first of equals wins. */
function foldByFour(b: KernelBuilder, folds: readonly Fold[], last: Axis, scopes: readonly Scope[], out: KernelStmt[]): void {
  const [lead] = folds;
  if (!lead) return;
  const single = (fold: Fold): boolean => fold.monoid === "argmax";
  const accumulators = folds.map((fold) => scopes.map(() => Array.from({ length: single(fold) ? 1 : 4 }, () => open(b, fold, out))));
  const count = b.bounded ? turnsThatCount(lead) : undefined;
  over(b, lead.axes.slice(0, -1), scopes, out, (outer) => {
    const to = count && b.let(outer, turnsAtOnce(b, last, count, scopes, 4));
    four(b, last, scopes, outer, (points, inner) => {
      folds.forEach((fold, f) => {
        inTurn(b, lead, fold, points.flat(), inner);
        points.forEach((lanes, p) => {
          lanes.forEach((lane, k) => {
            accumulate(b, fold, lane, accumulators[f]?.[p]?.[single(fold) ? 0 : k] ?? [], inner);
          });
        });
      });
    }, { to });
  });
  folds.forEach((fold, f) => {
    scopes.forEach((scope, p) => {
      const [first, second, third, fourth] = accumulators[f]?.[p] ?? [];
      if (first && second && third && fourth)
        for (const [x, y] of [[first, second], [third, fourth], [first, third]] as const) combine(b, fold.monoid, x, y, undefined, out);
      give(fold, scope, first ?? []);
    });
  });
}
