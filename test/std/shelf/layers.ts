/** Dense, bilinear and embedding layers, ways past them, and what works on images and sequences, by plain loops. */
import { elements, made, numbers, reader, sigmoid, total } from "./by-hand.ts";
import type { Given, Nested, ShelfRecord } from "./record.ts";

type Pair = readonly [number, number];

const rows = { "x: f32[N, 3]": numbers([4, 3], 1) };

/** x W + b over rows of n. */
function affine(x: (n: number, i: number) => number, count: number, n: number, units: number, W: readonly number[], b: readonly number[]): number[][] {
  const w = reader([n, units], W);
  return made([count, units], (r = 0, o = 0) => total([n], (i = 0) => x(r, i) * w(i, o)) + (b[o] ?? 0)) as number[][];
}

const simple: readonly ShelfRecord[] = [
  {
    name: "dense", call: "dense(x, 2)", inputs: rows, stored: { "v.W": numbers([3, 2], 2), "v.b": [0.5, -1] },
    value: (g) => affine(elements(g, "x"), 4, 3, 2, g.flat("v.W"), g.flat("v.b")),
  },
  { name: "dense", call: "dense(x, 2, bias = false)", inputs: rows, stored: { "v.W": numbers([3, 2], 2) }, value: (g) => affine(elements(g, "x"), 4, 3, 2, g.flat("v.W"), []) },
  {
    name: "dense", call: "dense(x, 2)", inputs: { "x: f32[N, 2, 3]": numbers([2, 2, 3], 1) }, stored: { "v.W": numbers([3, 2], 2), "v.b": [0.5, -1] },
    value: (g) => affine(reader([4, 3], g.flat("x")), 4, 3, 2, g.flat("v.W"), g.flat("v.b")),
  },
  ...[true, false].map((bias): ShelfRecord => ({
    name: "bilinear", call: `bilinear(x, y, 2${bias ? "" : ", bias = false"})`, inputs: { ...rows, "y: f32[N, 2]": numbers([4, 2], 5) },
    stored: { "v.W": numbers([2, 3, 2], 2), ...(bias && { "v.b": [0.5, -1] }) },
    value: (g) => {
      const [x, y, W] = [elements(g, "x"), elements(g, "y"), elements(g, "v.W")];
      return made([4, 2], (n = 0, k = 0) => total([3, 2], (i = 0, j = 0) => x(n, i) * W(k, i, j) * y(n, j)) + (bias ? (g.flat("v.b")[k] ?? 0) : 0));
    },
  })),
  {
    name: "embedding", call: "embedding(t, 4, 3)", inputs: { "t: i32[N, 2] in 0..4": [[0, 3], [1, 1]] }, stored: { "v.E": numbers([4, 3], 1) },
    value: (g) => g.flat("t").map((t) => g.rows("v.E")[t] ?? []),
  },
  {
    name: "residual", call: "residual(x, dense_of)", before: "dense_of = instance dense(units = 3, bias = false)", inputs: rows, stored: { "dense_of.W": numbers([3, 3], 2) },
    value: (g) => affine(elements(g, "x"), 4, 3, 3, g.flat("dense_of.W"), []).map((r, n) => r.map((v, k) => v + elements(g, "x")(n, k))),
  },
  {
    name: "residual", call: "residual(x, tanh, shortcut = double)", before: "double = instance dense(units = 3, bias = false)", inputs: rows, stored: { "double.W": numbers([3, 3], 2) },
    value: (g) => affine(elements(g, "x"), 4, 3, 3, g.flat("double.W"), []).map((r, n) => r.map((v, k) => v + Math.tanh(elements(g, "x")(n, k)))),
  },
  {
    name: "feed_forward", call: "feed_forward(x, hidden = 2, activation = tanh)", inputs: rows,
    stored: { "v.wide.W": numbers([3, 2], 2), "v.wide.b": [0.5, -1], "v.back.W": numbers([2, 3], 3), "v.back.b": [1, 2, 3] },
    value: (g) => {
      const h = affine(elements(g, "x"), 4, 3, 2, g.flat("v.wide.W"), g.flat("v.wide.b"));
      return affine((n, i) => Math.tanh(h[n]?.[i] ?? 0), 4, 2, 3, g.flat("v.back.W"), g.flat("v.back.b"));
    },
  },
];

interface Convolution {
  readonly kernel: Pair;
  readonly stride?: Pair;
  /** Before and after, in both directions. */
  readonly padding?: readonly [Pair, Pair];
  readonly dilation?: Pair;
  readonly groups?: number;
}

const both = (n: number): readonly [Pair, Pair] => [[n, n], [n, n]];

/** Cross-correlation of [N, C, H, W] with [F, C / groups, h, w] by loops over output and kernel. */
function correlation(x: readonly number[], [N, C, H, W]: readonly [number, number, number, number], K: readonly number[], F: number, o: Convolution, b: readonly number[] = []): Nested {
  const { kernel: [h, w], stride: [sv, sh] = [1, 1], padding: [[top, bottom], [left, right]] = both(0), dilation: [dv, dh] = [1, 1], groups = 1 } = o;
  const D = C / groups;
  const [X, k] = [reader([N, C, H, W], x), reader([F, D, h, w], K)];
  const [rowsOut, columnsOut] = [Math.floor((H + top + bottom - dv * (h - 1) - 1) / sv) + 1, Math.floor((W + left + right - dh * (w - 1) - 1) / sh) + 1];
  return made([N, F, rowsOut, columnsOut], (n = 0, f = 0, i = 0, j = 0) => (b[f] ?? 0) +
    total([D, h, w], (c = 0, u = 0, v = 0) => X(n, Math.floor(f / (F / groups)) * D + c, sv * i + dv * u - top, sh * j + dh * v - left) * k(f, c, u, v)));
}

/** Every pixel times the kernel, added where it falls: [N, C, H, W] with [C, F / groups, h, w]; a group of channels falls on its group of filters. */
function transposed(x: readonly number[], [N, C, H, W]: readonly [number, number, number, number], K: readonly number[], F: number, o: Convolution, extra: Pair, b: readonly number[] = []): Nested {
  const { kernel: [h, w], stride: [sv, sh] = [1, 1], padding: [[p, below], [q, after]] = both(0), dilation: [dv, dh] = [1, 1], groups = 1 } = o;
  const D = F / groups;
  const [X, k] = [reader([N, C, H, W], x), reader([C, D, h, w], K)];
  const [H2, W2] = [(H - 1) * sv - p - below + dv * (h - 1) + 1 + extra[0], (W - 1) * sh - q - after + dh * (w - 1) + 1 + extra[1]];
  const out = made([N, F, H2, W2], (_n, f = 0) => b[f] ?? 0) as number[][][][];
  made([N, C, H, W, D, h, w], (n = 0, c = 0, i = 0, j = 0, f = 0, u = 0, v = 0) => {
    const row = out[n]?.[Math.floor(c / (C / groups)) * D + f]?.[sv * i + dv * u - p];
    const at = sh * j + dh * v - q;
    if (row && at >= 0 && at < W2) row[at] = (row[at] ?? 0) + X(n, c, i, j) * k(c, f, u, v);
    return 0;
  });
  return out;
}

const image = { "x: f32[N, 2, 5, 4]": numbers([2, 2, 5, 4], 1) };
const imageShape = [2, 2, 5, 4] as const;
const conv2d = (args: string, o: Convolution, bias = true): ShelfRecord => ({
  name: "conv2d", call: `conv2d(x, 2${args})`, inputs: image, stored: { "v.K": numbers([2, 2 / (o.groups ?? 1), ...o.kernel], 3), ...(bias && { "v.b": [0.5, -1] }) },
  value: (g) => correlation(g.flat("x"), imageShape, g.flat("v.K"), 2, o, bias ? g.flat("v.b") : []),
});
const depthwise = (args: string, multiplier: number, o: Convolution): ShelfRecord => ({
  name: "depthwise_conv2d", call: `depthwise_conv2d(x${args})`, inputs: image, stored: { "v.K": numbers([2 * multiplier, 1, ...o.kernel], 3), "v.b": [0.5, -1, 2, 3].slice(0, 2 * multiplier) },
  value: (g) => correlation(g.flat("x"), imageShape, g.flat("v.K"), 2 * multiplier, { ...o, groups: 2 }, g.flat("v.b")),
});
const transposedConv = (args: string, o: Convolution, extra: Pair = [0, 0]): ShelfRecord => ({
  name: "conv2d_transpose", call: `conv2d_transpose(x, 3${args})`, inputs: { "x: f32[N, 2, 3, 2]": numbers([2, 2, 3, 2], 1) }, stored: { "v.K": numbers([2, 3, ...o.kernel], 3), "v.b": [0.5, -1, 2] },
  value: (g) => transposed(g.flat("x"), [2, 2, 3, 2], g.flat("v.K"), 3, o, extra, g.flat("v.b")),
});
const groupedTransposed: ShelfRecord = {
  name: "conv2d_transpose", call: "conv2d_transpose(x, 4, kernel = 2, stride = 2, groups = 2)", inputs: { "x: f32[N, 2, 3, 2]": numbers([2, 2, 3, 2], 1) }, stored: { "v.K": numbers([2, 2, 2, 2], 3), "v.b": [0.5, -1, 2, 3] },
  value: (g) => transposed(g.flat("x"), [2, 2, 3, 2], g.flat("v.K"), 4, { kernel: [2, 2], stride: [2, 2], groups: 2 }, [0, 0], g.flat("v.b")),
};
interface Line {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: Pair;
  readonly dilation?: number;
  readonly groups?: number;
}
const asImage = ({ kernel, stride = 1, padding = [0, 0], dilation = 1, groups = 1 }: Line): Convolution => ({ kernel: [1, kernel], stride: [1, stride], padding: [[0, 0], padding], dilation: [1, dilation], groups });
const transposed1d = (args: string, o: Line, extra = 0, bias = true): ShelfRecord => ({
  name: "conv1d_transpose", call: `conv1d_transpose(x, 2${args})`, inputs: { "x: f32[N, 2, 4]": numbers([2, 2, 4], 1) }, stored: { "v.K": numbers([2, 2 / (o.groups ?? 1), o.kernel], 3), ...(bias && { "v.b": [0.5, -1] }) },
  value: (g) => (transposed(g.flat("x"), [2, 2, 1, 4], g.flat("v.K"), 2, asImage(o), [0, extra], bias ? g.flat("v.b") : []) as number[][][][]).map((image) => image.map(([line = []]) => line)),
});
const conv1d = (args: string, o: Line): ShelfRecord => ({
  name: "conv1d", call: `conv1d(x, 2${args})`, inputs: { "x: f32[N, 2, 7]": numbers([2, 2, 7], 1) }, stored: { "v.K": numbers([2, 2 / (o.groups ?? 1), o.kernel], 3), "v.b": [0.5, -1] },
  value: (g) => correlation(g.flat("x"), [2, 2, 1, 7], g.flat("v.K"), 2, asImage(o), g.flat("v.b")),
});

const convolutions: readonly ShelfRecord[] = [
  conv2d("", { kernel: [3, 3] }),
  conv2d(", kernel = [2, 1], stride = [2, 1], bias = false", { kernel: [2, 1], stride: [2, 1] }, false),
  conv2d(", kernel = 2, padding = 1, dilation = 2", { kernel: [2, 2], padding: both(1), dilation: [2, 2] }),
  conv2d(", groups = 2, padding = 1, stride = 2", { kernel: [3, 3], padding: both(1), stride: [2, 2], groups: 2 }),
  {
    name: "convolve2d", call: "convolve2d(x, K)", inputs: { ...image, "K: f32[2, 2, 2, 3]": numbers([2, 2, 2, 3], 3) },
    value: (g) => {
      const K = elements(g, "K");
      return correlation(g.flat("x"), imageShape, (made([2, 2, 2, 3], (f = 0, c = 0, u = 0, v = 0) => K(f, c, 1 - u, 2 - v)) as number[][][][]).flat(3), 2, { kernel: [2, 3] });
    },
  },
  conv1d("", { kernel: 3 }),
  conv1d(", stride = 2, padding = 1", { kernel: 3, stride: 2, padding: [1, 1] }),
  conv1d(", kernel = 2, dilation = 3, padding = [3, 0]", { kernel: 2, dilation: 3, padding: [3, 0] }),
  conv1d(", groups = 2", { kernel: 3, groups: 2 }),
  depthwise("", 1, { kernel: [3, 3] }),
  depthwise(", multiplier = 2, stride = 2, padding = 1", 2, { kernel: [3, 3], stride: [2, 2], padding: both(1) }),
  {
    name: "separable_conv2d", call: "separable_conv2d(x, 3, kernel = 2)", inputs: image,
    stored: { "v.depth.K": numbers([2, 1, 2, 2], 3), "v.point.K": numbers([3, 2, 1, 1], 4), "v.point.b": [0.5, -1, 2] },
    value: (g) => {
      const depth = correlation(g.flat("x"), imageShape, g.flat("v.depth.K"), 2, { kernel: [2, 2], groups: 2 }) as number[][][][];
      return correlation(depth.flat(3), [2, 2, 4, 3], g.flat("v.point.K"), 3, { kernel: [1, 1] }, g.flat("v.point.b"));
    },
  },
  transposedConv("", { kernel: [3, 3] }),
  transposedConv(", kernel = 2, stride = 2", { kernel: [2, 2], stride: [2, 2] }),
  transposedConv(", stride = [2, 3], padding = 1, output_padding = [1, 2]", { kernel: [3, 3], stride: [2, 3], padding: both(1) }, [1, 2]),
  transposedConv(", kernel = [2, 3], dilation = [2, 1], padding = [1, 0]", { kernel: [2, 3], dilation: [2, 1], padding: [[1, 1], [0, 0]] }),
  groupedTransposed,
  transposed1d("", { kernel: 3 }),
  transposed1d(", stride = 2, padding = [1, 0], output_padding = 1", { kernel: 3, stride: 2, padding: [1, 0] }, 1),
  transposed1d(", kernel = 2, dilation = 2, bias = false", { kernel: 2, dilation: 2 }, 0, false),
  transposed1d(", kernel = 4, stride = 2, padding = 1, groups = 2", { kernel: 4, stride: 2, padding: [1, 1], groups: 2 }),
];

/** Windows of [N, C, H, W] joined to one number each; places outside are left out. */
function pooled(g: Given, k: Pair, s: Pair, p: Pair, join: (inside: readonly number[]) => number): Nested {
  const [N = 0, C = 0, H = 0, W = 1] = g.shape("x");
  const x = elements(g, "x");
  const size = (length: number, a: 0 | 1): number => Math.floor((length + 2 * p[a] - k[a]) / s[a]) + 1;
  return made([N, C, size(H, 0), size(W, 1)], (n = 0, c = 0, i = 0, j = 0) => {
    const inside: number[] = [];
    for (let u = 0; u < k[0]; u++)
      for (let v = 0; v < k[1]; v++) {
        const [a, b] = [s[0] * i + u - p[0], s[1] * j + v - p[1]];
        if (a >= 0 && a < H && b >= 0 && b < W) inside.push(x(n, c, a, b));
      }
    return join(inside);
  });
}

const sum = (x: readonly number[]): number => x.reduce((s, v) => s + v, 0);
const mean = (x: readonly number[]): number => sum(x) / x.length;
const highest = (x: readonly number[]): number => Math.max(...x);
const sequence = { "x: f32[N, 2, 7]": numbers([2, 2, 7], 1) };

/** Sequences as images one row high. */
const asRow = (g: Given): Given => ({ ...g, shape: (name) => [g.shape(name)[0] ?? 0, g.shape(name)[1] ?? 0, 1, g.shape(name)[2] ?? 0] });

const pools: readonly ShelfRecord[] = [
  { name: "max_pool", call: "max_pool(x)", inputs: image, value: (g) => pooled(g, [2, 2], [2, 2], [0, 0], highest) },
  { name: "max_pool", call: "max_pool(x, window = 3, stride = 1, padding = 1)", inputs: image, value: (g) => pooled(g, [3, 3], [1, 1], [1, 1], highest) },
  {
    name: "max_pool", call: "max_pool(x, window = [1, 2])", inputs: { "x: f32[N, 1, 1, 4]": [[[[1, 2, 3, 4]]]] }, value: (g) => pooled(g, [1, 2], [1, 2], [0, 0], highest),
    points: [{ what: "two largest", at: { x: [[[[5, 5, -1, -1]]]] }, value: [[[[5, -1]]]], gradient: { x: [1, 0, 1, 0] } }],
  },
  { name: "avg_pool", call: "avg_pool(x)", inputs: image, value: (g) => pooled(g, [2, 2], [2, 2], [0, 0], mean) },
  { name: "avg_pool", call: "avg_pool(x, window = 3, stride = 2, padding = 1)", inputs: image, value: (g) => pooled(g, [3, 3], [2, 2], [1, 1], mean) },
  { name: "avg_pool", call: "avg_pool(x, window = 3, stride = 2, padding = 1, count_padding = true)", inputs: image, value: (g) => pooled(g, [3, 3], [2, 2], [1, 1], (v) => sum(v) / 9) },
  { name: "max_pool1d", call: "max_pool1d(x, window = 3, stride = 2, padding = 1)", inputs: sequence, value: (g) => pooled(asRow(g), [1, 3], [1, 2], [0, 1], highest) },
  { name: "avg_pool1d", call: "avg_pool1d(x)", inputs: sequence, value: (g) => pooled(asRow(g), [1, 2], [1, 2], [0, 0], mean) },
  { name: "avg_pool1d", call: "avg_pool1d(x, window = 3, stride = 2, padding = 1, count_padding = true)", inputs: sequence, value: (g) => pooled(asRow(g), [1, 3], [1, 2], [0, 1], (v) => sum(v) / 3) },
  ...[image, sequence].flatMap((inputs): ShelfRecord[] => {
    const byChannel = (join: (x: readonly number[]) => number) => (g: Given): Nested => {
      const width = g.flat("x").length / 4;
      return made([2, 2], (n = 0, c = 0) => join(g.flat("x").slice((2 * n + c) * width, (2 * n + c + 1) * width)));
    };
    return [
      { name: "global_avg_pool", call: "global_avg_pool(x)", inputs, value: byChannel(mean) },
      { name: "global_max_pool", call: "global_max_pool(x)", inputs, value: byChannel(highest) },
    ];
  }),
];

/** The value at a place between centres, linear and constant beyond the outermost. */
function between(x: (i: number) => number, size: number, at: number): number {
  const place = Math.min(size - 1, Math.max(0, at));
  const low = Math.min(Math.floor(place), Math.max(0, size - 2));
  return x(low) * (1 - (place - low)) + (size > 1 ? x(low + 1) * (place - low) : 0);
}

const bilinearly = (args: string, [a, b]: Pair, corners: boolean): ShelfRecord => ({
  name: "upsample_bilinear", call: `upsample_bilinear(x${args})`, inputs: { "x: f32[N, 1, 3, 2]": numbers([2, 1, 3, 2], 1) },
  value: (g) => {
    const x = elements(g, "x");
    const at = (i: number, factor: number, size: number): number => (corners ? (i * (size - 1)) / (size * factor - 1) : (i + 0.5) / factor - 0.5);
    return made([2, 1, 3 * a, 2 * b], (n = 0, c = 0, i = 0, j = 0) => between((r) => between((s) => x(n, c, r, s), 2, at(j, b, 2)), 3, at(i, a, 3)));
  },
});

const further: readonly ShelfRecord[] = [
  {
    name: "upsample_nearest", call: "upsample_nearest(x)", inputs: { "x: f32[N, 1, 3, 2]": numbers([2, 1, 3, 2], 1) },
    value: (g) => made([2, 1, 6, 4], (n = 0, c = 0, i = 0, j = 0) => elements(g, "x")(n, c, Math.floor(i / 2), Math.floor(j / 2))),
  },
  {
    name: "upsample_nearest", call: "upsample_nearest(x, [1, 3])", inputs: { "x: f32[N, 1, 3, 2]": numbers([2, 1, 3, 2], 1) },
    value: (g) => made([2, 1, 3, 6], (n = 0, c = 0, i = 0, j = 0) => elements(g, "x")(n, c, i, Math.floor(j / 3))),
  },
  bilinearly("", [2, 2], false), bilinearly(", [3, 1]", [3, 1], false), bilinearly(", [2, 4], align_corners = true", [2, 4], true),
  ...[{ "x: f32[N, 4, 2, 1]": numbers([2, 4, 2, 1], 1) }, { "x: f32[N, 4, 2]": numbers([2, 4, 2], 1) }].map((inputs): ShelfRecord => ({
    name: "squeeze_excite", call: "squeeze_excite(x, ratio = 2)", inputs,
    stored: { "v.squeeze.W": numbers([4, 2], 2), "v.squeeze.b": [0.5, 1], "v.excite.W": numbers([2, 4], 3), "v.excite.b": [1, 2, 3, 4] },
    value: (g) => {
      const x = reader([2, 4, 2], g.flat("x"));
      const h = affine((n, c) => (x(n, c, 0) + x(n, c, 1)) / 2, 2, 4, 2, g.flat("v.squeeze.W"), g.flat("v.squeeze.b"));
      const gates = affine((n, i) => Math.max(0, h[n]?.[i] ?? 0), 2, 2, 4, g.flat("v.excite.W"), g.flat("v.excite.b"));
      return made([2, 4, 2], (n = 0, c = 0, i = 0) => x(n, c, i) * sigmoid(gates[n]?.[c] ?? 0));
    },
  })),
];

export const layers: readonly ShelfRecord[] = [...simple, ...convolutions, ...pools, ...further];
