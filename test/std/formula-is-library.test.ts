/**
 * A layer written as a formula and the library's call are one thing: the same normalised graph, the same simplified
 * training step, and the same device code, text by text. Names of parameters differ, and are numbered here in the order
 * in which the graph mentions them.
 */
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { check } from "../../src/check/check.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { build, type EntryName } from "../../src/graph/build.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";

/** Both ways to write a layer: what comes in, the library's call, the formula. Each binds `z`. */
interface Pair {
  readonly inputs: string;
  readonly call: string;
  readonly formula: string;
}

const image = "input x: f32[N, 2, 8, 8]";
const sequence = "input x: f32[N, 5, 4]";
const projections = `param Wq: f32[4, 3] ~ glorot_uniform
param Wk: f32[4, 3] ~ glorot_uniform
param Wv: f32[4, 3] ~ glorot_uniform
q[n, i, c] = sum[a] x[n, i, a] * Wq[a, c]
k[n, i, c] = sum[a] x[n, i, a] * Wk[a, c]
v[n, i, c] = sum[a] x[n, i, a] * Wv[a, c]
s[n, i, j] = (sum[c] q[n, i, c] * k[n, j, c]) / sqrt(3)`;
const kernels = "param K: f32[3, 2, 3, 3] ~ glorot_uniform\nparam b: f32[3] ~ zeros as bias";

const pairs: Readonly<Record<string, Pair>> = {
  "a dense layer": {
    inputs: "input x: f32[N, 4]",
    call: "z = dense(x, 3)",
    formula: "param W: f32[4, 3] ~ glorot_uniform\nparam b: f32[3] ~ zeros as bias\nz[n, o] = (sum[i] x[n, i] * W[i, o]) + b[o]",
  },
  "an attention head": {
    inputs: sequence,
    call: "q = dense(x, 3, bias = false)\nk = dense(x, 3, bias = false)\nv = dense(x, 3, bias = false)\nz = attention(q, k, v)",
    formula: `${projections}
p[n, i, j] = exp(s[n, i, j]) / sum[k] exp(s[n, i, k])
z[n, i, c] = sum[j] p[n, i, j] * v[n, j, c]`,
  },
  "a causal attention head": {
    inputs: sequence,
    call: "q = dense(x, 3, bias = false)\nk = dense(x, 3, bias = false)\nv = dense(x, 3, bias = false)\nz = attention(q, k, v, causal = true)",
    formula: `${projections}
p[n, i, j] = cases {
  exp(s[n, i, j]) / sum[k where k <= i] exp(s[n, i, k])  if j <= i
  0                                                       otherwise
}
z[n, i, c] = sum[j] p[n, i, j] * v[n, j, c]`,
  },
  "a convolution": {
    inputs: image,
    call: "z = conv2d(x, 3)",
    formula: `${kernels}\nz[n, f, i, j] = (sum[c, u, v] x[n, c, i + u, j + v] * K[f, c, u, v]) + b[f]`,
  },
  "a strided convolution": {
    inputs: image,
    call: "z = conv2d(x, 3, stride = 2)",
    formula: `${kernels}\nz[n, f, i, j] = (sum[c, u, v] x[n, c, 2 * i + u, 2 * j + v] * K[f, c, u, v]) + b[f]`,
  },
  "a padded convolution, padded by a condition": {
    inputs: image,
    call: "z = conv2d(x, 3, padding = 1)",
    formula: `${kernels}
z[n, f, i in 0..8, j in 0..8] = (sum[c, u, v where i + u >= 1 and i + u < 9 and j + v >= 1 and j + v < 9] x[n, c, i + u - 1, j + v - 1] * K[f, c, u, v]) + b[f]`,
  },
  "a padded convolution, padded by cases": {
    inputs: image,
    call: "z = conv2d(x, 3, padding = 1)",
    formula: `${kernels}
p[n, c, i in 0..10, j in 0..10] = cases {
  x[n, c, i - 1, j - 1]  if i >= 1 and i < 9 and j >= 1 and j < 9
  0                      otherwise
}
z[n, f, i, j] = (sum[c, u, v] p[n, c, i + u, j + v] * K[f, c, u, v]) + b[f]`,
  },
  "a true convolution": {
    inputs: image,
    call: `${kernels}\nz = convolve2d(x, K) + reshape(b, 3, 1, 1)`,
    formula: `${kernels}\nz[n, f, i, j] = (sum[c, u, v] x[n, c, i + 2 - u, j + 2 - v] * K[f, c, u, v]) + b[f]`,
  },
  "a max-pool": {
    inputs: image,
    call: "y = conv2d(x, 3)\nz = max_pool(relu(y))",
    formula: `${kernels}
y[n, f, i, j] = (sum[c, u, v] x[n, c, i + u, j + v] * K[f, c, u, v]) + b[f]
a[n, f, i, j] = max(y[n, f, i, j], 0)
z[n, f, i, j] = max[u in 0..2, v in 0..2] a[n, f, 2 * i + u, 2 * j + v]`,
  },
  "an average pool": {
    inputs: image,
    call: "y = conv2d(x, 3)\nz = avg_pool(y)",
    formula: `${kernels}
y[n, f, i, j] = (sum[c, u, v] x[n, c, i + u, j + v] * K[f, c, u, v]) + b[f]
z[n, f, i, j] = mean[u in 0..2, v in 0..2] y[n, f, 2 * i + u, 2 * j + v]`,
  },
};

function textOf(pair: Pair, written: string): string {
  return `model M {\n${pair.inputs}\n${written}\noutput z\nloss = mean(tanh(z)^2)\n}\ntrain M { optimizer = sgd(lr = 0.1)\nbatch = 4\nsteps = 1 }`;
}

/** Parameters by the order in which they are first mentioned. */
function anonymous(text: string): string {
  const names = new Map<string, string>();
  return text.replaceAll(/M\.[\p{XID_Continue}.]+/gu, (path) => {
    const known = names.get(path) ?? `P${names.size}`;
    names.set(path, known);
    return known;
  });
}

function normalised(text: string): string {
  const diagnostics = new Diagnostics();
  const program = check(parse({ path: "t.dl", text }, diagnostics), {}, diagnostics);
  expect(diagnostics.list.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  if (!program) throw new Error("not checked");
  return anonymous(printGraph(normalise.run(build(program, { entry: "predict", model: "M" }))));
}

function compiled(text: string): CompiledProgram {
  const [program] = compile({ path: "t.dl", text }).programs;
  if (!program) throw new Error("not compiled");
  return program;
}

function kernelsOf(program: CompiledProgram, entry: EntryName): readonly string[] {
  return Object.values(profiles).flatMap((profile) => program.lower(entry, { capacity: { N: 4 }, profile }).texts.map((t) => anonymous(t.wgsl)));
}

describe.each(Object.entries(pairs))("%s as a formula", (_, pair) => {
  const [call, formula] = [textOf(pair, pair.call), textOf(pair, pair.formula)];

  it("is the library's node", () => {
    expect(normalised(formula)).toBe(normalised(call));
  });

  it("has the library's training step and device code", () => {
    const [a, b] = [compiled(formula), compiled(call)];
    expect(anonymous(printGraph(a.graph("step")))).toBe(anonymous(printGraph(b.graph("step"))));
    for (const entry of ["predict", "step"] as const) {
      const [mine, theirs] = [kernelsOf(a, entry), kernelsOf(b, entry)];
      expect(theirs.length).toBeGreaterThan(1);
      expect(mine).toEqual(theirs);
    }
  });
});
