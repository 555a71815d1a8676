/**
 * Values that come from nowhere else in the graph: constants, named leaves, sizes, counters and random words.
 *
 *     random [N, 4] "Net.drop" 3735928559 0 : u32[N, 4]
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printShape, printType, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { called, words } from "./latex-words.ts";
import type { OpRecord, Refusal } from "./op.ts";
import { noPaths } from "./operands.ts";
import { elements, fill } from "./tensor64.ts";
import { streamKey, threefry } from "./threefry.ts";
import { countRefused } from "./type-rules.ts";

/** Seven significant digits, as many as f32 has: `1 - 0.9` reads 0.1. */
const readable = (value: number): string => {
  const [digits = "", exponent] = String(Number(value.toPrecision(7))).split("e");
  return exponent === undefined ? digits : `${digits} \\cdot 10^{${Number(exponent)}}`;
};

function shapeRefused(shape: readonly Dim[]): Refusal | undefined {
  const bad = shape.some((d) => typeof d === "number" && !(Number.isInteger(d) && d >= 0));
  return bad ? { refuse: `cannot have the shape ${printShape(shape)}` } : undefined;
}

function dataRefused(type: TensorType, values: readonly number[]): Refusal | undefined {
  const fits = {
    f32: (v: number) => Number.isFinite(v),
    i32: (v: number) => v === (v | 0),
    u32: (v: number) => v === v >>> 0,
    bool: (v: number) => v === 0 || v === 1,
  }[type.dtype];
  const bad = values.find((v) => !fits(v));
  return bad === undefined ? undefined : { refuse: `${bad} is no ${type.dtype}` };
}

/** A splat or a table. */
export const constRecord: OpRecord<"const"> = {
  name: "const",
  doc: "A constant: one number everywhere, or a table in row-major order.",
  class: "leaf",
  params: { type: "its type", data: "one number, or all of them; bool as 0 or 1" },
  type: ({ type, data }, inputs) => {
    const refused = countRefused(inputs, 0) ?? shapeRefused(type.shape) ?? dataRefused(type, typeof data === "number" ? [data] : data);
    if (refused) return refused;
    if (typeof data !== "number" && !dims.equal(dims.product(type.shape), data.length)) return { refuse: `has ${data.length} numbers for ${printType(type)}` };
    return type;
  },
  grad: noPaths,
  eval: {
    kind: "tensor",
    of: ({ attrs: { type, data } }, _, context) => {
      const shape = type.shape.map(context.size);
      return { shape, data: typeof data === "number" ? new Float64Array(elements(shape)).fill(data) : Float64Array.from(data) };
    },
  },
  samples: [
    { attrs: { type: tensor("f32", [2, 3]), data: 0.5 }, inputs: [] },
    { attrs: { type: tensor("f32", [3]), data: [1, -2, 0.25] }, inputs: [] },
    { attrs: { type: tensor("i32", [2]), data: [7, -1] }, inputs: [] },
  ],
  latex: ({ data }) => (typeof data === "number" ? readable(data) : `\\left[${data.slice(0, 4).map(readable).join(", ")}${data.length > 4 ? ", \\dots" : ""}\\right]`),
};

/** Data, parameters, state, hyperparameters, step numbers, and the places of a loop body. */
export const leaf: OpRecord<"leaf"> = {
  name: "leaf",
  doc: "A value given from outside, named by kind and path.",
  class: "leaf",
  params: { kind: "what it stands for", path: "its name; in loop bodies its position", type: "its type" },
  type: ({ type }, inputs) => countRefused(inputs, 0) ?? shapeRefused(type.shape) ?? type,
  grad: noPaths,
  eval: { kind: "evaluator" },
  samples: [],
  latex: ({ path }) => {
    const name = path.split(".").at(-1) ?? path;
    return name.length === 1 ? name : `\\mathit{${name.replaceAll("_", "\\_")}}`;
  },
};

/** The live value of a dimension. */
export const size: OpRecord<"size"> = {
  name: "size",
  doc: "The live value of a dimension, an i32 scalar.",
  class: "leaf",
  params: { dim: "the dimension" },
  type: (_, inputs) => countRefused(inputs, 0) ?? tensor("i32", []),
  grad: noPaths,
  eval: { kind: "tensor", of: ({ attrs }, _, context) => ({ shape: [], data: Float64Array.of(context.size(attrs.dim)) }) },
  samples: [{ attrs: { dim: 7 }, inputs: [] }],
  latex: ({ dim }) => dims.print(dim).replaceAll("*", " "),
};

/** 0, 1, 2, … */
export const iota: OpRecord<"iota"> = {
  name: "iota",
  doc: "The numbers 0, 1, 2, … as i32.",
  class: "leaf",
  params: { extent: "how many" },
  type: ({ extent }, inputs) => countRefused(inputs, 0) ?? shapeRefused([extent]) ?? tensor("i32", [extent]),
  grad: noPaths,
  eval: { kind: "tensor", of: ({ attrs }, _, context) => fill([context.size(attrs.extent)], ([i]) => i ?? 0) },
  samples: [{ attrs: { extent: 5 }, inputs: [] }, { attrs: { extent: 1 }, inputs: [] }],
  latex: ({ extent }) => called("iota", [dims.print(extent)]),
};

/** Random words, a pure function of seed, stream, step and index. */
export const random: OpRecord<"random"> = {
  name: "random",
  doc: "Threefry-2x32-20 words: key (seed, hash) folded with the loop iterations, counter (step, index). Where the first axis varies with the data, the index counts examples of the logical batch, so words do not depend on how a batch is cut.",
  class: "leaf",
  params: { shape: "the shape", path: "the call path of the draw", hash: "its 32-bit hash", word: "which word of the pair" },
  type: ({ shape, hash }, inputs) => {
    const operand = inputs.findIndex((t) => t.dtype !== "i32" || t.shape.length > 0);
    if (operand >= 0) return { refuse: "takes i32 scalars, the iterations of loops", operand };
    if (hash !== hash >>> 0) return { refuse: `${hash} is no u32` };
    return shapeRefused(shape) ?? tensor("u32", shape);
  },
  grad: noPaths,
  eval: {
    kind: "tensor",
    of: ({ attrs }, inputs, context) => {
      const shape = attrs.shape.map(context.size);
      const key = streamKey(context.seed, attrs.hash, inputs.map((t) => t.data[0] ?? 0));
      const [first] = attrs.shape;
      const start = first !== undefined && typeof first !== "number" ? context.example * elements(shape.slice(1)) : 0;
      return fill(shape, (_, flat) => threefry(key, [context.step, start + flat])[attrs.word]);
    },
  },
  samples: [
    { attrs: { shape: [2, 3], path: "Net.drop", hash: 0xdeadbeef, word: 0 }, inputs: [] },
    { attrs: { shape: [4], path: "Net.drop", hash: 0xdeadbeef, word: 1 }, inputs: [{ dtype: "i32", shape: [] }], ranges: [[0, 5]] },
  ],
  latex: ({ path, word }) => called("random", [words(path), String(word)]),
};
