/**
 * What rounding in f32 may do to a graph, found by trying: the graph is evaluated in f64 with every result moved by a little
 * random noise, sums by noise in proportion to what they sum, and decisions on values too near to call taken now one way
 * and now the other. The spread over some such evaluations bounds what a device may answer.
 *
 *     const { outputs } = evaluateNoisy(graph, around, noise(1))
 *
 * Without noise it is the plain evaluation, and reports the largest magnitude met.
 */
import type { Node, NodeOf, OpName } from "../../src/ir/node.ts";
import * as dims from "../../src/ir/dims.ts";
import type { EvalContext, OpRecord, Tensor64 } from "../../src/ops/op.ts";
import { table } from "../../src/ops/table.ts";
import { elements, fill, offset, strides, wrap } from "../../src/ops/tensor64.ts";
import type { Surroundings } from "../../src/graph/eval-graph.ts";
import { topological } from "../../src/graph/topological.ts";
import { numbers } from "../graphs/values.ts";

/** One way to be inexact; `side` says which way near decisions fall. */
export interface Noise {
  readonly next: () => number;
  readonly side: 1 | -1;
}

export function noise(seed: number): Noise {
  return { next: numbers(seed), side: seed % 2 === 0 ? 1 : -1 };
}

/** A few times the rounding of one operation, relative. */
const relative = 2 ** -22;
/** The error of an own formula of sine, cosine, logarithm, exponential, absolute. */
const ofFormula = 2e-7;
/** Values nearer than this are too near to call. */
const near = 1e-4;

const formulas: ReadonlySet<OpName> = new Set<OpName>(["exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf", "pow", "div"]);

type Values = readonly Tensor64[];

/** The largest finite magnitude met, infinite where some value was not finite. */
export interface Met {
  largest: number;
}

/** The values of the roots. */
export function evaluateNoisy(roots: readonly Node[], around: Surroundings, by: Noise | undefined, met: Met = { largest: 0 }): Values {
  const context: EvalContext = { size: (d) => dims.evaluate(d, around.sizes), seed: around.seed, step: around.step, example: around.example };
  return run(roots, context, by, met, (leaf) => {
    const { kind, path } = leaf.attrs;
    if (kind === "input") return around.input(path, leaf.type);
    if (kind === "param" || kind === "state") return around.stored(path);
    return { shape: [], data: Float64Array.of(around.scalar(kind as "hyper" | "step", path)) };
  });
}

function run(roots: readonly Node[], context: EvalContext, by: Noise | undefined, met: Met, leafValue: (leaf: NodeOf<"leaf">) => Tensor64): Values {
  const values = new Map<Node, Tensor64>();
  const results = new Map<Node, Values>();
  for (const node of topological(roots)) {
    const inputs = node.inputs.map((x) => values.get(x) as Tensor64);
    let value: Tensor64;
    if (node.op === "pick") value = results.get(node.inputs[0] as Node)?.[node.attrs.index] as Tensor64;
    else if (node.op === "loop") {
      const all = runLoop(node, inputs, context, by, met);
      results.set(node, all);
      value = all[0] as Tensor64;
    } else if (node.op === "leaf") value = leafValue(node);
    else value = by ? inexact(node, inputs, context, by) : apply(node, inputs, context);
    if (node.type.dtype === "f32") for (const v of value.data) met.largest = Math.max(met.largest, Number.isFinite(v) ? Math.abs(v) : Number.POSITIVE_INFINITY);
    values.set(node, value);
  }
  return roots.map((r) => values.get(r) as Tensor64);
}

function apply(node: Node, inputs: Values, context: EvalContext): Tensor64 {
  // The record of an op takes nodes of that op; the pairing cannot be told to the compiler.
  const { eval: rule } = table[node.op] as unknown as OpRecord<OpName>;
  if (rule.kind === "tensor") return rule.of(node as NodeOf<OpName>, inputs, context);
  if (rule.kind === "evaluator") throw new Error(`${node.op} has no value`);
  const [x, y, z] = inputs as readonly [Tensor64, Tensor64?, Tensor64?];
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = rule.of(node.attrs, x.data[i] ?? 0, y?.data[i] ?? 0, z?.data[i] ?? 0);
  return { shape: x.shape, data: wrap(node.type.dtype, data) };
}

function inexact(node: Node, inputs: Values, context: EvalContext, by: Noise): Tensor64 {
  const decided = decide(node, inputs, context, by);
  if (decided) return decided;
  // Substitution and factoring err as if their operands were a little different.
  const moved = node.op === "cholesky" || node.op === "triangular_solve" ? inputs.map((t) => nearby(t, by)) : inputs;
  const exact = apply(node, moved, context);
  if (node.type.dtype !== "f32") return exact;
  const sums = magnitudes(node, inputs, context);
  const data = exact.data.map((v, i) => {
    const formula = formulas.has(node.op) ? ofFormula : 0;
    const summed = sums ? (sums.data[i] ?? 0) * relative : 0;
    // What f32 holds exactly is not rounded.
    const rounded = Math.fround(v) === v ? 0 : Math.abs(v) * relative;
    return v + (2 * by.next() - 1) * (formula * Math.max(Math.abs(v), v === 0 ? 0 : 0.5) + summed + rounded);
  });
  return { shape: exact.shape, data };
}

/** Numbers about as far from these as the rounding of the largest. */
function nearby(t: Tensor64, by: Noise): Tensor64 {
  const most = t.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return { shape: t.shape, data: t.data.map((v) => v + (2 * by.next() - 1) * 4 * relative * most) };
}

/** For sums and products of sums: √n times what the summands add up to without their signs; undefined for all else. */
function magnitudes(node: Node, inputs: Values, context: EvalContext): Tensor64 | undefined {
  const sums = node.op === "contract" || node.op === "scatter_sum" || node.op === "cumsum" || (node.op === "reduce" && node.attrs.kind === "sum");
  if (!sums) return undefined;
  const flat = inputs.map((t, k) => (node.inputs[k]?.type.dtype === "f32" ? { shape: t.shape, data: t.data.map(Math.abs) } : t));
  const total = apply(node, flat, context);
  const terms = node.op === "cumsum" ? (total.shape[node.attrs.axis] ?? 1) : Math.max(1, (inputs[0]?.data.length ?? 1) / Math.max(1, total.data.length));
  // Numbers that f32 adds exactly stay exact.
  const whole = flat.every((t, k) => node.inputs[k]?.type.dtype !== "f32" || t.data.every((v) => Number.isInteger(v) && v < 4096));
  return { shape: total.shape, data: total.data.map((v) => (whole ? 0 : v * Math.sqrt(terms) * 0.25)) };
}

/** Decisions on real numbers, where some are too near to call; undefined for all else. */
function decide(node: Node, inputs: Values, context: EvalContext, by: Noise): Tensor64 | undefined {
  const [x, y] = inputs;
  if (!x || node.inputs[0]?.type.dtype !== "f32") return undefined;
  const moved = (t: Tensor64, by: (v: number, i: number) => number): Tensor64 => ({ shape: t.shape, data: t.data.map(by) });
  if (node.op === "compare" && y) {
    const close = (v: number, i: number): boolean => v !== y.data[i] && Math.abs(v - (y.data[i] ?? 0)) < near * Math.max(1, Math.abs(v));
    // What is nearly equal may be equal: that is a side of its own.
    const equality = node.attrs.relation === "==" || node.attrs.relation === "!=";
    const to = equality && by.side === 1 ? 0 : by.side * near;
    return apply(node, [moved(x, (v, i) => (close(v, i) ? (y.data[i] ?? 0) + to : v)), y], context);
  }
  const steps = node.op === "floor" || (node.op === "cast" && node.type.dtype !== "f32") || node.op === "mod" || node.op === "floordiv";
  if (steps) {
    const unit = (i: number): number => (y ? Math.abs(y.data[i] ?? 1) : 1);
    const toStep = (v: number, i: number): number => Math.abs(v / unit(i) - Math.round(v / unit(i)));
    return apply(node, [moved(x, (v, i) => (toStep(v, i) !== 0 && toStep(v, i) < near * Math.max(1, Math.abs(v)) ? v + by.side * 2 * near * Math.max(1, Math.abs(v)) : v)), ...inputs.slice(1)], context);
  }
  if (node.op === "argsort") return apply(node, [shaken(node.attrs.axis, x, by)], context);
  if (node.op === "argmax") return nearlyLargest(node.attrs.axis, x, by);
  return undefined;
}

/** What is near another value of its line, but not equal to it, moved across some of those. */
function shaken(axis: number, x: Tensor64, by: Noise): Tensor64 {
  const step = strides(x.shape)[axis] ?? 1;
  const length = x.shape[axis] ?? 1;
  const data = x.data.map((v, at) => {
    const start = at - (Math.floor(at / step) % length) * step;
    const close = Array.from({ length }, (_, k) => x.data[start + k * step] ?? 0).some((w) => w !== v && Math.abs(w - v) < near * Math.max(1, Math.abs(v)));
    return close ? v + (2 * by.next() - 1) * 2 * near * Math.max(1, Math.abs(v)) : v;
  });
  return { shape: x.shape, data };
}

/** The first or the last of those that may be the largest. */
function nearlyLargest(axis: number, x: Tensor64, by: Noise): Tensor64 {
  const strided = strides(x.shape);
  const rest = strided.filter((_, a) => a !== axis);
  return fill(x.shape.filter((_, a) => a !== axis), (index) => {
    const base = offset(index, rest);
    const row = Array.from({ length: x.shape[axis] ?? 0 }, (_, k) => x.data[base + k * (strided[axis] ?? 0)] ?? 0);
    const largest = Math.max(...row);
    const exact = row.indexOf(largest);
    // Equal ones are no tie that rounding decides: the first wins.
    const candidates = row.flatMap((v, k) => ((v === largest ? k === exact : largest - v < near * Math.max(1, Math.abs(largest))) ? [k] : []));
    return (by.side > 0 ? candidates[0] : candidates.at(-1)) ?? 0;
  });
}

function runLoop(loop: NodeOf<"loop">, inputs: Values, context: EvalContext, by: Noise | undefined, met: Met): Values {
  const { trip, body, carries, slices, reverse } = loop.attrs;
  let carried = inputs.slice(0, carries);
  const stacked = body.results.slice(carries).map(({ type }) => {
    const shape = type.shape.map(context.size);
    return { shape: [trip, ...shape], data: new Float64Array(trip * elements(shape)) };
  });
  for (let turn = 0; turn < trip; turn++) {
    const at = reverse ? trip - 1 - turn : turn;
    const results = run(body.results, context, by, met, ({ attrs }) => {
      const position = Number(attrs.path);
      if (attrs.kind === "iteration") return { shape: [], data: Float64Array.of(at) };
      if (attrs.kind === "carry") return carried[position] as Tensor64;
      if (attrs.kind === "slice") return row(inputs[carries + position] as Tensor64, at);
      return inputs[carries + slices + position] as Tensor64;
    });
    carried = results.slice(0, carries);
    stacked.forEach((stack, s) => {
      stack.data.set((results[carries + s] as Tensor64).data, at * elements(stack.shape.slice(1)));
    });
  }
  return [...carried, ...stacked];
}

function row(x: Tensor64, at: number): Tensor64 {
  const shape = x.shape.slice(1);
  const count = elements(shape);
  return { shape, data: x.data.subarray(at * count, (at + 1) * count) };
}
