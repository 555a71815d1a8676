/**
 * Where a loop may end: beyond some turn its condition holds no more. Comes in: a fold, or a loop that writes. Goes out: how many of its
 * turns may count, a scalar of the nest; undefined where no condition bounds them from above.
 *
 *     max k in 64 { x[i, k] when k <= i }                        i + 1 turns
 *     each k in 64 { y[i, k] = k <= i ? e[i, k] / s : 0 }        i + 1 turns, then zeros
 *
 * Rows of causal attention are half as long on average.
 */
import type { Axis, Stmt } from "../src/ir/kernel.ts";
import { op, refersTo } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { keyOf } from "../src/schedule/index-form.ts";
import { ceilOver, int, least, plus } from "./arithmetic.ts";
import { conjuncts } from "./index-terms.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";

/** Turns of the last axis of a fold, after which it takes up nothing but what changes nothing. */
export function turnsThatCount(fold: Extract<Stmt, { kind: "fold" }>): Scalar | undefined {
  const axis = fold.axes.at(-1);
  const kept = fold.monoid === "sum" ? keptBy(fold.value) : undefined;
  const chosen = kept?.otherwise.value === 0 ? kept.condition : undefined;
  const inside = new Set([...fold.axes.map((a) => a.id), ...fold.body.flatMap((s) => (s.kind === "let" || s.kind === "load" ? [s.id] : []))]);
  return axis && [fold.mask, chosen].map((c) => c && bound(c, axis, inside)).find((b) => b !== undefined);
}

/** How many times so many turns at once make up what the furthest of some points counts, of the turns that there are. */
export function turnsAtOnce(b: KernelBuilder, axis: Axis, count: Scalar, scopes: readonly Scope[], atOnce: number): Scalar {
  const furthest = scopes.map((scope) => b.substitute(count, scope)).reduce((m, n) => op("max", "i32", [m, n]));
  return ceilOver(op("max", "i32", [int(0), least(furthest, int(axis.capacity))]), atOnce);
}

/** Turns of a loop, after which it writes constants: how many, and the statements that write those. */
export function turnsBeforeConstants(axis: Axis, body: readonly Stmt[]): { readonly count: Scalar; readonly beyond: readonly Stmt[] } | undefined {
  const inside = new Set([axis.id, ...body.flatMap((s) => (s.kind === "let" || s.kind === "load" ? [s.id] : []))]);
  let count: Scalar | undefined;
  const beyond: Stmt[] = [];
  for (const s of body) {
    if (s.kind === "fold" || s.kind === "each") return undefined;
    const kept = s.kind === "store" ? keptBy(s.value) : undefined;
    const own = kept && bound(kept.condition, axis, inside);
    if (s.kind === "store" && (!kept || !own || (count && keyOf(count) !== keyOf(own)))) return undefined;
    count ??= own;
    beyond.push(s.kind === "store" && kept ? { ...s, value: kept.otherwise } : s);
  }
  return count && { count, beyond };
}

/** A choice between a value and a constant. */
function keptBy(s: Scalar): { readonly condition: Scalar; readonly otherwise: Extract<Scalar, { kind: "constant" }> } | undefined {
  const [condition, , otherwise] = s.kind === "op" && s.op === "select" ? s.args : [];
  return condition && otherwise?.kind === "constant" ? { condition, otherwise } : undefined;
}

/** From which point of the axis on one of the conditions holds no more. */
function bound(condition: Scalar, axis: Axis, inside: ReadonlySet<number>): Scalar | undefined {
  for (const c of conjuncts(condition)) {
    const [a, b] = c.kind === "op" ? c.args : [];
    if (c.kind !== "op" || !a || !b || a.dtype !== "i32") continue;
    const isAxis = (s: Scalar): boolean => s.kind === "ref" && s.id === axis.id;
    if ((c.op === "<=" || c.op === "<") && isAxis(a) && !refersTo(b, inside)) return plus(b, int(c.op === "<=" ? 1 : 0));
    if ((c.op === ">=" || c.op === ">") && isAxis(b) && !refersTo(a, inside)) return plus(a, int(c.op === ">=" ? 1 : 0));
  }
  return undefined;
}
