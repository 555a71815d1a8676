/**
 * Finds attention among the nests of an entry. Comes in: nests in order. Goes out: three of them, of which the first makes scores that
 * only the second reads, the second a softmax of each row of them that only the third reads, and the third sums values weighted by it.
 *
 *     s[i, j] = (sum c { q[i, c] * k[j, c] }) / 8;   p[i, j] = softmax over j of s[i, j] (where a mask holds);   o[i, c] = sum j { p[i, j] * v[j, c] }
 *
 * What else the score goes through, what masks it, batches and what follows the last sum may be anything. A training step keeps its
 * weights for the gradient, so it has no such three.
 */
import * as dims from "../src/ir/dims.ts";
import type { Axis, Buffer, Nest, Stmt } from "../src/ir/kernel.ts";
import { call, constant, op, ref } from "../src/ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../src/ir/scalar.ts";
import { isExponential } from "../src/ops/functions.ts";
import { keyOf } from "../src/schedule/index-form.ts";
import type { Fold } from "./accumulators.ts";
import { termsOf } from "./index-terms.ts";
import { readProduct } from "./product.ts";
import type { Product } from "./product.ts";

type Load = Extract<Stmt, { kind: "load" }>;

/** Three nests that are one attention. */
export interface Attention {
  readonly nests: readonly [scores: Nest, softmax: Nest, values: Nest];
  /** Rows are queries, columns keys. */
  readonly scores: Product;
  /** Rows are queries, columns channels; the sum goes over keys. */
  readonly values: Product;
  /** What the softmax does before it folds, and its first fold: the score as it counts and where it counts at all. */
  readonly before: readonly Stmt[];
  readonly most: Fold;
  readonly score: Load;
  readonly exp: ScalarFunction;
  /** For each parallel axis of the scores but the keys: the axes of the softmax and of the values that are the same. */
  readonly same: ReadonlyMap<Axis, { readonly softmax: Axis; readonly values: Axis }>;
}

/** All of them. */
export function findAttention(nests: readonly Nest[]): readonly Attention[] {
  const maker = new Map<Buffer, Nest>();
  const readers = new Map<Buffer, Set<Nest>>();
  for (const nest of nests) visit(nest.body, (s) => {
    if (s.kind === "store") maker.set(s.buffer, nest);
    else readers.set(s.buffer, (readers.get(s.buffer) ?? new Set()).add(nest));
  });
  const only = (buffer: Buffer): Nest | undefined => {
    const [reader, ...more] = readers.get(buffer) ?? [];
    return buffer.place === "temp" && !buffer.parts && more.length === 0 ? reader : undefined;
  };
  return nests.flatMap((softmax) => {
    if (softmax.shape !== "row") return [];
    const [p, ...others] = storesOf(softmax);
    const values = p && others.length === 0 ? only(p.buffer) : undefined;
    const candidates = new Set(loadsOf(softmax).map((l) => l.buffer));
    for (const buffer of candidates) {
      const scores = maker.get(buffer);
      if (!values || !p || !scores || only(buffer) !== softmax || storesOf(scores).length !== 1) continue;
      const found = read([scores, softmax, values], buffer, p);
      if (found && undisturbed(nests, found.nests)) return [found];
    }
    return [];
  });
}

/** Nothing between the first and the last writes what the first two read. */
function undisturbed(nests: readonly Nest[], [scores, softmax, values]: Attention["nests"]): boolean {
  const read = new Set([scores, softmax].flatMap((n) => loadsOf(n).map((l) => l.buffer)));
  const between = nests.slice(nests.indexOf(scores) + 1, nests.indexOf(values));
  return between.every((n) => n === softmax || storesOf(n).every((s) => !read.has(s.buffer) && !s.buffer.parts));
}

function read(nests: Attention["nests"], score: Buffer, weight: Extract<Stmt, { kind: "store" }>): Attention | undefined {
  const [first, softmax, last] = nests;
  // Parameters are numbered by nest.
  if (nests.filter((n) => n.params.length > 0).length > 1 || first.shape !== "contract" || last.shape !== "contract") return undefined;
  const [scores, values] = [readProduct(first), readProduct(last)];
  const row = scores && values && readSoftmax(softmax, score, weight);
  if (!scores || !values || !row || scores.mask || values.mask || [...scores.factors, ...values.factors].some((f) => f.dtype !== "f32")) return undefined;
  const [query, key] = [alone(scores.rows), alone(scores.columns)];
  const [turn] = values.fold.axes.filter((a) => a.extent !== 1);
  const [kept] = storesOf(first);
  const weights = values.inside.flatMap(({ stmt }) => (stmt.kind === "load" && stmt.buffer === weight.buffer ? [stmt] : []));
  const [load] = weights;
  const [factor] = values.factors;
  if (!query || !key || !turn || !kept || kept.guard || !load || load.guard || weights.length !== 1 || factor.kind !== "ref" || factor.id !== load.id) return undefined;
  if (values.fold.axes.length !== 1 || !dims.equal(turn.extent, key.extent) || !dims.equal(row.most.axes[0]?.extent ?? 0, key.extent)) return undefined;
  // The same element of each buffer: the same step along each axis.
  const [made, asked, given, taken] = [steps(kept.index, first), steps(row.score.index, softmax), steps(weight.index, softmax), steps(load.index, last)];
  const along = row.most.axes[0];
  if (!made || !asked || !given || !taken || !along || made.get(key.id) !== 1 || asked.get(along.id) !== 1 || taken.get(turn.id) !== 1) return undefined;
  const same = new Map<Axis, { readonly softmax: Axis; readonly values: Axis }>();
  const others = scores.parallel.filter((a) => a !== key && a.extent !== 1);
  const match = (list: readonly Axis[], step: ReadonlyMap<number, number>, wanted: number | undefined, like: Axis): Axis | undefined => {
    const [axis, ...more] = list.filter((a) => a.extent !== 1 && step.get(a.id) === wanted && dims.equal(a.extent, like.extent));
    return more.length === 0 ? axis : undefined;
  };
  for (const axis of others) {
    const inRow = match(softmax.parallel, asked, made.get(axis.id), axis);
    const inValues = inRow && match(values.parallel, taken, given.get(inRow.id), axis);
    if (!inRow || !inValues) return undefined;
    same.set(axis, { softmax: inRow, values: inValues });
  }
  const used = [...same.values()];
  const rows = alone(values.rows);
  if (!rows || same.get(query)?.values !== rows || made.size !== others.length + 1 || asked.size !== made.size || taken.size !== made.size || given.size !== made.size) return undefined;
  if (softmax.parallel.some((a) => a.extent !== 1 && !used.some((u) => u.softmax === a))) return undefined;
  if (values.batch.some((a) => a.extent !== 1 && !used.some((u) => u.values === a))) return undefined;
  return { nests, scores, values, ...row, same };
}

/** The one axis of more than one element. */
function alone(axes: readonly Axis[]): Axis | undefined {
  const [axis, ...more] = axes.filter((a) => a.extent !== 1);
  return more.length === 0 ? axis : undefined;
}

/** How far an index steps with each axis of more than one element, from 0 on; undefined where it is anything else. */
function steps(index: Scalar, nest: Nest): ReadonlyMap<number, number> | undefined {
  const single = new Set(nest.parallel.flatMap((a) => (a.extent === 1 ? [a.id] : [])));
  const { terms, constant: start } = termsOf(index);
  const found = new Map<number, number>();
  for (const { value, times } of terms) {
    if (value.kind !== "ref" || found.has(value.id)) return undefined;
    if (!single.has(value.id)) found.set(value.id, times);
  }
  return start === 0 ? found : undefined;
}

/** Values of the row as they are written out: the score, the position in the row, the largest, the sum; from -100 on, what else is loaded. */
const named = { score: ref(-10), at: ref(-11, "i32"), most: ref(-12), sum: ref(-13) } as const;

/** A softmax over one axis: exp(x - max) / sum where a mask holds, 0 elsewhere. */
function readSoftmax(nest: Nest, score: Buffer, weight: Extract<Stmt, { kind: "store" }>): Pick<Attention, "before" | "most" | "score" | "exp"> | undefined {
  const values = new Map<number, Scalar>();
  const loads = new Map<string, Scalar>();
  const open = (s: Scalar): Scalar => (s.kind === "ref" ? (values.get(s.id) ?? s) : s.kind === "op" || s.kind === "call" ? { ...s, args: s.args.map(open) } : s);
  const scores: Load[] = [];
  const enter = (stmts: readonly Stmt[]): void => {
    for (const s of stmts) {
      if (s.kind === "let") values.set(s.id, open(s.value));
      if (s.kind !== "load") continue;
      if (s.buffer === score) scores.push(s);
      const key = s.buffer === score ? "" : `${s.buffer.id} ${keyOf(open(s.index))} ${s.guard ? keyOf(open(s.guard)) : ""}`;
      const known = s.buffer === score ? named.score : (loads.get(key) ?? ref(-100 - loads.size, s.buffer.dtype));
      loads.set(key, known);
      values.set(s.id, known);
    }
  };
  const folds = nest.body.filter((s) => s.kind === "fold");
  const [most, sum] = folds;
  const [each] = nest.body.filter((s) => s.kind === "each");
  if (!most || !sum || !each || folds.length !== 2 || most.monoid !== "max" || sum.monoid !== "sum" || each.turns || most.value.dtype !== "f32") return undefined;
  const [ids, before] = [new Set(nest.parallel.map((a) => a.id)), nest.body.slice(0, nest.body.indexOf(most))];
  if (before.some((s) => s.kind !== "let" && s.kind !== "load") || nest.body.some((s) => s.kind === "store")) return undefined;
  let x: Scalar | undefined;
  let mask: Scalar | undefined;
  let e: Scalar | undefined;
  for (const s of nest.body) {
    if (s.kind === "let" || s.kind === "load") enter([s]);
    else if (s.kind === "fold") {
      const [axis, ...more] = s.axes;
      if (!axis || more.length > 0 || axis.below || s.body.some((t) => t.kind !== "let" && t.kind !== "load")) return undefined;
      values.set(axis.id, named.at);
      enter(s.body);
      if (s === most) [x, mask] = [open(s.value), s.mask && open(s.mask)];
      else e = open(s.value);
      if (s === sum && (mask ? keyOf(mask) : "") !== (s.mask ? keyOf(open(s.mask)) : "")) return undefined;
      values.set(s.results[0] ?? -1, s === most ? named.most : named.sum);
    } else if (s.kind === "each") {
      values.set(s.axis.id, named.at);
      enter(s.body);
    }
  }
  if (!x || e?.kind !== "call" || !isExponential(e.fn) || weight.guard || !each.body.includes(weight)) return undefined;
  const shifted = [op("sub", "f32", [x, named.most]), op("add", "f32", [x, op("neg", "f32", [named.most])])];
  if (!shifted.some((s) => e?.kind === "call" && keyOf(call(e.fn, [s])) === keyOf(e))) return undefined;
  const share = op("div", "f32", [e, named.sum]);
  const wanted = mask ? op("select", "f32", [mask, share, constant(0)]) : share;
  if (keyOf(open(weight.value)) !== keyOf(wanted)) return undefined;
  // Every score is read at its own row and at the place that the loop is at.
  const at = (s: Load, axis: Axis | undefined): string | undefined => {
    const step = steps(s.index, nest);
    return step && axis && !s.guard && [...step.keys()].every((id) => ids.has(id) || id === axis.id) ? [...step].map(([id, by]) => `${ids.has(id) ? id : "at"}:${by}`).sort().join() : undefined;
  };
  const axisOf = (s: Load): Axis | undefined => (most.body.includes(s) ? most.axes[0] : sum.body.includes(s) ? sum.axes[0] : each.body.includes(s) ? each.axis : undefined);
  const places = new Set(scores.map((s) => at(s, axisOf(s))));
  const [first] = scores;
  if (!first || places.size !== 1 || places.has(undefined) || !most.body.includes(first) || most.body.filter((s) => s.kind === "load" && s.buffer === score).length !== 1) return undefined;
  const extents = [sum.axes[0]?.extent ?? 0, each.axis.extent];
  return extents.every((d) => dims.equal(d, most.axes[0]?.extent ?? 1)) ? { before, most, score: first, exp: e.fn } : undefined;
}

type Access = Extract<Stmt, { kind: "load" | "store" }>;

function visit(stmts: readonly Stmt[], see: (s: Access) => void): void {
  for (const s of stmts) {
    if (s.kind === "load" || s.kind === "store") see(s);
    else if (s.kind !== "let") visit(s.body, see);
  }
}

function storesOf(nest: Nest): readonly Extract<Stmt, { kind: "store" }>[] {
  const found: Extract<Stmt, { kind: "store" }>[] = [];
  visit(nest.body, (s) => {
    if (s.kind === "store") found.push(s);
  });
  return found;
}

function loadsOf(nest: Nest): readonly Load[] {
  const found: Load[] = [];
  visit(nest.body, (s) => {
    if (s.kind === "load") found.push(s);
  });
  return found;
}
