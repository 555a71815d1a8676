/**
 * Folding axes away. A mask says which elements take part; a sum over nothing is 0, any is false, all is true.
 *
 *     reduce sum [1] : f32[B, I] -> f32[B],  g -> g spread over I
 */
import type { Emit } from "../ir/emit.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node, NodeOf, ReduceKind } from "../ir/node.ts";
import { printType, sameShape, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { arg } from "./latex-words.ts";
import { noPath } from "./op.ts";
import type { Adjoint, OpRecord, Refusal, Sample, Tensor64 } from "./op.ts";
import { axesOf, bool, f32, i32, noPaths, one } from "./operands.ts";
import { each, elements, fill, offset, strides, wrap } from "./tensor64.ts";
import { countRefused, dtypeRefused, withoutAxes } from "./type-rules.ts";

/** The identity of `max` on f32 and on i32: the lowest number, since infinity is no value. */
export const lowest = { f32: -3.4028234663852886e38, i32: -2147483648 } as const;

function badAxes(x: TensorType, axes: readonly number[]): Refusal | undefined {
  const bad = axes.find((a, i) => !Number.isInteger(a) || a < 0 || a >= x.shape.length || (i > 0 && a <= (axes[i - 1] ?? -1)));
  return bad === undefined ? undefined : { refuse: `axes [${axes.join(", ")}] are not ascending axes of ${printType(x)}`, operand: 0 };
}

const allowed = { sum: ["f32", "i32", "u32"], prod: ["f32"], max: ["f32", "i32"], any: ["bool"], all: ["bool"] } as const;

/** sum, prod, max, any, all. */
export const reduce: OpRecord<"reduce"> = {
  name: "reduce",
  doc: "Folds axes by sum, prod, max, any or all, over the elements where the mask (if given) holds. The gradient of max goes to the first largest in row-major order, that of prod is the product of the other elements.",
  class: "reduce",
  params: { kind: "sum, prod, max, any or all", axes: "the axes that vanish, ascending" },
  type: ({ kind, axes }, inputs) => {
    const [x, mask] = inputs;
    const refused = countRefused(inputs, 1, 2) ?? dtypeRefused(inputs.slice(0, 1), allowed[kind]) ?? (mask && mask.dtype !== "bool" ? { refuse: `takes a bool mask, not ${printType(mask)}`, operand: 1 } : undefined);
    if (refused || !x) return refused ?? { refuse: "needs an operand" };
    if (mask && !sameShape(mask.shape, x.shape)) return { refuse: `mask ${printType(mask)} and value ${printType(x)} differ in shape`, operand: 1 };
    const bad = badAxes(x, axes);
    if (bad) return bad;
    if (kind === "max" && axes.some((a) => x.shape[a] === 0)) return { refuse: `has no largest element over an empty axis of ${printType(x)}`, operand: 0 };
    return withoutAxes(x, axes);
  },
  grad: (e, node, g) => {
    if (node.type.dtype !== "f32") return noPaths(e, node);
    const toX = node.attrs.kind === "max" ? toLargest(e, node, g) : node.attrs.kind === "prod" ? e.mul(spread(e, g, node), others(e, node)) : spread(e, g, node);
    const mask = node.inputs[1];
    return mask ? [e.select(mask, toX, e.like(toX, 0)), noPath] : [toX];
  },
  eval: { kind: "tensor", of: (node, [x, mask]) => evaluateReduce(node, x as Tensor64, mask) },
  samples: [
    ...([[0], [1], [0, 2], [0, 1, 2]] as const).map((axes): Sample<"reduce"> => ({ attrs: { kind: "sum", axes }, inputs: [f32(2, 3, 4)] })),
    { attrs: { kind: "sum", axes: [1] }, inputs: [f32(3, 1)] },
    ...([[0], [1], [0, 2]] as const).map((axes): Sample<"reduce"> => ({ attrs: { kind: "prod", axes }, inputs: [f32(2, 3, 2)] })),
    { attrs: { kind: "prod", axes: [1] }, inputs: [f32(2, 3), bool(2, 3)], ranges: [[-2, 2], [0, 1]] },
    { attrs: { kind: "sum", axes: [1] }, inputs: [f32(2, 5), bool(2, 5)], ranges: [[-2, 2], [0, 1]] },
    ...([[1], [0], [0, 2], [1, 2], [0, 1, 2]] as const).map((axes): Sample<"reduce"> => ({ attrs: { kind: "max", axes }, inputs: [f32(2, 3, 4)] })),
    { attrs: { kind: "max", axes: [0] }, inputs: [f32(5, 2), bool(5, 2)], ranges: [[-2, 2], [0, 1]] },
    { attrs: { kind: "max", axes: [1] }, inputs: [i32(2, 3)], ranges: [[-4, 4]] },
    ...(["any", "all"] as const).map((kind): Sample<"reduce"> => ({ attrs: { kind, axes: [1] }, inputs: [bool(4, 2)], ranges: [[0, 1]] })),
  ],
  latex: ({ kind, axes }, args) => {
    const over = axes.map((a) => `i_{${a}}`).join(", ");
    const where = args.length > 1 ? `,\\ ${arg(args, 1)}` : "";
    const sign = { sum: "\\sum", prod: "\\prod", max: "\\max", any: "\\bigvee", all: "\\bigwedge" }[kind];
    return `${sign}_{${over}${where}} ${arg(args, 0)}`;
  },
};

/** The adjoint of a sum: g along every axis that vanished. */
function spread(e: Emit, g: Node, node: NodeOf<"reduce">): Node {
  const { shape } = one(node).type;
  return e.broadcast(g, shape, axesOf(shape).filter((a) => !node.attrs.axes.includes(a)));
}

/**
 * The adjoint of a max: g where the element is the first largest. The axes are moved to the end and merged into one, in
 * which row-major order is the order of argmax.
 */
function toLargest(e: Emit, node: NodeOf<"reduce">, g: Node): Node {
  const [x, mask] = node.inputs as readonly [Node, Node?];
  const { axes } = node.attrs;
  const { shape } = x.type;
  if (axes.length === 0) return g;
  const kept = axesOf(shape).filter((a) => !axes.includes(a));
  const order = [...kept, ...axes];
  const keptShape = kept.map((a) => shape[a] as Dim);
  const gone = axes.map((a) => shape[a] as Dim);
  const merged = [...keptShape, dims.product(gone)];
  const masked = mask ? e.select(mask, x, e.like(x, lowest.f32)) : x;
  const moved = order.every((a, i) => a === i) ? masked : e.transpose(masked, order);
  const row = axes.length === 1 ? moved : e.reshape(moved, merged);
  const last = kept.length;
  const places = e.broadcast(e.iota(merged[last] as Dim), merged, [last]);
  const first = e.broadcast(e.argmax(row, last), merged, axesOf(keptShape));
  const toRow = e.select(e.compare("==", places, first), e.broadcast(g, merged, axesOf(keptShape)), e.const({ dtype: "f32", shape: merged }, 0));
  const back = axes.length === 1 ? toRow : e.reshape(toRow, [...keptShape, ...gone]);
  return order.every((a, i) => a === i) ? back : e.transpose(back, axesOf(shape).map((a) => order.indexOf(a)));
}

/**
 * For each element the product of all others that are kept: right where elements are 0, and a product itself, so it has derivatives
 * of any order. Axes: those that stay, the element's, those multiplied.
 */
function others(e: Emit, node: NodeOf<"reduce">): Node {
  const [x, mask] = node.inputs as readonly [Node, Node?];
  const { axes } = node.attrs;
  const { shape } = x.type;
  const kept = axesOf(shape).filter((a) => !axes.includes(a));
  const wide = [...kept.map((a) => shape[a] as Dim), ...axes.map((a) => shape[a] as Dim), ...axes.map((a) => shape[a] as Dim)];
  const [mine, theirs] = [kept.length, kept.length + axes.length];
  const over = (y: Node): Node => e.broadcast(y, wide, axesOf(shape).map((a) => (axes.includes(a) ? theirs + axes.indexOf(a) : kept.indexOf(a))));
  const position = (axis: number, from: number): Node => e.broadcast(e.iota(shape[axes[axis] as number] as Dim), wide, [from + axis]);
  const differs = axes.map((_, axis) => e.compare("!=", position(axis, mine), position(axis, theirs))).reduce((a, b) => e.logic("or", a, b));
  const product = e.reduce("prod", over(x), axes.map((_, axis) => theirs + axis), mask ? e.logic("and", differs, over(mask)) : differs);
  const order = [...kept, ...axes];
  return order.every((a, i) => a === i) ? product : e.transpose(product, axesOf(shape).map((a) => order.indexOf(a)));
}

const folds: Readonly<Record<ReduceKind, { readonly start: number; readonly step: (a: number, b: number) => number }>> = {
  sum: { start: 0, step: (a, b) => a + b },
  prod: { start: 1, step: (a, b) => a * b },
  max: { start: lowest.f32, step: Math.max },
  any: { start: 0, step: (a, b) => (a !== 0 || b !== 0 ? 1 : 0) },
  all: { start: 1, step: (a, b) => (a !== 0 && b !== 0 ? 1 : 0) },
};

function evaluateReduce(node: NodeOf<"reduce">, x: Tensor64, mask: Tensor64 | undefined): Tensor64 {
  const { kind, axes } = node.attrs;
  const { start, step } = folds[kind];
  const shape = x.shape.filter((_, a) => !axes.includes(a));
  const data = new Float64Array(elements(shape)).fill(kind === "max" && node.type.dtype === "i32" ? lowest.i32 : start);
  const outStrides = strides(shape);
  // The output's stride along each axis of x; 0 along those that vanish.
  const toOut = x.shape.map((_, a) => (axes.includes(a) ? 0 : (outStrides[a - axes.filter((b) => b < a).length] ?? 0)));
  each(x.shape, (index, flat) => {
    if (mask && mask.data[flat] === 0) return;
    const at = offset(index, toOut);
    data[at] = step(data[at] ?? 0, x.data[flat] ?? 0);
  });
  return { shape, data: wrap(node.type.dtype, data) };
}

/** The position of the first largest. */
export const argmax: OpRecord<"argmax"> = {
  name: "argmax",
  doc: "The position of the first largest element along an axis, i32; the axis vanishes.",
  class: "reduce",
  params: { axis: "the axis searched" },
  type: ({ axis }, inputs): TensorType | Refusal => {
    const [x] = inputs;
    const refused = countRefused(inputs, 1) ?? dtypeRefused(inputs, ["f32", "i32", "u32"]);
    if (refused || !x) return refused ?? { refuse: "needs an operand" };
    const bad = badAxes(x, [axis]);
    if (bad) return bad;
    if (x.shape[axis] === 0) return { refuse: `has no largest element over an empty axis of ${printType(x)}`, operand: 0 };
    return tensor("i32", withoutAxes(x, [axis]).shape);
  },
  grad: (e, node): readonly Adjoint[] => noPaths(e, node),
  eval: {
    kind: "tensor",
    of: (node, [x]) => {
      const { axis } = node.attrs;
      const value = x as Tensor64;
      const by = strides(value.shape);
      const shape = value.shape.filter((_, a) => a !== axis);
      const rest = by.filter((_, a) => a !== axis);
      return fill(shape, (index) => {
        const base = offset(index, rest);
        let best = 0;
        for (let k = 1; k < (value.shape[axis] ?? 0); k++) {
          if ((value.data[base + k * (by[axis] ?? 0)] ?? 0) > (value.data[base + best * (by[axis] ?? 0)] ?? 0)) best = k;
        }
        return best;
      });
    },
  },
  samples: [{ attrs: { axis: 1 }, inputs: [f32(3, 4)] }, { attrs: { axis: 0 }, inputs: [f32(3, 2, 2)] }, { attrs: { axis: 1 }, inputs: [i32(3, 4)], ranges: [[0, 2]] }],
  latex: ({ axis }, args) => `\\operatorname*{arg\\,max}_{i_{${axis}}} ${arg(args, 0)}`,
};
