/**
 * The most that kernels reach on an adapter, measured by kernels made for nothing else: arithmetic in registers, reading storage,
 * reading and writing it, the device's own copy; and what a dispatch and a submit cost. Everything else is stated as a part of these.
 */
import { median } from "../interleave.ts";
import type { Clock } from "./clock.ts";

export interface Limits {
  /** By time that has passed, and by time of all processors: that hardly depends on what else a machine does. */
  readonly rates: Rates;
  readonly perProcessor: Rates;
  /** Bytes a second, 10⁹, of copyBufferToBuffer, read and written. */
  readonly copyGBs: number;
  /** Microseconds: one more dispatch in a pass, and a submit with the wait for its end. */
  readonly dispatchUs: number;
  readonly submitUs: number;
}

interface Best {
  readonly passed: number;
  readonly processor: number;
}

export interface Rates {
  /** Operations a second, 10⁹: multiply and add in independent chains of registers. */
  readonly gflops: number;
  /** Bytes a second, 10⁹: sums of what is read; a + b with its result. */
  readonly readGBs: number;
  readonly streamGBs: number;
}

const storage = (): number => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

export async function measureLimits(clock: Clock, software: boolean): Promise<Limits> {
  const { device } = clock;
  // A processor's caches hold 4 MiB as they hold a benchmark's tensors; a GPU is asked for more than its caches hold.
  const bytes = (software ? 4 : 128) * 2 ** 20;
  const buffers = [0, 1, 2].map(() => device.createBuffer({ size: bytes, usage: storage() }));
  const [a, b, c] = buffers as [GPUBuffer, GPUBuffer, GPUBuffer];
  device.queue.writeBuffer(a, 0, new Float32Array(bytes / 4).fill(0.5));
  device.queue.writeBuffer(b, 0, new Float32Array(bytes / 4).fill(0.25));
  const vectors = bytes / 16;
  const kernel = async (code: string, used: readonly GPUBuffer[], groups: number): Promise<(pass: GPUComputePassEncoder) => void> => {
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: used.map((buffer, binding) => ({ binding, resource: { buffer } })) });
    const wide = Math.min(groups, 65_535);
    return (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(wide, Math.ceil(groups / wide));
    };
  };
  const best = async (variants: readonly { readonly code: string; readonly used: readonly GPUBuffer[]; readonly groups: number; readonly amount: number }[]): Promise<Best> => {
    let [passed, processor] = [0, 0];
    for (const v of variants) {
      const { ms, processorMs } = await clock.time(await kernel(v.code, v.used, v.groups));
      passed = Math.max(passed, v.amount / ms / 1e6);
      processor = Math.max(processor, v.amount / processorMs / 1e6);
    }
    return { passed, processor };
  };
  const arithmetic = [12, 16].flatMap((chains) => {
    const groups = software ? 32 : 8192;
    return { code: chainsOf(chains), used: [c], groups, amount: 2 * chains * unrolled * turns * 64 * groups };
  });
  // Each invocation takes some vectors that lie beside each other (for a processor) or a stride apart (for a GPU).
  const reading = [4, 16].map((items) => ({ code: reader(vectors, items, software), used: [a, c], groups: Math.ceil(vectors / items / 64), amount: bytes }));
  const streaming = [1, 2, 4].map((items) => ({ code: adder(vectors, items, software), used: [a, b, c], groups: Math.ceil(vectors / items / 64), amount: 3 * bytes }));
  const [most, read, stream] = [await best(arithmetic), await best(reading), await best(streaming)];
  const nothing = await kernel(`@group(0) @binding(0) var<storage, read_write> o: array<f32, 64>;\n@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { o[i] = o[i] + 1.0; }`, [c], 1);
  const dispatchUs = 1000 * (await clock.time(nothing)).ms;
  const submitUs = 1000 * (await roundTrip(device, nothing));
  const copyGBs = (2 * bytes) / (await copyTime(device, a, b, bytes)) / 1e6;
  for (const buffer of buffers) buffer.destroy();
  const rates = (by: keyof Best): Rates => ({ gflops: most[by], readGBs: read[by], streamGBs: stream[by] });
  return { rates: rates("passed"), perProcessor: rates("processor"), copyGBs, dispatchUs, submitUs };
}

const unrolled = 4;
const turns = 400;

/** Chains of multiply and add that do not wait for each other. */
function chainsOf(count: number): string {
  const names = Array.from({ length: count }, (_, k) => `x${k}`);
  const turn = names.map((x) => `    ${x} = ${x} * m + c;\n`).join("");
  return `@group(0) @binding(0) var<storage, read_write> o: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let start = f32(id.x) * 1e-6;
  let m = 0.999 + start * 1e-9;
  let c = start + 0.001;
${names.map((x, k) => `  var ${x} = start + ${k}.0;\n`).join("")}  for (var k = 0u; k < ${turns}u; k++) {\n${turn.repeat(unrolled)}  }
  o[id.x % 4096u] = ${names.join(" + ")};
}`;
}

/** The places of an invocation's vectors. */
const placed = (vectors: number, items: number, beside: boolean): ((k: number) => string) => {
  const invocations = Math.ceil(vectors / items);
  return (k) => (beside ? `t * ${items}u + ${k}u` : `t + ${k * invocations}u`);
};

const head = (vectors: number, names: readonly string[]): string =>
  `${names.map((name, k) => `@group(0) @binding(${k}) var<storage, ${k === names.length - 1 ? "read_write" : "read"}> ${name}: array<vec4f, ${vectors}>;\n`).join("")}
@compute @workgroup_size(64) fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_index) l: u32, @builtin(num_workgroups) n: vec3u) {
  let t = (w.x + w.y * n.x) * 64u + l;\n`;

function reader(vectors: number, items: number, beside: boolean): string {
  const place = placed(vectors, items, beside);
  return `${head(vectors, ["a", "o"])}  o[t / 64u] = ${Array.from({ length: items }, (_, k) => `a[${place(k)}]`).join(" + ")};\n}`;
}

function adder(vectors: number, items: number, beside: boolean): string {
  const place = placed(vectors, items, beside);
  return `${head(vectors, ["a", "b", "o"])}${Array.from({ length: items }, (_, k) => `  o[${place(k)}] = a[${place(k)}] + b[${place(k)}];\n`).join("")}}`;
}

/** Milliseconds of a submit of next to nothing and the wait for its end. */
async function roundTrip(device: GPUDevice, encode: (pass: GPUComputePassEncoder) => void): Promise<number> {
  const found: number[] = [];
  for (let k = 0; k < 50; k++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    const commands = encoder.finish();
    const started = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    found.push(performance.now() - started);
  }
  return median(found);
}

/** Milliseconds of one copy between buffers, of ten in one submit. */
async function copyTime(device: GPUDevice, from: GPUBuffer, to: GPUBuffer, bytes: number): Promise<number> {
  const found: number[] = [];
  for (let k = 0; k < 7; k++) {
    const encoder = device.createCommandEncoder();
    for (let copy = 0; copy < 10; copy++) encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
    const commands = encoder.finish();
    const started = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    found.push((performance.now() - started) / 10);
  }
  return median(found);
}
