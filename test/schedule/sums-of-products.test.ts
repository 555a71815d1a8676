/** Sums of products as one product: the values of the graph for programs that have such sums, fewer products, and terms that stay alone. */
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { expectAgreement } from "./agree.ts";

function programOf(text: string, off: readonly string[] = []): CompiledProgram {
  const { programs, diagnostics } = compile({ path: "m.dl", text }, { off: new Set(off) });
  expect(diagnostics.filter((d) => d.severity === "error").map((d) => d.message)).toEqual([]);
  return programs[0] as CompiledProgram;
}

const products = (text: string, off: readonly string[] = []): number =>
  programOf(text, off).lower("step", { capacity: { N: 4 }, profile: profiles.software }).schedule.nests.flatMap((n) => n.nodes).filter((n) => n.op === "contract").length;

/** The step as the graph says, for a batch that is not full. */
function agrees(text: string): void {
  const graph = programOf(text).graph("step");
  for (const device of ["software", "gpu"] as const) expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 4 }, device, tolerance: 1e-7 });
}

const sequence = (body: string, more = ""): string => `
${more}
model M {
  input x: f32[N, 4, 6]
  target y: f32[N, 4, 6]
  ${body}
  z = dense(h, 6)
  loss = mse(z, y)
}
train M {
  batch = 4
  steps = 1
  optimizer = adam(lr = 0.01)
}
`;

const attention = `
layer heads(x: f32[N, T, C]) {
  q = dense(x, C, bias = false)
  k = dense(x, C, bias = false)
  v = dense(x, C, bias = false)
  return attention(by_head(q, 2), by_head(k, 2), by_head(v, 2), causal = true)
}
`;

describe("sums of products", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["queries, keys and values", sequence("n = layer_norm(x)\n  a = heads(n)\n  h = n + reshape(transpose(a, 0, 2, 1, 3), N, 4, 6)", attention)],
    ["queries, keys and values with biases", sequence("h = multi_head_attention(layer_norm(x), 2)")],
    ["the turns of an LSTM", sequence("h = lstm(x, 5)")],
    ["the turns of a GRU", sequence("h = gru(x, 5)")],
    ["the turns of a GRU whose reset comes after the product", sequence("h = gru(x, 5, reset_after = true)")],
    ["the turns of a layer that reads backwards", sequence("h = rnn(rnn(x, 5), 3, reverse = true)").replace("h = rnn(rnn(x, 5), 3, reverse = true)", "g = rnn(x, 5)\n  h = rnn(g, 3, reverse = true)")],
    ["the last state alone", sequence("s = lstm(x, 5)\n  h = x * sum(s[:, 3])")],
    ["a layer whose parameters two places share", sequence("l = dense(x, 6, activation = tanh)\n  h = l + 0.5 * x").replace("l = dense(x, 6, activation = tanh)", "param W: f32[6, 6] ~ normal(0, 1)\n  l = tanh(tanh(tanh(x @ W) @ W) @ W)")],
  ];
  for (const [name, text] of cases)
    it(`${name}: the values of the graph`, () => {
      agrees(text);
      expect(products(text)).toBeLessThanOrEqual(products(text, ["concat"]));
    });

  it("make fewer products", () => {
    const [qkv, , lstm] = cases.map(([, text]) => text);
    // x Wq, x Wk, x Wv are one, and dx = dQ Wqᵀ + dK Wkᵀ + dV Wvᵀ; the products for U of all turns but the first are one.
    expect(products(qkv ?? "", ["concat"]) - products(qkv ?? "")).toBe(4);
    expect(products(lstm ?? "", ["concat"]) - products(lstm ?? "")).toBeGreaterThanOrEqual(2);
  });

  it("leave alone what shares a factor, and parameters that are not equally far apart", () => {
    const shared = (body: string): string => `
model M {
  input x: f32[N, 5]
  target y: f32[N, 7]
  param A: f32[5, 7] ~ normal(0, 1)
  param B: f32[5, 7] ~ normal(0, 1)
  param C: f32[40, 40] ~ normal(0, 1)
  param D: f32[5, 7] ~ normal(0, 1)
  ${body}
  loss = mse(z, y) + 0.01 * (sum(A) + sum(B) + sum(C) + sum(D))
}
train M {
  batch = 4
  steps = 1
  optimizer = sgd(lr = 0.1)
}
`;
    for (const body of ["z = tanh(x) @ A + sin(x) @ A", "z = tanh(x) @ A + sin(x) @ B + cos(x) @ D", "z = tanh(x) @ D + sin(x) @ A", "z = x @ A + x @ D + x @ B"]) agrees(shared(body));
    const text = shared("z = tanh(x) @ A + sin(x) @ B");
    agrees(text);
    expect(products(text)).toBeLessThan(products(text, ["concat"]));
  });
});
