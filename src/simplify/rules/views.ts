/**
 * Views and reshapes: a view of a view is one view, an elementwise operation on broadcasts of one kind is a broadcast
 * of the smaller operation, a reshape that only adds or drops axes of length 1 is a view.
 */
import * as access from "../../ir/access.ts";
import type { AccessMap } from "../../ir/access.ts";
import * as dims from "../../ir/dims.ts";
import type { Dim } from "../../ir/dims.ts";
import type { Node, OpName } from "../../ir/node.ts";
import { sameShape } from "../../ir/types.ts";
import { axesRead, broadcasts, splatOf } from "../match.ts";
import type { ViewNode } from "../match.ts";
import { both, every, first, input, rule, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

const elementwise = [
  "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf", "floor", "not", "finite", "cast", "pow",
  "add", "mul", "div", "max", "floordiv", "mod", "compare", "logic", "select",
] as const satisfies readonly OpName[];

/** Views and reshapes. */
export const views: readonly Rule[] = [
  rule({
    name: "view-whole",
    doc: "a view of everything, as it is, is the thing itself",
    ops: ["view"],
    apply: (n) => (access.isIdentity(n.attrs.map, (n.inputs[0] as Node).type.shape) ? n.inputs[0] : undefined),
    example: (e) => {
      const x = input(e, "x", [2, 3]);
      return e.make("view", { map: access.identity([2, 3]) }, [x]);
    },
  }),
  rule({
    name: "view-of-view",
    doc: "a view of a view is one view, by composition of the maps",
    ops: ["view"],
    over: first("view"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      return x.op === "view" ? e.view(x.inputs[0] as Node, access.compose(n.attrs.map, x.attrs.map)) : undefined;
    },
    example: (e) => e.transpose(e.broadcast(input(e, "x", [3]), [2, 3], [1]), [1, 0]),
  }),
  rule({
    name: "view-canonical",
    doc: "guards that always hold or are repeated are dropped, fractions are reduced",
    ops: ["view"],
    apply: (n, e) => {
      const map = canonical(n.attrs.map);
      return access.printMap(map) === access.printMap(n.attrs.map) ? undefined : e.view(n.inputs[0] as Node, map);
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      const map = { shape: [3], index: access.identity([3]).index, guards: [{ kind: "nonnegative", value: access.unit(0, 1) } as const] };
      return e.make("view", { map }, [x]);
    },
  }),
  rule({
    name: "elementwise-of-broadcasts",
    doc: "f(B x, B y) = B f(x, y) for a broadcast B without guards; splats fit any B",
    ops: elementwise,
    over: both(some("view"), every("view", "const")),
    apply: (n, e) => {
      const first = n.inputs.find((x): x is ViewNode => x.op === "view");
      if (!first) return undefined;
      const { map } = first.attrs;
      if (map.guards.length > 0 || !broadcasts(map)) return undefined;
      const inner = (first.inputs[0] as Node).type.shape;
      if (!smaller(inner, map.shape)) return undefined;
      const isSame = (x: ViewNode): boolean => x === first || (sameShape((x.inputs[0] as Node).type.shape, inner) && access.printMap(x.attrs.map) === access.printMap(map));
      const inputs: Node[] = [];
      for (const x of n.inputs) {
        const value = splatOf(x);
        if (value !== undefined) inputs.push(e.const({ dtype: x.type.dtype, shape: inner }, value));
        else if (x.op === "view" && isSame(x)) inputs.push(x.inputs[0] as Node);
        else return undefined;
      }
      return e.view(e.make(n.op, n.attrs, inputs), map);
    },
    example: (e) => {
      const [x, y] = [input(e, "x", [3]), input(e, "y", [3])];
      return e.mul(e.broadcast(x, [2, 3], [1]), e.broadcast(y, [2, 3], [1]));
    },
  }),
  rule({
    name: "elementwise-of-same-view",
    doc: "f(V x, V y) = V f(x, y) for a view V that only reorders",
    ops: ["add", "mul", "div", "max", "select", "compare"],
    over: every("view"),
    apply: (n, e) => {
      const first = n.inputs[0] as Node;
      if (first.op !== "view" || first.attrs.map.guards.length > 0 || !permutes(first)) return undefined;
      // The same places of a larger tensor are not all of it.
      const source = (first.inputs[0] as Node).type.shape;
      if (!n.inputs.every((x) => x.op === "view" && sameShape((x.inputs[0] as Node).type.shape, source) && access.printMap(x.attrs.map) === access.printMap(first.attrs.map))) return undefined;
      return e.view(e.make(n.op, n.attrs, n.inputs.map((x) => x.inputs[0] as Node)), first.attrs.map);
    },
    example: (e) => e.mul(e.transpose(input(e, "x", [2, 3]), [1, 0]), e.transpose(input(e, "y", [2, 3]), [1, 0])),
  }),
  rule({
    name: "reshape-whole",
    doc: "a reshape to the shape it has is the thing itself",
    ops: ["reshape"],
    apply: (n) => (sameShape(n.type.shape, (n.inputs[0] as Node).type.shape) ? n.inputs[0] : undefined),
    example: (e) => e.reshape(input(e, "x", [2, 3]), [2, 3]),
  }),
  rule({
    name: "reshape-of-reshape",
    doc: "of two reshapes the last counts",
    ops: ["reshape"],
    over: first("reshape"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      return x.op === "reshape" ? e.reshape(x.inputs[0] as Node, n.attrs.shape) : undefined;
    },
    example: (e) => e.reshape(e.reshape(input(e, "x", [2, 6]), [3, 4]), [12]),
  }),
  rule({
    name: "reshape-is-view",
    doc: "a reshape that only adds or drops axes of length 1 is a view",
    ops: ["reshape"],
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      const names = unitAxes(x.type.shape, n.type.shape);
      if (!names) return undefined;
      const rank = n.type.shape.length;
      const index = names.map((axis) => access.whole(axis === undefined ? access.constant(0, rank) : access.unit(axis, rank)));
      return e.view(x, { shape: n.type.shape, index, guards: [] });
    },
    example: (e) => e.reshape(input(e, "x", [2, 1, 3]), [2, 3, 1]),
  }),
  rule({
    name: "concat-one",
    doc: "a concatenation of one part is the part",
    ops: ["concat"],
    apply: (n) => (n.inputs.length === 1 ? n.inputs[0] : undefined),
    example: (e) => e.concat([input(e, "x", [2, 3])], 1),
  }),
];

/** True when the view is a permutation of its operand's axes, as long as it. */
function permutes(view: ViewNode): boolean {
  const { map } = view.attrs;
  const shape = (view.inputs[0] as Node).type.shape;
  if (map.shape.length !== shape.length || axesRead(map).size !== shape.length) return false;
  return map.index.every((c, a) => {
    const read = c.numerator.k.flatMap((k, axis) => (k === 0 ? [] : [axis]));
    return read.length === 1 && c.divisor === 1 && c.numerator.c === 0 && c.numerator.k[read[0] as number] === 1 && dims.equal(map.shape[read[0] as number] as Dim, shape[a] as Dim);
  });
}

/** True when the first shape has surely fewer elements: each extent of it is in the second, which has more. */
function smaller(inner: readonly Dim[], outer: readonly Dim[]): boolean {
  const rest = outer.filter((d) => d !== 1).map(dims.print);
  for (const d of inner) {
    if (d === 1) continue;
    const at = rest.indexOf(dims.print(d));
    if (at < 0) return false;
    rest.splice(at, 1);
  }
  return rest.length > 0;
}

/** The same map in its one form. */
function canonical(map: AccessMap): AccessMap {
  return { shape: map.shape, index: map.index.map(access.reduced), guards: access.tidyGuards(map.guards, map.shape) };
}

/** For each axis of `from` the axis of `to` it becomes, undefined for a dropped 1; undefined if more is needed. */
function unitAxes(from: readonly Dim[], to: readonly Dim[]): readonly (number | undefined)[] | undefined {
  const kept = to.map((_, a) => a).filter((a) => to[a] !== 1);
  let next = 0;
  const names: (number | undefined)[] = [];
  for (const d of from) {
    if (d === 1) {
      names.push(undefined);
      continue;
    }
    const axis = kept[next++];
    if (axis === undefined || !dims.equal(to[axis] as Dim, d)) return undefined;
    names.push(axis);
  }
  return next === kept.length ? names : undefined;
}
