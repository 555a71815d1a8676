/**
 * Runs nests written by hand on the test adapter through everything below the schedule: bind, plan, emit, assemble, the
 * device engine. Inputs and outputs are named by their buffers.
 */
import { bind } from "../../kernels/bind.ts";
import { profiles } from "../../kernels/profiles.ts";
import { verifyKernels } from "../../kernels/verify-kernel.ts";
import type { Buffer, Kernel, Nest, Place, Profile, Schedule } from "../../src/ir/kernel.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { DType } from "../../src/ir/types.ts";
import { assembleEntry } from "../../src/harness/assemble.ts";
import { GpuEngine } from "../../src/harness/runtime/gpu-engine.ts";
import type { Call, Values } from "../../src/harness/runtime/engine.ts";
import { layOutStore } from "../../src/memory/lay-out-store.ts";
import { baseline, plan } from "../../src/memory/plan.ts";
import { verifyPlan } from "../../src/memory/verify-plan.ts";
import { emit } from "../../src/wgsl/emit.ts";

let nextBuffer = 0;

/** A buffer with capacities for its live sizes. */
export function buffer(name: string, shape: readonly Dim[], place: Place, options: { dtype?: DType; capacity?: dims.Bindings } = {}): Buffer {
  const elements = shape.reduce<number>((n, d) => n * dims.evaluate(d, options.capacity ?? {}), 1);
  return { id: nextBuffer++, name, dtype: options.dtype ?? "f32", shape, elements, place, path: name };
}

export interface NestRun {
  readonly nests: readonly Nest[];
  /** Inputs, parameters and states by name; what is absent of the latter is 0. */
  readonly inputs?: Readonly<Record<string, Values>>;
  readonly live?: dims.Bindings;
  readonly capacity?: dims.Bindings;
  readonly profile?: Profile;
  readonly off?: ReadonlySet<string>;
}

/** A schedule with the host's scalars and words. */
export interface ScheduleRun extends Omit<NestRun, "nests"> {
  readonly schedule: Schedule;
  /** Instead of those that `bind` makes. */
  readonly kernels?: readonly Kernel[];
  readonly scalars?: Call["scalars"];
  readonly words?: Pick<Call, "seed" | "step" | "example">;
}

/** The kernels a run would dispatch. */
export function kernelsOf(run: NestRun): readonly Kernel[] {
  return bound(scheduleOf(run), run);
}

function bound(schedule: Schedule, run: Omit<NestRun, "nests">): readonly Kernel[] {
  return bind(schedule, run.profile ?? profiles.software, run.off ? { off: run.off } : {});
}

/** Values of all output, param and state buffers, by name. */
export function runNests(device: GPUDevice, run: NestRun): Promise<Readonly<Record<string, Values>>> {
  return runSchedule(device, { ...run, schedule: scheduleOf(run) });
}

/** The same for a schedule. */
export async function runSchedule(device: GPUDevice, run: ScheduleRun): Promise<Readonly<Record<string, Values>>> {
  const { schedule } = run;
  const kernels = run.kernels ?? bound(schedule, run);
  verifyKernels(kernels, run.profile ?? profiles.software);
  const stored = schedule.buffers.filter((b) => b.place === "param" || b.place === "state");
  const layout = layOutStore(stored.map((b) => ({ path: b.path ?? b.name, elements: b.elements })));
  const memory = plan("test", kernels, { store: layout, limits: baseline, reuse: true, inPlace: true, apart: true });
  verifyPlan(memory);
  const texts = memory.kernels.map(({ kernel, placement }) => ({
    name: kernel.name, wgsl: emit(kernel, placement), access: placement.groups.map((g) => g.access),
  }));
  const entry = assembleEntry({ schedule, plan: memory, capacity: run.capacity ?? {}, texts });
  const tensors = stored.map((b) => ({
    name: b.path ?? b.name, kind: "param" as const, dtype: b.dtype, shape: b.shape, ...(layout.offsets.get(b.path ?? b.name) ?? { offset: 0, bytes: 0 }),
  }));
  const engine = new GpuEngine({ device, program: { store: { bytes: layout.bytes, tensors } }, planFor: () => ({ plan: entry.plan, kernels: entry.texts }) });
  const given = run.inputs ?? {};
  for (const t of tensors) engine.write(t.name, given[t.name] ?? new Float64Array(dims.evaluate(dims.product(t.shape), {})));
  const scalars = run.scalars ?? { hyper: {}, step: { t: 1, epoch: 1 } };
  const outputs = await (await engine.run("test", { live: run.live ?? {}, inputs: given, scalars, ...(run.words ?? { seed: 0, step: 1, example: 0 }) })).read();
  const found: Record<string, Values> = Object.fromEntries(Object.entries(outputs).map(([name, o]) => [name, o.data]));
  for (const t of tensors) found[t.name] = await engine.read(t.name);
  engine.close();
  return found;
}

/** The schedule of nests written by hand. */
export function scheduleOf(run: NestRun): Schedule {
  const buffers = new Set<Buffer>();
  const visit = (stmts: Nest["body"]): void => {
    for (const s of stmts) {
      if (s.kind === "load" || s.kind === "store") buffers.add(s.buffer);
      else if (s.kind !== "let") visit(s.body);
    }
  };
  for (const nest of run.nests) visit(nest.body);
  const outputs = [...buffers].filter((b) => b.place === "output").map((b) => ({ name: b.name, kind: "output", buffer: b }));
  return { entry: "test", nests: run.nests, buffers: [...buffers], outputs, commits: [], host: [], origins: new Map(), holds: new Map(), became: new Map() };
}
