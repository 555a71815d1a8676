/**
 * Attributes from text: the inverse of attributes.ts. In: a cursor standing after the op's name. Out: the attributes; the
 * cursor then stands before the operands.
 *
 *     readAttributes("reduce", new Cursor("sum [1] (%0)"))      // { kind: "sum", axes: [1] }
 */
import type { AccessMap, Affine, Coordinate, Guard } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Body, OpAttrs, OpName } from "../ir/node.ts";
import type { DType, TensorType } from "../ir/types.ts";
import { tensor } from "../ir/types.ts";
import type { Cursor } from "./cursor.ts";

/** A loop's body stands after its line, so it is filled in by the reader of the graph. */
export type ReadAttrs<K extends OpName> = K extends "loop" ? Omit<OpAttrs["loop"], "body"> & { readonly body?: Body } : OpAttrs[K];

type Readers = { readonly [K in OpName]: (c: Cursor) => ReadAttrs<K> };

const none = (): Record<never, never> => ({});

const readers: Readers = {
  const: (c) => {
    const data = c.peek("[") ? numbers(c) : c.number();
    c.expect("as");
    return { data, type: readType(c) };
  },
  leaf: (c) => {
    const kind = c.oneOf("input", "param", "state", "hyper", "step", "carry", "slice", "capture", "iteration", "rule");
    const path = c.string();
    c.expect("as");
    return { kind, path, type: readType(c) };
  },
  size: (c) => ({ dim: braced(c, readDim) }),
  iota: (c) => ({ extent: braced(c, readDim) }),
  random: (c) => {
    const shape = readShape(c);
    const path = c.string();
    return { shape, path, hash: c.number(), word: c.number() === 0 ? 0 : 1 };
  },
  neg: none, exp: none, log: none, log1p: none, expm1: none, sqrt: none, sin: none, cos: none, tanh: none, sigmoid: none, erf: none,
  floor: none, not: none, finite: none, add: none, mul: none, div: none, max: none,
  pow: (c) => ({ exponent: c.number() }),
  floordiv: none, mod: none,
  compare: (c) => ({ relation: c.oneOf("==", "!=", "<=", ">=", "<", ">") }),
  logic: (c) => ({ kind: c.oneOf("and", "or") }),
  select: none,
  cast: (c) => ({ to: readDType(c) }),
  stop: none,
  mark: (c) => ({ id: c.string() }),
  reduce: (c) => ({ kind: c.oneOf("sum", "prod", "max", "any", "all"), axes: numbers(c) }),
  argmax: (c) => ({ axis: c.number() }),
  cumsum: (c) => ({ axis: c.number(), reverse: c.oneOf("reverse", "forward") === "reverse", exclusive: c.oneOf("exclusive", "inclusive") === "exclusive" }),
  argsort: (c) => ({ axis: c.number(), descending: c.oneOf("descending", "ascending") === "descending" }),
  cholesky: none,
  triangular_solve: (c) => ({ lower: c.oneOf("lower", "upper") === "lower" }),
  contract: (c) => {
    const [a, b] = [numbers(c), numbers(c)];
    c.expect("->");
    return { a, b, out: numbers(c) };
  },
  view: (c) => ({ map: braced(c, readMap) }),
  reshape: (c) => ({ shape: readShape(c) }),
  concat: (c) => ({ axis: c.number() }),
  gather: (c) => ({ batch: c.number() }),
  scatter_sum: (c) => ({ batch: c.number(), size: c.number() }),
  loop: (c) => ({ trip: c.number(), carries: c.number(), slices: c.number(), reverse: c.oneOf("reverse", "forward") === "reverse" }),
  pick: (c) => ({ index: c.number() }),
  derive: (c) => ({ kind: c.oneOf("grad", "jvp", "hvp") }),
  custom: (c) => ({ name: c.string(), rules: c.number() }),
};

/** Reads the attributes of an op. */
export function readAttributes<K extends OpName>(op: K, c: Cursor): ReadAttrs<K> {
  return (readers[op] as (c: Cursor) => ReadAttrs<K>)(c);
}

/** True for the name of a primitive. */
export function isOpName(name: string): name is OpName {
  return Object.hasOwn(readers, name);
}

/** `f32[N, 2]`. */
export function readType(c: Cursor): TensorType {
  const dtype = readDType(c);
  return tensor(dtype, c.peek("[") ? readShape(c) : []);
}

function readDType(c: Cursor): DType {
  return c.oneOf("f32", "i32", "u32", "bool");
}

function braced<T>(c: Cursor, read: (c: Cursor) => T): T {
  c.expect("{");
  const value = read(c);
  c.expect("}");
  return value;
}

function numbers(c: Cursor): number[] {
  return c.list("[", "]", () => c.number());
}

function readShape(c: Cursor): Dim[] {
  return c.list("[", "]", () => readDim(c));
}

/** A sum of products of numbers, size symbols and (where `rank` is given) output indices. */
function readSum(c: Cursor, rank: number): Affine {
  let constant: Dim = 0;
  const k = new Array<number>(rank).fill(0);
  let sign = c.take("-") ? -1 : 1;
  for (;;) {
    let term: Dim = sign;
    let axis: number | undefined;
    do {
      const factor = c.factor();
      const index = typeof factor === "string" && rank > 0 ? /^i(\d+)$/.exec(factor) : null;
      if (index && Number(index[1]) < rank) axis = Number(index[1]);
      else term = dims.mul(term, typeof factor === "number" ? factor : dims.sym(factor));
    } while (c.take("*"));
    if (axis === undefined) constant = dims.add(constant, term);
    else k[axis] = (k[axis] ?? 0) + (typeof term === "number" ? term : c.fail("an index times a whole number"));
    if (c.take("+")) sign = 1;
    else if (c.take("-")) sign = -1;
    else return { c: constant, k };
  }
}

function readDim(c: Cursor): Dim {
  return readSum(c, 0).c;
}

function readMap(c: Cursor): AccessMap {
  const shape = readShape(c);
  const rank = shape.length;
  c.expect("<-");
  const index = c.list("[", "]", (): Coordinate => {
    if (!c.take("(")) return { numerator: readSum(c, rank), divisor: 1 };
    const numerator = readSum(c, rank);
    c.expect(")");
    c.expect("/");
    return { numerator, divisor: c.number() };
  });
  if (!c.take("where")) return { shape, index, guards: [] };
  const guards: Guard[] = [];
  do {
    const divisor = c.divisorBefore("|");
    if (divisor !== undefined) guards.push({ kind: "divisible", value: readSum(c, rank), by: divisor });
    else {
      guards.push({ kind: "nonnegative", value: readSum(c, rank) });
      c.expect(">=");
      c.expect("0");
    }
  } while (c.take(","));
  return { shape, index, guards };
}
