/** The device in Node: a kernel runs for real, errors reach the caller, and processes end by themselves with status 0. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openDevice } from "../../src/harness/node/adapter.ts";
import { EnvironmentError } from "../../src/harness/node/environment-error.ts";

const run = promisify(execFile);
const probe = fileURLToPath(new URL("../gpu-probe.ts", import.meta.url));

const WGSL = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { y[id.x] = x[id.x] * x[id.x] + 1.0; }
}`;

async function squarePlusOne(device: GPUDevice, values: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const input = device.createBuffer({ size: values.byteLength, usage });
  const output = device.createBuffer({ size: values.byteLength, usage });
  const read = device.createBuffer({ size: values.byteLength, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(input, 0, values);
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code: WGSL }) } });
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [input, output].map((buffer, binding) => ({ binding, resource: { buffer } })) });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(values.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(output, 0, read, 0, values.byteLength);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  return new Float32Array(read.getMappedRange().slice(0));
}

describe("openDevice", () => {
  test("runs a kernel", async () => {
    const { device, info, close } = await openDevice();
    const values = Float32Array.from({ length: 1000 }, (_, i) => i / 8);
    expect(await squarePlusOne(device, values)).toEqual(values.map((v) => v * v + 1));
    expect(info.name).not.toBe("");
    close();
  });

  test("opens two devices side by side", async () => {
    const [a, b] = [await openDevice(), await openDevice()];
    expect(await squarePlusOne(a.device, new Float32Array([3]))).toEqual(new Float32Array([10]));
    a.close();
    expect(await squarePlusOne(b.device, new Float32Array([4]))).toEqual(new Float32Array([17]));
    b.close();
  });

  test("reports an uncaptured error, and closing is not a loss", async () => {
    const errors: string[] = [];
    const losses: string[] = [];
    const { device, close } = await openDevice({ onError: (m) => errors.push(m), onLost: (m) => losses.push(m) });
    device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    await device.queue.onSubmittedWorkDone();
    close();
    await device.lost;
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain("usage");
    expect(losses).toEqual([]);
  });

  test("takes the adapter's limit where asked and refuses what it cannot have", async () => {
    const raised = await openDevice({ limits: { maxStorageBuffersPerShaderStage: "adapter" } });
    expect(raised.device.limits.maxStorageBuffersPerShaderStage).toBe(raised.adapter.limits.maxStorageBuffersPerShaderStage);
    raised.close();
    const baseline = await openDevice();
    expect(baseline.device.limits.maxStorageBuffersPerShaderStage).toBe(8);
    baseline.close();
    const refused = await openDevice({ limits: { maxStorageBuffersPerShaderStage: 1e6 } }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(EnvironmentError);
    expect(refused).toMatchObject({ code: "E0602", message: expect.stringContaining("maxStorageBuffersPerShaderStage = 1000000") });
  });
});

describe("a process with a device", () => {
  // The crash that the kept GPU objects cure happens after all output, and shows in the exit status alone.
  test("ends by itself with status 0 when its output is a pipe", async () => {
    for (const open of [[], ["--leave-open"]]) {
      const { stdout } = await run(process.execPath, ["--expose-gc", "--import", "tsx", probe, ...open], { timeout: 20_000 });
      expect(stdout).not.toBe("");
    }
  });

  test("finds the software adapter with an unwritable cache folder", async () => {
    const env = { ...process.env, XDG_CACHE_HOME: "/proc/nabla-cannot-write-here", HOME: "/proc/nabla-cannot-write-here", NABLA_ADAPTER: "software" };
    const { stdout } = await run(process.execPath, ["--import", "tsx", probe], { env, timeout: 20_000 });
    expect(stdout).toContain("SwiftShader");
  });
});
