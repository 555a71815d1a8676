/**
 * Windows on contractions. The adjoint of a convolution by its image is a sum over a window of a contraction: what each pixel gives to
 * each place of a window that it lies in. Seen through that window the operands themselves make it one contraction, again a convolution.
 * Windows with a stride are taken apart by residue first, so that they are dense.
 *
 *     dx[n, c, a] = Σ_u D[n, a - u, c, u],  D[n, i, c, u] = Σ_f g[n, f, i] K[f, c, u]     ->     dx = Σ_{f, u} g[n, f, a - u] K[f, c, u]
 */
import { addAffine, compose, constant, scaleAffine, tidyGuards, unit, whole } from "../../ir/access.ts";
import type { AccessMap, Affine, Coordinate, Guard } from "../../ir/access.ts";
import * as dims from "../../ir/dims.ts";
import type { Dim } from "../../ir/dims.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { axisNames, viewOf } from "../match.ts";
import { first, input, rule } from "../rule.ts";
import type { Rule } from "../rule.ts";
import { contraction, extentsOf, operands } from "./contractions.ts";
import type { Contract, Labelled } from "./contractions.ts";

/** Contractions seen through windows. */
export const windows: readonly Rule[] = [
  rule({
    name: "sum-of-view-of-contract",
    doc: "Σ over a window of a contraction = a contraction of its operands seen through that window: the adjoint of a convolution is one",
    ops: ["reduce"],
    over: first("view"),
    apply: (n, e) => {
      const window = n.inputs[0] as Node;
      if (n.attrs.kind !== "sum" || n.inputs.length > 1 || window.op !== "view") return undefined;
      const x = window.inputs[0] as Node;
      if (x.op !== "contract" || axisNames(window.attrs.map, x.type.shape)) return undefined;
      const even = byResidue(window.attrs.map, n.attrs.axes, x.type.shape);
      if (!even || !isAtMost(even.map.shape, mostSpread, x.type.shape)) return undefined;
      const seen = throughWindow(e, x, even.map);
      if (!seen) return undefined;
      const extents = [...even.map.shape];
      for (const { node, labels } of seen) labels.forEach((l, axis) => (extents[l] = node.type.shape[axis] as Dim));
      const out = even.map.shape.map((_, axis) => axis).filter((axis) => !even.summed.includes(axis));
      return even.cuts.reduceRight((node, cut) => joined(e, node, cut), contraction(e, seen[0], seen[1], out, extents));
    },
    example: (e) => {
      const [g, k] = [input(e, "g", [2, 3, 4]), input(e, "k", [3, 5, 2])];
      const product = e.contract(g, k, [0, 1, 2], [1, 3, 4], [0, 2, 3, 4]);
      // dx[n, c, a] = Σ_u D[n, a - u, c, u], for 0 <= a - u < 4
      const at: Affine = { c: 0, k: [0, 0, 1, -1] };
      const index = [whole(unit(0, 4)), whole(at), whole(unit(1, 4)), whole(unit(3, 4))];
      const guards: Guard[] = [{ kind: "nonnegative", value: at }, { kind: "nonnegative", value: addAffine(constant(3, 4), scaleAffine(at, -1)) }];
      return e.reduce("sum", e.view(product, { shape: [2, 5, 5, 2], index, guards }), [3]);
    },
  }),
  rule({
    name: "sum-of-disjoint-windows",
    doc: "Σ over what each window gives to a place, where windows do not overlap = what the one window that holds the place gives it: the adjoint of pooling",
    ops: ["reduce"],
    over: first("view"),
    apply: (n, e) => {
      const window = n.inputs[0] as Node;
      if (n.attrs.kind !== "sum" || n.inputs.length > 1 || window.op !== "view" || !divides(window.attrs.map)) return undefined;
      const x = window.inputs[0] as Node;
      const even = byResidue(window.attrs.map, n.attrs.axes, x.type.shape);
      if (!even || even.summed.some((axis) => even.map.shape[axis] !== 1)) return undefined;
      const one = e.reduce("sum", viewOf(e, x, even.map), even.summed);
      return even.cuts.reduceRight((node, cut) => joined(e, node, cut), one);
    },
    example: (e) => {
      const g = input(e, "g", [3, 4, 2]);
      // dx[n, a] = Σ_u g[n, (a - u) / 2, u], for a - u even and 0 <= a - u
      const at: Affine = { c: 0, k: [0, 1, -1] };
      const index = [whole(unit(0, 3)), { numerator: at, divisor: 2 }, whole(unit(2, 3))];
      const guards: Guard[] = [{ kind: "divisible", value: at, by: 2 }, { kind: "nonnegative", value: at }];
      return e.reduce("sum", e.view(g, { shape: [3, 8, 2], index, guards }), [2]);
    },
  }),
];

/** How much larger than a contraction a window on it may be: beyond, what is computed once is worth keeping. */
const mostSpread = 3;

/** True when one shape has at most `times` the elements of another, whatever the sizes that data decides. */
function isAtMost(shape: readonly Dim[], times: number, of: readonly Dim[]): boolean {
  const symbolic = (sizes: readonly Dim[]): string => sizes.filter((d) => typeof d !== "number").map(dims.print).sort().join();
  const count = (sizes: readonly Dim[]): number => sizes.reduce<number>((n, d) => (typeof d === "number" ? n * d : n), 1);
  return symbolic(shape) === symbolic(of) && count(shape) <= times * count(of);
}

/** An axis that was taken apart into (quotient, residue), where it stands among the axes that are kept: places start .. start + extent - 1 of both together. */
interface Cut {
  readonly at: number;
  readonly start: number;
  readonly extent: Dim;
}

/**
 * The window without divisions. Where a place i exists only if s divides a - u + c, a kept and u summed, the places a are taken apart by
 * what they leave: u = s u' + r and a = s a' + r - c₀ give i = a' - u' + ⌊c / s⌋, and every residue r is dense. So is the window, which
 * else is empty but for one in s. Undefined where a division is of another form.
 */
function byResidue(map: AccessMap, axes: readonly number[], of: readonly Dim[]): { readonly map: AccessMap; readonly summed: readonly number[]; readonly cuts: readonly Cut[] } | undefined {
  let [now, summed] = [map, axes];
  const cuts: Cut[] = [];
  for (let guard = divides(now); guard; guard = divides(now)) {
    const { value, by: s } = guard;
    const [p, q] = value.k.flatMap((k, axis) => (k === 0 ? [] : [axis]));
    const [a, u] = [p, q].filter((axis) => axis !== undefined && !summed.includes(axis)).length === 1 ? (summed.includes(p as number) ? [q, p] : [p, q]) : [];
    if (a === undefined || u === undefined || value.k.filter((k) => k !== 0).length !== 2 || Math.abs(value.k[a] ?? 0) !== 1 || value.k[a] !== -(value.k[u] ?? 0)) return undefined;
    const [extentA, extentU, offset] = [now.shape[a], now.shape[u], value.c];
    if (typeof extentA !== "number" || typeof extentU !== "number" || typeof offset !== "number") return undefined;
    const c = offset * (value.k[a] as number);
    const start = ((c % s) + s) % s;
    const moved = (axis: number): number => (axis > a ? axis + 1 : axis);
    const rank = now.shape.length + 1;
    const step = (axis: number): Affine => addAffine(scaleAffine(unit(axis, rank), s), unit(a + 1, rank));
    const [placeA, placeU] = [addAffine(step(a), constant(-start, rank)), step(moved(u))];
    const shape = now.shape.flatMap((d, axis): Dim[] => (axis === a ? [Math.ceil((extentA + start) / s), s] : axis === u ? [Math.ceil(extentU / s)] : [d]));
    const index = now.shape.map((_, axis) => whole(axis === a ? placeA : axis === u ? placeU : unit(moved(axis), rank)));
    const last = addAffine(constant(extentU - 1, rank), scaleAffine(placeU, -1));
    const composed = compose({ shape, index, guards: [{ kind: "nonnegative", value: last }] }, now);
    // Beyond the places there are, which are cut off in the end, nothing may be read either.
    const inside = composed.index.flatMap((c, axis) => insideOf(c, of[axis] as Dim, rank));
    cuts.push({ at: a - summed.filter((axis) => axis < a).length, start, extent: extentA });
    now = { ...composed, guards: tidyGuards([...composed.guards, ...inside].map(lowest), shape) };
    summed = summed.map(moved);
  }
  return now.index.every((c) => c.divisor === 1) ? { map: now, summed, cuts } : undefined;
}

/** What must hold for a coordinate to be one of an axis. */
function insideOf({ numerator, divisor }: Coordinate, extent: Dim, rank: number): readonly Guard[] {
  const last = addAffine(constant(dims.scale(dims.sub(extent, 1), divisor), rank), scaleAffine(numerator, -1));
  return [{ kind: "nonnegative", value: numerator }, { kind: "nonnegative", value: last }];
}

/** s a - s b + c >= 0 as a - b + ⌊c / s⌋ >= 0. */
function lowest(guard: Guard): Guard {
  const { c, k } = guard.value;
  const common = k.reduce((x, y) => gcd(x, Math.abs(y)), 0);
  return guard.kind !== "nonnegative" || common < 2 || typeof c !== "number" ? guard : { kind: "nonnegative", value: { c: Math.floor(c / common), k: k.map((x) => x / common || 0) } };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** A guard that asks for divisibility. */
function divides(map: AccessMap): Extract<Guard, { kind: "divisible" }> | undefined {
  return map.guards.find((g) => g.kind === "divisible");
}

/** Quotients and residues as one axis again. */
function joined(e: Emit, node: Node, { at, start, extent }: Cut): Node {
  const { shape } = node.type;
  const line = e.reshape(node, [...shape.slice(0, at), dims.mul(shape[at] as Dim, shape[at + 1] as Dim), ...shape.slice(at + 2)]);
  const kept = line.type.shape.map((d, axis) => (axis === at ? extent : d));
  const index = kept.map((_, axis) => whole(axis === at ? addAffine(unit(axis, kept.length), constant(start, kept.length)) : unit(axis, kept.length)));
  return e.view(line, { shape: kept, index, guards: [] });
}

/**
 * The operands of a contraction as they are seen by a view of it, labelled by the view's axes; summed labels come after those. Each guard
 * stands with an operand that varies along its axes, undefined where none does; and each operand has the guards that keep its own reads inside.
 */
function throughWindow(e: Emit, x: Contract, map: AccessMap): readonly [Labelled, Labelled] | undefined {
  const rank = map.shape.length;
  const [a, b] = operands(x);
  const placed = (of: Labelled): readonly (Coordinate | undefined)[] => of.labels.map((l) => map.index[x.attrs.out.indexOf(l)]);
  const read = (form: Affine): readonly number[] => form.k.flatMap((k, axis) => (k === 0 ? [] : [axis]));
  const sides = [a, b].map((of) => ({ of, axes: new Set(placed(of).flatMap((c) => (c ? read(c.numerator) : []))), guards: [] as Guard[] }));
  for (const guard of map.guards) {
    const side = sides.find(({ axes }) => read(guard.value).every((axis) => axes.has(axis)));
    if (!side) return undefined;
    side.guards.push(guard);
  }
  const [p, q] = sides.map(({ of, axes, guards: given }): Labelled => {
    const guards = tidyGuards([...given, ...placed(of).flatMap((c, axis) => (c ? insideOf(c, of.node.type.shape[axis] as Dim, rank) : []))], map.shape);
    const seen = [...axes].sort((i, j) => i - j);
    const own = of.labels.filter((l) => !x.attrs.out.includes(l));
    const width = seen.length + own.length;
    const cut = (form: Affine): Affine => ({ c: form.c, k: [...seen.map((axis) => form.k[axis] ?? 0), ...own.map(() => 0)] });
    const index = placed(of).map((c, axis): Coordinate => (c ? { numerator: cut(c.numerator), divisor: c.divisor } : whole(unit(seen.length + own.indexOf(of.labels[axis] as number), width))));
    const extents = extentsOf(x);
    const shape = [...seen.map((axis) => map.shape[axis] as Dim), ...own.map((l) => extents[l] as Dim)];
    const node = viewOf(e, of.node, { shape, index, guards: guards.map((g) => ({ ...g, value: cut(g.value) })) });
    return { node, labels: [...seen, ...own.map((l) => rank + l)] };
  });
  return p && q && [p, q];
}
