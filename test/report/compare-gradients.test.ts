/** Gradients given by hand and gradients of the loss, told right from wrong at random points. */
import { describe, expect, it } from "vitest";
import type { Emit } from "../../src/ir/emit.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { noPath } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { Builder } from "../../src/graph/builder.ts";
import { rebuildGraph } from "../../src/graph/walk.ts";
import { compareGradients, type GradientReport } from "../../src/report/compare-gradients.ts";
import { programOf } from "../session/kit.ts";

function reportOf(text: string, change: (entry: string, graph: Graph) => Graph = (_, g) => g): GradientReport {
  const program = programOf(text);
  return compareGradients(program.model, (entry) => change(entry, program.graph(entry)), { seed: 5, hypers: program.info.hypers, train: program.train });
}

const model = (body: string): string => `model M(rate = 0.3) { input x: f32[N, 3]; target t: i32[N] in 0..3; param W: f32[3, 3] ~ glorot_uniform; param v: f32[3] ~ zeros; ${body} }`;

describe("rules", () => {
  it("a right one agrees, in tensors, in index notation, in a loop, with a hyperparameter", () => {
    const { rules, loss } = reportOf(`fn soft(x) = tanh(x) with gradient(dy) { x = dy * (1 - out^2) }
      fn scaled(x, s, k = 2) { y = x * s; return y + k } with gradient(g) { x = g * s, s = g * x }
      ${model(`h = soft(x @ W + v); q[n, i] = scaled(h[n, i], v[i]) + rate * soft(v[i]); r = fold k in 0..3 with r = zeros[3] { soft(r + scaled(v, v, k = 3)) }
        loss = cross_entropy(h, t) + mean(q^2) + sum(scaled(v, rate)) + sum(r)`)}`);
    expect(rules.map((r) => [r.name, r.argument, r.agrees])).toEqual(expect.arrayContaining([["soft", "x", true], ["scaled", "x", true], ["scaled", "s", true]]));
    expect(rules.every((r) => r.agrees && r.count > 0)).toBe(true);
    expect(loss.map((l) => [l.path, l.agrees])).toEqual([["M.W", true], ["M.v", true]]);
  });

  it("a wrong one is named with its argument and its first wrong element", () => {
    const { rules, loss } = reportOf(`fn f(x) = x^2 with gradient(dy) { x = dy * where(x > 0, 2 * x, 3 * x) }
      ${model("loss = sum(f(v)) + sum(W)")}`);
    const [rule] = rules;
    expect(rule).toMatchObject({ name: "f", argument: "x", agrees: false });
    // The rule is right where x > 0; where not, it is half as much again.
    expect((rule?.found ?? 0) / (rule?.wanted ?? 1)).toBeCloseTo(1.5, 10);
    expect(loss.find((l) => l.path === "M.v")).toMatchObject({ agrees: false, through: ["f"] });
    expect(loss.find((l) => l.path === "M.W")).toMatchObject({ agrees: true });
  });

  it("a missing entry is a zero that differs, or agrees where the function does not depend on it", () => {
    const { rules } = reportOf(`fn held(x, y) = x * y with gradient(dy) { x = dy * y }
      fn only(x, y) = x + 0 * stop_gradient(y) with gradient(dy) { x = dy }
      ${model("loss = sum(held(v, v + 1)) + sum(only(v, v)) + sum(W)")}`);
    expect(rules.find((r) => r.name === "held" && r.argument === "y")).toMatchObject({ agrees: false, silent: true, found: 0 });
    expect(rules.find((r) => r.name === "only" && r.argument === "y")).toMatchObject({ agrees: true, silent: true });
  });

  it("a call that reads a turn elsewhere than in its arguments is left out, and said", () => {
    const { rules, skipped } = reportOf(`fn turned(x, k) = x * f32(k) with gradient(dy) { x = dy * f32(k) }
      ${model("q = fold k in 0..3 with q = zeros[3] { q + turned(v, k) }; loss = sum(q) + sum(W)")}`);
    expect(rules).toEqual([]);
    expect(skipped).toEqual(["turned"]);
  });
});

describe("the loss", () => {
  it("a gradient that is twice what it should be is found", () => {
    const double = (entry: string, graph: Graph): Graph => {
      if (entry !== "gradients") return graph;
      const e = new Builder();
      const again = rebuildGraph(graph, e);
      return e.finish("gradients", again.outputs.map((o) => (o.name === "M.v" ? { ...o, node: e.add(o.node, o.node) } : o)), []);
    };
    const { loss } = reportOf(model("loss = mean((x @ W + v)^2)"), double);
    const [W, v] = loss;
    expect(W).toMatchObject({ path: "M.W", agrees: true });
    expect(v).toMatchObject({ path: "M.v", agrees: false, through: [], at: [0] });
    expect((v?.found ?? 0) / (v?.wanted ?? 1)).toBeCloseTo(2, 4);
  });

  it("a stopped gradient differs on purpose, the shift of a softmax does not", () => {
    const { loss } = reportOf(model("loss = cross_entropy(x @ W, t) + mean((softmax(x @ W + v) - 0.1)^2) + sum(v * stop_gradient(v))"));
    expect(loss).toMatchObject([{ path: "M.W", agrees: true, through: [] }, { path: "M.v", agrees: false, through: ["stop_gradient"] }]);
  });

  it("several losses in steps are compared each with its own", () => {
    const { loss } = reportOf(`model Two { param a: f32[2] ~ ones; param b: f32[2] ~ ones; loss one = sum(a^3 * b); loss two = sum(sin(b) * a) }
      train Two { steps = 1, step first { minimize = one, over = a, optimizer = sgd }, step second { minimize = two, over = b, optimizer = sgd } }`);
    expect(loss.map((l) => [l.path, l.agrees, l.count])).toEqual([["Two.a", true, 2], ["Two.b", true, 2]]);
  });
});

describe("a wrong entry in the table of gradients", () => {
  // One wrong entry each, in a model that uses the op between two parameters and the loss.
  const ops = ["exp", "log", "sqrt", "sin", "tanh", "sigmoid", "erf", "mul", "div", "pow", "contract", "view"] as const;
  const text = `model All { param W: f32[3, 2] ~ ones; param v: f32[2] ~ ones
    a = exp(v / 3) + sin(v)
    h = tanh(W @ a) / (2 + sigmoid(W @ v))
    loss = sum(log(1.5 + h^2)) + sum(sqrt(3 + h)) + sum(erf(a * v / 9)) + sum((h + 3)^1.7) + sum(W[:, 0] * a[0]) }`;

  it.each(ops)("of %s is found, and the first parameter named", (op) => {
    const record = table[op] as { grad: unknown };
    const right = record.grad as (e: Emit, node: Node, g: Node) => readonly (Node | typeof noPath)[];
    record.grad = (e: Emit, node: Node, g: Node) => right(e, node, g).map((a) => (a === noPath ? a : e.mul(a as Node, e.like(a as Node, 1.05))));
    try {
      const { loss } = reportOf(text);
      const wrong = loss.find((l) => !l.agrees);
      expect(wrong?.path).toMatch(/^All\.[Wv]$/);
      expect(wrong?.span.source.text.slice(wrong.span.start, wrong.span.end)).toBe(wrong?.path.slice("All.".length));
    } finally {
      record.grad = right;
    }
  });

  it("none is found in the right table", () => {
    expect(reportOf(text).loss.map((l) => l.agrees)).toEqual([true, true]);
  });
});
