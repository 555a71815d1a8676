/** Programs as text, through parse, check and build, on the f64 evaluator against plain loops. */
import { describe, expect, test } from "vitest";
import { check } from "../../src/check/check.ts";
import type { CheckedProgram } from "../../src/check/checked.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { build, entriesOf } from "../../src/graph/build.ts";
import type { EntryName } from "../../src/graph/build.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";
import { numbers, run } from "./core-kit.ts";
import type { Given } from "./core-kit.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function near(actual: readonly number[] | undefined, expected: readonly number[], digits = 10): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((v, i) => { expect(actual?.[i], `element ${i}`).toBeCloseTo(v, digits); });
}

function checked(text: string): CheckedProgram {
  const diagnostics = new Diagnostics();
  const program = check(parse({ path: "test.dl", text }, diagnostics), {}, diagnostics);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  if (!program) throw new Error("nothing was checked");
  return program;
}

function runText(text: string, entry: EntryName, values: Readonly<Record<string, readonly number[]>>, given: Given = {}): ReturnType<typeof run> {
  const program = checked(text);
  const [model] = program.models;
  const [train] = program.trains;
  const graph = build(program, { entry, model: model?.name ?? "", ...(train && { train: train.name }) });
  verifyGraph(graph);
  return run(differentiate.run(graph), entry, values, given);
}

describe("index notation as text", () => {
  test("a dense layer", () => {
    const text = `model M {
      input x: f32[N, 3]
      param W: f32[3, 2] ~ normal(0, 1)
      param c: f32[2] ~ uniform(-1, 1)
      z[b, o] = sum[i] x[b, i] * W[i, o] + c[o]
      output z
    }`;
    const values = { x: numbers(6), "M.W": numbers(6, 2), "M.c": [10, 20] };
    const expected = range(2).flatMap((b) => range(2).map((o) => sum(range(3).map((i) => (values.x[b * 3 + i] as number) * (values["M.W"][i * 2 + o] as number))) + (values["M.c"][o] as number)));
    near(runText(text, "predict", values, { sizes: { N: 2 } }).outputs["z"], expected);
  });

  test("a dense layer as a formula and as a product are the same node", () => {
    const text = (z: string): string => `model M {
      input x: f32[N, 3]
      param W: f32[3, 2] ~ normal(0, 1)
      param c: f32[2] ~ zeros
      ${z}
      output z
    }`;
    const [formula, product] = ["z[b, o] = sum[i] x[b, i] * W[i, o] + c[o]", "z = x @ W + c"].map((z) =>
      printGraph(normalise.run(build(checked(text(z)), { entry: "predict", model: "M" }))));
    expect(formula).toBe(product);
    expect(product).toContain("contract [0,1] [1,2] -> [0,2]");
  });

  test("correlation, pooling and the multi-class hinge", () => {
    const text = `model M {
      input  I: f32[N, 1, 5, 5]
      target y: i32[N] in 0..4
      param K: f32[1, 1, 2, 2] ~ normal(0, 1)
      S[n, f, i, j] = sum[c, u, v] I[n, c, i + u, j + v] * K[f, c, u, v]
      P[n, f, i, j] = max[u in 0..2, v in 0..2] S[n, f, 2*i + u, 2*j + v]
      s[n, k in 0..4] = P[n, 0, k // 2, k % 2]
      output s
      loss = mean[i] sum[j where j != y[i]] max(0, s[i, j] - s[i, y[i]] + 1)
    }`;
    const values = { I: numbers(50, 3), "M.K": numbers(4, 5), y: [1, 3] };
    const correlation = (n: number, i: number, j: number): number =>
      sum(range(2).flatMap((u) => range(2).map((v) => (values.I[n * 25 + (i + u) * 5 + j + v] as number) * (values["M.K"][u * 2 + v] as number))));
    const scores = range(2).map((n) => range(4).map((k) => Math.max(...range(2).flatMap((u) => range(2).map((v) => correlation(n, 2 * Math.floor(k / 2) + u, 2 * (k % 2) + v))))));
    const { outputs } = runText(text, "evaluate", values, { sizes: { N: 2 } });
    near(outputs["s"], scores.flat());
    const hinge = scores.map((row, n) => sum(row.map((s, k) => (k === values.y[n] ? 0 : Math.max(0, s - (row[values.y[n] as number] as number) + 1)))));
    near(outputs["loss"], [sum(hinge) / 2]);
  });
});

describe("programs", () => {
  test("the lecture's maximum: f(x, y, z) = max((x + y) z, 0) and its three gradients", () => {
    const text = `model F {
      param x: f32 ~ constant(-2)
      param y: f32 ~ constant(3)
      param z: f32 ~ constant(2)
      minimize max((x + y) * z, 0)
    }`;
    const start = runText(text, "init", {}).commits;
    near(start["F.x"], [-2]);
    const { outputs } = runText(text, "gradients", { "F.x": [-2], "F.y": [3], "F.z": [2] });
    near(outputs["loss"], [2]);
    near(["F.x", "F.y", "F.z"].map((p) => outputs[p]?.[0] as number), [2, 2, 1]);
  });

  test("Adam written in the file, two steps by hand", () => {
    const text = `optimizer mine(lr = 0.1, ρ1 = 0.9, ρ2 = 0.99, δ = 1e-8) {
      state s ~ zeros
      state r ~ zeros
      s <- ρ1 * s + (1 - ρ1) * g
      r <- ρ2 * r + (1 - ρ2) * g^2
      θ <- θ - lr * (s / (1 - ρ1^t)) / (sqrt(r / (1 - ρ2^t)) + δ)
    }
    model Q {
      param w: f32[2] ~ zeros
      minimize sum[i] (w[i] - 3)^2
    }
    train Q { optimizer = mine(lr = 0.5), steps = 2 }`;
    const program = checked(text);
    const graph = differentiate.run(build(program, { entry: "step", model: "Q", train: "Q" }));
    let stored = run(differentiate.run(build(program, { entry: "init", model: "Q", train: "Q" })), "init").commits;
    let [w, s, r] = [0, 0, 0];
    for (const k of [1, 2]) {
      stored = run(graph, "step", stored, { step: k }).commits;
      const g = 2 * (w - 3);
      s = 0.9 * s + 0.1 * g;
      r = 0.99 * r + 0.01 * g * g;
      w -= (0.5 * (s / (1 - 0.9 ** k))) / (Math.sqrt(r / (1 - 0.99 ** k)) + 1e-8);
      near(stored["Q.w"], [w, w]);
    }
    expect(stored["status"]).toEqual([0]);
  });

  test("a layer with running statistics: the batch's in training, the stored ones elsewhere", () => {
    const text = `layer norm(x: f32[N, c], momentum = 0.9) {
      state seen: f32[c] ~ zeros
      μ[k] = mean[n] x[n, k]
      seen <- momentum * seen + (1 - momentum) * μ
      centre = cases {
        μ if training
        seen otherwise
      }
      return x - centre
    }
    model M {
      input x: f32[N, 2]
      param a: f32 ~ ones
      h = norm(x)
      output h
      loss = mean(a * h)
    }
    train M { data = csv("x.csv") { x = columns(0..2) }, optimizer = plain, epochs = 1 }
    optimizer plain(lr = 0.1) { θ <- θ - lr * g }`;
    const values = { x: [1, 2, 5, 4], "M.a": [1], "M.h.seen": [10, 20] };
    const sizes = { sizes: { N: 2 } };
    near(runText(text, "step", values, sizes).commits["M.h.seen"], [9.3, 18.3]);
    near(runText(text, "step", values, sizes).outputs["loss"], [0]);
    near(runText(text, "predict", values, sizes).outputs["h"], [-9, -18, -5, -16]);
  });

  test("a fold over time is the loop", () => {
    const text = `model R {
      input x: f32[N, 4, 2]
      param V: f32[3, 3] ~ normal(0, 1)
      param U: f32[2, 3] ~ normal(0, 1)
      h = fold t in 0..4 with h = zeros[N, 3] { tanh(x[:, t] @ U + h @ V) }
      output h
      loss = mean(h^2)
    }`;
    const values = { x: numbers(16, 2), "R.U": numbers(6, 3), "R.V": numbers(9, 4) };
    const turn = (h: readonly number[], n: number, t: number): number[] => range(3).map((o) => Math.tanh(
      sum(range(2).map((i) => (values.x[(n * 4 + t) * 2 + i] as number) * (values["R.U"][i * 3 + o] as number))) + sum(h.map((v, i) => v * (values["R.V"][i * 3 + o] as number)))));
    const expected = range(2).flatMap((n) => range(4).reduce<number[]>((h, t) => turn(h, n, t), [0, 0, 0]));
    near(runText(text, "predict", values, { sizes: { N: 2 } }).outputs["h"], expected);
  });

  test("a gradient penalty by central differences", () => {
    const text = `model P {
      input x: f32[N, 2]
      param w: f32[2] ~ normal(0, 1)
      score[n] = tanh(sum[d] x[n, d] * w[d])
      slope[n, d] = grad(sum(score), x)[n, d]
      length[n] = sqrt(sum[d] slope[n, d]^2 + 1e-12)
      loss = mean[n] (length[n] - 1)^2
    }`;
    const x = numbers(6, 2);
    const lossAt = (w: readonly number[]): number => {
      const { outputs } = runText(text, "evaluate", { x, "P.w": w }, { sizes: { N: 3 } });
      return outputs["loss"]?.[0] as number;
    };
    const w = [0.4, -0.9];
    const byHand = sum(range(3).map((n) => {
      const z = (x[2 * n] as number) * 0.4 + (x[2 * n + 1] as number) * -0.9;
      return (Math.sqrt((1 - Math.tanh(z) ** 2) ** 2 * (0.16 + 0.81) + 1e-12) - 1) ** 2;
    })) / 3;
    near([lossAt(w)], [byHand]);
    const { outputs } = runText(text, "gradients", { x, "P.w": w }, { sizes: { N: 3 } });
    const h = 1e-5;
    near(outputs["P.w"], range(2).map((k) => (lossAt(w.map((v, q) => (q === k ? v + h : v))) - lossAt(w.map((v, q) => (q === k ? v - h : v)))) / (2 * h)), 7);
  });

  test("digits: every entry is built and verified", () => {
    const text = `model Digits(hidden = 32, decay = 1e-4) {
      input  x: f32[N, 64]
      target y: i32[N] in 0..10
      h      = relu(dense(x, hidden))
      logits = dense(h, 10)
      output p = softmax(logits)
      loss   = cross_entropy(logits, y) + decay * l2(weights)
      metric accuracy = mean(argmax(logits) == y)
    }
    train Digits {
      data = csv("digits.csv") { x = columns(0..64) / 16, y = column("digit") }
      optimizer = adam(lr = 1e-3)
      clip = norm(1.0)
      epochs = 10
    }`;
    const program = checked(text);
    for (const request of entriesOf(program)) verifyGraph(build(program, request));
    const init = build(program, { entry: "init", model: "Digits", train: "Digits" });
    expect(init.commits.filter((c) => c.kind === "param").map((c) => c.path)).toEqual(["Digits.h.W", "Digits.h.b", "Digits.logits.W", "Digits.logits.b"]);
  });
});
