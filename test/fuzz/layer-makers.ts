/**
 * Steps that are layers of a network: what has kernels of its own, and random steps hardly come upon.
 *
 *     attention(pool, x, step)     // of some value [.., T, C] over an input like it: [.., T, C]
 */
import { addAffine, constant, scaleAffine, unit, whole } from "../../src/ir/access.ts";
import type { Affine, Guard } from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Node } from "../../src/ir/node.ts";
import { axesOf, dimAt, type Pool, rank } from "./pool.ts";
import type { Step } from "./recipe.ts";
import type { Maker } from "./values-makers.ts";

/** Sizes that attention can be asked of: a matrix or more of them, with channels that are known. */
const isRows = (n: Node): boolean => rank(n) >= 2 && rank(n) <= 3 && typeof dimAt(n, rank(n) - 1) === "number" && !n.type.shape.includes(0);

/**
 * Attention of as many queries as keys: some value asks, inputs of its own answer, with a causal mask half of the time. Mostly no gradient goes
 * through it, so that its weights have no other reader.
 */
function attention(pool: Pool, _x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const x = pool.pick(3 * s.b, "f32", isRows);
  if (!x) return undefined;
  const last = rank(x) - 1;
  const [turns, channels] = [dimAt(x, last - 1), dimAt(x, last)];
  const scored = [...x.type.shape.slice(0, last), turns];
  if (typeof channels !== "number" || !pool.holds(scored) || !pool.affords([...scored, channels])) return undefined;
  const axes = axesOf(x);
  const [before, key] = [axes.slice(0, last - 1), 10];
  const keys = e.leaf({ kind: "input", path: `k${x.type.shape.map(dims.print).join("x")}`, type: x.type });
  const raw = e.contract(x, keys, axes, [...before, key, last], [...before, last - 1, key]);
  const score = e.mul(raw, e.like(raw, 1 / Math.sqrt(channels)));
  const [query, seenFrom] = [last - 1, last].map((a) => e.broadcast(e.iota(turns), score.type.shape, [a])) as [Node, Node];
  const seen = s.c % 2 === 0 ? e.compare("<=", seenFrom, query) : undefined;
  const over = (y: Node): Node => e.broadcast(y, score.type.shape, axes.slice(0, last));
  const power = e.exp(e.sub(score, over(e.stop(e.reduce("max", score, [last], seen)))));
  const quotient = e.div(power, over(e.reduce("sum", power, [last], seen)));
  const weights = seen ? e.select(seen, quotient, e.like(quotient, 0)) : quotient;
  const values = s.a % 3 === 0 ? x : keys;
  const made = e.contract(weights, values, [...before, last - 1, key], [...before, key, last], axes);
  return s.c % 8 < 6 ? e.stop(made) : made;
}

/** Images: values with one or two last axes that are known and longer than one. */
const isImage = (n: Node): boolean => rank(n) >= 1 && rank(n) <= 4 && !n.type.shape.includes(0) && n.type.shape.slice(-2).some((d) => typeof d === "number" && d > 1);

/** What lies in windows of the last two axes, as two further axes: out[.., i, j, u, v] = x[.., stride i + u - pad, …], 0 beside the image. */
function inWindows(pool: Pool, x: Node, sizes: readonly [number, number], strides: readonly [number, number], pads: readonly [number, number]): Node {
  const [h, last] = [rank(x) - 2, rank(x) - 1];
  const extents = [h, last].map((axis, i): Dim => {
    const d = dimAt(x, axis);
    return typeof d === "number" ? Math.floor((d + 2 * (pads[i] as number) - (sizes[i] as number)) / (strides[i] as number)) + 1 : d;
  });
  const shape = [...x.type.shape.slice(0, h), ...extents, ...sizes];
  const n = shape.length;
  const at = (i: 0 | 1): Affine => addAffine(addAffine(scaleAffine(unit(h + i, n), strides[i]), unit(n - 2 + i, n)), constant(-pads[i], n));
  const guards = ([0, 1] as const).flatMap((i): Guard[] => {
    const d = dimAt(x, h + i);
    if (pads[i] === 0) return [];
    return [{ kind: "nonnegative", value: at(i) }, { kind: "nonnegative", value: addAffine(constant(dims.sub(d, 1), n), scaleAffine(at(i), -1)) }];
  });
  return pool.e.view(x, { shape, index: axesOf(x).map((axis) => whole(axis < h ? unit(axis, n) : at(axis === h ? 0 : 1))), guards });
}

/** The greatest of each window, where windows tile the image; a convolution, a bias of each channel and an activation below it, some of the time. */
function pooling(pool: Pool, _x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const image = (s.b % 3 === 0 ? undefined : convolution(pool, _x, s)) ?? pool.pick(3 * s.b, "f32", isImage);
  if (!image) return undefined;
  const x = rank(image) === 1 ? e.reshape(image, [1, ...image.type.shape]) : image;
  const [h, last] = [rank(x) - 2, rank(x) - 1];
  const part = (d: Dim): number => (typeof d === "number" ? ([2, 3, 5, 7].find((k) => d % k === 0) ?? 1) : 1);
  const window = [part(dimAt(x, h)), part(dimAt(x, last))] as const;
  if (window[0] * window[1] === 1) return undefined;
  const channels = h > 0 ? dimAt(x, h - 1) : undefined;
  const bias = typeof channels === "number" && s.c % 2 === 0 ? e.leaf({ kind: "input", path: `c${channels}`, type: { dtype: "f32", shape: [channels] } }) : undefined;
  const under = bias ? e.add(x, e.broadcast(bias, x.type.shape, [h - 1])) : x;
  const active = s.c % 3 === 0 ? e.select(e.compare(">", under, e.like(under, 0)), under, e.like(under, 0)) : under;
  const windows = inWindows(pool, active, window, window, [0, 0]);
  return e.reduce("max", windows, [rank(x), rank(x) + 1]);
}

/** A convolution of the last two axes with a kernel of its own; an axis before them is summed as channels where there are two. */
function convolution(pool: Pool, _x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const x = pool.pick(3 * s.b, "f32", (n) => isImage(n) && rank(n) >= 2);
  if (!x) return undefined;
  const [h, last] = [rank(x) - 2, rank(x) - 1];
  const window = [h, last].map((axis) => (typeof dimAt(x, axis) === "number" ? [3, 2, 1, 3][(s.c >> axis) % 4] : 1) ?? 1) as [number, number];
  const pads = window.map((k, i) => ((s.a >> i) % 2 === 0 && k === 3) || k > Number(dimAt(x, h + i)) ? 1 : 0) as [number, number];
  if (window.some((k, i) => typeof dimAt(x, h + i) === "number" && k > Number(dimAt(x, h + i)) + 2 * (pads[i] as number))) return undefined;
  const windows = inWindows(pool, x, window, [1, 1], pads);
  const filters = [4, 8, 3, 16][s.a % 4] ?? 4;
  const channels = h > 1 ? dimAt(x, 1) : undefined;
  if (channels !== undefined && typeof channels !== "number") return undefined;
  const shape = [filters, ...(channels === undefined ? [] : [channels]), ...window];
  const kernel = e.leaf({ kind: "input", path: `K${shape.join("x")}`, type: { dtype: "f32", shape } });
  const axes = axesOf(windows);
  const [before, summed] = channels === undefined ? [axes.slice(0, h), []] : [axes.slice(0, 1), [1]];
  const out = [...before, 10, h, last];
  if (!pool.holds(out.map((l) => (l === 10 ? filters : dimAt(windows, l)))) || !pool.affords([...windows.type.shape, filters])) return undefined;
  // Small weights, so that what a pooling above puts back is read as it is.
  return e.contract(windows, e.mul(kernel, e.like(kernel, 1 / Math.sqrt(pool.volume(shape.slice(1))))), axes, [10, ...summed, h + 2, last + 2], out);
}

/**
 * Products of one value with two or three parameters of one shape, with biases half of the time, then their sum as it is, under functions of
 * their own, or through the parameters again: what lies side by side may be read together.
 */
function gates(pool: Pool, _x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const x = pool.pick(3 * s.b, "f32", (n) => rank(n) >= 1 && typeof dimAt(n, rank(n) - 1) === "number" && !n.type.shape.includes(0));
  if (!x) return undefined;
  const last = rank(x) - 1;
  const [width, units] = [dimAt(x, last), [3, 8, 16, 17][s.a % 4] ?? 3];
  const shape = [...x.type.shape.slice(0, last), units];
  if (!pool.holds([width, units]) || !pool.holds(shape) || !pool.affords([...shape, width])) return undefined;
  const axes = axesOf(x);
  const out = [...axes.slice(0, last), last + 1];
  const param = (name: string, of: readonly dims.Dim[]): Node => e.leaf({ kind: "param", path: `${name}${of.map(dims.print).join("x")}`, type: { dtype: "f32", shape: of } });
  const parts = Array.from({ length: 2 + (s.c % 2) }, (_, k) => {
    const W = param(`W${k}.`, [width, units]);
    const z = e.contract(x, W, axes, [last, last + 1], out);
    const y = s.a % 8 < 4 ? z : e.add(z, e.broadcast(param(`b${k}.`, [units]), shape, [last]));
    const own = [e.sin(y), e.sigmoid(y), e.mul(y, y)][k] ?? y;
    if (s.b % 3 === 0) return y;
    return s.b % 3 === 1 ? own : e.contract(own, W, out, [last, last + 1], axes);
  });
  return parts.reduce((p, q) => e.add(p, q));
}

/** The makers. */
export const layers: readonly Maker[] = [attention, pooling, convolution, gates];
