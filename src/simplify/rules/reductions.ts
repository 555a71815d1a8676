/**
 * Reductions: merged with each other, freed of axes along which nothing varies, and with factors that do not vary
 * taken out in front. Masked reductions are left as they are.
 */
import type { Dim } from "../../ir/dims.ts";
import type { Node, NodeOf, OpName } from "../../ir/node.ts";
import type { Emit } from "../../ir/emit.ts";
import { axesOf, axisNames, extentOf, fill, isFloat, movedLike, moves, orders, pair, splatOf, withoutAxes } from "../match.ts";
import { isCentred } from "../centred.ts";
import { first, input, rule } from "../rule.ts";
import type { Rule } from "../rule.ts";
import { products } from "../terms.ts";

type Reduce = NodeOf<"reduce"> & Node;

/** Sums and maxima. */
export const reductions: readonly Rule[] = [
  rule({
    name: "reduce-of-reduce",
    doc: "a sum of sums over other axes is one sum; likewise max, any, all",
    ops: ["reduce"],
    over: first("reduce"),
    apply: (n, e) => {
      const x = plain(n);
      if (x?.op !== "reduce" || x.attrs.kind !== n.attrs.kind || x.inputs.length > 1) return undefined;
      const inner = x.attrs.axes;
      const left = (x.inputs[0] as Node).type.shape.map((_, a) => a).filter((a) => !inner.includes(a));
      return e.reduce(n.attrs.kind, x.inputs[0] as Node, [...inner, ...n.attrs.axes.map((a) => left[a] as number)]);
    },
    example: (e) => e.reduce("sum", e.reduce("sum", input(e, "x", [2, 3, 4]), [1]), [0]),
  }),
  rule({
    name: "reduce-one",
    doc: "a reduction over axes of length 1 only drops them",
    ops: ["reduce"],
    apply: (n, e) => {
      const x = plain(n);
      return x && n.attrs.axes.every((a) => x.type.shape[a] === 1) ? e.reshape(x, n.type.shape) : undefined;
    },
    example: (e) => e.reduce("max", input(e, "x", [3, 1]), [1]),
  }),
  rule({
    name: "reduce-of-broadcast",
    doc: "Σ over an axis along which x does not vary = extent · x; max, any, all over it = x",
    ops: ["reduce"],
    over: first("view", "const"),
    apply: (n, e) => {
      const x = plain(n);
      if (!x || n.attrs.kind === "prod" || (n.attrs.kind === "sum" && !isFloat(x)) || (x.op !== "view" && splatOf(x) === undefined)) return undefined;
      const varies = axesOf(x);
      const gone = n.attrs.axes.filter((a) => !varies.has(a));
      if (gone.length === 0) return undefined;
      const extents = gone.map((a) => x.type.shape[a] as Dim);
      // The maximum of nothing is another matter.
      if (n.attrs.kind !== "sum" && extents.some((d) => d === 0)) return undefined;
      const less = withoutAxes(e, x, gone);
      if (!less) return undefined;
      const rest = e.reduce(n.attrs.kind, less, shifted(n.attrs.axes.filter((a) => varies.has(a)), gone));
      return n.attrs.kind === "sum" ? e.mul(rest, fill(e, extentOf(e, extents), rest.type.shape)) : rest;
    },
    example: (e) => e.reduce("sum", e.broadcast(input(e, "x", [3]), [2, 3], [1]), [0]),
  }),
  rule({
    name: "reduce-of-reordered",
    doc: "a reduction of reordered axes reduces the axes where they were",
    ops: ["reduce"],
    over: first("view"),
    apply: (n, e) => {
      const x = plain(n);
      if (x?.op !== "view") return undefined;
      const from = x.inputs[0] as Node;
      const names = axisNames(x.attrs.map, from.type.shape);
      if (!names || names.length !== x.type.shape.length) return undefined;
      const reduced = e.reduce(n.attrs.kind, from, names.flatMap((name, a) => (n.attrs.axes.includes(name) ? [a] : [])));
      const kept = names.filter((name) => !n.attrs.axes.includes(name));
      const order = [...kept].sort((a, b) => a - b).map((name) => kept.indexOf(name));
      return e.transpose(reduced, order);
    },
    example: (e) => e.reduce("sum", e.transpose(input(e, "x", [2, 3, 4]), [2, 0, 1]), [1]),
  }),
  rule({
    name: "sum-factor",
    doc: "Σ a · x = a · Σ x and Σ x / a = (Σ x) / a where a varies, but not along the summed axes",
    ops: ["reduce"],
    over: first("mul", "div"),
    apply: (n, e) => {
      const x = plain(n);
      if (!x || n.attrs.kind !== "sum" || !isFloat(x) || (x.op !== "mul" && x.op !== "div")) return undefined;
      for (const [y, a] of x.op === "mul" ? orders(x) : [pair(x)]) {
        const varies = axesOf(a);
        // A factor that is one number stays: x · c is what other users of the product read too.
        if (varies.size === 0 || n.attrs.axes.some((axis) => varies.has(axis))) continue;
        const less = withoutAxes(e, a, n.attrs.axes);
        if (less) return e.make(x.op, x.attrs, [e.reduce("sum", y, n.attrs.axes), less]);
      }
      return undefined;
    },
    example: (e) => {
      const [x, a] = [input(e, "x", [2, 3]), input(e, "a", [2])];
      return e.reduce("sum", e.mul(e.broadcast(a, [2, 3], [0]), x), [1]);
    },
  }),
  rule({
    name: "sum-of-sum",
    doc: "Σ (x + a) = Σ x + extent · a where a does not vary along the summed axes",
    ops: ["reduce"],
    over: first("add"),
    apply: (n, e) => {
      const x = plain(n);
      if (!x || n.attrs.kind !== "sum" || !isFloat(x) || x.op !== "add") return undefined;
      for (const [y, a] of orders(x)) {
        const value = a.op === "neg" ? (a.inputs[0] as Node) : a;
        if (value.op !== "view" && splatOf(value) === undefined) continue;
        const varies = axesOf(value);
        if (n.attrs.axes.some((axis) => varies.has(axis))) continue;
        return e.add(e.reduce("sum", y, n.attrs.axes), e.reduce("sum", a, n.attrs.axes));
      }
      return undefined;
    },
    example: (e) => {
      const [x, a] = [input(e, "x", [2, 3]), input(e, "a", [2])];
      return e.reduce("sum", e.add(x, e.broadcast(a, [2, 3], [0])), [1]);
    },
  }),
  rule({
    name: "sum-of-centred",
    doc: "Σ a · (x - mean x) = 0 where the mean is over summed axes, along which a does not vary",
    ops: ["reduce"],
    over: first("add", ...products),
    apply: (n, e) => {
      const x = plain(n);
      return x && n.attrs.kind === "sum" && isFloat(x) && isCentred(e, x, n.attrs.axes) ? e.like(n, 0) : undefined;
    },
    example: (e) => {
      const [x, a] = [input(e, "x", [2, 3]), e.exp(input(e, "a", [2]))];
      const mean = e.mul(e.reduce("sum", x, [1]), e.const({ dtype: "f32", shape: [2] }, 1 / 3));
      const centred = e.sub(x, e.broadcast(mean, [2, 3], [0]));
      return e.reduce("sum", e.mul(e.div(centred, e.broadcast(a, [2, 3], [0])), e.like(x, 2)), [0, 1]);
    },
  }),
  rule({
    name: "max-of-increasing",
    doc: "the maximum over windows of f(x) = f(the maximum over windows of x), for max(x, c), tanh, sigmoid, erf, exp, expm1: what pools an activation acts on what was pooled",
    ops: ["reduce"],
    over: first("view"),
    apply: (n, e) => {
      const windows = plain(n);
      // Without windows it is mostly the maximum that a softmax subtracts, which is known by its operand.
      if (!windows || n.attrs.kind !== "max" || windows.op !== "view" || !moves(windows)) return undefined;
      const moved: Node[] = [];
      let f: Node = windows;
      while (moves(f) && f.op !== "gather" && moved.length < 4) {
        moved.push(f);
        f = f.inputs[0] as Node;
      }
      const increasing = asIncreasing(f);
      if (!increasing) return undefined;
      const x = moved.reduceRight((y, move) => movedLike(e, move, y), increasing.x);
      return increasing.again(e, e.reduce("max", x, n.attrs.axes));
    },
    example: (e) => {
      const x = input(e, "x", [6]);
      const relu = e.select(e.compare(">", x, e.like(x, 0)), x, e.like(x, 0));
      return e.reduce("max", e.transpose(e.reshape(relu, [3, 2]), [1, 0]), [0]);
    },
  }),
];

const increasingOps: readonly OpName[] = ["tanh", "sigmoid", "erf", "exp", "expm1"];

/** What a value is an increasing function of, and that function of another value; undefined where it is none that is known. */
function asIncreasing(f: Node): { readonly x: Node; readonly again: (e: Emit, y: Node) => Node } | undefined {
  const [first, x, c] = f.inputs as readonly (Node | undefined)[];
  if (first && increasingOps.includes(f.op)) return { x: first, again: (e, y) => e.make(f.op, f.attrs, [y]) };
  const least = splatOf(c);
  if (f.op !== "select" || first?.op !== "compare" || first.attrs.relation !== ">" || !x || least === undefined) return undefined;
  if (first.inputs[0] !== x || splatOf(first.inputs[1]) !== least) return undefined;
  return { x, again: (e, y) => e.select(e.compare(">", y, e.like(y, least)), y, e.like(y, least)) };
}

/** The operand of a reduction without mask. */
function plain(n: Reduce): Node | undefined {
  return n.inputs.length === 1 ? n.inputs[0] : undefined;
}

/** Axis numbers after the axes `gone` vanished. */
function shifted(axes: readonly number[], gone: readonly number[]): number[] {
  return axes.map((a) => a - gone.filter((g) => g < a).length);
}
