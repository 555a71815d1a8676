/**
 * Products and concatenations that lie side by side, on the device: attention, an LSTM and a GRU after some steps against f64, for both classes of
 * devices, and files that say the same with and without.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { readSafetensors } from "../../src/harness/runtime/safetensors.ts";
import { openSession } from "../../src/session.ts";
import { programOf, worst } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const model = (body: string): string => `
model M {
  input x: f32[N, 3, 8]
  target y: f32[N, 3, 8]
  ${body}
  z = dense(h, 8)
  loss = mse(z, y)
}
train M {
  batch = 6
  steps = 3
  clip = norm(1)
  optimizer = adamw(lr = 0.02)
}
`;
const wave = (seed: number): Float64Array => Float64Array.from({ length: 6 * 3 * 8 }, (_, k) => Math.sin(k * 0.7 + seed) * 0.9);
const feed = { x: wave(1), y: wave(2) };

interface Saved {
  readonly losses: readonly number[];
  readonly bytes: Uint8Array;
}

async function trained(text: string, where: "software" | "gpu" | "f64", off: readonly string[] = []): Promise<Saved> {
  const session = await openSession(programOf(text, {}, off), where === "f64" ? { backend: "f64", seed: 3 } : { device: gpu.device, software: where === "software", seed: 3 });
  try {
    const losses: number[] = [];
    for (let k = 0; k < 3; k++) losses.push((await session.step(feed)).loss ?? Number.NaN);
    return { losses, bytes: await session.save() };
  } finally {
    session.close();
  }
}

const tensorsOf = ({ bytes }: Saved): ReturnType<typeof readSafetensors>["tensors"] => readSafetensors(bytes).tensors;

it.each([
  ["attention", "h = x + multi_head_attention(layer_norm(x), 2, causal = true)"],
  ["an LSTM", "h = lstm(x, 5)"],
  ["a GRU whose reset comes after the product", "h = gru(x, 5, reset_after = true)"],
] as const)("%s", { timeout: 120_000 }, async (name, body) => {
  const text = model(body);
  const truth = await trained(text, "f64");
  const alone = await trained(text, "software", ["concat"]);
  for (const where of ["software", "gpu"] as const) {
    const found = await trained(text, where);
    if (where === "gpu" && name === "attention") expect(await trained(text, where)).toEqual(found);
    expect(worst(found.losses, truth.losses)).toBeLessThan(2e-5);
    expect(tensorsOf(found).map((t) => [t.name, t.dtype, t.shape])).toEqual(tensorsOf(alone).map((t) => [t.name, t.dtype, t.shape]));
    expect(found.bytes.length).toBe(alone.bytes.length);
    for (const [k, tensor] of tensorsOf(found).entries()) {
      // Adam's first updates are the learning rate whatever the size of a gradient: what is 0 but for rounding differs (biases of keys).
      if (tensor.name.endsWith("k.b")) continue;
      expect(worst(tensor.data, tensorsOf(truth)[k]?.data ?? []), tensor.name).toBeLessThan(2e-4);
    }
  }
});
