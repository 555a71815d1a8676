/** The penalties, each with its formula by hand, and what it is where weights are 0. */
import { type ShelfRecord, range, sum, sumOf, zip } from "./record.ts";

const W = { "W: f32[3, 2]": [[1, -2], [0.5, 0.25], [-3, 1.5]] };
const zero = { W: [[0, 0], [0, 0], [0, 0]] };
const nought = [0, 0, 0, 0, 0, 0];
const squares = (x: readonly number[]): number => sum(x.map((v) => v ** 2));
const absolutes = (x: readonly number[]): number => sum(x.map(Math.abs));
const norm = (x: readonly number[]): number => Math.sqrt(squares(x));

/** Σ (A - I)² of the products of some rows. */
const fromOrthonormal = (rows: readonly (readonly number[])[]): number =>
  sumOf(rows.length, (i) => sumOf(rows.length, (j) => (sum(zip(rows[i] ?? [], rows[j] ?? [], (a, b) => a * b)) - Number(i === j)) ** 2));
const transposed = (rows: readonly (readonly number[])[]): number[][] => range(rows[0]?.length ?? 0).map((k) => rows.map((r) => r[k] ?? 0));
const cut = (rows: readonly (readonly number[])[], c: number): number[][] => rows.map((r) => r.map((v) => v * Math.min(1, c / norm(r))));

/** Two layers, of whose parameters the penalty takes the weights alone. */
const layers = {
  inputs: { "x: f32[N, 2]": [[1, 2]] }, before: "h = dense(x, 2)\n  z = dense(h, 1)",
  stored: { "h.W": [[1, -2], [0.5, 0.25]], "h.b": [10, -20], "z.W": [[3], [-0.125]], "z.b": [30] }, still: ["x", "h.b", "z.b"],
} as const;
const ofLayers = (of: (w: readonly number[]) => number): ShelfRecord["value"] => (g) => of([...g.flat("h.W"), ...g.flat("z.W")]);

export const penalties: readonly ShelfRecord[] = [
  { name: "l1", call: "l1(W)", inputs: W, value: (g) => absolutes(g.flat("W")), points: [{ what: "at the kinks", at: zero, value: 0, gradient: { W: nought } }] },
  { name: "l1", call: "l1(weights)", ...layers, value: ofLayers(absolutes) },
  { name: "l2", call: "l2(W)", inputs: W, value: (g) => squares(g.flat("W")), points: [{ what: "twice the weight", at: { W: [[1, 2], [3, 4], [5, 6]] }, gradient: { W: [2, 4, 6, 8, 10, 12] } }] },
  { name: "l2", call: "l2(W, half = true)", inputs: W, value: (g) => squares(g.flat("W")) / 2, points: [{ what: "the weight", at: { W: [[1, 2], [3, 4], [5, 6]] }, gradient: { W: [1, 2, 3, 4, 5, 6] } }] },
  { name: "l2", call: "l2(weights)", ...layers, value: ofLayers(squares) },
  {
    name: "elastic_net", call: "elastic_net(W)", inputs: W, value: (g) => 0.5 * absolutes(g.flat("W")) + 0.25 * squares(g.flat("W")),
    points: [{ what: "at the kinks", at: zero, value: 0, gradient: { W: nought } }],
  },
  { name: "elastic_net", call: "elastic_net(weights, ratio = 0.25)", ...layers, value: ofLayers((w) => 0.25 * absolutes(w) + 0.375 * squares(w)) },
  {
    name: "group_lasso", call: "group_lasso(W)", inputs: W, value: (g) => Math.SQRT2 * sum(g.rows("W").map(norm)),
    points: [
      { what: "all groups are 0", at: zero, value: 0, gradient: { W: nought } },
      { what: "one group is 0", at: { W: [[0, 0], [3, 4], [0, 1]] }, value: Math.SQRT2 * 6, gradient: { W: [0, 0, 0.6 * Math.SQRT2, 0.8 * Math.SQRT2, 0, Math.SQRT2] } },
    ],
  },
  { name: "group_lasso", call: "group_lasso(transpose(W), scaled = false)", inputs: W, value: (g) => sum(transposed(g.rows("W")).map(norm)) },
  {
    name: "max_norm", call: "max_norm(W, 2)", inputs: W, value: (g) => transposed(cut(transposed(g.rows("W")), 2)),
    points: [
      { what: "what is short enough, and 0, stays", at: { W: [[1, 0], [1, 0], [1, 0]] }, value: [[1, 0], [1, 0], [1, 0]], gradient: { W: [1, 1, 1, 1, 1, 1] } },
      { what: "what is longer comes to the length", at: { W: [[3, 0], [0, 0], [0, -5]] }, value: [[2, 0], [0, 0], [0, -2]] },
    ],
  },
  { name: "max_norm", call: "max_norm(W, 1.5, axis = 1)", inputs: W, value: (g) => cut(g.rows("W"), 1.5) },
  {
    name: "max_norm", call: "max_norm(K, 1, axis = [1, 2])", inputs: { "K: f32[2, 2, 2]": [[[1, -2], [0.5, 0.25]], [[0.1, 0.2], [0.3, 0.4]]] },
    value: (g) => { const k = g.flat("K"); return cut([k.slice(0, 4), k.slice(4)], 1); },
  },
  {
    name: "activity_penalty", call: "activity_penalty(h)", inputs: { "h: f32[N, 3]": [[1, -2, 0.5], [0.25, 3, -1]] }, value: (g) => absolutes(g.flat("h")) / 2,
    points: [{ what: "at the kinks", at: { h: [[0, 0, 2]] }, value: 2, gradient: { h: [0, 0, 1] } }],
  },
  {
    name: "activity_penalty", call: "activity_penalty(h, l1 = 0.5, l2 = 2)", inputs: { "h: f32[N, 2, 2]": [[[1, -2], [0.5, -1]], [[0.25, 3], [-1, 2]]] },
    value: (g) => (0.5 * absolutes(g.flat("h")) + 2 * squares(g.flat("h"))) / 2,
  },
  {
    name: "orthogonality", call: "orthogonality(W)", inputs: W, value: (g) => fromOrthonormal(transposed(g.rows("W"))),
    points: [{ what: "orthonormal columns", at: { W: [[0.6, -0.8], [0.8, 0.6], [0, 0]] }, value: 0, gradient: { W: nought } }],
  },
  { name: "orthogonality", call: "orthogonality(transpose(W))", inputs: W, value: (g) => fromOrthonormal(transposed(g.rows("W"))) },
];
