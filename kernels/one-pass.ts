/**
 * One loop for folds and those that are shifted by them (shifted-folds.ts). Comes in: such folds, one scope for each point. Goes out: a loop that takes eight or four turns of the
 * last axis at once; the scopes learn all results.
 *
 *     m = max x, l = Σ exp(x - m)     ->     q = max(m, x₀ … x₇);  l = l·exp(m - q) + Σ exp(xᵢ - q);  m = q
 *     s = Σ x, v = Σ (x - c)²         ->     y = x - x[0];  a = Σ yᵢ / 8;  v = v + Σ (yᵢ - a)² + (a - d / 8j)²·8j / (j + 1);  d = d + 8a     in turn j; at last v + n (s / n - c)²
 *
 * x[0] is not far from what follows, or their variance is large: so rows of mean 1,000 and deviation 0.01 keep theirs.
 * A row is read once less for that. In a turn terms are added pairwise; the order is fixed, so results repeat.
 */
import type { KernelStmt } from "../src/ir/kernel.ts";
import { call, constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { expBelowFunction } from "../src/ops/functions.ts";
import { accumulate, type Accumulator, combine, type Fold, identity, joined, open } from "./accumulators.ts";
import { int, plus, times } from "./arithmetic.ts";
import { turnsAtOnce, turnsThatCount } from "./bounded-turns.ts";
import type { Joined } from "./joined-folds.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";
import type { Shifted } from "./shifted-folds.ts";

/** How the statements of a fold and loops are written. */
export interface Writer {
  readonly inStep: (b: KernelBuilder, stmts: Fold["body"], scopes: readonly Scope[], out: KernelStmt[]) => void;
  readonly over: (b: KernelBuilder, axes: Fold["axes"], scopes: readonly Scope[], out: KernelStmt[], body: (inner: KernelStmt[]) => void) => void;
}

/** The accumulators of a fold in one point: those that lanes add to in turn, one where others are shifted by it. */
type Sums = readonly (readonly Accumulator[])[];

/** Writes the loop. */
export function onePass(b: KernelBuilder, { folds, shifted, between }: Joined, scopes: readonly Scope[], out: KernelStmt[], write: Writer): void {
  const [lead] = folds;
  const last = lead?.axes.at(-1);
  if (!lead || !last) return;
  const at = last.capacity % 8 === 0 ? 8 : 4;
  const leads = new Set(shifted.map((s) => s.by));
  const sums = new Map(folds.map((fold) => [fold, scopes.map((): Sums => Array.from({ length: leads.has(fold) || fold.monoid === "argmax" ? 1 : 4 }, () => open(b, fold, out)))]));
  /** Of folds that squares are centred by: their first term, and the sum of how far all are from it. */
  const centres = new Map([...leads].filter((by) => by.monoid === "sum").map((by) => [by, scopes.map((scope): Centre => {
    const start: Scope = new Map([...scope, ...by.axes.map((a) => [a.id, int(0)] as const)]);
    write.inStep(b, by.body, [start], out);
    return { first: b.let(out, b.substitute(by.value, start)), far: b.variable(out, constant(0)) };
  })]));
  const shiftedSums = new Map(shifted.map((s) => [s, scopes.map(() => b.variable(out, constant(0)))]));
  const count = b.bounded ? turnsThatCount(lead) : undefined;
  const outer = lead.axes.slice(0, -1);
  write.over(b, outer, scopes, out, (turn) => {
    const [first] = scopes;
    if (!first) return;
    const to = count && b.let(turn, turnsAtOnce(b, last, count, scopes, at));
    b.loop(turn, int(0), to ?? int(last.capacity / at), 1, (index, inner) => {
      const start = b.let(inner, times(index, int(at)));
      const before = outer.reduce<Scalar>((n, a) => plus(times(n, int(a.capacity)), first.get(a.id) ?? int(0)), int(0));
      const number = plus(times(before, int(last.capacity / at)), index);
      scopes.forEach((scope, k) => {
        const lanes = Array.from({ length: at }, (_, l): Scope => new Map([...scope, [last.id, plus(start, int(l))]]));
        for (const fold of folds) {
          alongLead(lead, fold, lanes);
          write.inStep(b, fold.body, lanes, inner);
          const mine = sums.get(fold)?.[k] ?? [];
          if (!leads.has(fold)) lanes.forEach((lane, l) => { accumulate(b, fold, lane, mine[l % mine.length] ?? [], inner); });
        }
        for (const by of leads) {
          const [sum] = sums.get(by)?.[k]?.[0] ?? [];
          const those = shifted.filter((s) => s.by === by).map((s) => ({ s, to: shiftedSums.get(s)?.[k] as Accumulator }));
          if (!sum) continue;
          for (const { s } of those) {
            alongLead(lead, s.fold, lanes);
            write.inStep(b, s.body, lanes, inner);
          }
          const centre = centres.get(by)?.[k];
          if (centre) aroundMean(b, by, sum, centre, those, lanes, number, inner);
          else byLargest(b, by, sum, those, lanes, inner);
        }
      });
    });
  });
  scopes.forEach((scope, k) => {
    for (const fold of folds) {
      const [first = [], second, third, fourth] = sums.get(fold)?.[k] ?? [];
      if (second && third && fourth) for (const [x, y] of [[first, second], [third, fourth], [first, third]] as const) combine(b, fold.monoid, x, y, undefined, out);
      fold.results.forEach((id, r) => { if (first[r]) scope.set(id, first[r]); });
    }
  });
  write.inStep(b, between, scopes, out);
  scopes.forEach((scope, k) => {
    for (const s of shifted) {
      const sum = shiftedSums.get(s)?.[k] as Accumulator;
      if (s.law.kind === "square") {
        const turns = lead.axes.reduce((n, a) => n * a.capacity, 1);
        const away = b.let(out, op("add", "f32", [op("mul", "f32", [scope.get(s.by.results[0] ?? -1) ?? sum, constant(1 / turns)]), b.substitute(s.law.plus, scope)]));
        out.push({ kind: "assign", id: sum.id, value: op("add", "f32", [sum, op("mul", "f32", [op("mul", "f32", [away, away]), constant(turns)])]) });
      }
      scope.set(s.fold.results[0] ?? -1, sum);
    }
  });
}

/** Folds of one loop have their axes where those of the first one are. */
function alongLead(lead: Fold, fold: Fold, lanes: readonly Scope[]): void {
  fold.axes.forEach(({ id }, k) => {
    for (const lane of lanes) lane.set(id, lane.get(lead.axes[k]?.id ?? id) ?? int(0));
  });
}

/** Values joined pairwise. */
function tree(b: KernelBuilder, monoid: "sum" | "max", values: readonly Scalar[], out: KernelStmt[]): Scalar {
  const [first = constant(0), ...more] = values;
  if (more.length === 0) return first;
  const half = Math.ceil(values.length / 2);
  return b.let(out, joined(b, monoid, tree(b, monoid, values.slice(0, half), out), tree(b, monoid, values.slice(half), out), out));
}

interface Centre {
  readonly first: Scalar;
  readonly far: Accumulator;
}

interface Target {
  readonly s: Shifted;
  readonly to: Accumulator;
}

/** The value of a fold in each lane, its identity where it does not count. */
function valuesOf(b: KernelBuilder, fold: Fold, lanes: readonly Scope[], out: KernelStmt[]): readonly Scalar[] {
  return lanes.map((lane) => {
    const value = b.let(out, b.substitute(fold.value, lane));
    return fold.mask ? b.let(out, op("select", "f32", [b.substitute(fold.mask, lane), value, identity(fold.monoid, "f32")])) : value;
  });
}

function byLargest(b: KernelBuilder, by: Fold, most: Accumulator, those: readonly Target[], lanes: readonly Scope[], out: KernelStmt[]): void {
  const values = valuesOf(b, by, lanes, out);
  const largest = b.let(out, b.larger(out, most, tree(b, "max", values, out)));
  const down = (y: Scalar): Scalar => b.let(out, call(expBelowFunction, [op("sub", "f32", [y, largest])]));
  const shrunk = down(most);
  const exponentials = values.map(down);
  for (const { s, to } of those) {
    const terms = exponentials.map((e, l) => {
      const lane = lanes[l] as Scope;
      const factor = s.law.kind === "largest" ? s.law.factor : undefined;
      const term = factor ? b.let(out, op("mul", "f32", [e, b.substitute(factor, lane)])) : e;
      return s.fold.mask ? b.let(out, op("select", "f32", [b.substitute(s.fold.mask, lane), term, constant(0)])) : term;
    });
    out.push({ kind: "assign", id: to.id, value: op("add", "f32", [op("mul", "f32", [to, shrunk]), tree(b, "sum", terms, out)]) });
  }
  out.push({ kind: "assign", id: most.id, value: largest });
}

function aroundMean(b: KernelBuilder, by: Fold, sum: Accumulator, { first, far }: Centre, those: readonly Target[], lanes: readonly Scope[], number: Scalar, out: KernelStmt[]): void {
  const values = valuesOf(b, by, lanes, out);
  const count = lanes.length;
  const distances = values.map((v) => b.let(out, op("sub", "f32", [v, first])));
  const all = tree(b, "sum", distances, out);
  const mean = b.let(out, op("mul", "f32", [all, constant(1 / count)]));
  const squares = distances.map((v) => {
    const d = b.let(out, op("sub", "f32", [v, mean]));
    return b.let(out, op("mul", "f32", [d, d]));
  });
  // How far the mean of these lies from that of all before, of which there were none in the first turn.
  const turn = b.let(out, op("cast", "f32", [number]));
  const before = b.let(out, op("div", "f32", [far, op("cast", "f32", [op("max", "i32", [times(number, int(count)), int(1)])])]));
  const away = b.let(out, op("sub", "f32", [mean, before]));
  const weight = b.let(out, op("div", "f32", [op("mul", "f32", [turn, constant(count)]), op("add", "f32", [turn, constant(1)])]));
  const apart = b.let(out, op("add", "f32", [tree(b, "sum", squares, out), op("mul", "f32", [op("mul", "f32", [away, weight]), away])]));
  for (const { to } of those) out.push({ kind: "assign", id: to.id, value: op("add", "f32", [to, apart]) });
  out.push({ kind: "assign", id: far.id, value: op("add", "f32", [far, all]) }, { kind: "assign", id: sum.id, value: op("add", "f32", [sum, tree(b, "sum", values, out)]) });
}
