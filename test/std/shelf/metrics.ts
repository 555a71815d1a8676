/** The metrics, each by hand, with ties and with what they are where there is nothing to divide by. */
import { mean, type Point, range, type ShelfRecord, sum, sumOf, zip } from "./record.ts";

const at = (what: string, given: Point["at"], value: Point["value"] & {}): Point => ({ what, at: given, value });
const scores = { "s: f32[N, 3]": [[2, -1, 0.5], [0.1, 0.25, 0.4], [-3, 1, 0.8], [1, 2, 3]], "y: i32[N] in 0..3": [0, 1, 1, 2] };
const argmax = (r: readonly number[]): number => r.indexOf(Math.max(...r));
const logsumexp = (x: readonly number[]): number => Math.log(sum(x.map(Math.exp)));

/** Scores with ties, and labels. */
const ranked = { "s: f32[N]": [0.9, 0.8, 0.8, 0.5, 0.3, 0.3, 0.1, 0.05], "y: f32[N]": [1, 1, 0, 0, 1, 0, 1, 0] };
/** The area by the trapezoids of the curve: thresholds go down through distinct scores. */
const rocArea = (s: readonly number[], y: readonly number[]): number => {
  const [positives, negatives] = [sum(y), y.length - sum(y)];
  const curve = [Number.POSITIVE_INFINITY, ...[...new Set(s)].sort((a, b) => b - a)].map((threshold) => ({
    x: sumOf(s.length, (k) => Number((s[k] ?? 0) >= threshold && y[k] === 0)) / negatives, y: sumOf(s.length, (k) => Number((s[k] ?? 0) >= threshold && y[k] === 1)) / positives,
  }));
  return sumOf(curve.length - 1, (k) => (((curve[k + 1]?.x ?? 0) - (curve[k]?.x ?? 0)) * ((curve[k + 1]?.y ?? 0) + (curve[k]?.y ?? 0))) / 2);
};
/** Σ (R_k - R_{k-1}) P_k over distinct thresholds. */
const averagePrecision = (s: readonly number[], y: readonly number[]): number => {
  let [area, before] = [0, 0];
  for (const threshold of [...new Set(s)].sort((a, b) => b - a)) {
    const kept = range(s.length).filter((k) => (s[k] ?? 0) >= threshold);
    const right = sum(kept.map((k) => y[k] ?? 0));
    area += (right / sum(y) - before) * (right / kept.length);
    before = right / sum(y);
  }
  return area;
};

const tables = { "p: f32[N, 3]": [[1, 0, 1], [1, 0, 0], [0, 1, 1], [1, 0, 1]], "y: f32[N, 3]": [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]] };
interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
}
const count = (p: readonly number[], y: readonly number[]): Counts => ({
  tp: sum(zip(p, y, (a, b) => Number(a === 1 && b === 1))), fp: sum(zip(p, y, (a, b) => Number(a === 1 && b === 0))), fn: sum(zip(p, y, (a, b) => Number(a === 0 && b === 1))),
});
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const precision = ({ tp, fp }: Counts): number => share(tp, tp + fp);
const recall = ({ tp, fn }: Counts): number => share(tp, tp + fn);
const f1 = (c: Counts): number => share(2 * precision(c) * recall(c), precision(c) + recall(c));
const micro = (of: (c: Counts) => number): ShelfRecord["value"] => (g) => of(count(g.flat("p"), g.flat("y")));
const macro = (of: (c: Counts) => number): ShelfRecord["value"] => (g) => mean(range(3).map((k) => of(count(g.rows("p").map((r) => r[k] ?? 0), g.rows("y").map((r) => r[k] ?? 0)))));
const nothing = at("nothing predicted, nothing there", { p: [[0, 0, 0]], y: [[0, 0, 0]] }, 0);
const still = true;

const ofClasses: readonly ShelfRecord[] = [
  {
    name: "accuracy", call: "accuracy(s, y)", inputs: scores, still, value: (g) => mean(g.rows("s").map((r, n) => Number(argmax(r) === g.flat("y")[n]))),
    points: [at("of equal scores the first", { s: [[1, 1, 0], [1, 1, 0]], y: [0, 1] }, 0.5)],
  },
  {
    name: "accuracy", call: "accuracy(s, y, mask = m)", inputs: { ...scores, "m: bool[N]": [1, 1, 0, 1] }, still, value: () => 2 / 3, points: [at("nothing is kept", { m: [0, 0, 0, 0] }, 0)],
  },
  { name: "binary_accuracy", call: "binary_accuracy(s, y)", inputs: { "s: f32[N]": [1, -1, 2, -3], "y: f32[N]": [1, 1, 0, 0] }, still, value: () => 0.5, points: [at("a logit of 0 counts as 0", { s: [0, 0], y: [0, 1] }, 0.5)] },
  {
    name: "top_k_accuracy", call: "top_k_accuracy(s, y, k = 2)", inputs: scores, still,
    value: (g) => mean(g.rows("s").map((r, n) => Number([...r].sort((a, b) => b - a).indexOf(r[g.flat("y")[n] ?? 0] ?? 0) < 2))),
    points: [at("of equal scores the first two", { s: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], y: [0, 1, 2] }, 2 / 3)],
  },
  { name: "top_k_accuracy", call: "top_k_accuracy(s, y, k = 1)", inputs: scores, still, value: (g) => mean(g.rows("s").map((r, n) => Number(argmax(r) === g.flat("y")[n]))) },
  { name: "top_k_accuracy", call: "top_k_accuracy(s, y)", inputs: scores, still, value: () => 1 },
  {
    name: "confusion_matrix", call: "confusion_matrix(argmax(s), y, 3)", inputs: scores, still,
    value: (g) => range(3).map((i) => range(3).map((j) => sum(g.rows("s").map((r, n) => Number(g.flat("y")[n] === i && argmax(r) === j))))),
  },
  { name: "precision", call: "precision(p, y)", inputs: tables, value: micro(precision), points: [nothing] },
  { name: "precision", call: "precision(p, y, macro = true)", inputs: tables, value: macro(precision), points: [nothing, at("a class that is never predicted counts 0", { p: [[1, 0, 0]], y: [[1, 1, 0]] }, 1 / 3)] },
  { name: "precision", call: "precision(one_hot(argmax(s), 3), one_hot(y, 3), macro = true)", inputs: scores, still, value: () => (1 + 1 + 0.5) / 3 },
  { name: "recall", call: "recall(p, y)", inputs: tables, value: micro(recall), points: [nothing] },
  { name: "recall", call: "recall(p, y, macro = true)", inputs: tables, value: macro(recall), points: [nothing] },
  { name: "f1", call: "f1(p, y)", inputs: tables, value: micro(f1), points: [nothing] },
  { name: "f1", call: "f1(p, y, macro = true)", inputs: tables, value: macro(f1), points: [nothing] },
  { name: "f1", call: "f1(p, y, β = 2)", inputs: tables, value: micro(({ tp, fp, fn }) => (5 * tp) / (5 * tp + 4 * fn + fp)) },
  { name: "f1", call: "f1(p > 0.5, y)", inputs: { "p: f32[N]": [0.9, 0.2, 0.7, 0.6], "y: f32[N]": [1, 1, 0, 1] }, still: ["p"], value: () => 2 / 3 },
];

const ofRanks: readonly ShelfRecord[] = [
  {
    name: "roc_auc", call: "roc_auc(s, y)", inputs: ranked, still, value: (g) => rocArea(g.flat("s"), g.flat("y")),
    points: [
      at("no 1", { s: [1, 2], y: [0, 0] }, 0.5), at("no 0", { s: [1, 2], y: [1, 1] }, 0.5), at("all equal", { s: [1, 1, 1], y: [0, 1, 1] }, 0.5), at("in order", { s: [1, 2, 3], y: [0, 1, 1] }, 1),
      at("in reverse", { s: [3, 2, 1], y: [0, 1, 1] }, 0),
    ],
  },
  {
    name: "average_precision", call: "average_precision(s, y)", inputs: ranked, still, value: (g) => averagePrecision(g.flat("s"), g.flat("y")),
    points: [at("no 1", { s: [1, 2], y: [0, 0] }, 0), at("all equal", { s: [1, 1, 1, 1], y: [0, 1, 0, 0] }, 0.25), at("in order", { s: [1, 2, 3], y: [0, 1, 1] }, 1)],
  },
  {
    name: "calibration_error", call: "calibration_error(p, y, bins = 4)", inputs: { "p: f32[N]": [0.1, 0.2, 0.3, 0.6, 0.7, 0.9], "y: f32[N]": [0, 1, 0, 1, 1, 1] }, still: [],
    value: (g) => sumOf(4, (b) => Math.abs(sum(zip(g.flat("p"), g.flat("y"), (p, y) => (Math.floor(p * 4) === b ? y - p : 0))))) / 6,
    points: [at("an edge belongs to the bin above, and 1 to the last", { p: [0.25, 0.3, 1, 0.75], y: [1, 0, 0, 1] }, (Math.abs(0.75 - 0.3) + Math.abs(-1 + 0.25)) / 4)],
  },
  { name: "calibration_error", call: "calibration_error(max(p, axis = 1), argmax(p) == y)", inputs: { "p: f32[N, 2]": [[0.75, 0.25], [0.25, 0.75]], "y: i32[N] in 0..2": [0, 0] }, value: () => 0.25, still: [] },
];

const pair = { "p: f32[N, 2]": [[-1.5, 2.25], [3.5, 0.1]], "y: f32[N, 2]": [[1, 0.75], [-1, 0.5]] };
const squares = (p: readonly number[], y: readonly number[]): number => sum(zip(p, y, (a, b) => (a - b) ** 2));

const ofNumbers: readonly ShelfRecord[] = [
  {
    name: "rmse", call: "rmse(p, y)", inputs: pair, value: (g) => Math.sqrt(squares(g.flat("p"), g.flat("y")) / 4),
    points: [{ what: "right throughout", at: { p: [[1, 2]], y: [[1, 2]] }, value: 0, gradient: { p: [0, 0] } }],
  },
  {
    name: "r2", call: "r2(p, y)", inputs: pair, value: (g) => 1 - squares(g.flat("p"), g.flat("y")) / squares(g.flat("y"), g.flat("y").map(() => mean(g.flat("y")))),
    points: [
      { what: "the mean", at: { p: [[2, 2]], y: [[1, 3]] }, value: 0 }, { what: "no variance, right", at: { p: [[2, 2]], y: [[2, 2]] }, value: 1, gradient: { p: [0, 0] } },
      { what: "no variance, wrong", at: { p: [[2, 3]], y: [[2, 2]] }, value: 0, gradient: { p: [0, 0] } },
    ],
  },
  {
    name: "perplexity", call: "perplexity(s, y)", inputs: scores, value: (g) => Math.exp(mean(g.rows("s").map((r, n) => logsumexp(r) - (r[g.flat("y")[n] ?? 0] ?? 0)))),
    points: [{ what: "nothing known", at: { s: [[1e4, 1e4, 1e4]], y: [1] }, value: 3, gradient: { s: [1, -2, 1] } }],
  },
  {
    name: "log_loss", call: "log_loss(p, y)", inputs: { "p: f32[N, 2]": [[0.75, 0.25], [0.4, 0.6]], "y: i32[N] in 0..2": [0, 0] }, value: () => -(Math.log(0.75) + Math.log(0.4)) / 2,
    points: [{ what: "sure and wrong", at: { p: [[1, 0]], y: [1] }, value: -Math.log(1e-7), gradient: { p: [0, 0] } }],
  },
  {
    name: "log_loss", call: "log_loss(softmax(s), y)", inputs: scores, value: (g) => mean(g.rows("s").map((r, n) => logsumexp(r) - (r[g.flat("y")[n] ?? 0] ?? 0))),
  },
];

export const metrics: readonly ShelfRecord[] = [...ofClasses, ...ofRanks, ...ofNumbers];
