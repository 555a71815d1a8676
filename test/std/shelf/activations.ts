/** The activations, each with its formula by hand, and what it is where its pieces meet and far from 0. */
import { at, each, range, type ShelfRecord, sum, sumOf, zip } from "./record.ts";
import { erf } from "./special.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)));
const gelu = (x: number): number => (x * (1 + erf(x / Math.SQRT2))) / 2;
const cut = (x: number, lo: number, hi: number): number => Math.min(hi, Math.max(lo, x));
const elu = (x: number, α: number): number => (x >= 0 ? x : α * (Math.exp(x) - 1));
const softmax = (x: readonly number[]): number[] => {
  const e = x.map((v) => Math.exp(v - Math.max(...x)));
  return e.map((v) => v / sum(e));
};
const logSoftmax = (x: readonly number[]): number[] => softmax(x).map(Math.log);
const large = 1e4;

/** Of single numbers. */
const elementwise: readonly ShelfRecord[] = [
  each("identity", "identity(x)", (x) => x),
  each("step", "step(x)", (x) => (x > 0 ? 1 : 0), { still: true, points: [at("at 0", 0, 0, 0)] }),
  each("step", "step(x, at_zero = 0.5)", (x) => (x > 0 ? 1 : 0), { still: true, points: [at("at 0", 0, 0.5, 0)] }),
  each("sigmoid", "sigmoid(x)", sigmoid, { points: [at("at 0", 0, 0.5, 0.25), at("far above", large, 1, 0), at("far below", -large, 0, 0)] }),
  each("log_sigmoid", "log_sigmoid(x)", (x) => Math.log(sigmoid(x)), { points: [at("at 0", 0, -Math.LN2, 0.5), at("far above", large, 0, 0), at("far below", -large, -large, 1)] }),
  each("tanh", "tanh(x)", Math.tanh, { points: [at("far above", 1e30, 1, 0), at("far below", -1e30, -1, 0)] }),
  each("relu", "relu(x)", (x) => Math.max(x, 0), { points: [at("at the kink", 0, 0, 0), at("far below", -1e30, 0, 0), at("far above", 1e30, 1e30, 1)] }),
  each("relu6", "relu6(x)", (x) => cut(x, 0, 6), { points: [at("at the first kink", 0, 0, 0), at("at the second kink", 6, 6, 0), at("far above", large, 6, 0)] }),
  each("leaky_relu", "leaky_relu(x)", (x) => (x >= 0 ? x : 0.01 * x), { points: [at("at the kink", 0, 0, 1), at("far below", -large, -100, 0.01)] }),
  each("leaky_relu", "leaky_relu(x, slope = 0.2)", (x) => (x >= 0 ? x : 0.2 * x)),
  each("leaky_relu", "leaky_relu(x, slope = -1)", Math.abs, { points: [at("the slope is that above", 0, 0, 1)] }),
  each("abs", "abs(x)", Math.abs, { points: [at("at the kink", 0, 0, 0), at("far below", -large, large, -1)] }),
  each("elu", "elu(x)", (x) => elu(x, 1), { points: [at("at 0", 0, 0, 1), at("far above", 1e3, 1e3, 1), at("far below", -large, -1, 0)] }),
  each("elu", "elu(x, α = 2)", (x) => elu(x, 2), { points: [at("at the kink", 0, 0, 1)] }),
  each("selu", "selu(x)", (x) => 1.0507009873554805 * elu(x, 1.6732632423543772), { points: [at("at the kink", 0, 0, 1.0507009873554805)] }),
  each("softplus", "softplus(x)", softplus, { points: [at("at 0", 0, Math.LN2, 0.5), at("far above", large, large, 1), at("far below", -large, 0, 0)] }),
  each("softplus", "max(-x, 0) + log1p(exp(-abs(-x)))", (x) => softplus(-x), { points: [at("as written stably, at 0", 0, Math.LN2, -0.5), at("far below", -large, large, -1)] }),
  each("softplus", "max(x, 0) + log1p(exp(-abs(x)))", softplus, { points: [at("as written stably, at 0", 0, Math.LN2, 0.5)] }),
  each("hard_tanh", "hard_tanh(x)", (x) => cut(x, -1, 1), { points: [at("at the first kink", -1, -1, 0), at("at the second kink", 1, 1, 0), at("between", 0, 0, 1)] }),
  each("hard_tanh", "hard_tanh(x, lo = -2, hi = 3)", (x) => cut(x, -2, 3)),
  each("hard_sigmoid", "hard_sigmoid(x)", (x) => cut(x / 6 + 0.5, 0, 1), { points: [at("at 0", 0, 0.5, 1 / 6), at("far above", large, 1, 0), at("far below", -large, 0, 0)] }),
  each("hard_sigmoid", "hard_sigmoid(x, slope = 0.2)", (x) => cut(0.2 * x + 0.5, 0, 1), { points: [at("at the kink", 2.5, 1, 0)] }),
  each("hard_swish", "hard_swish(x)", (x) => x * cut(x / 6 + 0.5, 0, 1), { points: [at("far above", large, large, 1), at("far below", -large, 0, 0)] }),
  each("softsign", "softsign(x)", (x) => x / (1 + Math.abs(x)), { points: [at("at 0", 0, 0, 1)] }),
  each("gelu", "gelu(x)", gelu, { points: [at("at 0", 0, 0, 0.5), at("far above", large, large, 1), at("far below", -large, 0, 0)] }),
  each("gelu_tanh", "gelu_tanh(x)", (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2, { points: [at("far above", large, large, 1), at("far below", -large, 0, 0)] }),
  each("gelu", "gelu(x, approximate = true)", gelu, { within: 5e-4, points: [at("at 0", 0, 0, 0.5)] }),
  each("silu", "silu(x)", (x) => x * sigmoid(x), { points: [at("at 0", 0, 0, 0.5), at("far above", large, large, 1), at("far below", -large, 0, 0)] }),
  each("mish", "mish(x)", (x) => x * Math.tanh(softplus(x)), { points: [at("at 0", 0, 0, 0.6), at("far above", large, large, 1), at("far below", -large, 0, 0)] }),
  each("clip", "clip(x, -2, 1)", (x) => cut(x, -2, 1)),
];

const x4 = { "x: f32[N, 4]": [[-3, -0.5, 0.125, 0.25], [1, 2.5, 40, -40]] };
const columnwise = (of: (x: readonly number[]) => number[]) => (rows: readonly (readonly number[])[]): number[][] => {
  const columns = range(rows[0]?.length ?? 0).map((k) => of(rows.map((r) => r[k] ?? 0)));
  return rows.map((_, n) => columns.map((c) => c[n] ?? 0));
};
/** The halves of rows, combined. */
const gated = (of: (value: number, gate: number) => number): ShelfRecord["value"] => (g) => g.rows("x").map((r) => zip(r.slice(0, r.length / 2), r.slice(r.length / 2), of));

/** Of rows. */
const rowwise: readonly ShelfRecord[] = [
  {
    name: "softmax", call: "softmax(x)", inputs: x4, value: (g) => g.rows("x").map(softmax),
    points: [
      { what: "equal numbers", at: { x: [[1e4, 1e4, 1e4, 1e4]] }, value: [[0.25, 0.25, 0.25, 0.25]], gradient: { x: [0, 0, 0, 0] } },
      { what: "far apart", at: { x: [[1e4, -1e4, 0, 0]] }, value: [[1, 0, 0, 0]], gradient: { x: [0, 0, 0, 0] } },
    ],
  },
  { name: "softmax", call: "softmax(x, axis = 0)", inputs: { "x: f32[N, 3]": [[-3, -0.5, 0], [1, 2.5, 4]] }, value: (g) => columnwise(softmax)(g.rows("x")) },
  {
    name: "log_softmax", call: "log_softmax(x)", inputs: x4, value: (g) => g.rows("x").map(logSoftmax),
    points: [{ what: "far apart", at: { x: [[1e4, -1e4, 0, 0]] }, value: [[0, -2e4, -1e4, -1e4]], gradient: { x: [-3, 1, 1, 1] } }],
  },
  { name: "log_softmax", call: "log_softmax(x, axis = 0)", inputs: { "x: f32[N, 3]": [[-3, -0.5, 0], [1, 2.5, 4]] }, value: (g) => columnwise(logSoftmax)(g.rows("x")) },
  { name: "glu", call: "glu(x)", inputs: x4, value: gated((v, gate) => v * sigmoid(gate)) },
  { name: "glu", call: "glu(x, gate_first = true)", inputs: x4, value: gated((gate, v) => v * sigmoid(gate)) },
  {
    name: "glu", call: "glu(x, axis = 1)", inputs: { "x: f32[N, 4, 2]": [[[1, 2], [-1, 0.5], [3, -2], [0.25, 1]]] },
    value: (g) => range(2).map((c) => range(2).map((k) => (g.flat("x")[c * 2 + k] ?? 0) * sigmoid(g.flat("x")[4 + c * 2 + k] ?? 0))),
  },
  { name: "reglu", call: "reglu(x)", inputs: x4, value: gated((v, gate) => v * Math.max(gate, 0)), points: [{ what: "a gate at the kink", at: { x: [[1, 2, 0, 0]] }, gradient: { x: [0, 0, 0, 0] } }] },
  { name: "geglu", call: "geglu(x)", inputs: x4, value: gated((v, gate) => v * gelu(gate)) },
  { name: "swiglu", call: "swiglu(x)", inputs: x4, value: gated((v, gate) => v * gate * sigmoid(gate)) },
];

const x3 = { "x: f32[N, 3]": [[1, -2, 0.5], [-0.25, 3, -1]] };

/** Those that learn. */
const learnt: readonly ShelfRecord[] = [
  {
    name: "prelu", call: "prelu(x)", inputs: x3, stored: { "v.a": [0.1, 0.2, -0.3] }, value: (g) => g.rows("x").map((r) => zip(r, g.flat("v.a"), (x, a) => (x >= 0 ? x : a * x))),
    points: [{ what: "at the kink", at: { x: [[0, 0, 0]] }, gradient: { x: [1, 1, 1], "v.a": [0, 0, 0] } }],
  },
  { name: "prelu", call: "prelu(x, shared = true)", inputs: x3, stored: { "v.a": [0.1] }, value: (g) => g.flat("x").map((x) => (x >= 0 ? x : 0.1 * x)) },
  {
    name: "maxout", call: "maxout(x, 2, pieces = 3)", inputs: x3,
    stored: { "v.z.W": [[1, 2, 3, -1, 0.5, 0.25], [0, 1, -1, 2, 3, 1], [4, 0.125, 1, 1, -2, 0]], "v.z.b": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] },
    value: (g) => g.rows("x").map((x) => range(2).map((u) => Math.max(...range(3).map((k) => sumOf(3, (i) => (x[i] ?? 0) * (g.rows("v.z.W")[i]?.[u * 3 + k] ?? 0)) + (g.flat("v.z.b")[u * 3 + k] ?? 0))))),
    points: [{ what: "equal pieces: the first", at: { x: [[0, 0, 0]], "v.z.b": [1, 1, 1, 0, 2, 2] }, value: [[1, 2]], gradient: { "v.z.b": [1, 0, 0, 0, 1, 0] } }],
  },
  {
    name: "rbf", call: "rbf(x, 2)", inputs: x3, stored: { "v.C": [[1, 0], [-1, 2], [0.5, 0.25]], "v.σ": [1.5, -2] },
    value: (g) => g.rows("x").map((x) => range(2).map((u) => Math.exp(-sumOf(3, (i) => ((x[i] ?? 0) - (g.rows("v.C")[i]?.[u] ?? 0)) ** 2) / (g.flat("v.σ")[u] ?? 0) ** 2))),
  },
];

export const activations: readonly ShelfRecord[] = [...elementwise, ...rowwise, ...learnt];
