/** Functions with a gradient of their own: wherever a call may stand, to second order, forward, and without any gradient. */
import { describe, expect, it, test } from "vitest";
import { agree, codesOf, differences, expectTrueGradients, numbers, open, outputOf } from "./kit.ts";

/** Right rules, written in different ways. */
const right = `
fn soft(x) = tanh(x) with gradient(dy) { x = dy * (1 - out^2) }
fn times(x, y) { z = x * y; return z } with gradient(dy) { x = dy * y, y = dy * x }
fn product(x: f32[N, d], W: f32[d, k]) = x @ W with gradient(dy) { x = dy @ transpose(W), W = transpose(x) @ dy }
fn root(x) { s = sqrt(x); return s } with gradient(g) { x = g / (2 * s) }
fn power(x, n = 2) = x^n with gradient(dy) { x = dy * n * x^(n - 1) }
`;

describe("a right rule gives the gradient of the loss", () => {
  const cases: readonly (readonly [string, string, readonly [string, number][]])[] = [
    ["mid-graph, with a batch", `input x: f32[N, 3]; param W: f32[3, 4] ~ normal(0, 1); param b: f32[4] ~ normal(0, 1)
      h = soft(product(x, W) + b); loss = mean(1.5 * h^2 + sin(h))`, [["x", 12]]],
    ["of an argument stretched to the result", `input x: f32[N, 3]; param w: f32[3] ~ normal(0, 1); param s: f32 ~ constant(0.7)
      loss = mean(times(times(x, w), s)^2)`, [["x", 12]]],
    ["of one number in index notation", `input x: f32[N, 3]; param w: f32[3] ~ normal(0, 1); param v: f32[4] ~ normal(0, 1)
      q[n, j] = sum[i] soft(times(x[n, i], w[i])) * times(w[i], v[j]); loss = mean(q^2)`, [["x", 12]]],
    ["under a guard", `param w: f32[4] ~ normal(0, 1); q[i] = sum[j where j != i] times(w[i], soft(w[j])); loss = sum(q^3)`, []],
    ["of a maximum over an index", `param w: f32[4] ~ normal(0, 1); param u: f32[4] ~ normal(0, 1); m = max[j] times(w[j], u[j]); loss = m^2`, []],
    ["inside fold", `input x: f32[N, 5]; param a: f32 ~ constant(0.4); param c: f32 ~ constant(0.2)
      h = fold t in 0..5 with h = zeros[N] { soft(times(a, h) + times(c, x[:, t])) }; loss = mean(h^2 + h)`, [["x", 10]]],
    ["with a fold in the rule", `param a: f32 ~ constant(0.4); param w: f32[3] ~ normal(0, 1)
      loss = sum(sixth(w * a))`, []],
    ["inside cases", `param w: f32[6] ~ normal(0, 1); y = cases { soft(w) if w > 0; root(1 + w^2) otherwise }; loss = sum(y * w)`, []],
    ["with a number for an argument", "param w: f32[3] ~ normal(0, 1); loss = sum(power(w, 3) + power(w) * w)", []],
    ["of a hyperparameter", "param w: f32[3] ~ normal(0, 1); loss = sum(times(w, rate) + soft(w))", []],
    ["of one value twice", "param w: f32[3] ~ normal(0, 1); loss = sum(times(w, w)) + sum(times(w, soft(w)))", []],
    ["inside another rule's function", "param w: f32[3] ~ normal(0, 1); loss = sum(twice(w))", []],
  ];
  const more = `
fn sixth(x) = x^6 with gradient(dy) { x = 6 * dy * (fold k in 0..5 with p = ones[3] { p * x }) }
fn twice(x) = soft(x) * x with gradient(dy) { x = dy * (soft(x) + times(x, 1 - soft(x)^2)) }
`;
  it.each(cases)("%s", async (_, body, inputs) => {
    const m = await open(`${right}${more}model M(rate = 0.3) { ${body} }`);
    await expectTrueGradients(m, Object.fromEntries(inputs.map(([name, count], k) => [name, numbers(count, k + 4)])));
  });
});

describe("higher orders differentiate the rule", () => {
  it("a gradient penalty through a right rule is differentiated truly", async () => {
    const m = await open(`${right}model M { input x: f32[N, 3]; param W: f32[3, 4] ~ normal(0, 1); param v: f32[4] ~ normal(0, 1)
      score[n] = sum[j] soft(product(x, W))[n, j] * times(v[j], v[j]); s = grad(sum(score), x); loss = mean(s^2) + mean(score) }`);
    await expectTrueGradients(m, { x: numbers(6, 2) });
  });

  it("`out` in a rule is the result, with the rule's derivative", async () => {
    // f = x + 1 with f' = f, as of an exponential: all orders give f; third by hand.
    const m = await open(`fn f(x) = x + 1 with gradient(dy) { x = dy * out }
      model M { param w: f32 ~ constant(0.5); a = grad(f(w), w); b = grad(a, w); output c = grad(b, w); output a; output b; loss = f(w) }`);
    for (const name of ["a", "b", "c"]) agree(await outputOf(m, name), [1.5], name);
  });

  it("a rule that is not the derivative is believed, and differentiated", async () => {
    const m = await open(`fn f(x) = sign(x) with gradient(dy) { x = dy * x^2 }
      model M { param w: f32[3] ~ normal(0, 1); g = grad(sum(f(w)), w); output g; output h = grad(sum(g), w); output j = jvp(f(w), w, w); output v = hvp(sum(f(w)), w, w); loss = sum(f(w)) }`);
    const w = [-1.5, 0.5, 2];
    m.set("M.w", w);
    agree(await outputOf(m, "g"), w.map((x) => x * x), "g");
    agree(await outputOf(m, "h"), w.map((x) => 2 * x), "h");
    agree(await outputOf(m, "j"), w.map((x) => x * x * x), "jvp");
    agree(await outputOf(m, "v"), w.map((x) => 2 * x * x), "hvp");
  });

  it("jvp and hvp through right rules equal those of the derived gradient", async () => {
    const body = (fns: string): string => `${fns}model M { param w: f32[2, 3] ~ normal(0, 1); param u: f32[3, 2] ~ normal(0, 1); y = soft(product(w, u)) * 2
      output j = jvp(y, w, sin(w)); output h = hvp(sum(y * y), w, cos(w)); loss = sum(y) }`;
    const derived = "fn soft(x) = tanh(x)\nfn product(x, W) = x @ W\n";
    const [a, b] = [await open(body(right)), await open(body(derived))];
    for (const name of ["j", "h"]) agree(await outputOf(a, name), await outputOf(b, name), name);
  });
});

describe("straight-through estimators and the like", () => {
  it("a step that passes its gradient on", async () => {
    const m = await open(`fn step_st(x) = sign(x) with gradient(dy) { x = dy }
      model M { input x: f32[N, 3]; param w: f32[3] ~ normal(0, 1); loss = mean(step_st(x * w) * x) }`);
    const x = numbers(6, 3);
    const { "M.w": g } = await m.gradients({ x });
    agree(g?.data ?? [], [0, 1, 2].map((i) => [0, 1].reduce((s, n) => s + (x[n * 3 + i] as number) ** 2 / 6, 0)));
  });

  it("a rule that is not linear: clipped adjoints, also to second order, and no forward derivative", async () => {
    const clipped = "fn clipped(x) = x with gradient(dy) { x = min(max(dy, -1), 1) }\n";
    const m = await open(`${clipped}model M { param w: f32[3] ~ normal(0, 1); loss = sum(clipped(w)^3) }`);
    m.set("M.w", [0.1, -0.4, 2]);
    agree((await m.gradients())["M.w"]?.data ?? [], [0.03, 0.48, 1]);
    expect(codesOf(`${clipped}model M { param w: f32[3] ~ normal(0, 1); output j = jvp(clipped(w), w, w); loss = sum(w) }`)).toEqual(["E0325"]);
    // The gradient is cut(3 out²); its own gradient arrives at `out` as 6 w where |3 w²| < 1, else 0, and is cut there too.
    const second = await open(`${clipped}model M { param w: f32[3] ~ normal(0, 1); output h = hvp(sum(clipped(w)^3), w, ones[3]); loss = sum(w) }`);
    second.set("M.w", [0.1, -0.4, 2]);
    agree(await outputOf(second, "h"), [0.6, -1, 0]);
  });

  it("an argument without an entry has the derivative zero", async () => {
    const m = await open("fn held(x, y) = x * y with gradient(dy) { x = dy * y }\nmodel M { param a: f32 ~ constant(3); param b: f32 ~ constant(5); loss = held(a, b) + b^2 }");
    const g = await m.gradients();
    agree([...(g["M.a"]?.data ?? []), ...(g["M.b"]?.data ?? [])], [5, 10]);
  });

  it("a scaled gradient leaves the value alone, in prediction too", async () => {
    const m = await open(`fn reversed(x, λ = 1.0) = x with gradient(dy) { x = -λ * dy }
      model M { input x: f32[N, 2]; param w: f32[2] ~ normal(0, 1); h = reversed(x * w, λ = 0.5); output h; loss = sum(h) }`);
    const x = numbers(4, 9);
    const w = await m.get("M.w");
    agree((await m.predict({ x }))["h"]?.data ?? [], [...x].map((v, k) => v * (w[k % 2] as number)));
    agree((await m.gradients({ x }))["M.w"]?.data ?? [], [0, 1].map((i) => -0.5 * ((x[i] as number) + (x[i + 2] as number))));
    const truth = await differences(m, "M.w", { x });
    expect(truth.map((d) => -0.5 * d).every((d, i) => Math.abs(d - (-0.5 * ((x[i] as number) + (x[i + 2] as number)))) < 1e-6)).toBe(true);
  });
});

describe("what does not fit is said where it stands", () => {
  const model = (fn: string, call: string): string => `${fn}\nmodel M { input y: i32[N] in 0..3; param w: f32[3] ~ ones; loss = ${call} }`;
  test.each([
    ["an unknown argument", model("fn f(x) = x with gradient(dy) { z = dy }", "sum(f(w))"), "E0320"],
    ["two entries for one", model("fn f(x) = x with gradient(dy) { x = dy, x = dy }", "sum(f(w))"), "E0320"],
    ["a section", model("fn f(x) = x with gradient(dy) { step x { } }", "sum(f(w))"), "E0320"],
    ["an entry for labels", model("fn f(x, y) = sum(x) + mean(y) with gradient(dy) { x = dy, y = dy }", "f(w, y)"), "E0320"],
    ["a wrong shape", model("fn f(x) = sum(x) with gradient(dy) { x = [1, 2] * dy }", "f(w)"), "E0321"],
    ["a result of whole numbers", model("fn f(x) = argmax(x) with gradient(dy) { x = dy }", "f(w) * sum(w)"), "E0321"],
    ["a parameter by another way", model("fn f(s) = sum(s^2) with gradient(dy) { s = dy }", "f(weights) + sum(w)"), "E0322"],
    ["an unknown name in an entry", model("fn f(x) = x with gradient(dy) { x = dz }", "sum(f(w))"), "E0101"],
    ["an unknown name in an entry of a function that nothing calls", model("fn f(x) { h = x^2; return h } with gradient(dy) { x = dy * h * out * q }", "sum(w)"), "E0101"],
    ["an unknown argument of a function that nothing calls", model("fn f(x) = x with gradient(dy) { z = dy }", "sum(w)"), "E0320"],
    ["a name that an argument has", model("fn f(x) = x with gradient(x) { x = x }", "sum(f(w))"), "E0102"],
  ])("%s", (_, text, code) => {
    expect(codesOf(text)).toContain(code);
  });
});

describe("rules in copies and in loops", () => {
  it("each copy of a derivative by index has adjoints of its own", async () => {
    const m = await open(`${right}model M { param x: f32[2] ~ normal(0, 1); y[i] = times(x[i], x[i]); output y; output J[i, j] = grad(y[i], x)[j]; loss = sum(y) }`);
    const x = [...(await m.get("M.x"))] as [number, number];
    agree(await outputOf(m, "y"), x.map((v) => v * v));
    agree(await outputOf(m, "J"), [2 * x[0], 0, 0, 2 * x[1]]);
  });

  it("a forward derivative through a loop whose body has a rule that uses its result", async () => {
    const body = (soft: string): string => `${soft}\nmodel M { param x: f32[2] ~ normal(0, 1); param u: f32[3] ~ normal(0, 1)
      y = fold t in 0..3 with s = x { soft(s + 0.3 * x * u[t]) }; output v = jvp(y, x, cos(x)); loss = sum(y) }`;
    const [own, derived] = [await open(body("fn soft(x) = tanh(x) with gradient(dy) { x = dy * (1 - out^2) }")), await open(body("fn soft(x) = tanh(x)"))];
    agree(await outputOf(own, "v"), await outputOf(derived, "v"));
  });
});
