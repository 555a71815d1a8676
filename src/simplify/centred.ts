/**
 * Values that sum to 0: what is left of x without its own mean, times what does not vary along the axes of that mean. In: a value and axes.
 * Out: whether its sum over them is 0.
 *
 *     (x - mean x) / s along the rows of x, s a number for each row:   each row sums to 0
 *
 * It is 0 but for rounding, which a sum of such a value has and 0 has not.
 */
import type { Dim } from "../ir/dims.ts";
import * as dims from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { axesOf, axisNames, negated, orders, splatOf, under } from "./match.ts";
import { productOf } from "./terms.ts";

/** Whether a value is a product of x - mean x, the mean over some of the axes given, and of what does not vary along those. */
export function isCentred(e: Emit, value: Node, axes: readonly number[]): boolean {
  const { num, den, guard } = productOf(e, value);
  if (guard) return false;
  return num.some((factor, at) => {
    const over = factor.op === "add" ? centredOver(factor) : undefined;
    if (!over?.every((a) => axes.includes(a))) return false;
    return [...num.filter((_, other) => other !== at), ...den].every((other) => {
      const varies = axesOf(other);
      return !over.some((a) => varies.has(a));
    });
  });
}

/** The axes over which a difference is centred: those of its own mean, which it subtracts. */
function centredOver(difference: Node): readonly number[] | undefined {
  for (const [x, minus] of orders(difference)) {
    const mean = negated(minus);
    const value = mean && under(mean, "view");
    const sum = value && (value.op === "mul" || value.op === "div") ? value.inputs[0] : undefined;
    if (mean?.op !== "view" || sum?.op !== "reduce" || sum.attrs.kind !== "sum" || sum.inputs.length > 1 || sum.inputs[0] !== x) continue;
    const { axes } = sum.attrs;
    // Spread again along the axes that were summed, and along them alone.
    const names = axisNames(mean.attrs.map, value?.type.shape ?? []);
    const left = x.type.shape.map((_, a) => a).filter((a) => !axes.includes(a));
    if (!names || names.length !== left.length || names.some((name, at) => name !== left[at])) continue;
    if (isCount(value?.inputs[1] as Node, value?.op === "mul", axes.map((a) => x.type.shape[a] as Dim))) return axes;
  }
  return undefined;
}

/** Whether a value is everywhere the number of elements along some extents, or one over it. */
function isCount(value: Node, inverse: boolean, extents: readonly Dim[]): boolean {
  const count = dims.product(extents);
  const c = splatOf(value);
  if (typeof count === "number") return c !== undefined && Math.abs((inverse ? c : 1 / c) * count - 1) < 1e-12;
  if (inverse) return false;
  const cast = value.op === "view" ? (value.inputs[0] as Node) : value;
  const size = under(cast, "cast");
  return size?.op === "size" && dims.equal(size.attrs.dim, count);
}
