/**
 * What is known of one entry of the library, independently of how it is written: a call, what it is given, and its value by a
 * formula in TypeScript. From a record the kit tests value and gradient and keeps the gradient as text.
 *
 *     { name: "huber", call: "huber(p, y, δ = 2)", inputs: { "p: f32[N, 2]": [[0.5, -3]], "y: f32[N, 2]": [[0, 1]] },
 *       value: (g) => mean(zip(g.flat("p"), g.flat("y"), (p, y) => …)),
 *       points: [{ what: "where the pieces meet", at: { p: [[2, 0]], y: [[0, 0]] }, gradient: { p: [1, 0] } }] }
 */

/** Numbers in rows of rows. */
export type Nested = number | readonly Nested[];

/** What a formula reads: everything given, by name. */
export interface Given {
  /** All numbers of an input, or of a parameter or state by its path below the model: `v.W`. */
  readonly flat: (name: string) => readonly number[];
  /** The same along its last axis, row by row. */
  readonly rows: (name: string) => readonly (readonly number[])[];
  readonly shape: (name: string) => readonly number[];
  /** Whether the entry is made for training. */
  readonly training: boolean;
  /** The numbers of the k-th draw, or of one by the end of its path, as if it were `uniform(0, 1)`: `bernoulli(p)` is 1 where it is below p. */
  readonly uniform: (draw: number | string) => readonly number[];
  /** The numbers of the k-th draw, as if it were `normal(0, 1)` (Box, Muller 1958). */
  readonly normal: (draw: number | string) => readonly number[];
}

/** What a call gives, by hand: numbers, or numbers by result. */
export type ByHand = Nested | { readonly [result: string]: Nested };

/** A point where value or gradient are stated exactly: a kink, the far side of a convention, a large number. */
export interface Point {
  readonly what: string;
  /** Replaces what the record gives; other batches are allowed. */
  readonly at: Readonly<Record<string, Nested>>;
  /** Of the sum of all results by an input or parameter, in row-major order. */
  readonly gradient?: Readonly<Record<string, Nested>>;
  /** In place of the record's formula. */
  readonly value?: ByHand;
}

export interface ShelfRecord {
  /** The entry's name in the library; several records may be of one. */
  readonly name: string;
  /** As a program has it: `huber(p, y, δ = 1)`. */
  readonly call: string;
  /** By declaration: `x: f32[N, 2]`, `y: i32[N] in 0..3`. Gradients are taken by what is f32. Away from kinks. */
  readonly inputs: Readonly<Record<string, Nested>>;
  /** Parameters and state by path below the model, where the call owns some; `v` is what the call is bound to: `v.W`. */
  readonly stored?: Readonly<Record<string, Nested>>;
  /** Lines of the model before the call. */
  readonly before?: string;
  /** Names for what a call gives; `v`, if it gives one thing. */
  readonly results?: readonly string[];
  /** The value by hand. */
  readonly value: (given: Given) => ByHand;
  /** What is stored after a step of training, by hand, by path below the model. */
  readonly updates?: (given: Given) => Readonly<Record<string, Nested>>;
  /** As in a step of training; elsewhere as in an evaluation. */
  readonly training?: boolean;
  /** What has no derivative: it is tested to be zero and has no golden. Names of inputs, or all. */
  readonly still?: true | readonly string[];
  /** How near value and formula are, relative to what is at least 1; for series and polynomials that state an error. */
  readonly within?: number;
  readonly points?: readonly Point[];
}

/** A record of a function of each number: `each("relu", "relu(x)", (x) => Math.max(x, 0))`; the numbers avoid common kinks. */
export function each(name: string, call: string, of: (x: number) => number, more: Partial<ShelfRecord> = {}): ShelfRecord {
  const inputs = more.inputs ?? { "x: f32[N, 4]": [[-3.25, -1.5, -0.4, -0.05], [0.1, 0.75, 2.25, 7]] };
  return { name, call, value: (g) => g.flat("x").map(of), ...more, inputs };
}

/** A point of a function of one number: what it is at x, and its slope there. */
export function at(what: string, x: number, value: number, slope?: number): Point {
  return { what, at: { x: [[x, x, x, x]] }, value: [value, value, value, value], ...(slope !== undefined && { gradient: { x: [slope, slope, slope, slope] } }) };
}

export const sum = (x: readonly number[]): number => x.reduce((s, v) => s + v, 0);
export const mean = (x: readonly number[]): number => sum(x) / x.length;
export const zip = <A, B, C>(a: readonly A[], b: readonly B[], of: (a: A, b: B, k: number) => C): C[] => a.map((v, k) => of(v, b[k] as B, k));
/** `sum` of a function of each position. */
export const sumOf = (count: number, of: (k: number) => number): number => sum(Array.from({ length: count }, (_, k) => of(k)));
export const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

/** The numbers in row-major order. */
export function flatten(x: Nested): number[] {
  return typeof x === "number" ? [x] : x.flatMap(flatten);
}

/** The sizes of an array of rows, which have one length. */
export function shapeOf(x: Nested): number[] {
  return typeof x === "number" ? [] : [x.length, ...shapeOf(x[0] ?? [])];
}
