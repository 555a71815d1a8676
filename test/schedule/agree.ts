/** Runs a graph's schedule and the graph itself, and says where they differ. */
import * as dims from "../../src/ir/dims.ts";
import type { Profile } from "../../src/ir/kernel.ts";
import type { Graph } from "../../src/ir/node.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { topological, rootsOf } from "../../src/graph/walk.ts";
import type { Tensor64 } from "../../src/ops/op.ts";
import { printSchedule } from "../../src/schedule/print-schedule.ts";
import { schedule, scheduleSwitches } from "../../src/schedule/schedule.ts";
import { verifySchedule } from "../../src/schedule/verify-schedule.ts";
import { evalNests } from "./eval-nests.ts";
import { storedLayout } from "./stored-layout.ts";
import type { Precision } from "./eval-scalar.ts";

export const profile: Profile = {
  name: "software", barriers: false, pointwise: 64, rows: 16, tile: [4, 4], storageBuffers: 8, workgroupsPerDimension: 65_535,
};

/** None of the switches, all of them, each by itself and each two together. */
export const combinations: readonly ReadonlySet<string>[] = [
  new Set(), new Set(scheduleSwitches), ...scheduleSwitches.flatMap((x, i) => scheduleSwitches.slice(i).map((y) => new Set([x, y]))),
];

export interface AgreeOptions {
  readonly sizes?: Readonly<Record<string, number>>;
  readonly capacity?: Readonly<Record<string, number>>;
  readonly off?: ReadonlySet<string>;
  readonly device?: Profile["name"];
  readonly precision?: Precision;
  readonly tolerance?: number;
  readonly seed?: number;
  /** Values that integer inputs may have; 0..4 otherwise. */
  readonly ranges?: Ranges;
}

type Ranges = Readonly<Record<string, { readonly lo: number; readonly hi: number }>>;

/** Deterministic values: f32 in about -2..2, integers in their ranges. */
export function leafValues(graph: Graph, sizes: Readonly<Record<string, number>>, seed: number, ranges: Ranges = {}): Record<string, Tensor64> {
  const values: Record<string, Tensor64> = {};
  for (const node of topological(rootsOf(graph))) {
    if (node.op !== "leaf" || node.attrs.kind === "hyper" || node.attrs.kind === "step") continue;
    const shape = node.type.shape.map((d) => dims.evaluate(d, sizes));
    const count = shape.reduce((p, d) => p * d, 1);
    const { lo, hi } = ranges[node.attrs.path] ?? { lo: 0, hi: 4 };
    const salt = [...node.attrs.path].reduce((h, ch) => h * 31 + ch.charCodeAt(0), seed + 7);
    const data = Float64Array.from({ length: count }, (_, i) => {
      const u = Math.abs(Math.sin(salt * 12.9898 + i * 78.233) * 43758.5453) % 1;
      return node.type.dtype === "f32" ? Math.fround(u * 4 - 2) : node.type.dtype === "bool" ? Math.round(u) : lo + Math.floor(u * (hi - lo));
    });
    values[node.attrs.path] = { shape, data };
  }
  return values;
}

function scalarLeaves(graph: Graph, kind: "hyper" | "step", value: number): Readonly<Record<string, number>> {
  const leaves = topological(rootsOf(graph)).flatMap((n) => (n.op === "leaf" && n.attrs.kind === kind ? [n.attrs.path] : []));
  return Object.fromEntries(leaves.map((path) => [path, value]));
}

/** Expects the schedule to compute what the graph says. */
export function expectAgreement(graph: Graph, options: AgreeOptions = {}): void {
  const { sizes = {}, capacity = sizes, off = new Set<string>(), device = "software", precision = "f64", seed = 0, ranges = {} } = options;
  const tolerance = options.tolerance ?? (precision === "f64" ? 1e-9 : 2e-5);
  const leaves = leafValues(graph, sizes, seed, ranges);
  const words = { seed: 5 + seed, step: 3, example: 10 };
  const scalars = { hyper: scalarLeaves(graph, "hyper", 0.05), step: scalarLeaves(graph, "step", 3) };
  const nothing: Tensor64 = { shape: [], data: Float64Array.of(Number.NaN) };
  const truth = evaluate(graph, {
    sizes, ...words,
    input: (name) => leaves[name] ?? nothing,
    stored: (path) => leaves[path] ?? nothing,
    scalar: (kind, path) => scalars[kind][path] ?? Number.NaN,
  });
  const made = schedule(graph, { capacity, profile: { ...profile, name: device }, off, stored: storedLayout(graph).stored });
  verifySchedule(made);
  const found = evalNests(made, { capacity, sizes, leaves, ...scalars, words, precision });
  const context = (): string => `off {${[...off].join(", ")}} sizes ${JSON.stringify(sizes)} of ${JSON.stringify(capacity)}\n${printSchedule(made)}`;
  for (const [name, tensor] of truth.outputs) expectClose(found.outputs[name], tensor, tolerance, () => `output ${name}\n${context()}`);
  for (const [path, tensor] of truth.commits) {
    // A parameter that keeps its value is no commit.
    const known = found.commits[path] ?? leaves[path];
    expectClose(known, tensor, tolerance, () => `commit ${path}\n${context()}`);
  }
}

function expectClose(found: Tensor64 | undefined, truth: Tensor64, tolerance: number, context: () => string): void {
  const ok =
    found !== undefined && found.data.length === truth.data.length &&
    found.data.every((v, i) => {
      const t = truth.data[i] ?? Number.NaN;
      return Object.is(v, t) || Math.abs(v - t) <= tolerance * Math.max(1, Math.abs(t));
    });
  if (!ok) throw new Error(`expected ${[...truth.data.slice(0, 12)].join(" ")}\nfound    ${[...(found?.data.slice(0, 12) ?? [])].join(" ")}\n${context()}`);
}
