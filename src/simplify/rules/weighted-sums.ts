/**
 * Logarithms of sums in which exponentials have factors, and of what a softmax leaves: finite however small or large the
 * exponentials are. Found before differentiation, so that gradients are finite too.
 *
 *     log Σ w exp(x)  =  m + log Σ w exp(x - m),  m = max of x where w is not 0
 *     log(1 - p_k)    =  log Σ over the others of exp(x) - log Σ exp(x)  where p_k is the largest, else log1p(-p_k)
 */
import type { Emit } from "../../ir/emit.ts";
import type { Node, NodeOf } from "../../ir/node.ts";
import { isSplat, moves, movedLike, negated, operandOf, orders, pair, positive, splatOf, spread, under } from "../match.ts";
import { input, rule } from "../rule.ts";
import type { Rule } from "../rule.ts";
import { productOf, valueOf } from "../terms.ts";
import { isShifted, rowOf } from "./softmax.ts";

/** exp(88) is the largest power that f32 holds: what a mask leaves out may be larger and stays finite. */
const largestExponent = 88;

/** Logarithms of weighted sums of exponentials. */
export const weightedSums: readonly Rule[] = [
  rule({
    name: "log-weighted-sum",
    doc: "log Σ w exp(x) = m + log Σ w exp(x - m) with m = max of x where w is not 0, also where the sum is a contraction; unless it is shifted so already",
    ops: ["log"],
    apply: (n, e) => {
      const sum = n.inputs[0] as Node;
      if (sum.op === "contract") return ofContract(e, sum);
      return sum.op === "reduce" && sum.attrs.kind === "sum" && sum.inputs.length === 1 ? ofReduce(e, sum) : undefined;
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [2, 3]), input(e, "w", [2, 3])];
      return e.log(e.reduce("sum", e.mul(e.mul(w, w), e.exp(x)), [1]));
    },
  }),
  rule({
    name: "log-one-minus-softmax",
    doc: "log(1 - p) for a softmax p, moved or not: of the largest element by the sum of the others, of all else log1p(-p); for a moved sigmoid log sigmoid(-x)",
    ops: ["log", "log1p"],
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      const p = n.op === "log1p" ? negated(x) : x.op === "add" ? negated(orders(x).find(([one]) => isSplat(one, 1))?.[1] ?? x) : undefined;
      const z = p && operandOf(e, p, "sigmoid");
      return z ? e.log(e.sigmoid(negated(z) ?? e.neg(z))) : p && logRest(e, p, 4);
    },
    example: (e) => {
      const x = input(e, "x", [2, 3]);
      const y = e.exp(e.sub(x, e.broadcast(e.stop(e.reduce("max", x, [1])), [2, 3], [0])));
      const p = e.div(y, e.broadcast(e.reduce("sum", y, [1]), [2, 3], [0]));
      return e.log(e.sub(e.like(p, 1), p));
    },
  }),
];

function ofReduce(e: Emit, sum: NodeOf<"reduce"> & Node): Node | undefined {
  const f = sum.inputs[0] as Node;
  const { axes } = sum.attrs;
  if ((f.op !== "mul" && f.op !== "div" && f.op !== "select") || axes.some((a) => f.type.shape[a] === 0)) return undefined;
  const p = productOf(e, f);
  const [num, den] = [p.num.filter((x) => x.op === "exp"), p.den.filter((x) => x.op === "exp")];
  if (num.length + den.length === 0) return undefined;
  const exponents = [...num.map((x) => x.inputs[0] as Node), ...den.map((x) => e.neg(x.inputs[0] as Node))];
  const x = exponents.slice(1).reduce((a, b) => e.add(a, b), exponents[0] as Node);
  const w = valueOf(e, { ...p, num: p.num.filter((y) => y.op !== "exp"), den: p.den.filter((y) => y.op !== "exp") }, f);
  const c = splatOf(w);
  if (c !== undefined && c > 0) return e.add(e.log(e.reduce("sum", e.exp(x), axes)), e.like(sum, Math.log(c)));
  const mask = positive(w) ? undefined : notZero(e, w);
  if (isShiftedBy(x, mask)) return undefined;
  const max = e.stop(e.reduce("max", x, axes, mask));
  return e.add(max, e.log(e.reduce("sum", e.mul(w, shiftedExp(e, x, spread(e, max, x.type.shape, axes), mask)), axes)));
}

function ofContract(e: Emit, sum: NodeOf<"contract"> & Node): Node | undefined {
  const { a, b, out } = sum.attrs;
  for (const [k, labels, others] of [[0, a, b], [1, b, a]] as const) {
    const [x, w] = [under(sum.inputs[k], "exp"), sum.inputs[1 - k] as Node];
    if (!x) continue;
    const shape = x.type.shape;
    const axes = labels.flatMap((label, axis) => (out.includes(label) ? [] : [axis]));
    if (axes.length === 0 || axes.some((axis) => shape[axis] === 0)) continue;
    // Where the factor varies along what the exponent does not, its zeros differ from result to result.
    const inside = others.every((label) => labels.includes(label));
    const mask = positive(w) || !inside ? undefined : notZero(e, axesInOrder(e, w, others, labels, shape));
    if (isShiftedBy(x, mask)) continue;
    const max = e.stop(e.reduce("max", x, axes, mask));
    const exp = shiftedExp(e, x, spread(e, max, shape, axes), mask);
    const kept = labels.filter((label) => out.includes(label));
    const shift = e.broadcast(e.transpose(max, order(kept, out)), sum.type.shape, out.flatMap((label, axis) => (kept.includes(label) ? [axis] : [])));
    return e.add(shift, e.log(e.make("contract", sum.attrs, k === 0 ? [exp, w] : [w, exp])));
  }
  return undefined;
}

/** The positions of labels in the order in which `of` has them. */
function order(labels: readonly number[], of: readonly number[]): readonly number[] {
  return of.flatMap((label) => (labels.includes(label) ? [labels.indexOf(label)] : []));
}

/** An operand spread over the axes of another that has all its labels. */
function axesInOrder(e: Emit, w: Node, own: readonly number[], labels: readonly number[], shape: Node["type"]["shape"]): Node {
  return e.broadcast(e.transpose(w, order(own, labels)), shape, labels.flatMap((label, axis) => (own.includes(label) ? [axis] : [])));
}

function notZero(e: Emit, w: Node): Node {
  return e.compare("!=", w, e.like(w, 0));
}

/** exp(x - max); with a mask no larger than f32 holds, so that 0 times it is 0. */
function shiftedExp(e: Emit, x: Node, max: Node, mask: Node | undefined): Node {
  const shifted = e.sub(x, max);
  return e.exp(mask ? e.neg(e.max(e.neg(shifted), e.like(x, -largestExponent))) : shifted);
}

/** Whether the largest value was subtracted: of all, or of those that this mask keeps. */
function isShiftedBy(x: Node, mask: Node | undefined): boolean {
  if (!mask) return isShifted(x);
  const clamp = negated(x);
  if (clamp?.op !== "max" || !isSplat(clamp.inputs[1], -largestExponent)) return false;
  const open: Node[] = [clamp.inputs[0] as Node];
  for (let seen = 0; open.length > 0 && seen < 64; seen++) {
    const at = open.pop() as Node;
    if (at.op === "reduce" && at.attrs.kind === "max" && at.inputs.length > 1) return true;
    if (at.op === "add" || at.op === "neg" || at.op === "stop" || at.op === "reshape" || at.op === "view") open.push(...at.inputs);
  }
  return false;
}

/** log(1 - p) where p is a softmax over one axis, perhaps moved. */
function logRest(e: Emit, p: Node, depth: number): Node | undefined {
  if (moves(p) && depth > 0) {
    const inner = logRest(e, p.inputs[0] as Node, depth - 1);
    return inner && movedLike(e, p, inner);
  }
  const row = p.op === "div" ? rowOf(p) : undefined;
  const x = under(pair(p)[0], "exp");
  const [axis, ...more] = row?.sum.op === "reduce" ? row.sum.attrs.axes : [];
  const extent = axis === undefined ? undefined : p.type.shape[axis];
  if (!row || !x || axis === undefined || extent === undefined || extent === 0 || extent === 1 || more.length > 0) return undefined;
  const shape = p.type.shape;
  const largest = e.compare("==", e.broadcast(e.iota(extent), shape, [axis]), spread(e, e.argmax(x, axis), shape, [axis]));
  const others = e.not(largest);
  const max = e.stop(e.reduce("max", x, [axis], others));
  const rest = e.reduce("sum", e.exp(e.sub(x, spread(e, max, shape, [axis]))), [axis], others);
  const byRest = e.sub(e.add(max, e.log(rest)), e.log(row.sum));
  // Where p is the largest, 1 - p is 0 or too coarse, and never looked at; the logarithm of 1 stands there.
  const apart = e.make("log1p", {}, [e.neg(e.select(largest, e.like(p, 0), p))]);
  return e.select(largest, spread(e, byRest, shape, [axis]), apart);
}
