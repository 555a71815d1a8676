/** Folds that are shifted by others in one loop with them: against plain arithmetic in f64, where rows are far from 0 too, and against a loop each. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { sym } from "../../src/ir/dims.ts";
import type { Bindings, Dim } from "../../src/ir/dims.ts";
import type { Axis, Buffer, Kernel, KernelStmt, Nest, Profile, Stmt } from "../../src/ir/kernel.ts";
import { call, op } from "../../src/ir/scalar.ts";
import type { Scalar } from "../../src/ir/scalar.ts";
import { expFunction } from "../../src/ops/functions.ts";
import { add, address, at, difference, mul, NestWriter, num, numbers } from "./nests.ts";
import { buffer, kernelsOf, runNests } from "./run-nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const eager = [profiles.software, profiles.gpu].map((p): Profile => ({ ...p, barriers: false, vector: { accesses: 0, invocations: 1e9 } }));
const apart = new Set(["one-pass"]);

const loops = (kernels: readonly Kernel[]): number => {
  const count = (s: KernelStmt): number => (s.kind === "for" ? 1 + s.body.reduce((n, t) => n + count(t), 0) : s.kind === "if" ? s.body.reduce((n, t) => n + count(t), 0) : 0);
  return kernels.reduce((n, k) => n + k.body.reduce((m, s) => m + count(s), 0), 0);
};

type Folded = { value: Scalar; mask?: Scalar };

/** A nest over rows of x, whose folds `write` states; `columns` are one axis or two. */
function rowsOf(rows: number, columns: readonly number[], write: (fold: (monoid: "sum" | "max", of: (x: Scalar, inner: Stmt[], k: Axis) => Folded) => Scalar, r: Axis, store: (name: string, value: Scalar) => void, w: NestWriter, body: Stmt[]) => void): Nest {
  const w = new NestWriter();
  const r = w.axis("r", rows);
  const width = columns.reduce((a, b) => a * b, 1);
  const x: Buffer = buffer("x", [rows, width], "input");
  const body: Stmt[] = [];
  const fold = (monoid: "sum" | "max", of: (x: Scalar, inner: Stmt[], k: Axis) => Folded): Scalar => {
    const axes = columns.map((n) => w.axis("k", n));
    const last = axes.at(-1) as Axis;
    const place = address([r, width], ...axes.map((a, i) => [a, columns.slice(i + 1).reduce((m, n) => m * n, 1)] as const));
    return w.fold(body, monoid, axes, (inner) => of(w.load(inner, x, place), inner, last))[0] as Scalar;
  };
  write(fold, r, (name, value) => body.push({ kind: "store", buffer: buffer(name, [rows], "output"), index: at(r), value }), w, body);
  return w.nest("rows", "row", [r], body);
}

/** Mean and Σ (x - mean)². */
const spread = (rows: number, columns: readonly number[]): Nest =>
  rowsOf(rows, columns, (fold, _, store, w, body) => {
    const n = columns.reduce((a, b) => a * b, 1);
    const sum = fold("sum", (x) => ({ value: x }));
    const minus = w.let(body, op("neg", "f32", [mul(sum, num(1 / n))]));
    const squares = fold("sum", (x, inner) => {
      const d = w.let(inner, add(x, minus));
      return { value: mul(d, d) };
    });
    store("mean", op("neg", "f32", [minus]));
    store("squares", squares);
  });

/** The largest, Σ exp(x - most) and Σ (x exp(x - most)); those alone whose place is no later than the row's, where `causal`. */
const exponentials = (rows: number, columns: readonly number[], causal = false): Nest =>
  rowsOf(rows, columns, (fold, r, store) => {
    const kept = (k: Axis): { mask?: Scalar } => (causal ? { mask: op("<=", "bool", [at(k), at(r)]) } : {});
    const most = fold("max", (x, _, k) => ({ value: x, ...kept(k) }));
    const shifted = (x: Scalar): Scalar => call(expFunction, [op("sub", "f32", [x, most])]);
    const sum = fold("sum", (x, _, k) => ({ value: shifted(x), ...kept(k) }));
    const weighted = fold("sum", (x, _, k) => ({ value: mul(shifted(x), x), ...kept(k) }));
    store("most", most);
    store("sum", sum);
    store("weighted", weighted);
  });

const lines = (x: Float32Array, rows: number): readonly (readonly number[])[] => Array.from({ length: rows }, (_, r) => [...x.slice((r * x.length) / rows, ((r + 1) * x.length) / rows)]);
const total = (line: readonly number[]): number => line.reduce((a, b) => a + b, 0);
const variation = (line: readonly number[]): number => {
  const mean = total(line) / line.length;
  return total(line.map((v) => (v - mean) ** 2));
};

const shapes: readonly (readonly [number, readonly number[]])[] = [[1, [8]], [3, [16]], [7, [40]], [65, [64]], [3, [36]], [2, [1000]], [16, [17]], [5, [63]], [4, [3, 24]], [2, [5, 12]], [129, [128]]];

describe.each(eager)("on $name", (profile) => {
  it.each(shapes)("means and deviations of %i rows of %j", async (rows, columns) => {
    const x = numbers(rows * columns.reduce((a, b) => a * b, 1), rows + 1);
    const run = { nests: [spread(rows, columns)], inputs: { x }, profile };
    const found = await runNests(gpu.device, run);
    expect(difference(found["mean"] ?? [], lines(x, rows).map((l) => total(l) / l.length))).toBeLessThan(1e-6);
    expect(difference(found["squares"] ?? [], lines(x, rows).map(variation))).toBeLessThan(2e-6);
    const width = columns.at(-1) ?? 1;
    if (width % 4 === 0 && width >= 40) expect(loops(kernelsOf(run))).toBeLessThan(loops(kernelsOf({ ...run, off: apart })));
  });

  it.each(shapes)("exponentials of %i rows of %j", async (rows, columns) => {
    const x = numbers(rows * columns.reduce((a, b) => a * b, 1), rows + 2).map((v) => v * 20);
    const run = { nests: [exponentials(rows, columns)], inputs: { x }, profile };
    const found = await runNests(gpu.device, run);
    const most = lines(x, rows).map((l) => Math.max(...l));
    expect([...(found["most"] ?? [])]).toEqual(most);
    expect(difference(found["sum"] ?? [], lines(x, rows).map((l, r) => total(l.map((v) => Math.exp(v - (most[r] ?? 0))))))).toBeLessThan(2e-6);
    expect(difference(found["weighted"] ?? [], lines(x, rows).map((l, r) => total(l.map((v) => v * Math.exp(v - (most[r] ?? 0))))))).toBeLessThan(5e-6);
    const width = columns.at(-1) ?? 1;
    if (width % 4 === 0 && width >= 40) expect(loops(kernelsOf(run))).toBeLessThan(loops(kernelsOf({ ...run, off: apart })));
  });

  it.each([40, 64])("exponentials up to the diagonal of %i, and none of a first row that is masked", async (n) => {
    const x = numbers(n * n, 5).map((v, i) => (i % n > Math.floor(i / n) ? 1000 : v * 20));
    const run = { nests: [exponentials(n, [n], true)], inputs: { x }, profile };
    const found = await runNests(gpu.device, run);
    const kept = lines(x, n).map((l, r) => l.slice(0, r + 1));
    const most = kept.map((l) => Math.max(...l));
    expect([...(found["most"] ?? [])]).toEqual(most);
    expect(difference(found["sum"] ?? [], kept.map((l, r) => total(l.map((v) => Math.exp(v - (most[r] ?? 0))))))).toBeLessThan(2e-6);
    expect(loops(kernelsOf(run))).toBeLessThan(loops(kernelsOf({ ...run, off: apart })));
  });

  it("rows whose largest comes later and later, whose numbers are huge, or of which one is no number", async () => {
    const n = 64;
    const rows = [
      Array.from({ length: n }, (_, k) => k / 4), Array.from({ length: n }, (_, k) => -k * 40), Array.from({ length: n }, (_, k) => (k === 40 ? 3e38 : -3e38)), Array.from({ length: n }, () => -3.4028234663852886e38),
      Array.from({ length: n }, (_, k) => (k === 9 ? Number.NaN : k)), Array.from({ length: n }, (_, k) => (k === 9 ? Number.POSITIVE_INFINITY : k)), Array.from({ length: n }, (_, k) => (k === 9 ? Number.NEGATIVE_INFINITY : k)),
    ];
    const found = await runNests(gpu.device, { nests: [exponentials(rows.length, [n])], inputs: { x: Float32Array.from(rows.flat()) }, profile });
    const sums = [...(found["sum"] ?? [])];
    const exact = rows.map((l) => total(l.map((v) => Math.exp(v - Math.max(...l)))));
    for (const r of [0, 1, 2, 6]) expect(sums[r], `${r}`).toBeCloseTo(exact[r] ?? 0, 4);
    expect(sums[3]).toBe(n);
    expect([sums[4], sums[5]].some((v) => Number.isFinite(v))).toBe(false);
  });

  it("variances of rows far from 0 are as good as with a loop for the mean first", async () => {
    const n = 256;
    const noise = [...numbers(n, 3)];
    const rows = [
      noise.map((v) => 1000 + 0.01 * v), noise.map((v) => -1e4 + v), noise.map((v, k) => (k === 0 ? 1000 : 0.01 * v)), noise.map((v, k) => (k < 16 ? 0 : 50 + v)), noise.map(() => 7.3), noise.map((v) => 1e15 * v), noise.map((v, k) => (k === n - 1 ? 1e4 : v)),
      noise.map((_, k) => k), noise.map((v, k) => (k % 8 < 4 ? 100 : -100) + v), noise.map((v) => 1e-12 * v), noise.map((v) => 1e6 + 1000 * v),
    ];
    const x = Float32Array.from(rows.flat());
    const run = { nests: [spread(rows.length, [n])], inputs: { x }, profile };
    const [one, two] = [await runNests(gpu.device, run), await runNests(gpu.device, { ...run, off: apart })];
    lines(x, rows.length).forEach((line, r) => {
      const exact = variation(line);
      const error = (found: typeof one): number => Math.abs((found["squares"]?.[r] ?? 0) - exact) / Math.max(exact, 1e-30);
      if (exact > 0) expect(error(one), `row ${r}: ${error(two)} with two loops`).toBeLessThan(Math.max(1.5 * error(two), 1e-6));
      expect(Math.abs((one["mean"]?.[r] ?? 0) - total(line) / n)).toBeLessThan((total(line.map(Math.abs)) / n) * 1e-6);
    });
    // A row of equal numbers has no variance but what its mean was rounded by.
    expect(one["squares"]?.[4]).toBeLessThan(n * (7.3 * 2 ** -22) ** 2);
  });

  it("not what waits for another fold as well", async () => {
    const nest = rowsOf(3, [64], (fold, _, store, w, body) => {
      const sum = fold("sum", (x) => ({ value: x }));
      const other = fold("sum", (x) => ({ value: mul(x, sum) }));
      const shift = w.let(body, add(mul(sum, num(1 / 64)), other));
      store("squares", fold("sum", (x, inner) => {
        const d = w.let(inner, add(x, shift));
        return { value: mul(d, d) };
      }));
    });
    const x = numbers(3 * 64, 8);
    const run = { nests: [nest], inputs: { x }, profile };
    expect(loops(kernelsOf(run))).toBe(loops(kernelsOf({ ...run, off: apart })));
    const expected = lines(x, 3).map((l) => total(l.map((v) => (v + total(l) / 64 + total(l) ** 2) ** 2)));
    expect(difference((await runNests(gpu.device, run))["squares"] ?? [], expected)).toBeLessThan(1e-5);
  });
});

/** (x - mean) / deviation · γ + β; rows are points of two axes, the outer of which may be any number. */
function normalised(outer: Dim, inner: number, columns: number, capacity: Bindings = {}): Nest {
  const w = new NestWriter();
  const [n, r, j, k, c] = [w.axis("n", outer, capacity), w.axis("r", inner), w.axis("j", columns), w.axis("k", columns), w.axis("c", columns)];
  const x = buffer("x", [outer, inner, columns], "input", { capacity });
  const [gain, shift] = [buffer("gain", [columns], "input"), buffer("shift", [columns], "input")];
  const y = buffer("y", [outer, inner, columns], "output", { capacity });
  const place = (axis: Axis): Scalar => address([n, inner * columns], [r, columns], [axis, 1]);
  const body: Stmt[] = [];
  const [sum = num(0)] = w.fold(body, "sum", [j], (to) => ({ value: w.load(to, x, place(j)) }));
  const minus = w.let(body, op("neg", "f32", [mul(sum, num(1 / columns))]));
  const [squares = num(0)] = w.fold(body, "sum", [k], (to) => {
    const d = w.let(to, add(w.load(to, x, place(k)), minus));
    return { value: mul(d, d) };
  });
  const deviation = w.let(body, op("sqrt", "f32", [add(mul(squares, num(1 / columns)), num(1e-5))]));
  const each: Stmt[] = [];
  const value = op("div", "f32", [add(w.load(each, x, place(c)), minus), deviation]);
  each.push({ kind: "store", buffer: y, index: place(c), value: add(mul(value, w.load(each, gain, at(c))), w.load(each, shift, at(c))) });
  body.push({ kind: "each", axis: c, body: each });
  return w.nest("normalised", "row", [n, r], body);
}

describe("two rows an invocation", () => {
  it.each([[1, 1024, 64, 1], [32, 32, 72, 31], [17, 64, 63, 17], [700, 2, 68, 700], [9, 300, 10, 5], [40, 33, 64, 40]] as const)("that read scale and shift once, of %i x %i x %i, %i of them live", async (most, inner, columns, live) => {
    const N = sym("N");
    const capacity = { N: most };
    const x = numbers(live * inner * columns, 3).map((v) => 10 + v);
    const inputs = { x, gain: numbers(columns, 4), shift: numbers(columns, 5) };
    const run = { nests: [normalised(most === live ? most : N, inner, columns, capacity)], inputs, live: { N: live }, capacity, profile: profiles.software };
    const [found, plain] = [await runNests(gpu.device, run), await runNests(gpu.device, { ...run, off: new Set(["several", "one-pass", "joint"]) })];
    const expected = lines(x, live * inner).flatMap((l) => {
      const [mean, deviation] = [total(l) / columns, Math.sqrt(variation(l) / columns + 1e-5)];
      return l.map((v, k) => ((v - mean) / deviation) * (inputs.gain[k] ?? 0) + (inputs.shift[k] ?? 0));
    });
    expect(difference(found["y"] ?? [], expected)).toBeLessThan(2e-5);
    expect(difference(plain["y"] ?? [], expected)).toBeLessThan(2e-5);
    expect(kernelsOf(run)[0]?.family).toBe(inner % 2 === 0 ? "row-pairs" : "row");
  });
});
