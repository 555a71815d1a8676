/** Attention and recurrent cells of the library against plain loops, and their gradients against central differences. */
import { describe, expect, it } from "vitest";
import { errorsOf, expectGradients, near, numbers, outputs, range, sum } from "../language/kit.ts";

type Matrix = readonly (readonly number[])[];

const rows = (data: readonly number[], width: number): Matrix => range(data.length / width).map((r) => data.slice(r * width, r * width + width));
const times = (a: Matrix, b: Matrix): Matrix => a.map((r) => (b[0] ?? []).map((_, c) => sum(r.map((v, k) => v * (b[k]?.[c] ?? 0)))));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** softmax(q kᵀ / √d) v. */
function attend(q: Matrix, k: Matrix, v: Matrix, causal: boolean): Matrix {
  const d = q[0]?.length ?? 1;
  return q.map((row, i) => {
    const keys = causal ? k.slice(0, i + 1) : k;
    const weights = keys.map((key) => Math.exp(sum(row.map((x, c) => x * (key[c] ?? 0))) / Math.sqrt(d)));
    return (v[0] ?? []).map((_, c) => sum(weights.map((w, j) => w * (v[j]?.[c] ?? 0))) / sum(weights));
  });
}

describe("attention", () => {
  const [q, k, v] = [numbers(2 * 4 * 3, 1), numbers(2 * 5 * 3, 2), numbers(2 * 5 * 2, 3)];
  const inputs = "input q: f32[N, 4, 3]\ninput k: f32[N, 5, 3]\ninput v: f32[N, 5, 2]";

  it("weighs values by softmax of scaled products", async () => {
    const { o } = await outputs(`${inputs}\noutput o = attention(q, k, v)`, { q, k, v });
    near(o, range(2).flatMap((n) => attend(rows(q, 3).slice(4 * n, 4 * n + 4), rows(k, 3).slice(5 * n, 5 * n + 5), rows(v, 2).slice(5 * n, 5 * n + 5), false).flat()));
  });

  it("looks back alone when causal, and works without a batch or with heads", async () => {
    const x = numbers(2 * 2 * 4 * 3, 4);
    const { a, b } = await outputs("input x: f32[N, 2, 4, 3]\noutput a = attention(x, x, x, causal = true)\noutput b = attention(x[0, 0], x[0, 0], x[0, 0], causal = true)", { x });
    const heads = range(4).map((h) => rows(x, 3).slice(4 * h, 4 * h + 4));
    near(a, heads.flatMap((h) => attend(h, h, h, true).flat()));
    near(b, attend(heads[0] as Matrix, heads[0] as Matrix, heads[0] as Matrix, true).flat());
    expect(errorsOf(`${inputs}\noutput o = attention(q, k, v, causal = true)`)).toEqual(["E0211 a causal attention has as many queries as keys"]);
  });

  it("stays finite far out, also in the gradient", async () => {
    const { o } = await outputs("input x: f32[N, 4, 3]\ny = 1000 * x\noutput o = attention(y, y, x, causal = true)", { x: numbers(12) });
    expect(o?.every(Number.isFinite)).toBe(true);
  });

  it("of several heads joins them and mixes", async () => {
    const x = numbers(2 * 3 * 4, 5);
    const [Wq, Wk, Wv, Wo] = range(4, 6).map((s) => numbers(16, s)) as [number[], number[], number[], number[]];
    const params = { "M.z.q.W": Wq, "M.z.k.W": Wk, "M.z.v.W": Wv, "M.z.o.W": Wo };
    const { z } = await outputs("input x: f32[N, 3, 4]\nz = multi_head_attention(x, 2, causal = true, bias = false)\noutput z", { x }, params);
    const expected = range(2).flatMap((n) => {
      const mine = rows(x, 4).slice(3 * n, 3 * n + 3);
      const [q, k, v] = [Wq, Wk, Wv].map((W) => times(mine, rows(W, 4))) as [Matrix, Matrix, Matrix];
      const cut = (m: Matrix, h: number): Matrix => m.map((r) => r.slice(2 * h, 2 * h + 2));
      const heads = [0, 1].map((h) => attend(cut(q, h), cut(k, h), cut(v, h), true));
      return times(range(3).map((t) => heads.flatMap((h) => h[t] ?? [])), rows(Wo, 4)).flat();
    });
    near(z, expected);
  });

  it("learns by the right gradients", async () => {
    await expectGradients("input x: f32[N, 3, 4]\nz = multi_head_attention(x, 2, causal = true)\nloss = mean(sin(z))", { x: numbers(24, 2) });
    await expectGradients("input x: f32[N, 3, 2]\ninput m: f32[N, 4, 3]\nz = multi_head_attention(x, 2, memory = m)\nloss = mean(sin(z))", { x: numbers(12, 2), m: numbers(24, 3) });
  });
});

describe("recurrent cells", () => {
  const x = numbers(2 * 3 * 2, 3);

  it("lstm_cell over a sequence", async () => {
    const [W, U, b] = [numbers(16, 1), numbers(16, 2), numbers(8, 4)];
    const text = "input x: f32[N, 3, 2]\nz, c = fold t in 0..3 with h = zeros[N, 2], c = zeros[N, 2] {\n  a, d = lstm_cell(x[:, t], h, c)\n  a, d\n}\noutput z\noutput c";
    const paths = { "M.z.a.W": W, "M.z.a.U": U, "M.z.a.b": b };
    const found = await outputs(text, { x }, paths);
    const [hs, cs]: number[][] = [[], []];
    for (let n = 0; n < 2; n++) {
      let [h, c] = [[0, 0], [0, 0]];
      for (let t = 0; t < 3; t++) {
        const from = [x.slice((n * 3 + t) * 2, (n * 3 + t) * 2 + 2)];
        const p = times(from, rows(W, 8))[0]?.map((v, k) => v + (times([h], rows(U, 8))[0]?.[k] ?? 0) + (b[k] ?? 0)) ?? [];
        const at = (gate: number, k: number): number => p[gate * 2 + k] ?? 0;
        c = c.map((v, k) => sigmoid(at(1, k) + 1) * v + sigmoid(at(0, k)) * Math.tanh(at(2, k)));
        h = c.map((v, k) => sigmoid(at(3, k)) * Math.tanh(v));
      }
      hs?.push(...h);
      cs?.push(...c);
    }
    near(found.z, hs as number[]);
    near(found.c, cs as number[]);
  });

  it("gru_cell over a sequence", async () => {
    const p = { W: numbers(8, 1), U: numbers(8, 2), b: numbers(4, 3), V: numbers(4, 4), R: numbers(4, 5), d: numbers(2, 6) };
    const found = await outputs("input x: f32[N, 3, 2]\nz = scan t in 0..3 with h = zeros[N, 2] { gru_cell(x[:, t], h) }\noutput z", { x }, Object.fromEntries(Object.entries(p).map(([k, v]) => [`M.z.${k}`, v])));
    const steps: number[][][] = range(3).map(() => []);
    for (let n = 0; n < 2; n++) {
      let h = [0, 0];
      for (let t = 0; t < 3; t++) {
        const from = [x.slice((n * 3 + t) * 2, (n * 3 + t) * 2 + 2)];
        const gates = range(4).map((k) => sigmoid((times(from, rows(p.W, 4))[0]?.[k] ?? 0) + (times([h], rows(p.U, 4))[0]?.[k] ?? 0) + (p.b[k] ?? 0)));
        const kept = h.map((v, k) => v * (gates[2 + k] ?? 0));
        const fresh = range(2).map((k) => Math.tanh((times(from, rows(p.V, 2))[0]?.[k] ?? 0) + (times([kept], rows(p.R, 2))[0]?.[k] ?? 0) + (p.d[k] ?? 0)));
        h = h.map((v, k) => (gates[k] ?? 0) * v + (1 - (gates[k] ?? 0)) * (fresh[k] ?? 0));
        steps[t]?.push(h);
      }
    }
    near(found.z, steps.flat(2));
  });

  it("learn by the right gradients through time", async () => {
    await expectGradients("input x: f32[N, 3, 2]\nz = fold t in 0..3 with h = zeros[N, 2] { gru_cell(x[:, t], h) }\nloss = mean(sin(z))", { x });
    await expectGradients("input x: f32[N, 3, 2]\nz, c = fold t in 0..3 with h = zeros[N, 2], c = zeros[N, 2] {\n  a, d = lstm_cell(x[:, t], h, c)\n  a, d\n}\nloss = mean(sin(z) * c)", { x });
  });
});
