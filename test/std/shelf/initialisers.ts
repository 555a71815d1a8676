/** The initialisers, by the numbers that were drawn; what is true of a draw as a whole is tested beside them. */
import { made, numbers, total } from "./by-hand.ts";
import { type Given, type Nested, range, type ShelfRecord } from "./record.ts";

/** A record of an initialiser, which has no gradient. */
const start = (name: string, call: string, value: (g: Given) => Nested, within = 1e-9): ShelfRecord => ({ name, call, inputs: {}, still: true, within, value });
const uniformly = (name: string, call: string, bound: number): ShelfRecord => start(name, call, (g) => g.uniform(0).map((u) => bound * (2 * u - 1)));
const normally = (name: string, call: string, std: number): ShelfRecord => start(name, call, (g) => g.normal(0).map((z) => std * z));
const filled = (name: string, call: string, count: number, c: number): ShelfRecord => start(name, call, () => new Array<number>(count).fill(c));

/** The standard normal distribution function, by its series. */
function below(z: number): number {
  let [term, sum] = [z, z];
  for (let n = 1; n < 100; n++) {
    term *= (-z * z) / (2 * n);
    sum += term / (2 * n + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

/** The number that a draw stays below with probability p, by bisection. */
function quantile(p: number): number {
  let [lo, hi] = [-6, 6];
  for (let k = 0; k < 60; k++) [lo, hi] = below((lo + hi) / 2) < p ? [(lo + hi) / 2, hi] : [lo, (lo + hi) / 2];
  return (lo + hi) / 2;
}

type Matrix = readonly (readonly number[])[];

/** U of A = U P for a wide A: A turned until its rows are orthogonal, by Jacobi's rotations (Hestenes 1958); of another family than the library's. */
function orthogonalFactor(A: Matrix): Matrix {
  const [rows, columns] = [A.length, A[0]?.length ?? 0];
  const S = A.map((r) => [...r]);
  const V = A.map((_, i) => A.map((__, j) => (i === j ? 1 : 0)));
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((s, v, k) => s + v * (b[k] ?? 0), 0);
  const turn = (M: number[][], p: number, q: number, c: number, s: number): void => {
    const [a, b] = [M[p] ?? [], M[q] ?? []];
    [M[p], M[q]] = [a.map((v, k) => c * v - s * (b[k] ?? 0)), a.map((v, k) => s * v + c * (b[k] ?? 0))];
  };
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < rows; p++)
      for (let q = p + 1; q < rows; q++) {
        const [a, b, off] = [dot(S[p] ?? [], S[p] ?? []), dot(S[q] ?? [], S[q] ?? []), dot(S[p] ?? [], S[q] ?? [])];
        if (Math.abs(off) < 1e-300) continue;
        const angle = 0.5 * Math.atan2(2 * off, b - a);
        turn(S, p, q, Math.cos(angle), Math.sin(angle));
        turn(V, p, q, Math.cos(angle), Math.sin(angle));
      }
  const unit = S.map((r) => r.map((v) => v / Math.sqrt(dot(r, r))));
  return made([rows, columns], (i = 0, j = 0) => total([rows], (k = 0) => (V[k]?.[i] ?? 0) * (unit[k]?.[j] ?? 0))) as number[][];
}

const rowsOf = (x: readonly number[], width: number): Matrix => Array.from({ length: x.length / width }, (_, r) => x.slice(r * width, (r + 1) * width));
const flipped = (A: Matrix): Matrix => (A[0] ?? []).map((_, c) => A.map((r) => r[c] ?? 0));
const scaled = (A: Matrix, by: number): Matrix => A.map((r) => r.map((v) => by * v));

/** The place of each number in its column of [n, units]. */
const places = (u: readonly number[], units: number): number[] => u.map((v, k) => u.filter((w, j) => j % units === k % units && (w < v || (w === v && j < k))).length);

export const initialisers: readonly ShelfRecord[] = [
  filled("zeros", "zeros[2, 3]", 6, 0), filled("ones", "ones[2, 3]", 6, 1), filled("constant", "constant(-2.5)[2, 3]", 6, -2.5),
  start("uniform", "uniform(-1, 3)[2, 3]", (g) => g.uniform(0).map((u) => -1 + 4 * u)), start("normal", "normal(1, 2)[2, 3]", (g) => g.normal(0).map((z) => 1 + 2 * z)),
  uniformly("fan_in_uniform", "fan_in_uniform[4, 3]", 1 / 2), uniformly("fan_in_uniform", "fan_in_uniform[5, 2, 3, 3]", 1 / Math.sqrt(18)),
  uniformly("glorot_uniform", "glorot_uniform[4, 2]", 1), uniformly("glorot_uniform", "glorot_uniform[5, 2, 3, 3]", Math.sqrt(6 / (18 + 45))), uniformly("glorot_uniform", "glorot_uniform(gain = 2)[4, 2]", 2),
  normally("glorot_normal", "glorot_normal[4, 2]", Math.sqrt(1 / 3)), normally("glorot_normal", "glorot_normal(gain = 2)[5, 2, 3]", 2 * Math.sqrt(2 / (6 + 15))),
  uniformly("he_uniform", "he_uniform[6, 2]", 1), uniformly("he_uniform", "he_uniform(slope = 1)[5, 2, 3, 1]", Math.sqrt(3 / 6)),
  normally("he_normal", "he_normal[8, 2]", 0.5), normally("he_normal", "he_normal(slope = 1)[5, 2, 2]", Math.sqrt(1 / 4)),
  uniformly("lecun_uniform", "lecun_uniform[3, 5]", 1), normally("lecun_normal", "lecun_normal[4, 5]", 0.5), normally("lecun_normal", "lecun_normal[7, 4, 2, 2]", 0.25),
  // Φ(Φ⁻¹(p)) by the error function's series; the library's inverse is right to 1 part in 10⁶.
  start("truncated_normal", "truncated_normal(1, 2, lo = -1, hi = 2)[3, 3]", (g) => g.uniform(0).map((u) => 1 + 2 * quantile(below(-1) + u * (below(2) - below(-1)))), 1e-5),
  start("eye", "eye[2, 3]", () => [[1, 0, 0], [0, 1, 0]]), start("eye", "eye(gain = 2)[3, 2]", () => [[2, 0], [0, 2], [0, 0]]),
  start("orthogonal", "orthogonal[3, 5]", (g) => orthogonalFactor(rowsOf(g.normal(0), 5))),
  start("orthogonal", "orthogonal(gain = 2)[4, 3]", (g) => scaled(flipped(orthogonalFactor(flipped(rowsOf(g.normal(0), 3)))), 2)),
  start("orthogonal", "orthogonal[3, 2, 2, 1]", (g) => orthogonalFactor(rowsOf(g.normal(0), 4))),
  start("sparse", "sparse(2, std = 3)[4, 3]", (g) => {
    const at = places(g.uniform("u"), 3);
    return g.normal("weight").map((z, k) => ((at[k] ?? 0) < 2 ? 3 * z : 0));
  }),
  {
    name: "diagonal", call: "diagonal(x)", inputs: { "x: f32[N, 3]": numbers([2, 3], 1) }, still: true, value: () => [[1, 0, 0], [0, 1, 0]],
  },
  {
    name: "orthogonal_factor", call: "orthogonal_factor(A)", inputs: { "A: f32[2, 3]": numbers([2, 3], 1), "_n: f32[N]": [1] }, value: (g) => orthogonalFactor(g.rows("A")),
  },
  {
    name: "places_in_column", call: "places_in_column(u, 1)", inputs: { "u: f32[4, 2]": [[3, 0.5], [1, 0.25], [2, 0.75], [1, 0]], "_n: f32[N]": [1] }, still: true,
    value: (g) => places(g.flat("u"), 2),
  },
  {
    name: "permutation", call: "permutation[5]", inputs: {}, still: true, value: (g) => range(5).sort((a, b) => (g.uniform(0)[a] ?? 0) - (g.uniform(0)[b] ?? 0)),
  },
];
