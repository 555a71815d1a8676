/**
 * What a fold adds to. Comes in: a fold and the scope of one of its turns. Goes out: variables that begin at its identity, and the statements that
 * take a turn's value into them.
 *
 *     sum x[i]     ->     var s = 0 … s = s + x[i]
 */
import type { KernelStmt, Monoid, Stmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import type { DType } from "../src/ir/types.ts";
import { both, int, plus, times } from "./arithmetic.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";

/** A fold of a nest. */
export type Fold = Extract<Stmt, { kind: "fold" }>;

/** A variable that a fold adds to. */
export type Accumulator = Scalar & { readonly kind: "ref" };

/** The accumulators of a fold at its identity. */
export function open(b: KernelBuilder, fold: Fold, out: KernelStmt[]): readonly Accumulator[] {
  const first = b.variable(out, identity(fold.monoid, fold.value.dtype));
  return fold.monoid === "argmax" ? [first, b.variable(out, int(0))] : [first];
}

/** Takes the value of one iteration into the accumulators, where it is `alive`. */
export function accumulate(b: KernelBuilder, fold: Fold, scope: Scope, accumulators: readonly Accumulator[], out: KernelStmt[], alive?: Scalar): void {
  const value = b.let(out, b.substitute(fold.value, scope));
  const own = fold.mask && b.substitute(fold.mask, scope);
  const mask = alive ? both(alive, own) : own;
  const position = fold.axes.reduce<Scalar>((at, a) => plus(times(at, b.size(a.extent)), b.substitute({ kind: "ref", dtype: "i32", id: a.id }, scope)), int(0));
  combine(b, fold.monoid, accumulators, [value, position], mask, out);
}

/** accumulators = accumulators ∘ values, where the mask holds. For argmax the first of equals wins: values come later in order. */
export function combine(
  b: KernelBuilder, monoid: Monoid, accumulators: readonly Accumulator[], values: readonly Scalar[], mask: Scalar | undefined, out: KernelStmt[],
): void {
  const [best, at] = accumulators;
  const [value, position] = values;
  if (!best || !value) return;
  if (monoid === "argmax") {
    const larger = op(">", "bool", [value, best]);
    const better = b.let(out, mask ? op("and", "bool", [larger, mask]) : larger);
    out.push({ kind: "assign", id: best.id, value: op("select", best.dtype, [better, value, best]) });
    if (at && position) out.push({ kind: "assign", id: at.id, value: op("select", "i32", [better, position, at]) });
    return;
  }
  const masked = mask ? op("select", value.dtype, [mask, value, identity(monoid, value.dtype)]) : value;
  out.push({ kind: "assign", id: best.id, value: joined(b, monoid, best, masked, out) });
}

/** x ∘ y. */
export function joined(b: KernelBuilder, monoid: Exclude<Monoid, "argmax">, x: Scalar, y: Scalar, out: KernelStmt[]): Scalar {
  const name = { sum: "add", prod: "mul", any: "or", all: "and" } as const;
  return monoid === "max" ? b.larger(out, x, y) : op(name[monoid], x.dtype, [x, y]);
}

/** What a fold over nothing gives. */
export function identity(monoid: Monoid, dtype: DType): Scalar {
  if (monoid === "any") return constant(0, "bool");
  if (monoid === "all") return constant(1, "bool");
  if (monoid === "sum") return constant(0, dtype);
  if (monoid === "prod") return constant(1, dtype);
  const lowest = { f32: -3.4028234663852886e38, i32: -2147483648, u32: 0, bool: 0 };
  return constant(lowest[dtype], dtype);
}
