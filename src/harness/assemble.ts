/**
 * Puts a program together as data: a planned entry and its kernels' texts become an `EntryPlan`, a checked model and
 * the store's layout the rest. Everything here is renaming; decisions were made before.
 */
import type { CheckedModel, CheckedPhase, CheckedTrain, DataExpr as CheckedExpr } from "../check/checked.ts";
import { optimizerStates, sharedObjective, stepsOf } from "../check/train-facts.ts";
import type { HostScalar, ParamSlot, Schedule } from "../ir/kernel.ts";
import { invariant } from "../support/diagnostic.ts";
import { layOutStore } from "../memory/lay-out-store.ts";
import { bytesOf, slabNames, slabOf, type PlacedKernel, type Plan, type StoreLayout } from "../memory/placement.ts";
import { emit } from "../wgsl/emit.ts";
import type { EntryPlan, HostInstruction, InputInfo, KernelText, Program, Size, StoredTensor, Word } from "./runtime/program.ts";
import type { DataExpr, PhasePlan, RunPlan, TrainPlan } from "./runtime/train-plan.ts";

/** Every tensor that outlives a step: parameters, then model state, then optimizer state, then the status word. */
function storedTensors(model: CheckedModel, train: CheckedTrain | undefined): Omit<StoredTensor, "offset" | "bytes">[] {
  return [
    ...model.params.map((p) => ({
      name: p.path, dtype: p.type.dtype, shape: p.type.shape, kind: "param" as const, role: p.role, ...(p.was !== undefined && { was: p.was }),
    })),
    ...model.states.map((s) => ({ name: s.path, dtype: s.type.dtype, shape: s.type.shape, kind: "state" as const })),
    ...optimizerStates(train).map((s) => ({ name: s.path, dtype: s.type.dtype, shape: s.type.shape, kind: "state" as const, entry: s.entry })),
    { name: "status", dtype: "u32" as const, shape: [], kind: "state" as const },
  ];
}

/** The number of elements of a stored tensor, whose shape is static. */
function storedElements(t: { readonly shape: readonly Size[] }): number {
  return t.shape.reduce<number>((n, d) => n * (typeof d === "number" ? d : Number.NaN), 1);
}

/** Placed kernels as texts; kernels that are equal but for their buffers, and bound alike, are printed once. */
export function kernelTexts(kernels: readonly PlacedKernel[]): readonly KernelText[] {
  const known = new Map<object, Map<string, string>>();
  return kernels.map(({ kernel, placement }) => {
    const access = placement.groups.map((g) => g.access);
    if (!kernel.alike) return { name: kernel.name, wgsl: emit(kernel, placement), access };
    const texts = known.get(kernel.alike) ?? new Map<string, string>();
    known.set(kernel.alike, texts);
    const places = kernel.buffers.map((b) => placement.of.get(b)).map((p) => `${p?.group} ${p?.base}`);
    const key = `${placement.groups.map((g) => `${g.elem} ${g.elements} ${g.access}`).join()} ${places.join()} ${placement.params.length}`;
    const wgsl = texts.get(key) ?? emit(kernel, placement);
    texts.set(key, wgsl);
    return { name: kernel.name, wgsl, access };
  });
}

export interface EntryParts {
  readonly schedule: Schedule;
  readonly plan: Plan;
  readonly capacity: Readonly<Record<string, number>>;
  /** One per placed kernel. */
  readonly texts: readonly KernelText[];
}

/** The plan of one entry; `texts` lists what is distinct. */
export function assembleEntry(parts: EntryParts): { readonly plan: EntryPlan; readonly texts: readonly KernelText[] } {
  const { schedule, plan, texts } = parts;
  // By text first: equal kernels mostly have one string, which is compared at once.
  const distinct = new Map<string, Map<string, number>>();
  const kernels: KernelText[] = [];
  const range = (buffer: Schedule["buffers"][number]): { slab: number; offset: number; bytes: number } => {
    // What has no elements is written by no kernel, so memory knows nothing of it.
    const offset = buffer.elements === 0 ? 0 : plan.offsets.get(buffer);
    invariant(offset !== undefined, "assemble", `${buffer.name} has no place`);
    return { slab: slabNames.indexOf(slabOf(buffer.place)), offset, bytes: bytesOf(buffer) };
  };
  const block = plan.kernels.map(({ kernel, placement }, at) => {
    const text = texts[at];
    invariant(text, "assemble", `${kernel.name} has no text`);
    const access = text.access.join();
    const known = distinct.get(text.wgsl) ?? new Map<string, number>();
    const index = known.get(access) ?? kernels.push(text) - 1;
    distinct.set(text.wgsl, known.set(access, index));
    return {
      kind: "dispatch" as const,
      kernel: index,
      name: kernel.name,
      bindings: placement.groups.map((g) => ({ slab: slabNames.indexOf(g.slab), offset: g.offset, bytes: g.bytes })),
      words: placement.params.map(wordOf),
      grid: kernel.grid.map(({ size, per }) => ({ size, per })),
    };
  });
  const inputs = schedule.buffers
    .filter((b) => b.place === "input" && plan.offsets.has(b))
    .map((b) => ({ name: b.path ?? b.name, dtype: b.dtype, shape: b.shape, ...range(b) }));
  const outputs = schedule.outputs.map((o) => ({ name: o.name, kind: o.kind, dtype: o.buffer.dtype, shape: o.buffer.shape, ...range(o.buffer) }));
  return {
    texts: kernels,
    plan: {
      name: schedule.entry,
      capacity: parts.capacity,
      slabs: slabNames.map((name) => ({ name, bytes: plan.slabs[name] })),
      inputs,
      outputs,
      host: schedule.host.map(instructionOf),
      block,
      peak: plan.peak,
    },
  };
}

function wordOf({ dtype, source }: ParamSlot): Word {
  switch (source.kind) {
    case "constant":
    case "offset":
      return { kind: dtype === "bool" ? "u32" : dtype, value: source.value };
    case "size":
      return { kind: "size", size: source.dim };
    case "host":
      return { kind: "host", index: source.index };
    case "word":
      return { kind: "word", word: source.word };
    case "base":
      invariant(false, "assemble", `the base of ${source.buffer.name} was not settled by memory`);
  }
}

function instructionOf({ dim, ...rest }: HostScalar): HostInstruction {
  return dim === undefined ? rest : { ...rest, size: dim };
}

/** A program but for its entries, where its tensors lie, and the plan of its training. */
export interface AssembledProgram {
  readonly info: Omit<Program, "kernels" | "entries">;
  readonly store: StoreLayout;
  readonly trainPlan: TrainPlan | undefined;
}

/** Puts together what does not depend on sizes or devices. */
export function assembleProgram(model: CheckedModel, train: CheckedTrain | undefined): AssembledProgram {
  const stored = storedTensors(model, train);
  const store = layOutStore(stored.map((t) => ({ path: t.name, elements: storedElements(t), ...(t.role !== undefined && { role: t.role }) })));
  const tensors = stored.map((t): StoredTensor => {
    const place = store.offsets.get(t.name);
    invariant(place, "assemble", `${t.name} is not in the store`);
    return { ...t, ...place };
  });
  const info = {
    model: model.name,
    store: { bytes: store.bytes, tensors },
    inputs: model.inputs.map((i): InputInfo => ({ name: i.name, role: i.role, dtype: i.type.dtype, shape: i.type.shape, ...(i.range && { range: i.range }) })),
    hypers: Object.fromEntries(model.hypers.filter((h) => !h.static).map((h) => [h.name, h.value])),
    ...(model.batch !== undefined && { batch: model.batch }),
  };
  return { info, store, trainPlan: train && trainPlanOf(train) };
}

/** A checked train block without its spans. */
function trainPlanOf(train: CheckedTrain): TrainPlan {
  const { data } = train;
  return {
    name: train.name,
    model: train.model,
    split: train.split,
    seed: train.seed,
    ...(train.start && { start: train.start.block }),
    shared: sharedObjective(stepsOf(train)) !== undefined,
    phases: train.phases.map(phasePlanOf),
    ...(data?.kind === "csv" && { data: { kind: data.kind, path: data.path, fields: data.fields.map(({ name, expr }) => ({ name, expr: exprOf(expr) })) } }),
    ...(data?.kind === "table" && {
      data: { kind: data.kind, rows: data.rows, fields: data.fields.map(({ name, shape, values }) => ({ name, shape, values })) },
    }),
  };
}

function phasePlanOf({ name, batch, epochs, steps, stop, fit, only, start, runs }: CheckedPhase): PhasePlan {
  return {
    ...(name !== undefined && { name }),
    batch,
    ...(epochs !== undefined && { epochs }),
    ...(steps !== undefined && { steps }),
    ...(stop && { stop }),
    fit,
    ...(only && { only }),
    start,
    runs: runs.map((r): RunPlan => ({ ...(r.name !== undefined && { name: r.name }), entry: r.entry, times: r.times })),
  };
}

function exprOf(e: CheckedExpr): DataExpr {
  switch (e.kind) {
    case "number":
      return { kind: e.kind, value: e.value };
    case "column":
      return { kind: e.kind, name: e.name };
    case "columns":
      return { kind: e.kind, from: e.from, to: e.to };
    case "binary":
      return { kind: e.kind, op: e.op, a: exprOf(e.a), b: exprOf(e.b) };
  }
}
