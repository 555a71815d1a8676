/**
 * Folds whose terms are shifted by what another fold over the same elements comes to, and which one pass can take up with it all the same:
 * by what is known of the other so far, corrected when more is known.
 *
 *     m = max x;  Σ exp(x - m)                when m becomes m', the sum so far is multiplied by exp(m - m')
 *     s = Σ x;    Σ (x - c)², c made of s     around the mean of what has been seen (Chan, Golub and LeVeque), in the end around c
 *
 * Comes in: folds that share a loop, another one, and the statements before it. Goes out: how the other one is shifted; undefined where it is not.
 */
import type { Stmt } from "../src/ir/kernel.ts";
import { op, refersTo, type Scalar } from "../src/ir/scalar.ts";
import { isExponential } from "../src/ops/functions.ts";
import { keyOf } from "../src/schedule/index-form.ts";
import type { Fold } from "./accumulators.ts";
import { turnsThatCount } from "./bounded-turns.ts";

/** A fold that is shifted by another. */
export interface Shifted {
  readonly fold: Fold;
  readonly by: Fold;
  /** What stands in its body and does not wait for the other fold. */
  readonly body: readonly Stmt[];
  /** Exponentials of terms less the largest, times a factor; or squares of terms plus what does not vary. */
  readonly law: { readonly kind: "largest"; readonly factor?: Scalar } | { readonly kind: "square"; readonly plus: Scalar };
}

/** Scalars that a comparison may look at. */
const mostParts = 400;

/** How a fold is shifted by one of some others; `between` stands before it, and waits for them as all `open` values do. */
export function shiftedBy(folds: readonly Fold[], fold: Fold, between: readonly Stmt[], open: ReadonlySet<number>): Shifted | undefined {
  if (fold.monoid !== "sum" || fold.value.dtype !== "f32") return undefined;
  const lets = new Map<number, Scalar>();
  for (const s of between) if (s.kind === "let") lets.set(s.id, s.value);
  const waiting = new Set(open);
  const body: Stmt[] = [];
  for (const s of fold.body) {
    if (s.kind === "let") lets.set(s.id, s.value);
    const waits = (s.kind === "let" && refersTo(s.value, waiting)) || (s.kind === "load" && (refersTo(s.index, waiting) || (s.guard !== undefined && refersTo(s.guard, waiting))));
    if (!waits) body.push(s);
    else if (s.kind === "let") waiting.add(s.id);
    else return undefined;
  }
  if (fold.mask && refersTo(fold.mask, waiting)) return undefined;
  const head = (s: Scalar): Scalar => {
    let at = s;
    for (let left = mostParts; at.kind === "ref" && left > 0; left--) {
      const known = lets.get(at.id);
      if (!known) break;
      at = known;
    }
    return at;
  };
  /** y + c and y - c as y and c, -c. */
  const summands = (s: Scalar): readonly (readonly [Scalar, Scalar])[] => {
    const [x, y] = s.kind === "op" ? s.args : [];
    if (s.kind !== "op" || !x || !y) return [];
    return s.op === "add" ? [[x, y], [y, x]] : s.op === "sub" ? [[x, op("neg", s.dtype, [y])]] : [];
  };
  const same = (by: Fold, s: Scalar): boolean => !refersTo(s, waiting) && keyIn(by, by.value) === keyIn(fold, s);
  const masked = (f: Fold): string => (f.mask ? keyIn(f, f.mask) : "");

  /** exp(y - m), m the largest y. */
  const isExponentialOf = (s: Scalar): Fold | undefined => {
    if (s.kind !== "call" || !isExponential(s.fn)) return undefined;
    for (const [y, minus] of summands(head(s.args[0] as Scalar))) {
      const negated = head(minus);
      const m = negated.kind === "op" && negated.op === "neg" ? head(negated.args[0] as Scalar) : undefined;
      const by = folds.find((f) => m?.kind === "ref" && f.monoid === "max" && f.results[0] === m.id);
      if (by && masked(by) === masked(fold) && same(by, y)) return by;
    }
    return undefined;
  };

  const value = head(fold.value);
  const alone = isExponentialOf(value);
  if (alone) return { fold, by: alone, body, law: { kind: "largest" } };
  const [a, b] = value.kind === "op" && value.op === "mul" ? value.args : [];
  if (!a || !b) return undefined;
  for (const [e, factor] of [[a, b], [b, a]] as const) {
    const by = isExponentialOf(head(e));
    if (by && !refersTo(factor, waiting)) return { fold, by, body, law: { kind: "largest", factor } };
  }
  // A square, of all turns: under a condition nobody has counted them.
  if (fold.mask || turnsThatCount(fold) || (a !== b && keyOf(a) !== keyOf(b))) return undefined;
  const inside = new Set([...fold.axes.map((x) => x.id), ...fold.body.flatMap((s) => (s.kind === "let" || s.kind === "load" ? [s.id] : []))]);
  for (const [y, plus] of summands(head(a))) {
    const by = folds.find((f) => f.monoid === "sum" && f.value.dtype === "f32" && !f.mask && !turnsThatCount(f) && same(f, y));
    if (by && !refersTo(plus, inside) && isKnownAfter(folds, plus, between, open)) return { fold, by, body, law: { kind: "square", plus } };
  }
  return undefined;
}

/** Whether a scalar that waits does so for some folds alone, and what is made of them. */
function isKnownAfter(folds: readonly Fold[], s: Scalar, between: readonly Stmt[], open: ReadonlySet<number>): boolean {
  const known = new Set(folds.flatMap((f) => f.results));
  for (const t of between) {
    const parts = t.kind === "let" ? [t.value] : t.kind === "load" ? [t.index, ...(t.guard ? [t.guard] : [])] : undefined;
    if (parts && (t.kind === "let" || t.kind === "load") && !parts.some((part) => refersTo(part, waitingFor(open, known)))) known.add(t.id);
  }
  return !refersTo(s, waitingFor(open, known));
}

const waitingFor = (open: ReadonlySet<number>, known: ReadonlySet<number>): { has(id: number): boolean } => ({ has: (id) => open.has(id) && !known.has(id) });

/** The statements before shifted folds that what they are shifted by is made of. */
export function neededOf(shifted: readonly Shifted[], stmts: readonly Stmt[]): readonly Exclude<Stmt, Fold>[] {
  const wanted = new Set<number>();
  const want = (s: Scalar): void => {
    if (s.kind === "ref") wanted.add(s.id);
    else if (s.kind === "op" || s.kind === "call") s.args.forEach(want);
  };
  for (const { law } of shifted) if (law.kind === "square") want(law.plus);
  const needed: Exclude<Stmt, Fold>[] = [];
  for (const s of stmts.toReversed()) {
    if ((s.kind !== "let" && s.kind !== "load") || !wanted.has(s.id)) continue;
    needed.unshift(s);
    if (s.kind === "let") want(s.value);
    else [s.index, ...(s.guard ? [s.guard] : [])].forEach(want);
  }
  return needed;
}

/** What a scalar of a fold is, its axes by their number and what its body makes written out; unlike any other where it is too long. */
function keyIn(fold: Fold, s: Scalar): string {
  const axes = new Map(fold.axes.map((a, k) => [a.id, k]));
  const made = new Map(fold.body.flatMap((t) => (t.kind === "let" || t.kind === "load" ? [[t.id, t] as const] : [])));
  let left = mostParts;
  const key = (x: Scalar): string => {
    if (left-- <= 0) return `too long in ${fold.results.join()}`;
    if (x.kind === "ref") {
      const [axis, by] = [axes.get(x.id), made.get(x.id)];
      if (axis !== undefined) return `#${axis}`;
      if (!by) return `v${x.id}`;
      return by.kind === "let" ? key(by.value) : `${by.buffer.id}[${key(by.index)}${by.guard ? ` if ${key(by.guard)}` : ""}]`;
    }
    if (x.kind === "constant" || x.kind === "param") return keyOf(x);
    return `${x.kind === "op" ? x.op : x.fn.name}:${x.dtype}(${x.args.map(key).join()})`;
  };
  return key(s);
}
