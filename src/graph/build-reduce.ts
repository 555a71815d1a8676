/**
 * Reductions of the language as primitives, for whole axes (`sum(x, axis = 1)`) and for index notation
 * (`sum[i where g] …`) alike. In: a node, the axes that vanish, perhaps a mask of its shape. Out: a node.
 *
 *     mean(x)        ->  reduce sum / count
 *     logsumexp(x)   ->  m + log(reduce sum exp(x - m)),  m = stop(reduce max)
 *
 * A mask is carried by the reduction itself; no infinity stands for what is left out. Over no kept term: sum 0,
 * prod 1, any false, all true, count 0, mean 0.
 */
import * as access from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { DType } from "../ir/types.ts";
import type { FoldOp } from "../check/core.ts";
import { convert } from "./build-values.ts";

/** A reduction to be made. */
export interface Reduction {
  readonly op: FoldOp;
  readonly x: Node;
  /** Ascending. */
  readonly axes: readonly number[];
  readonly mask: Node | undefined;
  /** Element type of the result. */
  readonly dtype: DType;
}

/** The node of a reduction. */
export function reduceNode(e: Emit, r: Reduction): Node {
  const { axes, mask } = r;
  switch (r.op) {
    case "any":
    case "all":
      return convert(e, e.reduce(r.op, truth(e, r.x), axes, mask), r.dtype);
    case "count":
      return e.reduce("sum", convert(e, truth(e, r.x), r.dtype), axes, mask);
    case "argmax":
    case "argmin": {
      const x = convert(e, r.x, r.x.type.dtype === "i32" || r.x.type.dtype === "bool" ? "i32" : "f32");
      return convert(e, firstLargest(e, r.op === "argmax" ? x : e.neg(x), axes[0] ?? 0, mask), r.dtype);
    }
  }
  const x = convert(e, r.x, r.dtype);
  switch (r.op) {
    case "sum":
      return e.reduce("sum", x, axes, mask);
    case "max":
      return e.reduce("max", x, axes, mask);
    case "min":
      return e.neg(e.reduce("max", e.neg(x), axes, mask));
    case "mean":
      return mean(e, x, axes, mask);
    case "prod":
      return product(e, mask ? e.select(mask, x, e.like(x, 1)) : x, axes);
    case "logsumexp":
      return logSumExp(e, x, axes, mask);
  }
}

function truth(e: Emit, x: Node): Node {
  return x.type.dtype === "bool" ? x : e.compare("!=", x, e.like(x, 0));
}

/** Spreads what is left of `of` after a reduction over `axes` along them again. */
function again(e: Emit, reduced: Node, of: Node, axes: readonly number[]): Node {
  const { shape } = of.type;
  return e.broadcast(reduced, shape, shape.map((_, a) => a).filter((a) => !axes.includes(a)));
}

function filled(e: Emit, scalar: Node, shape: readonly Dim[]): Node {
  return e.broadcast(scalar, shape, []);
}

function mean(e: Emit, x: Node, axes: readonly number[], mask: Node | undefined): Node {
  const sum = e.reduce("sum", x, axes, mask);
  if (mask) {
    const kept = e.reduce("sum", convert(e, mask, "f32"), axes);
    return e.div(sum, e.max(kept, e.like(kept, 1)));
  }
  const count = dims.product(axes.map((a) => x.type.shape[a] as Dim));
  if (count === 0) return e.like(sum, 0);
  const divisor = typeof count === "number" ? e.like(sum, count) : filled(e, e.cast(e.size(count), "f32"), sum.type.shape);
  return e.div(sum, divisor);
}

/** What is left out enters as 0 below the exponential, so that no exp of it can overflow and reach a gradient. */
function logSumExp(e: Emit, x: Node, axes: readonly number[], mask: Node | undefined): Node {
  const largest = e.stop(e.reduce("max", x, axes, mask));
  const below = e.sub(x, again(e, largest, x, axes));
  const shifted = mask ? e.select(mask, below, e.like(below, 0)) : below;
  return e.add(largest, e.log(e.reduce("sum", e.exp(shifted), axes, mask)));
}

/** The position of the first largest; with a mask, the least position among those kept that equal the largest kept, and 0 if none is. */
function firstLargest(e: Emit, x: Node, axis: number, mask: Node | undefined): Node {
  if (!mask) return e.argmax(x, axis);
  const largest = again(e, e.reduce("max", x, [axis], mask), x, [axis]);
  const hit = e.logic("and", mask, e.compare("==", x, largest));
  const positions = e.broadcast(e.iota(x.type.shape[axis] as Dim), x.type.shape, [axis]);
  const first = e.neg(e.reduce("max", e.neg(positions), [axis], hit));
  return e.select(e.reduce("any", mask, [axis]), first, e.like(first, 0));
}

/**
 * A balanced tree of products along axes whose size is known: each step multiplies the first half of the axis with the second, so the
 * gradient costs no more than the product. Axes that data decides fold at once.
 */
function product(e: Emit, x: Node, axes: readonly number[]): Node {
  const known = axes.filter((a) => typeof x.type.shape[a] === "number");
  const open = axes.filter((a) => !known.includes(a));
  const rest = [...known].reverse().reduce((y, axis) => productAlong(e, y, axis, Number(x.type.shape[axis])), x);
  return e.reduce("prod", rest, open.map((a) => a - known.filter((k) => k < a).length));
}

function productAlong(e: Emit, x: Node, axis: number, extent: number): Node {
  const part = (of: Node, from: number, count: number): Node => {
    const { shape } = of.type;
    const rank = shape.length;
    const index = shape.map((_, a) => access.whole(a === axis ? access.addAffine(access.unit(a, rank), access.constant(from, rank)) : access.unit(a, rank)));
    return e.view(of, { shape: shape.map((d, a) => (a === axis ? count : d)), index, guards: [] });
  };
  const only = (of: Node): Node => {
    const shape = of.type.shape.filter((_, a) => a !== axis);
    const index = of.type.shape.map((_, a) => access.whole(a === axis ? access.constant(0, shape.length) : access.unit(a < axis ? a : a - 1, shape.length)));
    return e.view(of, { shape, index, guards: [] });
  };
  if (extent === 0) return e.const(tensor(x.type.dtype, x.type.shape.filter((_, a) => a !== axis)), 1);
  let rest = x;
  let odd: Node | undefined;
  for (let n = extent; n > 1; n >>= 1) {
    const half = n >> 1;
    if (n % 2 === 1) {
      const last = part(rest, n - 1, 1);
      odd = odd ? e.mul(odd, last) : last;
    }
    rest = e.mul(part(rest, 0, half), part(rest, half, half));
  }
  return only(odd ? e.mul(rest, odd) : rest);
}
