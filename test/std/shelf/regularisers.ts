/** The regularisers: what they do in training, by the numbers that were drawn, and that they leave values alone elsewhere. */
import { elements, made, numbers, reader } from "./by-hand.ts";
import { type Given, type Nested, range, type ShelfRecord } from "./record.ts";

const x = { "x: f32[N, 3]": numbers([4, 3], 1) };
const each = (g: Given, of: (x: number, k: number) => number): number[] => g.flat("x").map(of);

/** Which examples come to each place: the order of uniform draws. */
const orderOf = (u: readonly number[]): number[] => range(u.length).sort((a, b) => (u[a] ?? 0) - (u[b] ?? 0));

/** The logarithm of a gamma draw with shape α < 1, from the draws below a path (Marsaglia, Tsang 2000). */
function logGamma(g: Given, α: number, path: string, place: number): number {
  const d = α + 1 - 1 / 3;
  const boost = Math.log(1 - (g.uniform(`${path}.boost`)[place] ?? 0)) / α;
  for (let k = 0; k < 8; k++) {
    const [z, u] = [g.normal(`${path}.z.${k}`)[place] ?? 0, g.uniform(`${path}.u.${k}`)[place] ?? 0];
    const cube = (1 + z / Math.sqrt(9 * d)) ** 3;
    if (cube > 0 && Math.log(1 - u) < z * z / 2 + d - d * cube + d * Math.log(cube)) return Math.log(d * cube) + boost;
  }
  return Math.log(d) + boost;
}

const dense = { stored: { "v.W": numbers([3, 2], 3), "v.b": [0.5, -0.25] }, inputs: x };

/** x (W ⊙ M) + b. */
function dropconnect(g: Given, mask: (k: number) => number): Nested {
  const [X, W] = [elements(g, "x"), elements(g, "v.W")];
  return made([4, 2], (n = 0, o = 0) => [0, 1, 2].reduce((s, i) => s + X(n, i) * W(i, o) * mask(i * 2 + o), g.flat("v.b")[o] ?? 0));
}

export const regularisers: readonly ShelfRecord[] = [
  { name: "dropout", call: "dropout(x, 0.3)", inputs: x, value: (g) => g.flat("x") },
  { name: "dropout", call: "dropout(x, 0.3)", inputs: x, training: true, value: (g) => each(g, (v, k) => ((g.uniform(0)[k] ?? 0) < 0.7 ? v / 0.7 : 0)) },
  { name: "dropout", call: "dropout(x, 0.3, inverted = false)", inputs: x, value: (g) => each(g, (v) => 0.7 * v) },
  { name: "dropout", call: "dropout(x, 0.3, inverted = false)", inputs: x, training: true, value: (g) => each(g, (v, k) => ((g.uniform(0)[k] ?? 0) < 0.7 ? v : 0)) },
  { name: "dropout", call: "dropout(x, 0)", inputs: x, training: true, value: (g) => g.flat("x") },
  { name: "dropconnect", call: "dropconnect(x, 2, rate = 0.4)", ...dense, value: (g) => dropconnect(g, () => 1) },
  { name: "dropconnect", call: "dropconnect(x, 2, rate = 0.4)", ...dense, training: true, value: (g) => dropconnect(g, (k) => ((g.uniform(0)[k] ?? 0) < 0.6 ? 1 / 0.6 : 0)) },
  { name: "gaussian_noise", call: "gaussian_noise(x, std = 0.2)", inputs: x, value: (g) => g.flat("x") },
  { name: "gaussian_noise", call: "gaussian_noise(x, std = 0.2)", inputs: x, training: true, value: (g) => each(g, (v, k) => v + 0.2 * (g.normal(0)[k] ?? 0)) },
  {
    name: "gaussian_noise", call: "x @ gaussian_noise(W)", inputs: { ...x, "W: f32[3, 2]": numbers([3, 2], 4) }, training: true,
    value: (g) => {
      const [X, W] = [elements(g, "x"), elements(g, "W")];
      return made([4, 2], (n = 0, o = 0) => [0, 1, 2].reduce((s, i) => s + X(n, i) * (W(i, o) + 0.1 * (g.normal(0)[i * 2 + o] ?? 0)), 0));
    },
  },
  { name: "gaussian_dropout", call: "gaussian_dropout(x, 0.2)", inputs: x, value: (g) => g.flat("x") },
  { name: "gaussian_dropout", call: "gaussian_dropout(x, 0.2)", inputs: x, training: true, value: (g) => each(g, (v, k) => v * (1 + 0.5 * (g.normal(0)[k] ?? 0))) },
  { name: "label_noise", call: "label_noise(y, 4, 0.5)", inputs: { "y: i32[N] in 0..4": [0, 1, 2, 3, 0, 1, 2, 3] }, still: true, value: (g) => g.flat("y") },
  {
    name: "label_noise", call: "label_noise(y, 4, 0.5)", inputs: { "y: i32[N] in 0..4": [0, 1, 2, 3, 0, 1, 2, 3] }, still: true, training: true,
    value: (g) => g.flat("y").map((y, k) => ((g.uniform(0)[k] ?? 0) < 0.5 ? (y + 1 + Math.floor(3 * (g.uniform(1)[k] ?? 0))) % 4 : y)),
  },
  {
    name: "label_noise", call: "label_noise(y, 4, 0.5, others = false)", inputs: { "y: i32[N] in 0..4": [0, 1, 2, 3, 0, 1, 2, 3] }, still: true, training: true,
    value: (g) => g.flat("y").map((y, k) => ((g.uniform(0)[k] ?? 0) < 0.5 ? (y + Math.floor(4 * (g.uniform(1)[k] ?? 0))) % 4 : y)),
  },
  { name: "stochastic_depth", call: "stochastic_depth(x, 0.4)", inputs: x, value: (g) => g.flat("x") },
  { name: "stochastic_depth", call: "stochastic_depth(x, 0.4)", inputs: x, training: true, value: (g) => each(g, (v, k) => ((g.uniform(0)[Math.floor(k / 3)] ?? 0) < 0.6 ? v / 0.6 : 0)) },
  { name: "stochastic_depth", call: "stochastic_depth(x, 0.4, each = false)", inputs: x, training: true, value: (g) => each(g, (v) => ((g.uniform(0)[0] ?? 0) < 0.6 ? v / 0.6 : 0)) },
  { name: "stochastic_depth", call: "stochastic_depth(x, 0.4, inverted = false)", inputs: x, value: (g) => each(g, (v) => 0.6 * v) },
  {
    name: "stochastic_depth", call: "stochastic_depth(x, 0.4, inverted = false)", inputs: { "x: f32[N, 2, 2]": numbers([3, 2, 2], 1) }, training: true,
    value: (g) => each(g, (v, k) => ((g.uniform(0)[Math.floor(k / 4)] ?? 0) < 0.6 ? v : 0)),
  },
  {
    name: "blend", call: "blend(x, max(0, min(order, N - 1)), λ)", inputs: { "x: f32[N, 2]": numbers([4, 2], 1), "order: i32[N]": [2, 2, 0, 3], "λ: f32[N]": [0.25, 1, 0, 0.5] },
    value: (g) => {
      const X = elements(g, "x");
      return made([4, 2], (n = 0, k = 0) => (g.flat("λ")[n] ?? 0) * X(n, k) + (1 - (g.flat("λ")[n] ?? 0)) * X(g.flat("order")[n] ?? 0, k));
    },
  },
  ...[false, true].flatMap((every): ShelfRecord[] => {
    const call = `mixup(x, y${every ? ", each = true" : ", α = 0.5"})`;
    const α = every ? 0.2 : 0.5;
    const inputs = { "x: f32[N, 2, 2]": numbers([5, 2, 2], 1), "y: f32[N, 3]": numbers([5, 3], 2) };
    const blended = (g: Given, name: string, width: number): Nested => {
      const value = reader([5, width], g.flat(name));
      const order = orderOf(g.uniform("order.u"));
      const λ = (n: number): number => {
        const [draw, place] = every ? ["several", n] as const : ["single", 0] as const;
        return 1 / (1 + Math.exp(logGamma(g, α, `${draw}.y`, place) - logGamma(g, α, `${draw}.x`, place)));
      };
      return made([5, width], (n = 0, k = 0) => λ(n) * value(n, k) + (1 - λ(n)) * value(order[n] ?? 0, k));
    };
    return [
      { name: "mixup", call, inputs, results: ["a", "b"], value: (g) => ({ a: g.flat("x"), b: g.flat("y") }) },
      { name: "mixup", call, inputs, results: ["a", "b"], training: true, value: (g) => ({ a: blended(g, "x", 4), b: blended(g, "y", 3) }) },
    ];
  }),
];
