/**
 * What the compiler makes of a small program, timed alone on a device: its dispatches over and over, without inputs or outputs
 * moving; where it is asked for, also with the kernels that a tuner finds there. Comes in: a program and a device. Goes out: milliseconds of one run, and how
 * many dispatches that is.
 */
import { compile, type CompiledProgram } from "../../../src/compile.ts";
import type { LoweredEntry } from "../../../src/harness/lowered-entry.ts";
import type { Call } from "../../../src/harness/runtime/engine.ts";
import { encodePass, feedEntry } from "../../../src/harness/runtime/feed-entry.ts";
import { loadEntry, type LoadedDispatch } from "../../../src/harness/runtime/load-entry.ts";
import { elementsOf } from "../../../src/harness/runtime/sizes.ts";
import { limitsOf, profileFor } from "../../../src/harness/device-class.ts";
import { tune } from "../../../src/harness/tune.ts";
import { uniform } from "../workloads.ts";
import type { Clock, Time } from "./clock.ts";
import type { KernelProgram } from "./programs.ts";

export interface MeasuredKernel extends Time {
  readonly name: string;
  readonly dispatches: number;
  /** Names of its kernels. */
  readonly kernels: readonly string[];
  readonly flops?: number;
  readonly bytes: number;
  /** What a kernel written by hand takes on the software adapter. */
  readonly byHand?: number;
  /** Families of its kernels, in order. */
  readonly families: readonly string[];
  /** The same with the kernels that a tuner chose. */
  readonly tuned?: Time & { readonly families: readonly string[]; readonly seconds: number };
}

export async function measureKernel(clock: Clock, kernel: KernelProgram, software: boolean, tunes = false): Promise<MeasuredKernel> {
  const { device } = clock;
  const { programs, diagnostics } = compile({ path: `${kernel.name}.dl`, text: kernel.text });
  const [program] = programs;
  if (!program) throw new Error(`${kernel.name}: ${diagnostics.map((d) => `${d.code} ${d.message}`).join("; ")}`);
  const { info } = program;
  const target = { capacity: {}, profile: profileFor({ device, software }), limits: limitsOf(device) };
  const lowered = program.lower(kernel.entry, target);
  const usual = await timed(clock, program, kernel, lowered);
  const found = { name: kernel.name, ...(kernel.byHand !== undefined && software && { byHand: kernel.byHand }), bytes: kernel.bytes, ...(kernel.flops !== undefined && { flops: kernel.flops }) };
  if (!tunes) return { ...usual, ...found };
  const started = performance.now();
  const choices = await tune(lowered.schedule, { ...target, device, clock: () => performance.now(), store: info.store, live: {} });
  const seconds = (performance.now() - started) / 1000;
  const { ms, best, processorMs, families } = [...choices.values()].some((choice) => choice > 0) ? await timed(clock, program, kernel, program.lower(kernel.entry, { ...target, choices })) : usual;
  return { ...usual, ...found, tuned: { ms, best, processorMs, families, seconds } };
}

/** Times the dispatches of a lowered entry. */
async function timed(clock: Clock, { info }: Pick<CompiledProgram, "info">, kernel: KernelProgram, { plan, texts, kernels }: LoweredEntry): Promise<Time & Pick<MeasuredKernel, "dispatches" | "kernels" | "families">> {
  const { device } = clock;
  const store = device.createBuffer({ size: Math.max(256, info.store.bytes), usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const entry = await loadEntry(device, plan, texts, store, new Map());
  const inputs = Object.fromEntries(plan.inputs.map((input, k) => [input.name, uniform(k + 1, elementsOf(input.shape, {}), -1, 1)]));
  const call: Call = { live: {}, inputs, scalars: { hyper: info.hypers, step: { t: 1, epoch: 1 } }, seed: 0, step: 1, example: 0 };
  feedEntry(device, entry, call);
  const measured = kernel.entry === "step" ? entry.dispatches.filter((d) => updates(d, texts)) : entry.dispatches;
  const time = await clock.time((pass) => encodePass(pass, measured, {}));
  entry.destroy();
  store.destroy();
  return { ...time, dispatches: measured.length, kernels: measured.map((d) => d.dispatch.name), families: measured.map((d) => kernels[entry.dispatches.indexOf(d)]?.family ?? "") };
}

/** True for a dispatch that writes parameters or states, which lie in slab 0. */
function updates({ dispatch }: LoadedDispatch, texts: readonly { readonly access: readonly string[] }[]): boolean {
  const access = texts[dispatch.kernel]?.access ?? [];
  return dispatch.bindings.some((range, k) => range.slab === 0 && range.bytes > 1024 && access[k] === "read_write");
}
