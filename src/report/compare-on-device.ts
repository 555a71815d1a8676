/**
 * A program on a device against its meaning in f64, at random points: entries kernel by kernel, and the gradient of the loss as a
 * whole. In: a program and a device. Out: what agrees, and for what does not the kernel, the element and the line.
 *
 *     const { entries, gradients } = await compareOnDevice(program, { device, profile, entries: ["gradients"] });
 */
import { evaluate } from "../graph/eval-graph.ts";
import type { EntryName } from "../graph/build.ts";
import { placesOf, type TextContext } from "../graph/places-of.ts";
import { topological } from "../graph/topological.ts";
import { rootsOf } from "../graph/walk.ts";
import { surroundingsOf } from "../harness/surroundings.ts";
import type { Call, Snapshot } from "../harness/runtime/engine.ts";
import type { Profile } from "../ir/kernel.ts";
import type { Graph } from "../ir/node.ts";
import type { Tensor64 } from "../ops/op.ts";
import { indexAt } from "../ops/tensor64.ts";
import type { Label } from "../support/diagnostic.ts";
import { bisect, type Bisection } from "./bisect.ts";
import type { Followed } from "./device-values.ts";
import { type Callable, randomCall } from "./random-call.ts";
import { randomNumbers } from "../support/random-numbers.ts";

/** What is needed of a program: its graphs, its device code, its text. */
export interface Comparable extends Callable {
  readonly text: TextContext;
  lower(entry: EntryName, target: { readonly capacity: Readonly<Record<string, number>>; readonly profile: Profile }): Followed;
}

/** Where and what to compare. */
export interface DeviceOptions {
  readonly device: GPUDevice;
  readonly profile: Profile;
  readonly entries: readonly EntryName[];
}

/** One entry, kernel by kernel. */
export interface EntryComparison extends Bisection {
  readonly entry: EntryName;
  /** Where the suspect's formula stands. */
  readonly places: readonly Label[];
}

/** The gradient by one parameter, of the device and in f64. */
export interface GradientOnDevice {
  readonly path: string;
  readonly elements: number;
  /** The first element that differs. */
  readonly differs?: { readonly at: readonly number[]; readonly found: number; readonly wanted: number };
}

/** What came of it. */
export interface DeviceReport {
  readonly entries: readonly EntryComparison[];
  /** Of the last point looked at; empty where `gradients` is not among the entries. */
  readonly gradients: readonly GradientOnDevice[];
}

const points = 2;
/** Relative to the largest number of a gradient; to it comes what rounding of the values that it starts from does. */
const tolerance = 1e-4;
/** A gradient that is this small beside the largest of all may be what cancelled to nothing, as the bias of a key does under a softmax. */
const cancelled = 1e-3;
const nudge = 2 ** -22;
const rounds = 3;

/** Compares at random points; an entry ends with the first that shows a suspect. */
export async function compareOnDevice(program: Comparable, { device, profile, entries }: DeviceOptions): Promise<DeviceReport> {
  const compared: EntryComparison[] = [];
  let gradients: readonly GradientOnDevice[] = [];
  for (const entry of entries) {
    let last: EntryComparison | undefined;
    for (let seed = 1; seed <= points && !last?.suspect; seed++) {
      const { held, call } = await randomCall(program, seed);
      const lowered = program.lower(entry, { capacity: call.live, profile });
      const found = await bisect({ device, lowered, program: program.info, held, call });
      const { suspect } = found;
      last = { ...found, entry, places: suspect ? placesOf(lowered.schedule, suspect.node, program.text) : [], elements: found.elements + (last?.elements ?? 0), worst: Math.max(found.worst, last?.worst ?? 0) };
      if (entry === "gradients" && !gradients.some((g) => g.differs)) gradients = wholeGradients(program, found.outputs, held, call);
    }
    if (last) compared.push(last);
  }
  return { entries: compared, gradients };
}

function wholeGradients(program: Comparable, found: ReadonlyMap<string, Tensor64>, held: Snapshot, call: Call): readonly GradientOnDevice[] {
  const graph = program.graph("gradients");
  const exact = evaluateMoved(program, graph, held, call, undefined);
  const near = Array.from({ length: rounds }, (_, k) => evaluateMoved(program, graph, held, call, k + 1));
  const largest = (name: string): number => exact.get(name)?.data.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 1e-30) ?? 1e-30;
  const largestOfAll = Math.max(...graph.outputs.filter((o) => o.kind === "gradient").map((o) => largest(o.name)));
  return graph.outputs.flatMap(({ name, kind }): GradientOnDevice[] => {
    const [wanted, made] = [exact.get(name), found.get(name)];
    if (kind !== "gradient" || !wanted || !made) return [];
    const scale = Math.max(largest(name), cancelled * largestOfAll);
    const at = wanted.data.findIndex((w, i) => {
      const spread = near.reduce((m, moved) => Math.max(m, Math.abs((moved.get(name)?.data[i] ?? 0) - w)), 0);
      return Number.isFinite(w) && Math.abs(w) < 3.4e38 && !(Math.abs((made.data[i] ?? Number.NaN) - w) <= tolerance * scale + 64 * spread);
    });
    const differs = at < 0 ? {} : { differs: { at: indexAt(at, wanted.shape), found: made.data[at] ?? Number.NaN, wanted: wanted.data[at] ?? Number.NaN } };
    return [{ path: name, elements: wanted.data.length, ...differs }];
  });
}

/** The outputs in f64, from leaves that are moved a little where a seed is given. */
function evaluateMoved(program: Comparable, graph: Graph, held: Snapshot, call: Call, seed: number | undefined): ReadonlyMap<string, Tensor64> {
  const around = surroundingsOf(program.info, (path) => held.get(path), call);
  if (seed === undefined) return evaluate(graph, around).outputs;
  const next = randomNumbers(seed);
  const known = new Map(topological(rootsOf(graph)).flatMap((n) => {
    if (n.op !== "leaf" || n.type.dtype !== "f32" || (n.attrs.kind !== "input" && n.attrs.kind !== "param" && n.attrs.kind !== "state")) return [];
    const { shape, data } = n.attrs.kind === "input" ? around.input(n.attrs.path, n.type) : around.stored(n.attrs.path);
    return [[n, { shape, data: data.map((v) => v * (1 + nudge * next())) }] as const];
  }));
  return evaluate(graph, { ...around, known }).outputs;
}
