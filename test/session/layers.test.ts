/**
 * Regularisers and layers of the library on the device, against the f64 evaluator: what they give, two steps of training with the
 * same draws, and what they keep.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { numbers, range } from "../language/kit.ts";
import { programOf, worst } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

type Feed = Record<string, number[]>;

/** Starts, predictions and two steps agree within `tolerance` of the larger of 1 and the value. */
async function agree(text: string, feed: Feed, tolerance = 3e-5): Promise<void> {
  const program = programOf(`model M {\n${text}\noutput z\nloss = mean(sin(z))\n}\ntrain M { steps = 2\nbatch = 3\noptimizer = sgd(lr = 0.1) }`);
  const [device, oracle] = [await openSession(program, { device: gpu.device, seed: 3 }), await openSession(program, { backend: "f64", seed: 3 })];
  for (let step = 0; step <= 2; step++) {
    if (step > 0) {
      const [a, b] = [await device.step(feed), await oracle.step(feed)];
      expect(worst(Object.values(a), Object.values(b)), `step ${step}`).toBeLessThanOrEqual(tolerance);
    }
    for (const { name } of oracle.program.info.store.tensors) expect(worst(await device.get(name), await oracle.get(name)), `${name} after ${step} steps`).toBeLessThanOrEqual(tolerance);
    const [found, wanted] = [await device.predict(feed), await oracle.predict(feed)];
    expect(worst(found["z"]?.data ?? [], wanted["z"]?.data ?? [])).toBeLessThanOrEqual(tolerance);
  }
  device.close();
  oracle.close();
}

const rows = { x: numbers(3 * 6, 2) };
const images = { x: numbers(3 * 4 * 5 * 4, 2) };
const sequences = { x: numbers(3 * 4 * 6, 4) };

describe("regularisers", () => {
  it.each([
    "h = dropout(x, 0.3)\nz = dense(h, 4)", "z = dropconnect(x, 4, rate = 0.4)", "h = gaussian_noise(x)\nz = gaussian_dropout(dense(h, 4), 0.2)",
    "f = dense(x, 6)\nz = x + stochastic_depth(f, 0.4)", "a, b = mixup(x, x, α = 0.5)\nz = dense(a, 6) * b", "a, b = mixup(x, x, each = true)\nz = dense(a, 6) * b",
  ])("%s", async (lines) => {
    await agree(`input x: f32[N, 6]\n${lines}`, rows);
  });

  it("label_noise", async () => {
    await agree("input x: f32[N, 6]\ninput y: i32[N] in 0..4\nnoisy = label_noise(y, 4, 0.5)\ns = dense(x, 4)\nz[n] = s[n, noisy[n]]", { ...rows, y: [0, 3, 2] });
  });
});

describe("normalisations", () => {
  it.each(["batch_norm(dense(x, 5))", "batch_norm(dense(x, 5), momentum = 0.5, unbiased = true)", "layer_norm(x)", "rms_norm(x)", "group_norm(x, 3)", "weight_norm(x, 4)"])("of rows: %s", async (call) => {
    await agree(`input x: f32[N, 6]\nz = ${call}`, rows);
  });

  it.each(["batch_norm(x)", "batch_norm(x, unbiased = true)", "group_norm(x, 2)", "instance_norm(x)"])("of images: %s", async (call) => {
    await agree(`input x: f32[N, 4, 5, 4]\nz = ${call}`, images);
  });
});

describe("layers", () => {
  it.each([
    "z = depthwise_conv2d(x, multiplier = 2, stride = 2, padding = 1)", "z = separable_conv2d(x, 3, padding = 1)", "z = conv2d_transpose(x, 3, stride = [2, 1], padding = 1, output_padding = [1, 0])",
    "h = conv2d_transpose(x, 2, kernel = 2, stride = 2)\nz = avg_pool(h, window = 3, stride = 2, padding = 1, count_padding = true)", "h = conv2d(x, 2)\nz = upsample_nearest(h, [2, 3])",
    "h = conv2d(x, 2)\nz = upsample_bilinear(h, [2, 3])", "h = conv2d(x, 2)\nz = upsample_bilinear(h, 2, align_corners = true)", "z = squeeze_excite(x, ratio = 2)",
  ])("of images: %s", async (lines) => {
    await agree(`input x: f32[N, 4, 5, 4]\n${lines}`, images);
  });

  it.each([
    "h = conv1d(x, 4, groups = 2, kernel = 2)\nz = max_pool1d(h) + avg_pool1d(h)", "z = bilinear(x[:, 0], x[:, 1], 3)", "z = residual(x, feed_forward)", "z = rnn(x, 3)", "z = lstm(x, 3, recurrent = orthogonal)",
    "z = gru(x, 3, reset_after = true, reverse = true)", "z = multi_head_attention(rotary(learned_positions(x)), 2)", "z = transformer_block(x + sinusoidal_positions(4, 6), 2, causal = true, rate = 0.2)",
    "z = transformer_block(x, 2, pre_norm = false)",
  ])("of sequences: %s", async (lines) => {
    await agree(`input x: f32[N, 4, 6]\n${lines}`, sequences);
  });

  it("masks, where a row sees nothing", async () => {
    await agree("input x: f32[N, 4, 6]\ninput m: bool[N, 1, 4, 4]\nz = multi_head_attention(x, 2, mask = m)", { ...sequences, m: range(48).map((k) => Number(k > 3 && k % 3 !== 1)) });
  });

  it("initialisers that compute", async () => {
    await agree("input x: f32[N, 6]\nparam A: f32[6, 6] ~ orthogonal\nparam B: f32[6, 4] ~ sparse(2)\nparam C: f32[4, 4] ~ eye\nparam D: f32[4] ~ gamma(2.5)\nparam E: f32[4] ~ beta(0.5, 0.5)\nz = x @ A @ B @ C * D * E", rows);
  });
});
