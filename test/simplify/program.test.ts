/** The same forms from the text of programs: what a formula becomes is what the library's call becomes. */
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import type { Graph } from "../../src/ir/node.ts";

/** The entry's graph after simplify, of a model with this body. */
function entry(body: string, name: "predict" | "gradients"): Graph {
  const { programs, diagnostics } = compile({ path: "m.dl", text: `model M {\n${body}\n}\n` }, { trace: { verify: true } });
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const [program] = programs;
  if (!program) throw new Error("no program");
  return program.graph(name);
}

const data = "input x: f32[N, 5]\ntarget y: i32[N] in 0..3\nparam W: f32[5, 3] ~ glorot_uniform\nparam c: f32[3] ~ zeros as bias\n";

describe("programs", () => {
  it("a dense layer as a formula and as a product is one node", () => {
    const graph = entry(`${data}z[b, o] = sum[i] x[b, i] * W[i, o] + c[o]\nt[b, o] = c[o] + sum[i] W[i, o] * x[b, i]\noutput p = z\noutput q = x @ W + c\noutput r = t`, "predict");
    const [p, q, r] = graph.outputs.map((o) => o.node);
    expect(q).toBe(p);
    expect(topological(rootsOf(graph)).filter((n) => n.op === "contract").length).toBe(1);
    expect(new Set(r?.inputs)).toEqual(new Set(p?.inputs));
  });

  it("cross-entropy by the library and by formula has one gradient", () => {
    const z = `${data}z = x @ W + c\n`;
    const gradients = [
      "loss = cross_entropy(z, y)",
      "p = softmax(z)\nloss = -(mean[n] log(p[n, y[n]]))",
      "loss = mean[n] (log(sum[k] exp(z[n, k])) - z[n, y[n]])",
      "loss = nll(log_softmax(z), y)",
    ].map((loss) => {
      const graph = entry(z + loss, "gradients");
      return printGraph({ ...graph, outputs: graph.outputs.filter((o) => o.kind === "gradient") });
    });
    for (const text of gradients) expect(text).toBe(gradients[0]);
    expect(gradients[0]).toContain("select");
    expect(gradients[0]).not.toContain("scatter_sum");
  });

  it("a fold has two loops in its gradient, and no form is left", () => {
    const graph = entry(
      "input x: f32[N, 4, 3]\ntarget y: f32[N]\nparam U: f32[3, 5] ~ glorot_uniform\nparam V: f32[5, 5] ~ glorot_uniform\nparam w: f32[5] ~ glorot_uniform\n" +
        "h = fold t in 0..4 with h = zeros[N, 5] { tanh(x[:, t] @ U + h @ V) }\nloss = mean((h @ w - y)^2)",
      "gradients",
    );
    expect(topological(rootsOf(graph)).filter((n) => n.op === "loop").length).toBe(2);
  });

  it("a gradient inside a loss is more graph", () => {
    const graph = entry(
      "input x: f32[N, 5]\nparam W: f32[5, 3] ~ glorot_uniform\nscore = tanh(x @ W)\nslope = grad(sum(score), x)\nloss = mean[n] (sqrt(sum[d] slope[n, d]^2 + 1e-12) - 1)^2",
      "gradients",
    );
    expect(graph.outputs.map((o) => o.kind)).toContain("gradient");
  });
});
