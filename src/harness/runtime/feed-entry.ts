/**
 * What a run of a loaded entry takes: its inputs and scalars, written before, and its dispatches, encoded into a pass.
 *
 *     feedEntry(device, entry, call);
 *     encodePass(pass, entry.dispatches, call.live);
 */
import { encode } from "./bytes.ts";
import { EngineError, type Call } from "./engine.ts";
import { evaluateHost } from "./host.ts";
import type { LoadedDispatch, LoadedEntry } from "./load-entry.ts";
import type { Word } from "./program.ts";
import { elementsOf, sizeOf, type Live } from "./sizes.ts";
import { spreadLive } from "./strided.ts";

/** Writes inputs and scalars. Throws an EngineError E0503 or E0504 where an input is missing or of another size. */
export function feedEntry(device: GPUDevice, entry: LoadedEntry, call: Call): void {
  for (const input of entry.plan.inputs) {
    const values = call.inputs[input.name];
    const wanted = elementsOf(input.shape, call.live);
    if (!values) throw new EngineError("E0503", `the input ${input.name} is not given`);
    if (values.length !== wanted) throw new EngineError("E0504", `the input ${input.name} has ${values.length} numbers where ${wanted} are expected`);
    const buffer = entry.slabs[input.slab];
    if (buffer && wanted > 0) device.queue.writeBuffer(buffer, input.offset, encode(spreadLive(values, input.shape, call.live, entry.plan.capacity), input.dtype));
  }
  writeWords(device, entry, call);
}

/** Fills the parameter block of every dispatch; the copy is ordered in the queue, so steps in flight keep theirs. */
function writeWords(device: GPUDevice, entry: LoadedEntry, call: Call): void {
  if (entry.words.byteLength === 0) return;
  const host = evaluateHost(entry.plan.host, call.scalars, call.live);
  const view = new DataView(entry.words);
  for (const d of entry.dispatches) d.dispatch.words.forEach((word, k) => writeWord(view, d.wordOffset + 4 * k, word, host, call));
  device.queue.writeBuffer(entry.wordBuffer, 0, entry.words);
}

/** Adds dispatches to a pass, with grids for these sizes. */
export function encodePass(pass: GPUComputePassEncoder, dispatches: readonly LoadedDispatch[], live: Live): void {
  let last: GPUComputePipeline | undefined;
  for (const d of dispatches) {
    if (d.pipeline !== last) pass.setPipeline(d.pipeline);
    last = d.pipeline;
    pass.setBindGroup(0, d.group, [d.wordOffset]);
    const [x, y, z] = d.dispatch.grid.map(({ size, per }) => Math.max(1, Math.ceil(sizeOf(size, live) / per)));
    pass.dispatchWorkgroups(x ?? 1, y ?? 1, z ?? 1);
  }
}

function writeWord(view: DataView, at: number, word: Word, host: Float64Array, call: Call): void {
  switch (word.kind) {
    case "f32":
      return view.setFloat32(at, word.value, true);
    case "i32":
      return view.setInt32(at, word.value, true);
    case "u32":
      return view.setUint32(at, word.value, true);
    case "size":
      return view.setInt32(at, sizeOf(word.size, call.live), true);
    case "host":
      return view.setFloat32(at, host[word.index] ?? Number.NaN, true);
    case "word":
      return view.setUint32(at, call[word.word], true);
  }
}
