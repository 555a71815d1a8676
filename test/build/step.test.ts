/** The entries: what a training step yields and stores, clipping, predicated commits, initial values, draws. */
import { describe, expect, test } from "vitest";
import type { CheckedState } from "../../src/check/checked.ts";
import { build, entriesOf, hashPath } from "../../src/graph/build.ts";
import { topological } from "../../src/graph/walk.ts";
import { streamKey, threefry } from "../../src/ops/threefry.ts";
import { add, apply, compare, div, draw, gradientOf, graphOf, hyper, index, input, model, mul, N, num, param, reduce, run, sgd, span, state, sub, t, training, type, value } from "./core-kit.ts";
import type { ModelParts } from "./core-kit.ts";

const W = param("M.W", [2]);
const x = input("x", [N, 2]);
/** Σ W² · mean(x): the gradient by W is 2 W mean(x). */
const loss = mul(reduce("sum", mul(W, W), [0]), reduce("mean", x, [0, 1]));

function near(actual: readonly number[] | undefined, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((v, i) => { expect(actual?.[i], `element ${i}`).toBeCloseTo(v, 10); });
}

describe("a step", () => {
  const parts: ModelParts = { params: [W], loss: { loss } };
  const ones = { x: [1, 1, 1, 1] };

  test("moves the parameters against the gradient", () => {
    const { outputs, commits } = run(model(parts), "step", { ...ones, "M.W": [1, -2] }, { sizes: { N: 2 }, step: 3 });
    near(outputs["loss"], [5]);
    near(outputs["status"], [0]);
    near(commits["M.W"], [1 - 0.1 * 2, -2 + 0.1 * 4]);
    expect(commits["status"]).toEqual([0]);
  });

  test("terms add up; what is to be maximised counts against", () => {
    const program = model({ params: [W], loss: { fit: loss, penalty: mul(num(10), reduce("sum", W, [0])) }, maximize: reduce("sum", W, [0]) });
    const { outputs } = run(program, "step", { ...ones, "M.W": [1, -2] }, { sizes: { N: 2 } });
    near(outputs["fit"], [5]);
    near(outputs["penalty"], [-10]);
    near(outputs["goal"], [-1]);
    near(outputs["loss"], [5 - 10 + 1]);
    expect(graphOf(program, "step").outputs.map((o) => `${o.kind} ${o.name}`)).toEqual(["loss loss", "term fit", "term penalty", "term goal", "status status"]);
  });

  test("optimizer state, t and hyperparameters enter the updates", () => {
    const s: CheckedState = { path: "adam.s/M.W", type: type("f32", [2]), init: num(0), span };
    const old = state(s.path, [2]);
    const next = add(mul(hyper("ρ"), old), mul(sub(num(1), hyper("ρ")), gradientOf(W)));
    const corrected = div(next, sub(num(1), apply("pow", hyper("ρ"), t)));
    const optimizer = [{ param: W.path, states: [s], updates: [{ path: s.path, value: next, span }, { path: W.path, value: sub(W, mul(num(0.1), corrected)), span }] }];
    const { commits } = run(model({ ...parts, optimizer }), "step", { ...ones, "M.W": [1, -2], [s.path]: [0.5, 0] }, { sizes: { N: 2 }, step: 2, scalars: { ρ: 0.9, t: 2 } });
    near(commits[s.path], [0.9 * 0.5 + 0.1 * 2, 0.1 * -4]);
    near(commits["M.W"], [1 - (0.1 * 0.65) / 0.19, -2 + (0.1 * 0.4) / 0.19]);
    expect(run(model({ ...parts, optimizer }), "init").commits).toEqual({ "M.W": [0, 0], [s.path]: [0, 0], status: [0] });
  });

  test("model state changes by its update in training, and stays in evaluation", () => {
    const mean = state("M.mean", []);
    const seen = add(mul(num(0.9), mean), mul(num(0.1), reduce("mean", x, [0, 1])));
    const centre = training(reduce("mean", x, [0, 1]), mean);
    const program = model({ params: [W], states: [mean], loss: { loss: mul(centre, reduce("sum", W, [0])) }, updates: { "M.mean": seen } });
    const values = { x: [1, 2, 3, 6], "M.W": [1, 1], "M.mean": [10] };
    const step = run(program, "step", values, { sizes: { N: 2 } });
    near(step.outputs["loss"], [6]);
    near(step.commits["M.mean"], [9.3]);
    const evaluated = run(program, "evaluate", values, { sizes: { N: 2 } });
    near(evaluated.outputs["loss"], [20]);
    expect(evaluated.commits).toEqual({});
  });

  test("clipping by the norm over all parameters, and by value", () => {
    const [a, b] = [param("M.a", [2]), param("M.b", [])];
    const linear = add(reduce("sum", mul(a, { kind: "table", data: [3, 0], type: a.type, span }), [0]), mul(num(-4), b));
    const values = { "M.a": [0, 0], "M.b": [0] };
    const stepped = (limit: number, kind: "norm" | "value"): readonly number[] => {
      const { commits } = run(model({ params: [a, b], loss: { loss: linear }, clip: { kind, limit: num(limit) }, optimizer: [a, b].map((p) => sgd(p, num(1))) }), "step", values);
      return [...(commits["M.a"] ?? []), ...(commits["M.b"] ?? [])];
    };
    near(stepped(1, "norm"), [-0.6, 0, 0.8]);
    near(stepped(10, "norm"), [-3, 0, 4]);
    near(stepped(3.5, "value"), [-3, 0, 3.5]);
    const flat = run(model({ params: [a], loss: { loss: mul(num(0), reduce("sum", a, [0])) }, clip: { kind: "norm", limit: num(1) } }), "step", values);
    near(flat.commits["M.a"], [0, 0]);
  });
});

describe("what is not finite is not stored", () => {
  const seen = state("M.seen", []);
  const program = model({ params: [W], states: [seen], loss: { loss }, updates: { "M.seen": add(seen, num(1)) } });
  const stored = { "M.W": [1, -2], "M.seen": [4] };

  test("a loss that is no number leaves everything as it was, and names the step", () => {
    const { outputs, commits } = run(program, "step", { ...stored, x: [1, Number.NaN] }, { sizes: { N: 1 }, step: 7 });
    expect(commits).toEqual({ "M.W": [1, -2], "M.seen": [4], status: [7] });
    expect(outputs["status"]).toEqual([7]);
  });

  test("so does a gradient alone", () => {
    // sqrt at 0: the value is 0, the slope infinite.
    const steep = model({ params: [W], loss: { loss: reduce("sum", apply("sqrt", W), [0]) } });
    const { outputs, commits } = run(steep, "step", { "M.W": [0, 1] }, { step: 2 });
    expect(outputs["loss"]).toEqual([1]);
    expect(commits).toEqual({ "M.W": [0, 1], status: [2] });
  });

  test("once bad, good steps store nothing either", () => {
    const { commits } = run(program, "step", { ...stored, x: [1, 1], status: [7] }, { sizes: { N: 1 }, step: 9 });
    expect(commits).toEqual({ "M.W": [1, -2], "M.seen": [4], status: [7] });
  });

  test("a good step stores", () => {
    const { commits } = run(program, "step", { ...stored, x: [1, 1] }, { sizes: { N: 1 }, step: 9 });
    near(commits["M.W"], [0.8, -1.6]);
    expect(commits["M.seen"]).toEqual([5]);
    expect(commits["status"]).toEqual([0]);
  });
});

describe("the other entries", () => {
  test("a prediction needs no target and no more than its outputs read", () => {
    const y = input("y", [N], "i32");
    const program = model({ params: [W], loss: { loss: reduce("mean", sub(reduce("sum", mul(x, W), [1]), { kind: "cast", to: "f32", arg: y, type: type("f32", [N]), span }), [0]) }, outputs: { p: mul(x, num(2)) } });
    const leaves = topological(graphOf(program, "predict").outputs.map((o) => o.node)).flatMap((n) => (n.op === "leaf" ? [n.attrs.path] : []));
    expect(leaves).toEqual(["x"]);
    expect(graphOf(program, "evaluate").outputs.map((o) => `${o.kind} ${o.name}`)).toEqual(["loss loss", "output p"]);
    expect(graphOf(program, "gradients").outputs.map((o) => `${o.kind} ${o.name}`)).toEqual(["loss loss", "gradient M.W"]);
  });

  test("every entry of a program can be listed and built", () => {
    const program = model({ params: [W], loss: { loss } });
    expect(entriesOf(program).map((r) => r.entry)).toEqual(["init", "step", "evaluate", "predict", "gradients"]);
    expect(entriesOf({ ...program, trains: [] }).map((r) => r.entry)).toEqual(["init", "evaluate", "predict", "gradients"]);
    expect(entriesOf({ ...model({ outputs: { x } }), trains: [] }).map((r) => r.entry)).toEqual(["init", "evaluate", "predict"]);
    for (const request of entriesOf(program)) expect(build(program, request).entry).toBe(request.entry);
  });

  test("initial values are spread to the parameter's shape", () => {
    const made = run(model({ params: [W, param("M.b", [3])], inits: { "M.W": num(0.5), "M.b": draw("uniform", [num(-1), num(1)], "M.b", [3]) } }), "init");
    expect(made.commits["M.W"]).toEqual([0.5, 0.5]);
    expect(new Set(made.commits["M.b"]).size).toBe(3);
  });
});

describe("draws", () => {
  const uniform = (path: string, shape = [2000]): ReturnType<typeof draw> => draw("uniform", [num(-1), num(3)], path, shape);

  test("uniforms are the top 24 bits of the first word of the stream's own counter", () => {
    const key = streamKey(5, hashPath("M.a"), []);
    const expected = [0, 1, 2].map((i) => -1 + 4 * (Math.floor(threefry(key, [9, i])[0] / 256) / 2 ** 24));
    near(value(uniform("M.a", [3]), {}, { seed: 5, step: 9 }), expected);
  });

  test("the hash is FNV-1a of the path", () => {
    expect(hashPath("")).toBe(0x811c9dc5);
    expect(hashPath("a")).toBe(0xe40c292c);
    expect(hashPath("foobar")).toBe(0xbf9cf968);
  });

  test("the same path, seed and step give the same numbers; another of the three gives others", () => {
    const a = value(uniform("M.a"));
    expect(value(uniform("M.a"))).toEqual(a);
    for (const other of [value(uniform("M.b")), value(uniform("M.a"), {}, { seed: 2 }), value(uniform("M.a"), {}, { step: 2 })]) {
      const mean = a.reduce((s, v, i) => s + (v - 1) * ((other[i] as number) - 1), 0) / a.length;
      // Variances are 4/3; the mean product of independent draws is within 4 standard errors of 0.
      expect(Math.abs(mean)).toBeLessThan((4 * (4 / 3)) / Math.sqrt(a.length));
    }
  });

  test("moments and ranges are those of the distribution", () => {
    const a = value(uniform("M.a"));
    expect(Math.min(...a)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...a)).toBeLessThan(3);
    const normal = value(draw("normal", [num(2), num(3)], "M.n", [4000]));
    const mean = normal.reduce((s, v) => s + v, 0) / 4000;
    const variance = normal.reduce((s, v) => s + (v - mean) ** 2, 0) / 4000;
    expect(Math.abs(mean - 2)).toBeLessThan((4 * 3) / Math.sqrt(4000));
    expect(Math.abs(variance - 9)).toBeLessThan(4 * 9 * Math.sqrt(2 / 4000));
    const kept = value(draw("bernoulli", [num(0.3)], "M.k", [4000])).reduce((s, v) => s + v, 0);
    expect(Math.abs(kept - 1200)).toBeLessThan(4 * Math.sqrt(4000 * 0.21));
  });

  test("two paths with one hash are an error at the second", () => {
    const [a, b] = ["costarring", "liquid"];
    expect(hashPath(a)).toBe(hashPath(b));
    expect(() => value(add(uniform(a), uniform(b)))).toThrow(expect.objectContaining({ diagnostic: expect.objectContaining({ code: "E0310" }) }));
    expect(value(sub(uniform(a), uniform(a))).every((v) => v === 0)).toBe(true);
  });
});

test("numbers of an equation's index with a comparison keep their type", () => {
  const i = index("i", 4);
  const body = compare("<", { kind: "index", variable: i, type: type("i32"), span }, num(2, "i32"));
  expect(value({ kind: "comprehend", indices: [i], body, type: type("bool", [4]), span })).toEqual([1, 1, 0, 0]);
});
