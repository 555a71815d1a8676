/**
 * Sizes at run time: polynomials of the live sizes.
 *
 *     sizeOf({ terms: [{ coefficient: 64, symbols: ["N"] }] }, { N: 7 })   // 448
 */
import type { Size } from "./program.ts";

/** What each size symbol is in this run. */
export type Live = Readonly<Record<string, number>>;

/** The number a size is; throws a RangeError when a symbol has no value. */
export function sizeOf(size: Size, live: Live): number {
  if (typeof size === "number") return size;
  let total = 0;
  for (const term of size.terms) {
    let value = term.coefficient;
    for (const symbol of term.symbols) {
      const known = live[symbol];
      if (known === undefined) throw new RangeError(`the size ${symbol} is not given`);
      value *= known;
    }
    total += value;
  }
  return total;
}

/** The number of elements of a shape. */
export function elementsOf(shape: readonly Size[], live: Live): number {
  return shape.reduce<number>((n, size) => n * sizeOf(size, live), 1);
}
