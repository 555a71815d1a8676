/**
 * What only updates read is made once, over finished gradients: the same graphs as when every pass goes over everything, node by node, or smaller ones.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { check } from "../../src/check/check.ts";
import { trainedModels } from "../../src/check/checked.ts";
import { compile } from "../../src/compile.ts";
import { differentiateBy } from "../../src/grad/differentiate.ts";
import { build, entryNames } from "../../src/graph/build.ts";
import { Builder } from "../../src/graph/builder.ts";
import { earlyPart } from "../../src/graph/early-part.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { topological } from "../../src/graph/walk.ts";
import { table } from "../../src/ops/table.ts";
import { normaliseBy } from "../../src/simplify/normalise.ts";
import { simplifyBy } from "../../src/simplify/simplify.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";

const examples = new URL("../../examples/", import.meta.url);
const texts = new Map(["gan", "gate", "gru", "multitask", "pinn", "pretrain", "softmax", "vae"].map((name) => [`${name}.dl`, readFileSync(new URL(`${name}.dl`, examples), "utf8")]));

const model = "model M {\n  input x: f32[N, 3]\n  target y: f32[N, 2]\n  z = dense(tanh(dense(x, 4)), 2)\n  loss = mse(z, y)\n}\n";
const block = (uses: string): string => `train M {\n  optimizer = ${uses}\n  batch = 4\n  steps = 2\n}\n`;
texts.set("adam.dl", `${model}${block("adam(lr = 0.01)")}`);
texts.set("adam after clipping.dl", `${model}train M {\n  optimizer = adam(lr = 0.01)\n  clip = norm(1)\n  batch = 4\n  steps = 2\n}\n`);
// An update that takes derivatives itself: what it takes them of is early, too.
texts.set("curvature.dl", `optimizer curved(lr = 0.1) over θ: f32[P] {\n  state h: f32 ~ zeros\n  next = 0.9 * h + 0.1 * sum(g * hvp(g))\n  h <- next\n  θ <- θ - lr * g / (1 + abs(next))\n}\n${model}${block("curved")}`);
texts.set("elsewhere.dl", `optimizer ahead(lr = 0.1) over θ: f32[P] {\n  θ <- θ - lr * grad_at(θ - lr * g)\n}\n${model}${block("ahead")}`);

// A loop in an update, whose results are read one by one.
texts.set("solved.dl", `${model}${block("newton(damping = 1)")}`);

/** Where a sign of the gradient meets one of the update before either is drawn into a factor. */
const better = new Set(["gate.dl"]);

/** The graph of each entry, all passes over all of it. */
function byWholePasses(path: string, text: string): string[] {
  const diagnostics = new Diagnostics();
  const checked = check(parse({ path, text }, diagnostics), {}, diagnostics);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  if (!checked) throw new Error("nothing was checked");
  return trainedModels(checked).flatMap(([of, train]) => {
    const [builder, passes] = [new Builder(), [normaliseBy({}), differentiateBy(table), simplifyBy({})]];
    return entryNames(of, train).map((entry) => {
      const built = build(checked, { entry, model: of.name, ...(train && { train: train.name }) }, builder);
      return printGraph(passes.reduce((g, pass) => pass.run(g), built));
    });
  });
}

describe("what only updates read waits for the last pass", () => {
  test.each([...texts])("%s", (path, text) => {
    const { diagnostics, programs } = compile({ path, text }, { trace: { verify: true } });
    expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
    const [made, whole] = [programs.flatMap((p) => p.entries.map((entry) => printGraph(p.graph(entry)))), byWholePasses(path, text)];
    if (!better.has(path)) return expect(made).toEqual(whole);
    const lines = (graphs: readonly string[]): number => graphs.join("").split("\n").length;
    expect(lines(made)).toBeLessThan(lines(whole));
  });

  test("it is no part of what is normalised and differentiated", () => {
    const b = new Builder();
    const W = b.leaf({ kind: "param", path: "W", type: { dtype: "f32", shape: [3] } });
    const loss = b.reduce("sum", b.mul(W, W), [0]);
    const g = b.make("derive", { kind: "grad" }, [loss, W]);
    const update = b.sub(W, b.mul(b.like(g, 0.1), g));
    const graph = b.finish("step", [{ name: "loss", kind: "loss", node: loss }], [{ kind: "param", path: "W", node: update }]);
    const { graph: early, join } = earlyPart(graph);
    expect(early.outputs.map((o) => o.node)).toEqual([loss, g]);
    expect(topological(early.outputs.map((o) => o.node))).not.toContain(update);
    const whole = simplifyBy({}).run(join(differentiateBy(table).run(early)));
    expect(printGraph(whole)).toBe(printGraph(simplifyBy({}).run(differentiateBy(table).run(graph))));
  });
});
