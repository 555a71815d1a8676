/**
 * What the forward pass leaves, in 16 bits a number: on an adapter with `shader-f16` values are those of f32 to its rounding, and less memory is
 * needed; on any other they are those of f32 to the bit. Which of the two is tested depends on the adapter at hand.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { storedAs } from "../../src/memory/placement.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice({ optionalFeatures: ["shader-f16"] });
});
afterAll(() => {
  gpu.close();
});

const program = programOf(`model M {
  input x: f32[N, 12]
  target y: i32[N] in 0..5
  h1 = gelu(dense(x, 40))
  h2 = tanh(dense(layer_norm(h1), 36))
  h3 = relu(dense(h2, 33))
  z = dense(h3, 5)
  loss = cross_entropy(z, y)
}
train M { optimizer = sgd(0.5); batch = 24; steps = 1; seed = 5 }`);
const feed = { x: Array.from({ length: 24 * 12 }, (_, i) => Math.sin(i * 1.7)), y: Array.from({ length: 24 }, (_, i) => (3 * i) % 5) };

/** Losses and parameters after a few steps. */
async function train(half: boolean): Promise<{ readonly losses: readonly number[]; readonly values: readonly number[] }> {
  const session = await openSession(program, { device: gpu.device, half });
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) losses.push((await session.step(feed))["loss"] ?? Number.NaN);
  const values: number[] = [];
  for (const { name } of session.parameters) values.push(...(await session.get(name)));
  session.close();
  return { losses, values };
}

it("train as 32 bits do, to rounding where the device has them and to the bit where it has not", async () => {
  const [wanted, found] = [await train(false), await train(true)];
  const away = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? Number.NaN))));
  expect(wanted.losses.at(-1)).toBeLessThan(0.97 * (wanted.losses[0] ?? 0));
  if (gpu.device.features.has("shader-f16")) {
    const off = away(wanted.values, found.values);
    expect(off).toBeGreaterThan(0);
    expect(off).toBeLessThan(2e-3);
    expect(away(wanted.losses, found.losses)).toBeLessThan(2e-3);
  } else expect(found).toEqual(wanted);
});

it.each(["software", "gpu"] as const)("are what the forward pass leaves alone, in kernels for %s", (name) => {
  const lower = (half: boolean) => program.lower("step", { capacity: { N: 24 }, profile: profiles[name], half });
  const [whole, halved] = [lower(false), lower(true)];
  const inHalves = new Set(halved.memory.kernels.flatMap(({ kernel }) => kernel.buffers.filter((b) => storedAs(b) === "f16")));
  // Activations, and nothing of a gradient, whose kernels come after that of the loss.
  const loss = halved.memory.kernels.findIndex(({ kernel }) => kernel.nests.some((n) => n.nodes.some((node) => node.op === "exp" || node.op === "log")));
  const made = new Map([...inHalves].map((b) => [b, halved.memory.kernels.findIndex(({ kernel }) => kernel.writes.has(b))]));
  expect(inHalves.size).toBeGreaterThanOrEqual(3);
  expect(Math.max(...made.values())).toBeLessThanOrEqual(loss);
  expect([...inHalves].every((b) => b.place === "temp" && b.elements > 24)).toBe(true);
  expect(halved.memory.peak.bytes).toBeLessThan(whole.memory.peak.bytes);
  // Texts that store in 16 bits say so, and no other does.
  expect(whole.texts.some(({ wgsl }) => wgsl.includes("f16"))).toBe(false);
  for (const { wgsl } of halved.texts) expect(wgsl.startsWith("enable f16;")).toBe(/array<(vec4<)?f16/.test(wgsl));
});

it("are made anew in 16 bits where a budget asks for it", () => {
  const layers = Array.from({ length: 10 }, (_, k) => `  h${k} = tanh(dense(${k === 0 ? "x" : `h${k - 1}`}, 64))`).join("\n");
  const deep = programOf(`model D {\n  input x: f32[N, 64]\n${layers}\n  loss = mean[n, i] h9[n, i]^2\n}\ntrain D { optimizer = sgd(0.1); batch = 1024; steps = 1 }`);
  const lower = (memory?: number) => deep.lower("step", { capacity: { N: 1024 }, profile: profiles.software, half: true, ...(memory !== undefined && { memory }) });
  const whole = lower();
  const tight = lower(Math.floor(0.8 * whole.memory.peak.bytes));
  expect(tight.memory.peak.bytes).toBeLessThanOrEqual(0.8 * whole.memory.peak.bytes);
  expect(tight.kernels.length).toBeGreaterThan(whole.kernels.length);
  const halved = ({ kernels }: typeof whole): number => kernels.filter((k) => [...k.writes].some((b) => storedAs(b) === "f16")).length;
  expect(halved(tight)).toBeGreaterThan(halved(whole));
});
