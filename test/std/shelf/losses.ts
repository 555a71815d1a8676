/** The losses, each with its formula by hand, both sides of its conventions, and its value and gradient at ±10,000. */
import { mean, type Nested, type Point, range, type ShelfRecord, sum, sumOf, zip } from "./record.ts";
import { logFactorial } from "./special.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const logsumexp = (x: readonly number[]): number => Math.max(...x) + Math.log(sumOf(x.length, (k) => Math.exp((x[k] ?? 0) - Math.max(...x))));
const weighted = (x: readonly number[], w: readonly number[]): number => sum(zip(x, w, (a, b) => a * b)) / sum(w);
const big = 1e4;

/** Predictions and what is wanted, no two equal and no two 1 apart. */
const pair = { "p: f32[N, 3]": [[-1.5, 2.25, 0.5], [3.5, 0.1, -2]], "y: f32[N, 3]": [[1, 0.75, 0.25], [-1, 0.5, 1.5]] };
const binary = { "z: f32[N, 3]": [[-1.5, 2.25, 0.5], [3.5, 0.1, -2]], "y: f32[N, 3]": [[1, 0, 0.25], [1, 0, 0.75]] };
const masked = { ...pair, "m: f32[N, 3]": [[1, 0, 0.5], [2, 1, 0]] };
const scores = { "s: f32[N, 3]": [[2, -1, 0.5], [0.1, 0.25, 0.4], [-3, 1, 0.8]], "y: i32[N] in 0..3": [0, 1, 1] };
const onto = (of: (p: number, y: number) => number): ShelfRecord["value"] => (g) => mean(zip(g.flat("p"), g.flat("y"), of));
const at = (what: string, given: Readonly<Record<string, Nested>>, value: number, gradient: Readonly<Record<string, Nested>>): Point => ({ what, at: given, value, gradient });
/** One element of three: the others are right. */
const one = (what: string, p: number, y: number, value: number, slope: number): Point => at(what, { p: [[p, 0, 0]], y: [[y, 0, 0]] }, value / 3, { p: [slope / 3, 0, 0] });
/** All elements alike. */
const all = (what: string, p: number, y: number, value: number, slope: number): Point => at(what, { p: [[p, p, p]], y: [[y, y, y]] }, value, { p: [slope / 3, slope / 3, slope / 3] });
const nothing: Point = at("nothing is kept", { m: [[0, 0, 0], [0, 0, 0]] }, 0, { p: [0, 0, 0, 0, 0, 0] });

const huber = (p: number, y: number, δ: number): number => (Math.abs(p - y) <= δ ? 0.5 * (p - y) ** 2 : δ * (Math.abs(p - y) - δ / 2));
const pinball = (p: number, y: number, τ: number): number => (y > p ? τ * (y - p) : (1 - τ) * (p - y));

const ofNumbers: readonly ShelfRecord[] = [
  {
    name: "mse", call: "mse(p, y)", inputs: pair, value: onto((p, y) => (p - y) ** 2),
    points: [one("far away", big, -big, 4e8, 4e4), one("right", 2, 2, 0, 0)],
  },
  { name: "mse", call: "mse(p, y, mask = m)", inputs: masked, value: (g) => weighted(zip(g.flat("p"), g.flat("y"), (p, y) => (p - y) ** 2), g.flat("m")), points: [nothing] },
  {
    name: "mae", call: "mae(p, y)", inputs: pair, value: onto((p, y) => Math.abs(p - y)),
    points: [one("far away", big, -big, 2e4, 1), one("far away below", -big, big, 2e4, -1), one("at the kink", 2, 2, 0, 0)],
  },
  { name: "mae", call: "mae(p, y, mask = m)", inputs: masked, value: (g) => weighted(zip(g.flat("p"), g.flat("y"), (p, y) => Math.abs(p - y)), g.flat("m")), points: [nothing] },
  {
    name: "huber", call: "huber(p, y)", inputs: pair, value: onto((p, y) => huber(p, y, 1)),
    points: [one("where the pieces meet", 2, 1, 0.5, 1), one("far away", big, -big, 2e4 - 0.5, 1), one("far away below", -big, big, 2e4 - 0.5, -1), one("right", 2, 2, 0, 0)],
  },
  { name: "huber", call: "huber(p, y, δ = 2)", inputs: pair, value: onto((p, y) => huber(p, y, 2)), points: [one("where the pieces meet", 3, 1, 2, 2)] },
  {
    name: "log_cosh", call: "log_cosh(p, y)", inputs: pair, value: onto((p, y) => Math.log(Math.cosh(p - y))),
    points: [one("far away", big, -big, 2e4 - Math.LN2, 1), one("far away below", -big, big, 2e4 - Math.LN2, -1), one("right", 2, 2, 0, 0)],
  },
  {
    name: "quantile_loss", call: "quantile_loss(p, y, τ = 0.75)", inputs: pair, value: onto((p, y) => pinball(p, y, 0.75)),
    points: [all("far above", big, -big, 5e3, 0.25), all("far below", -big, big, 1.5e4, -0.75), all("at the kink", 2, 2, 0, -0.25)],
  },
  { name: "quantile_loss", call: "quantile_loss(p, y)", inputs: pair, value: onto((p, y) => Math.abs(p - y) / 2), points: [one("at the kink", 2, 2, 0, 0)] },
];

const logit = (what: string, z: number, y: number, value: number, slope: number): Point => at(what, { z: [[z, 0, 0]], y: [[y, 0.5, 0.5]] }, (value + 2 * Math.LN2) / 3, { z: [slope / 3, 0, 0] });
const sides: readonly Point[] = [
  logit("far and right", big, 1, 0, 0), logit("far and wrong", big, 0, big, 1), logit("far below and wrong", -big, 1, big, -1), logit("far below and right", -big, 0, 0, 0),
];
const bce = (p: number, y: number, positive = 1): number => -(positive * y * Math.log(p) + (1 - y) * Math.log(1 - p));

const ofTwoClasses: readonly ShelfRecord[] = [
  { name: "bce_from_logits", call: "bce_from_logits(z, y)", inputs: binary, value: (g) => mean(zip(g.flat("z"), g.flat("y"), (z, y) => bce(sigmoid(z), y))), points: sides },
  {
    name: "bce_from_logits", call: "bce_from_logits(z, y, positive = 3)", inputs: binary, value: (g) => mean(zip(g.flat("z"), g.flat("y"), (z, y) => bce(sigmoid(z), y, 3))),
    points: [at("far below and wrong", { z: [[-big, big, -big]], y: [[1, 1, 0]] }, big, { z: [-1, 0, 0] })],
  },
  {
    name: "bce_from_logits", call: "bce_from_logits(z, y, mask = m)", inputs: { ...binary, "m: bool[N, 3]": [[1, 0, 1], [0, 1, 1]] },
    value: (g) => weighted(zip(g.flat("z"), g.flat("y"), (z, y) => bce(sigmoid(z), y)), g.flat("m")), points: [at("nothing is kept", { m: [[0, 0, 0], [0, 0, 0]] }, 0, { z: [0, 0, 0, 0, 0, 0] })],
  },
  { name: "bce", call: "bce(sigmoid(z), y)", inputs: binary, value: (g) => mean(zip(g.flat("z"), g.flat("y"), (z, y) => bce(sigmoid(z), y))), points: sides },
  {
    name: "bce", call: "bce(p, y)", inputs: { "p: f32[N, 2]": [[0.1, 0.9], [0.5, 0.625]], "y: f32[N, 2]": [[0, 1], [0.25, 1]] }, value: onto((p, y) => bce(p, y)),
  },
  {
    name: "bce", call: "bce(p, y, eps = 0.001)", inputs: { "p: f32[N, 2]": [[0.1, 0.9], [0.5, 0.625]], "y: f32[N, 2]": [[0, 1], [0.25, 1]] }, value: onto((p, y) => bce(p, y)),
    points: [
      at("sure and wrong", { p: [[0, 1]], y: [[1, 0]] }, -Math.log(0.001), { p: [0, 0] }), at("sure and right", { p: [[0, 1]], y: [[0, 1]] }, -Math.log(0.999), { p: [0, 0] }),
    ],
  },
  {
    name: "binary_hinge", call: "binary_hinge(s, y)", inputs: { "s: f32[N, 2]": [[0.5, -2], [3, 0.25]], "y: f32[N, 2]": [[1, 1], [1, -1]] },
    value: (g) => mean(zip(g.flat("s"), g.flat("y"), (s, y) => Math.max(0, 1 - s * y))),
    points: [at("at the kink", { s: [[1, -1]], y: [[1, -1]] }, 0, { s: [0, 0] }), at("far away", { s: [[big, -big]], y: [[-1, -1]] }, (big + 1) / 2, { s: [0.5, 0] })],
  },
  {
    name: "binary_hinge", call: "binary_hinge(s, y, margin = 2, power = 2)", inputs: { "s: f32[N, 2]": [[0.5, -2], [3, 0.25]], "y: f32[N, 2]": [[1, 1], [1, -1]] },
    value: (g) => mean(zip(g.flat("s"), g.flat("y"), (s, y) => Math.max(0, 2 - s * y) ** 2)), points: [at("at the kink", { s: [[2, -2]], y: [[1, -1]] }, 0, { s: [0, 0] })],
  },
];

const crossEntropies = (rows: readonly (readonly number[])[], labels: readonly number[]): number[] => zip(rows, labels, (r, y) => logsumexp(r) - (r[y] ?? 0));
const soft = (rows: readonly (readonly number[])[], q: (n: number, k: number) => number): number[] => rows.map((r, n) => sumOf(r.length, (k) => q(n, k) * (logsumexp(r) - (r[k] ?? 0))));
const far3 = { s: [[big, -big, 0], [big, -big, 0]], y: [0, 1] };
const classWeights = [0.5, 2, 3];

const ofClasses: readonly ShelfRecord[] = [
  {
    name: "cross_entropy", call: "cross_entropy(s, y)", inputs: scores, value: (g) => mean(crossEntropies(g.rows("s"), g.flat("y"))),
    points: [at("far away", far3, big, { s: [0, 0, 0, 0.5, -0.5, 0] }), at("nothing known", { s: [[0, 0, 0]], y: [2] }, Math.log(3), { s: [1 / 3, 1 / 3, -2 / 3] })],
  },
  {
    name: "cross_entropy", call: "cross_entropy(s, y)", inputs: { "s: f32[N, 2, 3]": [[[2, -1, 0.5], [0.1, 0.25, 0.4]], [[-3, 1, 0.8], [1, 2, 3]]], "y: i32[N, 2] in 0..3": [[0, 1], [1, 2]] },
    value: (g) => mean(crossEntropies(g.rows("s"), g.flat("y"))),
  },
  {
    name: "cross_entropy", call: "cross_entropy(s, y, class_weights = c)", inputs: { ...scores, "c: f32[3]": classWeights },
    value: (g) => weighted(crossEntropies(g.rows("s"), g.flat("y")), g.flat("y").map((y) => classWeights[y] ?? 0)),
    points: [at("far away", { ...far3, c: classWeights }, 2 * big * 2 / 2.5, { s: [0, 0, 0, 0.8, -0.8, 0] })],
  },
  {
    name: "cross_entropy", call: "cross_entropy(s, y, mask = m)", inputs: { ...scores, "m: bool[N]": [1, 0, 1] },
    value: (g) => weighted(crossEntropies(g.rows("s"), g.flat("y")), g.flat("m")), points: [at("nothing is kept", { m: [0, 0, 0] }, 0, { s: [0, 0, 0, 0, 0, 0, 0, 0, 0] })],
  },
  {
    name: "cross_entropy", call: "cross_entropy(s, y, smoothing = 0.25)", inputs: scores,
    value: (g) => mean(soft(g.rows("s"), (n, k) => 0.75 * Number(k === g.flat("y")[n]) + 0.25 / 3)),
    points: [at("far away", { s: [[big, -big, 0]], y: [0] }, 0.25 * big, { s: [1 - 0.75 - 0.25 / 3, -0.25 / 3, -0.25 / 3] })],
  },
  {
    name: "cross_entropy", call: "cross_entropy(s, y, smoothing = 0.25, over_others = true)", inputs: scores,
    value: (g) => mean(soft(g.rows("s"), (n, k) => (k === g.flat("y")[n] ? 0.75 : 0.125))),
    points: [at("far away", { s: [[big, -big, 0]], y: [0] }, 0.125 * 3 * big, { s: [0.25, -0.125, -0.125] })],
  },
  {
    name: "smooth_labels", call: "smooth_labels(q)", inputs: { "q: f32[N, 4]": [[1, 0, 0, 0], [0, 0, 0.5, 0.5]] }, value: (g) => g.flat("q").map((q) => 0.9 * q + 0.025),
  },
  {
    name: "smooth_labels", call: "smooth_labels(q, 0.3, over_others = true)", inputs: { "q: f32[N, 4]": [[1, 0, 0, 0], [0, 0, 1, 0]] }, value: (g) => g.flat("q").map((q) => (q === 1 ? 0.7 : 0.1)),
  },
  {
    name: "soft_cross_entropy", call: "soft_cross_entropy(s, q)", inputs: { "s: f32[N, 3]": scores["s: f32[N, 3]"], "q: f32[N, 3]": [[0.5, 0.25, 0.25], [0, 1, 0], [0.1, 0.2, 0.7]] },
    value: (g) => mean(soft(g.rows("s"), (n, k) => g.rows("q")[n]?.[k] ?? 0)),
    points: [at("far away", { s: [[big, -big, 0]], q: [[0.5, 0.25, 0.25]] }, 0.75 * big, { s: [0.5, -0.25, -0.25] })],
  },
  {
    name: "nll", call: "nll(log_softmax(s), y)", inputs: scores, value: (g) => mean(crossEntropies(g.rows("s"), g.flat("y"))),
    points: [at("far away", far3, big, { s: [0, 0, 0, 0.5, -0.5, 0] })],
  },
  { name: "nll", call: "nll(log(softmax(s)), y)", inputs: scores, value: (g) => mean(crossEntropies(g.rows("s"), g.flat("y"))), points: [at("far away", far3, big, { s: [0, 0, 0, 0.5, -0.5, 0] })] },
  {
    name: "nll", call: "nll(s, y, class_weights = c, mask = m)", inputs: { ...scores, "c: f32[3]": classWeights, "m: f32[N]": [1, 0.5, 2] },
    value: (g) => weighted(g.rows("s").map((r, n) => -(r[g.flat("y")[n] ?? 0] ?? 0)), zip(g.flat("y"), g.flat("m"), (y, m) => m * (classWeights[y] ?? 0))),
  },
];

const rivals = (rows: readonly (readonly number[])[], labels: readonly number[], margin: number): number[][] =>
  zip(rows, labels, (r, y) => range(r.length).filter((j) => j !== y).map((j) => Math.max(0, (r[j] ?? 0) - (r[y] ?? 0) + margin)));
const ties = { s: [[1, 0, 0]], y: [0] };
const farMargin = { s: [[big, -big, 0]], y: [1] };

const ofMargins: readonly ShelfRecord[] = [
  {
    name: "hinge", call: "hinge(s, y)", inputs: scores, value: (g) => mean(rivals(g.rows("s"), g.flat("y"), 1).map(sum)),
    points: [at("at the kink", ties, 0, { s: [0, 0, 0] }), at("far away", farMargin, 3 * big + 2, { s: [1, -2, 1] })],
  },
  { name: "hinge", call: "hinge(s, y, margin = 2.5, per_class = true)", inputs: scores, value: (g) => mean(rivals(g.rows("s"), g.flat("y"), 2.5).map((r) => sum(r) / 3)) },
  {
    name: "squared_hinge", call: "squared_hinge(s, y)", inputs: scores, value: (g) => mean(rivals(g.rows("s"), g.flat("y"), 1).map((r) => sum(r.map((v) => v ** 2)))),
    points: [at("at the kink", ties, 0, { s: [0, 0, 0] }), at("far away", farMargin, (2 * big + 1) ** 2 + (big + 1) ** 2, { s: [2 * (2 * big + 1), -2 * (3 * big + 2), 2 * (big + 1)] })],
  },
  { name: "squared_hinge", call: "squared_hinge(s, y, per_class = true)", inputs: scores, value: (g) => mean(rivals(g.rows("s"), g.flat("y"), 1).map((r) => sum(r.map((v) => v ** 2)) / 3)) },
  {
    name: "crammer_singer", call: "crammer_singer(s, y)", inputs: scores, value: (g) => mean(rivals(g.rows("s"), g.flat("y"), 1).map((r) => Math.max(...r))),
    points: [
      at("at the kink", ties, 0, { s: [0, 0, 0] }), at("far away", farMargin, 2 * big + 1, { s: [1, -1, 0] }), at("equal rivals: the first", { s: [[0, 0, 0]], y: [1] }, 1, { s: [1, -1, 0] }),
    ],
  },
  { name: "crammer_singer", call: "crammer_singer(s, y, margin = 2, power = 2)", inputs: scores, value: (g) => mean(rivals(g.rows("s"), g.flat("y"), 2).map((r) => Math.max(...r) ** 2)) },
];

/** Weights of two rows, the second being three times the first. */
const two = { "m: f32[N]": [0.5, 1.5] };
const ofTwo = (each: readonly number[]): number => weighted(each, [0.5, 1.5]);
const twoScores = { "s: f32[N, 3]": [[2, -1, 0.5], [0.1, 0.25, 0.4]], "y: i32[N] in 0..3": [1, 2], ...two };
const masks: readonly ShelfRecord[] = [
  { name: "hinge", call: "hinge(s, y, mask = m)", inputs: twoScores, value: (g) => ofTwo(rivals(g.rows("s"), g.flat("y"), 1).map(sum)) },
  { name: "squared_hinge", call: "squared_hinge(s, y, mask = m)", inputs: twoScores, value: (g) => ofTwo(rivals(g.rows("s"), g.flat("y"), 1).map((r) => sum(r.map((v) => v ** 2)))) },
  { name: "crammer_singer", call: "crammer_singer(s, y, mask = m)", inputs: twoScores, value: (g) => ofTwo(rivals(g.rows("s"), g.flat("y"), 1).map((r) => Math.max(...r))) },
  {
    name: "binary_hinge", call: "binary_hinge(s, y, mask = m)", inputs: { "s: f32[N, 2]": [[0.5, -2], [3, 0.25]], "y: f32[N, 2]": [[1, 1], [1, -1]], "m: f32[N, 2]": [[1, 0], [2, 0.5]] },
    value: (g) => weighted(zip(g.flat("s"), g.flat("y"), (s, y) => Math.max(0, 1 - y * s)), g.flat("m")),
  },
];

const tables = { "a: f32[N, 3]": [[2, -1, 0.5], [0.1, 0.25, 0.4]], "b: f32[N, 3]": [[0.5, 1, -0.5], [3, 0.25, -1]] };
const normals = { "m: f32[N, 2]": [[0.5, -1], [2, 0.25]], "s: f32[N, 2]": [[0.1, -0.5], [1, -2]] };
const klOfNormals = (m: number, s: number, n: number, r: number): number => 0.5 * (r - s + (Math.exp(s) + (m - n) ** 2) / Math.exp(r) - 1);
const bernoulli = (rows: readonly (readonly number[])[], y: readonly (readonly number[])[]): number => mean(zip(rows, y, (z, t) => sum(zip(z, t, (a, b) => bce(sigmoid(a), b)))));

const ofDistributions: readonly ShelfRecord[] = [
  {
    name: "kl", call: "kl(log_softmax(a), log_softmax(b))", inputs: tables,
    value: (g) => mean(zip(g.rows("a"), g.rows("b"), (a, b) => sumOf(3, (k) => Math.exp((a[k] ?? 0) - logsumexp(a)) * ((a[k] ?? 0) - logsumexp(a) - (b[k] ?? 0) + logsumexp(b))))),
    points: [
      at("equal", { a: [[1, 2, 3]], b: [[1, 2, 3]] }, 0, { b: [0, 0, 0] }),
      at("far away", { a: [[big, -big, 0]], b: [[-big, big, 0]] }, 2 * big, { a: [0, 0, 0], b: [-1, 1, 0] }),
    ],
  },
  {
    name: "kl_normal", call: "kl_normal(m, s)", inputs: normals, value: (g) => mean(zip(g.rows("m"), g.rows("s"), (m, s) => sum(zip(m, s, (a, b) => klOfNormals(a, b, 0, 0))))),
    points: [at("equal", { m: [[0, 0]], s: [[0, 0]] }, 0, { m: [0, 0], s: [0, 0] }), at("far away", { m: [[big, -big]], s: [[-big, 0]] }, big ** 2 + big / 2 - 0.5, { m: [big, -big], s: [-0.5, 0] })],
  },
  {
    name: "kl_normals", call: "kl_normals(m, s, n, r)", inputs: { ...normals, "n: f32[N, 2]": [[0.25, 1], [-1, 3]], "r: f32[N, 2]": [[0.75, -0.25], [0.5, 1]] },
    value: (g) => mean(zip(g.rows("m"), g.rows("s"), (m, s, row) => sumOf(2, (k) => klOfNormals(m[k] ?? 0, s[k] ?? 0, g.rows("n")[row]?.[k] ?? 0, g.rows("r")[row]?.[k] ?? 0)))),
    points: [
      at("equal", { m: [[1, 2]], s: [[3, 4]], n: [[1, 2]], r: [[3, 4]] }, 0, { m: [0, 0], s: [0, 0], n: [0, 0], r: [0, 0] }),
      at("far away", { m: [[big, 0]], s: [[0, -big]], n: [[0, 0]], r: [[0, 0]] }, big ** 2 / 2 + big / 2 - 0.5, { m: [big, 0], s: [0, -0.5], n: [-big, 0], r: [-(big ** 2) / 2, 0.5] }),
    ],
  },
  { name: "sample_normal", call: "sample_normal(m, s)", inputs: normals, value: (g) => zip(g.flat("m"), g.flat("s"), (m, s, k) => m + Math.exp(s / 2) * (g.normal(0)[k] ?? 0)) },
  {
    name: "bernoulli_nll", call: "bernoulli_nll(z, y)", inputs: binary, value: (g) => bernoulli(g.rows("z"), g.rows("y")),
    points: [at("far away", { z: [[big, -big, big]], y: [[1, 1, 0]] }, 2 * big, { z: [0, -1, 1] })],
  },
  {
    name: "negative_elbo", call: "negative_elbo(z, y, m, s)", inputs: { ...binary, ...normals },
    value: (g) => bernoulli(g.rows("z"), g.rows("y")) + mean(zip(g.rows("m"), g.rows("s"), (m, s) => sum(zip(m, s, (a, b) => klOfNormals(a, b, 0, 0))))),
    points: [at("far away", { z: [[big, -big, big]], y: [[1, 1, 0]], m: [[0, big]], s: [[0, 0]] }, 2 * big + big ** 2 / 2, { z: [0, -1, 1], m: [0, big], s: [0, 0] })],
  },
  {
    name: "negative_elbo", call: "negative_elbo(z, y, m, s, β = 4)", inputs: { ...binary, ...normals },
    value: (g) => bernoulli(g.rows("z"), g.rows("y")) + 4 * mean(zip(g.rows("m"), g.rows("s"), (m, s) => sum(zip(m, s, (a, b) => klOfNormals(a, b, 0, 0))))),
  },
  {
    name: "gaussian_nll", call: "gaussian_nll(m, s, y)", inputs: { ...normals, "y: f32[N, 2]": [[1, 1], [-2, 0.125]] },
    value: (g) => mean(zip(g.flat("m"), g.flat("s"), (m, s, k) => -Math.log(Math.exp(-0.5 * ((g.flat("y")[k] ?? 0) - m) ** 2 / Math.exp(s)) / Math.sqrt(2 * Math.PI * Math.exp(s))))),
    points: [at("far away", { m: [[big, -big]], s: [[0, 0]], y: [[0, 0]] }, big ** 2 / 2 + Math.log(2 * Math.PI) / 2, { m: [big / 2, -big / 2], s: [(1 - big ** 2) / 4, (1 - big ** 2) / 4] })],
  },
  {
    name: "gaussian_nll", call: "gaussian_nll(m, s, y, full = false)", inputs: { ...normals, "y: f32[N, 2]": [[1, 1], [-2, 0.125]] },
    value: (g) => 0.5 * mean(zip(g.flat("m"), g.flat("s"), (m, s, k) => s + ((g.flat("y")[k] ?? 0) - m) ** 2 / Math.exp(s))),
  },
  { name: "log_factorial", call: "log_factorial(n)", inputs: { "n: f32[N]": [0, 1, 2, 5, 12, 60] }, within: 1e-8, value: (g) => g.flat("n").map(logFactorial) },
  {
    name: "poisson_nll", call: "poisson_nll(z, y)", inputs: { "z: f32[N, 2]": [[0.5, -1], [2, 0.25]], "y: f32[N, 2]": [[0, 1], [7, 12]] }, within: 1e-8,
    value: (g) => mean(zip(g.flat("z"), g.flat("y"), (z, y) => Math.exp(z) - y * z + logFactorial(y))),
    points: [{ what: "far below", at: { z: [[-big, -big]], y: [[0, 2]] }, value: (2 * big + Math.LN2) / 2, gradient: { z: [0, -1] } }],
  },
  {
    name: "poisson_nll", call: "poisson_nll(z, y, full = false)", inputs: { "z: f32[N, 2]": [[0.5, -1], [2, 0.25]], "y: f32[N, 2]": [[0, 1], [7, 12]] },
    value: (g) => mean(zip(g.flat("z"), g.flat("y"), (z, y) => Math.exp(z) - y * z)),
  },
];

const maskedRows = (): readonly ShelfRecord[] => [
  {
    name: "kl", call: "kl(log_softmax(a), log_softmax(b), mask = m)", inputs: { ...tables, ...two },
    value: (g) => ofTwo(zip(g.rows("a"), g.rows("b"), (a, b) => sumOf(3, (k) => Math.exp((a[k] ?? 0) - logsumexp(a)) * ((a[k] ?? 0) - logsumexp(a) - (b[k] ?? 0) + logsumexp(b))))),
  },
  { name: "cosine_loss", call: "cosine_loss(a, b, mask = m)", inputs: { ...vectors, ...two }, value: (g) => ofTwo(zip(g.rows("a"), g.rows("b"), (a, b) => 1 - cosine(a, b))) },
  {
    name: "triplet_loss", call: "triplet_loss(a, b, c, mask = m)", inputs: { ...three, ...two },
    value: (g) => ofTwo(g.rows("a").map((a, n) => Math.max(0, distance(a, g.rows("b")[n] ?? []) - distance(a, g.rows("c")[n] ?? []) + 1))),
  },
  {
    name: "contrastive_loss", call: "contrastive_loss(a, b, same, margin = 2, mask = m)", inputs: { ...vectors, "same: f32[N]": [1, 0], ...two },
    value: (g) => ofTwo(zip(g.rows("a"), g.rows("b"), (a, b, n) => (g.flat("same")[n] === 1 ? 0.5 * distance(a, b) ** 2 : 0.5 * Math.max(0, 2 - distance(a, b)) ** 2))),
  },
];

const vectors = { "a: f32[N, 2]": [[1, 2], [-0.5, 0.25]], "b: f32[N, 2]": [[0.5, -1], [1, 1]] };
const dot = (a: readonly number[], b: readonly number[]): number => sum(zip(a, b, (x, y) => x * y));
const cosine = (a: readonly number[], b: readonly number[]): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
const distance = (a: readonly number[], b: readonly number[]): number => Math.hypot(...zip(a, b, (x, y) => x - y));
const three = { ...vectors, "c: f32[N, 2]": [[1.5, 2], [3, -2]] };

const ofDistances: readonly ShelfRecord[] = [
  {
    name: "cosine_similarity", call: "cosine_similarity(a, b)", inputs: vectors, value: (g) => zip(g.rows("a"), g.rows("b"), cosine),
    points: [{ what: "a row is 0", at: { a: [[0, 0]], b: [[0, 0]] }, value: [0], gradient: { a: [0, 0], b: [0, 0] } }],
  },
  {
    name: "cosine_loss", call: "cosine_loss(a, b)", inputs: vectors, value: (g) => mean(zip(g.rows("a"), g.rows("b"), (a, b) => 1 - cosine(a, b))),
    points: [at("opposite and large", { a: [[big, 0]], b: [[-big, 0]] }, 2, { a: [0, 0], b: [0, 0] }), at("both 0", { a: [[0, 0]], b: [[0, 0]] }, 1, { a: [0, 0], b: [0, 0] })],
  },
  {
    name: "distance", call: "distance(a, b)", inputs: vectors, value: (g) => zip(g.rows("a"), g.rows("b"), distance),
    points: [{ what: "at the kink", at: { a: [[1, 2]], b: [[1, 2]] }, value: [0], gradient: { a: [0, 0], b: [0, 0] } }],
  },
  {
    name: "triplet_loss", call: "triplet_loss(a, b, c)", inputs: three,
    value: (g) => mean(g.rows("a").map((a, n) => Math.max(0, distance(a, g.rows("b")[n] ?? []) - distance(a, g.rows("c")[n] ?? []) + 1))),
    points: [
      at("all equal", { a: [[1, 2]], b: [[1, 2]], c: [[1, 2]] }, 1, { a: [0, 0], b: [0, 0], c: [0, 0] }),
      at("far away", { a: [[big, 0]], b: [[-big, 0]], c: [[big, 1]] }, 2 * big, { a: [1, 1], b: [-1, 0], c: [0, -1] }),
      at("far enough", { a: [[0, 0]], b: [[1, 0]], c: [[2, 0]] }, 0, { a: [0, 0], b: [0, 0], c: [0, 0] }),
    ],
  },
  {
    name: "triplet_loss", call: "triplet_loss(a, b, c, margin = 2, squared = true)", inputs: three,
    value: (g) => mean(g.rows("a").map((a, n) => Math.max(0, distance(a, g.rows("b")[n] ?? []) ** 2 - distance(a, g.rows("c")[n] ?? []) ** 2 + 2))),
    points: [at("equal to the negative", { a: [[1, 2]], b: [[2, 2]], c: [[1, 2]] }, 3, { a: [-2, 0], b: [2, 0], c: [0, 0] })],
  },
  {
    name: "contrastive_loss", call: "contrastive_loss(a, b, same, margin = 2)", inputs: { ...vectors, "same: f32[N]": [1, 0] },
    value: (g) => mean(zip(g.rows("a"), g.rows("b"), (a, b, n) => (g.flat("same")[n] === 1 ? 0.5 * distance(a, b) ** 2 : 0.5 * Math.max(0, 2 - distance(a, b)) ** 2))),
    points: [
      at("equal and different: no way out", { a: [[1, 2]], b: [[1, 2]], same: [0] }, 2, { a: [0, 0], b: [0, 0] }),
      at("far and the same", { a: [[big, 0]], b: [[-big, 0]], same: [1] }, 2 * big ** 2, { a: [2 * big, 0], b: [-2 * big, 0] }),
      at("at the margin", { a: [[2, 0]], b: [[0, 0]], same: [0] }, 0, { a: [0, 0], b: [0, 0] }),
    ],
  },
  {
    name: "weighted_mean", call: "weighted_mean(p, m)", inputs: { "p: f32[N, 3]": masked["p: f32[N, 3]"], "m: f32[N, 3]": masked["m: f32[N, 3]"] }, value: (g) => weighted(g.flat("p"), g.flat("m")),
    points: [{ what: "no weight", at: { m: [[0, 0, 0], [0, 0, 0]] }, value: 0, gradient: { p: [0, 0, 0, 0, 0, 0] } }],
  },
];

export const losses: readonly ShelfRecord[] = [...ofNumbers, ...ofTwoClasses, ...ofClasses, ...ofMargins, ...ofDistributions, ...ofDistances, ...masks, ...maskedRows()];
