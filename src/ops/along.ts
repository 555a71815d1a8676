/**
 * What runs along one axis: cumulative sums, and the order of the elements. Both leave the shape as it is.
 *
 *     cumsum 1 forward inclusive : f32[B, T] -> f32[B, T],  out[b, t] = Σ_{s ≤ t} x[b, s],  g -> Σ_{s ≥ t} g[b, s]
 *     argsort 1 ascending        : f32[B, T] -> i32[B, T],  x[b, out[b, 0]] ≤ x[b, out[b, 1]] ≤ …
 */
import { printType, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { arg, atom, called, subscripted } from "./latex-words.ts";
import type { OpRecord, Refusal, Sample, Tensor64 } from "./op.ts";
import { f32, i32, noPaths } from "./operands.ts";
import { elements, strides, wrap } from "./tensor64.ts";
import { countRefused, dtypeRefused } from "./type-rules.ts";

function axisRefused(x: TensorType, axis: number): Refusal | undefined {
  if (Number.isInteger(axis) && axis >= 0 && axis < x.shape.length) return undefined;
  return { refuse: `has no axis ${axis} in ${printType(x)}`, operand: 0 };
}

/** Calls `visit` once for each line along the axis, with where it starts; its elements lie `step` apart. */
function lines(shape: readonly number[], axis: number, visit: (start: number, step: number, length: number) => void): void {
  const step = strides(shape)[axis] ?? 1;
  const length = shape[axis] ?? 1;
  const count = length === 0 ? 0 : elements(shape) / length;
  for (let line = 0; line < count; line++) visit(Math.floor(line / step) * step * length + (line % step), step, length);
}

/** The sum of what comes before. */
export const cumsum: OpRecord<"cumsum"> = {
  name: "cumsum",
  doc: "Running sums along an axis: out_t = Σ_{s ≤ t} x_s; exclusive leaves x_t itself out, reverse sums what comes after. The adjoint is the running sum the other way round.",
  class: "reduce",
  params: { axis: "the axis summed along", reverse: "sums from each element to the end", exclusive: "leaves each element out of its own sum" },
  type: ({ axis }, inputs) => {
    const [x] = inputs;
    return countRefused(inputs, 1) ?? dtypeRefused(inputs, ["f32", "i32", "u32"]) ?? (x && axisRefused(x, axis)) ?? (x as TensorType);
  },
  grad: (e, node, g) => {
    if (node.type.dtype !== "f32") return noPaths(e, node);
    return [e.make("cumsum", { ...node.attrs, reverse: !node.attrs.reverse }, [g])];
  },
  eval: {
    kind: "tensor",
    of: (node, [x]) => {
      const { axis, reverse, exclusive } = node.attrs;
      const { shape, data } = x as Tensor64;
      const out = new Float64Array(data.length);
      lines(shape, axis, (start, step, length) => {
        let sum = 0;
        for (let turn = 0; turn < length; turn++) {
          const at = start + (reverse ? length - 1 - turn : turn) * step;
          if (exclusive) out[at] = sum;
          sum += data[at] ?? 0;
          if (!exclusive) out[at] = sum;
        }
      });
      return { shape, data: wrap(node.type.dtype, out) };
    },
  },
  samples: [
    ...[false, true].flatMap((reverse) => [false, true].map((exclusive): Sample<"cumsum"> => ({ attrs: { axis: 1, reverse, exclusive }, inputs: [f32(2, 5)] }))),
    { attrs: { axis: 0, reverse: false, exclusive: false }, inputs: [f32(4, 3)] },
    { attrs: { axis: 1, reverse: true, exclusive: false }, inputs: [f32(2, 3, 2)] },
    { attrs: { axis: 0, reverse: false, exclusive: true }, inputs: [f32(1, 3)] },
    { attrs: { axis: 0, reverse: false, exclusive: false }, inputs: [i32(5)], ranges: [[-4, 4]] },
  ],
  latex: ({ axis, reverse, exclusive }, args) => {
    const relation = reverse ? (exclusive ? ">" : "\\geq") : exclusive ? "<" : "\\leq";
    return `\\sum_{j ${relation} i_{${axis}}} ${subscripted(arg(args, 0))}_{j}`;
  },
};

/** The positions in order of value. */
export const argsort: OpRecord<"argsort"> = {
  name: "argsort",
  doc: "The positions along an axis in ascending (or descending) order of their elements, i32; equal elements keep their order either way, so that the result is one. An integer, hence without a gradient path: sorted values are gathered by it.",
  class: "reduce",
  params: { axis: "the axis ordered", descending: "the largest first" },
  type: ({ axis }, inputs) => {
    const [x] = inputs;
    return countRefused(inputs, 1) ?? dtypeRefused(inputs, ["f32", "i32", "u32"]) ?? (x && axisRefused(x, axis)) ?? tensor("i32", x?.shape ?? []);
  },
  grad: noPaths,
  eval: {
    kind: "tensor",
    of: (node, [x]) => {
      const { axis, descending } = node.attrs;
      const { shape, data } = x as Tensor64;
      const out = new Float64Array(data.length);
      lines(shape, axis, (start, step, length) => {
        const value = (k: number): number => data[start + k * step] ?? 0;
        const order = Array.from({ length }, (_, k) => k).sort((a, b) => compareValues(value(a), value(b)) * (descending ? -1 : 1) || a - b);
        order.forEach((k, at) => (out[start + at * step] = k));
      });
      return { shape, data: out };
    },
  },
  samples: [
    { attrs: { axis: 1, descending: false }, inputs: [f32(3, 5)] },
    { attrs: { axis: 1, descending: true }, inputs: [f32(3, 5)] },
    { attrs: { axis: 0, descending: false }, inputs: [f32(4, 3)] },
    { attrs: { axis: 1, descending: true }, inputs: [i32(2, 7)], ranges: [[0, 2]] },
    { attrs: { axis: 0, descending: false }, inputs: [i32(1)], ranges: [[0, 2]] },
  ],
  latex: ({ axis, descending }, args) => called(`\\operatorname{argsort}${descending ? "^{\\downarrow}" : ""}_{i_{${axis}}}`, [atom(arg(args, 0))]),
};

/** Less, equal, greater; what is no number comes after all numbers. */
function compareValues(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}
