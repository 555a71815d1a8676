/** Every form that the description of the language shows, read, printed and read again. */
import { describe, expect, test } from "vitest";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import { parse } from "../../src/syntax/parse.ts";
import { format } from "../../src/syntax/print-ast.ts";

const shape = (node: unknown): string => JSON.stringify(node, (key, value) => (key === "span" || key === "opSpan" ? undefined : value));

const programs: Readonly<Record<string, string>> = {
  "the first file": `## Two-layer perceptron on the UCI handwritten digits.
model Digits(hidden = 32, decay = 1e-4) {
  input  x: f32[N, 64]
  target y: i32[N] in 0..10

  h      = relu(dense(x, hidden))
  logits = dense(h, 10)

  output p = softmax(logits)
  loss   = cross_entropy(logits, y) + decay * l2(weights)
  metric accuracy = mean(argmax(logits) == y)
}

train Digits {
  data       = csv("data/digits.csv") { x = columns(0..64) / 16, y = column("digit") }
  split      = holdout(validation = 0.1, test = 0.2)
  batch      = 64
  epochs     = 40
  optimizer  = adam(lr = linear_decay(3e-3, 3e-5, steps = 600))
  clip       = norm(1.0)
  stop       = early(patience = 5, monitor = validation.loss, restore = best)
  seed       = 42
}`,
  "index notation": `model M {
z[b, o]       = sum[i] x[b, i] * W[i, o] + c[o]                              # a dense layer
S[n, f, i, j] = sum[c, u, v] I[n, c, i + u, j + v] * K[f, c, u, v]           # cross-correlation, valid; K: f32[F, C, h, w]
C[n, f, i, j] = sum[c, u, v] I[n, c, i + h - 1 - u, j + w - 1 - v] * K[f, c, u, v]   # true convolution: the kernel flipped
P[n, c, i, j] = max[u in 0..2, v in 0..2] I[n, c, 2*i + u, 2*j + v]          # max-pooling, stride 2
D[n, i, j in 0..W-1] = I[n, i, j + 1] - I[n, i, j]                           # vertical edges: 320 wide becomes 319
m[b, g]       = max[k] a[b, g, k]                                           # maxout
r[b, j]       = exp(-(sum[i] (W[i, j] - x[b, i])^2) / sigma[j]^2)            # radial basis unit
}`,
  "guards and cases": `## Multi-class hinge (Weston–Watkins), margin 1.
fn hinge(s: f32[N, K], y: i32[N]) =
  mean[i] sum[j where j != y[i]] max(0, s[i, j] - s[i, y[i]] + 1)

fn elu(t, α = 1.0) = cases {
  t                  if t >= 0
  α * (exp(t) - 1)   otherwise
}`,
  "layers and states": `layer dense(x: f32[..., n], units, bias = true, init = glorot_uniform) {
  param W: f32[n, units] ~ init
  param b: f32[units]    ~ zeros  as bias
  return x @ W + b
}

layer batch_norm(x: f32[N, c], momentum = 0.9, eps = 1e-5) {
  param γ: f32[c] ~ ones  as scale
  param β: f32[c] ~ zeros as bias
  state running_mean: f32[c] ~ zeros
  state running_var:  f32[c] ~ ones
  μ[k] = mean[n] x[n, k]
  v[k] = mean[n] (x[n, k] - μ[k])^2
  running_mean <- momentum * running_mean + (1 - momentum) * μ
  running_var  <- momentum * running_var  + (1 - momentum) * v
  centre = cases { μ if training
                   running_mean otherwise }
  spread = cases { v if training
                   running_var otherwise }
  return γ * (x - centre) / sqrt(spread + eps) + β
}`,
  "an optimizer": `optimizer adam(lr = 0.001, ρ1 = 0.9, ρ2 = 0.999, δ = 1e-8) {
  state s ~ zeros
  state r ~ zeros
  s <- ρ1 * s + (1 - ρ1) * g
  r <- ρ2 * r + (1 - ρ2) * g^2
  θ <- θ - lr * (s / (1 - ρ1^t)) / (sqrt(r / (1 - ρ2^t)) + δ)
}`,
  "an objective without data": `model Peak { param x: f32 ~ constant(0)
             maximize -(x - 2)^2 + 3 }`,
  "gradients as expressions": `model M {
slope[n, d] = grad(sum(score), x)[n, d]
length[n]   = sqrt(sum[d] slope[n, d]^2 + 1e-12)
penalty     = 10 * mean[n] (length[n] - 1)^2           # gradient penalty: second order through the graph
metric curvature = dot(g, hvp(g)) / dot(g, g)           # gᵀHg / gᵀg, Goodfellow 8.2.1
}`,
  "a gradient given by hand": `fn sign_st(x) = sign(x) with gradient(dy) { x = dy }    # straight-through`,
  "steps and phases": `train M {
  step critic    { minimize = loss_d, over = D, optimizer = adam(1e-4), times = 5 }
  step generator { minimize = loss_g, over = G, optimizer = adam(1e-4) }

  phase warm { epochs = 5, freeze = "Net.trunk.*", only = y < 5 }
  phase all  { start = previous, epochs = 20, optimizer = sgd(1e-3) }
}`,
  "sharing and loops": `model M {
  enc = instance dense(units = 64)
  d = enc(a) - enc(b)
  for k in 0..depth { h = block(h) }
  h = fold t in 0..T with h = zeros[N, units] { cell(x[:, t], h) }
  noise = normal(0, 1)[N, k] + bernoulli(p)[..., n]
  eps[n, i] = normal(0, 1)[n, i]
  require C % heads == 0
  best = softmax(s)[n, k] + E[t[b, k], d]
  loss = where(y == 1, a, b)
  fit = training + validation
}`,
  "a rename, averages, a vector of all parameters": `layer f(x: f32[..., n]) {
  param W: f32[n, n] ~ glorot_uniform was "Old.W"
  return x @ W
}
optimizer averaged(lr = 0.1, α = 0.99) over θ: f32[P] {
  state a: f32[P] ~ zeros
  d = solve(hessian(), -g)
  ε = line_search(d, c1, c2)
  a <- α * a + (1 - α) * θ
  θ <- θ + ε * d
  output θ = a
}`,
};

describe("the language's own examples", () => {
  test.each(Object.entries(programs))("%s", (_name, text) => {
    const diagnostics = new Diagnostics();
    const file = parse({ path: "t.dl", text }, diagnostics);
    expect(renderReport(diagnostics.list)).toBe("");
    expect(file.declarations.length).toBeGreaterThan(0);
    const printed = format({ path: "t.dl", text }, diagnostics) ?? "";
    expect(shape({ ...parse({ path: "t.dl", text: printed }, diagnostics) })).toBe(shape(file));
    expect(format({ path: "t.dl", text: printed }, diagnostics)).toBe(printed);
  });
});
