/** Nests written by hand, as the schedule would make them, and small tools to compare with plain arithmetic. */
import type { Axis, Buffer, Monoid, Nest, ParamSlot, Stmt } from "../../src/ir/kernel.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import { constant, op, ref } from "../../src/ir/scalar.ts";
import type { Scalar } from "../../src/ir/scalar.ts";

export const int = (value: number): Scalar => constant(value, "i32");
export const num = (value: number): Scalar => constant(value, "f32");
export const at = (axis: Axis): Scalar => ref(axis.id, "i32");
export const add = (a: Scalar, b: Scalar): Scalar => op("add", a.dtype, [a, b]);
export const mul = (a: Scalar, b: Scalar): Scalar => op("mul", a.dtype, [a, b]);
export const max = (a: Scalar, b: Scalar): Scalar => op("max", a.dtype, [a, b]);

/** The sum of index times stride. */
export function address(...terms: readonly (readonly [Axis, number])[]): Scalar {
  return terms.map(([axis, stride]) => mul(at(axis), int(stride))).reduce(add);
}

/** Gathers the statements of one nest and numbers its values. */
export class NestWriter {
  readonly params: ParamSlot[] = [];
  private next = 0;

  axis(name: string, extent: Dim, capacity: dims.Bindings = {}): Axis {
    return { id: this.next++, name, extent, capacity: dims.evaluate(extent, capacity) };
  }

  load(out: Stmt[], buffer: Buffer, index: Scalar, guard?: Scalar): Scalar {
    const id = this.next++;
    out.push({ kind: "load", id, buffer, index, ...(guard ? { guard } : {}) });
    return ref(id, buffer.dtype);
  }

  let(out: Stmt[], value: Scalar): Scalar {
    const id = this.next++;
    out.push({ kind: "let", id, value });
    return ref(id, value.dtype);
  }

  fold(out: Stmt[], monoid: Monoid, axes: readonly Axis[], body: (inner: Stmt[]) => { value: Scalar; mask?: Scalar }): readonly Scalar[] {
    const inner: Stmt[] = [];
    const { value, mask } = body(inner);
    const results = monoid === "argmax" ? [this.next++, this.next++] : [this.next++];
    out.push({ kind: "fold", axes, monoid, body: inner, value, results, ...(mask ? { mask } : {}) });
    return results.map((id, k) => ref(id, k === 1 ? "i32" : value.dtype));
  }

  nest(name: string, shape: Nest["shape"], parallel: readonly Axis[], body: readonly Stmt[]): Nest {
    return { name, parallel, body, params: this.params, nodes: [], why: [], shape };
  }
}

/** Numbers in -1..1 that repeat. */
export function numbers(count: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / (1 << 23) - 1;
  });
}

/** The largest |a - e| / max(1, |e|); Infinity where lengths or finiteness differ. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    if (Number.isFinite(a) !== Number.isFinite(e)) return Infinity;
    if (Number.isFinite(e)) worst = Math.max(worst, Math.abs(a - e) / Math.max(1, Math.abs(e)));
  }
  return worst;
}
