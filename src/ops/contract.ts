/**
 * The only product-sum: matrix products, dot products, outer products and every layer are contractions of two tensors.
 *
 *     contract [0,1] [1,2] -> [0,2]        out[b, o] = Σ_i x[b, i] · W[i, o]
 *
 * Each adjoint is again a contraction of g with the other operand: every label of an operand occurs in the other one or
 * in the result.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { OpAttrs } from "../ir/node.ts";
import { printType, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { arg, atom, subscripted } from "./latex-words.ts";
import type { OpRecord, Refusal, Tensor64 } from "./op.ts";
import { f32, two } from "./operands.ts";
import { elements, strides } from "./tensor64.ts";
import { countRefused, dtypeRefused } from "./type-rules.ts";

/** out = Σ x · y over the labels that out lacks. */
export const contract: OpRecord<"contract"> = {
  name: "contract",
  doc: "The sum of products over shared labels: out[o…] = Σ x[a…] · y[b…].",
  class: "contract",
  params: { a: "the label of each axis of x", b: "the label of each axis of y", out: "the label of each axis of the result" },
  type: contractType,
  grad: (e, node, g) => {
    const [x, y] = two(node);
    const { a, b, out } = node.attrs;
    return [e.contract(g, y, out, b, a), e.contract(x, g, a, out, b)];
  },
  eval: { kind: "tensor", of: (node, [x, y]) => product(node.attrs, x as Tensor64, y as Tensor64) },
  traits: { commutative: true },
  samples: [
    { attrs: { a: [0, 1], b: [1, 2], out: [0, 2] }, inputs: [f32(2, 3), f32(3, 4)] },
    { attrs: { a: [0, 1], b: [2, 1], out: [2, 0] }, inputs: [f32(2, 3), f32(4, 3)] },
    { attrs: { a: [0, 1, 2], b: [0, 2, 3], out: [0, 1, 3] }, inputs: [f32(2, 3, 4), f32(2, 4, 5)] },
    { attrs: { a: [0], b: [0], out: [] }, inputs: [f32(5), f32(5)] },
    { attrs: { a: [0], b: [1], out: [1, 0] }, inputs: [f32(2), f32(3)] },
    { attrs: { a: [0, 1], b: [1], out: [0, 1] }, inputs: [f32(2, 3), f32(3)] },
    { attrs: { a: [0, 1], b: [1, 2], out: [0, 2] }, inputs: [f32(1, 3), f32(3, 1)] },
  ],
  latex: ({ a, b, out }, args) => {
    const summed = [...new Set([...a, ...b])].filter((l) => !out.includes(l));
    const name = (l: number): string => "ijklmnpqrs"[l] ?? `i_{${l}}`;
    const indexed = (x: string, labels: readonly number[]): string => (labels.length === 0 ? atom(x) : `${subscripted(x)}_{${labels.map(name).join(" ")}}`);
    const sum = summed.length === 0 ? "" : `\\sum_{${summed.map(name).join(" ")}} `;
    return `${sum}${indexed(arg(args, 0), a)} ${indexed(arg(args, 1), b)}`;
  },
};

function contractType({ a, b, out }: OpAttrs["contract"], inputs: readonly TensorType[]): TensorType | Refusal {
  const [x, y] = inputs;
  const refused = countRefused(inputs, 2) ?? dtypeRefused(inputs, ["f32"]);
  if (refused || !x || !y) return refused ?? { refuse: "needs two operands" };
  for (const [labels, type, operand] of [[a, x, 0], [b, y, 1]] as const) {
    if (labels.length !== type.shape.length) return { refuse: `has ${labels.length} labels for ${printType(type)}`, operand };
    if (new Set(labels).size !== labels.length) return { refuse: `repeats a label of operand ${operand}`, operand };
  }
  if (new Set(out).size !== out.length) return { refuse: "repeats a label of the result" };
  let next = 0;
  for (const l of [...a, ...b]) {
    if (l > next) return { refuse: `labels [${a.join(",")}] [${b.join(",")}] are not numbered by first use` };
    if (l === next) next++;
  }
  const extents = new Map<number, Dim>(a.map((l, axis) => [l, x.shape[axis] as Dim]));
  for (const [axis, l] of b.entries()) {
    const extent = y.shape[axis] as Dim;
    const known = extents.get(l);
    if (known !== undefined && !dims.equal(known, extent)) return { refuse: `label ${l} is ${dims.print(known)} in one operand and ${dims.print(extent)} in the other`, operand: 1 };
    extents.set(l, extent);
  }
  const unknown = out.find((l) => !extents.has(l));
  if (unknown !== undefined) return { refuse: `label ${unknown} of the result occurs in no operand` };
  const alone = [...extents.keys()].find((l) => !out.includes(l) && !(a.includes(l) && b.includes(l)));
  if (alone !== undefined) return { refuse: `label ${alone} is summed but occurs in one operand alone` };
  return tensor("f32", out.map((l) => extents.get(l) as Dim));
}

/** One loop over the labels of the result, one over the summed ones. */
function product({ a, b, out }: OpAttrs["contract"], x: Tensor64, y: Tensor64): Tensor64 {
  const stride = (labels: readonly number[], of: Tensor64) => {
    const by = strides(of.shape);
    return (l: number): number => (labels.includes(l) ? (by[labels.indexOf(l)] ?? 0) : 0);
  };
  const [sx, sy] = [stride(a, x), stride(b, y)];
  const extent = (l: number): number => (a.includes(l) ? x.shape[a.indexOf(l)] : y.shape[b.indexOf(l)]) ?? 0;
  const places = (labels: readonly number[]): readonly (readonly [number, number])[] => {
    let found: (readonly [number, number])[] = [[0, 0]];
    for (const l of labels) {
      const count = extent(l);
      const [dx, dy] = [sx(l), sy(l)];
      found = found.flatMap(([px, py]) => Array.from({ length: count }, (_, k) => [px + k * dx, py + k * dy] as const));
    }
    return found;
  };
  const summed = a.filter((l) => !out.includes(l));
  const inner = places(summed);
  const stepX = Int32Array.from(inner, ([p]) => p);
  const stepY = Int32Array.from(inner, ([, p]) => p);
  const shape = out.map(extent);
  const data = new Float64Array(elements(shape));
  let at = 0;
  for (const [px, py] of places(out)) {
    let sum = 0;
    for (let k = 0; k < stepX.length; k++) sum += (x.data[px + (stepX[k] as number)] as number) * (y.data[py + (stepY[k] as number)] as number);
    data[at++] = sum;
  }
  return { shape, data };
}
