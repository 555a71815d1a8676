/** Rows that a workgroup shares whose lanes take four neighbours at once: against the f64 evaluator, and against lanes that take one. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { KernelStmt } from "../../src/ir/kernel.ts";
import { openSession } from "../../src/session.ts";
import { opened, program } from "../language/kit.ts";
import { difference, numbers } from "./nests.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const text = (m: number, n: number): string => `input x: f32[${m}, ${n}]
input y: f32[${m}, ${n}]
input g: f32[${n}]
input b: f32[${n}]
input v: f32[${n}]
output sums = sum(x * y, axis = 1)
output most = max(x, axis = 1)
output first = argmax(floor(4 * x), axis = 1)
output soft = softmax(x)
output logs = log_softmax(x + y)
output scaled = layer_norm(x) * g + b
output back = grad(sum(softmax(x) * y), x)
output product[i] = sum[k] x[i, k] * v[k]`;

const wide = (stmts: readonly KernelStmt[]): boolean => stmts.some((s) => s.kind === "load4" || s.kind === "store4" || ("body" in s && wide(s.body)));

// Rows of which some lanes have no part in a last turn; rows longer than registers hold.
it.each([[64, 1100], [16, 5120]] as const)("%i rows of %i", { timeout: 120_000 }, async (m, n) => {
  const source = text(m, n);
  const feed = Object.fromEntries(Object.entries({ x: numbers(m * n, 1), y: numbers(m * n, 2), g: numbers(n, 3), b: numbers(n, 4), v: numbers(n, 5) }).map(([name, values]) => [name, Array.from(values)]));
  const exact = await (await opened(source)).predict(feed);
  const compiled = program(source);
  const { kernels } = compiled.lower("predict", { capacity: {}, profile: profiles.gpu });
  expect(kernels.some((k) => k.family === "row-workgroup" && wide(k.body))).toBe(true);
  const session = await openSession(compiled, { device: gpu.device, software: false });
  const [once, again] = [await session.predict(feed), await session.predict(feed)];
  session.close();
  for (const [name, { data }] of Object.entries(exact)) {
    expect(difference(once[name]?.data ?? [], data), name).toBeLessThan(2e-6 * Math.sqrt(n));
    expect(once[name]?.data.every((value, i) => Object.is(value, again[name]?.data[i])), `${name}, run again`).toBe(true);
  }
});
