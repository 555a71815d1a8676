/** Training under a byte budget: the same bits in less memory, for chains, attention and dropout. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { KernelText } from "../../src/harness/runtime/program.ts";
import { openSession } from "../../src/session.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import { programOf } from "./kit.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const deep = (layer: string): string =>
  `model M {\n  input x: f32[N, 24]\n  target y: f32[N, 24]\n  h = x\n  for k in 0..9 { h = ${layer} }\n  loss = mse(h, y)\n}\ntrain M {\n  optimizer = momentum(lr = 0.05)\n  batch = 64\n  steps = 3\n}\n`;
const transformer = readFileSync(new URL("../bench/workloads/transformer.dl", import.meta.url), "utf8");
const wave = (n: number): Float64Array => Float64Array.from({ length: n }, (_, k) => Math.sin(k * 0.7) * 0.9);
const tokens = (n: number): Float64Array => Float64Array.from({ length: n }, (_, k) => (k * 7) % 64);

it.each([
  ["a deep chain", deep("tanh(dense(h, 24))"), 0.8, 64, { x: wave(64 * 24), y: wave(64 * 24) }],
  ["dropout", deep("dropout(relu(dense(h, 24)), 0.3)"), 0.6, 64, { x: wave(64 * 24), y: wave(64 * 24) }],
  ["a transformer block", transformer, 0.9, 8, { x: tokens(512), y: tokens(512) }],
] as const)("%s", { timeout: 120_000 }, async (_, text, part, rows, feed) => {
  const program = programOf(text);
  const target = { capacity: { N: rows }, profile: profiles.software };
  const free = program.lower("step", target);
  const budget = Math.floor(free.plan.peak.bytes * part);
  const bounded = program.lower("step", { ...target, memory: budget });
  expect(bounded.plan.peak.bytes).toBeLessThanOrEqual(budget);
  expect(bounded.kernels.length).toBeGreaterThan(free.kernels.length);
  // What is run twice has the text that it had, but for the stretch of memory that kernels of many buffers bind as one, and for results that
  // take the place of an argument in one of the runs; a dispatch of stages has one only where it has the same neighbours.
  const apart = programOf(text, {}, ["in-place", "stages"]);
  const said = (texts: readonly KernelText[]): ReadonlySet<string> => new Set(texts.map((t) => t.wgsl.replace(/array<([\w<>]+), \d+>/g, "array<$1>")));
  const least = apart.lower("step", target);
  expect(said(apart.lower("step", { ...target, memory: Math.floor(least.plan.peak.bytes * part) }).texts)).toEqual(said(least.texts));
  const run = async (memory: number | undefined): Promise<readonly unknown[]> => {
    const session = await openSession(program, { device: gpu.device, software: true, seed: 5, ...(memory !== undefined && { memory }) });
    const losses = [];
    for (let k = 0; k < 3; k++) losses.push(await session.step(feed));
    const values = [];
    for (const { name } of session.parameters) values.push(await session.get(name));
    session.close();
    return [losses, ...values];
  };
  expect(await run(budget)).toEqual(await run(undefined));
});

it("a budget that nothing meets is refused with the least that does", () => {
  const program = programOf(deep("tanh(dense(h, 24))"));
  const target = { capacity: { N: 64 }, profile: profiles.software };
  let refused: unknown;
  try {
    program.lower("step", { ...target, memory: 1000 });
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(UserError);
  const { code, message } = (refused as UserError).diagnostic;
  expect(code).toBe("E0611");
  const least = Number(/needs ([\d,]+) bytes/.exec(message)?.[1]?.replaceAll(",", ""));
  expect(program.lower("step", { ...target, memory: least }).plan.peak.bytes).toBe(least);
  expect(() => program.lower("step", { ...target, memory: least - 1 })).toThrow(UserError);
});

it("a budget that is not met with values side by side is met without them", () => {
  const program = programOf(transformer);
  const target = { capacity: { N: 8 }, profile: profiles.software };
  const budget = Math.floor(0.8 * program.lower("step", target).plan.peak.bytes);
  const products = (of: ReturnType<typeof program.lower>): number => new Set(of.kernels.flatMap((k) => k.nests).filter((n) => n.shape === "contract")).size;
  const bounded = program.lower("step", { ...target, memory: budget });
  expect(bounded.plan.peak.bytes).toBeLessThanOrEqual(budget);
  expect(products(bounded)).toBeGreaterThan(products(program.lower("step", { ...target, memory: Math.floor(budget / 0.85) })));
});

it("a budget that is not needed changes nothing", () => {
  const program = programOf(deep("tanh(dense(h, 24))"));
  const target = { capacity: { N: 64 }, profile: profiles.gpu };
  expect(program.lower("step", { ...target, memory: 10 ** 9 }).plan).toEqual(program.lower("step", target).plan);
});
