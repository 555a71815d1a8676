/**
 * `nabla doctor`: what this machine offers. Comes in: nothing. Goes out: the versions, the adapter and its limits, and
 * whether a kernel really runs, as a list of findings; status 3 when programs cannot run here.
 *
 *     nabla doctor --json
 */
import * as os from "node:os";
import { EnvironmentError, findSoftwareDriver, openDevice } from "../harness/node/index.ts";
import { exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** One finding. */
interface Finding {
  readonly name: string;
  readonly value: string;
  readonly ok: boolean;
}

/** What a program compiled for the baseline device relies on. */
const baseline = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxBufferSize: 256 * 2 ** 20,
  maxComputeWorkgroupStorageSize: 16 * 1024,
  maxComputeInvocationsPerWorkgroup: 256,
} as const;

const OLDEST_NODE = [20, 19] as const;

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return { name: "node", value: ok ? process.versions.node : `${process.versions.node}, and ${OLDEST_NODE.join(".")} or later is needed`, ok };
}

const DOUBLE = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] = x[id.x] + f32(id.x); }`;

/** Runs a kernel over 64 numbers and gives the milliseconds it took, or throws. */
async function tryKernel(device: GPUDevice): Promise<number> {
  const start = performance.now();
  const buffer = device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size: 256, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, new Float32Array(64).fill(0.5));
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }) } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, read, 0, 256);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const right = new Float32Array(read.getMappedRange()).every((value, i) => value === i + 0.5);
  if (!right) throw new EnvironmentError("E0608", "the adapter computed wrong numbers", "update the graphics driver, or set NABLA_ADAPTER=software");
  return performance.now() - start;
}

async function adapterFindings(): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    const { adapter, device, info, close } = await openDevice();
    const kind = info.software ? "on the processor" : "on a GPU";
    findings.push({ name: "adapter", value: `${info.name} (${[kind, info.backend, info.description].filter((s) => s !== "").join(", ")})`, ok: true });
    for (const [name, needed] of Object.entries(baseline)) {
      const has = adapter.limits[name as keyof typeof baseline];
      findings.push({ name, value: has >= needed ? String(has) : `${has}, and ${needed} is needed`, ok: has >= needed });
    }
    for (const feature of ["shader-f16", "subgroups", "timestamp-query"]) findings.push({ name: feature, value: adapter.features.has(feature) ? "yes" : "no", ok: true });
    findings.push({ name: "a kernel", value: `runs and is right, ${(await tryKernel(device)).toFixed(0)} ms with its pipeline`, ok: true });
    close();
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    findings.push({ name: "adapter", value: `${error.message} [${error.code}]${error.hint === undefined ? "" : `; ${error.hint}`}`, ok: false });
  }
  return findings;
}

/** Runs the command and gives the exit status. */
export async function doctor(terminal: Terminal, json: boolean): Promise<number> {
  const driver = findSoftwareDriver();
  const findings: readonly Finding[] = [
    { name: "nabla", value: packageVersion(), ok: true },
    nodeFinding(),
    { name: "system", value: `${process.platform} ${process.arch}, ${os.release()}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB`, ok: true },
    { name: "software driver", value: driver ? driver.origin : "none found; npm package @sparticuz/chromium@147.0.0 has one", ok: true },
    ...(await adapterFindings()),
  ];
  const ok = findings.every((f) => f.ok);
  if (json) {
    terminal.out(`${JSON.stringify({ version: 1, ok, findings }, null, 2)}\n`);
  } else {
    const width = Math.max(...findings.map((f) => f.name.length));
    for (const f of findings) terminal.out(`${f.ok ? "ok  " : "BAD "} ${f.name.padEnd(width)}  ${f.value}\n`);
    terminal.err(ok ? "Programs can run here.\n" : "Programs cannot run here.\n");
  }
  return ok ? exitCodes.ok : exitCodes.environment;
}
