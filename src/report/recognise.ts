/**
 * Functions that people know by name, in a graph that holds only primitives. In: a node. Out: the name and what it is of.
 * Nothing is decided by it: a formula is printed shorter.
 *
 *     exp(x - max x) / Σ exp(x - max x)     softmax(x)
 *     max(x, -x)                            abs(x)
 *     select(x > 0, 1, select(x < 0, -1, 0))  sign(x)
 */
import type { Node } from "../ir/node.ts";
import * as dims from "../ir/dims.ts";
import { axisNames, isSplat, splatOf } from "../simplify/match.ts";

/** A named function of nodes, perhaps along an axis that is not the last. */
export interface Recognised {
  readonly name: string;
  readonly of: readonly Node[];
  /** Numbers that follow the operands. */
  readonly with?: readonly string[];
  readonly axis?: number;
}

/** What the node is known as. */
export function recognise(node: Node): Recognised | undefined {
  for (const find of finders) {
    const found = find(node);
    if (found) return found;
  }
  return undefined;
}

type Finder = (node: Node) => Recognised | undefined;

/** An operand of a node of that op. */
function operand(node: Node | undefined, op: Node["op"], at = 0): Node | undefined {
  return node?.op === op ? node.inputs[at] : undefined;
}

/** What a view without guards spreads along axes that its operand does not have, and the axes it has. */
function spreadOf(node: Node | undefined): { readonly x: Node; readonly axes: readonly number[] } | undefined {
  if (node?.op !== "view") return undefined;
  const x = node.inputs[0] as Node;
  const axes = axisNames(node.attrs.map, x.type.shape);
  return axes && { x, axes };
}

/** The one axis that the reduction takes from `x`. */
function reduced(node: Node | undefined, kind: "sum" | "max", x: Node): number | undefined {
  if (node?.op !== "reduce" || node.attrs.kind !== kind || node.inputs.length !== 1 || node.inputs[0] !== x) return undefined;
  return node.attrs.axes.length === 1 ? node.attrs.axes[0] : undefined;
}

/** x and the axis where the node is exp(x - max x along it). */
function shiftedExp(node: Node | undefined): { readonly x: Node; readonly axis: number } | undefined {
  const shifted = operand(node, "exp");
  const x = operand(shifted, "add");
  const minus = operand(operand(shifted, "add", 1), "neg");
  const spread = spreadOf(minus);
  const axis = x && spread && reduced(spread.x, "max", x);
  return x && axis !== undefined ? { x, axis } : undefined;
}

const along = (name: string, x: Node, axis: number): Recognised => ({ name, of: [x], ...(axis !== x.type.shape.length - 1 && { axis }) });

const softmax: Finder = (node) => {
  const e = operand(node, "div");
  const shifted = shiftedExp(e);
  const total = spreadOf(operand(node, "div", 1));
  if (!e || !shifted || !total || reduced(total.x, "sum", e) !== shifted.axis) return undefined;
  return along("softmax", shifted.x, shifted.axis);
};

/** What a view only gives axes of size 1; any other node is itself. */
function bare(node: Node | undefined): Node | undefined {
  const spread = spreadOf(node);
  return spread && node?.type.shape.every((d, a) => d === 1 || spread.axes.includes(a)) ? spread.x : node;
}

const logsumexp: Finder = (node) => {
  if (node.op !== "add") return undefined;
  for (const [m, log] of [[node.inputs[0], node.inputs[1]], [node.inputs[1], node.inputs[0]]]) {
    const total = bare(operand(bare(log), "log"));
    const shifted = shiftedExp(total?.inputs[0]);
    if (!total || !shifted || reduced(total, "sum", total.inputs[0] as Node) !== shifted.axis) continue;
    if (reduced(bare(m), "max", shifted.x) !== shifted.axis) continue;
    return { ...along("logsumexp", shifted.x, shifted.axis), ...(node.type.shape.length === shifted.x.type.shape.length && { with: ["keep = true"] }) };
  }
  return undefined;
};

/** select(x > 0, a, b). */
function byingSign(node: Node | undefined): { readonly x: Node; readonly above: Node; readonly below: Node } | undefined {
  if (node?.op !== "select") return undefined;
  const [c, above, below] = node.inputs as unknown as readonly [Node, Node, Node];
  if (c.op !== "compare" || !(c.attrs.relation === ">" || c.attrs.relation === ">=") || !isSplat(c.inputs[1], 0)) return undefined;
  return { x: c.inputs[0] as Node, above, below };
}

const relu: Finder = (node) => {
  const s = byingSign(node);
  if (s && s.above === s.x && isSplat(s.below, 0)) return { name: "relu", of: [s.x] };
  return node.op === "max" && isSplat(node.inputs[1], 0) ? { name: "relu", of: [node.inputs[0] as Node] } : undefined;
};

const absolute: Finder = (node) => {
  const s = byingSign(node);
  if (s && s.above === s.x && operand(s.below, "neg") === s.x) return { name: "abs", of: [s.x] };
  if (node.op !== "max") return undefined;
  const [x, y] = node.inputs as unknown as readonly [Node, Node];
  return operand(y, "neg") === x ? { name: "abs", of: [x] } : operand(x, "neg") === y ? { name: "abs", of: [y] } : undefined;
};

const sign: Finder = (node) => {
  const s = byingSign(node);
  if (!s || !isSplat(s.above, 1) || s.below.op !== "select" || !isSplat(s.below.inputs[1], -1) || !isSplat(s.below.inputs[2], 0)) return undefined;
  const c = s.below.inputs[0] as Node;
  return c.op === "compare" && c.attrs.relation === "<" && c.inputs[0] === s.x && isSplat(c.inputs[1], 0) ? { name: "sign", of: [s.x] } : undefined;
};

const softplus: Finder = (node) => {
  if (node.op !== "add") return undefined;
  const top = node.inputs[0] && relu(node.inputs[0]);
  const x = top?.of[0];
  const exponent = operand(operand(node.inputs[1], "log1p"), "exp");
  const s = byingSign(exponent);
  return x && s && s.x === x && operand(s.above, "neg") === x && s.below === x ? { name: "softplus", of: [x] } : undefined;
};

const oneHot: Finder = (node) => {
  if (node.op !== "select" || !isSplat(node.inputs[1], 1) || !isSplat(node.inputs[2], 0)) return undefined;
  const c = node.inputs[0] as Node;
  if (c.op !== "compare" || c.attrs.relation !== "==") return undefined;
  const last = node.type.shape.length - 1;
  for (const [k, y] of [[c.inputs[0], c.inputs[1]], [c.inputs[1], c.inputs[0]]]) {
    const [numbers, labels] = [spreadOf(k), spreadOf(y)];
    if (numbers?.x.op !== "iota" || numbers.axes[0] !== last || !labels) continue;
    if (labels.axes.length === last && labels.axes.every((a, i) => a === i)) return { name: "one_hot", of: [labels.x], with: [dims.print(node.type.shape[last] as dims.Dim)] };
  }
  return undefined;
};

const mean: Finder = (node) => {
  const total = operand(node, "div");
  if (node.op !== "div" || total?.op !== "reduce" || total.attrs.kind !== "sum" || total.inputs.length > 1) return undefined;
  const x = total.inputs[0] as Node;
  const { axes } = total.attrs;
  const divisor = countOf(node.inputs[1]);
  const count = dims.product(axes.map((a) => x.type.shape[a] as dims.Dim));
  if (divisor === undefined || !dims.equal(divisor, count)) return undefined;
  if (axes.length === x.type.shape.length) return { name: "mean", of: [x] };
  return axes.length === 1 ? { name: "mean", of: [x], axis: axes[0] as number } : undefined;
};

/** The size that a scalar is: a constant, or the size of data. */
function countOf(node: Node | undefined): dims.Dim | undefined {
  const value = splatOf(node);
  if (value !== undefined) return value;
  const inner = node?.op === "view" && node.inputs[0]?.type.shape.length === 0 ? node.inputs[0] : node;
  const size = operand(inner, "cast") ?? inner;
  return size?.op === "size" ? size.attrs.dim : undefined;
}

const finders: readonly Finder[] = [softmax, logsumexp, softplus, oneHot, mean, absolute, sign, relu];
