/**
 * What the adjoint of a maximum puts back. Each value goes to one of some places, the others of which are 0; so the sum over all places,
 * wherever they have been moved since, is the sum of what was put. A bias under a pooling whose windows tile the image is such a sum.
 *
 *     Σ_{i, j} D[c, i, j],   D the pixels of windows [c, w, k] = select(k == argmax of window w, g[c, w], 0)     ->     Σ_w g[c, w]
 */
import { axesInOrder } from "../../ir/access.ts";
import * as dims from "../../ir/dims.ts";
import type { Dim } from "../../ir/dims.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { axisNames, orders, splatOf, withoutAxes } from "../match.ts";
import { first, input, rule } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Movements that are looked through. */
const mostMoves = 6;

/** Sums over places. */
export const putBack: readonly Rule[] = [
  rule({
    name: "sum-of-put-back",
    doc: "Σ over places of select(k == argmax x, g, 0), in whatever order they lie, = Σ g: each g is put at one place",
    ops: ["reduce"],
    over: first("reshape", "view", "select"),
    apply: (n, e) => {
      if (n.attrs.kind !== "sum" || n.inputs.length > 1) return undefined;
      let x = n.inputs[0] as Node;
      let axes: readonly number[] | undefined = n.attrs.axes;
      for (let moves = 0; (x.op === "reshape" || x.op === "view") && moves < mostMoves; moves++) {
        axes = axesBefore(x, axes);
        if (!axes) return undefined;
        x = x.inputs[0] as Node;
      }
      if (x.op !== "select") return undefined;
      const [chosen, g, otherwise] = x.inputs as readonly [Node, Node, Node];
      const k = splatOf(otherwise) === 0 ? axisOfPlaces(chosen) : undefined;
      const put = k !== undefined && axes.includes(k) ? withoutAxes(e, g, [k]) : undefined;
      if (!put || k === undefined) return undefined;
      const sum = e.reduce("sum", put, axes.flatMap((a) => (a === k ? [] : [a > k ? a - 1 : a])));
      return e.reshape(sum, n.type.shape);
    },
    example: (e) => e.reduce("sum", windowsPut(e), [0, 2, 3]),
  }),
];

/** The axes of its operand that some axes of a movement are; undefined where they are no whole axes, or where the others change their order. */
function axesBefore(x: Extract<Node, { op: "reshape" | "view" }>, axes: readonly number[]): readonly number[] | undefined {
  const from = (x.inputs[0] as Node).type.shape;
  if (x.op === "reshape") return axesOfBlocks(from, x.type.shape, axes);
  const names = axesInOrder(x.attrs.map, from);
  const kept = names?.filter((name) => name !== undefined && !axes.includes(name)) as readonly number[] | undefined;
  if (!names || !kept?.every((name, i) => i === 0 || name > (kept[i - 1] as number))) return undefined;
  // An axis of one element is summed or kept alike.
  return names.flatMap((name, a) => (name === undefined || axes.includes(name) ? [a] : []));
}

/** A reshape takes blocks of axes to blocks of axes with as many elements; each block must be among the axes as a whole or not at all. */
function axesOfBlocks(from: readonly Dim[], to: readonly Dim[], axes: readonly number[]): readonly number[] | undefined {
  const found: number[] = [];
  let [i, j] = [0, 0];
  while (i < from.length && j < to.length) {
    const [first, start] = [i, j];
    let [p, q] = [from[i++] as Dim, to[j++] as Dim];
    while (!dims.equal(p, q)) {
      if (typeof p !== "number" || typeof q !== "number" || p === 0 || q === 0) return undefined;
      const [more] = p < q ? from.slice(i, i + 1) : to.slice(j, j + 1);
      if (more === undefined) return undefined;
      if (p < q) [p, i] = [dims.mul(p, more), i + 1];
      else [q, j] = [dims.mul(q, more), j + 1];
    }
    const long = to.slice(start, j).flatMap((d, a) => (d === 1 ? [] : [start + a]));
    const summed = long.filter((a) => axes.includes(a)).length;
    if (summed !== 0 && summed !== long.length) return undefined;
    if (summed > 0) for (let a = first; a < i; a++) found.push(a);
  }
  // What is left on either side has one element.
  for (; i < from.length; i++) found.push(i);
  return found;
}

/** The axis k of a condition k == argmax over as many places as the axis is long. */
function axisOfPlaces(chosen: Node): number | undefined {
  if (chosen.op !== "compare" || chosen.attrs.relation !== "==") return undefined;
  for (const [place, best] of orders(chosen)) {
    const from = place.op === "view" ? place.inputs[0] : undefined;
    const [k] = place.op === "view" && from?.op === "iota" ? (axisNames(place.attrs.map, from.type.shape) ?? []) : [];
    const argmax = best.op === "view" ? (best.inputs[0] as Node) : best;
    if (k === undefined || argmax.op !== "argmax" || best.op !== "view" || best.attrs.map.guards.length > 0) continue;
    const places = (argmax.inputs[0] as Node).type.shape[argmax.attrs.axis] as Dim;
    // The place of the maximum does not change along its own axis, and is below the number of places.
    if (places !== 0 && dims.equal(places, chosen.type.shape[k] as Dim) && best.attrs.map.index.every((c) => (c.numerator.k[k] ?? 0) === 0)) return k;
  }
  return undefined;
}

/** Values put at the greatest pixel of their windows of 2 x 2, as an image. */
function windowsPut(e: Emit): Node {
  const [x, g] = [input(e, "x", [2, 3, 2, 3, 4]), input(e, "g", [2, 3, 2, 3])];
  const { shape } = x.type;
  const place = e.broadcast(e.iota(4), shape, [4]);
  const chosen = e.compare("==", place, e.broadcast(e.argmax(x, 4), shape, [0, 1, 2, 3]));
  const put = e.select(chosen, e.broadcast(g, shape, [0, 1, 2, 3]), e.like(x, 0));
  return e.reshape(e.transpose(e.reshape(put, [2, 3, 2, 3, 2, 2]), [0, 1, 2, 4, 3, 5]), [2, 3, 4, 6]);
}
