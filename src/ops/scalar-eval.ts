/**
 * Evaluates scalar expressions in true f32, i32 and u32 arithmetic: what a target computes, without one. In: an
 * expression and the values of its refs and parameters. Out: a number; bool as 0 or 1. Basic operations round correctly.
 *
 *     evaluateScalar(add(ref(0), constant(1)), { refs: [2 ** 24] })      // 16777216
 */
import type { Scalar, ScalarOp } from "../ir/scalar.ts";
import type { DType } from "../ir/types.ts";
import { InternalError } from "../support/diagnostic.ts";

/** Values of refs and of kernel parameters, by number. */
export interface ScalarInputs {
  readonly refs: readonly number[];
  readonly params?: readonly number[];
}

/** The value of the expression. Recursion is as deep as expressions are nested, which formulas bound. */
export function evaluateScalar(s: Scalar, inputs: ScalarInputs): number {
  switch (s.kind) {
    case "constant":
      return rounded(s.dtype, s.value);
    case "ref":
      return known(inputs.refs[s.id], `ref ${s.id}`);
    case "param":
      return known(inputs.params?.[s.slot], `param ${s.slot}`);
    case "op":
      return basic(s.op, s.dtype, s.args.map((a) => evaluateScalar(a, inputs)), s.args[0]?.dtype ?? s.dtype);
    case "call": {
      const refs = s.args.map((a) => evaluateScalar(a, inputs));
      for (const value of s.fn.lets) refs.push(evaluateScalar(value, { refs }));
      return evaluateScalar(s.fn.result, { refs });
    }
  }
}

function known(value: number | undefined, what: string): number {
  if (value === undefined) throw new InternalError("scalar-eval", `${what} has no value`);
  return value;
}

/** The nearest value of the type; integers wrap. */
function rounded(dtype: DType, x: number): number {
  if (dtype === "f32") return Math.fround(x);
  if (dtype === "i32") return x | 0;
  return dtype === "u32" ? x >>> 0 : x;
}

type Binary = (x: number, y: number) => number;

const relations: Partial<Record<ScalarOp, (x: number, y: number) => boolean>> = {
  "==": (x, y) => x === y,
  "!=": (x, y) => x !== y,
  "<": (x, y) => x < y,
  "<=": (x, y) => x <= y,
  ">": (x, y) => x > y,
  ">=": (x, y) => x >= y,
};

const words: Partial<Record<ScalarOp, Binary>> = {
  shl: (x, y) => x << (y & 31),
  shr: (x, y) => x >>> (y & 31),
  bitand: (x, y) => x & y,
  bitor: (x, y) => x | y,
  bitxor: (x, y) => x ^ y,
};

/** One operation; `from` is the type of the operands. */
function basic(op: ScalarOp, dtype: DType, args: readonly number[], from: DType): number {
  const [x = 0, y = 0, z = 0] = args;
  const relation = relations[op];
  if (relation) return relation(x, y) ? 1 : 0;
  const bit = words[op];
  if (bit) return bit(x, y) >>> 0;
  switch (op) {
    case "neg":
      return rounded(dtype, -x);
    case "abs":
      return rounded(dtype, Math.abs(x));
    case "floor":
      return Math.floor(x);
    case "sqrt":
      return Math.fround(Math.sqrt(x));
    case "not":
      return x === 0 ? 1 : 0;
    case "add":
      return rounded(dtype, x + y);
    case "sub":
      return rounded(dtype, x - y);
    case "mul":
      return dtype === "f32" ? Math.fround(x * y) : rounded(dtype, Math.imul(x, y));
    case "div":
      return dtype === "f32" ? Math.fround(x / y) : y === 0 ? x : rounded(dtype, Math.trunc(x / y));
    case "mod":
      return dtype !== "f32" && y === 0 ? 0 : rounded(dtype, x % y);
    case "max":
      return Math.max(x, y);
    case "min":
      return Math.min(x, y);
    case "and":
      return x !== 0 && y !== 0 ? 1 : 0;
    case "or":
      return x !== 0 || y !== 0 ? 1 : 0;
    case "select":
      return x !== 0 ? y : z;
    case "cast":
      return converted(dtype, x);
    case "bitcast":
      return reinterpreted(from, dtype, x);
    default:
      throw new InternalError("scalar-eval", `has no operation ${op}`);
  }
}

/** Value conversion: f32 is cut towards zero and clamped to the range of the integer. */
function converted(to: DType, x: number): number {
  if (to === "bool") return x === 0 ? 0 : 1;
  if (to === "f32") return Math.fround(x);
  const [low, high] = to === "i32" ? [-2147483648, 2147483647] : [0, 4294967295];
  // An integer of the other kind keeps its bits; only what came from f32 lies outside.
  if (Number.isInteger(x) && Math.abs(x) <= 4294967295) return to === "i32" && x <= high ? x : rounded(to, x);
  // Adding 0 turns -0 into 0, which integers do not tell apart.
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high)) + 0;
}

function reinterpreted(from: DType, to: DType, x: number): number {
  const view = new DataView(new ArrayBuffer(4));
  if (from === "f32") view.setFloat32(0, x);
  else view.setUint32(0, x >>> 0);
  if (to === "f32") return view.getFloat32(0);
  return to === "i32" ? view.getInt32(0) : view.getUint32(0);
}
