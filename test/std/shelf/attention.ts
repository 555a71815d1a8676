/** Attention, positions and the block of a transformer, by plain loops. */
import { elements, made, moments, numbers, sigmoid, total } from "./by-hand.ts";
import type { Given, Nested, ShelfRecord } from "./record.ts";

type Matrix = readonly (readonly number[])[];
type Sees = (i: number, j: number) => boolean;

const matrix = (data: readonly number[], width: number): Matrix => Array.from({ length: data.length / width }, (_, r) => data.slice(r * width, (r + 1) * width));
const times = (a: Matrix, b: Matrix): Matrix => a.map((r) => (b[0] ?? []).map((_, c) => total([r.length], (i = 0) => (r[i] ?? 0) * (b[i]?.[c] ?? 0))));
const plus = (a: Matrix, b: Matrix): Matrix => a.map((r, i) => r.map((v, c) => v + (b[i]?.[c] ?? 0)));
/** x W + b, with both by path. */
const dense = (g: Given, path: string, x: Matrix): Matrix => {
  const b = g.flat(`${path}.b`);
  return times(x, matrix(g.flat(`${path}.W`), b.length)).map((r) => r.map((v, o) => v + (b[o] ?? 0)));
};

/** Each row's softmax over what it sees, 0 elsewhere; the largest number seen is taken off. */
function softmax(s: Matrix, sees: Sees): Matrix {
  return s.map((row, i) => {
    const seen = row.filter((_, j) => sees(i, j));
    const top = Math.max(...seen);
    const below = seen.reduce((sum, v) => sum + Math.exp(v - top), 0);
    return row.map((v, j) => (sees(i, j) ? Math.exp(v - top) / below : 0));
  });
}

/** softmax(q kᵀ / √d) v. */
function attend(q: Matrix, k: Matrix, v: Matrix, sees: Sees): Matrix {
  const d = q[0]?.length ?? 1;
  return times(softmax(q.map((row) => k.map((key) => total([d], (c = 0) => (row[c] ?? 0) * (key[c] ?? 0)) / Math.sqrt(d))), sees), v);
}

/** Several heads, of parameters below a path. */
function heads(g: Given, path: string, x: Matrix, memory: Matrix, count: number, sees: Sees): Matrix {
  const [q, k, v] = [dense(g, `${path}.q`, x), dense(g, `${path}.k`, memory), dense(g, `${path}.v`, memory)];
  const width = (q[0]?.length ?? 0) / count;
  const part = (m: Matrix, h: number): Matrix => m.map((r) => r.slice(h * width, (h + 1) * width));
  const each = Array.from({ length: count }, (_, h) => attend(part(q, h), part(k, h), part(v, h), sees));
  return dense(g, `${path}.o`, x.map((_, t) => each.flatMap((m) => m[t] ?? [])));
}

const norm = (g: Given, path: string, x: Matrix): Matrix => x.map((r) => {
  const { mean, variance } = moments(r);
  return r.map((v, c) => ((g.flat(`${path}.γ`)[c] ?? 0) * (v - mean)) / Math.sqrt(variance + 1e-5) + (g.flat(`${path}.β`)[c] ?? 0));
});

/** A block whose norms stand before or behind. */
function block(g: Given, x: Matrix, pre: boolean, sees: Sees): Matrix {
  const net = (h: Matrix): Matrix => dense(g, "v.net.back", dense(g, "v.net.wide", h).map((r) => r.map((v) => v * sigmoid(v))));
  const attended = heads(g, "v.attended", pre ? norm(g, "v.first", x) : x, pre ? norm(g, "v.first", x) : x, 2, sees);
  const h = pre ? plus(x, attended) : norm(g, "v.h", plus(x, attended));
  const end = plus(h, net(pre ? norm(g, "v.second", h) : h));
  return pre ? end : norm(g, "v.y", end);
}

const all: Sees = () => true;
const back: Sees = (i, j) => j <= i;
const scores = { "s: f32[N, 3, 3]": numbers([2, 3, 3], 1) };
const queries = { "q: f32[N, 3, 2]": numbers([2, 3, 2], 1), "k: f32[N, 4, 2]": numbers([2, 4, 2], 2), "w: f32[N, 4, 3]": numbers([2, 4, 3], 3) };
const sequence = { "x: f32[N, 3, 4]": numbers([2, 3, 4], 1) };
/** What one example has of an input. */
const example = (g: Given, name: string, n: number): Matrix => {
  const [count = 1] = g.shape(name);
  const each = g.flat(name).length / count;
  return matrix(g.flat(name).slice(n * each, (n + 1) * each), g.shape(name).at(-1) ?? 1);
};
const twice = (of: (n: number) => Matrix): Nested => [of(0), of(1)];

const projections = (path: string, from: number, to: number): Record<string, Nested> => Object.fromEntries(["q", "k", "v", "o"].flatMap((name, i) => [
  [`${path}.${name}.W`, numbers([name === "k" || name === "v" ? from : to, to], 2 + i)], [`${path}.${name}.b`, numbers([to], 6 + i)],
]));
const norms = (...paths: readonly string[]): Record<string, Nested> => Object.fromEntries(paths.flatMap((path, i) => [[`${path}.γ`, numbers([4], 3 + i)], [`${path}.β`, numbers([4], 5 + i)]]));
const net = { "v.net.wide.W": numbers([4, 3], 7), "v.net.wide.b": numbers([3], 8), "v.net.back.W": numbers([3, 4], 9), "v.net.back.b": numbers([4], 10) };

/** Pairs of channels turned by the angle t / 10000^(2i / d). */
const turned = (x: (t: number, c: number) => number, d: number, pair: (i: number) => readonly [number, number]) => (t: number, c: number): number => {
  const i = Array.from({ length: d / 2 }, (_, k) => k).find((k) => pair(k).includes(c)) ?? 0;
  const [a, b] = pair(i);
  const angle = t / 10000 ** ((2 * i) / d);
  return c === a ? x(t, a) * Math.cos(angle) - x(t, b) * Math.sin(angle) : x(t, a) * Math.sin(angle) + x(t, b) * Math.cos(angle);
};

const rotaries = [true, false].map((interleaved): ShelfRecord => ({
  name: "rotary", call: `rotary(x${interleaved ? "" : ", interleaved = false"})`, inputs: sequence,
  value: (g) => {
    const x = elements(g, "x");
    return made([2, 3, 4], (n = 0, t = 0, c = 0) => turned((s, b) => x(n, s, b), 4, (i) => (interleaved ? [2 * i, 2 * i + 1] : [i, i + 2]))(t, c));
  },
}));

export const attention: readonly ShelfRecord[] = [
  { name: "masked_softmax", call: "masked_softmax(s)", inputs: scores, value: (g) => twice((n) => softmax(example(g, "s", n), all)) },
  {
    name: "masked_softmax", call: "masked_softmax(s, mask)", inputs: { ...scores, "mask: bool[N, 1, 3]": [[[1, 0, 1]], [[0, 0, 1]]] },
    value: (g) => twice((n) => softmax(example(g, "s", n), (_, j) => g.flat("mask")[3 * n + j] === 1)),
    points: [
      { what: "a row that sees nothing", at: { mask: [[[0, 0, 0]], [[0, 0, 0]]] }, value: made([2, 3, 3], () => 0), gradient: { s: made([2, 3, 3], () => 0) } },
      { what: "large numbers", at: { s: made([2, 3, 3], () => 1e4), mask: [[[1, 0, 1]], [[1, 0, 1]]] }, value: made([2, 3, 3], (_, __, j) => (j === 1 ? 0 : 0.5)), gradient: { s: made([2, 3, 3], () => 0) } },
      { what: "what is hidden is huge", at: { s: made([2, 3, 3], (_, __, j) => (j === 1 ? 1e300 : 5)), mask: [[[1, 0, 1]], [[1, 0, 1]]] }, value: made([2, 3, 3], (_, __, j) => (j === 1 ? 0 : 0.5)), gradient: { s: made([2, 3, 3], () => 0) } },
    ],
  },
  {
    name: "masked_softmax", call: "masked_softmax(s, mask, causal = true)", inputs: { ...scores, "mask: bool[N, 3, 3]": [[[1, 0, 0], [1, 1, 1], [0, 1, 1]], [[1, 0, 0], [1, 0, 1], [0, 0, 1]]] },
    value: (g) => twice((n) => softmax(example(g, "s", n), (i, j) => j <= i && g.flat("mask")[9 * n + 3 * i + j] === 1)),
  },
  { name: "causal_softmax", call: "causal_softmax(s)", inputs: scores, value: (g) => twice((n) => softmax(example(g, "s", n), back)) },
  { name: "attention", call: "attention(q, k, w)", inputs: queries, value: (g) => twice((n) => attend(example(g, "q", n), example(g, "k", n), example(g, "w", n), all)) },
  {
    name: "attention", call: "attention(q, k, w, mask = mask)", inputs: { ...queries, "mask: bool[N, 3, 4]": [[[1, 0, 0, 1], [1, 1, 1, 0], [0, 1, 1, 1]], [[1, 0, 0, 1], [1, 0, 1, 1], [0, 0, 1, 0]]] },
    value: (g) => twice((n) => attend(example(g, "q", n), example(g, "k", n), example(g, "w", n), (i, j) => g.flat("mask")[12 * n + 4 * i + j] === 1)),
  },
  { name: "attention", call: "attention(x, x, x, causal = true)", inputs: sequence, value: (g) => twice((n) => attend(example(g, "x", n), example(g, "x", n), example(g, "x", n), back)) },
  {
    name: "multi_head_attention", call: "multi_head_attention(x, 2, causal = true)", inputs: sequence, stored: projections("v", 4, 4),
    value: (g) => twice((n) => heads(g, "v", example(g, "x", n), example(g, "x", n), 2, back)),
  },
  {
    name: "multi_head_attention", call: "multi_head_attention(x, 2, memory = m, mask = mask)", inputs: { ...sequence, "m: f32[N, 2, 3]": numbers([2, 2, 3], 5), "mask: bool[N, 1, 1, 2]": [[[[1, 0]]], [[[1, 1]]]] },
    stored: projections("v", 3, 4), value: (g) => twice((n) => heads(g, "v", example(g, "x", n), example(g, "m", n), 2, (_, j) => g.flat("mask")[2 * n + j] === 1)),
  },
  {
    name: "by_head", call: "by_head(x, 2)", inputs: sequence,
    value: (g) => made([2, 2, 3, 2], (n = 0, h = 0, t = 0, c = 0) => elements(g, "x")(n, t, 2 * h + c)),
  },
  ...[true, false].map((interleaved): ShelfRecord => ({
    name: "sinusoidal_positions", call: `sinusoidal_positions(5, 4${interleaved ? "" : ", interleaved = false"})`, inputs: {}, still: true,
    value: () => made([5, 4], (t = 0, c = 0) => {
      const [i, wave] = interleaved ? [Math.floor(c / 2), c % 2] : [c % 2, Math.floor(c / 2)];
      return wave === 0 ? Math.sin(t / 10000 ** ((2 * i) / 4)) : Math.cos(t / 10000 ** ((2 * i) / 4));
    }),
  })),
  {
    name: "learned_positions", call: "learned_positions(x)", inputs: sequence, stored: { "v.P": numbers([3, 4], 2) },
    value: (g) => made([2, 3, 4], (n = 0, t = 0, c = 0) => elements(g, "x")(n, t, c) + elements(g, "v.P")(t, c)),
  },
  ...rotaries,
  {
    name: "transformer_block", call: "transformer_block(x, 2, hidden = 3, causal = true, activation = silu)", inputs: sequence,
    stored: { ...projections("v.attended", 4, 4), ...norms("v.first", "v.second"), ...net }, value: (g) => twice((n) => block(g, example(g, "x", n), true, back)),
  },
  {
    name: "transformer_block", call: "transformer_block(x, 2, hidden = 3, pre_norm = false, activation = silu)", inputs: sequence,
    stored: { ...projections("v.attended", 4, 4), ...norms("v.h", "v.y"), ...net }, value: (g) => twice((n) => block(g, example(g, "x", n), false, all)),
  },
];
