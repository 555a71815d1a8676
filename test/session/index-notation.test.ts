/** Index notation, tensor notation and the layers written in it on the device, against the f64 evaluator. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession, type Session } from "../../src/session.ts";
import { fileOf, numbers } from "../language/kit.ts";
import { programOf, worst } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

type Feed = Record<string, number[]>;

async function both(text: string): Promise<{ device: Session; oracle: Session }> {
  const program = programOf(fileOf(text));
  return { device: await openSession(program, { device: gpu.device, seed: 3 }), oracle: await openSession(program, { backend: "f64", seed: 3 }) };
}

/** Outputs (and gradients, where there is a loss) agree within `tolerance` of the larger of 1 and the value; 0 means equal. */
async function agree(text: string, feed: Feed, tolerance: number): Promise<void> {
  const { device, oracle } = await both(text);
  for (const entry of device.program.model.terms.length > 0 ? (["predict", "gradients"] as const) : (["predict"] as const)) {
    const [found, wanted] = [await device[entry](feed), await oracle[entry](feed)];
    expect(Object.keys(found)).toEqual(Object.keys(wanted));
    for (const [name, { shape, data }] of Object.entries(wanted)) {
      expect(found[name]?.shape, `${entry} ${name}`).toEqual(shape);
      expect(worst(found[name]?.data ?? [], data), `${entry} ${name}`).toBeLessThanOrEqual(tolerance);
    }
  }
  device.close();
  oracle.close();
}

const images = { x: numbers(2 * 2 * 7 * 6, 2) };
const image = "input x: f32[N, 2, 7, 6]";

describe("on the device", () => {
  it.each([
    "z = conv2d(x, 3)", "z = conv2d(x, 4, kernel = [3, 2], stride = [2, 1], padding = 1, dilation = [1, 2], groups = 2)", "z = conv2d(x, 3, padding = 1, stride = 2, bias = false)",
    "y = conv2d(x, 3)\nz = max_pool(relu(y))", "y = conv2d(x, 2)\nz = max_pool(y, window = 3, stride = 2, padding = 1)", "y = conv2d(x, 2)\nz = avg_pool(y, window = 3, stride = 1, padding = 1)",
    "param K: f32[2, 2, 3, 3] ~ glorot_uniform\nz = convolve2d(x, K, padding = 1)", "y = conv2d(x, 3)\nz = global_max_pool(y) * global_avg_pool(y)",
    "param K: f32[3, 2, 3, 3] ~ glorot_uniform\nz[n, f, i in 0..7, j in 0..6] = sum[c, u, v where i + u >= 1 and i + u < 8 and j + v >= 1 and j + v < 7] x[n, c, i + u - 1, j + v - 1] * K[f, c, u, v]",
  ])("%s", async (lines) => {
    await agree(`${image}\n${lines}\noutput z\nloss = mean(sin(z))`, images, 2e-5);
  });

  it.each([
    "y = conv1d(x, 3, padding = [2, 0])\nz = conv1d(tanh(y), 2, dilation = 2)",
    "z = multi_head_attention(transpose(x), 2, causal = true)",
    "z = attention(x, x, x, causal = true) + multi_head_attention(x, 3)",
    "z = fold t in 0..4 with h = zeros[N, 3] { gru_cell(x[:, t], h) }",
    "z, c = fold t in 0..4 with h = zeros[N, 2], c = zeros[N, 2] {\n  a, d = lstm_cell(x[:, t], h, c)\n  a, d\n}",
  ])("sequences: %s", async (lines) => {
    await agree(`input x: f32[N, 4, 6]\n${lines}\noutput z\nloss = mean(sin(z))`, { x: numbers(48, 4) }, 3e-5);
  });

  it("guards, gathers and cases, with missing labels", async () => {
    await agree(`input x: f32[N, 3]
target y: i32[N] in -1..4
param W: f32[3, 4] ~ normal(0, 1)
z = log_softmax(x @ W)
loss = -mean[n where y[n] >= 0] z[n, y[n]]
output a[n] = cases {
  z[n, y[n]]       if y[n] >= 0
  z[n, y[n] + 3]   if y[n] == -1 and x[n, 0] > 0
  0                otherwise
}
output b[n, i in 0..3] = sum[u in 0..3 where i + u - 1 >= 0 and i + u - 1 < 3] x[n, i + u - 1] * (u + 1)
output c[n] = z[n, argmax[k where k != 2] z[n, k]]
output d[n, k in 0..4] = prod[j where j <= k] z[n, j]
output e[n] = logsumexp[k where k > 1] z[n, k]`, { x: numbers(15, 2), y: [2, -1, 0, -1, 3] }, 2e-5);
  });

  it("lists that pick together, and what their gradients scatter", async () => {
    await agree(`input r: i32[N] in 0..4
input c: i32[N] in 0..5
param B: f32[2, 4, 5] ~ normal(0, 1)
way = [2, 0, 1, 3]
output a = B[:, r, c]
output b = B[1, way[r], way[way[r]]]
output d[n] = B[c[n] % 2, r[n], c[n]]
loss = mean(sin(B[:, r, c])) + sum(B[[0, 1, 0], [1, 2, 1], :]^2) + mean[n] B[r[n] // 2, r[n], c[n]]^3`, { r: [3, 0, 2, 3, 3], c: [4, 4, 1, 0, 4] }, 2e-5);
  });

  it("cases of many branches, where another branch is infinite", async () => {
    await agree(`input x: f32[N]
param w: f32[2] ~ normal(1, 0.001)
t[n] = w[0] * x[n]
output p[n] = cases {
  w[1]             if t[n] < 0.1
  log(t[n])        if t[n] < 0.5
  sqrt(t[n] - 0.5) if t[n] < 1
  1 / t[n]         if t[n] < 1.5
  t[n]^2           if t[n] < 2.5
  1 / (t[n] - 2)   if t[n] < 3
  exp(t[n])        otherwise
}
loss = sum(p * cos(x))`, { x: [0, 0.25, 0.75, 1.25, 2, 2.75, 4] }, 3e-5);
  });

  it("products over the batch, and their gradients", async () => {
    await agree("input x: f32[N, 2]\nparam W: f32[2] ~ normal(0, 1)\nf[n, k] = x[n, k] * W[k] + 1\noutput a = prod(f)\noutput b[k] = prod[n where x[n, k] > 0] f[n, k]\nloss = sum[k] prod[n] f[n, k]", { x: numbers(14) }, 2e-5);
  });

  it("movement", async () => {
    await agree(`input x: f32[N, 3, 4]
param W: f32[3, 4] ~ normal(0, 1)
a, b = split(W, 2)
p = pad(flip(W, axis = 1), [1, 0], axis = 0, value = 2)
s = stack(a, b, axis = 1)
output p
output s
output q = concat(x, broadcast(W, N, 3, 4), axis = 1)
output r = pad(x, 1)
t = [2, 0]
output u = x[:, t]
loss = sum(sin(p)) + sum(s^3) + mean(x * W)`, { x: numbers(24) }, 2e-5);
  });

  it("whole numbers, exactly", async () => {
    await agree(`input a: i32[N]
input b: i32[N]
output q = a // b
output r = a % b
output m = max(a, b) * 3 - min(a, b)
output s = sign(a) * abs(b)
output t = (a > 0) + 2 * (a >= b)
output u = u32(a) * 3 // 2 % 7
output c = i32(f32(a) / 4) + i32(bool(a))
output k = count[n] (a[n] > b[n])
output w[n in 0..N] = sum[m where m <= n] a[m]
output x = ranks(a)
output y = argmax(a)`, { a: [7, -7, 7, -7, 0, 6], b: [2, 2, -2, -2, 5, -3] }, 0);
  });

  it("draws: the same conditions, orders and whole numbers, and the same numbers up to rounding", async () => {
    await agree("input x: f32[N, 3]\np = permutation[N]\no = permutation[4, 50]\nk = bernoulli(0.3)[N, 40]\nd = i32(uniform(0, 1000)[200])\noutput p\noutput o\noutput k\noutput d\noutput y = i32(x[p] * 100)", { x: numbers(21) }, 0);
    await agree("input x: f32[N, 3]\nu = uniform(-1, 1)[N, 40]\nn = normal(0, 1)[N, 40]\nt = truncated_normal(1, 0.5)[N, 40]\ne[i, j] = normal(x[i, j], j)[i, j]\noutput u\noutput n\noutput t\noutput e", { x: numbers(21) }, 2e-5);
  });
});
