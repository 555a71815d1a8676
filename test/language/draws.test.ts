/**
 * Draws: what is drawn (moments and the distance from the distribution function), and what a number depends on: seed,
 * step, call path and element, and nothing else.
 */
import { describe, expect, it } from "vitest";
import { errorsOf, near, numbers, opened, outputs, program, range, sum } from "./kit.ts";
import { openSession } from "../../src/session.ts";

/** Φ by its series, and the share of a normal cut to lo .. hi below z. */
function normalBelow(z: number): number {
  let term = z / Math.sqrt(2);
  let total = term;
  for (let n = 1; n < 200; n++) {
    term *= -(z * z) / (2 * n);
    total += term / (2 * n + 1);
  }
  return 0.5 + total / Math.sqrt(Math.PI);
}

/** The largest distance of the sample's distribution function from this one (Kolmogorov, Smirnov). */
function distance(sample: readonly number[], below: (z: number) => number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted.reduce((most, z, k) => Math.max(most, Math.abs(below(z) - k / sorted.length), Math.abs(below(z) - (k + 1) / sorted.length)), 0);
}

/** The distance that 1 sample in 10,000 of this size passes by chance. */
const far = (n: number): number => 2.23 / Math.sqrt(n);

const draw = async (expr: string, seed = 1): Promise<number[]> => (await outputs(`u = ${expr}\noutput u`, {}, {}, seed))["u"] ?? [];

describe("distributions", () => {
  const cut = (lo: number, hi: number) => (z: number): number => (normalBelow(Math.min(hi, Math.max(lo, z))) - normalBelow(lo)) / (normalBelow(hi) - normalBelow(lo));

  it.each<[string, (z: number) => number, number, number]>([
    ["uniform(-1, 3)[100, 200]", (z) => Math.min(1, Math.max(0, (z + 1) / 4)), 1, 16 / 12],
    ["normal(0, 1)[100, 200]", normalBelow, 0, 1],
    ["normal(5, 0.5)[100, 200]", (z) => normalBelow((z - 5) / 0.5), 5, 0.25],
    ["truncated_normal[100, 200]", cut(-2, 2), 0, 0.774],
    ["truncated_normal(lo = 0, hi = 1)[100, 200]", cut(0, 1), 0.4598, 0.0803],
    ["truncated_normal(σ = 2, lo = -5, hi = 5)[100, 200]", (z) => normalBelow(z / 2), 0, 4],
  ])("%s has its distribution, mean and variance", async (expr, below, mean, variance) => {
    const u = await draw(expr);
    expect(u.length).toBe(20_000);
    expect(distance(u, below)).toBeLessThan(far(u.length));
    const m = sum(u) / u.length;
    expect(Math.abs(m - mean)).toBeLessThan(5 * Math.sqrt(variance / u.length));
    expect(Math.abs(sum(u.map((v) => (v - m) ** 2)) / u.length / variance - 1)).toBeLessThan(0.04);
  });

  it("bernoulli(p) is true in p of the cases", async () => {
    for (const p of [0, 0.1, 0.5, 1]) expect(Math.abs(sum(await draw(`bernoulli(${p})[100, 200]`)) / 20_000 - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / 20_000));
  });

  it("a truncated normal never leaves its bounds", async () => {
    const u = await draw("truncated_normal(1, 0.5, lo = -1, hi = 2)[100, 200]");
    expect(Math.min(...u)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...u)).toBeLessThanOrEqual(2);
  });

  it("erfinv inverts erf", async () => {
    const { y } = await outputs("input x: f32[N]\noutput y = erf(erfinv(x)) - x", { x: range(199, 1).map((k) => k / 100 - 1) });
    near(y, range(199).map(() => 0), 2e-7);
  });

  it("permutations hold each place once, and every order is as likely", async () => {
    const rows = await draw("permutation[6000, 3]");
    const counts = new Map<string, number>();
    for (let r = 0; r < 6000; r++) {
      const order = rows.slice(3 * r, 3 * r + 3);
      expect([...order].sort()).toEqual([0, 1, 2]);
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // χ² with 5 degrees of freedom: 25.7 is passed in 1 of 10,000 cases.
    expect(sum([...counts.values()].map((c) => (c - 1000) ** 2 / 1000))).toBeLessThan(25.7);
  });

  it("ranks of equal numbers follow their places", async () => {
    const { r } = await outputs("input x: f32[N, 5]\noutput r = ranks(x)", { x: [3, 1, 2, 1, 1, 0, 0, 0, 0, 0] });
    expect(r).toEqual([4, 0, 3, 1, 2, 0, 1, 2, 3, 4]);
  });

  it("a permutation shuffles rows, and starts a state", async () => {
    const { y, o } = await outputs("input x: f32[N]\nstate order: i32[4] ~ permutation\np = permutation[N]\noutput y = x[p]\noutput o = order", { x: [5, 6, 7, 8, 9] });
    expect([...(y ?? [])].sort()).toEqual([5, 6, 7, 8, 9]);
    expect([...(o ?? [])].sort()).toEqual([0, 1, 2, 3]);
  });

  it("a user writes distributions of their own, as the library does", async () => {
    const text = "initializer exponential(rate = 1) {\n  u = uniform(0, 1)[...]\n  return -log(1 - u) / rate\n}\nmodel M {\n  input x: f32[N]\n  a = exponential(2)[100, 200]\n  b[n] = x[n] + exponential[n]\n  param W: f32[30] ~ exponential(10)\n  output a\n  output b\n  output W\n}";
    const { a, b, W } = await outputs(text, { x: [0, 0, 0] });
    expect(distance(a ?? [], (z) => 1 - Math.exp(-2 * Math.max(0, z)))).toBeLessThan(far(20_000));
    expect(b?.every((v) => v > 0)).toBe(true);
    expect(sum(W ?? []) / 30).toBeGreaterThan(0.03);
  });
});

describe("arguments", () => {
  const x = [1, 2, 3, 4, 5, 6];

  it("may be tensors, broadcast to the draw", async () => {
    const { u, s, z } = await outputs("input x: f32[N, 3]\nu = normal(x, 0)[N, 3]\nw = [1, 10, 100]\ns = uniform(w, w)[N, 3]\nz = normal(0, 1)[N, 3]\noutput u\noutput s\noutput z", { x });
    expect(u).toEqual(x);
    expect(s).toEqual([1, 10, 100, 1, 10, 100]);
    expect(new Set(z).size).toBe(6);
    expect(errorsOf("input x: f32[N, 3]\nu = normal(x, 0)[N]\noutput u")[0]).toMatch(/^E020[12]/);
  });

  it("may depend on the indices of an equation: the same words, shifted and scaled", async () => {
    const both = async (z: string): Promise<number[]> => (await outputs(`input x: f32[N, 3]\nz[n, i] = ${z}\noutput z`, { x }))["z"] ?? [];
    near(await both("normal(x[n, i], 2 * i + 1)[n, i]"), await both("x[n, i] + (2 * i + 1) * normal(0, 1)[n, i]"), 1e-12);
    near(await both("x[n, i] + uniform(-x[n, i], i)[n, i]"), await both("(i + x[n, i]) * uniform(0, 1)[n, i]"), 1e-12);
    expect(await both("f32(bernoulli(x[n, i] / 6)[n, i])")).toEqual(await both("f32(uniform(0, 1)[n, i] < x[n, i] / 6)"));
    near(await both("truncated_normal(x[n, i], i)[n, i]"), await both("x[n, i] + i * truncated_normal[n, i]"), 1e-12);
  });

  it("in an equation are indexed by its indices alone, and need no shape", () => {
    expect(errorsOf("input x: f32[N, 3]\noutput z[n, i] = x[n, i] + normal(0, 1)[n, 0]")).toEqual(["E0204 in an equation a draw is indexed by its indices alone"]);
    expect(errorsOf("input x: f32[N, 3]\noutput z[n, i] = x[n, i] + he_normal[n, i]")[0]).toMatch(/^E0305 `he_normal` depends on the shape/);
  });
});

describe("a number depends on seed, step, path and element alone", () => {
  const value = async (lines: string, name = "u", seed = 1): Promise<number[]> => (await outputs(`input x: f32[N, 3]\n${lines}\noutput ${name}`, { x: numbers(12) }, {}, seed))[name] ?? [];
  const u = "u = normal(0, 1)[N, 3] + 0 * x";

  it("other streams before, after and inside change nothing", async () => {
    const alone = await value(u);
    expect(await value(`v = uniform(0, 1)[N, 3]\n${u}\nw = bernoulli(0.5)[7]\noutput v\noutput w`)).toEqual(alone);
    expect(await value(`a = dropout(x)\nfor k in 0..3 { x2 = truncated_normal[N] }\n${u}`)).toEqual(alone);
    expect(await value(u, "u", 2)).not.toEqual(alone);
  });

  it("a name makes a stream, and a turn makes another", async () => {
    const { a, b } = await outputs("a = normal(0, 1)[4]\nb = normal(0, 1)[4]\noutput a\noutput b");
    expect(a).not.toEqual(b);
    const { s } = await outputs("s = scan t in 0..3 with h = zeros[2] {\n  e = normal(0, 1)[2]\n  e\n}\noutput s");
    expect(new Set(s).size).toBe(6);
  });

  it("the place of the batch axis does not matter, nor how many rows come", async () => {
    const first = await value("u = normal(0, 1)[N, 3] + 0 * x");
    const last = await value("u = transpose(normal(0, 1)[3, N]) + 0 * x");
    expect(last).toEqual(first);
    const six = await outputs("input x: f32[N, 3]\nu = transpose(normal(0, 1)[3, N]) + 0 * x\noutput u", { x: numbers(6) }, {}, 1);
    expect(six["u"]).toEqual(first.slice(0, 6));
    const equation = await outputs("input x: f32[N, 3]\nu[i, n] = normal(0, 1)[i, n] + 0 * x[n, i]\noutput u", { x: numbers(12) }, {}, 1);
    expect(range(4).flatMap((n) => range(3).map((i) => equation["u"]?.[i * 4 + n]))).toEqual(first);
  });

  it("the step counts, and steps are the same in a second run", async () => {
    const text = "model M {\n  input x: f32[N]\n  param w: f32 ~ zeros\n  e = normal(0, 1)[N]\n  loss = mean(e) + 0 * w * mean(x)\n}\ntrain M { optimizer = sgd(lr = 0.1)\nbatch = 4\nsteps = 1 }";
    const losses = async (): Promise<number[]> => {
      const session = await openSession(program(text), { backend: "f64", seed: 5 });
      const found: number[] = [];
      for (let t = 0; t < 3; t++) found.push((await session.step({ x: [1, 2, 3, 4] }))["loss"] ?? Number.NaN);
      return found;
    };
    const [a, b] = [await losses(), await losses()];
    expect(new Set(a).size).toBe(3);
    expect(a).toEqual(b);
  });

  it("a shared instance draws anew in each call, a call inside a function by the caller's name", async () => {
    const session = await opened("layer noisy(x: f32[...]) {\n  e = normal(0, 1)[...]\n  return x + e\n}\nmodel M {\n  input x: f32[N, 3]\n  f = instance noisy()\n  a = f(x)\n  b = f(x)\n  c = noisy(x)\n  output d = a - b\n  output a\n  output c\n}");
    const { d, a, c } = await session.predict({ x: [0, 0, 0] });
    expect(d?.data.every((v) => v !== 0)).toBe(true);
    expect([...(a?.data ?? [])]).not.toEqual([...(c?.data ?? [])]);
  });

  it("two draws under one name, or under none, are refused", () => {
    expect(errorsOf("u = normal(0, 1)[3] + normal(0, 1)[3]\noutput u")).toEqual(["E0105 two draws would both be called `M.u`"]);
    expect(errorsOf("u = permutation[3] + permutation[3]\noutput u")).toEqual(["E0105 two draws would both be called `M.u.u`"]);
    expect(errorsOf("input x: f32[N]\nparam w: f32 ~ zeros\nloss = mean(w * x * normal(0, 1)[N])")[0]).toMatch(/^E0105 a draw needs a name/);
  });
});
