/**
 * One workload in a process of its own, so that its first step starts cold and its bytes from zero. Comes in: a JSON request as
 * the first argument. Goes out: a message to the parent with what was measured, or `undefined` where there is no adapter.
 */
import { adapterMemory, openDevice } from "../../src/harness/node/index.ts";
import { restful } from "../../src/harness/node/restful.ts";
import type { Contender, ContenderName } from "./contender.ts";
import { Counters } from "./counters.ts";
import { type Effort, interleave, type Measured } from "./interleave.ts";
import { nabla } from "./nabla.ts";
import { type WorkloadName, workloads } from "./workloads.ts";

export interface Request {
  readonly workload: WorkloadName;
  readonly contenders: readonly ContenderName[];
  readonly effort: Effort;
  /** Whoever waits for a peer's device rests as who waits for ours, where otherwise the binding polls it. */
  readonly rest: boolean;
  /** Nabla tries kernels on the device first. */
  readonly tune: boolean;
}

export interface Answer {
  readonly adapter: string;
  readonly software: boolean;
  readonly measured: readonly Measured[];
}

/** Where our harness keeps the GPU objects of the process. */
const KEEP = Symbol.for("nabla.webgpu.keep");

// Whoever asked is gone, stopped for want of time perhaps: nobody hears of the answer.
const alone = (): never => process.exit(1);
process.once("disconnect", alone);

const request = JSON.parse(process.argv[2] ?? "") as Request;
const { device, info } = await openDevice({ limits: adapterMemory });
const counters = new Counters();
counters.devices.push(device);
// Peers ask `navigator.gpu` as in a browser; it is the object that our own device came from.
const gpu = (globalThis as { [KEEP]?: GPU[] })[KEEP]?.at(-1);
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Node", hardwareConcurrency: 2, gpu }, configurable: true, writable: true });

if (request.rest) {
  const plain = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    return restful(await plain.call(this, descriptor));
  };
}

const opened: Contender[] = [];
const failed: Measured[] = [];
for (const name of request.contenders) {
  try {
    counters.owner = name;
    if (name === "nabla") opened.push(nabla(device, info, request.tune));
    else opened.push(name === "jax-js" ? await (await import("./peers/jax.ts")).jaxJs() : await (await import("./peers/tensorflow.ts")).tensorflow());
  } catch (error) {
    failed.push({ name, version: "", losses: {}, error: error instanceof Error ? error.message : String(error) });
  }
}
const measured = await interleave(workloads[request.workload], opened, request.effort, counters);
const answer: Answer = { adapter: info.name, software: info.software, measured: [...measured, ...failed] };
process.send?.(answer, () => {
  for (const each of counters.devices) each.destroy();
  process.off("disconnect", alone);
  process.disconnect();
});
