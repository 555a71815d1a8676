/**
 * Positions from shapes and access maps: addresses over capacities, row-major offsets over live sizes, coordinates
 * and guards of views, quotients and remainders. All values go through the nest's builder, so they are shared.
 */
import type { AccessMap, Affine, Guard } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { constant, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import { addIndex, atom, fixed, keyOf, keyOfIndex, rangeOf, scaleIndex, split, toScalar } from "./index-form.ts";
import type { Index } from "./index-form.ts";
import type { NestBuilder } from "./nest-builder.ts";

/** An axis whose elements lie further from each other than its shape says; those before it have one element. */
export interface Apart {
  readonly axis: number;
  readonly stride: number;
}

/** The element's place in memory: strides come from the shape at capacity, but for an axis that is `apart`. */
export function address(b: NestBuilder, shape: readonly Dim[], index: readonly Index[], apart?: Apart): Index {
  let stride = 1;
  let sum = fixed(0);
  for (let a = shape.length - 1; a >= 0; a--) {
    sum = addIndex(sum, scaleIndex(index[a] ?? fixed(0), apart?.axis === a ? apart.stride : stride));
    stride *= b.atCapacity(shape[a] ?? 1);
  }
  return rejoined(b, sum);
}

/** (x / d)·d k + (x mod d)·k is x·k: a position that was taken apart along one shape and put together along another. */
function rejoined(b: NestBuilder, sum: Index): Index {
  for (const rest of sum.terms) {
    const part = b.parts.get(rest.key);
    if (part?.which !== "remainder") continue;
    const whole = sum.terms.find((t) => {
      const other = b.parts.get(t.key);
      return other?.which === "quotient" && other.by === part.by && t.k === rest.k * part.by && keyOfIndex(other.of) === keyOfIndex(part.of);
    });
    if (whole) return rejoined(b, addIndex({ c: sum.c, terms: sum.terms.filter((t) => t !== rest && t !== whole) }, scaleIndex(part.of, rest.k)));
  }
  return sum;
}

/** True when row-major positions are the same over live sizes and over capacities: only the first axis varies. */
export function isDense(shape: readonly Dim[]): boolean {
  return shape.slice(1).every(dims.isStatic);
}

/** The element's row-major number over live sizes. */
export function flatten(b: NestBuilder, shape: readonly Dim[], index: readonly Index[]): Index {
  let stride: Dim = 1;
  let sum = fixed(0);
  for (let a = shape.length - 1; a >= 0; a--) {
    sum = addIndex(sum, times(b, index[a] ?? fixed(0), stride));
    stride = dims.mul(stride, shape[a] ?? 1);
  }
  return sum;
}

/** The coordinates of a row-major number over live sizes. */
export function unflatten(b: NestBuilder, shape: readonly Dim[], flat: Index): readonly Index[] {
  const index: Index[] = [];
  let rest = flat;
  for (let a = shape.length - 1; a >= 0; a--) {
    const extent = shape[a] ?? 1;
    if (extent === 1) index[a] = fixed(0);
    else if (dims.equal(dims.product(shape.slice(0, a)), 1)) index[a] = rest;
    else {
      const { quotient, remainder } = divide(b, rest, extent);
      index[a] = remainder;
      rest = quotient;
    }
  }
  return index;
}

/** Whole multiples of `by` leave a quotient as they are: (14 i + j) / 7 = 2 i + j / 7, for any i and any j from 0 on. */
function divide(b: NestBuilder, value: Index, by: Dim): { readonly quotient: Index; readonly remainder: Index } {
  const exact = typeof by === "number" ? split(value, by) : undefined;
  if (exact) return { quotient: exact.quotient, remainder: exact.rest };
  const [whole, rest] = typeof by === "number" ? multiples(value, by) : [fixed(0), value];
  const [low, high] = rangeOf(rest);
  const most = b.atCapacity(by);
  const x = b.bind(toScalar(rest));
  const d = toScalar(b.size(by));
  const least = typeof by === "number" ? by : 1;
  const [quotient, remainder] = [b.bind(op("div", "i32", [x, d])), b.bind(op("mod", "i32", [x, d]))];
  if (typeof by === "number") {
    b.parts.set(keyOf(quotient), { of: rest, by, which: "quotient" });
    b.parts.set(keyOf(remainder), { of: rest, by, which: "remainder" });
  }
  return {
    quotient: addIndex(whole, atom(quotient, low >= 0 ? 0 : -Infinity, low >= 0 ? Math.floor(high / least) : Infinity)),
    remainder: atom(remainder, 0, most - 1),
  };
}

/** The multiples of `by` in a form, divided by it, and the rest; none where the rest could be negative, whose quotient rounds to 0. */
function multiples(value: Index, by: number): readonly [Index, Index] {
  const c = Math.floor(value.c / by);
  const rest = { c: value.c - c * by, terms: value.terms.filter((t) => t.k % by !== 0) };
  if (rangeOf(rest)[0] < 0) return [fixed(0), value];
  return [{ c, terms: value.terms.filter((t) => t.k % by === 0).map((t) => ({ ...t, k: t.k / by })) }, rest];
}

function times(b: NestBuilder, value: Index, by: Dim): Index {
  if (typeof by === "number") return scaleIndex(value, by);
  if (value.terms.length === 0) return scaleIndex(b.size(by), value.c);
  return atom(b.bind(op("mul", "i32", [b.bind(toScalar(value)), b.bind(toScalar(b.size(by)))])));
}

function affine(b: NestBuilder, form: Affine, index: readonly Index[]): Index {
  return form.k.reduce((sum, k, a) => (k === 0 ? sum : addIndex(sum, scaleIndex(index[a] ?? fixed(0), k))), b.size(form.c));
}

/** Where the element of a view lies in the tensor looked at; meaningful where the guards hold. */
export function coordinates(b: NestBuilder, map: AccessMap, index: readonly Index[]): readonly Index[] {
  return map.index.map((c) => {
    const numerator = affine(b, c.numerator, index);
    if (c.divisor === 1) return numerator;
    const exact = split(numerator, c.divisor);
    if (exact) return exact.quotient;
    return atom(b.bind(op("div", "i32", [b.bind(toScalar(numerator)), constant(c.divisor, "i32")])));
  });
}

/** The conjunction of a view's guards; undefined when none can fail. */
export function guardOf(b: NestBuilder, guards: readonly Guard[], index: readonly Index[]): Scalar | undefined {
  return guards.reduce<Scalar | undefined>((all, g) => {
    const value = affine(b, g.value, index);
    return both(b, all, g.kind === "nonnegative" ? atLeast(b, value, 0) : divisible(b, value, g.by));
  }, undefined);
}

/** value >= least; undefined when it always is. */
export function atLeast(b: NestBuilder, value: Index, least: number): Scalar | undefined {
  const [low, high] = rangeOf(value);
  if (low >= least) return undefined;
  if (high < least) return constant(0, "bool");
  return b.bind(op(">=", "bool", [b.bind(toScalar(value)), constant(least, "i32")]));
}

function divisible(b: NestBuilder, value: Index, by: number): Scalar | undefined {
  const parts = split(value, by);
  if (parts && parts.rest.terms.length === 0) return parts.rest.c === 0 ? undefined : constant(0, "bool");
  return b.bind(op("==", "bool", [op("mod", "i32", [b.bind(toScalar(value)), constant(by, "i32")]), constant(0, "i32")]));
}

/** The conjunction of two conditions, where undefined means always. */
export function both(b: NestBuilder, x: Scalar | undefined, y: Scalar | undefined): Scalar | undefined {
  if (!x) return y;
  if (!y) return x;
  return b.bind(op("and", "bool", [x, y]));
}
