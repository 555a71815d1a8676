/**
 * The oracle: evaluates a graph in f64, one node after the other, by the `eval` of the op table. Slow and obvious. In: a
 * graph and where its leaves come from. Out: outputs and commits as dense tensors.
 *
 *     evaluate(graph, { sizes: { N: 3 }, seed: 0, step: 1, example: 0, input: () => x, stored: () => w, scalar: () => 0.1 })
 *
 * Integers are exact and wrap at 32 bits (products of i32 are exact up to 2^53); bool is 0 or 1.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Graph, Node, NodeOf, OpName } from "../ir/node.ts";
import type { TensorType } from "../ir/types.ts";
import { printType } from "../ir/types.ts";
import type { EvalContext, OpRecord, Tensor64 } from "../ops/op.ts";
import { table } from "../ops/table.ts";
import { elements, wrap } from "../ops/tensor64.ts";
import { InternalError } from "../support/diagnostic.ts";
import { topological } from "./topological.ts";
import { rootsOf } from "./walk.ts";

/** What an evaluation takes from outside. */
export interface Surroundings {
  /** The number that each size symbol is. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly step: number;
  /** Number of the first example of this batch in its logical batch. */
  readonly example: number;
  /** The tensor fed for an input or target. */
  readonly input: (name: string, type: TensorType) => Tensor64;
  /** The stored value of a parameter or state. */
  readonly stored: (path: string) => Tensor64;
  /** The value of a hyperparameter or step number. */
  readonly scalar: (kind: "hyper" | "step", path: string) => number;
  /** Nodes whose values are given, and what they need not computed. */
  readonly known?: ReadonlyMap<Node, Tensor64>;
}

/** What an entry computes. */
export interface Evaluation {
  readonly outputs: ReadonlyMap<string, Tensor64>;
  readonly commits: ReadonlyMap<string, Tensor64>;
}

/** Evaluates every output and commit. */
export function evaluate(graph: Pick<Graph, "outputs" | "commits">, around: Surroundings): Evaluation {
  const values = evaluateNodes(rootsOf(graph), around);
  const count = graph.outputs.length;
  return {
    outputs: new Map(graph.outputs.map((o, i) => [o.name, values[i] as Tensor64])),
    commits: new Map(graph.commits.map((c, i) => [c.path, values[count + i] as Tensor64])),
  };
}

/** Gives the value of a leaf. */
type LeafValue = (leaf: NodeOf<"leaf">) => Tensor64;

/** The values of some nodes. */
export function evaluateNodes(roots: readonly Node[], around: Surroundings): readonly Tensor64[] {
  const values = evaluateAll(roots, around);
  return roots.map((r) => values.get(r) as Tensor64);
}

/** The values of some nodes and of all that they are made from; a loop's body is left out. */
export function evaluateAll(roots: readonly Node[], around: Surroundings): ReadonlyMap<Node, Tensor64> {
  const context: EvalContext = { size: (dim: Dim) => dims.evaluate(dim, around.sizes), seed: around.seed, step: around.step, example: around.example };
  const fromOutside: LeafValue = ({ attrs }) => {
    const { kind, path } = attrs;
    if (kind === "input") return around.input(path, attrs.type);
    if (kind === "param" || kind === "state") return around.stored(path);
    if (kind === "hyper" || kind === "step") return { shape: [], data: Float64Array.of(around.scalar(kind, path)) };
    throw new InternalError("evaluate", `leaf ${kind} ${path} occurs outside a loop`);
  };
  return run(roots, context, fromOutside, around.known);
}

/** Recursion is as deep as loops are nested. */
function run(roots: readonly Node[], context: EvalContext, leafValue: LeafValue, known: ReadonlyMap<Node, Tensor64> = new Map()): ReadonlyMap<Node, Tensor64> {
  const values = new Map<Node, Tensor64>(known);
  const results = new Map<Node, readonly Tensor64[]>();
  for (const node of topological(roots, known)) {
    if (node.op === "pick") {
      values.set(node, results.get(node.inputs[0] as Node)?.[node.attrs.index] as Tensor64);
      continue;
    }
    const inputs = node.inputs.map((x) => values.get(x) as Tensor64);
    if (node.op === "loop") {
      const all = runLoop(node, inputs, context);
      results.set(node, all);
      values.set(node, all[0] as Tensor64);
      continue;
    }
    const value = node.op === "leaf" ? leafValue(node) : apply(node, inputs, context);
    checkShape(node, value, context);
    values.set(node, value);
  }
  return values;
}

function apply(node: Node, inputs: readonly Tensor64[], context: EvalContext): Tensor64 {
  // The record of an op takes nodes of that op; the pairing cannot be told to the compiler.
  const { eval: rule } = table[node.op] as unknown as OpRecord<OpName>;
  if (rule.kind === "tensor") return rule.of(node as NodeOf<OpName>, inputs, context);
  if (rule.kind === "evaluator") throw new InternalError("evaluate", `${node.op} (node ${node.id}) has no value; it is removed by differentiate`);
  const [x, y, z] = inputs as readonly [Tensor64, Tensor64?, Tensor64?];
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const a = x.data[i] as number;
    data[i] = z && y ? rule.of(node.attrs, a, y.data[i] as number, z.data[i] as number) : y ? rule.of(node.attrs, a, y.data[i] as number) : rule.of(node.attrs, a);
  }
  return { shape: x.shape, data: wrap(node.type.dtype, data) };
}

function runLoop(loop: NodeOf<"loop">, inputs: readonly Tensor64[], context: EvalContext): readonly Tensor64[] {
  const { trip, body, carries, slices, reverse } = loop.attrs;
  let carried = inputs.slice(0, carries);
  const stacked = body.results.slice(carries).map(({ type }) => {
    const shape = type.shape.map(context.size);
    return { shape: [trip, ...shape], data: new Float64Array(trip * elements(shape)) };
  });
  for (let turn = 0; turn < trip; turn++) {
    const at = reverse ? trip - 1 - turn : turn;
    const leafValue: LeafValue = ({ attrs }) => {
      const position = Number(attrs.path);
      if (attrs.kind === "iteration") return { shape: [], data: Float64Array.of(at) };
      if (attrs.kind === "carry") return carried[position] as Tensor64;
      if (attrs.kind === "slice") return row(inputs[carries + position] as Tensor64, at);
      if (attrs.kind === "capture") return inputs[carries + slices + position] as Tensor64;
      throw new InternalError("evaluate", `leaf ${attrs.kind} ${attrs.path} occurs in a loop's body, which is closed`);
    };
    const values = run(body.results, context, leafValue);
    const results = body.results.map((r) => values.get(r) as Tensor64);
    carried = results.slice(0, carries);
    for (const [s, stack] of stacked.entries()) stack.data.set((results[carries + s] as Tensor64).data, at * elements(stack.shape.slice(1)));
  }
  return [...carried, ...stacked];
}

function row(x: Tensor64, at: number): Tensor64 {
  const shape = x.shape.slice(1);
  const count = elements(shape);
  return { shape, data: x.data.subarray(at * count, (at + 1) * count) };
}

function checkShape(node: { readonly op: string; readonly id: number; readonly type: TensorType }, value: Tensor64, context: EvalContext): void {
  const wanted = node.type.shape.map(context.size);
  if (wanted.length === value.shape.length && wanted.every((d, a) => d === value.shape[a]) && elements(wanted) === value.data.length) return;
  throw new InternalError("evaluate", `${node.op} (node ${node.id}) of type ${printType(node.type)} has the shape [${value.shape.join(", ")}] with ${value.data.length} numbers`);
}
