/** The normalisations, in training and in evaluation, with what they keep of a batch. */
import { elements, made, moments, numbers, reader } from "./by-hand.ts";
import type { Given, Nested, ShelfRecord } from "./record.ts";

const eps = 1e-5;

/** x: [N, c, places], normalised over what `together` says belongs together, then scaled and shifted by channel. */
function normalised(g: Given, name: string, together: (n: number, k: number) => (m: number, l: number) => boolean, affine = true): Nested {
  const [N = 0, c = 0, ...further] = g.shape(name);
  const places = further.reduce((a, b) => a * b, 1);
  const x = reader([N, c, places], g.flat(name));
  const [γ, β] = affine ? [g.flat("v.γ"), g.flat("v.β")] : [[], []];
  return made([N, c, places], (n = 0, k = 0, i = 0) => {
    const mine: number[] = [];
    made([N, c, places], (m = 0, l = 0, j = 0) => (together(n, k)(m, l) ? mine.push(x(m, l, j)) : 0));
    const { mean, variance } = moments(mine);
    return (γ[k] ?? 1) * ((x(n, k, i) - mean) / Math.sqrt(variance + eps)) + (β[k] ?? 0);
  });
}

/** All numbers of a channel. */
function channel(g: Given, k: number): number[] {
  const [N = 0, c = 0, ...further] = g.shape("x");
  const places = further.reduce((a, b) => a * b, 1);
  const x = reader([N, c, places], g.flat("x"));
  return (made([N, places], (n = 0, i = 0) => x(n, k, i)) as number[][]).flat();
}

const affine = { "v.γ": [1.5, -0.5, 2, 1], "v.β": [0.5, 1, -1, 0.25] };
const running = { "v.running_mean": [0.5, -0.25, 1, 0], "v.running_var": [1.5, 0.5, 2, 1] };
const rows = { "x: f32[N, 4]": numbers([5, 4], 1) };
const images = { "x: f32[N, 4, 2, 3]": numbers([3, 4, 2, 3], 2) };
const byChannel = (g: Given): Nested => normalised(g, "x", (_, k) => (__, l) => l === k);

/** With the running averages in place of the batch's. */
function evaluated(g: Given): Nested {
  const [N = 0, c = 0, ...further] = g.shape("x");
  const places = further.reduce((a, b) => a * b, 1);
  const x = reader([N, c, places], g.flat("x"));
  const of = (name: string, k: number): number => g.flat(`v.${name}`)[k] ?? 0;
  return made([N, c, places], (n = 0, k = 0, i = 0) => (of("γ", k) * (x(n, k, i) - of("running_mean", k))) / Math.sqrt(of("running_var", k) + eps) + of("β", k));
}

/** What is kept of a batch. */
const kept = (momentum: number, unbiased: boolean) => (g: Given): Record<string, Nested> => {
  const batch = [0, 1, 2, 3].map((k) => channel(g, k));
  const share = (old: number | undefined, fresh: number): number => momentum * (old ?? 0) + (1 - momentum) * fresh;
  const variance = (x: readonly number[]): number => (moments(x).variance * x.length) / (unbiased ? x.length - 1 : x.length);
  return {
    "v.running_mean": batch.map((x, k) => share(g.flat("v.running_mean")[k], moments(x).mean)),
    "v.running_var": batch.map((x, k) => share(g.flat("v.running_var")[k], variance(x))),
  };
};

const batchNorm = [rows, images].flatMap((inputs): ShelfRecord[] => [
  { name: "batch_norm", call: "batch_norm(x)", inputs, stored: { ...affine, ...running }, value: evaluated },
  { name: "batch_norm", call: "batch_norm(x)", inputs, stored: { ...affine, ...running }, training: true, value: byChannel, updates: kept(0.9, false) },
  { name: "batch_norm", call: "batch_norm(x, momentum = 0.5, unbiased = true)", inputs, stored: { ...affine, ...running }, training: true, value: byChannel, updates: kept(0.5, true) },
]);

export const normalisation: readonly ShelfRecord[] = [
  ...batchNorm,
  {
    name: "batch_norm", call: "batch_norm(x, unbiased = true)", inputs: { "x: f32[N, 4]": [[1, 2, 3, 4]] }, stored: { ...affine, ...running }, training: true, still: ["x", "v.γ"],
    value: () => [[0.5, 1, -1, 0.25]],
    updates: () => ({ "v.running_mean": [0.9 * 0.5 + 0.1, 0.9 * -0.25 + 0.2, 0.9 + 0.3, 0.4], "v.running_var": [1.35, 0.45, 1.8, 0.9] }),
  },
  { name: "layer_norm", call: "layer_norm(x)", inputs: rows, stored: affine, value: (g) => normalised(g, "x", (n) => (m) => m === n) },
  {
    name: "layer_norm", call: "layer_norm(x)", inputs: { "x: f32[N, 2, 4]": numbers([3, 2, 4], 2) }, stored: affine,
    value: (g) => {
      const x = elements(g, "x");
      return made([3, 2, 4], (n = 0, t = 0, k = 0) => {
        const { mean, variance } = moments([0, 1, 2, 3].map((l) => x(n, t, l)));
        return (g.flat("v.γ")[k] ?? 0) * ((x(n, t, k) - mean) / Math.sqrt(variance + eps)) + (g.flat("v.β")[k] ?? 0);
      });
    },
    points: [{ what: "equal numbers", at: { x: [[[3, 3, 3, 3], [3, 3, 3, 3]]] }, value: [[0.5, 1, -1, 0.25, 0.5, 1, -1, 0.25]] }],
  },
  {
    name: "rms_norm", call: "rms_norm(x)", inputs: rows, stored: { "v.γ": affine["v.γ"] },
    value: (g) => g.rows("x").map((r) => r.map((v, k) => ((g.flat("v.γ")[k] ?? 0) * v) / Math.sqrt(r.reduce((s, w) => s + w * w, 0) / 4 + 1e-6))),
  },
  { name: "group_norm", call: "group_norm(x, 2)", inputs: images, stored: affine, value: (g) => normalised(g, "x", (n, k) => (m, l) => m === n && (l < 2) === (k < 2)) },
  { name: "group_norm", call: "group_norm(x, 2)", inputs: rows, stored: affine, value: (g) => normalised(g, "x", (n, k) => (m, l) => m === n && (l < 2) === (k < 2)) },
  { name: "instance_norm", call: "instance_norm(x)", inputs: images, stored: affine, value: (g) => normalised(g, "x", (n, k) => (m, l) => m === n && l === k) },
  { name: "instance_norm", call: "instance_norm(x, affine = false)", inputs: images, value: (g) => normalised(g, "x", (n, k) => (m, l) => m === n && l === k, false) },
  {
    name: "weight_norm", call: "weight_norm(x, 2)", inputs: rows, stored: { "v.v": numbers([4, 2], 3), "v.g": [1.5, -0.5], "v.b": [0.5, 1] },
    value: (g) => {
      const [x, v] = [elements(g, "x"), elements(g, "v.v")];
      const sum = (of: (i: number) => number): number => [0, 1, 2, 3].reduce((s, i) => s + of(i), 0);
      return made([5, 2], (n = 0, o = 0) => ((g.flat("v.g")[o] ?? 0) * sum((i) => x(n, i) * v(i, o))) / Math.sqrt(sum((i) => v(i, o) ** 2)) + (g.flat("v.b")[o] ?? 0));
    },
  },
  {
    name: "standardise", call: "standardise(x)", inputs: rows,
    value: (g) => g.rows("x").map((r) => r.map((v) => (v - moments(r).mean) / Math.sqrt(moments(r).variance + eps))),
  },
  {
    name: "scale_channels", call: "scale_channels(x, γ, β)", inputs: { ...images, "γ: f32[4]": [1, 2, -1, 0.5], "β: f32[4]": [0, 1, 2, 3] },
    value: (g) => {
      const x = elements(g, "x");
      return made([3, 4, 2, 3], (n = 0, k = 0, i = 0, j = 0) => (g.flat("γ")[k] ?? 0) * x(n, k, i, j) + (g.flat("β")[k] ?? 0));
    },
  },
];
