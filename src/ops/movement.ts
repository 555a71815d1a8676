/**
 * Moving elements: views through access maps, reshapes, concatenation. Transpose, broadcast, slice, pad, flip, diagonal,
 * stride, dilation and im2col are all views.
 *
 *     view {[3, 2] <- [i1, i0]} : f32[2, 3] -> f32[3, 2]
 */
import * as access from "../ir/access.ts";
import type { AccessMap, Affine } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, printType, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";
import { arg, called, subscripted } from "./latex-words.ts";
import type { EvalContext, OpRecord, Refusal, Sample, Tensor64 } from "./op.ts";
import { f32, i32, noPaths, one } from "./operands.ts";
import { each, elements, fill, offset, strides } from "./tensor64.ts";
import { countRefused } from "./type-rules.ts";
import { viewAdjoint } from "./view-adjoint.ts";

const { affine, whole } = access;

/** out[i] = x[e(i)] where the guards hold, else 0. */
export const view: OpRecord<"view"> = {
  name: "view",
  doc: "Elements found through an affine map: out[i] = x[e(i)] where every guard holds at i, else 0.",
  class: "movement",
  params: { map: "shape of the result, a coordinate per axis of x, guards" },
  type: ({ map }, inputs) => {
    const [x] = inputs;
    const refused = countRefused(inputs, 1);
    if (refused || !x) return refused ?? { refuse: "needs an operand" };
    if (map.index.length !== x.shape.length) return { refuse: `has ${map.index.length} coordinates for ${printType(x)}`, operand: 0 };
    const forms: readonly Affine[] = [...map.index.map((c) => c.numerator), ...map.guards.map((g) => g.value)];
    if (forms.some((f) => f.k.length !== map.shape.length)) return { refuse: `speaks of other indices than those of ${printShape(map.shape)}` };
    if (forms.some((f) => f.k.some((k) => !Number.isInteger(k)))) return { refuse: "has a coefficient that is not whole" };
    if (map.index.some((c) => !Number.isInteger(c.divisor) || c.divisor < 1)) return { refuse: "divides by what is not a positive whole number" };
    return tensor(x.dtype, map.shape);
  },
  grad: (e, node, g) => (node.type.dtype === "f32" ? [viewAdjoint(e, node.attrs.map, one(node).type.shape, g)] : noPaths(e, node)),
  eval: { kind: "tensor", of: (node, [x], context) => look(node.attrs.map, x as Tensor64, context) },
  samples: [
    sample([3, 2], [[0, 0, 1], [0, 1, 0]], [2, 3]),
    sample([4, 2, 3], [[0, 0, 1, 0], [0, 0, 0, 1]], [2, 3]),
    sample([2, 2], [[0, 1, 0], [1, 0, 1]], [2, 4]),
    sample([3], [[0, 1], [0, 1]], [3, 3]),
    sample([2, 3], [[0, 1, 0], [1, 0, 2]], [2, 6]),
    sample([2, 4], [[1, -1, 0], [3, 0, -1]], [2, 4]),
    sample([2, 3, 2], [[0, 1, 0, 0], [0, 0, 1, 1]], [2, 4]),
    sample([1, 3], [[0, 1, 0], [0, 0, 1]], [1, 3]),
    sample([3, 0], [[0, 0, 1], [0, 1, 0]], [0, 3]),
    {
      attrs: {
        map: {
          shape: [2, 6],
          index: [whole(affine(0, [1, 0])), whole(affine(-1, [0, 1]))],
          guards: [{ kind: "nonnegative", value: affine(-1, [0, 1]) }, { kind: "nonnegative", value: affine(4, [0, -1]) }],
        },
      },
      inputs: [f32(2, 4)],
    },
    {
      attrs: { map: { shape: [2, 5], index: [whole(affine(0, [1, 0])), { numerator: affine(0, [0, 1]), divisor: 2 }], guards: [{ kind: "divisible", value: affine(0, [0, 1]), by: 2 }] } },
      inputs: [f32(2, 3)],
    },
    { attrs: { map: { shape: [3, 2], index: [whole(affine(0, [0, 1])), whole(affine(0, [1, 0]))], guards: [] } }, inputs: [i32(2, 3)] },
  ],
  latex: ({ map }, args) => {
    const symbols = (text: string): string => text.replaceAll(/i(\d+)/g, "i_{$1}").replaceAll("*", " ");
    const where = map.guards.length === 0 ? "" : `\\left[${map.guards.map((g) => symbols(access.printGuard(g)).replaceAll(">=", "\\geq").replaceAll("|", "\\mid")).join(",\\ ")}\\right]\\ `;
    return map.index.length === 0 ? arg(args, 0) : `${where}${subscripted(arg(args, 0))}_{${map.index.map((c) => symbols(access.printCoordinate(c))).join(",\\ ")}}`;
  },
};

/** A sample without guards: per axis of x a row [c, k0, k1, …]. */
function sample(shape: readonly number[], rows: readonly (readonly number[])[], of: readonly number[]): Sample<"view"> {
  return { attrs: { map: { shape, index: rows.map(([c = 0, ...k]) => whole(affine(c, k))), guards: [] } }, inputs: [f32(...of)] };
}

/** Refuses to read outside x: a map that does so is our bug. */
function look(map: AccessMap, x: Tensor64, context: EvalContext): Tensor64 {
  const shape = map.shape.map(context.size);
  const by = strides(x.shape);
  const bound = (form: Affine): { readonly c: number; readonly k: readonly number[] } => ({ c: context.size(form.c), k: form.k });
  const index = map.index.map((c) => ({ ...bound(c.numerator), divisor: c.divisor }));
  const guards = map.guards.map((g) => ({ ...bound(g.value), by: g.kind === "divisible" ? g.by : 0 }));
  return fill(shape, (i) => {
    for (const g of guards) {
      const value = g.c + offset(i, g.k);
      if (g.by === 0 ? value < 0 : value % g.by !== 0) return 0;
    }
    let at = 0;
    for (let a = 0; a < index.length; a++) {
      const { c, k, divisor } = index[a] as (typeof index)[number];
      const coordinate = (c + offset(i, k)) / divisor;
      if (!(coordinate >= 0 && coordinate < (x.shape[a] ?? 0)) || !Number.isInteger(coordinate)) {
        throw new InternalError("evaluate", `view ${access.printMap(map)} reads coordinate ${coordinate} of axis ${a} of [${x.shape.join(", ")}] at [${i.join(", ")}]`);
      }
      at += coordinate * (by[a] ?? 0);
    }
    return x.data[at] ?? 0;
  });
}

/** The same elements in row-major order under another shape. */
export const reshape: OpRecord<"reshape"> = {
  name: "reshape",
  doc: "The same elements, in row-major order, under another shape.",
  class: "movement",
  params: { shape: "the shape of the result" },
  type: ({ shape }, inputs) => {
    const [x] = inputs;
    const refused = countRefused(inputs, 1);
    if (refused || !x) return refused ?? { refuse: "needs an operand" };
    if (!dims.equal(dims.product(shape), dims.product(x.shape))) return { refuse: `cannot give ${printType(x)} the shape ${printShape(shape)}`, operand: 0 };
    return tensor(x.dtype, shape);
  },
  grad: (e, node, g) => (node.type.dtype === "f32" ? [e.reshape(g, one(node).type.shape)] : noPaths(e, node)),
  eval: { kind: "tensor", of: (node, [x], context) => ({ shape: node.attrs.shape.map(context.size), data: (x as Tensor64).data }) },
  samples: [
    { attrs: { shape: [6] }, inputs: [f32(2, 3)] },
    { attrs: { shape: [4, 1, 3] }, inputs: [f32(2, 6)] },
    { attrs: { shape: [] }, inputs: [f32(1, 1)] },
    { attrs: { shape: [3, 0] }, inputs: [f32(0, 2)] },
  ],
  latex: ({ shape }, args) => called("reshape", [arg(args, 0), printShape(shape)]),
};

/** Tensors end to end along an axis. */
export const concat: OpRecord<"concat"> = {
  name: "concat",
  doc: "The operands end to end along one axis.",
  class: "movement",
  params: { axis: "the axis along which they follow each other" },
  type: ({ axis }, inputs): TensorType | Refusal => {
    const [first] = inputs;
    if (!first) return { refuse: "needs an operand" };
    if (!(Number.isInteger(axis) && axis >= 0 && axis < first.shape.length)) return { refuse: `has no axis ${axis} in ${printType(first)}`, operand: 0 };
    const operand = inputs.findIndex((t) => t.dtype !== first.dtype || t.shape.length !== first.shape.length || t.shape.some((d, a) => a !== axis && !dims.equal(d, first.shape[a] as Dim)));
    const other = inputs[operand];
    if (other) return { refuse: `cannot join ${printType(first)} and ${printType(other)} along axis ${axis}`, operand };
    const extent = inputs.reduce<Dim>((sum, t) => dims.add(sum, t.shape[axis] as Dim), 0);
    return tensor(first.dtype, first.shape.map((d, a) => (a === axis ? extent : d)));
  },
  // Each operand gets its own slice of g.
  grad: (e, node, g) => {
    if (node.type.dtype !== "f32") return noPaths(e, node);
    const { axis } = node.attrs;
    let start: Dim = 0;
    return node.inputs.map((x) => {
      const { shape } = x.type;
      const index = shape.map((_, a) => whole({ ...access.unit(a, shape.length), c: a === axis ? start : 0 }));
      start = dims.add(start, shape[axis] as Dim);
      return e.view(g, { shape, index, guards: [] });
    });
  },
  eval: {
    kind: "tensor",
    of: (node, inputs) => {
      const { axis } = node.attrs;
      const extent = inputs.reduce((sum, t) => sum + (t.shape[axis] ?? 0), 0);
      const shape = (inputs[0] as Tensor64).shape.map((d, a) => (a === axis ? extent : d));
      const data = new Float64Array(elements(shape));
      const by = strides(shape);
      let start = 0;
      for (const part of inputs) {
        each(part.shape, (index, flat) => {
          data[offset(index, by) + start * (by[axis] ?? 0)] = part.data[flat] ?? 0;
        });
        start += part.shape[axis] ?? 0;
      }
      return { shape, data };
    },
  },
  samples: [
    { attrs: { axis: 1 }, inputs: [f32(2, 3), f32(2, 1), f32(2, 2)] },
    { attrs: { axis: 0 }, inputs: [f32(2, 3), f32(1, 3)] },
    { attrs: { axis: 0 }, inputs: [f32(3)] },
  ],
  latex: ({ axis }, args) => `\\left[${args.join(axis === 0 ? ";\\ " : ",\\ ")}\\right]`,
};
