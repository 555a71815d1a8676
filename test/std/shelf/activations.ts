/** The activations, each with its formula by hand and with what it is where its pieces meet. */
import { at, each, range, type ShelfRecord, sum } from "./record.ts";

const softmax = (x: readonly number[]): number[] => {
  const e = x.map((v) => Math.exp(v - Math.max(...x)));
  return e.map((v) => v / sum(e));
};

export const activations: readonly ShelfRecord[] = [
  each("identity", "identity(x)", (x) => x),
  each("relu", "relu(x)", (x) => Math.max(x, 0), { points: [at("at the kink", 0, 0, 0), at("far below", -1e30, 0, 0), at("far above", 1e30, 1e30, 1)] }),
  each("leaky_relu", "leaky_relu(x)", (x) => (x >= 0 ? x : 0.01 * x), { points: [at("at the kink", 0, 0, 1)] }),
  each("leaky_relu", "leaky_relu(x, slope = 0.2)", (x) => (x >= 0 ? x : 0.2 * x)),
  {
    name: "softmax", call: "softmax(x)", inputs: { "x: f32[N, 4]": [[-3, -0.5, 0, 0.25], [1, 2.5, 40, -40]] }, value: (g) => g.rows("x").map(softmax),
    points: [{ what: "equal numbers", at: { x: [[1e4, 1e4, 1e4, 1e4]] }, value: [[0.25, 0.25, 0.25, 0.25]], gradient: { x: [0, 0, 0, 0] } }],
  },
  {
    name: "softmax", call: "softmax(x, axis = 0)", inputs: { "x: f32[N, 3]": [[-3, -0.5, 0], [1, 2.5, 4]] },
    value: (g) => {
      const columns = range(3).map((k) => softmax(g.rows("x").map((r) => r[k] ?? 0)));
      return g.rows("x").map((_, n) => columns.map((c) => c[n] ?? 0));
    },
  },
];
