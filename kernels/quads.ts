/**
 * What four neighbours along an axis have in common. Comes in: statements and an axis. Goes out: whether taking four positions of the
 * axis at once pays, since accesses then are of four neighbours, and the axes of a nest with those joined that nothing tells apart.
 *
 *     y[n, i] = x[n, i] + b[i]    along i, 64 long: three accesses of four neighbours each
 *     s[n] = Σ_i x[n, i]          along n: x is 64 apart; along i it lies side by side
 *     y[n, i] = max(x[n, i], 0)   one axis of N·64
 */
import * as dims from "../src/ir/dims.ts";
import type { Axis, Buffer, Nest, Stmt } from "../src/ir/kernel.ts";
import { refersTo, type Scalar, type ScalarFunction } from "../src/ir/scalar.ts";
import { termsOf } from "./index-terms.ts";
import { points } from "./launch.ts";

/** Operations that four copies may come to: what computes much gains little by cheaper accesses, and takes four times as long to build. */
const mostOperations = 1600;

/** Accesses in all turns of loops, by how four neighbours reach them. */
export interface Reach {
  /** Side by side, from a multiple of four on. */
  readonly wide: number;
  /** The same element for all four. */
  readonly shared: number;
  readonly apart: number;
  /** Operations in the text. */
  readonly operations: number;
  /** The statements hold no loop whose turns must not be mixed. */
  readonly mixes: boolean;
}

/** True where half of what is read and written, or more, lies side by side. */
export function isWorthQuads({ wide, apart, operations, mixes }: Reach): boolean {
  return mixes && wide > 0 && wide >= apart && fitsFourTimes(operations);
}

/** True where a text of so many operations may be written for four neighbours. */
export function fitsFourTimes(operations: number): boolean {
  return 4 * operations <= mostOperations;
}

/** How the statements reach memory at neighbours along an axis; axes of `still` are 0. */
export function reachAlong(stmts: readonly Stmt[], axis: number, still: ReadonlySet<number> = new Set()): Reach {
  const total = { wide: 0, shared: 0, apart: 0, operations: 0, mixes: true };
  const varies = new Set([axis]);
  const depends = (s: Scalar | undefined): boolean => s !== undefined && refersTo(s, varies);
  const access = (index: Scalar, guard: Scalar | undefined, weight: number): "wide" | "shared" | "apart" => {
    const how = depends(guard) ? "apart" : reachOf(index, axis, depends, still);
    total[how] += weight;
    return how;
  };
  const visit = (list: readonly Stmt[], weight: number): void => {
    for (const s of list) {
      total.operations += operationsOf(s);
      switch (s.kind) {
        case "let":
          if (depends(s.value)) varies.add(s.id);
          break;
        case "load":
          if (access(s.index, s.guard, weight) !== "shared") varies.add(s.id);
          break;
        case "store":
          access(s.index, s.guard, weight);
          break;
        case "fold":
          visit(s.body, weight * points(s.axes).capacity);
          if (s.axes.some((a) => a.below)) total.mixes = false;
          if (depends(s.value) || depends(s.mask)) for (const id of s.results) varies.add(id);
          break;
        case "each":
          visit(s.body, weight * s.axis.capacity);
          if (s.turns || s.axis.below) total.mixes = false;
      }
    }
  };
  visit(stmts, 1);
  return total;
}

/** Accesses in all turns of loops. */
export function accessesOf(stmts: readonly Stmt[]): number {
  return stmts.reduce((n, s) => {
    if (s.kind === "load" || s.kind === "store") return n + 1;
    return s.kind === "let" ? n : n + accessesOf(s.body) * (s.kind === "fold" ? points(s.axes).capacity : s.axis.capacity);
  }, 0);
}

function reachOf(index: Scalar, axis: number, depends: (s: Scalar) => boolean, still: ReadonlySet<number>): "wide" | "shared" | "apart" {
  const { terms, constant } = termsOf(index);
  let own = 0;
  let aligned = constant % 4 === 0;
  for (const t of terms) {
    if (t.value.kind === "ref" && t.value.id === axis) own += t.times;
    else if (t.value.kind === "ref" && still.has(t.value.id)) continue;
    else if (depends(t.value)) return "apart";
    else aligned &&= t.times % 4 === 0;
  }
  return own === 0 ? "shared" : own === 1 && aligned ? "wide" : "apart";
}

/** True where lines of so many points along the axes are best side by side: in quads, since elements of them are. */
export function liesBeside(body: readonly Stmt[], axes: readonly Axis[], length: number): boolean {
  const [axis, another] = axes.filter((a) => a.extent !== 1);
  if (!axis || another || axis.extent !== axis.capacity || axis.capacity % 4 !== 0 || length % 4 !== 0) return false;
  return reachAlong(body, axis.id).wide > 0;
}

/** Axes to launch over, and those that are 0 since a later one goes through their positions too. */
export interface Joined {
  readonly axes: readonly Axis[];
  readonly still: ReadonlySet<number>;
}

/** Joins axes that only occur together, as a position among both: h·14 + w. */
export function joinAxes(nest: Nest): Joined {
  const indices: ReadonlyMap<number, number>[] = [];
  const single = new Set<number>();
  const note = (s: Scalar | undefined): void => {
    if (s?.kind === "ref") single.add(s.id);
    else if (s?.kind === "op" || s?.kind === "call") s.args.forEach(note);
  };
  const visit = (s: Stmt): void => {
    if (s.kind === "load" || s.kind === "store") {
      const factors = new Map<number, number>();
      for (const t of termsOf(s.index).terms) {
        if (t.value.kind === "ref") factors.set(t.value.id, (factors.get(t.value.id) ?? 0) + t.times);
        else note(t.value);
      }
      indices.push(factors);
      note(s.guard);
    }
    if (s.kind !== "load") note("value" in s ? s.value : undefined);
    if (s.kind === "fold") {
      note(s.mask);
      s.axes.forEach((a) => {
        note(a.below);
      });
    }
    if (s.kind === "each") note(s.axis.below);
    if (s.kind === "fold" || s.kind === "each") s.body.forEach(visit);
  };
  nest.body.forEach(visit);
  const [axes, still]: [Axis[], Set<number>] = [[], new Set()];
  for (const axis of nest.parallel.toReversed()) {
    const [inner] = axes;
    const together = (a: Axis): boolean => indices.every((f) => (f.get(axis.id) ?? 0) === a.capacity * (f.get(a.id) ?? 0));
    if (axis.extent === 1) still.add(axis.id);
    else if (inner && inner.extent === inner.capacity && !single.has(axis.id) && !single.has(inner.id) && together(inner)) {
      axes[0] = { ...inner, name: `${axis.name}${inner.name}`, extent: dims.product([axis.extent, inner.extent]), capacity: axis.capacity * inner.capacity };
      still.add(axis.id);
    } else axes.unshift(axis);
  }
  return { axes, still };
}

/** True when a store at each position of one axis fills its buffers: a last quad beyond it lands in what pads them to four elements. */
export function fillsItsBuffers(nest: Nest, { axes, still }: Joined): boolean {
  const [axis] = axes;
  const full = (buffer: Buffer, index: Scalar): boolean => {
    const { terms, constant } = termsOf(index);
    const moving = terms.filter((t) => !(t.value.kind === "ref" && still.has(t.value.id)));
    return constant === 0 && moving.length === 1 && moving[0]?.times === 1 && moving[0].value.kind === "ref" && moving[0].value.id === axis?.id && buffer.elements === axis.capacity;
  };
  const fills = (s: Stmt): boolean => (s.kind === "store" ? full(s.buffer, s.index) : (s.kind !== "fold" && s.kind !== "each") || s.body.every(fills));
  return axes.length === 1 && nest.body.every(fills);
}

function operationsOf(s: Stmt): number {
  const value = s.kind === "load" || s.kind === "each" ? undefined : s.value;
  return 1 + (value ? operationsIn(value, new Set()) : 0);
}

function operationsIn(s: Scalar, done: Set<Scalar>): number {
  if ((s.kind !== "op" && s.kind !== "call") || done.has(s)) return 0;
  done.add(s);
  return s.args.reduce((n, a) => n + operationsIn(a, done), s.kind === "op" ? 1 : operationsOfFunction(s.fn));
}

function operationsOfFunction(fn: ScalarFunction): number {
  const done = new Set<Scalar>();
  return [...fn.lets, fn.result].reduce((n, s) => n + operationsIn(s, done), 0);
}
