/**
 * Steps that compute element by element, fold, multiply and choose. Values stay finite and moderate: exponents are
 * bounded, divisors and logarithms are kept above one.
 */
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Node, Relation } from "../../src/ir/node.ts";
import type { Builder } from "../../src/graph/builder.ts";
import { axesOf, dimAt, N, type Pool, rank } from "./pool.ts";
import type { Step } from "./recipe.ts";

/** Makes one value over `x`, or nothing where it does not fit. */
export type Maker = (pool: Pool, x: Node, step: Step) => Node | undefined;

const relations: readonly Relation[] = ["<", "<=", ">", ">=", "==", "!="];
const tanh = (e: Builder, x: Node): Node => e.make("tanh", {}, [x]);
const overOne = (e: Builder, x: Node): Node => e.add(e.mul(x, x), e.like(x, 1));
const scaled = (e: Builder, x: Node, by: number): Node => e.mul(x, e.like(x, by));
const other = (pool: Pool, x: Node, k: number): Node => pool.fit(pool.pick(k) ?? x, x);

/** True where there is no axis to fold, or one without elements: nothing is the largest of nothing. */
const nothing = (x: Node): boolean => rank(x) === 0 || x.type.shape.includes(0);

/** Some of the axes, at least one. */
function someAxes(x: Node, k: number): number[] {
  const axes = axesOf(x).filter((a) => (k >> a) & 1);
  return axes.length > 0 ? axes : [k % Math.max(1, rank(x))];
}

export const elementwise: readonly Maker[] = [
  ({ e }, x) => e.neg(x),
  ({ e }, x) => tanh(e, x),
  ({ e }, x) => e.sigmoid(x),
  ({ e }, x) => e.sin(x),
  ({ e }, x) => e.cos(x),
  ({ e }, x) => e.make("erf", {}, [x]),
  ({ e }, x) => e.exp(tanh(e, x)),
  ({ e }, x) => e.log(overOne(e, x)),
  ({ e }, x) => e.make("log1p", {}, [e.mul(x, x)]),
  ({ e }, x) => e.make("expm1", {}, [scaled(e, tanh(e, x), 0.5)]),
  ({ e }, x) => e.sqrt(overOne(e, x)),
  ({ e }, x, s) => e.add(x, e.like(x, (s.b % 5) - 2)),
  ({ e }, x, s) => scaled(e, x, ((s.b % 7) - 3) / 3),
  ({ e }, x, s) => e.div(x, e.like(x, (s.b % 4) + 1.5)),
  (p, x, s) => p.e.add(x, other(p, x, s.b)),
  (p, x, s) => p.e.sub(other(p, x, s.b), x),
  (p, x, s) => p.e.mul(tanh(p.e, x), other(p, x, s.b)),
  (p, x, s) => p.e.div(x, overOne(p.e, other(p, x, s.b))),
  (p, x, s) => p.e.max(x, p.e.add(other(p, x, s.b), p.e.like(x, 0.37))),
  ({ e }, x) => e.max(x, e.like(x, 0)),
  ({ e }, x) => e.sub(e.max(x, e.like(x, 0)), e.max(e.neg(x), e.like(x, 0.25))),
  ({ e }, x, s) => e.pow(overOne(e, e.sin(x)), [2, 3, 0.5, -1, 1.7, 0][s.b % 6] ?? 2),
  ({ e }, x, s) => e.pow(tanh(e, x), [2, 3, 4, 5][s.b % 4] ?? 2),
  (p, x, s) => p.e.select(p.condition(s.b, x), x, s.c % 2 === 0 ? p.e.like(x, s.c % 3) : other(p, x, s.c)),
  (p, x, s) => p.e.select(p.condition(s.b, x), p.e.log(overOne(p.e, x)), other(p, x, s.c)),
  ({ e }, x) => e.stop(x),
  ({ e }, x) => e.mul(x, e.sigmoid(x)),
  ({ e }, x) => e.log(e.add(e.exp(x), e.like(x, 1))),
  ({ e }, x) => e.make("floor", {}, [scaled(e, x, 1.3)]),
  ({ e }, x, s) => e.make("mod", {}, [x, e.like(x, [0.75, 1.5, -2.25][s.b % 3] ?? 1)]),
  (p, x) => p.e.mul(x, p.e.broadcast(rate(p.e), x.type.shape, [])),
  (p, x, s) => dropped(p, x, s),
  (p, x, s) => written(p, x, s.b),
];

/** Formulas that rewriting knows, as people write them. */
function written({ e }: Pool, x: Node, k: number): Node {
  const one = e.like(x, 1);
  const zero = e.like(x, 0);
  const magnitude = e.max(x, e.neg(x));
  const forms: readonly (() => Node)[] = [
    () => e.sub(e.exp(tanh(e, x)), one),
    () => e.add(e.max(x, zero), e.make("log1p", {}, [e.exp(e.neg(magnitude))])),
    () => e.exp(e.log(overOne(e, x))),
    () => e.log(e.exp(x)),
    () => e.div(one, e.add(one, e.exp(e.neg(x)))),
    () => e.sub(one, e.sigmoid(x)),
    () => e.log(e.sigmoid(e.neg(x))),
    () => e.max(x, x),
    () => e.div(x, one),
    () => e.div(overOne(e, x), overOne(e, x)),
    () => e.sub(x, e.mul(x, e.like(x, 3))),
    () => e.cos(e.neg(x)),
    () => e.select(e.not(e.not(e.compare(">", x, zero))), x, e.select(e.compare("<", x, zero), one, zero)),
    () => e.div(e.mul(x, one), e.sqrt(overOne(e, x))),
    () => e.mul(e.select(e.compare(">", x, zero), one, zero), e.select(e.compare(">", x, zero), x, zero)),
    () => e.cast(e.cast(e.compare("<=", x, one), "i32"), "f32"),
    () => e.add(e.mul(x, e.sigmoid(x)), e.mul(x, e.sub(one, e.sigmoid(x)))),
  ];
  return forms[k % forms.length]?.() ?? x;
}

/** A number the host computes from the step and the size of the batch. */
export function rate(e: Builder): Node {
  const hyper = e.leaf({ kind: "hyper", path: "lr", type: { dtype: "f32", shape: [] } });
  const step = e.leaf({ kind: "step", path: "t", type: { dtype: "f32", shape: [] } });
  return e.div(hyper, e.sub(e.scalar(1.5), e.pow(e.add(step, e.cast(e.size(N), "f32")), -1)));
}

function dropped({ e }: Pool, x: Node, s: Step): Node {
  const u = e.cast(e.make("random", { shape: x.type.shape, path: "drop", hash: s.b, word: s.c % 2 === 0 ? 0 : 1 }, []), "f32");
  return e.select(e.compare("<", u, e.like(u, 3e9)), scaled(e, x, 1.25), e.like(x, 0));
}

/** Numbers whose product stays one that can be told from 0: 1 + sin(x) / 8. */
function nearOne(e: Pool["e"], x: Node): Node {
  return e.add(e.like(x, 1), e.mul(e.sin(x), e.like(x, 1 / 8)));
}

/** The gradient of a product goes through all of its factors for each of them. */
function affordsProduct(pool: Pool, x: Node, s: Step): boolean {
  return rank(x) > 0 && pool.affords([...x.type.shape, ...someAxes(x, s.b).map((axis) => dimAt(x, axis))]);
}

export const folds: readonly Maker[] = [
  ({ e }, x, s) => (rank(x) === 0 ? undefined : e.reduce("sum", x, someAxes(x, s.b))),
  ({ e }, x, s) => (nothing(x) ? undefined : e.reduce("sum", x, [s.b % rank(x)])),
  (p, x, s) => (rank(x) === 0 ? undefined : p.e.reduce("sum", x, someAxes(x, s.b), p.condition(s.c, x))),
  ({ e }, x, s) => (nothing(x) ? undefined : e.reduce("max", x, someAxes(x, s.b))),
  (p, x, s) => (nothing(x) ? undefined : p.e.reduce("max", p.e.select(p.condition(s.c, x), x, p.e.like(x, -3)), someAxes(x, s.b))),
  (p, x, s) => (nothing(x) ? undefined : mean(p, x, someAxes(x, s.b))),
  (p, x, s) => (affordsProduct(p, x, s) ? p.e.reduce("prod", nearOne(p.e, x), someAxes(x, s.b)) : undefined),
  (p, x, s) => (affordsProduct(p, x, s) ? p.e.reduce("prod", nearOne(p.e, x), someAxes(x, s.b), p.condition(s.c, x)) : undefined),
  ({ e }, x) => e.reduce("sum", x, axesOf(x)),
  (p, x, s) => (nothing(x) ? undefined : softmax(p.e, x, s.b % rank(x))),
  ({ e }, x, s) => (rank(x) === 0 ? undefined : e.div(e.exp(x), back(e, e.reduce("sum", e.exp(x), [s.b % rank(x)]), x, s.b % rank(x)))),
  (p, x, s) => (nothing(x) ? undefined : p.e.log(softmax(p.e, x, s.b % rank(x)))),
  ({ e }, x, s) => (nothing(x) ? undefined : e.log(e.reduce("sum", e.exp(x), [s.b % rank(x)]))),
  (p, x, s) => (nothing(x) ? undefined : normed(p, x, s.b % rank(x))),
  (p, x, s) => (nothing(x) ? undefined : running(p, x, s.b % rank(x), s.c)),
];

/** The sum divided by how many there are, the batch by its live size. */
function mean({ e }: Pool, x: Node, axes: readonly number[]): Node {
  const count = dims.product(axes.map((a) => dimAt(x, a)));
  const sum = e.reduce("sum", x, axes);
  return typeof count === "number" ? scaled(e, sum, 1 / count) : e.div(sum, e.broadcast(e.cast(e.size(count), "f32"), sum.type.shape, []));
}

function back(e: Builder, y: Node, x: Node, axis: number): Node {
  return e.broadcast(y, x.type.shape, axesOf(x).filter((a) => a !== axis));
}

function softmax(e: Builder, x: Node, axis: number): Node {
  const y = e.exp(e.sub(x, back(e, e.stop(e.reduce("max", x, [axis])), x, axis)));
  return e.div(y, back(e, e.reduce("sum", y, [axis]), x, axis));
}

function normed(pool: Pool, x: Node, axis: number): Node {
  const { e } = pool;
  const d = e.sub(x, back(e, mean(pool, x, [axis]), x, axis));
  const v = mean(pool, e.mul(d, d), [axis]);
  return e.div(d, back(e, e.sqrt(e.add(v, e.like(v, 0.5))), x, axis));
}

/** Running sums along an axis, forwards or backwards, with or without the element itself. */
function running({ e }: Pool, x: Node, axis: number, c: number): Node | undefined {
  const extent = dimAt(x, axis);
  const shape = [...x.type.shape, extent];
  if (rank(x) > 3 || typeof extent !== "number" || extent > 17) return undefined;
  const last = rank(x);
  const of = e.broadcast(e.iota(extent), shape, [axis]);
  const from = e.broadcast(e.iota(extent), shape, [last]);
  const order = c % 2 === 0 ? e.compare("<=", from, of) : e.compare(">", from, of);
  const spread = e.broadcast(x, shape, axesOf(x).map((a) => (a === axis ? last : a)));
  return e.reduce("sum", e.select(order, spread, e.like(spread, 0)), [last]);
}

export const products: readonly Maker[] = [
  (p, x, s) => product(p, x, p.pick(s.b) ?? x, s.c),
  (p, x, s) => product(p, x, p.pick(s.b) ?? x, s.c),
  (p, x, s) => formula(p, x, p.pick(s.b) ?? x),
  dense,
  dense,
  dense,
];

/** A layer: the last axis times a matrix of its own, as it is or transposed; every axis before it is batch. */
function dense(pool: Pool, x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const last = rank(x) - 1;
  const from = dimAt(x, last);
  const to = [3, 8, 16, 17, 64, 65][s.c % 6] ?? 3;
  if (last < 0 || typeof from !== "number" || from === 0) return undefined;
  const turned = s.b % 2 === 1;
  const shape = turned ? [to, from] : [from, to];
  const rows = x.type.shape.slice(0, last);
  if (!pool.holds([...rows, to]) || !pool.holds(shape) || !pool.affords([...rows, from, to])) return undefined;
  const w = e.leaf({ kind: "input", path: `w${shape.join("x")}`, type: { dtype: "f32", shape } });
  const made = e.contract(x, w, axesOf(x), turned ? [10, last] : [last, 10], [...axesOf(x).slice(0, last), 10]);
  return scaled(e, made, 1 / Math.sqrt(from));
}

/** A contraction: axes of equal size are batch, summed or kept apart as `c` says; labels of the result in any order. */
function product(pool: Pool, x: Node, y: Node, c: number): Node | undefined {
  const a = axesOf(x);
  let taken = 0;
  const summed: number[] = [];
  const b = axesOf(y).map((axis) => {
    const at = a.find((l) => !((taken >> l) & 1) && dims.equal(dimAt(x, l), dimAt(y, axis)));
    const use = at === undefined ? 0 : (c >> (2 * axis)) % 4;
    if (at === undefined || use === 0) return 10 + axis;
    taken |= 1 << at;
    if (use !== 1) summed.push(at);
    return at;
  });
  const labels = [...a, ...b.filter((l) => l >= 10)].filter((l) => !summed.includes(l));
  const turn = (c >> 8) % Math.max(1, labels.length);
  const out = [...labels.slice(turn), ...labels.slice(0, turn)];
  const dimOf = (l: number): Dim => (l >= 10 ? dimAt(y, l - 10) : dimAt(x, l));
  if (!pool.holds(out.map(dimOf)) || !pool.affords([...a, ...b.filter((l) => l >= 10)].map(dimOf))) return undefined;
  const made = pool.e.contract(x, y, a, b, out);
  const terms = pool.volume(summed.map(dimOf));
  return terms > 8 ? scaled(pool.e, made, 1 / Math.sqrt(terms)) : made;
}

/** A product as index notation elaborates it: a sum of a product of broadcasts. */
function formula(pool: Pool, x: Node, y: Node): Node | undefined {
  const last = rank(x) - 1;
  if (last < 0 || rank(y) === 0 || !dims.equal(dimAt(y, 0), dimAt(x, last))) return undefined;
  const shape = [...x.type.shape, ...y.type.shape.slice(1)];
  if (!pool.holds(shape)) return undefined;
  const { e } = pool;
  return e.reduce("sum", e.mul(e.broadcast(y, shape, axesOf(y).map((a) => a + last)), e.broadcast(x, shape, axesOf(x))), [last]);
}

export const integers: readonly Maker[] = [
  ({ e }, x) => e.cast(scaled(e, x, 3.3), "i32"),
  ({ e }, x, s) => (rank(x) === 0 || x.type.shape.includes(0) ? undefined : e.argmax(x, s.b % rank(x))),
  (p, x, s) => p.e.compare(relations[s.b % 6] ?? "<", x, other(p, x, s.c)),
  ({ e }, x) => e.finite(x),
  ({ e }, x, s) => (rank(x) === 0 ? undefined : e.broadcast(e.iota(dimAt(x, s.b % rank(x))), x.type.shape, [s.b % rank(x)])),
  ({ e }, x, s) => e.make("random", { shape: x.type.shape, path: "draw", hash: s.b, word: s.c % 2 === 0 ? 0 : 1 }, []),
  (p, _x, s) => overInts(p, s, (e, i, j) => e.add(i, e.neg(j))),
  (p, _x, s) => overInts(p, s, (e, i, j) => e.make("mod", {}, [e.mul(i, j), e.like(i, [7, -5, 13][s.c % 3] ?? 7)])),
  (p, _x, s) => overInts(p, s, (e, i, j) => e.make("floordiv", {}, [i, e.max(j, e.like(j, (s.c % 3) + 1))])),
  (p, _x, s) => overInts(p, s, (e, i, j) => e.select(e.compare(relations[s.c % 6] ?? "<", i, j), i, e.like(i, -3))),
  (p, _x, s) => overInts(p, s, (e, i) => (nothing(i) ? i : e.reduce(s.c % 2 === 0 ? "sum" : "max", i, someAxes(i, s.c)))),
  (p, _x, s) => overInts(p, s, (e, i) => (nothing(i) ? i : e.argmax(i, s.c % rank(i)))),
  (p, x, s) => { const b = p.condition(s.b, x); return rank(b) === 0 ? b : p.e.reduce(s.c % 2 === 0 ? "any" : "all", b, someAxes(b, s.c >> 1)); },
  (p, x, s) => p.e.logic(s.a % 2 === 0 ? "and" : "or", p.condition(s.b, x), p.e.not(p.condition(s.c, x))),
  (p, _x, s) => { const b = p.pick(s.b, "bool"); return b && p.e.cast(b, s.c % 2 === 0 ? "f32" : "i32"); },
  (p, _x, s) => { const i = p.pick(s.b, "i32"); return i && scaled(p.e, p.e.cast(i, "f32"), 0.25); },
  (p, _x, s) => { const u = p.pick(s.b, "u32"); return u && scaled(p.e, p.e.cast(p.e.make("floordiv", {}, [u, p.e.like(u, 256)]), "f32"), 2 ** -24); },
  (p, _x, s) => { const u = p.pick(s.b, "u32"); return u && p.e.make("mod", {}, [u, p.e.like(u, 1000)]); },
  (p, _x, s) => { const u = p.pick(s.b, "u32"); return u && p.e.compare(relations[s.c % 6] ?? "<", u, p.e.like(u, 2 ** 31)); },
];

function overInts(pool: Pool, s: Step, make: (e: Builder, i: Node, j: Node) => Node): Node | undefined {
  const i = pool.pick(s.a, "i32");
  return i && make(pool.e, i, pool.fitExactly(pool.pick(s.b, "i32") ?? i, i.type.shape));
}
