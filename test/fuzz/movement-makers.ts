/**
 * Steps that move: views of every printed name with their guards, reshapes, concatenations, gathers and scatters, loops,
 * derivatives within the graph.
 */
import * as access from "../../src/ir/access.ts";
import type { Affine, Coordinate, Guard } from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { LeafKind, Node } from "../../src/ir/node.ts";
import { closeLoop } from "../../src/grad/close-loop.ts";
import { axesOf, dimAt, N, type Pool, rank, sizes } from "./pool.ts";
import type { Step } from "./recipe.ts";
import type { Maker } from "./values-makers.ts";

const { addAffine, affine, scaleAffine, unit, whole } = access;

/** The view of x whose coordinate along one axis is another form, under these guards. */
function along(pool: Pool, x: Node, axis: number, shape: readonly Dim[], at: (rank: number) => Coordinate, guards: (rank: number) => readonly Guard[] = () => []): Node | undefined {
  if (!pool.holds(shape)) return undefined;
  const index = axesOf(x).map((a) => (a === axis ? at(shape.length) : whole(unit(a, shape.length))));
  return pool.e.view(x, { shape, index, guards: guards(shape.length) });
}

/** The guards 0 <= form < extent. */
const within = (form: Affine, extent: Dim): Guard[] => [
  { kind: "nonnegative", value: form },
  { kind: "nonnegative", value: addAffine(scaleAffine(form, -1), affine(dims.sub(extent, 1), form.k.map(() => 0))) },
];

const resized = (x: Node, axis: number, to: Dim): Dim[] => x.type.shape.map((d, a) => (a === axis ? to : d));
const shifted = (axis: number, n: number, by: Dim, factor = 1): Affine => addAffine(scaleAffine(unit(axis, n), factor), affine(by, new Array<number>(n).fill(0)));

/** A maker that is told an axis of x. */
const on = (make: (pool: Pool, x: Node, axis: number, step: Step) => Node | undefined): Maker => (pool, x, step) => (rank(x) === 0 ? undefined : make(pool, x, step.b % rank(x), step));

export const movements: readonly Maker[] = [
  (p, x, s) => p.e.transpose(x, permuted(rank(x), s.b)),
  (p, x, s) => widened(p, x, s),
  on((p, x, axis, s) => {
    const extent = dimAt(x, axis);
    if (typeof extent !== "number" || extent === 0) return undefined;
    const from = s.c % extent;
    const stride = 1 + (s.c % 3);
    return along(p, x, axis, resized(x, axis, Math.ceil((extent - from) / stride)), (n) => whole(shifted(axis, n, from, stride)));
  }),
  on((p, x, axis, s) => {
    const left = s.c % 4;
    const extent = dimAt(x, axis);
    return along(p, x, axis, resized(x, axis, dims.add(extent, left + (s.a % 3))), (n) => whole(shifted(axis, n, -left)), (n) => within(shifted(axis, n, -left), extent));
  }),
  on((p, x, axis) => along(p, x, axis, x.type.shape, (n) => whole(shifted(axis, n, dims.sub(dimAt(x, axis), 1), -1)))),
  on((p, x, axis, s) => {
    const by = (s.c % 5) - 2;
    return along(p, x, axis, x.type.shape, (n) => whole(shifted(axis, n, by)), (n) => within(shifted(axis, n, by), dimAt(x, axis)));
  }),
  on((p, x, axis, s) => dilated(p, x, axis, 2 + (s.c % 2))),
  on((p, x, axis, s) => windows(p, x, axis, 1 + (s.c % 3), s.a % 2, 1 + (s.a % 2))),
  (p, x, s) => diagonal(p, x, s),
  ({ e }, x, s) => {
    const axes = axesOf(x).filter((a) => a + 1 < rank(x));
    const at = axes[s.b % Math.max(1, axes.length)];
    if (at === undefined) return e.reshape(x, [...x.type.shape, 1]);
    return e.reshape(x, [...x.type.shape.slice(0, at), dims.mul(dimAt(x, at), dimAt(x, at + 1)), ...x.type.shape.slice(at + 2)]);
  },
  ({ e }, x) => e.reshape(x, [dims.product(x.type.shape)]),
  on(({ e }, x, axis, s) => {
    const extent = dimAt(x, axis);
    const factor = [2, 4, 8, 5, 13, 3].find((f) => dims.divideExactly(extent, f) !== undefined);
    const rest = factor && dims.divideExactly(extent, factor);
    if (!factor || rest === undefined || rank(x) > 3) return undefined;
    return e.reshape(x, [...x.type.shape.slice(0, axis), ...(s.c % 2 === 0 && typeof extent === "number" ? [factor, rest] : [rest, factor]), ...x.type.shape.slice(axis + 1)]);
  }),
  on((p, x, axis, s) => p.e.concat([x, p.e.sin(x)].concat(s.c % 3 === 0 ? [p.e.neg(x)] : []), axis)),
  on((p, x, axis, s) => {
    const fitting = (y: Node): boolean => rank(y) === rank(x) && y.type.shape.every((d, a) => a === axis || dims.equal(d, dimAt(x, a)));
    const y = p.pick(s.c, "f32", fitting);
    return y && p.e.concat(s.a % 2 === 0 ? [x, y] : [y, x, y], axis);
  }),
];

function permuted(n: number, k: number): number[] {
  const left = Array.from({ length: n }, (_, a) => a);
  return Array.from({ length: n }, (_, i) => left.splice((k >> (2 * i)) % left.length, 1)[0] ?? 0);
}

function widened(pool: Pool, x: Node, s: Step): Node | undefined {
  const at = s.b % (rank(x) + 1);
  const shape = [...x.type.shape.slice(0, at), sizes[s.c % sizes.length] as Dim, ...x.type.shape.slice(at)];
  return pool.holds(shape) ? pool.e.broadcast(x, shape, axesOf(x).map((a) => (a < at ? a : a + 1))) : undefined;
}

/** Zeros between the elements: the coordinate is i / by where by divides i. */
function dilated(pool: Pool, x: Node, axis: number, by: number): Node | undefined {
  const extent = dimAt(x, axis);
  if (typeof extent !== "number" || extent === 0) return undefined;
  return along(pool, x, axis, resized(x, axis, (extent - 1) * by + 1), (n) => ({ numerator: unit(axis, n), divisor: by }), (n) => [{ kind: "divisible", value: unit(axis, n), by }]);
}

/** Windows of `width` elements, padded by `pad` on both sides, as a further axis: out[.., i, .., k] = x[.., stride i + k - pad, ..]. */
function windows(pool: Pool, x: Node, axis: number, width: number, pad: number, stride: number): Node | undefined {
  const extent = dimAt(x, axis);
  const positions = typeof extent === "number" ? Math.floor((extent + 2 * pad - width) / stride) + 1 : stride === 1 ? dims.add(extent, 2 * pad - width + 1) : undefined;
  // A batch of one must still have a window.
  if (positions === undefined || (typeof positions === "number" ? positions < 1 : dims.evaluate(positions, { N: 1 }) < 1)) return undefined;
  const shape = [...resized(x, axis, positions), width];
  const at = (n: number): Affine => addAffine(shifted(axis, n, -pad, stride), unit(n - 1, n));
  return along(pool, x, axis, shape, (n) => whole(at(n)), (n) => (pad === 0 ? [] : within(at(n), extent)));
}

function diagonal(pool: Pool, x: Node, s: Step): Node | undefined {
  const pairs = axesOf(x).flatMap((a) => axesOf(x).filter((b) => b > a && dims.equal(dimAt(x, a), dimAt(x, b))).map((b) => [a, b] as const));
  const [a, b] = pairs[s.b % Math.max(1, pairs.length)] ?? [];
  if (a === undefined || b === undefined) return undefined;
  const shape = x.type.shape.filter((_, axis) => axis !== b);
  const index = axesOf(x).map((axis) => whole(unit(axis === b ? a : axis < b ? axis : axis - 1, shape.length)));
  return pool.e.view(x, { shape, index, guards: [] });
}

/** Nothing can be picked from nothing. */
const empty = (x: Node): boolean => x.type.shape.includes(0);

export const byData: readonly Maker[] = [
  (p, x, s) => {
    if (rank(x) === 0 || empty(x)) return undefined;
    const shape = [sizes[s.b % sizes.length] as Dim, ...(s.c % 3 === 0 ? [2] : [])];
    return p.holds([...shape, ...x.type.shape.slice(1)]) ? p.e.gather(x, p.indices(s.c, shape, dimAt(x, 0)), 0) : undefined;
  },
  on((p, x, axis, s) => (empty(x) ? undefined : p.e.gather(x, p.indices(s.c, x.type.shape.slice(0, axis), dimAt(x, axis)), axis))),
  on((p, x, axis, s) => {
    const shape = [...x.type.shape.slice(0, axis), 3];
    return !empty(x) && p.holds([...shape, ...x.type.shape.slice(axis + 1)]) ? p.e.gather(x, p.indices(s.c, shape, dimAt(x, axis)), axis) : undefined;
  }),
  on((p, x, axis, s) => {
    const size = [1, 3, 7, 17][s.c % 4] ?? 3;
    const batch = Math.min(axis, s.a % 2);
    return p.e.scatterSum(x, p.indices(s.c, x.type.shape.slice(0, axis + 1), size), batch, size);
  }),
  on((p, x, axis, s) => {
    const idx = p.indices(s.c, x.type.shape.slice(0, axis), dimAt(x, axis));
    const places = p.e.broadcast(p.e.iota(dimAt(x, axis)), x.type.shape, [axis]);
    const chosen = p.e.compare("==", places, p.e.broadcast(idx, x.type.shape, axesOf(x).slice(0, axis)));
    return p.e.reduce("sum", p.e.select(chosen, x, p.e.like(x, 0)), [axis]);
  }),
];

/** A well conditioned matrix of the size of the last axis, one for each entry of the axes before. */
function matrixOf(pool: Pool, x: Node): Node | undefined {
  const n = x.type.shape.at(-1);
  const shape = n === undefined ? [] : [...x.type.shape, n];
  if (n === undefined || !pool.holds(shape) || empty(x)) return undefined;
  const { e } = pool;
  const [row, column] = [shape.length - 2, shape.length - 1];
  const place = (axis: number): Node => e.broadcast(e.iota(n), shape, [axis]);
  // a_ij = c / (1 + |i - j|²) · tanh(x_j) off the diagonal, which is 3: dominated by it.
  const apart = e.cast(e.add(place(row), e.neg(place(column))), "f32");
  const wide = e.broadcast(e.make("tanh", {}, [x]), shape, [...axesOf(x).slice(0, -1), column]);
  const off = e.mul(e.div(e.like(apart, 0.4), e.add(e.mul(apart, apart), e.like(apart, 1))), wide);
  return e.select(e.compare("==", place(row), place(column)), e.add(off, e.like(off, 3)), off);
}

export const inTurns: readonly Maker[] = [
  on(({ e }, x, axis, s) => {
    const sum = e.make("cumsum", { axis, reverse: s.b % 2 === 0, exclusive: s.c % 3 === 0 }, [x]);
    return e.mul(sum, e.like(sum, typeof dimAt(x, axis) === "number" && Number(dimAt(x, axis)) < 8 ? 0.5 : 0.1));
  }),
  on(({ e }, x, axis, s) => (s.b % 2 === 0 ? e.make("cumsum", { axis, reverse: s.c % 2 === 0, exclusive: false }, [e.cast(e.mul(x, e.like(x, 3)), "i32")]) : undefined)),
  on(({ e }, x, axis, s) => (empty(x) ? undefined : e.make("argsort", { axis, descending: s.b % 2 === 0 }, [x]))),
  on(({ e }, x, axis, s) => {
    if (empty(x) || axis !== rank(x) - 1) return undefined;
    return e.gather(x, e.make("argsort", { axis, descending: s.b % 2 === 0 }, [x]), axis);
  }),
  (p, x) => {
    const a = matrixOf(p, x);
    return a && p.e.make("cholesky", {}, [a]);
  },
  (p, x, s) => {
    const a = matrixOf(p, x);
    if (!a) return undefined;
    const column = p.e.broadcast(p.fit(p.pick(s.b) ?? x, x), [...x.type.shape, 2], axesOf(x));
    return p.e.make("triangular_solve", { lower: s.c % 2 === 0 }, [a, column]);
  },
];

export const structures: readonly Maker[] = [
  (p, x, s) => recurrent(p, x, s),
  (p, x, s) => innerGradient(p, x, s),
];

/** A loop over the first axis of some value, or without slices: a carry, a capture, a random draw per turn, stacks. */
function recurrent(pool: Pool, x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const trips = (y: Node): boolean => typeof dimAt(y, 0) === "number" && rank(y) > 0 && (dimAt(y, 0) as number) >= 1 && (dimAt(y, 0) as number) <= 7;
  const sliced = s.c % 3 === 0 ? undefined : pool.pick(s.b, "f32", trips);
  const trip = sliced ? (dimAt(sliced, 0) as number) : 1 + (s.b % 3);
  const inner = (kind: LeafKind, path: string, shape: readonly Dim[]): Node => e.leaf({ kind, path, type: { dtype: "f32", shape } });
  const h = inner("carry", "h", x.type.shape);
  const c = inner("capture", "c", x.type.shape);
  const slice = sliced && inner("slice", "x", sliced.type.shape.slice(1));
  const turn = e.leaf({ kind: "iteration", path: "0", type: { dtype: "i32", shape: [] } });
  let next = e.add(e.mul(h, e.sigmoid(c)), slice ? pool.fit(slice, h) : e.like(h, 0.3));
  if (s.a % 3 === 0) {
    const u = e.cast(e.make("random", { shape: x.type.shape, path: "loop", hash: s.b, word: 0 }, [turn]), "f32");
    next = e.select(e.compare("<", u, e.like(u, 2 ** 31)), next, h);
  }
  const result = e.make("tanh", {}, [next]);
  const loop = closeLoop(e, {
    trip, reverse: s.c % 2 === 0,
    carries: [{ leaf: h, init: x, next: result }],
    slices: slice && sliced ? [{ leaf: slice, input: sliced }] : [],
    captures: [{ leaf: c, input: pool.fit(pool.pick(s.a) ?? x, x) }],
    stacks: [result],
  });
  return e.pick(loop, rank(x) < 4 && s.a % 2 === 0 ? 1 : 0);
}

/** The gradient of some sum by an input, used as a value: what is differentiated later is differentiated twice. */
function innerGradient(pool: Pool, x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const leaf = pool.pick(s.b, "f32", (n) => n.op === "leaf");
  if (!leaf) return undefined;
  const value = e.reduce("sum", e.mul(e.sin(x), x), axesOf(x));
  const scalar = typeof dims.product(x.type.shape) === "number" ? value : e.div(value, e.cast(e.size(N), "f32"));
  return e.make("derive", { kind: "grad" }, [scalar, leaf]);
}
