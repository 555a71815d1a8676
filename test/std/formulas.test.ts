/** A formula and the library's call become the same graph, node by node, once normalised. */
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import { build } from "../../src/graph/build.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";

/** The normalised graph of an expression over x, its parameters and labels. */
function graph(body: string): string {
  const text = `model M { input x: f32[N, 4]\ntarget y: i32[N] in 0..3\nparam W: f32[4, 3] ~ ones\nparam b: f32[3] ~ zeros\n${body} }`;
  const diagnostics = new Diagnostics();
  const program = check(parse({ path: "t.dl", text }, diagnostics), {}, diagnostics);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  if (!program) throw new Error("not checked");
  return printGraph(normalise.run(build(program, { entry: "predict", model: "M" })));
}

const pairs: Record<string, readonly [string, string]> = {
  "a dense layer": ["output z = x @ W + b", "output z[n, o] = (sum[i] x[n, i] * W[i, o]) + b[o]"],
  relu: ["output z = relu(x)", "output z[n, i] = max(x[n, i], 0)"],
  softmax: ["output z = softmax(x)", "output z[n, k] = exp(x[n, k]) / sum[j] exp(x[n, j])"],
  "cross-entropy": [
    "z = x @ W + b\noutput e = cross_entropy(z, y)",
    "z[n, k] = (sum[i] x[n, i] * W[i, k]) + b[k]\noutput e = mean[n] ((logsumexp[k] z[n, k]) - z[n, y[n]])",
  ],
  "mean squared error": ["output e = mse(x, 2 * x)", "output e = mean[n, i] (x[n, i] - 2 * x[n, i])^2"],
  "sum of squares": ["output e = l2(W)", "output e = sum[i, j] W[i, j]^2"],
};

describe("formulas", () => {
  it.each(Object.keys(pairs))("%s", (name) => {
    const [call, formula] = pairs[name] ?? ["", ""];
    expect(graph(formula)).toBe(graph(call));
  });
});
