/** Sizes and shapes: what is bound, inferred, solved and broadcast. */
import { describe, expect, it } from "vitest";
import { errorsOf, modelOf, outputTypes } from "./check-text.ts";

const types = (body: string, before = ""): Record<string, string> => outputTypes(modelOf(`${before}\nmodel M { input x: f32[N, 6]\n${body}\n}`));

describe("index notation", () => {
  it("takes ranges from axes, from binders, and the largest that stays inside", () => {
    const text = `model M(h = 3, w = 2) { input I: f32[N, 2, 8, 10]
      param K: f32[4, 2, h, w] ~ ones
      output S[n, f, i, j] = sum[c, u, v] I[n, c, i + u, j + v] * K[f, c, u, v]
      output C[n, f, i, j] = sum[c, u, v] I[n, c, i + h - 1 - u, j + w - 1 - v] * K[f, c, u, v]
      output P[n, c, i, j] = max[u in 0..2, v in 0..2] I[n, c, 2*i + u, 2*j + v]
      output D[n, c, i, j in 0..10-1] = I[n, c, i, j + 1] - I[n, c, i, j]
      output R[n, c, i, j] = I[n, c, 7 - i, j]
      output T[j in 2..5, n] = I[n, 0, 0, j] }`;
    expect(outputTypes(modelOf(text))).toEqual({
      S: "f32[N, 4, 6, 9]", C: "f32[N, 4, 6, 9]", P: "f32[N, 2, 4, 5]", D: "f32[N, 2, 8, 9]", R: "f32[N, 2, 8, 10]", T: "f32[3, N]",
    });
  });

  it("follows a size that data decides through affine indices", () => {
    const text = `model M { input x: f32[N, 2]
      param k: f32[3] ~ ones
      require 3 > 2
      output pairs[i in 0..N-1, c] = x[i + 1, c] - x[i, c]
      output odd[i in 0..N] = sum[j where j != i] x[j, 0] * k[0] }`;
    expect(outputTypes(modelOf(text))).toEqual({ pairs: "f32[N - 1, 2]", odd: "f32[N]" });
  });

  it("gathers by data and keeps to the values that were declared", () => {
    const text = (hi: number) => `model M { input s: f32[N, 5]
      target y: i32[N] in 0..${hi}
      output p[n] = s[n, y[n]] }`;
    expect(outputTypes(modelOf(text(5)))).toEqual({ p: "f32[N]" });
    expect(errorsOf(text(6))).toEqual(["E0205 the index may be 0 to 5, and the axis has indices 0 to 4"]);
  });

  it("lets `...` stand for the same axes throughout an equation", () => {
    expect(types("param W: f32[6, 3] ~ ones\noutput y[..., o] = sum[i] x[..., i] * W[i, o]\noutput s[...] = x[...] + 1")).toEqual({ y: "f32[N, 3]", s: "f32[N, 6]" });
  });

  it("reads whole-tensor calls at their indices", () => {
    expect(types("output p[n] = softmax(x)[n, 2] + mean(x)")).toEqual({ p: "f32[N]" });
  });

  it("picks a draw at its indices", () => {
    expect(types("output p[n, i] = x[n, i] + normal(0, 1)[n, i]")).toEqual({ p: "f32[N, 6]" });
  });

  it("keeps integers in indices and makes `/` real", () => {
    expect(types("output a[n, i in 0..6] = x[n, i // 2 + i % 3] * (i / 6)\noutput b[i in 0..4] = i // 2")).toEqual({ a: "f32[N, 6]", b: "i32[4]" });
  });
});

describe("a size that data could make negative", () => {
  const said = (line: string): string[] => errorsOf(`model M { input x: f32[N, 3]\n${line} }`);
  const range = (text: string, count: string, where = "N is 1"): string[] => [`E0219 the range ${text} has ${count} elements, which is negative where ${where}`];

  it("is refused alike where it is written and where it is inferred", () => {
    expect(said("output a[n in 0..N - 2] = x[n, 0]")).toEqual(range("0..N - 2", "N - 2"));
    expect(said("output a = sum[n in 0..N-3] x[n, 0]")).toEqual(range("0..N - 3", "N - 3"));
    expect(said("output a = x[2..N]")).toEqual(range("2..N", "N - 2"));
    expect(said("output a = sum[n in N..2] x[0, 0]")).toEqual(range("N..2", "-N + 2", "N is 3"));
    expect(said("output a[n] = sum[u in 0..3] x[n + u, 0]")).toEqual(["E0219 the largest range of `n` that stays inside is 0..N - 2, which is negative where N is 1"]);
    expect(said("output a = zeros[N - 2]")).toEqual(["E0219 this dimension is N - 2, which is negative where N is 1"]);
    expect(said("output a = normal(0, 1)[N - 2]")).toEqual(["E0219 this dimension is N - 2, which is negative where N is 1"]);
    expect(said("output a = broadcast(1, N - 4)")).toEqual(["E0219 this dimension is N - 4, which is negative where N is 1"]);
  });

  it("is legal where it is empty at worst", () => {
    for (const line of ["output a[n in 0..N - 1] = x[n + 1, 0]", "output a[n] = x[n + 1, 0]", "output a = x[1..N]", "output a[k in 0..N*N - N] = k", "output a = zeros[2*N - 2]", "output a[n] = sum[u in 0..2] x[n + u, 0]"]) expect(said(line), line).toEqual([]);
    expect(said("output a[k in 0..N*N - 3*N] = k")).toEqual(range("0..N*N - 3*N", "N*N - 3*N"));
  });

  it("is refused as a number, and where an index finds no room at all", () => {
    for (const line of ["output a = zeros[-1]", "output a = normal(0, 1)[-1]", "output a = broadcast(1, -1)", "output a = reshape(x, -1, N)", "param w: f32[-1] ~ zeros\noutput a = w"]) expect(said(line), line).toEqual(["E0219 this dimension is -1, and no size is negative"]);
    expect(said("z = [1, 2]\noutput a[i] = sum[u in 0..3] z[i + u]")).toEqual(["E0205 where `i` is 0, this index runs over 0 to 2, and the axis has indices 0 to 1"]);
    expect(said("output a[n] = x[n - 1, 0]")).toEqual(["E0205 where `n` is 0, this index is -1, and the axis has indices 0 to N - 1"]);
  });
});

describe("tensor notation", () => {
  it("slices, gathers and fills missing axes", () => {
    const body = "output a = x[:, 1..3]\noutput b = x[0]\noutput c = x[..., 0]\nids = i32(x) % 9\nparam E: f32[9, 2] ~ ones\noutput d = E[ids]";
    expect(types(body)).toEqual({ a: "f32[N, 2]", b: "f32[6]", c: "f32[N]", d: "f32[N, 6, 2]" });
  });

  it("broadcasts from the right, stretching 1 and missing axes alone", () => {
    expect(types("param b: f32[6] ~ ones\nparam c: f32[3, 1, 1] ~ ones\noutput a = x + b\noutput d = x * c\noutput e = 2 * x - 1")).toEqual({
      a: "f32[N, 6]", d: "f32[3, N, 6]", e: "f32[N, 6]",
    });
  });

  it("never lets one named size occur twice", () => {
    expect(errorsOf("model M { input x: f32[N, 1]\ninput y: f32[N]\noutput d = x - y }")[0]).toMatch(/^E0201 `-` would make N occur twice/);
  });

  it("has default axes", () => {
    const body = "output a = softmax(x)\noutput b = argmax(x)\noutput c = sum(x)\noutput d = mean(x, axis = 0)\noutput e = max(x, axis = 1, keep = true)\noutput f = logsumexp(x)\noutput g = max(x, 0)\noutput h = norm(x)";
    expect(types(body)).toEqual({ a: "f32[N, 6]", b: "i32[N]", c: "f32", d: "f32[6]", e: "f32[N, 1]", f: "f32[N]", g: "f32[N, 6]", h: "f32" });
  });

  it("multiplies matrices, with leading axes", () => {
    const body = "param A: f32[2, 6, 3] ~ ones\nparam v: f32[6] ~ ones\noutput a = x @ v\noutput b = x @ A\noutput c = v @ A[0]";
    expect(types(body)).toEqual({ a: "f32[N]", b: "f32[2, N, 3]", c: "f32[3]" });
  });

  it("counts bool as 0 and 1, and compares numbers of any kind", () => {
    expect(types("target y: i32[N] in 0..6\noutput a = mean(argmax(x) == y)\noutput b = x * (x > 0)\noutput c = y == 3")).toEqual({ a: "f32", b: "f32[N, 6]", c: "bool[N]" });
  });

  it("moves axes", () => {
    expect(types("output a = transpose(x)\noutput b = reshape(x, N, 2, 3)\noutput c = flatten(b)\noutput d = concat(x, x)\noutput e = transpose(b, 2, 0, 1)")).toEqual({
      a: "f32[6, N]", b: "f32[N, 2, 3]", c: "f32[N, 6]", d: "f32[N, 12]", e: "f32[3, N, 2]",
    });
  });
});

describe("sizes of functions", () => {
  it("are bound at each call", () => {
    const fn = "fn gram(a: f32[m, k], b: f32[n, k]) {\n g[i, j] = sum[l] a[i, l] * b[j, l]\n return g / k }";
    expect(types("param W: f32[4, 6] ~ ones\noutput a = gram(x, W)\noutput b = gram(W, W)", fn)).toEqual({ a: "f32[N, 4]", b: "f32[4, 4]" });
  });

  it("solve a dimension for its one unknown, exactly", () => {
    const fn = "fn halves(a: f32[..., 2*h]) = a[..., 0..h] + a[..., h..2*h]";
    expect(types("output a = halves(x)", fn)).toEqual({ a: "f32[N, 3]" });
    expect(errorsOf(`${fn}\nmodel M { input x: f32[N, 5]\noutput a = halves(x) }`)[0]).toBe("E0202 no whole `h` makes this dimension of `a` equal 5");
  });

  it("must agree between arguments", () => {
    expect(errorsOf("fn f(a: f32[n], b: f32[n]) = a + b\nmodel M { param a: f32[3] ~ ones\nparam b: f32[4] ~ ones\noutput c = f(a, b) }")[0]).toMatch(/^E0202 `b` needs an axis of 3/);
  });

  it("take functions as arguments", () => {
    expect(types("output a = twice(relu, x)\noutput b = twice(square, x)", "fn square(x) = x^2\nfn twice(f, x) = f(f(x))")).toEqual({ a: "f32[N, 6]", b: "f32[N, 6]" });
  });

  it("may be required", () => {
    expect(errorsOf("fn heads(x: f32[..., c], k) { require c % k == 0, \"k must divide c\"\n return reshape(x[0], k, c // k) }\nmodel M { input x: f32[N, 6]\noutput a = heads(x, 4) }")).toEqual([
      "E0211 k must divide c",
    ]);
  });
});
