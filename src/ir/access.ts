/**
 * Access maps: how the element of a view is found in the tensor it looks at.
 *
 *     out[i] = x[e(i)]  where every guard holds at i, else 0
 *
 * Each coordinate of `e` is an affine form in the output indices divided exactly by a number; guards are
 * affine forms that must be >= 0, or divisible by a number. Transpose, broadcast, slice, pad, flip, diagonal,
 * stride, dilation and im2col are all such maps, and maps compose to maps. An output index is always within
 * 0..extent-1, so guards speak only of what that does not already give.
 *
 *     transpose [2,3] -> [3,2]:  shape [3,2], index [i1, i0]
 *     pad 1 on the left of [4]:  shape [5],   index [i0 - 1], guards [i0 - 1 >= 0]
 */
import * as dims from "./dims.ts";
import type { Dim } from "./dims.ts";

/** c + Σ k[a]·i[a] over the output axes; `k` has one entry per output axis. */
export interface Affine {
  readonly c: Dim;
  readonly k: readonly number[];
}

/** numerator / divisor, exact wherever the guards hold. */
export interface Coordinate {
  readonly numerator: Affine;
  readonly divisor: number;
}

export type Guard =
  | { readonly kind: "nonnegative"; readonly value: Affine }
  | { readonly kind: "divisible"; readonly value: Affine; readonly by: number };

export interface AccessMap {
  /** The shape of the view. */
  readonly shape: readonly Dim[];
  /** One coordinate per axis of the tensor looked at. */
  readonly index: readonly Coordinate[];
  readonly guards: readonly Guard[];
}

/** c + Σ k[a]·i[a]. */
export function affine(c: Dim, k: readonly number[]): Affine {
  return { c, k };
}

/** The form that is just the output index `axis` among `rank`. */
export function unit(axis: number, rank: number): Affine {
  return { c: 0, k: Array.from({ length: rank }, (_, a) => (a === axis ? 1 : 0)) };
}

/** The form that is `c` whatever the output index. */
export function constant(c: Dim, rank: number): Affine {
  return { c, k: new Array<number>(rank).fill(0) };
}

/** The sum of two forms over the same axes. */
export function addAffine(a: Affine, b: Affine): Affine {
  return { c: dims.add(a.c, b.c), k: a.k.map((v, i) => v + (b.k[i] ?? 0)) };
}

/** A form times a number. */
export function scaleAffine(a: Affine, by: number): Affine {
  return { c: dims.scale(a.c, by), k: a.k.map((v) => v * by || 0) };
}

/** The coordinate that is the form itself. */
export function whole(numerator: Affine): Coordinate {
  return { numerator, divisor: 1 };
}

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));
const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

/**
 * Substitutes the coordinates `by` (one per variable of `form`) into an affine form; the result is an affine
 * form in the variables of `by`, over a common divisor.
 */
export function substitute(form: Affine, by: readonly Coordinate[], rank: number): Coordinate {
  const used = by.filter((_, a) => (form.k[a] ?? 0) !== 0);
  const divisor = used.reduce((d, c) => lcm(d, c.divisor), 1);
  let numerator = constant(dims.scale(form.c, divisor), rank);
  form.k.forEach((k, a) => {
    const c = by[a];
    if (k !== 0 && c) numerator = addAffine(numerator, scaleAffine(c.numerator, (k * divisor) / c.divisor));
  });
  return reduced({ numerator, divisor });
}

/** Cancels a common factor of the numerator and the divisor. */
export function reduced(c: Coordinate): Coordinate {
  if (c.divisor === 1) return c;
  let common = c.numerator.k.reduce(gcd, c.divisor);
  const constantTerms = typeof c.numerator.c === "number" ? [c.numerator.c] : c.numerator.c.terms.map((t) => t.coefficient);
  common = constantTerms.reduce(gcd, common);
  if (common === 1) return c;
  const c0 = dims.divideExactly(c.numerator.c, common);
  if (c0 === undefined) return c;
  return { numerator: { c: c0, k: c.numerator.k.map((k) => k / common || 0) }, divisor: c.divisor / common };
}

/** The view of a view: `outer` looks at what `inner` yields. */
export function compose(outer: AccessMap, inner: AccessMap): AccessMap {
  const rank = outer.shape.length;
  const index = inner.index.map((c) => {
    const s = substitute(c.numerator, outer.index, rank);
    return reduced({ numerator: s.numerator, divisor: s.divisor * c.divisor });
  });
  const guards: Guard[] = [...outer.guards];
  for (const g of inner.guards) {
    const s = substitute(g.value, outer.index, rank);
    if (g.kind === "nonnegative") guards.push({ kind: "nonnegative", value: s.numerator });
    else guards.push({ kind: "divisible", value: s.numerator, by: g.by * s.divisor });
  }
  return { shape: outer.shape, index, guards: tidyGuards(guards, outer.shape) };
}

/** Drops guards that always hold and repeated ones; the rest in the order of their texts. */
export function tidyGuards(guards: readonly Guard[], shape: readonly Dim[]): Guard[] {
  const kept = new Map<string, Guard>();
  for (const g of guards) {
    if (g.kind === "nonnegative" && provenNonnegative(g.value, shape)) continue;
    if (g.kind === "divisible" && provenDivisible(g.value, g.by)) continue;
    kept.set(printGuard(g), g);
  }
  return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, g]) => g);
}

/** True when the form is >= 0 for all indices in range, taking each size symbol to be at least 1. */
export function provenNonnegative(a: Affine, shape: readonly Dim[]): boolean {
  let least: Dim = a.c;
  a.k.forEach((k, axis) => {
    if (k < 0) least = dims.add(least, dims.scale(dims.sub(shape[axis] ?? 1, 1), k));
  });
  if (typeof least === "number") return least >= 0;
  let atOnes = 0;
  for (const t of least.terms) {
    if (t.symbols.length > 0 && t.coefficient < 0) return false;
    atOnes += t.coefficient;
  }
  return atOnes >= 0;
}

function provenDivisible(a: Affine, by: number): boolean {
  return a.k.every((k) => k % by === 0) && dims.divideExactly(a.c, by) !== undefined;
}

/** The map under which a tensor of this shape is seen as it is. */
export function identity(shape: readonly Dim[]): AccessMap {
  return { shape, index: shape.map((_, a) => whole(unit(a, shape.length))), guards: [] };
}

/** True when the map shows a tensor of shape `of` as it is. */
export function isIdentity(map: AccessMap, of: readonly Dim[]): boolean {
  return (
    map.guards.length === 0 &&
    map.shape.length === of.length &&
    map.shape.every((d, a) => dims.equal(d, of[a] as Dim)) &&
    map.index.every((c, a) => c.divisor === 1 && c.numerator.c === 0 && c.numerator.k.every((k, b) => k === (a === b ? 1 : 0)))
  );
}

/** `2*i0 + i2 + N - 1`. */
export function printAffine(a: Affine): string {
  const parts: string[] = [];
  a.k.forEach((k, axis) => {
    if (k !== 0) parts.push(k === 1 ? `i${axis}` : `${k}*i${axis}`);
  });
  if (a.c !== 0 || parts.length === 0) parts.push(dims.print(a.c));
  return parts.join(" + ").replaceAll("+ -", "- ");
}

/** `2*i0 + 1`, or `(i0 - 1)/2`. */
export function printCoordinate(c: Coordinate): string {
  return c.divisor === 1 ? printAffine(c.numerator) : `(${printAffine(c.numerator)})/${c.divisor}`;
}

/** `i0 - 1 >= 0`, or `2 | i0 - 1`. */
export function printGuard(g: Guard): string {
  return g.kind === "nonnegative" ? `${printAffine(g.value)} >= 0` : `${g.by} | ${printAffine(g.value)}`;
}

/** `[i1, i0 - 1] where i0 - 1 >= 0`: the canonical text, also used as a key. */
export function printMap(m: AccessMap): string {
  const shape = `[${m.shape.map(dims.print).join(", ")}]`;
  const index = `[${m.index.map(printCoordinate).join(", ")}]`;
  return m.guards.length === 0 ? `${shape} <- ${index}` : `${shape} <- ${index} where ${m.guards.map(printGuard).join(", ")}`;
}

/**
 * For a map that takes each element of its operand once, in another order of axes: which of the map's axes each axis of the operand is; undefined
 * for an axis of one element. Undefined for maps of any other kind.
 */
export function axesInOrder(map: AccessMap, of: readonly Dim[]): readonly (number | undefined)[] | undefined {
  const names: (number | undefined)[] = [];
  for (const [a, { numerator, divisor }] of map.index.entries()) {
    const read = numerator.k.flatMap((k, axis) => (k === 0 ? [] : [axis]));
    const [axis] = read;
    const extent = of[a] as Dim;
    if (extent === 1) names.push(undefined);
    else if (axis === undefined || read.length > 1 || numerator.k[axis] !== 1 || numerator.c !== 0 || divisor !== 1 || names.includes(axis) || !dims.equal(map.shape[axis] as Dim, extent)) return undefined;
    else names.push(axis);
  }
  return map.guards.length === 0 && map.shape.every((d, axis) => d === 1 || names.includes(axis)) ? names : undefined;
}
