/**
 * Index arithmetic in a normal form: a constant plus whole multiples of atoms (an axis, a size, a loaded index),
 * so that equal positions are equal texts and quotients cancel where the ranges allow it.
 *
 *     (b*64 + i) / 64  ->  b        (b*64 + i) mod 64  ->  i        when i is known to lie in 0..63
 */
import { constant, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";

export interface Term {
  /** An i32 scalar that is no constant: a ref, a parameter, or a bound value. */
  readonly atom: Scalar;
  readonly key: string;
  readonly k: number;
  /** The atom's least and greatest value, where known. */
  readonly low: number;
  readonly high: number;
}

export interface Index {
  readonly c: number;
  /** Sorted: larger factors first, then by key; no factor is 0, no atom twice. */
  readonly terms: readonly Term[];
}

/** A constant position. */
export function fixed(c: number): Index {
  return { c, terms: [] };
}

/** A position that is one scalar, within a range where one is known; a constant scalar gives a constant. */
export function atom(value: Scalar, low = -Infinity, high = Infinity): Index {
  if (value.kind === "constant") return fixed(value.value);
  return { c: 0, terms: [{ atom: value, key: keyOf(value), k: 1, low, high }] };
}

/** The sum; terms over one atom become one. */
export function addIndex(a: Index, b: Index): Index {
  if (b.terms.length === 0) return { c: a.c + b.c, terms: a.terms };
  if (a.terms.length === 0) return { c: a.c + b.c, terms: b.terms };
  const byKey = new Map<string, Term>();
  for (const t of [...a.terms, ...b.terms]) {
    const known = byKey.get(t.key);
    byKey.set(t.key, known ? { ...t, k: known.k + t.k, low: Math.max(known.low, t.low), high: Math.min(known.high, t.high) } : t);
  }
  const terms = [...byKey.values()].filter((t) => t.k !== 0);
  terms.sort((x, y) => y.k - x.k || (x.key < y.key ? -1 : 1));
  return { c: a.c + b.c, terms };
}

/** A whole multiple. */
export function scaleIndex(a: Index, by: number): Index {
  if (by === 1) return a;
  if (by === 0) return fixed(0);
  const terms = a.terms.map((t) => ({ ...t, k: t.k * by }));
  terms.sort((x, y) => y.k - x.k || (x.key < y.key ? -1 : 1));
  return { c: a.c * by, terms };
}

/** The least and greatest value the form can take. */
export function rangeOf(a: Index): readonly [low: number, high: number] {
  let low = a.c;
  let high = a.c;
  for (const t of a.terms) {
    low += t.k > 0 ? t.k * t.low : t.k * t.high;
    high += t.k > 0 ? t.k * t.high : t.k * t.low;
  }
  return [low, high];
}

/** The form as quotient and remainder by `d` when that can be read off it: the rest provably lies in 0..d-1. */
export function split(a: Index, d: number): { readonly quotient: Index; readonly rest: Index } | undefined {
  if (d === 1) return { quotient: a, rest: fixed(0) };
  const c = Math.floor(a.c / d) * d;
  const rest: Index = { c: a.c - c, terms: a.terms.filter((t) => t.k % d !== 0) };
  const [low, high] = rangeOf(rest);
  if (!(low >= 0 && high < d)) return undefined;
  return { quotient: { c: c / d, terms: a.terms.filter((t) => t.k % d === 0).map((t) => ({ ...t, k: t.k / d })) }, rest };
}

/** The form as an i32 scalar. */
export function toScalar(a: Index): Scalar {
  let sum: Scalar | undefined;
  for (const t of a.terms) {
    if (sum && t.k === -1) {
      sum = op("sub", "i32", [sum, t.atom]);
      continue;
    }
    const part = t.k === 1 ? t.atom : t.k === -1 ? op("neg", "i32", [t.atom]) : op("mul", "i32", [t.atom, constant(t.k, "i32")]);
    sum = sum ? op("add", "i32", [sum, part]) : part;
  }
  if (!sum) return constant(a.c, "i32");
  if (a.c === 0) return sum;
  return a.c > 0 ? op("add", "i32", [sum, constant(a.c, "i32")]) : op("sub", "i32", [sum, constant(-a.c, "i32")]);
}

/** The form as text: equal texts, equal positions. */
export function keyOfIndex(a: Index): string {
  return `${a.terms.map((t) => `${t.k}*${t.key}`).join("+")}+${a.c}`;
}

/** A scalar as text: equal texts, equal values within one nest. */
export function keyOf(s: Scalar): string {
  switch (s.kind) {
    case "constant":
      return `${Object.is(s.value, -0) ? "-0" : s.value}${s.dtype}`;
    case "ref":
      return `v${s.id}`;
    case "param":
      return `p${s.slot}`;
    case "op":
      return `${s.op}:${s.dtype}(${s.args.map(keyOf).join(",")})`;
    case "call":
      return `${s.fn.name}(${s.args.map(keyOf).join(",")})`;
  }
}
