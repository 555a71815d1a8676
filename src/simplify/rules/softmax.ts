/**
 * Sums of exponentials: shifted by their maximum, so that nothing overflows, and the softmax that is there already
 * found again in gradients.
 *
 *     log Σ exp(x)  =  m + log Σ exp(x - m),  m = max x        (a / Σ y) · y  =  a · (y / Σ y)
 *
 * So the adjoint of p = y / Σ y is p · (g - Σ g p), which asks for nothing but p.
 */
import type { AccessMap } from "../../ir/access.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { axesOf, isSplat, negated, operandOf, orders, pair, spread, viewOf, withoutAxes } from "../match.ts";
import { both, first, input, rule, second, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Logsumexp and softmax. */
export const softmaxes: readonly Rule[] = [
  rule({
    name: "logsumexp-shift",
    doc: "log Σ exp(x) = m + log Σ exp(x - m) with m = max x, unless it is shifted so already",
    ops: ["log"],
    apply: (n, e) => {
      const sum = n.inputs[0] as Node;
      const shift = shiftOf(e, sum);
      return shift && e.add(shift.max, e.log(shift.sum));
    },
    example: (e) => e.log(e.reduce("sum", e.exp(input(e, "x", [2, 3])), [1])),
  }),
  rule({
    name: "softmax-shift",
    doc: "exp(x) / Σ exp(x) = exp(x - m) / Σ exp(x - m) with m = max x, unless it is shifted so already",
    ops: ["div"],
    over: both(first("exp"), second("view")),
    apply: (n, e) => {
      const row = rowOf(n);
      const shift = row && shiftOf(e, row.sum);
      return shift && e.div(shift.exp, e.view(shift.sum, row.map));
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [2, 3]));
      return e.div(x, e.broadcast(e.reduce("sum", x, [1]), [2, 3], [0]));
    },
  }),
  rule({
    name: "softmax-quotient",
    doc: "(a / s) · y = a · (y / s) where s = Σ y is broadcast back over y: the softmax that is there already",
    ops: ["mul"],
    over: both(some("exp"), some("view", "div")),
    apply: (n, e) => {
      for (const [y, x] of orders(n)) {
        if (y.op !== "exp") continue;
        const viewed = x.op === "view" && x.attrs.map.guards.length === 0 ? x : undefined;
        const q = viewed ? (viewed.inputs[0] as Node) : x;
        if (q.op !== "div") continue;
        const [a, s] = pair(q).map((k) => (viewed ? viewOf(e, k, viewed.attrs.map) : k)) as [Node, Node];
        const p = e.div(y, s);
        if (p.op === "div" && rowOf(p)) return e.mul(a, p);
      }
      return undefined;
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [2, 3]));
      const s = e.reduce("sum", x, [1]);
      return e.mul(e.broadcast(e.div(input(e, "a", [2]), s), [2, 3], [0]), x);
    },
  }),
  rule({
    name: "softmax-sum",
    doc: "Σ (a / s) · p = (Σ a · p) / s for a softmax p = y / s, also where a condition keeps some of the terms and the others are 0",
    ops: ["reduce"],
    over: first("mul", "select"),
    phase: "differentiated",
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (n.attrs.kind !== "sum" || n.inputs.length > 1) return undefined;
      const terms = x.op === "select" && isSplat(x.inputs[2], 0) ? (x.inputs[1] as Node) : x;
      for (const [q, p] of terms.op === "mul" ? orders(terms) : []) {
        const s = p.inputs[1];
        const less = q.op === "div" && p.op === "div" && s && q.inputs[1] === s && rowOf(p) && withoutAxes(e, s, n.attrs.axes);
        if (!less) continue;
        const product = e.mul(q.inputs[0] as Node, p);
        return e.div(e.reduce("sum", terms === x ? product : e.select(x.inputs[0] as Node, product, x.inputs[2] as Node), n.attrs.axes), less);
      }
      return undefined;
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [2, 3]));
      const s = e.broadcast(e.reduce("sum", x, [1]), [2, 3], [0]);
      return e.reduce("sum", e.mul(e.div(input(e, "a", [2, 3]), s), e.div(x, s)), [1]);
    },
  }),
  rule({
    name: "softmax-difference",
    doc: "± a / s ± b / s = (± a ± b) / s where s is a sum of exponentials broadcast back, and b / s was broadcast likewise",
    ops: ["add"],
    over: both(some("view", "neg"), some("div", "neg")),
    phase: "differentiated",
    apply: (n, e) => {
      for (const [q, r] of orders(n)) {
        const [u, t] = [negated(q) ?? q, negated(r) ?? r];
        const s = u.op === "div" ? u.inputs[1] : undefined;
        const inner = t.op === "view" && t.attrs.map.guards.length === 0 ? (t.inputs[0] as Node) : undefined;
        if (!s || !isRowSum(s) || t.op !== "view" || inner?.op !== "div" || viewOf(e, inner.inputs[1] as Node, t.attrs.map) !== s) continue;
        const [a, b] = [u.inputs[0] as Node, viewOf(e, inner.inputs[0] as Node, t.attrs.map)];
        return e.div(e.add(q === u ? a : e.neg(a), r === t ? b : e.neg(b)), s);
      }
      return undefined;
    },
    example: (e) => {
      const s = e.reduce("sum", e.exp(input(e, "x", [2, 3])), [1]);
      return e.add(e.div(input(e, "a", [2, 3]), e.broadcast(s, [2, 3], [0])), e.neg(e.broadcast(e.div(input(e, "b", [2]), s), [2, 3], [0])));
    },
  }),
];

/** A sum of exponentials, broadcast back. */
function isRowSum(s: Node): boolean {
  const sum = s.op === "view" ? (s.inputs[0] as Node) : undefined;
  return sum?.op === "reduce" && sum.attrs.kind === "sum" && sum.inputs[0]?.op === "exp";
}

/** For a sum of unshifted exponentials: the shifted sum and its parts. Of a guarded sum the kept terms decide the shift. */
export function shiftOf(e: Emit, sum: Node): { readonly max: Node; readonly exp: Node; readonly sum: Node } | undefined {
  if (sum.op !== "reduce" || sum.attrs.kind !== "sum") return undefined;
  const mask = sum.inputs[1];
  const x = operandOf(e, sum.inputs[0] as Node, "exp");
  if (!x || isShifted(x)) return undefined;
  const { axes } = sum.attrs;
  // Over nothing there is no maximum; over one element, or equal ones, it is no reduction.
  if (axes.some((a) => x.type.shape[a] === 0)) return undefined;
  const varies = axesOf(x);
  if (axes.every((a) => !varies.has(a) || x.type.shape[a] === 1)) return undefined;
  const max = e.stop(e.reduce("max", x, axes, mask));
  const exp = e.exp(e.sub(x, spread(e, max, x.type.shape, axes)));
  return { max, exp, sum: e.reduce("sum", exp, axes, mask) };
}

/** True when a maximum is subtracted somewhere in the exponent, a sum of a few terms: it does not grow. */
export function isShifted(x: Node): boolean {
  const open: { readonly node: Node; readonly minus: boolean }[] = [{ node: x, minus: false }];
  for (let seen = 0; open.length > 0 && seen < 32; seen++) {
    const { node, minus } = open.pop() as { node: Node; minus: boolean };
    if (node.op === "neg") open.push({ node: node.inputs[0] as Node, minus: !minus });
    else if (node.op === "view" && node.attrs.map.guards.length === 0 && !isMaximum(node)) open.push({ node: node.inputs[0] as Node, minus });
    else if (node.op === "add") for (const y of node.inputs) open.push({ node: y, minus });
    else if (minus && isMaximum(node)) return true;
  }
  return false;
}

/** A maximum over axes, possibly broadcast, or anything stopped: who subtracts that has shifted. */
function isMaximum(x: Node): boolean {
  let at: Node | undefined = x;
  for (let depth = 0; at && depth < 6; depth++) {
    if (at.op === "stop" || (at.op === "reduce" && at.attrs.kind === "max")) return true;
    if (at.op !== "view" && at.op !== "mark" && at.op !== "reshape") return false;
    at = at.inputs[0];
  }
  return false;
}

/** For y / B(Σ y), the sum broadcast back over the axes it came from: the sum and the broadcast. */
export function rowOf(n: Node): { readonly sum: Node; readonly map: AccessMap } | undefined {
  const [y, s] = pair(n);
  if (y.op !== "exp" || s.op !== "view") return undefined;
  const sum = s.inputs[0] as Node;
  return sum.op === "reduce" && sum.attrs.kind === "sum" && sum.inputs[0] === y && isSpreadBack(s, sum.attrs.axes) ? { sum, map: s.attrs.map } : undefined;
}

/** For x - B(max x), the maximum broadcast back over the axes it came from, all of x among them: true, and nothing is larger than 0. */
export function isLessItsMaximum(n: Node): boolean {
  if (n.op !== "add") return false;
  return orders(n).some(([x, minus]) => {
    const s = minus.op === "neg" ? minus.inputs[0] : undefined;
    if (s?.op !== "view") return false;
    let max = s.inputs[0] as Node;
    while (max.op === "stop" || max.op === "mark") max = max.inputs[0] as Node;
    return max.op === "reduce" && max.attrs.kind === "max" && max.inputs.length === 1 && max.inputs[0] === x && isSpreadBack(s, max.attrs.axes);
  });
}

/** Whether a view repeats what a reduction over these axes left along them, and nothing else. */
function isSpreadBack(s: Extract<Node, { op: "view" }>, axes: readonly number[]): boolean {
  const kept = s.type.shape.map((_, a) => a).filter((a) => !axes.includes(a));
  const { map } = s.attrs;
  const back = kept.every((axis, a) => {
    const c = map.index[a];
    return c?.divisor === 1 && c.numerator.c === 0 && c.numerator.k.every((k, b) => k === (b === axis ? 1 : 0));
  });
  return back && map.guards.length === 0;
}
