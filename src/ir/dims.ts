/**
 * Sizes. A dimension is a whole number or, where data feeds it, a polynomial in size symbols with integer
 * coefficients, kept in one normal form so that equal sizes are equal texts.
 *
 *     add(sym("H"), sub(1, sym("h")))    // H - h + 1
 *     evaluate(mul(2, sym("N")), { N: 7 })   // 14
 *
 * In checking any name may occur; in a graph only the symbols of data do (almost always the batch, `N`).
 */

/** A sum of terms: each an integer coefficient times a sorted product of symbols (with repetition). */
export interface Poly {
  readonly terms: readonly Term[];
}

/** One monomial. */
export interface Term {
  readonly coefficient: number;
  /** Sorted; empty for the constant term. */
  readonly symbols: readonly string[];
}

/** A size: known now, or known when data comes. */
export type Dim = number | Poly;

const keyOf = (symbols: readonly string[]): string => symbols.join("\u00b7");

function termsOf(d: Dim): readonly Term[] {
  if (typeof d !== "number") return d.terms;
  return d === 0 ? [] : [{ coefficient: d, symbols: [] }];
}

/** Collects equal monomials, drops zeros, sorts (higher degree first, constant last); a constant becomes a number. */
function normal(terms: readonly Term[]): Dim {
  const byKey = new Map<string, Term>();
  for (const t of terms) {
    const key = keyOf(t.symbols);
    byKey.set(key, { coefficient: (byKey.get(key)?.coefficient ?? 0) + t.coefficient, symbols: t.symbols });
  }
  const kept = [...byKey.values()].filter((t) => t.coefficient !== 0);
  if (kept.length === 0) return 0;
  const [only] = kept;
  if (kept.length === 1 && only && only.symbols.length === 0) return only.coefficient;
  kept.sort((a, b) => b.symbols.length - a.symbols.length || (keyOf(a.symbols) < keyOf(b.symbols) ? -1 : 1));
  return { terms: kept };
}

/** The size named by a symbol. */
export function sym(name: string): Dim {
  return { terms: [{ coefficient: 1, symbols: [name] }] };
}

/** a + b. */
export function add(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  return normal([...termsOf(a), ...termsOf(b)]);
}

/** a times a whole number. */
export function scale(a: Dim, by: number): Dim {
  if (typeof a === "number") return a * by;
  if (by === 1) return a;
  // The order of terms is that of their symbols.
  return by === 0 ? 0 : { terms: a.terms.map((t) => ({ coefficient: t.coefficient * by, symbols: t.symbols })) };
}

/** a - b. */
export function sub(a: Dim, b: Dim): Dim {
  return add(a, scale(b, -1));
}

/** a · b. */
export function mul(a: Dim, b: Dim): Dim {
  if (typeof a === "number") return scale(b, a);
  if (typeof b === "number") return scale(a, b);
  const out: Term[] = [];
  for (const x of termsOf(a))
    for (const y of termsOf(b))
      out.push({ coefficient: x.coefficient * y.coefficient, symbols: [...x.symbols, ...y.symbols].sort() });
  return normal(out);
}

/** `a / b` when the division is exact in the polynomials (b a number or a single term), else undefined. */
export function divideExactly(a: Dim, b: Dim): Dim | undefined {
  const [divisor, ...more] = termsOf(b);
  if (!divisor || more.length > 0) return equal(a, b) && b !== 0 ? 1 : undefined;
  const out: Term[] = [];
  for (const t of termsOf(a)) {
    if (t.coefficient % divisor.coefficient !== 0) return undefined;
    const rest = [...t.symbols];
    for (const s of divisor.symbols) {
      const at = rest.indexOf(s);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    out.push({ coefficient: t.coefficient / divisor.coefficient, symbols: rest });
  }
  return normal(out);
}

/** True when the normal forms are the same; two different names are different sizes. */
export function equal(a: Dim, b: Dim): boolean {
  if (a === b) return true;
  if (typeof a === "number" || typeof b === "number" || a.terms.length !== b.terms.length) return false;
  for (let i = 0; i < a.terms.length; i++) if (!sameTerm(a.terms[i] as Term, b.terms[i] as Term)) return false;
  return true;
}

function sameTerm(a: Term, b: Term): boolean {
  if (a.coefficient !== b.coefficient || a.symbols.length !== b.symbols.length) return false;
  for (let i = 0; i < a.symbols.length; i++) if (a.symbols[i] !== b.symbols[i]) return false;
  return true;
}

/** The product of all; 1 for none. */
export function product(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(mul, 1);
}

/** True when the size is known now. */
export function isStatic(d: Dim): d is number {
  return typeof d === "number";
}

/** The symbols that occur, sorted. */
export function symbolsOf(d: Dim): string[] {
  return [...new Set(termsOf(d).flatMap((t) => t.symbols))].sort();
}

/** Sizes for symbols. A missing symbol is the caller's error. */
export type Bindings = Readonly<Record<string, number>>;

/** The number a dimension is under the bindings; throws a RangeError on an unbound symbol. */
export function evaluate(d: Dim, bindings: Bindings): number {
  if (typeof d === "number") return d;
  let total = 0;
  for (const t of d.terms) {
    let value = t.coefficient;
    for (const s of t.symbols) {
      const size = bindings[s];
      if (size === undefined) throw new RangeError(`size ${s} is not bound`);
      value *= size;
    }
    total += value;
  }
  return total;
}

/** Replaces symbols by dimensions; those without an entry stay. */
export function substitute(d: Dim, by: (symbol: string) => Dim | undefined): Dim {
  if (typeof d === "number") return d;
  let total: Dim = 0;
  for (const t of d.terms) total = add(total, t.symbols.reduce<Dim>((p, s) => mul(p, by(s) ?? sym(s)), t.coefficient));
  return total;
}

/** The normal form as text: `2*N*T + H - h + 1`. */
export function print(d: Dim): string {
  if (typeof d === "number") return String(d);
  let text = "";
  for (const { coefficient, symbols } of d.terms) {
    const size = Math.abs(coefficient);
    const factor = symbols.length === 0 ? String(size) : [...(size === 1 ? [] : [String(size)]), ...symbols].join("*");
    if (text === "") text = coefficient < 0 ? `-${factor}` : factor;
    else text += coefficient < 0 ? ` - ${factor}` : ` + ${factor}`;
  }
  return text;
}
