/** Programs of any depth: dense layers in a row, and transformer blocks as GPT has them. */
import { readFileSync } from "node:fs";

/** `layers` dense layers of width 64 under Adam. */
export function deepMlp(layers: number): string {
  return `model M {\n  input x: f32[N, 64]\n  target y: i32[N] in 0..10\n  h = x\n  for k in 0..${layers} { h = relu(dense(h, 64)) }\n  z = dense(h, 10)\n  loss = cross_entropy(z, y)\n}\ntrain M {\n  optimizer = adam(lr = 0.001)\n  batch = 32\n  steps = 10\n}\n`;
}

/** `layers` blocks of width 768 with 12 heads over 128 places, under Adam. */
export function deepGpt(layers: number): string {
  const [attention] = readFileSync(new URL("workloads/transformer.dl", import.meta.url), "utf8").split("model ");
  return `${attention}model M {\n  input x: i32[N, 128] in 0..256\n  target y: i32[N, 128] in 0..256\n  h = learned_positions(embedding(x, 256, 768))\n  for k in 0..${layers} {\n    a = h + heads_attention(layer_norm(h), 12)\n    h = a + feed_forward(layer_norm(a), hidden = 3072, activation = gelu_tanh)\n  }\n  z = dense(layer_norm(h), 256)\n  loss = cross_entropy(z, y)\n}\ntrain M {\n  optimizer = adam(lr = 0.001)\n  batch = 8\n  steps = 10\n}\n`;
}
