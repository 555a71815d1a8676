/** Derivatives that depend on an index, by everything that has a name, to third and mixed order, against central differences. */
import { describe, expect, it } from "vitest";
import type { Feed, Session } from "../../src/session.ts";
import { agree, codesOf, differences, expectTrueGradients, numbers, open, outputOf } from "./kit.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Each element of an output differentiated by a parameter: output index first. */
async function jacobian(m: Session, output: string, path: string, feed: Feed = {}): Promise<readonly number[]> {
  const count = (await outputOf(m, output, feed)).length;
  const rows: number[] = [];
  for (const k of range(count)) rows.push(...(await differences(m, path, feed, output, range(count).map((i) => (i === k ? 1 : 0)))));
  return rows;
}

describe("rows of Jacobians", () => {
  it("of an equation, a matmul net, a reduction and a slice", async () => {
    const m = await open(`model M {
      param x: f32[3] ~ normal(0, 1); param W: f32[3, 4] ~ normal(0, 1)
      y[i] = x[i]^2 * x[(i + 1) % 3] + sin(x[0])
      h = tanh(x @ W)
      output y; output h
      output Jy[i, j] = grad(y[i], x)[j]
      output Jh[o, j] = grad(h[o], x)[j]
      output JW[o, j, k] = grad(h[o]^2, W)[j, k]
      output diag[i] = grad(y[i], x[i])
      output part[i] = grad(y[i], x[1..3])[0]
      output square[o] = h[o]^2
      output lengths[o] = sqrt(sum[j] grad(h[o], x)[j]^2)
      loss = sum(y) + sum(h) }`);
    agree(await outputOf(m, "Jy"), await jacobian(m, "y", "M.x"), "Jy");
    agree(await outputOf(m, "Jh"), await jacobian(m, "h", "M.x"), "Jh");
    agree(await outputOf(m, "JW"), await jacobian(m, "square", "M.W"), "JW");
    const J = await outputOf(m, "Jy");
    agree(await outputOf(m, "diag"), range(3).map((i) => J[4 * i] as number), "diag");
    agree(await outputOf(m, "part"), range(3).map((i) => J[3 * i + 1] as number), "part");
    const Jh = await outputOf(m, "Jh");
    agree(await outputOf(m, "lengths"), range(4).map((o) => Math.hypot(...Jh.slice(3 * o, 3 * o + 3))), "lengths");
  });

  it("of each example by its input, and a penalty on them is differentiated truly", async () => {
    const m = await open(`model M {
      input x: f32[N, 2]; param W: f32[2, 3] ~ normal(0, 1); param v: f32[3] ~ normal(0, 1)
      score = tanh(x @ W) @ v
      slope[n, d] = grad(score[n], x)[n, d]
      other[n, d] = grad(sum(score), x)[n, d]
      output slope; output other
      loss = mean[n] (sqrt(sum[d] slope[n, d]^2 + 0.01) - 1)^2 }`);
    const x = numbers(8, 5);
    agree(await outputOf(m, "slope", { x }), await outputOf(m, "other", { x }));
    await expectTrueGradients(m, { x });
  });

  it("under guards, with gathers, inside reductions, cases and max", async () => {
    const m = await open(`model M {
      target t: i32[N] in 0..3; param E: f32[3, 2] ~ normal(0, 1)
      s[n] = sum[k] E[t[n], k]^3
      g[n] = sum[i, k] grad(s[n], E)[i, k]^2
      h[n] = sum[m where m != n] grad(s[m], E)[t[n], 0] * s[m]
      c[n] = cases { grad(s[n], E)[t[n], 1] if s[n] > 0; E[t[n], 0] otherwise }
      loss = sum(g) + 0.1 * sum(h) + sum(c^2) }`);
    await expectTrueGradients(m, { t: [0, 2, 2, 1] });
  });
});

describe("Hessians and beyond", () => {
  const f = "f = x[0]^2 * x[1] + sin(x[1] * x[2]) + exp(0.3 * x[0] * x[2])";
  it("the full Hessian by two indices equals differences of the gradient", async () => {
    const m = await open(`model M { param x: f32[3] ~ normal(0, 1); ${f}
      output g = grad(f, x); output h[i, j] = grad(grad(f, x)[i], x)[j]; output v[i] = hvp(f, x, x)[i]; output hx[i] = sum[j] h[i, j] * x[j]; loss = f }`);
    agree(await outputOf(m, "h"), await jacobian(m, "g", "M.x"));
    agree(await outputOf(m, "v"), await outputOf(m, "hx"));
  });

  it("third order by three indices, and mixed orders by two parameters", async () => {
    const m = await open(`model M { param x: f32[2] ~ normal(0, 1); param y: f32[2] ~ normal(0, 1)
      f = sum[i, j] sin(x[i] * y[j]) * x[j]
      output h[i, j] = grad(grad(f, x)[i], x)[j]
      output t[i, j, k] = grad(grad(grad(f, x)[i], x)[j], x)[k]
      output xy[i, j] = grad(grad(f, x)[i], y)[j]
      output xyx[i, j, k] = grad(xy[i, j], x)[k]
      output xyy[i, j, k] = grad(grad(grad(f, x)[i], y)[j], y)[k]
      output gx = grad(f, x)
      loss = f }`);
    agree(await outputOf(m, "t"), await jacobian(m, "h", "M.x"), "t");
    agree(await outputOf(m, "xy"), await jacobian(m, "gx", "M.y"), "xy");
    agree(await outputOf(m, "xyx"), await jacobian(m, "xy", "M.x"), "xyx");
    agree(await outputOf(m, "xyy"), await jacobian(m, "xy", "M.y"), "xyy");
  });

  it("a derivative by a name, of derivatives by what that name is made of, sees every path", async () => {
    // y = x² ; f_i = y_i³ x_i; g_i = ∂f_i/∂x_i = 3 y² 2x x + y³ = 6 x² y² + y³, as a function of y with x held still: 12 x² y + 3 y².
    const m = await open(`model M { param x: f32[3] ~ normal(0, 1); y = x^2; f[i] = y[i]^3 * x[i]
      g[i] = grad(f[i], x)[i]
      output g; output a = grad(sum(g), y); output b[i, j] = grad(g[i], y)[j]; output c = grad(sum(g), x); loss = sum(f) }`);
    const x = [...(await m.get("M.x"))];
    const by = (of: (x: number) => number): number[] => x.map(of);
    agree(await outputOf(m, "g"), by((v) => 7 * v ** 6), "g");
    agree(await outputOf(m, "a"), by((v) => 15 * v ** 4), "a");
    agree(await outputOf(m, "b"), range(9).map((k) => (k % 4 === 0 ? 15 * (x[k / 4] as number) ** 4 : 0)), "b");
    agree(await outputOf(m, "c"), by((v) => 42 * v ** 5), "c");
  });
});

describe("names between", () => {
  it("three derivatives, by a name that is made of the two others", async () => {
    // y = x² z, f = y³: ∂f/∂x = 6 y² x z; its ∂/∂z = 12 y x³ z + 6 y² x; by y alone 12 x³ z + 12 y x = 24 x³ z.
    const m = await open(`model M { param x: f32[3] ~ normal(0, 1); param z: f32[3] ~ normal(0, 1); y = x^2 * z; f[i] = y[i]^3
      output a[i] = grad(grad(f[i], x)[i], z)[i]; output b[i] = grad(grad(grad(f[i], x)[i], z)[i], y)[i]
      s = sum[i] grad(grad(f[i], x)[i], z)[i]; output c = grad(s, y); output d = grad(s, x); output e[i] = grad(s, z)[i]; loss = sum(f) }`);
    const [x, z] = [[...(await m.get("M.x"))], [...(await m.get("M.z"))]];
    const by = (of: (x: number, z: number) => number): number[] => x.map((v, k) => of(v, z[k] as number));
    agree(await outputOf(m, "a"), by((u, v) => 18 * u ** 5 * v ** 2), "a");
    agree(await outputOf(m, "b"), by((u, v) => 24 * u ** 3 * v), "b");
    agree(await outputOf(m, "c"), by((u, v) => 24 * u ** 3 * v), "c");
    agree(await outputOf(m, "d"), by((u, v) => 90 * u ** 4 * v ** 2), "d");
    agree(await outputOf(m, "e"), by((u, v) => 36 * u ** 5 * v), "e");
  });
});

describe("directions that depend on an index", () => {
  it("jvp and hvp along rows of a matrix are rows of products", async () => {
    const m = await open(`model M { param x: f32[3] ~ normal(0, 1); param V: f32[2, 3] ~ normal(0, 1)
      y[i] = sin(x[i] * x[(i + 1) % 3]); f = sum(exp(y))
      J[i, j] = grad(y[i], x)[j]; H[i, j] = grad(grad(f, x)[i], x)[j]
      output a[i] = jvp(y[i], x, V[0]); output b[i] = sum[j] J[i, j] * V[0, j]
      output c[i] = hvp(f, x, V[1])[i]; output d[i] = sum[j] H[i, j] * V[1, j]
      output e[i, k] = hvp(y[i], x, V[1])[k]; output g[i, k] = sum[j] grad(grad(y[i], x)[k], x)[j] * V[1, j]
      loss = f + l2(V) }`);
    for (const [one, other] of [["a", "b"], ["c", "d"], ["e", "g"]] as const) agree(await outputOf(m, one), await outputOf(m, other), one);
  });
});

describe("what a derivative may be taken by", () => {
  it("names in functions, their arguments, inputs, sets, instances, parameters of a layer", async () => {
    const m = await open(`
      fn inner(x) { h = x^2; y = sum(h^3); return grad(y, h) }
      fn slope(x) = grad(sin(x) * x, x)
      model M {
        input x: f32[N, 2]
        enc = instance dense(units = 3)
        h = tanh(enc(x)); z = dense(h, 1)
        score[n] = z[n, 0]
        output a = inner(x); output b[n, d] = slope(x[n, d])
        output u = grad(sum(score), x); output w = l2(grad(sum(score), enc)); output p = l2(grad(sum(score), params)); output q = l2(grad(sum(score), z.W))
        output s = sum(jvp(score, params, params))
        output r = l2(grad(sum(score), weights))
        loss = mean(score^2) }`);
    const x = numbers(6, 3);
    const got = await m.evaluate({ x });
    const of = (name: string): number[] => [...(got[name]?.data ?? [])];
    agree(of("a"), [...x].map((v) => 3 * v ** 4), "a");
    agree(of("b"), [...x].map((v) => Math.cos(v) * v + Math.sin(v)), "b");
    expect(of("p")[0]).toBeGreaterThan(of("w")[0] as number);
    expect(of("r")[0]).toBeGreaterThan(of("q")[0] as number);
    await expectTrueGradients(m, { x });
  });

  it("a physics-informed loss: u_x, u_xx and u_t by the input", async () => {
    const m = await open(`model Heat(κ = 0.3) {
      input z: f32[N, 2]
      h = tanh(dense(z, 5)); u = dense(h, 1)
      first = grad(sum(u), z)
      u_x = first[:, 0]; u_t = first[:, 1]
      u_xx = grad(sum(u_x), z)[:, 0]
      loss = mean((u_t - κ * u_xx)^2)
    }`);
    await expectTrueGradients(m, { z: numbers(8, 2) });
  });

  it("a recurrent state: the derivative of each turn's value, through fold and scan", async () => {
    const m = await open(`model M { param a: f32 ~ constant(0.5); param x: f32[4] ~ normal(0, 1)
      h = scan t in 0..4 with h = 0 { tanh(a * h + x[t]) }
      output h; output J[t, k] = grad(h[t], x)[k]; output d[t] = grad(h[t], a)
      loss = sum[t] grad(h[t], a)^2 }`);
    agree(await outputOf(m, "J"), await jacobian(m, "h", "M.x"), "J");
    agree(await outputOf(m, "d"), await jacobian(m, "h", "M.a"), "d");
    await expectTrueGradients(m);
  });

  it("draws are the same in every copy", async () => {
    const m = await open(`model M { param x: f32[3] ~ normal(0, 1)
      n = normal(x, 0.5)[3]; y[i] = n[i]^2 * x[0]
      output y; output J[i, j] = grad(y[i], x)[j]; loss = sum(y) }`);
    agree(await outputOf(m, "J"), await jacobian(m, "y", "M.x"));
  });

  it("inside a loop, by what comes from outside and by the carry", async () => {
    const m = await open(`model M { param x: f32[3] ~ normal(0, 1)
      z = fold k in 0..3 with z = x { d[i] = grad(z[i]^2 * x[i], z)[i]; e[i] = grad(sin(x[i]) * z[i], x)[i]; z - 0.1 * d + 0.1 * e }
      output z
      w = x; w2[i] = w[i] - 0.2 * w[i] * x[i] + 0.1 * cos(x[i]) * w[i]; w3[i] = w2[i] - 0.2 * w2[i] * x[i] + 0.1 * cos(x[i]) * w2[i]; output w4[i] = w3[i] - 0.2 * w3[i] * x[i] + 0.1 * cos(x[i]) * w3[i]
      loss = sum(z^2) }`);
    agree(await outputOf(m, "z"), await outputOf(m, "w4"));
    await expectTrueGradients(m);
  });
});

describe("what is refused", () => {
  const model = (line: string): string => `model M { param x: f32[3] ~ normal(0, 1); y[i] = x[i]^2; ${line}; loss = sum(y) }`;
  it.each([
    ["a gradient of a tensor", "output a = grad(y, x)", "E0306"],
    ["by a computed value", "output a = grad(sum(y), x + 1)", "E0306"],
    ["a tensor where one number is needed", "output a[i] = grad(y[i], x)", "E0210"],
    ["a slice of a tensor for each index", "output a[i] = sum(grad(y[i], x)[0..2])", "E0210"],
    ["a direction of another shape", "output a = jvp(y, x, ones[2])", "E0202"],
    ["a set along a tensor", "output a = hvp(sum(y), params, x)", "E0201"],
  ])("%s", (_, line, code) => {
    expect(codesOf(model(line))).toContain(code);
  });
});
