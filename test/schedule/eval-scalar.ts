/**
 * Evaluates scalars as numbers, in f64 or with every f32 operation rounded. In f64 the named functions are those of
 * the host, since their formulas work on the bits of an f32.
 */
import type { Scalar } from "../../src/ir/scalar.ts";
import { erf } from "../../src/harness/runtime/host.ts";

export type Precision = "f64" | "f32";

const exact: Readonly<Record<string, (...x: number[]) => number>> = {
  exp: Math.exp, exp_below: Math.exp, log: Math.log, log1p: Math.log1p, expm1: Math.expm1, sin: Math.sin, cos: Math.cos, tanh: Math.tanh, erf,
  sigmoid: (x = 0) => 1 / (1 + Math.exp(-x)),
  pow: (x = 0, y = 1) => x ** y,
};

const bits = new DataView(new ArrayBuffer(4));

export interface ScalarContext {
  readonly precision: Precision;
  readonly ref: (id: number) => number;
  readonly param: (slot: number) => number;
}

export function evalScalar(s: Scalar, c: ScalarContext): number {
  switch (s.kind) {
    case "constant":
      return typed(s.value, s.dtype, c.precision);
    case "ref":
      return c.ref(s.id);
    case "param":
      return typed(c.param(s.slot), s.dtype, c.precision);
    case "call": {
      const args = s.args.map((a) => evalScalar(a, c));
      const known = c.precision === "f64" ? exact[s.fn.name] : undefined;
      if (known) return known(...args);
      const values = [...args];
      const inner: ScalarContext = { precision: c.precision, ref: (id) => values[id] ?? Number.NaN, param: c.param };
      for (const l of s.fn.lets) values.push(evalScalar(l, inner));
      return evalScalar(s.fn.result, inner);
    }
    case "op": {
      const args = s.args.map((a) => evalScalar(a, c));
      const from = s.args[0]?.dtype ?? s.dtype;
      return typed(apply(s.op, from, s.dtype, args), s.dtype, c.precision);
    }
  }
}

function typed(x: number, dtype: Scalar["dtype"], precision: Precision): number {
  if (dtype === "f32") return precision === "f32" ? Math.fround(x) : x;
  if (dtype === "i32") return x | 0;
  if (dtype === "u32") return x >>> 0;
  return x !== 0 ? 1 : 0;
}

function apply(op: string, from: Scalar["dtype"], to: Scalar["dtype"], args: readonly number[]): number {
  const [x = 0, y = 0, z = 0] = args;
  const truth = (b: boolean): number => (b ? 1 : 0);
  const whole = from !== "f32";
  switch (op) {
    case "neg": return -x;
    case "abs": return Math.abs(x);
    case "floor": return Math.floor(x);
    case "sqrt": return Math.sqrt(x);
    case "not": return truth(x === 0);
    case "add": return x + y;
    case "sub": return x - y;
    case "mul": return whole ? Math.imul(x, y) : x * y;
    case "div": return whole ? Math.trunc(x / y) : x / y;
    case "max": return Math.max(x, y);
    case "min": return Math.min(x, y);
    case "mod": return x % y;
    case "==": return truth(x === y);
    case "!=": return truth(x !== y);
    case "<": return truth(x < y);
    case "<=": return truth(x <= y);
    case ">": return truth(x > y);
    case ">=": return truth(x >= y);
    case "and": return truth(x !== 0 && y !== 0);
    case "or": return truth(x !== 0 || y !== 0);
    case "select": return x !== 0 ? y : z;
    case "shl": return x << y;
    case "shr": return x >>> y;
    case "bitand": return x & y;
    case "bitor": return x | y;
    case "bitxor": return x ^ y;
    case "cast": return to === "bool" ? truth(x !== 0) : to === "f32" ? x : Math.trunc(x);
    case "bitcast": {
      if (from === "f32") bits.setFloat32(0, x);
      else bits.setUint32(0, x >>> 0);
      return to === "f32" ? bits.getFloat32(0) : to === "i32" ? bits.getInt32(0) : bits.getUint32(0);
    }
    default: throw new Error(`unknown scalar operation ${op}`);
  }
}
