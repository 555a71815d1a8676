/**
 * The library in `.dl`: embedded as it stands, documented, and right. Each function is built and evaluated in f64 and held
 * against its formula written here by hand.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import type { Core } from "../../src/check/core.ts";
import { build } from "../../src/graph/build.ts";
import { evaluate, type Surroundings } from "../../src/graph/eval-graph.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { createLibrary } from "../../src/std/library.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";
import { generated } from "./generate-sources.ts";

const tensor = (shape: number[], data: number[]): Tensor64 => ({ shape, data: Float64Array.from(data) });

/** Evaluates an entry of the only model of a text. */
function run(text: string, entry: "predict" | "init" | "step", given: { inputs?: Record<string, Tensor64>; stored?: ReadonlyMap<string, Tensor64>; step?: number } = {}) {
  const diagnostics = new Diagnostics();
  const program = check(parse({ path: "t.dl", text }, diagnostics), {}, diagnostics);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  const [model] = program?.models ?? [];
  if (!program || !model) throw new Error("no model");
  const [train] = program.trains;
  const missing = (name: string): never => {
    throw new Error(`no value for ${name}`);
  };
  const step = given.step ?? 1;
  const around: Surroundings = {
    sizes: { N: Object.values(given.inputs ?? {})[0]?.shape[0] ?? 1 }, seed: 1, step, example: 0,
    input: (name) => given.inputs?.[name] ?? missing(name), stored: (path) => given.stored?.get(path) ?? missing(path), scalar: (_, path) => (path === "t" ? step : 1),
  };
  return evaluate(build(program, { entry, model: model.name, ...(train && { train: train.name }) }), around);
}

/** The values of an expression over x: f32[N, 4]. */
function over(expr: string, x: number[][]): number[] {
  const { outputs } = run(`model M { input x: f32[N, 4]\noutput out = ${expr} }`, "predict", { inputs: { x: tensor([x.length, 4], x.flat()) } });
  return [...(outputs.get("out")?.data ?? [])];
}

const rows = [[-3, -0.5, 0, 0.25], [1, 2.5, 40, -40]];
const flat = rows.flat();

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got.length).toBe(wanted.length);
  for (const [k, value] of got.entries()) expect(Math.abs(value - (wanted[k] ?? Number.NaN))).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
}

/** erf by its Taylor series, exact enough up to |x| = 3. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

describe("the embedded library", () => {
  it("is what the .dl files say", () => {
    expect(readFileSync(new URL("../../src/std/sources.generated.ts", import.meta.url), "utf8")).toBe(generated());
  });

  it("parses, declares the names it lists, and documents each with a formula or a source", () => {
    const library = createLibrary();
    const diagnostics = new Diagnostics();
    expect(library.names().length).toBeGreaterThan(50);
    expect(new Set(library.names()).size).toBe(library.names().length);
    for (const name of library.names()) {
      const found = library.find(name, diagnostics);
      expect(found?.doc?.length ?? 0, name).toBeGreaterThan(8);
    }
    expect(diagnostics.list).toEqual([]);
  });

  it("read declaration by declaration is what its files say as a whole", () => {
    const library = createLibrary();
    for (const path of library.files()) {
      const diagnostics = new Diagnostics();
      const file = library.file(path, diagnostics);
      const [first] = file?.declarations ?? [];
      expect(file, path).toEqual(file && parse(file.span.source, diagnostics));
      expect(first, path).toBe(first && "name" in first ? library.find(first.name.name, diagnostics) : undefined);
      expect(diagnostics.list).toEqual([]);
    }
  });
});

describe("activations", () => {
  const softplus = (x: number) => (x > 30 ? x : Math.log1p(Math.exp(x)));
  const table: Record<string, (x: number) => number> = {
    "identity(x)": (x) => x,
    "relu(x)": (x) => Math.max(x, 0),
    "leaky_relu(x)": (x) => (x >= 0 ? x : 0.01 * x),
    "leaky_relu(x, slope = 0.2)": (x) => (x >= 0 ? x : 0.2 * x),
    "softplus(x)": softplus,
    "elu(x, α = 2)": (x) => (x >= 0 ? x : 2 * (Math.exp(x) - 1)),
    "selu(x)": (x) => 1.0507009873554805 * (x >= 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1)),
    "silu(x)": (x) => x / (1 + Math.exp(-x)),
    "softsign(x)": (x) => x / (1 + Math.abs(x)),
    "hard_tanh(x)": (x) => Math.min(1, Math.max(-1, x)),
    "clip(x, -2, 1)": (x) => Math.min(1, Math.max(-2, x)),
  };
  it.each(Object.keys(table))("%s", (expr) => {
    const by = table[expr];
    expectClose(over(expr, rows), flat.map((x) => by?.(x) ?? Number.NaN));
  });

  it("gelu(x)", () => {
    const xs = [-3, -0.5, 0, 0.25, 1, 2.5, -1, 3];
    expectClose(over("gelu(x)", [xs.slice(0, 4), xs.slice(4)]), xs.map((x) => (x * (1 + erf(x / Math.SQRT2))) / 2));
  });

  it("softmax and log_softmax along either axis, without overflow", () => {
    const along = (x: number[]): number[] => {
      const m = Math.max(...x);
      const e = x.map((v) => Math.exp(v - m));
      return e.map((v) => v / e.reduce((a, b) => a + b));
    };
    expectClose(over("softmax(x)", rows), rows.flatMap(along));
    expectClose(over("exp(log_softmax(x))", rows), rows.flatMap(along));
    const columns = rows[0]?.map((_, k) => along(rows.map((r) => r[k] ?? 0))) ?? [];
    expectClose(over("softmax(x, axis = 0)", rows), rows.flatMap((_, n) => columns.map((c) => c[n] ?? 0)));
    expect(over("softmax(1000 * x)", rows).every(Number.isFinite)).toBe(true);
  });
});

describe("losses, penalties and metrics", () => {
  const y = [[1, 0, 0.5, 1], [0, 1, 1, 0]];
  const both = (expr: string): number => {
    const text = `model M { input x: f32[N, 4]\ninput y: f32[N, 4]\noutput out = ${expr} }`;
    const small = [[-1, 2, 0.5, 3], [0.1, -2, 1, 0.3]];
    return run(text, "predict", { inputs: { x: tensor([2, 4], small.flat()), y: tensor([2, 4], y.flat()) } }).outputs.get("out")?.data[0] ?? Number.NaN;
  };
  const small = [-1, 2, 0.5, 3, 0.1, -2, 1, 0.3];
  const mean = (f: (x: number, y: number) => number): number => small.reduce((s, x, k) => s + f(x, y.flat()[k] ?? 0), 0) / 8;
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

  it.each<[string, number]>([
    ["mse(x, y)", mean((p, t) => (p - t) ** 2)],
    ["mae(x, y)", mean((p, t) => Math.abs(p - t))],
    ["rmse(x, y)", Math.sqrt(mean((p, t) => (p - t) ** 2))],
    ["huber(x, y)", mean((p, t) => (Math.abs(p - t) <= 1 ? 0.5 * (p - t) ** 2 : Math.abs(p - t) - 0.5))],
    ["bce_from_logits(x, y)", mean((z, t) => -(t * Math.log(sigmoid(z)) + (1 - t) * Math.log(1 - sigmoid(z))))],
    ["bce(sigmoid(x), y)", mean((z, t) => -(t * Math.log(sigmoid(z)) + (1 - t) * Math.log(1 - sigmoid(z))))],
    ["binary_accuracy(x, y)", mean((z, t) => Number(z > 0 === t > 0.5))],
    ["l1(x)", small.reduce((s, x) => s + Math.abs(x), 0)],
    ["l2(x)", small.reduce((s, x) => s + x * x, 0)],
    ["kl_normal(x, y)", 0.5 * small.reduce((s, m, k) => s + Math.exp(y.flat()[k] ?? 0) + m * m - 1 - (y.flat()[k] ?? 0), 0) / 2],
  ])("%s", (expr, wanted) => expectClose([both(expr)], [wanted]));

  it("of labels", () => {
    const logits = [[2, -1, 0.5], [0.1, 0.2, 0.3]];
    const labels = [0, 1];
    const text = `model M { input s: f32[N, 3]\ntarget y: i32[N] in 0..3
      output a = cross_entropy(s, y)
      output b = nll(log_softmax(s), y)
      output c = hinge(s, y)
      output d = accuracy(s, y)
      output e = kl(log_softmax(s), log_softmax(s * 0)) }`;
    const { outputs } = run(text, "predict", { inputs: { s: tensor([2, 3], logits.flat()), y: tensor([2], labels) } });
    const get = (name: string): number => outputs.get(name)?.data[0] ?? Number.NaN;
    const lse = logits.map((r) => Math.log(r.reduce((s, v) => s + Math.exp(v), 0)));
    const at = logits.map((r, n) => r[labels[n] ?? 0] ?? 0);
    const ce = (lse[0] ?? 0) / 2 + (lse[1] ?? 0) / 2 - (at[0] ?? 0) / 2 - (at[1] ?? 0) / 2;
    const margins = logits.map((r, n) => r.reduce((s, v, j) => s + (j === labels[n] ? 0 : Math.max(0, v - (at[n] ?? 0) + 1)), 0));
    const p = logits.map((r, n) => r.map((v) => Math.exp(v - (lse[n] ?? 0))));
    const divergence = p.map((r) => r.reduce((s, v) => s + v * (Math.log(v) + Math.log(3)), 0));
    expectClose(["a", "b", "c", "d", "e"].map(get), [ce, ce, ((margins[0] ?? 0) + (margins[1] ?? 0)) / 2, 0.5, ((divergence[0] ?? 0) + (divergence[1] ?? 0)) / 2]);
  });
});

/** A Core of scalars as a number; the gradient is the parameter itself. */
function scalar(core: Core, t: number, stored: (path: string) => number): number {
  const of = (c: Core): number => scalar(c, t, stored);
  switch (core.kind) {
    case "number":
      return core.value;
    case "step":
      return t;
    case "leaf":
      return stored(core.path);
    case "gradient":
      return stored("M.w");
    case "binding":
      return of(core.value);
    case "cast":
      return of(core.arg);
    case "apply": {
      const [x = 0, y = 0] = core.args.map(of);
      const ops: Record<string, number> = { add: x + y, sub: x - y, mul: x * y, div: x / y, pow: x ** y, sqrt: Math.sqrt(x), min: Math.min(x, y), max: Math.max(x, y), cos: Math.cos(x), neg: -x };
      return ops[String(core.op)] ?? Number.NaN;
    }
    default:
      throw new Error(`unexpected ${core.kind}`);
  }
}

describe("optimizers", () => {
  const lr = 0.1;
  /** A step on θ²/2, whose gradient is θ, by hand. */
  type Rule = (θ: number, g: number, s: Record<string, number>, t: number) => number;
  /** Stores a new value and gives it back. */
  const keep = (s: Record<string, number>, name: string, next: (old: number) => number): number => {
    const value = next(s[name] ?? 0);
    s[name] = value;
    return value;
  };
  const adamStep = (g: number, s: Record<string, number>, t: number): number => {
    const first = keep(s, "s", (old) => 0.9 * old + 0.1 * g) / (1 - 0.9 ** t);
    const second = keep(s, "r", (old) => 0.999 * old + 0.001 * g * g) / (1 - 0.999 ** t);
    return first / (Math.sqrt(second) + 1e-8);
  };
  const rules: Record<string, Rule> = {
    "sgd(lr = 0.1)": (θ, g) => θ - lr * g,
    "momentum(lr = 0.1)": (θ, g, s) => θ + keep(s, "v", (v) => 0.9 * v - lr * g),
    "momentum(lr = exponential_decay(0.1, 0.5), lr_outside = true)": (θ, g, s, t) => θ + 0.1 * 0.5 ** (t - 1) * keep(s, "v", (v) => 0.9 * v - g),
    "polyak(lr = 0.1)": (θ, g) => θ - lr * g,
    "nesterov(lr = 0.1, lr_outside = true)": (θ, g, s) => θ + 0.1 * (0.9 * keep(s, "v", (v) => 0.9 * v - g) - g),
    "nesterov(lr = 0.1)": (θ, g, s) => θ + 0.9 * keep(s, "v", (v) => 0.9 * v - lr * g) - lr * g,
    "adagrad(lr = 0.1)": (θ, g, s) => θ - (lr * g) / (1e-7 + Math.sqrt(keep(s, "r", (r) => r + g * g))),
    "adagrad(lr = 0.1, δ = 0.5, δ_inside = true)": (θ, g, s) => θ - (lr * g) / Math.sqrt(0.5 + keep(s, "r", (r) => r + g * g)),
    "rmsprop(lr = 0.1, δ = 0.5, δ_inside = false)": (θ, g, s) => θ - (lr * g) / (0.5 + Math.sqrt(keep(s, "r", (r) => 0.9 * r + 0.1 * g * g))),
    "rmsprop(lr = 0.1)": (θ, g, s) => θ - (lr * g) / Math.sqrt(1e-6 + keep(s, "r", (r) => 0.9 * r + 0.1 * g * g)),
    "adam(lr = 0.1)": (θ, g, s, t) => θ - lr * adamStep(g, s, t),
    "adamw(lr = 0.1, decay = 0.5)": (θ, g, s, t) => θ - lr * (adamStep(g, s, t) + 0.5 * θ),
    "sgd(lr = linear_decay(0.1, 0.02, steps = 2))": (θ, g, _, t) => θ - (0.1 - 0.08 * Math.min((t - 1) / 2, 1)) * g,
    "sgd(lr = exponential_decay(0.1, 0.5))": (θ, g, _, t) => θ - 0.1 * 0.5 ** (t - 1) * g,
    "sgd(lr = cosine(0.1, 0.02, 2))": (θ, g, _, t) => θ - (0.02 + (0.08 * (1 + Math.cos(Math.PI * Math.min((t - 1) / 2, 1)))) / 2) * g,
    "sgd(lr = warmup(0.1, 2))": (θ, g, _, t) => θ - 0.1 * Math.min(t / 2, 1) * g,
    "sgd(lr = inverse_decay(0.1, 1))": (θ, g, _, t) => θ - (0.1 / t) * g,
    "sgd(lr = warmup_cosine(0.1, 0, 1, 3))": (θ, g, _, t) => θ - Math.min(t, 1) * ((0.1 * (1 + Math.cos(Math.PI * Math.max(0, Math.min((t - 1) / 2, 1))))) / 2) * g,
  };

  it.each(Object.keys(rules))("%s", (optimizer) => {
    const rule = rules[optimizer];
    // The gradient is what `differentiate` would put in its place; here it is the parameter itself.
    const text = `model M { param w: f32 ~ constant(2)\nloss = 0 * w }\ntrain M { steps = 3\n optimizer = ${optimizer} }`;
    const program = check(parse({ path: "t.dl", text }, new Diagnostics()), {}, new Diagnostics());
    const [train] = program?.trains ?? [];
    const updates = train?.phases[0]?.runs[0]?.optimizer.perParam[0]?.updates;
    expect(updates?.map((u) => u.path)).toContain("M.w");
    let θ = 2;
    const stored = new Map<string, number>();
    const hand: Record<string, number> = {};
    let byHand = 2;
    for (let t = 1; t <= 3; t++) {
      const value = (path: string): number => (path === "M.w" ? θ : (stored.get(path) ?? 0));
      const next = (updates ?? []).map((u) => [u.path, scalar(u.value, t, value)] as const);
      for (const [path, v] of next) stored.set(path, v);
      θ = stored.get("M.w") ?? Number.NaN;
      byHand = rule?.(byHand, byHand, hand, t) ?? Number.NaN;
      expectClose([θ], [byHand]);
    }
  });
});

describe("initialisers", () => {
  const values = (init: string): Float64Array => run(`model M { param W: f32[300, 200] ~ ${init}\noutput W }`, "init").commits.get("M.W")?.data ?? new Float64Array();
  const moments = (data: Float64Array): { mean: number; std: number; most: number } => {
    const mean = data.reduce((s, x) => s + x, 0) / data.length;
    return { mean, std: Math.sqrt(data.reduce((s, x) => s + (x - mean) ** 2, 0) / data.length), most: data.reduce((m, x) => Math.max(m, Math.abs(x)), 0) };
  };

  it.each<[string, number]>([
    ["glorot_uniform", Math.sqrt(2 / 500)], ["glorot_normal", Math.sqrt(2 / 500)], ["he_uniform", Math.sqrt(2 / 300)], ["he_normal", Math.sqrt(2 / 300)],
    ["lecun_normal", Math.sqrt(1 / 300)], ["normal(0, 0.5)", 0.5],
  ])("%s has its spread", (init, std) => {
    const got = moments(values(init));
    expect(Math.abs(got.mean)).toBeLessThan(0.02 * std);
    expect(Math.abs(got.std / std - 1)).toBeLessThan(0.02);
    if (init.endsWith("uniform")) expect(got.most).toBeLessThanOrEqual(std * Math.sqrt(3));
  });

  it("zeros, ones and constants fill", () => {
    expect(["zeros", "ones", "constant(-3)", "0.5"].map((i) => moments(values(i)))).toEqual([0, 1, -3, 0.5].map((c) => ({ mean: c, std: 0, most: Math.abs(c) })));
  });

  it("know fan-in and fan-out of convolutions", () => {
    const data = run("model M { param K: f32[50, 20, 3, 3] ~ he_normal\noutput K }", "init").commits.get("M.K")?.data ?? new Float64Array();
    expect(Math.abs(moments(data).std / Math.sqrt(2 / 180) - 1)).toBeLessThan(0.05);
  });
});
