/**
 * Which numbers a node can hold, as an interval that f32 reaches: `exp` ends at 0 because it underflows, `sigmoid` and
 * a softmax at both 0 and 1. Comes in: nodes. Goes out: a function from node to interval, for lints; data and
 * parameters may be anything, so what is known is what the formula itself says.
 *
 *     const bounds = boundsOnDemand();
 *     bounds(exp(x))             // { lo: 0, hi: Infinity }
 *     bounds(x * x + 1e-6)       // { lo: 1e-6, hi: Infinity }
 */
import { topological } from "../graph/topological.ts";
import type { Node } from "../ir/node.ts";
import { splatOf } from "./match.ts";
import { isLessItsMaximum, isShifted } from "./rules/softmax.ts";

/** The least and the largest value; infinite where nothing is known. */
export interface Bounds {
  readonly lo: number;
  readonly hi: number;
}

const anything: Bounds = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
/** No axis is longer: so a positive number divided by a size stays positive. */
const mostElements = 2 ** 31;
/** The smallest normal number of f32: what is smaller may count as 0. */
const leastPositive = 2 ** -126;
const truth: Bounds = { lo: 0, hi: 1 };

/** The intervals of nodes in topological order; a node that is not among them can hold anything. */
function boundsOf(order: readonly Node[]): (node: Node | undefined) => Bounds {
  const known = new Map<Node, Bounds>();
  const of = (node: Node | undefined): Bounds => (node && known.get(node)) ?? anything;
  for (const node of order) {
    const found = sound(bound(node, of));
    if (found !== anything) known.set(node, found);
  }
  return of;
}

/** The interval of any node, found when it is first asked for together with those of all that it is made of. */
export function boundsOnDemand(): (node: Node | undefined) => Bounds {
  const known = new Map<Node, Bounds>();
  const of = (node: Node | undefined): Bounds => (node && known.get(node)) ?? anything;
  return (node) => {
    if (node && !known.has(node)) for (const below of topological([node], known)) known.set(below, sound(bound(below, of)));
    return of(node);
  };
}

/** The interval of one node, by what stands at most six operations below it. */
export function boundsNear(node: Node): Bounds {
  const levels: Node[][] = [[node]];
  for (let depth = 0; depth < 6; depth++) levels.push([...new Set((levels[depth] ?? []).flatMap((n) => n.inputs))].slice(0, 16));
  // Inputs have lower ids than their users.
  const order = [...new Set(levels.flat())].sort((a, b) => a.id - b.id);
  return boundsOf(order)(node);
}

/** Arithmetic on infinities may give NaN: then nothing is known. */
function sound(bounds: Bounds): Bounds {
  const { lo, hi } = bounds;
  if (!Number.isNaN(lo) && !Number.isNaN(hi)) return bounds;
  return { lo: Number.isNaN(lo) ? anything.lo : lo, hi: Number.isNaN(hi) ? anything.hi : hi };
}

const through = (x: Bounds, f: (v: number) => number): Bounds => ({ lo: f(x.lo), hi: f(x.hi) });
const union = (x: Bounds, y: Bounds): Bounds => ({ lo: Math.min(x.lo, y.lo), hi: Math.max(x.hi, y.hi) });
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function product(x: Bounds, y: Bounds): Bounds {
  const corners = [times(x.lo, y.lo), times(x.lo, y.hi), times(x.hi, y.lo), times(x.hi, y.hi)];
  return { lo: Math.min(...corners), hi: Math.max(...corners) };
}

const square = (x: Bounds): Bounds => ({ lo: x.lo > 0 ? x.lo ** 2 : x.hi < 0 ? x.hi ** 2 : 0, hi: Math.max(x.lo ** 2, x.hi ** 2) });
const logistic = (v: number): number => 1 / (1 + Math.exp(-v));

function bound(node: Node, of: (node: Node | undefined) => Bounds): Bounds {
  if (node.type.dtype === "bool") return truth;
  const [a, b, c] = node.inputs;
  const x = of(a);
  switch (node.op) {
    case "const": {
      const { data } = node.attrs;
      if (typeof data === "number") return { lo: data, hi: data };
      return data.reduce((all, v) => ({ lo: Math.min(all.lo, v), hi: Math.max(all.hi, v) }), { lo: Number.POSITIVE_INFINITY, hi: Number.NEGATIVE_INFINITY });
    }
    case "size": return { lo: 1, hi: mostElements };
    case "iota": return { lo: 0, hi: typeof node.attrs.extent === "number" ? node.attrs.extent - 1 : anything.hi };
    case "neg": return { lo: -x.hi, hi: -x.lo };
    // In f32 `exp` of a large negative number is 0, whatever the real one is.
    case "exp": return through(x, Math.exp);
    case "log": return { lo: x.lo > 0 ? Math.log(x.lo) : anything.lo, hi: x.hi > 0 ? Math.log(x.hi) : anything.hi };
    case "log1p": return { lo: x.lo > -1 ? Math.log1p(x.lo) : anything.lo, hi: x.hi > -1 ? Math.log1p(x.hi) : anything.hi };
    case "expm1": return through(x, Math.expm1);
    // The ends are reached, not merely bounds: of the root of something unknown nothing is claimed.
    case "sqrt": return x.lo >= 0 ? through(x, Math.sqrt) : anything;
    case "sin":
    case "cos":
    case "erf": return { lo: -1, hi: 1 };
    case "tanh": return through(x, Math.tanh);
    case "sigmoid": return through(x, logistic);
    case "floor": return through(x, Math.floor);
    case "add": return { lo: x.lo + of(b).lo, hi: isLessItsMaximum(node) ? 0 : x.hi + of(b).hi };
    case "mul": return a === b ? square(x) : product(x, of(b));
    case "div": return isRowShare(node) ? truth : quotient(x, of(b));
    case "max": return { lo: Math.max(x.lo, of(b).lo, isSize(a, b) ? 0 : x.lo), hi: Math.max(x.hi, of(b).hi) };
    case "pow": return power(x, node.attrs.exponent);
    case "select": return chosen(node, of(b), of(c));
    case "cast": return node.attrs.to === "f32" ? x : through(x, Math.floor);
    case "stop":
    case "mark":
    case "reshape":
    case "gather": return x;
    case "view": return node.attrs.map.guards.length > 0 ? union(x, { lo: 0, hi: 0 }) : x;
    case "concat": return node.inputs.map(of).reduce(union);
    case "argsort":
    case "argmax": return { lo: 0, hi: anything.hi };
    case "mod": {
      const by = splatOf(b);
      return by !== undefined && by > 0 ? { lo: 0, hi: by } : anything;
    }
    case "reduce": return reduced(node, x, node.inputs.length > 1);
    case "contract": return a === b && sameLabels(node.attrs.a, node.attrs.b) ? { lo: 0, hi: anything.hi } : summed(product(x, of(b)), undefined);
    case "cumsum":
    case "scatter_sum": return summed(union(x, { lo: 0, hi: 0 }), undefined);
    default: return anything;
  }
}

/** For max(z, -z) = |z|. */
function isSize(a: Node | undefined, b: Node | undefined): boolean {
  return (a?.op === "neg" && a.inputs[0] === b) || (b?.op === "neg" && b.inputs[0] === a);
}

function sameLabels(a: readonly number[], b: readonly number[]): boolean {
  return a.every((label, k) => label === b[k]);
}

function quotient(x: Bounds, y: Bounds): Bounds {
  if (y.lo > 0 || y.hi < 0) return product(x, { lo: 1 / y.hi, hi: 1 / y.lo });
  // Of two that are never negative the quotient is not negative either, where it is a number at all.
  return x.lo >= 0 && y.lo >= 0 ? { lo: 0, hi: anything.hi } : anything;
}

function power(x: Bounds, exponent: number): Bounds {
  if (exponent > 0 && exponent % 2 === 0) return through(square(x), (v) => v ** (exponent / 2));
  if (x.lo < 0) return exponent % 2 === 1 && exponent > 0 ? through(x, (v) => v ** exponent) : anything;
  return exponent > 0 ? through(x, (v) => v ** exponent) : { lo: x.hi ** exponent, hi: x.lo ** exponent };
}

/** The sum of `count` values, or of an unknown number of at least one. */
function summed(x: Bounds, count: number | undefined): Bounds {
  if (count !== undefined) return { lo: times(x.lo, count), hi: times(x.hi, count) };
  return { lo: x.lo >= 0 ? x.lo : anything.lo, hi: x.hi <= 0 ? x.hi : anything.hi };
}

function reduced(node: Extract<Node, { op: "reduce" }>, x: Bounds, masked: boolean): Bounds {
  const { kind, axes } = node.attrs;
  if (kind === "max") return masked ? { lo: anything.lo, hi: x.hi } : x;
  // exp(x - max x) is 1 somewhere, so the sum is at least 1.
  const peak = holdsPeak(node.inputs[0]);
  const shape = node.inputs[0]?.type.shape ?? [];
  const count = axes.reduce<number | undefined>((n, axis) => {
    const extent = shape[axis];
    return n === undefined || typeof extent !== "number" ? undefined : n * extent;
  }, 1);
  const sum = summed(masked ? union(x, { lo: 0, hi: 0 }) : x, count);
  return peak && sum.lo >= 0 ? { lo: Math.max(1, sum.lo), hi: sum.hi } : sum;
}

/** For exp(x - max x), also where some of it was chosen away. */
function holdsPeak(node: Node | undefined): boolean {
  let at = node;
  for (let depth = 0; at && depth < 4; depth++) {
    if (at.op === "exp") return at.inputs[0] !== undefined && isShifted(at.inputs[0]);
    if (at.op === "select") at = splatOf(at.inputs[2]) === 0 ? at.inputs[1] : splatOf(at.inputs[1]) === 0 ? at.inputs[2] : undefined;
    else if (at.op === "mul") at = at.inputs.find((x) => x.op === "exp" || x.op === "select");
    else if (at.op === "view" || at.op === "reshape") at = at.inputs[0];
    else return false;
  }
  return false;
}

/** y / Σ y with y = exp(…): a softmax. */
export function isRowShare(node: Node): boolean {
  const [y, s] = node.inputs;
  let at = s;
  while (at && (at.op === "view" || at.op === "reshape")) at = at.inputs[0];
  return node.op === "div" && y?.op === "exp" && at?.op === "reduce" && at.attrs.kind === "sum" && at.inputs[0] === y;
}

/** Both branches, and what the condition says of a branch that it speaks of: `select(x > 0, x, 0)` is not negative. */
function chosen(node: Node, then: Bounds, otherwise: Bounds): Bounds {
  const [condition, x, y] = node.inputs;
  if (condition?.op !== "compare") return union(then, otherwise);
  const { relation } = condition.attrs;
  const [left, right] = condition.inputs;
  const limit = splatOf(right);
  if (limit === undefined) return union(then, otherwise);
  // What is strictly above 0 is a divisor: at least the smallest normal number.
  const beyond = (strict: boolean): number => (strict && limit === 0 ? leastPositive : 0);
  const above = (v: Bounds, strict: boolean): Bounds => ({ lo: Math.max(v.lo, limit + beyond(strict)), hi: v.hi });
  const below = (v: Bounds, strict: boolean): Bounds => ({ lo: v.lo, hi: Math.min(v.hi, limit - beyond(strict)) });
  const greater = relation === ">" || relation === ">=";
  if (!greater && relation !== "<" && relation !== "<=") return union(then, otherwise);
  const strict = relation === ">" || relation === "<";
  const [first, second] = greater ? [above, below] : [below, above];
  return union(left === x ? first(then, strict) : then, left === y ? second(otherwise, !strict) : otherwise);
}
