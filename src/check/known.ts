/** Arithmetic on numbers and sizes that are known before anything runs; bool is 0 or 1. */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { ApplyOp } from "./core.ts";

const unary: Readonly<Record<string, (x: number) => number>> = {
  neg: (x) => -x, abs: Math.abs, exp: Math.exp, log: Math.log, log1p: Math.log1p, expm1: Math.expm1, sqrt: Math.sqrt, sin: Math.sin, cos: Math.cos,
  tanh: Math.tanh, floor: Math.floor, sign: Math.sign, not: (x) => (x === 0 ? 1 : 0), sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

const binary: Readonly<Record<string, (x: number, y: number) => number>> = {
  add: (x, y) => x + y, sub: (x, y) => x - y, mul: (x, y) => x * y, div: (x, y) => x / y, max: Math.max, min: Math.min, pow: (x, y) => x ** y,
  floordiv: (x, y) => Math.floor(x / y), mod: (x, y) => x - y * Math.floor(x / y), and: (x, y) => x * y, or: (x, y) => Math.max(x, y),
  "==": (x, y) => Number(x === y), "!=": (x, y) => Number(x !== y), "<": (x, y) => Number(x < y), "<=": (x, y) => Number(x <= y),
  ">": (x, y) => Number(x > y), ">=": (x, y) => Number(x >= y),
};

/** The result, or undefined when it is not known: data's sizes are only added, subtracted, multiplied and divided exactly. */
export function knownResult(op: ApplyOp, args: readonly Dim[]): Dim | undefined {
  const name = typeof op === "object" ? op.compare : op;
  const [x, y] = args;
  if (x === undefined) return undefined;
  if (typeof x === "number" && (y === undefined || typeof y === "number")) {
    const result = y === undefined ? unary[name]?.(x) : binary[name]?.(x, y);
    return result !== undefined && Number.isFinite(result) ? result : undefined;
  }
  if (name === "neg") return dims.scale(x, -1);
  if (y === undefined || !whole(x) || !whole(y)) return undefined;
  if (name === "add") return dims.add(x, y);
  if (name === "sub") return dims.sub(x, y);
  if (name === "mul") return dims.mul(x, y);
  if (name === "div" || name === "floordiv") return y === 0 ? undefined : dims.divideExactly(x, y);
  if (name === "==" && dims.equal(x, y)) return 1;
  return undefined;
}

function whole(d: Dim): boolean {
  return typeof d !== "number" || Number.isInteger(d);
}
