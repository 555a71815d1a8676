/**
 * What computing a value again costs against keeping it, in cheap instructions of the software profile (prices.ts): an access of
 * memory is worth about fifteen of them, an exponential about ten.
 *
 *     tanh(a + b) read twice:   again 2 * (20 + 1 + 30) = 102,   kept 51 + 15 + 30 = 96   ->  keep
 */
import * as dims from "../ir/dims.ts";
import type { Node, OpName } from "../ir/node.ts";
import { nodeWeights, prices } from "./prices.ts";

/** One load or store of an element. */
export const access = prices.software.access / prices.software.instruction;

/** One element of the node, its inputs at hand. */
export function costOf(node: Node): number {
  // Row-major on both sides: the same place in memory under another name.
  if (node.op === "reshape" && [node, ...node.inputs].every((x) => x.type.shape.slice(1).every(dims.isStatic))) return 0;
  if (node.op === "pow" && Number.isInteger(node.attrs.exponent) && Math.abs(node.attrs.exponent) <= 4) return 2;
  return nodeWeights[node.op] ?? 1;
}

/** How many elements the node has at capacity. */
export function elementsOf(node: Node, capacity: dims.Bindings): number {
  let elements = 1;
  const { shape } = node.type;
  for (let i = 0; i < shape.length; i++) elements *= dims.evaluate(shape[i] as dims.Dim, capacity);
  return elements;
}

/** A contraction that reads each element of both operands once: a row-wise dot product, a reduction in all but name. */
export function isRowDot(node: Node): boolean {
  if (node.op !== "contract") return false;
  const { a, b, out } = node.attrs;
  return a.length === b.length && out.every((l) => a.includes(l) && b.includes(l));
}

/** The axes of the first input (reduce, argmax, contract) that a loop really runs over: those of more than one element. */
export function foldedAxes(node: Node): readonly number[] {
  const shape = node.inputs[0]?.type.shape ?? [];
  const long = (a: number): boolean => shape[a] !== 1;
  if (node.op === "reduce") return node.attrs.axes.filter(long);
  if (node.op === "argmax") return [node.attrs.axis].filter(long);
  if (node.op !== "contract") return [];
  const { a, out } = node.attrs;
  return a.flatMap((label, axis) => (out.includes(label) ? [] : [{ label, axis }])).sort((x, y) => x.label - y.label).map((x) => x.axis).filter(long);
}

/**
 * Nodes that become loops: each owns the nest it lies in. A sum over axes of one element is no loop; a contraction
 * without one is a product of broadcasts.
 */
export function isAnchor(node: Node): boolean {
  switch (node.op) {
    case "scatter_sum":
      return true;
    case "reduce":
      return node.inputs.length > 1 || node.attrs.axes.some((a) => node.inputs[0]?.type.shape[a] !== 1);
    case "argmax":
      return node.inputs[0]?.type.shape[node.attrs.axis] !== 1;
    case "contract":
      return node.attrs.a.some((label, axis) => node.inputs[0]?.type.shape[axis] !== 1 && !node.attrs.out.includes(label));
    default:
      return isInTurns(node);
  }
}

/** Elements that follow from other elements of the same node: each turn reads what those before it stored, in a nest of its own. */
export function isInTurns(node: Node): boolean {
  return node.op === "cumsum" || node.op === "cholesky" || node.op === "triangular_solve";
}

/** A contraction proper, which kernels tile: its operands must be plain reads. */
export function isProduct(node: Node): boolean {
  return node.op === "contract" && isAnchor(node) && !isRowDot(node);
}

/** Those that read an element of an input more or less than once. */
export const readsAnew: ReadonlySet<OpName> = new Set(["view", "gather", "triangular_solve", "scatter_sum", "contract"]);

/** How often an element of input `at` is read when each element of the node is computed once. */
export function readsPerElement(node: Node, at: number, capacity: dims.Bindings): number {
  const input = node.inputs[at];
  if (!input || !readsAnew.has(node.op)) return 1;
  const own = elementsOf(node, capacity);
  const its = Math.max(1, elementsOf(input, capacity));
  switch (node.op) {
    case "view":
    case "gather":
      return own / its;
    case "triangular_solve":
      return at === 0 ? (own / its) * dims.evaluate(input.type.shape.at(-1) ?? 1, capacity) : 1;
    case "scatter_sum":
      return node.attrs.size * (at === 0 ? 1 : Math.max(1, elementsOf(node.inputs[0] as Node, capacity) / its));
    case "contract": {
      const labels = new Map<number, number>();
      const [x, y] = node.inputs;
      node.attrs.a.forEach((l, i) => labels.set(l, dims.evaluate(x?.type.shape[i] ?? 1, capacity)));
      node.attrs.b.forEach((l, i) => labels.set(l, dims.evaluate(y?.type.shape[i] ?? 1, capacity)));
      return [...labels.values()].reduce((p, d) => p * d, 1) / its;
    }
    default:
      return 1;
  }
}
