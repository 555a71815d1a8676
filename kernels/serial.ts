/**
 * One invocation runs statements of a nest as written: folds become loops over accumulators, `each` becomes a loop.
 * Comes in: statements and the scope that knows what they refer to. Goes out: kernel statements; the scope learns their results.
 *
 *     s = fold sum i in 64 { x = load a[i] } x     ->     var s = 0; for i in 0..64 { x = a[i]; s = s + x }
 *
 * The order of a fold is the order of its axes, so results repeat.
 */
import type { Axis, KernelStmt, Monoid, Stmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import type { DType } from "../src/ir/types.ts";
import { int, plus, times } from "./arithmetic.ts";
import type { KernelBuilder, Scope } from "./kernel-builder.ts";

/** A fold of a nest. */
export type Fold = Extract<Stmt, { kind: "fold" }>;

/** Statements of a fold in all its turns that are not too many to write out. */
const shortFold = 36;

/** Writes the statements; results of folds and loads are put in scope. */
export function serial(b: KernelBuilder, stmts: readonly Stmt[], scope: Scope, out: KernelStmt[]): void {
  for (const s of stmts) {
    switch (s.kind) {
      case "let":
        scope.set(s.id, b.let(out, b.substitute(s.value, scope)));
        break;
      case "load":
        scope.set(s.id, b.load(out, s.buffer, b.let(out, b.substitute(s.index, scope)), s.guard && b.substitute(s.guard, scope)));
        break;
      case "store":
        out.push({
          kind: "store", buffer: s.buffer, index: b.let(out, b.substitute(s.index, scope)), value: b.substitute(s.value, scope),
          ...(s.guard && { guard: b.substitute(s.guard, scope) }),
        });
        break;
      case "fold":
        serialFold(b, s, scope, out);
        break;
      case "each":
        over(b, [s.axis], scope, out, (inner) => serial(b, s.body, scope, inner));
    }
  }
}

/** Loops over axes, outermost first; an axis of one element needs none. */
export function over(b: KernelBuilder, axes: readonly Axis[], scope: Scope, out: KernelStmt[], body: (inner: KernelStmt[]) => void): void {
  const [axis, ...more] = axes;
  if (!axis) body(out);
  else if (axis.extent === 1 && !axis.below) {
    scope.set(axis.id, int(0));
    over(b, more, scope, out, body);
  } else
    b.loop(out, int(0), axis.below ? b.let(out, b.substitute(axis.below, scope)) : b.size(axis.extent), 1, (index, inner) => {
      scope.set(axis.id, index);
      over(b, more, scope, inner, body);
    });
}

/** Loops over axes; one over few turns of a short body is written out, so that folds over the same few elements read each of them once. */
function overFold(b: KernelBuilder, fold: Fold, scope: Scope, out: KernelStmt[], body: (inner: KernelStmt[]) => void): void {
  const turns = fold.axes.reduce((n, a) => (a.extent === a.capacity && !a.below ? n * a.capacity : Infinity), 1);
  if (turns * fold.body.length > shortFold || fold.body.some((s) => s.kind === "fold" || s.kind === "each")) {
    over(b, fold.axes, scope, out, body);
    return;
  }
  const unroll = ([axis, ...more]: readonly Axis[]): void => {
    if (!axis) body(out);
    else
      for (let k = 0; k < axis.capacity; k++) {
        scope.set(axis.id, int(k));
        unroll(more);
      }
  };
  unroll(fold.axes);
}

function serialFold(b: KernelBuilder, fold: Fold, scope: Scope, out: KernelStmt[]): void {
  const accumulators = open(b, fold, out);
  overFold(b, fold, scope, out, (inner) => {
    serial(b, fold.body, scope, inner);
    accumulate(b, fold, scope, accumulators, inner);
  });
  fold.results.forEach((id, k) => {
    const value = accumulators[k];
    if (value) scope.set(id, value);
  });
}

/** A variable that a fold adds to. */
export type Accumulator = Scalar & { readonly kind: "ref" };

/** The accumulators of a fold at its identity. */
export function open(b: KernelBuilder, fold: Fold, out: KernelStmt[]): readonly Accumulator[] {
  const first = b.variable(out, identity(fold.monoid, fold.value.dtype));
  return fold.monoid === "argmax" ? [first, b.variable(out, int(0))] : [first];
}

/** Takes the value of one iteration into the accumulators. */
export function accumulate(b: KernelBuilder, fold: Fold, scope: Scope, accumulators: readonly Accumulator[], out: KernelStmt[]): void {
  const value = b.let(out, b.substitute(fold.value, scope));
  const mask = fold.mask && b.substitute(fold.mask, scope);
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
  out.push({ kind: "assign", id: best.id, value: joined(monoid, best, masked) });
}

function joined(monoid: Exclude<Monoid, "argmax">, x: Scalar, y: Scalar): Scalar {
  const name = { sum: "add", prod: "mul", max: "max", any: "or", all: "and" } as const;
  return op(name[monoid], x.dtype, [x, y]);
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
