/** Index notation from the text of a program: ranges, guards, accesses and gathers against plain loops; what is refused, and how. */
import { describe, expect, it } from "vitest";
import { errorsOf, expectGradients, near, numbers, outputs, range, sum } from "./kit.ts";

const x = numbers(4 * 5, 1);
const at = (n: number, i: number): number => x[n * 5 + i] as number;
const over = (f: (n: number) => number | number[]): number[] => range(4).flatMap(f);
const row = (n: number): number[] => x.slice(5 * n, 5 * n + 5);
const out = async (lines: string, feed: Record<string, number[]> = {}): Promise<Record<string, number[]>> => outputs(`input x: f32[N, 5]\n${lines}`, { x, ...feed });

describe("reductions", () => {
  it("over one index and several, with and without a guard", async () => {
    const found = await out(`output a = sum[n, i] x[n, i]
output b[n] = mean[i where i > 1] x[n, i]
output c[n] = prod[i where i != 2] x[n, i]
output d = max[n, i where i < 2] x[n, i]
output e[n] = min[i] x[n, i]
output f[n] = argmax[i where i != 0] x[n, i]
output g[n] = argmin[i in 1..4] x[n, i]
output h[n] = any[i] (x[n, i] > 1.9)
output j[n] = all[i where i > 2] (x[n, i] > -1)
output k = count[n, i] (x[n, i] > 0)
output l[n] = logsumexp[i where i < 3] x[n, i]
output m = prod[i, k] (x[0, i] + k * x[0, k])`);
    const first = (values: number[], best: number, from = 0): number => values.indexOf(best, from);
    near(found.a, [sum(x)]);
    near(found.b, over((n) => sum(row(n).slice(2)) / 3));
    near(found.c, over((n) => row(n).filter((_, i) => i !== 2).reduce((p, v) => p * v, 1)));
    near(found.d, [Math.max(...over((n) => row(n).slice(0, 2)))]);
    near(found.e, over((n) => Math.min(...row(n))));
    near(found.f, over((n) => first(row(n), Math.max(...row(n).slice(1)), 1)));
    near(found.g, over((n) => first(row(n), Math.min(...row(n).slice(1, 4)), 1)));
    near(found.h, over((n) => Number(row(n).some((v) => v > 1.9))));
    near(found.j, over((n) => Number(row(n).slice(3).every((v) => v > -1))));
    near(found.k, [x.filter((v) => v > 0).length]);
    near(found.l, over((n) => Math.log(sum(row(n).slice(0, 3).map(Math.exp)))));
    near(found.m, [range(25).map((q) => at(0, Math.floor(q / 5)) + (q % 5) * at(0, q % 5)).reduce((p, v) => p * v, 1)]);
  });

  it("over nothing: 0, 1, 0, false, true, 0; a maximum of nothing is refused, also where its condition never holds", async () => {
    const found = await out(["sum", "prod", "mean"].map((op, k) => `output ${"abc"[k]}[n] = ${op}[i in 2..2] x[n, i]`).join("\n") + "\n" +
      ["any", "all", "count"].map((op, k) => `output ${"def"[k]}[n] = ${op}[i where i > 7] (x[n, i] > 0)`).join("\n"));
    for (const [name, value] of Object.entries({ a: 0, b: 1, c: 0, d: 0, e: 1, f: 0 })) near(found[name], over(() => value));
    for (const op of ["max", "min", "argmax", "argmin", "logsumexp"]) {
      expect(errorsOf(`input x: f32[N, 5]\noutput a[n] = ${op}[i in 2..2] x[n, i]`)).toEqual([`E0215 \`${op}\` over nothing: index \`i\` has no values`]);
      expect(errorsOf(`input x: f32[N, 5]\noutput a[n] = ${op}[i where i > 7] x[n, i]`)).toEqual([`E0215 \`${op}\` over nothing: no values satisfy its condition`]);
    }
  });

  it("the place of the largest by several indices is the first in row-major order, one number for each", async () => {
    for (const [op, better] of [["argmax", (a: number, b: number) => a > b], ["argmin", (a: number, b: number) => a < b]] as const) {
      const A = range(24).map((k) => (k * 7 + 3) % 11);
      const keeps = (i: number, j: number, k: number): boolean => i + j + k > 2 && i !== k;
      const wanted = (kept: (i: number, j: number, k: number) => boolean): readonly number[] => {
        const places = range(24).map((q) => [Math.floor(q / 12), Math.floor(q / 4) % 3, q % 4] as const).filter((p) => kept(...p));
        const value = ([i, j, k]: readonly [number, number, number]): number => A[i * 12 + j * 4 + k] ?? 0;
        return places.reduce((best, p) => (better(value(p), value(best)) ? p : best));
      };
      const rows = JSON.stringify(range(2).map((i) => range(3).map((j) => A.slice(i * 12 + j * 4, i * 12 + j * 4 + 4))));
      const found = await outputs(`A = ${rows}\na, b, c = ${op}[i, j, k] A[i, j, k]\nd, e, f = ${op}[i, j, k where i + j + k > 2 and i != k] A[i, j, k]\n${[..."abcdef"].map((n) => `output ${n}`).join("\n")}\noutput v = A[a, b, c]`, {});
      near([..."abc"].map((n) => found[n]?.[0] ?? Number.NaN), wanted(() => true));
      near([..."def"].map((n) => found[n]?.[0] ?? Number.NaN), wanted(keeps));
      near(found.v, [op === "argmax" ? Math.max(...A) : Math.min(...A)]);
    }
    // The same for each element of an equation, by a condition that depends on it too.
    const B = numbers(36, 5);
    const places = await outputs(`input B: f32[N, 3, 4]
a[n], b[n] = argmax[i, j] B[n, i, j]
c[n, k in 0..3], d[n, k in 0..3] = argmin[i in 1..3, j where i + j > k + n % 2] B[n, i, j]
e[n], f[n] = halves(B[n, 0, 1])
output value[n] = B[n, a[n], b[n]]
output other[n, k] = B[n, c[n, k], d[n, k]]
${[..."abcdef"].map((n) => `output ${n}`).join("\n")}`.replace(/^/, "fn halves(v) {\n  return v / 2, v - 1\n}\nmodel M {\n") + "\n}", { B });
    const cell = (n: number, [i, j]: readonly [number, number]): number => B[n * 12 + i * 4 + j] as number;
    const square = range(12).map((q) => [Math.floor(q / 4), q % 4] as const);
    const most = range(3).map((n) => square.reduce((best, p) => (cell(n, p) > cell(n, best) ? p : best)));
    const least = range(3).flatMap((n) => range(3).map((k) => square.filter(([i, j]) => i > 0 && i + j > k + (n % 2)).reduce((best, p) => (cell(n, p) < cell(n, best) ? p : best))));
    near(places.a, most.map(([i]) => i));
    near(places.b, most.map(([, j]) => j));
    near(places.value, range(3).map((n) => Math.max(...B.slice(n * 12, n * 12 + 12))));
    near(places.c, least.map(([i]) => i));
    near(places.d, least.map(([, j]) => j));
    near(places.other, least.map((p, q) => cell(Math.floor(q / 3), p)));
    near(places.e, range(3).map((n) => cell(n, [0, 1]) / 2));
    near(places.f, range(3).map((n) => cell(n, [0, 1]) - 1));
    expect(errorsOf("input x: f32[N, 5]\noutput a[n] = argmax[k in 0..2, i] x[k, i]")).toEqual(["E0108 the right side of an equation must be a tensor or a number, and this is 2 values"]);
  });

  it("a position found where nothing is kept is the first of the range", async () => {
    near((await out("output a[n] = argmax[i in 1..4 where x[n, i] > 100] x[n, i]")).a, over(() => 1));
  });

  it("pass their gradients on", async () => {
    const wrap = (body: string): string => `input x: f32[N, 3]\nparam W: f32[3, 4] ~ normal(0, 1)\nz[n, k] = sum[i] x[n, i] * W[i, k]\n${body}`;
    for (const loss of [
      "loss = prod[k] (2 + sum[n] z[n, k])", "loss = sum[n] prod[k where k != 1] z[n, k]", "loss = sum[n] max[k where k > 0] z[n, k]", "loss = mean[n] min[k] z[n, k]",
      "loss = logsumexp[n, k where k != n] z[n, k]", "loss = sum[n] mean[k where z[n, k] > 0] z[n, k]^2", "loss = sum[n, k where k <= n] sin(z[n, k])",
    ]) await expectGradients(wrap(loss), { x: numbers(6, 3) });
  });
});

describe("ranges", () => {
  it("are an axis' own, or the largest that never leaves", async () => {
    const found = await out(`output a[n, j] = x[n, j + 1] - x[n, 3]
output b[n, j] = x[n, 4 - j]
output c[n, j] = sum[u in 0..2] x[n, 2 * j + u]
output d[n, j] = max[u in 0..3] x[n, j + 4 - 2 * u]
output e[n, j in 0..5//2] = x[n, 2 * j]`);
    near(found.a, over((n) => range(4).map((j) => at(n, j + 1) - at(n, 3))));
    near(found.b, over((n) => row(n).reverse()));
    near(found.c, over((n) => range(2).map((j) => at(n, 2 * j) + at(n, 2 * j + 1))));
    near(found.d, over((n) => [Math.max(at(n, 4), at(n, 2), at(n, 0))]));
    near(found.e, over((n) => range(2).map((j) => at(n, 2 * j))));
  });

  it("come from hyperparameters and floor division", async () => {
    const text = "model M(h = 4, s = 2) {\n  input x: f32[N, 2 * h]\n  output y[n, i in 0..h // s] = sum[u in 0..s] x[n, s * i + u]\n}";
    near((await outputs(text, { x: range(8) })).y, [1, 5]);
  });

  it("an index that leaves its axis is refused with both ends", () => {
    const error = (lines: string): string | undefined => errorsOf(`input x: f32[N, 5]\n${lines}`)[0];
    expect(error("output a[n, j in 0..5] = x[n, j + 1]")).toBe("E0205 the index runs over 1 to 5, and the axis has indices 0 to 4");
    expect(error("output a[n, j in 0..5] = x[n, 3 - j]")).toBe("E0205 the index runs over -1 to 3, and the axis has indices 0 to 4");
    expect(error("output a[n] = x[n, 5]")).toBe("E0205 the index is 5, and the axis has indices 0 to 4");
    expect(error("output a[n, j] = x[n, j] + x[n, j + 1]")).toBe("E0205 the index runs over 1 to 5, and the axis has indices 0 to 4");
    expect(error("output a[n, j in 0..10] = x[n, j // 3]")).toBe(undefined);
    expect(error("output a[n, j in 0..20] = x[n, j // 3]")).toBe("E0205 the index may be 0 to 6, and the axis has indices 0 to 4");
    expect(error("output a[n] = x[n + 1, 0]\noutput b[m, n] = x[m, 0] * x[n - m, 0]")).toMatch(/^E020[56]/);
    expect(error("output a = x[:, 2..7]")).toBe("E0205 the slice takes 2 to 6, and the axis has indices 0 to 4");
  });
});

describe("conditions protect what is read under them", () => {
  it("in `where`, in `cases`, in `where(c, a, b)`, and beside `and` and `or`", async () => {
    const y = [1, -1, 4, -1];
    const found = await out(`target y: i32[N] in -1..5
output a[n] = cases {
  x[n, y[n]]  if y[n] >= 0
  7           otherwise
}
output b[n] = cases {
  -1          if y[n] < 0
  x[n, y[n]]  otherwise
}
output c[n] = where(y[n] != -1, x[n, y[n]], 0)
output d = mean[n where y[n] >= 0] x[n, y[n]]
output e[n] = y[n] >= 0 and x[n, y[n]] > 0
output f[n] = y[n] < 0 or x[n, y[n]] > 0
known[n] = not (y[n] < 0)
output g = sum[n where known[n]] x[n, y[n]]
output h[n] = cases {
  x[n, y[n] + 1]  if y[n] >= 0 and y[n] < 4
  x[n, y[n]]      if y[n] == 4
  0               otherwise
}`, { y });
    const label = (n: number, none: number): number => ((y[n] as number) >= 0 ? at(n, y[n] as number) : none);
    near(found.a, over((n) => label(n, 7)));
    near(found.b, over((n) => label(n, -1)));
    near(found.c, over((n) => label(n, 0)));
    near(found.d, [(label(0, 0) + label(2, 0)) / 2]);
    near(found.e, over((n) => Number(label(n, -1) > 0)));
    near(found.f, over((n) => Number(label(n, 1) > 0)));
    near(found.g, [label(0, 0) + label(2, 0)]);
    near(found.h, [at(0, 2), 0, at(2, 4), 0]);
  });

  it("on positions: a border is 0, a triangle is kept", async () => {
    const found = await out(`output a[n, i in 0..5] = sum[u in 0..3 where i + u - 1 >= 0 and i + u - 1 < 5] x[n, i + u - 1] * (u + 1)
output b[n, i] = cases {
  x[n, i - 1]  if i >= 1
  x[n, i]      otherwise
}
output c[n, i in 0..5] = sum[j where j <= i] x[n, j]
output d[n, i in 0..5] = sum[j where j < i] x[n, j] * x[n, i - j - 1]`);
    near(found.a, over((n) => range(5).map((i) => sum(range(3).map((u) => (i + u - 1 >= 0 && i + u - 1 < 5 ? at(n, i + u - 1) * (u + 1) : 0))))));
    near(found.b, over((n) => range(5).map((i) => at(n, Math.max(0, i - 1)))));
    near(found.c, over((n) => range(5).map((i) => sum(row(n).slice(0, i + 1)))));
    near(found.d, over((n) => range(5).map((i) => sum(range(i).map((j) => at(n, j) * at(n, i - j - 1))))));
  });

  it("with missing labels: the loss of the labelled rows, with the right gradient", async () => {
    const text = `input x: f32[N, 3]
target y: i32[N] in -1..4
param W: f32[3, 4] ~ normal(0, 1)
z = log_softmax(x @ W)
loss = -mean[n where y[n] >= 0] z[n, y[n]]
output each[n] = cases {
  -z[n, y[n]]  if y[n] >= 0
  0            otherwise
}`;
    await expectGradients(text, { x: numbers(12, 2), y: [2, -1, 0, -1] });
    await expectGradients(text.replace(/loss = .*\n/, "").replace("output each", "each") + "\nloss = sum(each) / 2", { x: numbers(12, 2), y: [2, -1, 0, 3] });
    await expectGradients(text, { x: numbers(12, 2), y: [-1, -1, -1, -1] });
  });

  it("shared parts of long conditions are read once", async () => {
    const doubled = (times: number): string => range(times).reduce((s) => `d(${s})`, "y[n]");
    const text = `fn d(a) = a + a\nmodel M {\n  input x: f32[N, 5]\n  target y: i32[N] in -1..5\n  output o[n] = where(${doubled(24)} >= 0, x[n, y[n]], 7)\n}`;
    near((await outputs(text, { x, y: [0, -1, 4, 1] })).o, [at(0, 0), 7, at(2, 4), at(3, 1)]);
  });

  it("and conditions that do not keep an index inside are refused", () => {
    const error = (lines: string): string[] => errorsOf(`input x: f32[N, 5]\ntarget y: i32[N] in -1..6\n${lines}`);
    expect(error("output a[n] = where(y[n] >= 0, x[n, y[n]], 0)")).toEqual(["E0205 the index may be 0 to 5, also where its condition holds, and the axis has indices 0 to 4"]);
    expect(error("output a[n] = where(x[n, 0] > 0, x[n, y[n]], 0)")).toEqual(["E0205 the index may be -1 to 5, also where its condition holds, and the axis has indices 0 to 4"]);
    expect(error("output a[n] = where(y[n] >= 0, 0, x[n, y[n]])")).toEqual(["E0205 the index may be -1, also where its condition holds, and the axis has indices 0 to 4"].map((s) => s.replace("may be -1", "is -1")));
    expect(error("output a[n, i] = x[n, i] + sum[j in 0..5 where j > i] x[n, j + 1]")).toEqual(["E0205 the index runs over 2 to 5, also where its condition holds, and the axis has indices 0 to 4"]);
    expect(error("output a[n] = where(y[n] >= 0 or x[n, 0] > 0, x[n, min(y[n], 4)], 0)")).toEqual(["E0205 the index may be -1 to 4, also where its condition holds, and the axis has indices 0 to 4"]);
  });
});

describe("indices that are computed", () => {
  it("are followed through arithmetic, choices and searches", async () => {
    const k = [7, -3, 0, 12];
    const found = await out(`input k: i32[N]
output a[n] = x[n, k[n] % 5]
output b[n] = x[n, max(0, min(k[n], 4))]
output c[n] = x[n, argmax[i] x[n, i]]
output d[n] = x[n, 4 - argmin(x)[n]]
output e[n] = x[n, i32(where(k[n] > 0, 3, 1)) + i32(x[n, 0] > 0)]
best = argmax(x)
output f[n] = x[n, best[n] // 2 + 1]
output g[n] = x[n, i32(max(0, min(4.9, x[n, 1] * 10)))]
output h[n] = x[n, (k[n] % 3) * 2]`, { k });
    const mod = (a: number, b: number): number => a - b * Math.floor(a / b);
    const best = (n: number): number => row(n).indexOf(Math.max(...row(n)));
    near(found.a, over((n) => at(n, mod(k[n] as number, 5))));
    near(found.b, over((n) => at(n, Math.max(0, Math.min(k[n] as number, 4)))));
    near(found.c, over((n) => Math.max(...row(n))));
    near(found.d, over((n) => at(n, 4 - row(n).indexOf(Math.min(...row(n))))));
    near(found.e, over((n) => at(n, ((k[n] as number) > 0 ? 3 : 1) + Number(at(n, 0) > 0))));
    near(found.f, over((n) => at(n, Math.floor(best(n) / 2) + 1)));
    near(found.g, over((n) => at(n, Math.trunc(Math.max(0, Math.min(4.9, at(n, 1) * 10))))));
    near(found.h, over((n) => at(n, mod(k[n] as number, 3) * 2)));
  });

  it("and refused where nothing bounds them", () => {
    const error = (index: string): string[] => errorsOf(`input x: f32[N, 5]\ninput k: i32[N]\noutput a[n] = x[n, ${index}]`);
    expect(error("i32(x[n, 0])")).toEqual(["E0217 this index is computed, and nothing says that it lies in 0 to 4"]);
    expect(error("k[n]")).toEqual(["E0216 `k` may take any value, and indexes an axis of 5"]);
    expect(error("k[n] % 6")).toEqual(["E0205 the index may be 0 to 5, and the axis has indices 0 to 4"]);
    expect(error("argmax(x)[n] + 1")).toEqual(["E0205 the index may be 1 to 5, and the axis has indices 0 to 4"]);
    expect(error("x[n, 0]")).toEqual(["E0208 an index is a whole number, and this is f32"]);
  });
});

describe("gathers", () => {
  it("nested, repeated, shared, from a table, and by lists in tensor notation", async () => {
    const t = [0, 2, 1, 1, 2, 0, 0, 1];
    const E = numbers(6, 4);
    const y = [4, 0, 2, 2];
    const found = await outputs(`input x: f32[N, 5]
input t: i32[N, 2] in 0..3
input y: i32[N] in 0..5
param E: f32[3, 2] ~ zeros
output a[b, k, d] = E[t[b, k], d]
output b = E[t]
output c[n] = E[t[n, t[n, 0] % 2], 1]
p = [2, 0]
output d = E[p]
output e[n, i] = x[n, y[n]] * x[n, i]
output f[n] = sum[i in 0..5] x[n, (i + y[n]) % 5] * i`, { x, t, y }, { "M.E": E });
    const e2 = (r: number, d: number): number => E[2 * r + d] as number;
    near(found.a, t.flatMap((r) => [e2(r, 0), e2(r, 1)]));
    near(found.b, found.a ?? []);
    near(found.c, over((n) => e2(t[2 * n + ((t[2 * n] as number) % 2)] as number, 1)));
    near(found.d, [e2(2, 0), e2(2, 1), e2(0, 0), e2(0, 1)]);
    near(found.e, over((n) => row(n).map((v) => v * at(n, y[n] as number))));
    near(found.f, over((n) => sum(range(5).map((i) => at(n, (i + (y[n] as number)) % 5) * i))));
  });

  it("pass their gradients back to what was picked", async () => {
    await expectGradients("input t: i32[N, 2] in 0..3\nparam E: f32[3, 2] ~ normal(0, 1)\nloss = sum[b, k, d] sin(E[t[b, k], d] * (k + 1)) + sum(E[t]^2)", { t: [0, 2, 1, 1, 2, 0, 0, 1] });
    await expectGradients("input y: i32[N] in 0..3\ninput z: i32[N] in 0..2\nparam A: f32[3, 2] ~ normal(0, 1)\nloss = sum[n] A[y[n], z[n]]^3", { y: [0, 2, 2], z: [1, 0, 0] });
  });

  it("diagonals, traces and symmetric parts", async () => {
    const W = numbers(9, 3);
    const found = await outputs("param W: f32[3, 3] ~ zeros\noutput d[i] = W[i, i]\noutput t = sum[i] W[i, i]\noutput s[i, j] = (W[i, j] + W[j, i]) / 2\noutput a[i] = sum[j where j != i] W[i, j] * W[j, i]", {}, { "M.W": W });
    const w = (i: number, j: number): number => W[3 * i + j] as number;
    near(found.d, range(3).map((i) => w(i, i)));
    near(found.t, [w(0, 0) + w(1, 1) + w(2, 2)]);
    near(found.s, range(3).flatMap((i) => range(3).map((j) => (w(i, j) + w(j, i)) / 2)));
    near(found.a, range(3).map((i) => sum(range(3).filter((j) => j !== i).map((j) => w(i, j) * w(j, i)))));
  });
});

describe("index and tensor notation mix", () => {
  it("whole-tensor calls are indexed, `...` stands for what is around", async () => {
    const text = `fn scaled(x: f32[..., k]) {
  y[..., i] = x[..., i] * (i + 1) / sum[j] exp(x[..., j])
  return y
}
fn rows(x: f32[..., n, k]) {
  m[..., i] = mean[j] x[..., i, j]
  return m
}
model M {
  input x: f32[N, 5]
  output a = scaled(x)
  output b[n] = softmax(x)[n, 1] + sum[k] relu(x)[n, k]
  c = reshape(x, N, 1, 5)
  output d = rows(c)
  output e = scaled(x[0])
}`;
    const found = await outputs(text, { x });
    const scaled = (n: number): number[] => row(n).map((v, i) => (v * (i + 1)) / sum(row(n).map(Math.exp)));
    near(found.a, over(scaled));
    near(found.b, over((n) => Math.exp(at(n, 1)) / sum(row(n).map(Math.exp)) + sum(row(n).map((v) => Math.max(0, v)))));
    near(found.d, over((n) => sum(row(n)) / 5));
    near(found.e, scaled(0));
  });
});

describe("sizes that data decides", () => {
  it("neighbours in a batch: one fewer, and none of one row", async () => {
    const text = "input x: f32[N]\nparam K: f32[2] ~ ones\noutput d[n in 0..N - 1] = x[n + 1] - x[n]\noutput c[i] = sum[u] x[i + u] * K[u]\noutput e[n in 0..N] = sum[m where m <= n] x[m]";
    const found = await outputs(text, { x: [1, 4, 9, 16] });
    near(found.d, [3, 5, 7]);
    near(found.c, [5, 13, 25]);
    near(found.e, [1, 5, 14, 30]);
    expect((await outputs(text, { x: [3] })).d).toEqual([]);
    expect(errorsOf("input x: f32[N]\nparam K: f32[3] ~ ones\noutput c[i] = sum[u] x[i + u] * K[u]")).toEqual(["E0219 the largest range of `i` that stays inside is 0..N - 2, which is negative where N is 1"]);
  });

  it("products over the batch, with a guard, and their gradients where a factor is 0", async () => {
    const found = await outputs("input x: f32[N, 2]\noutput a = prod(x)\noutput b = prod(x, axis = 0)\noutput c[k] = prod[n where x[n, k] > 2] x[n, k]", { x: [1, 2, 3, 4, 5, 6] });
    near(found.a, [720]);
    near(found.b, [15, 48]);
    near(found.c, [15, 24]);
    const text = "input x: f32[N, 2]\nparam W: f32[2] ~ normal(0, 1)\nf[n, k] = x[n, k] * W[k] + x[n, 0]\nloss = prod[n, k] f[n, k] + sum[k] prod[n where n != 1] f[n, k]";
    await expectGradients(text, { x: [1, 2, -1, 0.5, 0.3, 1] });
    await expectGradients("input x: f32[N, 2]\nparam W: f32[2] ~ ones\nloss = sum[k] prod[n] (x[n, k] * W[k] - x[n, k])", { x: [1, 2, -1, 0.5] });
    await expectGradients("input x: f32[N, 2]\nparam W: f32[2] ~ normal(0, 1)\nu[n] = prod[k] (x[n, k] * W[k])\nv = prod[n] u[n]\nloss = sum(grad(v, W)^2)", { x: [1, 2, -1, 0.5] });
  });
});

describe("inputs without a batch axis", () => {
  it("are the same for every example", async () => {
    const found = await outputs("input x: f32[N, 3]\ninput p: i32[2] in 0..3\ninput s: f32\noutput o = s * x[:, p]", { x: [1, 2, 3, 4, 5, 6, 7, 8, 9], p: [2, 0], s: [10] });
    near(found["o"], [30, 10, 60, 40, 90, 70]);
  });
});

describe("loops", () => {
  it("of no turns give what they start with, or nothing", async () => {
    const found = await outputs("h0 = ones[2]\noutput f = fold t in 0..0 with h = h0 { 2 * h }\ns = scan t in 0..0 with h = h0 { 2 * h }\noutput s\noutput c = concat(s, [[7, 8]], axis = 0)");
    near(found.f, [1, 1]);
    near(found["s"], []);
    near(found.c, [7, 8]);
  });

  it("of several carries end in several values, or in one call that gives as many", async () => {
    const text = "fn step(a, b) {\n  return a + b, 2 * b\n}\nmodel M {\n  a, b = fold t in 0..3 with a = zeros[1], b = ones[1] { step(a, b) }\n  c, d = fold t in 0..3 with a = zeros[1], b = ones[1] { a + b, 2 * b }\n  output a\n  output b\n  output c\n  output d\n}";
    expect(await outputs(text)).toEqual({ a: [7], b: [8], c: [7], d: [8] });
    expect(errorsOf("a, b = fold t in 0..3 with a = zeros[1], b = ones[1] { a + b }\noutput a")).toEqual(["E0109 the block of a fold ends in one value for each of its 2 carries, and this is 1"]);
  });
});
