/** Objectives in all combinations: named losses with coefficients, goals, a gradient of one of them, all against values by hand and differences. */
import { describe, expect, it, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { agree, codesOf, expectTrueGradients, numbers, open } from "./kit.ts";

const head = "input x: f32[N, 2]; target y: f32[N]; param w: f32[2] ~ normal(0, 1); param c: f32[2] ~ normal(0, 1) as bias; p[n] = sum[i] x[n, i] * w[i] + c[0] * c[1]";
const x = numbers(8, 6);
const y = numbers(4, 7);

async function values(body: string, names: readonly string[]): Promise<readonly number[]> {
  const m = await open(`model M(a = 0.3, b = 2) { ${head}; ${body} }\ntrain M { batch = 4, steps = 1, optimizer = sgd(lr = 0.1) }`);
  await expectTrueGradients(m, { x, y });
  const found = await m.evaluate({ x, y });
  // A step minimises the same thing: θ moves by -lr times the gradient.
  const gradients = await m.gradients({ x, y });
  const before = new Map<string, Float64Array>();
  for (const { name } of m.parameters) before.set(name, Float64Array.from(await m.get(name)));
  const stepped = await m.step({ x, y });
  expect(stepped["loss"]).toBeCloseTo(found["loss"]?.data[0] as number, 12);
  for (const { name } of m.parameters) agree(await m.get(name), [...(before.get(name) ?? [])].map((v, k) => v - 0.1 * (gradients[name]?.data[k] as number)), name);
  return names.map((n) => found[n]?.data[0] as number);
}

describe("what is minimised", () => {
  test.each([
    ["one loss", "loss = mean((p - y)^2) + sum(c^2)", ["loss"], (): number => 0],
    ["two named losses with coefficients", "loss fit = b * mean((p - y)^2); loss smooth = a * l2(weights)", ["loss", "fit", "smooth"], ([loss = 0, fit = 0, smooth = 0]: readonly number[]) => loss - (fit + smooth)],
    ["a loss and a named one", "loss = mean((p - y)^2); loss smooth = a * l2(params)", ["loss", "smooth"], (): number => 0],
    ["a loss and something to maximise", "loss fit = mean((p - y)^2) + l2(params); maximize a * sum(sin(w))", ["loss", "fit", "objective"], ([loss = 0, fit = 0, goal = 0]: readonly number[]) => loss - (fit - goal)],
    ["something to maximise, and named losses", "maximize -mean((p - y)^2); loss one = a * l2(w); loss two = 0.1 * l2(c)", ["loss", "objective", "one", "two"], ([loss = 0, goal = 0, one = 0, two = 0]: readonly number[]) => loss - (one + two - goal)],
    ["something to minimise and a named loss", "minimize mean(abs(p - y)) + sum(c); loss small = a * l2(w)", ["loss", "objective", "small"], ([loss = 0, goal = 0, small = 0]: readonly number[]) => loss - (goal + small)],
    ["a loss made of another", "loss fit = mean((p - y)^2); loss again = a * fit^2 + 0.01 * l2(c)", ["loss", "fit", "again"], ([loss = 0, fit = 0, again = 0]: readonly number[]) => loss - (fit + again)],
    ["a penalty on the gradient of one loss", "loss fit = mean((p - y)^2); loss steep = a * l2(grad(fit, w)) + 0.1 * l2(grad(fit, c))", ["loss", "fit", "steep"], ([loss = 0, fit = 0, steep = 0]: readonly number[]) => loss - (fit + steep)],
  ] as const)("%s", async (_, body, names, difference) => {
    expect(difference(await values(body, names))).toBeCloseTo(0, 12);
  });
});

describe("gradients of losses as values", () => {
  it("of one named loss, of the whole, with what is maximised subtracted", async () => {
    const m = await open(`model M { param w: f32[3] ~ normal(0, 1)
      loss fit = sum(w^3); loss small = 0.5 * sum(w^2); maximize sum(2 * w)
      metric one = sum(grad(fit, w)); metric two = sum(grad(small, w)); metric whole = sum(grad(loss, w)); metric entire = sum(g)
      metric curvature = dot(g, hvp(g)) / dot(g, g); metric plain = dot(g, hvp(loss, params, g)) / dot(g, g); metric forward = jvp(loss, params, g) - dot(g, g) }`);
    const w = [...(await m.get("M.w"))];
    const sum = (of: (v: number) => number): number => w.reduce((s, v) => s + of(v), 0);
    const found = await m.evaluate();
    const g = w.map((v) => 3 * v * v + v - 2);
    const wanted = {
      one: sum((v) => 3 * v * v), two: sum((v) => v), whole: g.reduce((s, v) => s + v), entire: g.reduce((s, v) => s + v), forward: 0,
      curvature: w.reduce((s, v, k) => s + (g[k] as number) ** 2 * (6 * v + 1), 0) / g.reduce((s, v) => s + v * v, 0),
    };
    for (const [name, value] of Object.entries({ ...wanted, plain: wanted.curvature })) expect(found[name]?.data[0], name).toBeCloseTo(value, 10);
  });
});

describe("what is refused", () => {
  test.each([
    ["two losses without a name", "loss = sum(w); loss = sum(c)", "E0102"],
    ["two goals", "minimize sum(w); maximize sum(c)", "E0102"],
    ["two losses of one name", "loss a = sum(w); loss a = sum(c)", "E0102"],
    ["a loss that is a tensor", "loss = w", "E0301"],
    ["a goal that is a tensor", "maximize w * c", "E0301"],
    ["the loss above every loss", "metric m = sum(grad(loss, w)); loss = sum(w * c)", "E0101"],
  ])("%s", (_, body, code) => {
    expect(codesOf(`model M { param w: f32[2] ~ ones; param c: f32[2] ~ ones; ${body} }`)).toContain(code);
  });

  it("two goals are told what to write", () => {
    const { diagnostics } = compile({ path: "test.dl", text: "model M { param w: f32[2] ~ ones; minimize sum(w^2); maximize sum(w) }" });
    expect(diagnostics.map((d) => d.hint)).toContain("one goal a model; further terms are `loss name = …`, with a minus where they should grow");
  });
});
