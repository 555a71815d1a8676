/**
 * Gradients as a textbook prints them: twenty models, the formulas that `nabla grad` gives for them in textbook.txt. The text
 * is held to what it says: read as a program, it has the values of the gradient.
 */
import { describe, expect, it, test } from "vitest";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { evaluate, type Surroundings } from "../../src/graph/eval-graph.ts";
import type { Graph } from "../../src/ir/node.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { printFormulas } from "../../src/report/print-formulas.ts";
import { isLibrarySource } from "../../src/std/library.ts";
import { printShape } from "../../src/ir/types.ts";

const inputs = "  input x: f32[N, 4]\n  target y: f32[N, 2]\n  target k: i32[N] in 0..2\n";

/** What the lecture derives, and the lines of the model. */
const models: Readonly<Record<string, string>> = {
  "linear regression: 2 xᵀ (x W - y) / (2 N)": "param W: f32[4, 2] ~ ones\nloss = mse(x @ W, y)",
  "ridge regression: 2 λ W more": "param W: f32[4, 2] ~ ones\nloss = mse(x @ W, y) + 0.01 * l2(W)",
  "the mean of one number: 2 (w - x) on average": "param w: f32[4] ~ ones\nloss = mean((w - x)^2)",
  "logistic regression: xᵀ (σ(z) - y) / N": "z = dense(x, 2)\nloss = bce_from_logits(z, y)",
  "logistic regression from probabilities": "param W: f32[4, 2] ~ ones\nloss = bce(sigmoid(x @ W), y)",
  "softmax regression: xᵀ (softmax(z) - one_hot(k)) / N": "z = dense(x, 2)\nloss = cross_entropy(z, k)",
  "the same of a softmax": "param W: f32[4, 2] ~ ones\np = softmax(x @ W)\nloss = -mean[n] log(p[n, k[n]])",
  "sigmoid: σ (1 - σ)": "param w: f32[4] ~ ones\nloss = sum(sigmoid(w))",
  "tanh: 1 - tanh²": "param w: f32[4] ~ ones\nloss = sum(tanh(w))",
  "softplus: σ": "param w: f32[4] ~ ones\nloss = sum(softplus(w))",
  "rectifier: 1 where the input is positive": "param w: f32[4] ~ ones\nloss = sum(relu(w))",
  "a product of three": "param a: f32[4] ~ ones\nparam b: f32[4] ~ ones\nparam c: f32[4] ~ ones\nloss = sum(a * b * c)",
  "a quotient: 1 / b and -a / b²": "param a: f32[4] ~ ones\nparam b: f32[4] ~ ones\nloss = sum(a / b)",
  "a power: 3 w²": "param w: f32[4] ~ ones\nloss = sum(w^3)",
  "log-sum-exp: softmax": "param w: f32[4] ~ ones\nloss = logsumexp(w)",
  "the entropy of a softmax": "param w: f32[4] ~ ones\np = softmax(w)\nloss = -sum(p * log_softmax(w))",
  "a quadratic form: (A + Aᵀ) w": "param w: f32[4] ~ ones\nparam A: f32[4, 4] ~ ones\nloss = sum[i, j] w[i] * A[i, j] * w[j]",
  "a network with one hidden layer": "h = tanh(dense(x, 3))\nz = dense(h, 2)\nloss = cross_entropy(z, k)",
  "a Gaussian's negative log-likelihood": "param μ: f32 ~ zeros\nparam s: f32 ~ zeros\nloss = mean(0.5 * exp(-s) * (y - μ)^2 + 0.5 * s)",
  "the same thing several times: 4 a + 2 g": "param a: f32[4] ~ ones\nparam g: f32[4] ~ ones\nloss = sum(a * g + a * a + g + a * a - g)",
};

const text = (lines: string): string => `model M {\n${inputs}${lines.split("\n").map((l) => `  ${l}\n`).join("")}}\n`;

function programOf(source: string): CompiledProgram {
  const { programs: [program], diagnostics } = compile({ path: "m.dl", text: source });
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}

const printed = (lines: string): string => printFormulas(programOf(text(lines)).graph("gradients"), { model: "M", isLibrary: isLibrarySource });

test("the formulas of twenty gradients", async () => {
  const all = Object.entries(models).map(([name, lines]) => `# ${name}\n${lines.replace(/^/gm, "#     ")}\n${printed(lines)}`);
  expect(all.length).toBe(20);
  await expect(all.join("\n")).toMatchFileSnapshot("textbook.txt");
});

/** The values of a graph's results; parameters and inputs have values by their names. */
function valuesOf(graph: Graph, value: (path: string) => Tensor64): ReadonlyMap<string, Tensor64> {
  const around: Surroundings = { sizes: { N: 3 }, seed: 1, step: 1, example: 0, input: value, stored: value, scalar: () => 1 };
  return evaluate(graph, around).outputs;
}

describe("read as a program, the text gives the gradient", () => {
  // What is read at places has its letters nowhere in a program.
  const readable = Object.entries(models).filter(([, lines]) => !/\[i/.test(printed(lines).replace(/^loss.*$/m, "")));

  it("all but one", () => {
    expect(readable.length).toBe(19);
  });

  it.each(readable)("%s", (_, lines) => {
    const program = programOf(text(lines));
    const graph = program.graph("gradients");
    const gradients = graph.outputs.filter((o) => o.kind === "gradient");
    // Names that a program may have: z.W is z_W, ∂z is d_z; ᵀ and powers as the language writes them.
    const plain = (line: string): string => line.replace(/∂loss\/∂/g, "g_").replace(/∂/g, "d_").replace(/([\p{L}_]\w*)\.(\w+)/gu, "$1_$2").replace(/(\([^()]*\)|[\p{L}_]\w*)ᵀ/gu, "transpose($1)").replace(/²/g, "^2").replace(/³/g, "^3");
    const formulas = printFormulas(graph, { model: "M", outputs: gradients, isLibrary: isLibrarySource }).trimEnd().split("\n").map((line) => plain(line).replace(/^g_/, "output g_"));
    const params = program.model.params.map((p) => `param ${p.path.replace(/^M\./, "").replaceAll(".", "_")}: f32${p.type.shape.length > 0 ? printShape(p.type.shape) : ""} ~ ones`);
    // `N` of the text is the number of rows.
    const read = text([...params, "N_rows = sum(0 * x[:, 0] + 1)", ...formulas.map((l) => l.replace(/\bN\b/g, "N_rows"))].join("\n"));
    const values = new Map<string, Tensor64>();
    const value = (path: string): Tensor64 => {
      const name = path.replace(/^M\./, "").replaceAll(".", "_");
      const known = values.get(name);
      if (known) return known;
      const shape = name === "x" ? [3, 4] : name === "y" ? [3, 2] : name === "k" ? [3] : (program.model.params.find((p) => p.path.replace(/^M\./, "").replaceAll(".", "_") === name)?.type.shape as number[]);
      const count = shape.reduce((a, b) => a * b, 1);
      const made = { shape, data: Float64Array.from({ length: count }, (_, i) => (name === "k" ? i % 2 : Math.abs(Math.sin(i * 1.7 + name.length + name.charCodeAt(0))) + (name === "x" ? -0.5 : 0.1))) };
      values.set(name, made);
      return made;
    };
    const expected = valuesOf(graph, value);
    const got = valuesOf(programOf(read).graph("predict"), value);
    for (const { name } of gradients) {
      const mine = got.get(`g_${name.replace(/^M\./, "").replaceAll(".", "_")}`);
      const theirs = expected.get(name);
      expect(mine?.shape, name).toEqual(theirs?.shape);
      theirs?.data.forEach((v, i) => expect(Math.abs((mine?.data[i] ?? Number.NaN) - v), `${name}[${i}]`).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(v))));
    }
  });
});
