/** Steps of a recurrent layer differ in where they read and write alone: their kernels share texts, and results are the same to the bit. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import type { Nest } from "../../src/ir/kernel.ts";
import { openSession } from "../../src/session.ts";

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const text = `
  model Cells {
    input x: f32[N, 6, 3]
    target y: f32[N, 6, 5]
    h = lstm(x, 5)
    loss = mse(h, y)
  }
  train Cells { optimizer = adam(lr = 0.01); batch = 4; steps = 2 }`;

function programOf(...off: readonly string[]): CompiledProgram {
  const [program] = compile({ path: "cells.dl", text }, { off: new Set(off) }).programs;
  if (!program) throw new Error("a program");
  return program;
}

const offsetsOf = (nests: readonly Nest[]): number => nests.flatMap((n) => n.params).filter((p) => p.source.kind === "offset").length;

describe("offsets apart", () => {
  it.each([profiles.software, profiles.gpu])("give the steps of a loop one text ($name)", (profile) => {
    const [apart, literal] = [programOf("stages"), programOf("offsets", "stages")].map((p) => p.lower("step", { capacity: { N: 4 }, profile }));
    expect(offsetsOf(apart?.schedule.nests ?? [])).toBeGreaterThan(8);
    expect(offsetsOf(literal?.schedule.nests ?? [])).toBe(0);
    expect(apart?.plan.block.length).toBe(literal?.plan.block.length);
    expect(apart?.texts.length).toBeLessThan((literal?.texts.length ?? 0) - 5);
  });

  it("change no bit of a step", async () => {
    const values = (n: number, by: number): Float32Array => Float32Array.from({ length: n }, (_, k) => Math.sin(k * by));
    const feed = { x: values(4 * 6 * 3, 1.7), y: values(4 * 6 * 5, 0.9) };
    const found = [];
    for (const program of [programOf("stages"), programOf("offsets", "stages")]) {
      const session = await openSession(program, { device: gpu.device, seed: 3 });
      const losses = [await session.step(feed), await session.step(feed)];
      found.push({ losses, weights: await Promise.all(session.parameters.map(async (p) => [p.name, await session.get(p.name)] as const)) });
      session.close();
    }
    expect(found[0]).toEqual(found[1]);
  });
});
