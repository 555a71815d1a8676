/** The device engine on a program written by hand: y = scale * x + w, and w grows by one each step. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice, type OpenDevice } from "../../src/harness/node/index.ts";
import { EngineError, type Call } from "../../src/harness/runtime/engine.ts";
import { GpuEngine } from "../../src/harness/runtime/gpu-engine.ts";
import type { EntryPlan, KernelText, Program } from "../../src/harness/runtime/program.ts";

const N = { terms: [{ coefficient: 1, symbols: ["N"] }] };
const capacity = 100;

const kernels: KernelText[] = [
  {
    name: "affine",
    access: ["read", "read_write", "read_write"],
    wgsl: `
@group(0) @binding(0) var<uniform> p: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> x: array<f32, ${capacity}>;
@group(0) @binding(2) var<storage, read_write> w: array<f32, 1>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, ${capacity}>;
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (i32(id.x) < bitcast<i32>(p[0].x)) { y[id.x] = bitcast<f32>(p[0].y) * x[id.x] + w[0]; }
}`,
  },
  {
    name: "add",
    access: ["read_write"],
    wgsl: `
@group(0) @binding(0) var<uniform> p: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> w: array<f32, 1>;
@compute @workgroup_size(1) fn main() { w[0] = w[0] + bitcast<f32>(p[0].x); }`,
  },
];

const range = (slab: number, offset: number, bytes: number) => ({ slab, offset, bytes });
const once = [{ size: 1, per: 1 }, { size: 1, per: 1 }, { size: 1, per: 1 }];
/** Two dispatches of one kernel, which differ in their parameter block alone: w grows by 0.25 and by 0.75. */
const grow = [0.25, 0.75].map((value) => ({
  kind: "dispatch" as const, kernel: 1, name: `add ${value}`, bindings: [range(0, 0, 16)], words: [{ kind: "f32" as const, value }], grid: once,
}));
const step: EntryPlan = {
  name: "step",
  capacity: { N: capacity },
  slabs: [{ name: "store", bytes: 256 }, { name: "inputs", bytes: 400 }, { name: "outputs", bytes: 400 }],
  inputs: [{ name: "x", dtype: "f32", shape: [N], ...range(1, 0, 400) }],
  outputs: [{ name: "y", kind: "output", dtype: "f32", shape: [N], ...range(2, 0, 400) }],
  host: [{ op: "step", name: "t", args: [] }, { op: "const", value: 10, args: [] }, { op: "mul", args: [0, 1] }],
  block: [
    {
      kind: "dispatch", kernel: 0, name: "affine", bindings: [range(1, 0, 400), range(0, 0, 16), range(2, 0, 400)],
      words: [{ kind: "size", size: N }, { kind: "host", index: 2 }], grid: [{ size: N, per: 32 }, ...once.slice(1)],
    },
    ...grow,
  ],
  peak: { bytes: 0, lowerBound: 0 },
};
const store: Program["store"] = { bytes: 256, tensors: [{ name: "w", kind: "param", dtype: "f32", shape: [1], offset: 0, bytes: 16 }] };

const call = (x: readonly number[], t: number): Call => ({
  live: { N: x.length }, inputs: { x: Float32Array.from(x) }, scalars: { hyper: {}, step: { t, epoch: 1 } }, seed: 1, step: t, example: 0,
});

describe("GpuEngine", () => {
  let gpu: OpenDevice;
  beforeAll(async () => {
    gpu = await openDevice();
  });
  afterAll(() => {
    gpu.close();
  });
  const open = (plan: EntryPlan = step, texts: readonly KernelText[] = kernels): GpuEngine =>
    new GpuEngine({ device: gpu.device, program: { store }, planFor: () => ({ plan, kernels: texts }) });

  it("runs sizes below capacity, host scalars in f64, and one pipeline with several parameter blocks", async () => {
    const engine = open();
    engine.write("w", [0.5]);
    const first = await (await engine.run("step", call([1, 2, 3], 2))).read();
    expect(first["y"]?.shape).toEqual([3]);
    expect([...(first["y"]?.data ?? [])]).toEqual([20.5, 40.5, 60.5]);
    expect([...(await engine.read("w"))]).toEqual([1.5]);
    engine.close();
  });

  it("delivers many queued outcomes in any order of asking", async () => {
    const engine = open();
    engine.write("w", [0]);
    const outcomes = [];
    for (let t = 1; t <= 300; t++) outcomes.push(await engine.run("step", call([t], 1)));
    const all = await Promise.all(outcomes.map((o) => o.read()));
    expect(all.map((o) => o["y"]?.data[0])).toEqual(Array.from({ length: 300 }, (_, k) => 10 * (k + 1) + k));
    for (const at of [299, 0, 150]) expect((await outcomes[at]?.read())?.["y"]?.data[0]).toBe(10 * (at + 1) + at);
    engine.close();
  });

  it("keeps snapshots and goes back to them", async () => {
    const engine = open();
    engine.write("w", [4]);
    const kept = await engine.snapshot();
    await engine.run("step", call([1], 1));
    engine.restore(kept);
    expect([...(await engine.read("w"))]).toEqual([4]);
    engine.close();
  });

  it("refuses what does not fit, by name", async () => {
    const engine = open();
    await expect(engine.run("step", call(new Array<number>(101).fill(0), 1))).rejects.toThrow("N = 101 is outside 1..100");
    await expect(engine.run("step", { ...call([1], 1), inputs: {} })).rejects.toThrow("the input x is not given");
    await expect(engine.run("step", { ...call([1], 1), inputs: { x: Float32Array.of(1, 2) } })).rejects.toThrow("x has 2 numbers where 1 are expected");
    expect(() => engine.write("w", [1, 2])).toThrow("w has 1 numbers, not 2");
    await expect(engine.read("v")).rejects.toThrow("no parameter or state named v");
    engine.close();
  });

  it("turns a kernel that the device rejects into an error that names it", async () => {
    const broken = kernels.map((k, at) => (at === 0 ? { ...k, wgsl: k.wgsl.replace("y[id.x]", "z[id.x]") } : k));
    const engine = open(step, broken);
    await expect(engine.run("step", call([1], 1))).rejects.toThrow(EngineError);
    engine.close();
  });

  it("turns a binding past the end of its buffer into an error", async () => {
    const block = step.block.map((d, at) => (d.kind === "dispatch" && at === 0 ? { ...d, bindings: [range(1, 256, 400), range(0, 0, 16), range(2, 0, 400)] } : d));
    const engine = open({ ...step, block });
    await expect(engine.run("step", call([1], 1))).rejects.toThrow(/step: /);
    engine.close();
  });
});
