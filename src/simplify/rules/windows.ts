/**
 * Windows on contractions. The adjoint of a convolution by its image is a sum over a window of a contraction: what each pixel gives to
 * each place of a window that it lies in. Seen through that window the operands themselves make it one contraction, again a convolution:
 *
 *     dx[n, c, a] = Σ_u D[n, a - u, c, u],  D[n, i, c, u] = Σ_f g[n, f, i] K[f, c, u]     ->     dx = Σ_{f, u} g[n, f, a - u] K[f, c, u]
 */
import { addAffine, constant, scaleAffine, unit, whole } from "../../ir/access.ts";
import type { AccessMap, Affine, Coordinate, Guard } from "../../ir/access.ts";
import * as dims from "../../ir/dims.ts";
import type { Dim } from "../../ir/dims.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { axisNames, viewOf } from "../match.ts";
import { input, rule } from "../rule.ts";
import type { Rule } from "../rule.ts";
import { contraction, extentsOf, operands } from "./contractions.ts";
import type { Contract, Labelled } from "./contractions.ts";

/** Contractions seen through windows. */
export const windows: readonly Rule[] = [
  rule({
    name: "sum-of-view-of-contract",
    doc: "Σ over a window of a contraction = a contraction of its operands seen through that window: the adjoint of a convolution is one",
    ops: ["reduce"],
    apply: (n, e) => {
      const window = n.inputs[0] as Node;
      if (n.attrs.kind !== "sum" || n.inputs.length > 1 || window.op !== "view") return undefined;
      const x = window.inputs[0] as Node;
      if (x.op !== "contract" || axisNames(window.attrs.map, x.type.shape) || !isAtMost(window.type.shape, mostSpread, x.type.shape)) return undefined;
      const seen = throughWindow(e, x, window.attrs.map);
      if (!seen) return undefined;
      const extents = [...window.type.shape];
      for (const { node, labels } of seen) labels.forEach((l, axis) => (extents[l] = node.type.shape[axis] as Dim));
      const out = window.type.shape.map((_, axis) => axis).filter((axis) => !n.attrs.axes.includes(axis));
      return contraction(e, seen[0], seen[1], out, extents);
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
];

/** How much larger than a contraction a window on it may be: beyond, what is computed once is worth keeping. */
const mostSpread = 2;

/** True when one shape has at most `times` the elements of another, whatever the sizes that data decides. */
function isAtMost(shape: readonly Dim[], times: number, of: readonly Dim[]): boolean {
  const symbolic = (sizes: readonly Dim[]): string => sizes.filter((d) => typeof d !== "number").map(dims.print).sort().join();
  const count = (sizes: readonly Dim[]): number => sizes.reduce<number>((n, d) => (typeof d === "number" ? n * d : n), 1);
  return symbolic(shape) === symbolic(of) && count(shape) <= times * count(of);
}

/**
 * The operands of a contraction as they are seen by a view of it, labelled by the view's axes; summed labels come after those. Each guard
 * stands with an operand that varies along its axes; undefined where none does.
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
  const [p, q] = sides.map(({ of, axes, guards }): Labelled => {
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
