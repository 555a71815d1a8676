/** The tuner: its alternatives compute the same, a wrong or refused one never wins, and what it chose is bound. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alternatives, keyOf } from "../../kernels/alternatives.ts";
import { bindNest } from "../../kernels/bind.ts";
import { canonicalText } from "../../kernels/print-kernel.ts";
import { profiles } from "../../kernels/profiles.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import type { Kernel, KernelStmt } from "../../src/ir/kernel.ts";
import { constant, op } from "../../src/ir/scalar.ts";
import type { LoweredEntry } from "../../src/harness/lowered-entry.ts";
import { LoneKernel, type LoneOptions } from "../../src/harness/lone-kernel.ts";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { tuneProgram } from "../../src/harness/tune-program.ts";
import { compareKernels, tune } from "../../src/harness/tune.ts";
import { baseline } from "../../src/memory/plan.ts";
import { openSession } from "../../src/session.ts";
import { programOf } from "../session/kit.ts";

const program = programOf(`model M {
  input x: f32[N, 20]
  target y: i32[N] in 0..5

  h = relu(dense(x, 33))
  z = dense(h, 5)

  loss = cross_entropy(z, y)
}

train M {
  batch     = 40
  steps     = 10
  optimizer = adam(lr = 0.01)
}
`);

let gpu: OpenDevice;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => {
  gpu.close();
});

const live = { N: 40 };
const clock = (): number => performance.now();
const lone = (): LoneOptions => ({ device: gpu.device, clock, limits: baseline, store: program.info.store, live });
const lowered = (profile: typeof profiles.gpu): LoweredEntry => program.lower("step", { capacity: live, profile });

describe.each([profiles.software, profiles.gpu])("alternatives on $name", (profile) => {
  it("are verified kernels of different texts, the default first, that compute the same", async () => {
    const { schedule } = lowered(profile);
    let tried = 0;
    for (const nest of schedule.nests) {
      const usual = bindNest(nest, profile);
      const all = alternatives(nest, usual, profile);
      expect(all[0]).toBe(usual);
      expect(new Set(all.map(canonicalText)).size).toBe(all.length);
      verifyKernels(all, profile);
      const results = [];
      for (const kernel of all) {
        const alone = await LoneKernel.load(kernel, schedule, lone());
        results.push(await alone.results());
        alone.destroy();
      }
      for (const found of results) {
        for (const [k, values] of (results[0] ?? []).entries()) {
          const largest = Math.max(1e-30, ...Array.from(values, Math.abs));
          values.forEach((v: number, i: number) => expect(Math.abs(v - (found[k]?.[i] ?? Number.NaN)), nest.name).toBeLessThanOrEqual(1e-5 * largest));
        }
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(2 * schedule.nests.length);
  });

  it("keys tell nests apart by what they compute, not by what they are called", () => {
    const keys = lowered(profile).schedule.nests.map((n) => keyOf(bindNest(n, profile)));
    expect(keys).toEqual(program.lower("step", { capacity: live, profile }).schedule.nests.map((n) => keyOf(bindNest(n, profile))));
    expect(new Set(keys).size).toBeGreaterThan(3);
  });
});

describe("choices", () => {
  it("are bound, and training with any of them is training", async () => {
    const { schedule } = lowered(profiles.software);
    const choices = new Map(schedule.nests.map((nest) => [keyOf(bindNest(nest, profiles.software)), alternatives(nest, bindNest(nest, profiles.software), profiles.software).length - 1] as const));
    const texts = (c?: typeof choices) => program.lower("step", { capacity: live, profile: profiles.software, ...(c && { choices: c }) }).texts.map((t) => t.wgsl).join();
    expect(texts(choices)).not.toBe(texts());
    expect(texts(new Map())).toBe(texts());
    const feed = { x: Float32Array.from({ length: 800 }, (_, i) => Math.sin(i)), y: Array.from({ length: 40 }, (_, i) => i % 5) };
    const losses = async (c?: typeof choices): Promise<number[]> => {
      const session = await openSession(program, { device: gpu.device, ...(c && { choices: c }) });
      const found: number[] = [];
      for (let k = 0; k < 4; k++) found.push((await session.step(feed))["loss"] ?? Number.NaN);
      session.close();
      return found;
    };
    const [plain, tuned] = [await losses(), await losses(choices)];
    plain.forEach((loss, k) => expect(Math.abs(loss - (tuned[k] ?? Number.NaN))).toBeLessThan(1e-5));
  });

  it("never fall on a kernel that computes something else, or that the device refuses", async () => {
    const { schedule } = lowered(profiles.software);
    const nest = schedule.nests.find((n) => n.shape === "contract");
    const usual = nest && bindNest(nest, profiles.software);
    if (!usual) throw new Error("a product");
    const spoil = (body: readonly KernelStmt[]): readonly KernelStmt[] =>
      body.map((s): KernelStmt => (s.kind === "for" || s.kind === "if" ? { ...s, body: spoil(s.body) } : s.kind === "store" ? { ...s, value: op("mul", "f32", [s.value, constant(1.01)]) } : s));
    const wrong: Kernel = { ...usual, body: spoil(usual.body) };
    const refused: Kernel = { ...usual, workgroup: [4096, 1, 1] };
    const [right, other, none, last] = await compareKernels([usual, wrong, refused, usual], schedule, lone());
    expect([typeof right, other, none, typeof last]).toEqual(["number", undefined, undefined, "number"]);
  });

  it("are made for what takes time, kept, and not made again", async () => {
    const heard: string[] = [];
    const options = { device: gpu.device, clock, profile: profiles.software, limits: baseline, examples: 40, onTried: ({ name, kernels, chosen }: { name: string; kernels: readonly { seconds: number | undefined }[]; chosen: number }) => {
      heard.push(name);
      expect(kernels[0]?.seconds).toBeGreaterThan(0);
      expect(kernels[chosen]?.seconds).toBeGreaterThan(0);
    } };
    const choices = await tuneProgram(program, options);
    expect(heard.length).toBeGreaterThan(0);
    // What is not worth a try is kept as it is.
    expect(choices.size).toBeGreaterThanOrEqual(heard.length);
    const tries = heard.length;
    expect(await tuneProgram(program, { ...options, known: choices })).toEqual(choices);
    const { schedule } = lowered(profiles.software);
    const again = await tune(schedule, { ...options, ...lone(), known: new Map(schedule.nests.map((n) => [keyOf(bindNest(n, profiles.software)), 0])) });
    expect(heard.length).toBe(tries);
    expect([...again.values()].every((c) => c === 0)).toBe(true);
  });
});
