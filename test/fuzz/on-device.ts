/** Random graphs on a device: kernels as texts, run by the device engine over memory that is poisoned first. */
import { bisect } from "../../src/report/bisect.ts";
import type { Values } from "../../src/harness/runtime/engine.ts";
import { GpuEngine } from "../../src/harness/runtime/gpu-engine.ts";
import { emit } from "../../src/wgsl/emit.ts";
import { lowerVariant } from "./lower-variant.ts";
import { type Machine, ofF32 } from "./machine.ts";

/** A number that spoils whatever reads it: f32 12345678, a far index, true. */
const poison = 0x4b3c614e;

/**
 * The device, but storage starts as poison where WebGPU gives zeros: what lies past the live rows, in padding or in memory
 * that nothing wrote must not matter.
 */
function poisoned(device: GPUDevice): GPUDevice {
  const createBuffer = (descriptor: GPUBufferDescriptor): GPUBuffer => {
    const buffer = device.createBuffer(descriptor);
    if (descriptor.usage & GPUBufferUsage.STORAGE) device.queue.writeBuffer(buffer, 0, new Uint32Array(descriptor.size / 4).fill(poison));
    return buffer;
  };
  return new Proxy(device, {
    get: (_, name) => {
      if (name === "createBuffer") return createBuffer;
      const value: unknown = Reflect.get(device, name, device);
      return typeof value === "function" ? value.bind(device) : value;
    },
  });
}

/** A device as what cases run on. */
export function deviceMachine(device: GPUDevice): Machine {
  return { inStep: inStepOn(device), room: ofF32, run: onDevice(device), suspect: suspectOf(device) };
}

function suspectOf(device: GPUDevice): Machine["suspect"] {
  return async (graph, variant, capacity, { call }) => {
    const made = lowerVariant(graph, variant, capacity, ({ kernel, placement }) => emit(kernel, placement));
    if (!made) return "not compiled";
    const { nests, memory, entry, store } = made;
    const inputs = nests.buffers.filter((b) => b.place === "input").map((b) => ({ name: b.path ?? b.name, role: "input" as const, dtype: b.dtype, shape: b.shape }));
    const held = new Map(store.tensors.map((t) => [t.name, call.inputs[t.name] ?? new Float64Array()]));
    const { suspect } = await bisect({ device, lowered: { schedule: nests, memory, plan: entry.plan, texts: entry.texts }, program: { store, inputs }, held, call });
    return suspect ? `kernel ${suspect.dispatch}, ${suspect.kernel}, ${suspect.node.op} at [${suspect.at.join(", ")}]: ${suspect.found} instead of ${suspect.wanted}` : "no kernel differs by itself";
  };
}

function onDevice(device: GPUDevice): Machine["run"] {
  return async (graph, variant, capacity, call) => {
    const made = lowerVariant(graph, variant, capacity, ({ kernel, placement }) => emit(kernel, placement));
    if (!made) return [];
    const { entry, store } = made;
    const engine = new GpuEngine({ device: poisoned(device), program: { store }, planFor: () => ({ plan: entry.plan, kernels: entry.texts }) });
    try {
      for (const t of store.tensors) engine.write(t.name, call.inputs[t.name] ?? []);
      const runs: Readonly<Record<string, Values>>[] = [];
      for (let k = 0; k < 2; k++) {
        const outputs = await (await engine.run(graph.entry, call)).read();
        const found: Record<string, Values> = Object.fromEntries(Object.entries(outputs).map(([name, o]) => [name, o.data]));
        for (const t of store.tensors) found[t.name] = await engine.read(t.name);
        runs.push(found);
      }
      return runs;
    } finally {
      engine.close();
    }
  };
}

/** How many invocations of a device run in step, where that is one number. */
function inStepOn(device: GPUDevice): number | undefined {
  const { subgroupMinSize: least, subgroupMaxSize: most } = device.adapterInfo;
  return device.features.has("subgroups") && least === most ? most : undefined;
}
