/**
 * What the device at hand can do, measured in a few tenths of a second. In: a device and a clock. Out: accesses, operations and copied bytes a
 * second, and what a dispatch costs.
 *
 *     const limits = await measureLimits(device, clock);
 *     limits.accesses        // 0.5e9 on two cores under SwiftShader
 *
 * Each kernel grows until it takes a few milliseconds, so that waiting for the device does not count; the best of some runs is kept.
 */
import type { DeviceLimits } from "../schedule/prices.ts";

/** Milliseconds from any moment on: `() => performance.now()`. */
export type Clock = () => number;

/** Loads of one invocation, of numbers that stay in the nearest cache. */
const loads = 256;
/** Independent sums of one invocation, so that none waits for the one before, and how often each is added to. */
const chains = 12;
const additions = 256;
const width = 64;
/** Seconds that a kernel has to take to be measured. */
const enough = 6e-3;
const mostWorkgroups = 32_768;
const tries = 5;
/** Dispatches of one workgroup, to see what a dispatch costs and how fast one workgroup is alone. */
const repeats = 64;

const access = `
@group(0) @binding(0) var<storage, read_write> x: array<f32, 4096>;
@compute @workgroup_size(${width}) fn main(@builtin(workgroup_id) g: vec3u, @builtin(local_invocation_index) lane: u32) {
  var at = (min(g.x, ${mostWorkgroups - 1}u) * ${width}u + lane) % 2048u;
  var s0 = 0f; var s1 = 0f; var s2 = 0f; var s3 = 0f;
  for (var k = 0u; k < ${loads / 8}u; k++) {
    let base = at + k * 8u;
    s0 += x[base] + x[base + 4u]; s1 += x[base + 1u] + x[base + 5u]; s2 += x[base + 2u] + x[base + 6u]; s3 += x[base + 3u] + x[base + 7u];
  }
  if (s0 + s1 + s2 + s3 == 1e30f) { x[lane] = 1f; }
}`;

const arithmetic = `
@group(0) @binding(0) var<storage, read_write> x: array<f32, 4096>;
@compute @workgroup_size(${width}) fn main(@builtin(local_invocation_index) lane: u32) {
  let a = x[lane]; let b = x[lane + 64u];
  ${each((k) => `var s${k} = a + ${k}f;`)}
  for (var k = 0u; k < ${additions / 4}u; k++) {
    ${Array.from({ length: 4 }, () => each((k) => `s${k} = s${k} * b + a;`)).join("\n    ")}
  }
  if (${each((k) => `s${k}`, " + ")} == 1e30f) { x[lane] = 1f; }
}`;

const nothing = `
@group(0) @binding(0) var<storage, read_write> x: array<f32, 4096>;
@compute @workgroup_size(1) fn main() { x[4095] = 0f; }`;

function each(text: (k: number) => string, between = " "): string {
  return Array.from({ length: chains }, (_, k) => text(k)).join(between);
}

/** Measures a device. */
export async function measureLimits(device: GPUDevice, clock: Clock): Promise<DeviceLimits> {
  const buffer = device.createBuffer({ size: 4 * 4096, usage: GPUBufferUsage.STORAGE });
  try {
    const kernel = async (code: string): Promise<(workgroups: number, times: number) => Promise<number>> => {
      const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
      const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] });
      return (workgroups, times) =>
        timed(device, clock, (encoder) => {
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          for (let k = 0; k < times; k++) pass.dispatchWorkgroups(workgroups);
          pass.end();
        });
    };
    const [reading, adding, starting] = await Promise.all([kernel(access), kernel(arithmetic), kernel(nothing)]);
    const wait = await best(() => starting(1, 1));
    // The difference of two sizes is free of what waiting takes.
    const perWorkgroup = async (run: (workgroups: number, times: number) => Promise<number>): Promise<number> => {
      let workgroups = 16;
      while (workgroups < mostWorkgroups && (await run(workgroups, 1)) - wait < enough) workgroups *= 2;
      return difference(await best(() => run(workgroups, 1)), await best(() => run(workgroups / 2, 1))) / (workgroups / 2);
    };
    const several = async (run: (workgroups: number, times: number) => Promise<number>): Promise<number> =>
      difference(await best(() => run(1, 2 * repeats)), await best(() => run(1, repeats))) / repeats;
    const full = await perWorkgroup(reading);
    const dispatch = await several(starting);
    const alone = difference(await several(reading), dispatch);
    return {
      accesses: (width * loads) / full,
      operations: (width * chains * additions * 2) / (await perWorkgroup(adding)),
      bandwidth: await bandwidth(device, clock, wait),
      dispatch,
      parallel: Math.max(1, Math.round(alone / full)),
    };
  } finally {
    buffer.destroy();
  }
}

async function bandwidth(device: GPUDevice, clock: Clock, wait: number): Promise<number> {
  const size = 32 * 2 ** 20;
  const [from, to] = [device.createBuffer({ size, usage: GPUBufferUsage.COPY_SRC }), device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST })];
  const seconds = await best(() => timed(device, clock, (encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, size)));
  from.destroy();
  to.destroy();
  return (2 * size) / difference(seconds, wait);
}

/** Never next to nothing: other processes may have slowed the smaller of two, which by its size takes about half. */
function difference(large: number, small: number): number {
  return Math.max(large - small, large / 4, 1e-9);
}

async function best(run: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let k = 0; k < tries; k++) least = Math.min(least, await run());
  return least;
}

/** Seconds from the submission to the end of the work. */
export async function timed(device: GPUDevice, clock: Clock, encode: (encoder: GPUCommandEncoder) => void): Promise<number> {
  const encoder = device.createCommandEncoder();
  encode(encoder);
  const commands = encoder.finish();
  const start = clock();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  return (clock() - start) / 1000;
}
