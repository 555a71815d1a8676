/**
 * Movement by data: rows picked by integers, and sums into rows named by integers. Each is the other's adjoint.
 *
 *     gather 0       : x[K, R], idx[I]  -> out[I, R] = x[idx[i], r]
 *     scatter_sum 0  : g[I, R], idx[I]  -> out[size, R] = Σ_i g[i, r] where idx[i] = k
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { printType, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";
import { arg, subscripted } from "./latex-words.ts";
import { noPath } from "./op.ts";
import type { OpRecord, Refusal, Tensor64 } from "./op.ts";
import { axesOf, f32, i32, noPaths, two } from "./operands.ts";
import { elements } from "./tensor64.ts";
import { countRefused, dtypeRefused } from "./type-rules.ts";

function indexRefused(inputs: readonly TensorType[], batch: number): Refusal | undefined {
  const [x, idx] = inputs;
  const refused = countRefused(inputs, 2) ?? dtypeRefused(inputs.slice(1), ["i32"]);
  if (refused || !x || !idx) return refused ? { ...refused, operand: 1 } : { refuse: "needs two operands" };
  if (!Number.isInteger(batch) || batch < 0 || batch > idx.shape.length) return { refuse: `has ${batch} batch axes for indices ${printType(idx)}`, operand: 1 };
  return undefined;
}

/** x[B…, K, R…], idx[B…, I…] -> x[b…, idx[b…, i…], r…]. */
export const gather: OpRecord<"gather"> = {
  name: "gather",
  doc: "Elements picked by integers: out[b…, i…, r…] = x[b…, idx[b…, i…], r…].",
  class: "gather",
  params: { batch: "how many leading axes x and idx share" },
  type: ({ batch }, inputs) => {
    const [x, idx] = inputs;
    const refused = indexRefused(inputs, batch);
    if (refused || !x || !idx) return refused ?? { refuse: "needs two operands" };
    if (x.shape.length <= batch) return { refuse: `has no axis to pick from in ${printType(x)}`, operand: 0 };
    if (idx.shape.slice(0, batch).some((d, a) => !dims.equal(d, x.shape[a] as Dim))) return { refuse: `batch axes of ${printType(x)} and ${printType(idx)} differ`, operand: 1 };
    return tensor(x.dtype, [...idx.shape, ...x.shape.slice(batch + 1)]);
  },
  grad: (e, node, g) => {
    if (node.type.dtype !== "f32") return noPaths(e, node);
    const [x, idx] = two(node);
    const { batch } = node.attrs;
    const rows = x.type.shape[batch] as Dim;
    const isLong = typeof rows !== "number" || rows > fewRows;
    if (isLong && idx.type.shape.length === batch + 1 && isOrder(idx, batch)) return [e.gather(g, e.make("argsort", { axis: batch, descending: false }, [idx]), batch), noPath];
    return [scatter(e, g, idx, batch, rows), noPath];
  },
  eval: {
    kind: "tensor",
    of: (node, inputs) => {
      const { batch } = node.attrs;
      const [x, idx] = inputs as readonly [Tensor64, Tensor64];
      const extent = x.shape[batch] ?? 0;
      const inner = elements(x.shape.slice(batch + 1));
      const perBatch = elements(idx.shape.slice(batch));
      const shape = [...idx.shape, ...x.shape.slice(batch + 1)];
      const data = new Float64Array(elements(shape));
      idx.data.forEach((k, i) => {
        checkIndex("gather", k, extent);
        const from = (Math.floor(i / perBatch) * extent + k) * inner;
        data.set(x.data.subarray(from, from + inner), i * inner);
      });
      return { shape, data };
    },
  },
  samples: [
    { attrs: { batch: 0 }, inputs: [f32(4, 3), i32(2)], ranges: [[-2, 2], [0, 3]] },
    { attrs: { batch: 0 }, inputs: [f32(4, 3), i32(2, 5)], ranges: [[-2, 2], [0, 3]] },
    { attrs: { batch: 1 }, inputs: [f32(3, 4), i32(3)], ranges: [[-2, 2], [0, 3]] },
    { attrs: { batch: 1 }, inputs: [f32(2, 4, 3), i32(2, 5)], ranges: [[-2, 2], [0, 3]] },
    { attrs: { batch: 0 }, inputs: [f32(4), i32()], ranges: [[-2, 2], [0, 3]] },
  ],
  latex: (_, args) => `${subscripted(arg(args, 0))}_{${arg(args, 1)}}`,
};

/** g[B…, I…, R…], idx[B…, I…] -> Σ over I of g where idx = k. */
export const scatterSum: OpRecord<"scatter_sum"> = {
  name: "scatter_sum",
  doc: "Sums into rows named by integers: out[b…, k, r…] = Σ over i… of g[b…, i…, r…] where idx[b…, i…] = k.",
  class: "gather",
  params: { batch: "how many leading axes are not summed", size: "how many rows there are" },
  type: ({ batch, size }, inputs) => {
    const [x, idx] = inputs;
    const refused = indexRefused(inputs, batch) ?? dtypeRefused(inputs.slice(0, 1), ["f32", "i32"]);
    if (refused || !x || !idx) return refused ?? { refuse: "needs two operands" };
    if (!Number.isInteger(size) || size < 0) return { refuse: `cannot have ${size} rows` };
    const fits = x.shape.length >= idx.shape.length && idx.shape.every((d, a) => dims.equal(d, x.shape[a] as Dim));
    if (!fits) return { refuse: `indices ${printType(idx)} are no leading part of ${printType(x)}`, operand: 1 };
    return tensor(x.dtype, [...idx.shape.slice(0, batch), size, ...x.shape.slice(idx.shape.length)]);
  },
  grad: (e, node, g) => {
    if (node.type.dtype !== "f32") return noPaths(e, node);
    return [e.gather(g, two(node)[1], node.attrs.batch), noPath];
  },
  eval: {
    kind: "tensor",
    of: (node, inputs) => {
      const { batch, size } = node.attrs;
      const [x, idx] = inputs as readonly [Tensor64, Tensor64];
      const inner = elements(x.shape.slice(idx.shape.length));
      const perBatch = elements(idx.shape.slice(batch));
      const shape = [...idx.shape.slice(0, batch), size, ...x.shape.slice(idx.shape.length)];
      const data = new Float64Array(elements(shape));
      idx.data.forEach((k, i) => {
        checkIndex("scatter_sum", k, size);
        const to = (Math.floor(i / perBatch) * size + k) * inner;
        for (let r = 0; r < inner; r++) data[to + r] = (data[to + r] ?? 0) + (x.data[i * inner + r] ?? 0);
      });
      return { shape, data };
    },
  },
  samples: [
    { attrs: { batch: 0, size: 4 }, inputs: [f32(3, 2), i32(3)], ranges: [[-2, 2], [0, 3]] },
    { attrs: { batch: 1, size: 4 }, inputs: [f32(2, 5, 3), i32(2, 5)], ranges: [[-2, 2], [0, 3]] },
    { attrs: { batch: 0, size: 3 }, inputs: [f32(2, 4), i32(2, 4)], ranges: [[-2, 2], [0, 2]] },
  ],
  latex: (_, args) => `\\sum_{i:\\ ${arg(args, 1)} = k} ${arg(args, 0)}`,
};

/** Sums into this many rows are as cheap as finding where each row comes from. */
const fewRows = 64;

/**
 * True when integers are an order along an axis, so that each place occurs once: then the adjoint of gathering by them is gathering by
 * the inverse order, n log² n where sums into rows are n².
 */
function isOrder(idx: Node, axis: number): boolean {
  if (idx.op === "argsort") return idx.attrs.axis === axis;
  if (idx.op !== "view") return false;
  const { index, guards } = idx.attrs.map;
  const reads = index.flatMap((c, a) => ((c.numerator.k[axis] ?? 0) !== 0 ? [a] : []));
  const [only] = reads;
  const c = only === undefined ? undefined : index[only];
  if (only === undefined || !c || reads.length > 1 || guards.length > 0 || c.divisor !== 1 || c.numerator.c !== 0) return false;
  const from = idx.inputs[0] as Node;
  const isWhole = c.numerator.k.every((k, a) => k === (a === axis ? 1 : 0)) && dims.equal(from.type.shape[only] as Dim, idx.type.shape[axis] as Dim);
  return isWhole && isOrder(from, only);
}

function checkIndex(op: string, index: number, extent: number): void {
  if (!(index >= 0 && index < extent)) throw new InternalError("evaluate", `${op} reads row ${index} of ${extent}`);
}

/**
 * The sum of g into rows, as the adjoint of a gather. Where nothing is summed (indices have batch axes alone) it is a
 * choice, select(k = idx, g, 0): with it the gradient of a cross-entropy becomes softmax - onehot. Where the number of
 * rows is known only with the data, each row sums what names it.
 */
export function scatter(e: Emit, g: Node, idx: Node, batch: number, rows: Dim): Node {
  const lead = idx.type.shape;
  const summed = axesOf(lead).slice(batch);
  if (summed.length > 0 && typeof rows === "number") return e.scatterSum(g, idx, batch, rows);
  const inner = g.type.shape.slice(lead.length);
  const shape = [...lead.slice(0, batch), rows, ...lead.slice(batch), ...inner];
  const place = (a: number): number => (a < batch ? a : a + 1);
  const hit = e.compare("==", e.broadcast(e.iota(rows), shape, [batch]), e.broadcast(idx, shape, axesOf(lead).map(place)));
  const spread = e.broadcast(g, shape, axesOf(g.type.shape).map(place));
  return e.reduce("sum", e.select(hit, spread, e.like(spread, 0)), summed.map(place));
}
