/**
 * Core by hand, for tests of `build`: constructors that give each expression its type, models and train blocks around
 * them, and a run of an entry on the f64 evaluator.
 *
 *     const x = input("x", [N, 3]);
 *     run(model({ inputs: [x], outputs: { y: mul(x, num(2)) } }), "predict", { N: 2 }, { x: [1, 2, 3, 4, 5, 6] })
 */
import type { CheckedModel, CheckedOptimizer, CheckedProgram, CheckedState, CheckedStep, CheckedTrain, Update } from "../../src/check/checked.ts";
import type { ApplyOp, CarryVar, Core, CoreLoop, CoreOf, FoldOp, IndexVar, LoopVar, SliceItem } from "../../src/check/core.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { build } from "../../src/graph/build.ts";
import type { EntryName } from "../../src/graph/build.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Graph, Relation } from "../../src/ir/node.ts";
import type { DType, TensorType } from "../../src/ir/types.ts";
import { spanOf } from "../../src/support/span.ts";

const source = { path: "test.dl", text: "" };

/** Where everything here says it stands. */
export const span = spanOf(source, 0, 0);

/** The batch. */
export const N = dims.sym("N");

export function type(dtype: DType, shape: readonly Dim[] = []): TensorType {
  return { dtype, shape };
}

export function num(value: number, dtype: DType = "f32"): Core {
  return { kind: "number", value, type: type(dtype), span };
}

export function input(path: string, shape: readonly Dim[], dtype: DType = "f32"): CoreOf<"leaf"> {
  return { kind: "leaf", role: "input", path, type: type(dtype, shape), span };
}

export function param(path: string, shape: readonly Dim[]): CoreOf<"leaf"> {
  return { kind: "leaf", role: "param", path, type: type("f32", shape), span };
}

export function state(path: string, shape: readonly Dim[]): CoreOf<"leaf"> {
  return { kind: "leaf", role: "state", path, type: type("f32", shape), span };
}

export function hyper(name: string): Core {
  return { kind: "hyper", name, type: type("f32"), span };
}

export const t: Core = { kind: "step", name: "t", type: type("f32"), span };

/** An elementwise operation: shapes broadcast right-aligned, integers stay integers but for `/`. */
export function apply(op: ApplyOp, ...args: readonly Core[]): Core {
  const rank = Math.max(...args.map((a) => a.type.shape.length));
  const shape = Array.from({ length: rank }, (_, axis): Dim => {
    const sizes = args.flatMap((a) => a.type.shape[a.type.shape.length - rank + axis] ?? []);
    return sizes.find((d) => d !== 1) ?? 1;
  });
  const logical = typeof op === "object" || op === "and" || op === "or" || op === "not";
  const whole = args.every((a) => a.type.dtype === "i32") && op !== "div";
  return { kind: "apply", op, args, type: type(logical ? "bool" : whole ? "i32" : "f32", shape), span };
}

export const add = (a: Core, b: Core): Core => apply("add", a, b);
export const sub = (a: Core, b: Core): Core => apply("sub", a, b);
export const mul = (a: Core, b: Core): Core => apply("mul", a, b);
export const div = (a: Core, b: Core): Core => apply("div", a, b);

export function compare(relation: Relation, a: Core, b: Core): Core {
  return apply({ compare: relation }, a, b);
}

export function select(condition: Core, then: Core, otherwise: Core): Core {
  return { kind: "select", condition, then, otherwise, type: then.type.shape.length >= otherwise.type.shape.length ? then.type : otherwise.type, span };
}

/** One thing in the training step, another elsewhere. */
export function training(then: Core, otherwise: Core): Core {
  return { kind: "training", then, otherwise, type: then.type, span };
}

export function matmul(a: Core, b: Core): Core {
  const [n, o] = [a.type.shape, b.type.shape];
  const lead = n.length - 2 > o.length - 2 ? n.slice(0, -2) : o.slice(0, -2);
  return { kind: "matmul", a, b, type: type("f32", [...lead, ...(n.length > 1 ? [n.at(-2) as Dim] : []), ...(o.length > 1 ? [o.at(-1) as Dim] : [])]), span };
}

function resultType(op: FoldOp, body: Core): DType {
  if (op === "any" || op === "all") return "bool";
  return op === "argmax" || op === "argmin" ? "i32" : op === "max" || op === "min" ? body.type.dtype : "f32";
}

export function reduce(op: FoldOp, arg: Core, axes: readonly number[]): Core {
  return { kind: "reduce", op, axes, arg, type: type(resultType(op, arg), arg.type.shape.filter((_, a) => !axes.includes(a))), span };
}

export function index(name: string, extent: Dim, lo: Dim = 0): IndexVar {
  return { name, lo, extent, span };
}

export function ix(variable: IndexVar): Core {
  return { kind: "index", variable, type: type("i32"), span };
}

/** An element; variables stand for themselves, numbers for indices. */
export function at(base: Core, ...items: readonly (Core | IndexVar | number)[]): Core {
  const cores = items.map((i): Core => (typeof i === "number" ? num(i, "i32") : "kind" in i ? i : ix(i)));
  return { kind: "at", base, index: cores, type: type(base.type.dtype), span };
}

/** An element that is read only where a condition holds; indices of the axes in `guarded` may be anything elsewhere. */
export function guardedAt(base: Core, guarded: readonly number[], ...items: readonly (Core | IndexVar | number)[]): Core {
  const plain = at(base, ...items) as CoreOf<"at">;
  return { ...plain, guarded: new Set(guarded) };
}

export function fold(op: FoldOp, indices: readonly IndexVar[], body: Core, guard?: Core): Core {
  return { kind: "fold", op, indices, ...(guard && { guard }), body, type: type(resultType(op, body)), span };
}

export function comprehend(indices: readonly IndexVar[], body: Core): Core {
  return { kind: "comprehend", indices, body, type: type(body.type.dtype, indices.map((v) => v.extent)), span };
}

/** A slice; `:` is a whole axis, a pair a range, anything else an index. */
export function slice(arg: Core, ...items: readonly (":" | readonly [Dim, Dim] | Core)[]): Core {
  const list = items.map((i): SliceItem => (i === ":" ? { kind: "all" } : "kind" in i ? { kind: "at", index: i } : { kind: "range", lo: i[0], hi: i[1] }));
  const shape = list.flatMap((i, a): readonly Dim[] => (i.kind === "all" ? [arg.type.shape[a] as Dim] : i.kind === "range" ? [dims.sub(i.hi, i.lo)] : i.index.type.shape));
  return { kind: "slice", items: list, arg, type: type(arg.type.dtype, [...shape, ...arg.type.shape.slice(list.length)]), span };
}

export function draw(distribution: CoreOf<"random">["distribution"], args: readonly Core[], path: string, shape: readonly Dim[], within?: readonly LoopVar[]): Core {
  return { kind: "random", distribution, args, path, ...(within && { within }), type: type(distribution === "bernoulli" ? "bool" : "f32", shape), span };
}

/** A fold or scan with one carry; the body gets the carry and the turn. */
export function loop(kind: "fold" | "scan", trip: number, init: Core, next: (carry: Core, turn: Core, variable: LoopVar) => Core): Core {
  const variable: LoopVar = { name: "t", trip };
  const carry: CarryVar = { name: "h", type: init.type };
  const made: CoreLoop = {
    kind, variable, trip, span,
    carries: [{ variable: carry, init, next: next({ kind: "carry", carry, type: init.type, span }, { kind: "iteration", loop: variable, type: type("i32"), span }, variable) }],
  };
  return { kind: "loop", loop: made, result: 0, type: kind === "scan" ? type(init.type.dtype, [trip, ...init.type.shape]) : init.type, span };
}

export function grad(value: Core, wrt: Core): Core {
  return { kind: "derive", derive: "grad", value, wrt, type: wrt.type, span };
}

export function binding(name: string, value: Core): Core {
  return { kind: "binding", name, named: span, value, type: value.type, span };
}

export interface ModelParts {
  readonly params?: readonly CoreOf<"leaf">[];
  /** Initial values; 0 otherwise. */
  readonly inits?: Readonly<Record<string, Core>>;
  readonly states?: readonly CoreOf<"leaf">[];
  readonly outputs?: Readonly<Record<string, Core>>;
  readonly metrics?: Readonly<Record<string, Core>>;
  readonly loss?: Readonly<Record<string, Core>>;
  readonly maximize?: Core;
  readonly updates?: Readonly<Record<string, Core>>;
  readonly optimizer?: CheckedOptimizer["perParam"];
  readonly clip?: CheckedStep["clip"];
}

/** A program of one model and one train block, both called M. */
export function model(parts: ModelParts): CheckedProgram {
  const list = (record: Readonly<Record<string, Core>> = {}): { name: string; value: Core; span: typeof span }[] => Object.entries(record).map(([name, value]) => ({ name, value, span }));
  const initial = (leaf: CoreOf<"leaf">): Core => parts.inits?.[leaf.path] ?? num(0);
  const made: CheckedModel = {
    name: "M", span, hypers: [], batch: "N", inputs: [],
    params: (parts.params ?? []).map((p) => ({ path: p.path, type: p.type, role: "weight", init: initial(p), span })),
    states: (parts.states ?? []).map((s) => ({ path: s.path, type: s.type, init: initial(s), span })),
    outputs: list(parts.outputs), metrics: list(parts.metrics),
    terms: [
      ...list(parts.loss).map((n) => ({ ...n, sense: "minimize" as const })),
      ...(parts.maximize ? [{ name: "goal", value: parts.maximize, span, sense: "maximize" as const }] : []),
    ],
    updates: list(parts.updates).map(({ name, value }) => ({ path: name, value, span })),
  };
  const train: CheckedTrain = {
    name: "M", model: "M", span, split: { validation: 0, test: 0 }, seed: 0,
    phases: [{ span, batch: "all", steps: 1, start: "previous", fit: ["training"], runs: [{
      entry: "step", span, terms: made.terms, times: 1, ...(parts.clip && { clip: parts.clip }),
      optimizer: { name: "sgd", span, perParam: parts.optimizer ?? (parts.params ?? []).map((p) => sgd(p, num(0.1))) },
    }] }],
  };
  return { uses: [], source, models: [made], trains: [train] };
}

/** θ <- θ - lr g */
export function sgd(p: CoreOf<"leaf">, lr: Core, states: readonly CheckedState[] = [], updates: readonly Update[] = []): CheckedOptimizer["perParam"][number] {
  const step: Update = { path: p.path, value: sub(p, mul(lr, gradientOf(p))), span };
  return { param: p.path, states, updates: [...updates, step] };
}

export function gradientOf(p: CoreOf<"leaf">): Core {
  return { kind: "gradient", path: p.path, type: p.type, span };
}

export interface Given {
  readonly sizes?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly step?: number;
  readonly scalars?: Readonly<Record<string, number>>;
}

/** The graph of an entry, verified, with derivatives taken. */
export function graphOf(program: CheckedProgram, entry: EntryName): Graph {
  const graph = build(program, { entry, model: "M", train: "M" });
  verifyGraph(graph);
  return differentiate.run(graph);
}

/** Outputs and commits of an entry, flat. `values` are inputs and stored tensors by name, flat; status is 0 unless given. */
export function run(
  program: CheckedProgram | Graph, entry: EntryName, values: Readonly<Record<string, readonly number[]>> = {}, given: Given = {},
): { readonly outputs: Readonly<Record<string, readonly number[]>>; readonly commits: Readonly<Record<string, readonly number[]>> } {
  const graph = "models" in program ? graphOf(program, entry) : program;
  const sizes = given.sizes ?? {};
  const leaves = new Map<string, TensorType>();
  for (const node of graphLeaves(graph)) leaves.set(node.path, node.type);
  const tensorOf = (path: string): { shape: readonly number[]; data: Float64Array } => {
    const data = values[path] ?? (path === "status" ? [0] : undefined);
    const shape = (leaves.get(path)?.shape ?? []).map((d) => dims.evaluate(d, sizes));
    if (!data) throw new Error(`no value for ${path}`);
    if (data.length !== shape.reduce((n, d) => n * d, 1)) throw new Error(`${path} has ${data.length} values for [${shape.join(", ")}]`);
    return { shape, data: Float64Array.from(data) };
  };
  const result = evaluate(graph, {
    sizes, seed: given.seed ?? 1, step: given.step ?? 1, example: 0,
    input: tensorOf, stored: tensorOf,
    scalar: (_, path) => given.scalars?.[path] ?? (path === "t" ? (given.step ?? 1) : Number.NaN),
  });
  const flat = (map: ReadonlyMap<string, { readonly data: Float64Array }>): Record<string, readonly number[]> => Object.fromEntries([...map].map(([k, v]) => [k, [...v.data]]));
  return { outputs: flat(result.outputs), commits: flat(result.commits) };
}

function graphLeaves(graph: Graph): readonly { readonly path: string; readonly type: TensorType }[] {
  const found: { path: string; type: TensorType }[] = [];
  const seen = new Set<unknown>();
  const open = [...graph.outputs, ...graph.commits].map((r) => r.node);
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === "leaf") found.push(node.attrs);
    open.push(...node.inputs);
  }
  return found;
}

/** Evaluates one expression as the output of a model. */
export function value(core: Core, values: Readonly<Record<string, readonly number[]>> = {}, given: Given = {}): readonly number[] {
  return run(model({ outputs: { y: core } }), "predict", values, given).outputs["y"] as readonly number[];
}

/** Reproducible numbers in -1 .. 1. */
export function numbers(count: number, seed = 1): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * seed + seed * 78.233));
}

/** Both lists agree to about 12 digits. */
export function close(actual: readonly number[] | undefined, expected: readonly number[]): boolean {
  return actual !== undefined && actual.length === expected.length && expected.every((v, i) => Math.abs((actual[i] as number) - v) <= 1e-12 * Math.max(1, Math.abs(v)));
}
