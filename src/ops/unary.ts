/**
 * Operations on one value, elementwise. Gradients go through the result where that is shorter.
 *
 *     sigmoid : f32[S] -> f32[S],  g -> g · σ (1 - σ)
 */
import type { Emit } from "../ir/emit.ts";
import type { Node, NodeOf, OpAttrs, OpName } from "../ir/node.ts";
import { call } from "../ir/scalar.ts";
import type { Scalar, ScalarFunction } from "../ir/scalar.ts";
import { erf as erf64, sigmoid as sigmoid64 } from "./float-math.ts";
import * as formula from "./formula.ts";
import { cosFunction, erfFunction, expFunction, expm1Function, finiteFunction, log1pFunction, logFunction, sigmoidFunction, sinFunction, tanhFunction } from "./functions.ts";
import { arg, atom, called } from "./latex-words.ts";
import type { OpRecord } from "./op.ts";
import { bool, f32, i32, noPaths, one, selected, zeroAtZero } from "./operands.ts";
import { equalOperands, withDType } from "./type-rules.ts";

type Plain = { [K in OpName]: Record<never, never> extends OpAttrs[K] ? K : never }[OpName];

/** A smooth function of one f32: what the members of this family differ in. */
interface Smooth<K extends Plain> {
  readonly name: K;
  readonly doc: string;
  readonly of: (x: number) => number;
  readonly scalar: (x: Scalar) => Scalar;
  /** g times the derivative. */
  readonly grad: (e: Emit, g: Node, x: Node, out: Node) => Node;
  readonly latex: (x: string) => string;
  readonly range?: readonly [number, number];
  readonly kinks?: readonly number[];
  readonly traits?: NonNullable<OpRecord<K>["traits"]>;
}

function smooth<K extends Plain>(s: Smooth<K>): OpRecord<K> {
  const ranges = s.range ? { ranges: [s.range] } : {};
  const kinks = s.kinks ? { kinks: s.kinks } : {};
  const none = {} as OpAttrs[K];
  return {
    name: s.name,
    doc: s.doc,
    class: "elementwise",
    params: {} as OpRecord<K>["params"],
    type: (_, inputs) => equalOperands(inputs, ["f32"], 1),
    grad: (e: Emit, node: NodeOf<K> & Node, g: Node) => [selected(e, g, (h) => s.grad(e, h, one(node), node))],
    eval: { kind: "scalar", of: (_, x) => s.of(x ?? 0) },
    scalar: (_, [x]) => s.scalar(x as Scalar),
    ...(s.traits ? { traits: s.traits } : {}),
    samples: [
      { attrs: none, inputs: [f32(2, 3)], ...ranges, ...kinks },
      { attrs: none, inputs: [f32(3, 1)], ...ranges, ...kinks },
    ],
    latex: (_, args) => s.latex(arg(args, 0)),
  };
}

const by = (fn: ScalarFunction) => (x: Scalar): Scalar => call(fn, [x]);

/** -x; also on integers. */
export const neg: OpRecord<"neg"> = {
  ...smooth({
    name: "neg",
    doc: "The negative: out = -x.",
    of: (x) => -x,
    scalar: formula.neg,
    grad: (e, g) => e.neg(g),
    latex: (x) => `-${atom(x)}`,
  }),
  type: (_, inputs) => equalOperands(inputs, ["f32", "i32"], 1),
};

/** e^x. */
export const exp: OpRecord<"exp"> = smooth({
  name: "exp",
  doc: "The exponential: out = e^x.",
  of: Math.exp,
  scalar: by(expFunction),
  grad: (e, g, _, out) => e.mul(g, out),
  latex: (x) => `e^{${x}}`,
  traits: { positive: true },
});

/** ln x. */
export const log: OpRecord<"log"> = smooth({
  name: "log",
  doc: "The natural logarithm: out = ln x, for x > 0.",
  of: Math.log,
  scalar: by(logFunction),
  grad: (e, g, x) => e.div(g, x),
  latex: (x) => called("\\ln", [x]),
  range: [0.2, 3],
});

/** ln(1 + x). */
export const log1p: OpRecord<"log1p"> = smooth({
  name: "log1p",
  doc: "The logarithm of one plus a value, exact for small x: out = ln(1 + x), for x > -1.",
  of: Math.log1p,
  scalar: by(log1pFunction),
  grad: (e, g, x) => e.div(g, e.add(e.like(x, 1), x)),
  latex: (x) => called("\\ln", [`1 + ${x}`]),
  range: [-0.7, 3],
});

/** e^x - 1. */
export const expm1: OpRecord<"expm1"> = smooth({
  name: "expm1",
  doc: "The exponential minus one, exact for small x: out = e^x - 1.",
  of: Math.expm1,
  scalar: by(expm1Function),
  grad: (e, g, _, out) => e.mul(g, e.add(out, e.like(out, 1))),
  latex: (x) => `\\left(e^{${x}} - 1\\right)`,
});

/** √x; its gradient at 0 is g / 0, unguarded, but for a sum of squares, a norm, where it is 0. */
export const sqrt: OpRecord<"sqrt"> = smooth({
  name: "sqrt",
  doc: "The square root: out = √x, for x >= 0; the derivative 1 / (2 out) is unbounded at 0, and taken as 0 where x is a sum of squares that is 0.",
  of: Math.sqrt,
  scalar: formula.sqrt,
  grad: (e, g, x, out) => zeroAtZero(e, x, e.div(g, e.mul(e.like(out, 2), out))),
  latex: (x) => `\\sqrt{${x}}`,
  range: [0.2, 3],
});

/** sin x. */
export const sin: OpRecord<"sin"> = smooth({
  name: "sin",
  doc: "The sine: out = sin x.",
  of: Math.sin,
  scalar: by(sinFunction),
  grad: (e, g, x) => e.mul(g, e.cos(x)),
  latex: (x) => called("\\sin", [x]),
});

/** cos x. */
export const cos: OpRecord<"cos"> = smooth({
  name: "cos",
  doc: "The cosine: out = cos x.",
  of: Math.cos,
  scalar: by(cosFunction),
  grad: (e, g, x) => e.neg(e.mul(g, e.sin(x))),
  latex: (x) => called("\\cos", [x]),
});

/** tanh x. */
export const tanh: OpRecord<"tanh"> = smooth({
  name: "tanh",
  doc: "The hyperbolic tangent: out = tanh x.",
  of: Math.tanh,
  scalar: by(tanhFunction),
  grad: (e, g, _, out) => e.mul(g, e.sub(e.like(out, 1), e.mul(out, out))),
  latex: (x) => called("\\tanh", [x]),
});

/** σ(x). */
export const sigmoid: OpRecord<"sigmoid"> = smooth({
  name: "sigmoid",
  doc: "The logistic function: out = 1 / (1 + e^-x).",
  of: sigmoid64,
  scalar: by(sigmoidFunction),
  grad: (e, g, _, out) => e.mul(g, e.mul(out, e.sub(e.like(out, 1), out))),
  latex: (x) => called("\\sigma", [x]),
  traits: { positive: true },
});

/** erf x. */
export const erf: OpRecord<"erf"> = smooth({
  name: "erf",
  doc: "The error function: out = 2/√π ∫₀ˣ e^-t² dt.",
  of: erf64,
  scalar: by(erfFunction),
  grad: (e, g, x) => e.mul(g, e.mul(e.like(x, 2 / Math.sqrt(Math.PI)), e.exp(e.neg(e.mul(x, x))))),
  latex: (x) => called("erf", [x]),
});

/** ⌊x⌋; constant between whole numbers, so no path. */
export const floor: OpRecord<"floor"> = {
  ...smooth({
    name: "floor",
    doc: "The largest whole number not above x: out = ⌊x⌋; constant between whole numbers, hence without a gradient path.",
    of: Math.floor,
    scalar: formula.floor,
    grad: (_, g) => g,
    latex: (x) => `\\left\\lfloor ${x} \\right\\rfloor`,
    kinks: [-2, -1, 0, 1, 2],
  }),
  grad: noPaths,
  traits: { idempotent: true },
};

/** Logical not. */
export const not: OpRecord<"not"> = {
  name: "not",
  doc: "Logical not: out = ¬x.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, ["bool"], 1),
  grad: noPaths,
  eval: { kind: "scalar", of: (_, x) => (x === 0 ? 1 : 0) },
  scalar: (_, [x]) => formula.not(x as Scalar),
  samples: [{ attrs: {}, inputs: [bool(2, 3)] }],
  latex: (_, args) => `\\neg ${atom(arg(args, 0))}`,
};

/** True but for NaN and infinity. */
export const finite: OpRecord<"finite"> = {
  name: "finite",
  doc: "True where the bits of x say neither NaN nor infinity.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => withDType(equalOperands(inputs, ["f32"], 1), "bool"),
  grad: noPaths,
  eval: { kind: "scalar", of: (_, x) => (Number.isFinite(x) ? 1 : 0) },
  scalar: (_, [x]) => call(finiteFunction, [x as Scalar]),
  samples: [{ attrs: {}, inputs: [f32(2, 3)] }],
  latex: (_, args) => called("finite", [arg(args, 0)]),
};

/** f32, i32, u32 or bool to another of them. */
export const castRecord: OpRecord<"cast"> = {
  name: "cast",
  doc: "The value as another element type: bool gives 0 or 1, f32 is cut towards 0 to integers, anything non-zero is true.",
  class: "elementwise",
  params: { to: "element type of the result" },
  type: ({ to }, inputs) => withDType(equalOperands(inputs, ["f32", "i32", "u32", "bool"], 1), to),
  grad: noPaths,
  eval: { kind: "scalar", of: ({ to }, x) => (to === "f32" ? (x ?? 0) : to === "bool" ? (x === 0 ? 0 : 1) : Math.trunc(x ?? 0) + 0) },
  scalar: ({ to }, [x]) => formula.cast(x as Scalar, to),
  samples: [
    { attrs: { to: "f32" }, inputs: [i32(2, 3)], ranges: [[-3, 3]] },
    { attrs: { to: "i32" }, inputs: [f32(2, 3)], kinks: [-2, -1, 0, 1, 2] },
    { attrs: { to: "f32" }, inputs: [bool(4)], ranges: [[0, 1]] },
  ],
  latex: ({ to }, args) => called(to, [arg(args, 0)]),
};

/** The value; no gradient passes. */
export const stop: OpRecord<"stop"> = {
  name: "stop",
  doc: "The value itself, through which no gradient flows.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, ["f32", "i32", "u32", "bool"], 1),
  grad: noPaths,
  eval: { kind: "scalar", of: (_, x) => x ?? 0 },
  scalar: (_, [x]) => x as Scalar,
  traits: { idempotent: true },
  samples: [{ attrs: {}, inputs: [f32(2, 3)] }],
  latex: (_, args) => called("stop", [arg(args, 0)]),
};

/** The value under an identity of its own. */
export const mark: OpRecord<"mark"> = {
  name: "mark",
  doc: "The value itself under a name that never merges with another: what a gradient is taken by. Gone after differentiate.",
  class: "elementwise",
  params: { id: "the name" },
  type: (_, inputs) => equalOperands(inputs, ["f32", "i32", "u32", "bool"], 1),
  grad: (e, node, g) => (one(node).type.dtype === "f32" ? [g] : noPaths(e, node)),
  eval: { kind: "scalar", of: (_, x) => x ?? 0 },
  scalar: (_, [x]) => x as Scalar,
  samples: [{ attrs: { id: "m" }, inputs: [f32(2, 3)] }],
  latex: (_, args) => arg(args, 0),
};
