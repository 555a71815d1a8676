/**
 * An index as a base plus a constant times one loop variable, so that the base leaves the loop.
 *
 *     row*64 + k  in k    ->   base row*64, stride 1
 */
import type { Scalar } from "../src/ir/scalar.ts";
import { int, minus, plus, times } from "./arithmetic.ts";

/** An index as it runs along one loop. */
export interface Line {
  /** The index where the variable is 0. */
  readonly base: Scalar;
  readonly stride: number;
}

/** Undefined where the index is not affine in the variable; `varies` tells which other values change with it. */
export function lineIn(s: Scalar, variable: number, varies: (id: number) => boolean): Line | undefined {
  if (s.kind === "ref") {
    if (s.id === variable) return { base: int(0), stride: 1 };
    return varies(s.id) ? undefined : { base: s, stride: 0 };
  }
  if (s.kind === "constant" || s.kind === "param") return { base: s, stride: 0 };
  const parts = s.args.map((a) => lineIn(a, variable, varies));
  if (parts.some((p) => p === undefined)) return undefined;
  const lines = parts as readonly Line[];
  if (lines.every((p) => p.stride === 0)) return { base: s, stride: 0 };
  const [a, b] = lines;
  if (s.kind !== "op" || s.dtype !== "i32" || !a) return undefined;
  if (s.op === "neg") return { base: minus(int(0), a.base), stride: -a.stride };
  if (!b) return undefined;
  if (s.op === "add") return { base: plus(a.base, b.base), stride: a.stride + b.stride };
  if (s.op === "sub") return { base: minus(a.base, b.base), stride: a.stride - b.stride };
  if (s.op !== "mul") return undefined;
  if (b.stride === 0 && b.base.kind === "constant") return { base: times(a.base, b.base), stride: a.stride * b.base.value };
  if (a.stride === 0 && a.base.kind === "constant") return { base: times(a.base, b.base), stride: b.stride * a.base.value };
  return undefined;
}
