/**
 * Drops values that nobody uses, and writes those that are used once into the place of their use, within one scope and up to a
 * modest size, so that kernels read like formulas. In and out: statements with the same meaning.
 *
 *     v2 = v0 + v1; v3 = v2 * v2; v4 = neg v3; store v4    ->    v2 = v0 + v1; store neg(v2 * v2)
 */
import type { Stmt } from "../ir/kernel.ts";
import type { Scalar } from "../ir/scalar.ts";

const mostOperations = 10;

export function tidyLets(body: readonly Stmt[]): readonly Stmt[] {
  const needed = used(body, new Set());
  const uses = new Map<number, number>();
  countAll(needed, uses);
  return tidyBlock(needed, uses);
}

/** From the last to the first: what a statement that is kept refers to is used. An index into one element is read, and not used. */
function used(body: readonly Stmt[], ids: Set<number>): readonly Stmt[] {
  const kept: Stmt[] = [];
  for (const s of body.toReversed()) {
    if ((s.kind === "let" || s.kind === "load") && !ids.has(s.id)) continue;
    if (s.kind === "fold" && !s.results.some((id) => ids.has(id))) continue;
    for (const e of scalarsOf(s)) note(e, ids);
    if (s.kind === "fold") for (const e of s.mask ? [s.value, s.mask] : [s.value]) note(e, ids);
    kept.push(s.kind === "fold" || s.kind === "each" ? { ...s, body: used(s.body, ids) } : s);
  }
  return kept.reverse();
}

function note(e: Scalar, ids: Set<number>): void {
  if (e.kind === "ref") ids.add(e.id);
  else if (e.kind === "op" || e.kind === "call") for (const a of e.args) note(a, ids);
}

function tidyBlock(body: readonly Stmt[], uses: ReadonlyMap<number, number>): readonly Stmt[] {
  // Refs of this scope's own statements: a use inside a loop must not pull work into the loop.
  const here = new Map<number, number>();
  for (const s of body) for (const e of scalarsOf(s)) count(e, here);
  const inlined = new Map<number, Scalar>();
  const out: Stmt[] = [];
  for (const s of body) {
    const tidy = mapScalars(s, (e) => replaceRefs(e, inlined));
    if (tidy.kind === "let" && uses.get(tidy.id) === 1 && here.get(tidy.id) === 1 && operations(tidy.value) <= mostOperations) {
      inlined.set(tidy.id, tidy.value);
      continue;
    }
    if (tidy.kind === "fold") out.push(tidyFold(tidy, uses));
    else if (tidy.kind === "each") out.push({ ...tidy, body: tidyBlock(tidy.body, uses) });
    else out.push(tidy);
  }
  return out;
}

/** The fold's own value and mask belong to its body. */
function tidyFold(fold: Extract<Stmt, { kind: "fold" }>, uses: ReadonlyMap<number, number>): Stmt {
  const value: Stmt = { kind: "let", id: -1, value: fold.value };
  const mask: Stmt[] = fold.mask ? [{ kind: "let", id: -2, value: fold.mask }] : [];
  const tidy = tidyBlock([...fold.body, ...mask, value], new Map([...uses, [-1, 2], [-2, 2]]));
  const own = (id: number): Scalar | undefined => {
    const found = tidy.find((s) => s.kind === "let" && s.id === id);
    return found?.kind === "let" ? found.value : undefined;
  };
  const maskValue = own(-2);
  return {
    ...fold,
    body: tidy.filter((s) => s.kind !== "let" || s.id >= 0),
    value: own(-1) ?? fold.value,
    ...(maskValue ? { mask: maskValue } : {}),
  };
}

/** The scalars that a statement evaluates in its own scope; those of a fold belong to its body, but for where it ends. */
function scalarsOf(s: Stmt): readonly Scalar[] {
  switch (s.kind) {
    case "let":
      return [s.value];
    case "load":
      return s.guard ? [s.index, s.guard] : [s.index];
    case "store":
      return s.guard ? [s.index, s.value, s.guard] : [s.index, s.value];
    case "fold":
      return s.axes.flatMap((a) => (a.below ? [a.below] : []));
    default:
      return [];
  }
}

function mapScalars(s: Stmt, of: (e: Scalar) => Scalar): Stmt {
  switch (s.kind) {
    case "let":
      return { ...s, value: of(s.value) };
    case "load":
      return { ...s, index: of(s.index), ...(s.guard ? { guard: of(s.guard) } : {}) };
    case "store":
      return { ...s, index: of(s.index), value: of(s.value), ...(s.guard ? { guard: of(s.guard) } : {}) };
    case "fold":
      return { ...s, axes: s.axes.map((a) => (a.below ? { ...a, below: of(a.below) } : a)) };
    default:
      return s;
  }
}

function countAll(body: readonly Stmt[], uses: Map<number, number>): void {
  for (const s of body) {
    for (const e of scalarsOf(s)) count(e, uses);
    if (s.kind === "fold") {
      count(s.value, uses);
      if (s.mask) count(s.mask, uses);
    }
    if (s.kind === "fold" || s.kind === "each") countAll(s.body, uses);
  }
}

function count(e: Scalar, uses: Map<number, number>): void {
  if (e.kind === "ref") uses.set(e.id, (uses.get(e.id) ?? 0) + 1);
  else if (e.kind === "op" || e.kind === "call") for (const a of e.args) count(a, uses);
}

function operations(e: Scalar): number {
  return e.kind === "op" || e.kind === "call" ? e.args.reduce((n, a) => n + operations(a), 1) : 0;
}

/** The scalar with refs replaced by what was written for them. */
export function replaceRefs(e: Scalar, by: ReadonlyMap<number, Scalar>): Scalar {
  if (e.kind === "ref") return by.get(e.id) ?? e;
  if (e.kind !== "op" && e.kind !== "call") return e;
  const args = e.args.map((a) => replaceRefs(a, by));
  return args.every((a, i) => a === e.args[i]) ? e : { ...e, args };
}
