/**
 * The values a fuzzed graph has so far, and how a step finds operands among them: by element type, in a shape, as
 * indices within a range, as conditions. Sizes are numbers or polynomials in the batch `N`.
 *
 *     pool.fit(y, x)       // y in the shape of x: equal sizes matched, the rest summed away, what is missing broadcast
 */
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Node } from "../../src/ir/node.ts";
import type { DType } from "../../src/ir/types.ts";
import type { Builder } from "../../src/graph/builder.ts";

/** The batch. */
export const N: Dim = dims.sym("N");

/** Sizes of axes: below, at and above the widths of vectors, tiles and workgroups; the batch; rarely nothing. */
export const sizes: readonly Dim[] = [1, 2, 3, 7, 16, 17, 2, 3, 64, 65, N, N, N, 4];

/** Most elements of a value, and most terms of a product of two, at capacity. */
const mostElements = 4096;
const mostTerms = 200_000;

export const rank = (x: Node): number => x.type.shape.length;
export const axesOf = (x: Node): number[] => x.type.shape.map((_, a) => a);
export const dimAt = (x: Node, axis: number): Dim => x.type.shape[axis] ?? 1;

export class Pool {
  readonly e: Builder;
  readonly capacity: number;
  readonly nodes: Node[] = [];
  readonly used = new Set<Node>();

  constructor(e: Builder, capacity: number) {
    this.e = e;
    this.capacity = capacity;
  }

  /** Elements along all these axes at capacity. */
  volume(shape: readonly Dim[]): number {
    return dims.evaluate(dims.product(shape), { N: this.capacity });
  }

  /** True for shapes that a case may hold. */
  holds(shape: readonly Dim[]): boolean {
    return shape.length <= 4 && this.volume(shape) <= mostElements;
  }

  /** True when so many terms may be summed. */
  affords(shape: readonly Dim[]): boolean {
    return this.volume(shape) <= mostTerms;
  }

  /** Adds a value; false when it is too large, or is none. */
  add(node: Node | undefined): boolean {
    if (!node || !this.holds(node.type.shape)) return false;
    this.nodes.push(node);
    return true;
  }

  /** Some value of this element type: mostly one of the latest, so that graphs grow deep. */
  pick(k: number, dtype: DType = "f32", test: (n: Node) => boolean = () => true): Node | undefined {
    const all = this.nodes.filter((n) => n.type.dtype === dtype && test(n));
    const fitting = k % 3 === 0 ? all : all.slice(-4);
    const node = fitting[Math.floor(k / 3) % Math.max(1, fitting.length)];
    if (node) this.used.add(node);
    return node;
  }

  /** `y` in the shape of `x`: axes of equal size are matched in order, other axes summed (or largest), missing ones broadcast. */
  fit(y: Node, x: Node): Node {
    if (y.type.dtype !== "f32") return this.fitExactly(y, x.type.shape);
    const { kept, axes } = matched(y, x.type.shape);
    const gone = axesOf(y).filter((a) => !kept.includes(a));
    const folded = gone.length === 0 ? y : this.e.reduce("sum", y, gone);
    const scaled = gone.length === 0 ? folded : this.e.mul(folded, this.e.like(folded, 1 / Math.max(1, this.volume(gone.map((a) => dimAt(y, a))))));
    return this.e.broadcast(scaled, x.type.shape, axes);
  }

  /** An integer or bool value in a shape: other axes are read at their first element. */
  fitExactly(y: Node, shape: readonly Dim[]): Node {
    const { kept, axes } = matched(y, shape);
    // An axis of nothing has no first element.
    if (axesOf(y).some((a) => !kept.includes(a) && dimAt(y, a) === 0)) return this.e.const({ dtype: y.type.dtype, shape }, 0);
    const index = axesOf(y).map((a) => {
      const at = kept.indexOf(a);
      return { numerator: { c: 0, k: shape.map((_, b) => (at >= 0 && axes[at] === b ? 1 : 0)) }, divisor: 1 };
    });
    return this.e.view(y, { shape, index, guards: [] });
  }

  /** Integers of this shape within 0 .. extent - 1. */
  indices(k: number, shape: readonly Dim[], extent: Dim): Node {
    const { e } = this;
    const known = this.pick(k, "i32");
    const last = shape.length - 1;
    const raw = known && k % 4 !== 0
      ? this.fitExactly(known, shape)
      : last >= 0 ? e.broadcast(e.iota(shape[last] as Dim), shape, [last]) : e.scalar(k % 7, "i32");
    const limit = typeof extent === "number" ? e.const(raw.type, extent) : e.broadcast(e.size(extent), shape, []);
    return e.make("mod", {}, [e.add(raw, e.like(raw, (k % 11) - 5)), limit]);
  }

  /** A condition of this shape. */
  condition(k: number, x: Node): Node {
    const known = k % 3 === 0 ? this.pick(k, "bool") : undefined;
    if (known) return this.fitExactly(known, x.type.shape);
    const other = this.pick(k) ?? x;
    const relation = (["<", "<=", ">", ">=", "!="] as const)[k % 5] ?? "<";
    return this.e.compare(relation, this.fit(other, x), this.e.like(x.type.dtype === "f32" ? x : this.e.cast(x, "f32"), (k % 7) / 5 - 0.5));
  }
}

/** The axes of y that find an axis of equal size in the shape, in order, and where. */
function matched(y: Node, shape: readonly Dim[]): { readonly kept: readonly number[]; readonly axes: readonly number[] } {
  const kept: number[] = [];
  const axes: number[] = [];
  let from = 0;
  y.type.shape.forEach((d, a) => {
    const at = shape.findIndex((s, b) => b >= from && dims.equal(s, d));
    if (at < 0) return;
    kept.push(a);
    axes.push(at);
    from = at + 1;
  });
  return { kept, axes };
}
