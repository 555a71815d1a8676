/**
 * Operations on two values of equal type, elementwise. Broadcasting is an explicit view, so no rule sums axes.
 *
 *     mul : f32[S], f32[S] -> f32[S],  g -> g·y, g·x
 */
import type { Emit } from "../ir/emit.ts";
import type { Node, OpAttrs, Relation } from "../ir/node.ts";
import { call, op } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import type { DType } from "../ir/types.ts";
import * as formula from "./formula.ts";
import { floordivFunction, floormodFunction, powerScalar } from "./functions.ts";
import { arg, atom, called } from "./latex-words.ts";
import type { OpRecord, Sample } from "./op.ts";
import { bool, f32, i32, isZero, noPaths, one, selected, two, zeroAtZero } from "./operands.ts";
import { countRefused, equalOperands, withDType } from "./type-rules.ts";

const numbers: readonly DType[] = ["f32", "i32", "u32"];
const isFloat = (node: Node): boolean => node.type.dtype === "f32";
const floats = [{ attrs: {}, inputs: [f32(2, 3), f32(2, 3)] }, { attrs: {}, inputs: [f32(3, 1), f32(3, 1)] }];
const integers = { attrs: {}, inputs: [i32(2, 3), i32(2, 3)], ranges: [[-9, 9], [1, 5]] } as const;

/** x + y. */
export const add: OpRecord<"add"> = {
  name: "add",
  doc: "The sum: out = x + y.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, numbers),
  grad: (e, node, g) => (isFloat(node) ? [g, g] : noPaths(e, node)),
  eval: { kind: "scalar", of: (_, x, y) => (x ?? 0) + (y ?? 0) },
  scalar: (_, [x, y]) => formula.add(x as Scalar, y as Scalar),
  traits: { commutative: true, associative: true, identity: 0 },
  samples: [...floats, integers],
  latex: (_, args) => (arg(args, 1).startsWith("-") ? `${arg(args, 0)} - ${arg(args, 1).slice(1)}` : `${arg(args, 0)} + ${arg(args, 1)}`),
};

/** x · y. */
export const mul: OpRecord<"mul"> = {
  name: "mul",
  doc: "The product: out = x · y.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, numbers),
  grad: (e, node, g) => {
    if (!isFloat(node)) return noPaths(e, node);
    const [x, y] = two(node);
    return [selected(e, g, (h) => e.mul(h, y)), selected(e, g, (h) => e.mul(h, x))];
  },
  eval: { kind: "scalar", of: (_, x, y) => (x ?? 0) * (y ?? 0) },
  scalar: (_, [x, y]) => formula.mul(x as Scalar, y as Scalar),
  traits: { commutative: true, associative: true, identity: 1 },
  samples: [...floats, integers],
  latex: (_, args) => `${atom(arg(args, 0))} \\cdot ${atom(arg(args, 1))}`,
};

/** x / y. */
export const div: OpRecord<"div"> = {
  name: "div",
  doc: "The quotient: out = x / y, for y ≠ 0.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, ["f32"]),
  // d/dy x/y = -x/y² = -out/y: with g/y shared by both.
  grad: (e, node, g) => {
    const [, y] = two(node);
    return [selected(e, g, (h) => e.div(h, y)), selected(e, g, (h) => e.neg(e.mul(e.div(h, y), node)))];
  },
  eval: { kind: "scalar", of: (_, x, y) => (x ?? 0) / (y ?? 1) },
  scalar: (_, [x, y]) => formula.div(x as Scalar, y as Scalar),
  samples: floats.map((s) => ({ ...s, ranges: [[-2, 2], [0.4, 3]] })),
  latex: (_, args) => `\\frac{${arg(args, 0)}}{${arg(args, 1)}}`,
};

/** The larger of two. */
export const max: OpRecord<"max"> = {
  name: "max",
  doc: "The larger: out = max(x, y). The gradient goes to the larger, half to each where they are equal; max(x, 0) gives all of it to x where x > 0, and that of max(x, -x) is sign(x).",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, numbers),
  grad: (e, node, g) => {
    if (!isFloat(node)) return noPaths(e, node);
    const [x, y] = two(node);
    if (isZero(y)) return chosen(e, e.compare(">", x, y), g);
    if (isZero(x)) return chosen(e, e.compare(">", y, x), g).toReversed();
    // |x| = max(x, -x): both ties fall together, and what is left is the sign.
    if (areOpposite(x, y)) return x.op === "neg" ? [e.like(g, 0), e.mul(g, signOf(e, y))] : [e.mul(g, signOf(e, x)), e.like(g, 0)];
    const none = e.like(g, 0);
    const half = e.mul(g, e.like(g, 0.5));
    const toX = e.select(e.compare(">", x, y), g, e.select(e.compare("==", x, y), half, none));
    const toY = e.select(e.compare(">", y, x), g, e.select(e.compare("==", x, y), half, none));
    return [toX, toY];
  },
  eval: { kind: "scalar", of: (_, x, y) => Math.max(x ?? 0, y ?? 0) },
  scalar: (_, [x, y]) => formula.max(x as Scalar, y as Scalar),
  traits: { commutative: true, associative: true, idempotent: true },
  samples: [{ attrs: {}, inputs: [f32(2, 3), f32(2, 3)], ranges: [[-2, 0.5], [0.6, 2]] }, { attrs: {}, inputs: [f32(2, 3), f32(2, 3)], ranges: [[1, 2], [-1, 0.9]] }, integers],
  latex: (_, args) => called("\\max", args),
};

/** Whether one is the other with a minus: -x and x, p - q and q - p. */
function areOpposite(x: Node, y: Node): boolean {
  const negates = (a: Node | undefined, b: Node | undefined): boolean => a?.op === "neg" && a.inputs[0] === b;
  if (negates(x, y) || negates(y, x)) return true;
  if (x.op !== "add" || y.op !== "add") return false;
  const [[a, b], [c, d]] = [x.inputs, y.inputs];
  return [[c, d], [d, c]].some(([p, q]) => (negates(a, p) || negates(p, a)) && (negates(b, q) || negates(q, b)));
}

/** 1, 0 or -1. */
function signOf(e: Emit, x: Node): Node {
  const zero = e.like(x, 0);
  return e.select(e.compare(">", x, zero), e.like(x, 1), e.select(e.compare("<", x, zero), e.like(x, -1), zero));
}

/** g where the condition holds, for the first operand; elsewhere for the second. */
function chosen(e: Emit, first: Node, g: Node): Node[] {
  const none = e.like(g, 0);
  return [e.select(first, g, none), e.select(first, none, g)];
}

/** x ^ exponent. */
export const pow: OpRecord<"pow"> = {
  name: "pow",
  doc: "A constant power: out = x^exponent; x > 0 unless the exponent is whole. Roots of a sum of squares have the gradient 0 where it is 0.",
  class: "elementwise",
  params: { exponent: "the exponent, a constant" },
  type: ({ exponent }, inputs) => (Number.isFinite(exponent) ? equalOperands(inputs, ["f32"], 1) : { refuse: `takes a finite exponent, not ${exponent}` }),
  // d/dx x^n = n x^(n-1); x^1 and x^0 are never computed as powers.
  grad: (e, node, g) => {
    const x = one(node);
    const n = node.attrs.exponent;
    if (n === 0) return [e.like(x, 0)];
    if (n === 1) return [g];
    const power = n === 2 ? x : e.pow(x, n - 1);
    const slope = (h: Node): Node => e.mul(h, e.mul(e.like(x, n), power));
    return [selected(e, g, (h) => (n > 0 && n < 1 ? zeroAtZero(e, x, slope(h)) : slope(h)))];
  },
  eval: { kind: "scalar", of: ({ exponent }, x) => (x ?? 0) ** exponent },
  scalar: ({ exponent }, [x]) => powerScalar(x as Scalar, exponent),
  samples: [
    ...[2, 3, 1, 0, 7].map((exponent): Sample<"pow"> => ({ attrs: { exponent }, inputs: [f32(2, 3)] })),
    ...[0.5, -1, -2, 1.5, 2.3, -0.7].map((exponent): Sample<"pow"> => ({ attrs: { exponent }, inputs: [f32(3, 2)], ranges: [[0.3, 2]] })),
  ],
  latex: ({ exponent }, args) => `${atom(arg(args, 0))}^{${exponent}}`,
};

/** ⌊x / y⌋. */
export const floordiv: OpRecord<"floordiv"> = {
  name: "floordiv",
  doc: "The quotient rounded down: out = ⌊x / y⌋, for y ≠ 0; constant between jumps, hence without a gradient path.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, numbers),
  grad: noPaths,
  eval: { kind: "scalar", of: (_, x, y) => Math.floor((x ?? 0) / (y ?? 1)) },
  scalar: (_, args) => {
    const [x, y] = args as readonly [Scalar, Scalar];
    if (x.dtype === "f32") return formula.floor(formula.div(x, y));
    return x.dtype === "u32" ? formula.div(x, y) : call(floordivFunction, [x, y]);
  },
  samples: [integers, { attrs: {}, inputs: [f32(2, 3), f32(2, 3)], ranges: [[0.1, 0.9], [1, 2]] }],
  latex: (_, args) => `\\left\\lfloor \\frac{${arg(args, 0)}}{${arg(args, 1)}} \\right\\rfloor`,
};

/** x - y ⌊x / y⌋. */
export const mod: OpRecord<"mod"> = {
  name: "mod",
  doc: "The remainder with the sign of y: out = x - y ⌊x / y⌋, for y ≠ 0.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => equalOperands(inputs, numbers),
  grad: (e, node, g) => {
    if (!isFloat(node)) return noPaths(e, node);
    const [x, y] = two(node);
    return [g, selected(e, g, (h) => e.neg(e.mul(h, e.make("floordiv", {}, [x, y]))))];
  },
  eval: { kind: "scalar", of: (_, x, y) => (x ?? 0) - (y ?? 1) * Math.floor((x ?? 0) / (y ?? 1)) },
  scalar: (_, args) => {
    const [x, y] = args as readonly [Scalar, Scalar];
    if (x.dtype === "f32") return formula.sub(x, formula.mul(y, formula.floor(formula.div(x, y))));
    return x.dtype === "u32" ? formula.rem(x, y) : call(floormodFunction, [x, y]);
  },
  samples: [integers, { attrs: {}, inputs: [f32(2, 3), f32(2, 3)], ranges: [[2.1, 2.9], [1.1, 1.3]] }],
  latex: (_, args) => `${atom(arg(args, 0))} \\bmod ${atom(arg(args, 1))}`,
};

const relations: Readonly<Record<Relation, { readonly of: (x: number, y: number) => boolean; readonly latex: string }>> = {
  "==": { of: (x, y) => x === y, latex: "=" },
  "!=": { of: (x, y) => x !== y, latex: "\\neq" },
  "<": { of: (x, y) => x < y, latex: "<" },
  "<=": { of: (x, y) => x <= y, latex: "\\leq" },
  ">": { of: (x, y) => x > y, latex: ">" },
  ">=": { of: (x, y) => x >= y, latex: "\\geq" },
};

/** A relation between two values. */
export const compare: OpRecord<"compare"> = {
  name: "compare",
  doc: "A relation: out = (x ~ y), a bool; bools are compared by == and != alone.",
  class: "elementwise",
  params: { relation: "one of == != < <= > >=" },
  type: ({ relation }, inputs) => {
    if (inputs[0]?.dtype === "bool" && relation !== "==" && relation !== "!=") return { refuse: `does not order bools by ${relation}`, operand: 0 };
    return withDType(equalOperands(inputs, [...numbers, "bool"]), "bool");
  },
  grad: noPaths,
  eval: { kind: "scalar", of: ({ relation }, x, y) => (relations[relation].of(x ?? 0, y ?? 0) ? 1 : 0) },
  scalar: ({ relation }, args) => op(relation, "bool", args),
  samples: (Object.keys(relations) as Relation[]).flatMap((relation): Sample<"compare">[] => [
    { attrs: { relation }, inputs: [f32(2, 3), f32(2, 3)] },
    { attrs: { relation }, inputs: [i32(2, 3), i32(2, 3)], ranges: [[-1, 1], [-1, 1]] },
  ]),
  latex: ({ relation }, args) => `${arg(args, 0)} ${relations[relation].latex} ${arg(args, 1)}`,
};

/** Logical and, or. */
export const logic: OpRecord<"logic"> = {
  name: "logic",
  doc: "Logical and, or: out = x ∧ y, x ∨ y.",
  class: "elementwise",
  params: { kind: "and or or" },
  type: (_, inputs) => countRefused(inputs, 2) ?? equalOperands(inputs, ["bool"]),
  grad: noPaths,
  eval: { kind: "scalar", of: ({ kind }, x, y) => ((kind === "and" ? x !== 0 && y !== 0 : x !== 0 || y !== 0) ? 1 : 0) },
  scalar: ({ kind }: OpAttrs["logic"], args) => op(kind, "bool", args),
  traits: { commutative: true, associative: true, idempotent: true },
  samples: (["and", "or"] as const).map((kind) => ({ attrs: { kind }, inputs: [bool(2, 3), bool(2, 3)] })),
  latex: ({ kind }, args) => `${atom(arg(args, 0))} ${kind === "and" ? "\\land" : "\\lor"} ${atom(arg(args, 1))}`,
};
