/**
 * Choices and casts. A select moves outwards over products, so an adjoint is selected and never multiplied by zero;
 * two selects on one condition become one, and below a choice its own condition is known.
 */
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { isFloat, isSplat, orders, pair, splatOf, under } from "../match.ts";
import { alike, first, input, rule, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

type Choice = readonly [condition: Node, then: Node, otherwise: Node];

const choice = (n: Node): Choice => n.inputs as unknown as Choice;

/** Select, compare, cast. */
export const choices: readonly Rule[] = [
  rule({
    name: "select-constant",
    doc: "select(true, x, y) = x, select(false, x, y) = y",
    ops: ["select"],
    over: first("const"),
    apply: (n) => {
      const truth = splatOf(n.inputs[0]);
      return truth === undefined ? undefined : n.inputs[truth !== 0 ? 1 : 2];
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.select(e.const({ dtype: "bool", shape: [3] }, 1), x, e.exp(x));
    },
  }),
  rule({
    name: "select-same",
    doc: "select(c, x, x) = x",
    ops: ["select"],
    over: ([, x, y]) => x === y,
    apply: (n) => (n.inputs[1] === n.inputs[2] ? n.inputs[1] : undefined),
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.select(e.compare(">", x, e.like(x, 0)), x, x);
    },
  }),
  rule({
    name: "select-not",
    doc: "select(not c, x, y) = select(c, y, x)",
    ops: ["select"],
    over: first("not"),
    apply: (n, e) => {
      const [c, x, y] = choice(n);
      const plain = under(c, "not");
      return plain && e.select(plain, y, x);
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.select(e.not(e.compare(">", x, e.like(x, 0))), x, e.exp(x));
    },
  }),
  rule({
    name: "select-known",
    doc: "in select(c, f(select(c, x, y)), g(select(c, x, y))) the inner choices are x above and y below, a few steps down, through operations that are finite everywhere",
    ops: ["select"],
    over: ([, ...values]) => values.some((x) => looksThrough.has(x)),
    apply: (n, e) => {
      const [c, x, y] = choice(n);
      const then = assuming(e, x, c, true, 4);
      const otherwise = assuming(e, y, c, false, 4);
      return then === x && otherwise === y ? undefined : e.select(c, then, otherwise);
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      const c = e.compare(">", x, e.like(x, 0));
      return e.select(c, e.sigmoid(e.select(c, e.neg(x), x)), e.like(x, 0));
    },
  }),
  rule({
    name: "add-selects",
    doc: "select(c, x, y) + select(c, u, v) = select(c, x + u, y + v), with either sign, also a few terms apart in a sum",
    ops: ["add"],
    over: some("select", "neg", "add"),
    apply: (n, e) => {
      const terms = termsOf(n, 8);
      for (const [i, s] of terms.entries()) {
        const a = signed(s);
        const j = a.node.op === "select" ? terms.findIndex((t, k) => k > i && sharesCondition(a.node, signed(t).node)) : -1;
        if (j < 0) continue;
        const merged = sumOfSelects(e, a, signed(terms[j] as Node));
        return terms.flatMap((t, k) => (k === i ? [merged] : k === j ? [] : [t])).reduce((x, y) => e.add(x, y));
      }
      return undefined;
    },
    example: (e) => {
      const x = input(e, "x", [5]);
      const c = e.compare(">", x, e.like(x, 0));
      return e.add(e.add(e.select(c, x, e.like(x, 0)), e.sin(x)), e.neg(e.select(c, e.like(x, 0), e.exp(x))));
    },
  }),
  rule({
    name: "select-out-of-product",
    doc: "select(c, x, 0) · y = select(c, x · y, 0), and likewise for / y; where x is itself kept by more than a few conditions, all of them are joined into one",
    ops: ["mul", "div"],
    over: some("select"),
    apply: (n, e) => {
      for (const [s, y] of n.op === "mul" ? orders(n) : [pair(n)]) {
        if (s.op !== "select") continue;
        const [c, a, b] = choice(s);
        const kept = keptBy(s);
        if (kept.guards.length > longestChain) return e.select(joined(e, kept.guards), e.make(n.op, n.attrs, [kept.value, y]), e.like(n, 0));
        const times = (k: Node): Node => (isSplat(k, 0) ? k : isSplat(k, 1) && n.op === "mul" ? y : e.make(n.op, n.attrs, [k, y]));
        if (isSplat(a, 0) || isSplat(b, 0)) return e.select(c, times(a), times(b));
      }
      return undefined;
    },
    example: (e) => {
      const x = input(e, "x", [5]);
      return e.mul(e.exp(x), e.select(e.compare(">", x, e.like(x, 0)), x, e.like(x, 0)));
    },
  }),
  rule({
    name: "select-common-factor",
    doc: "select(c, g · x, g · y) = g · select(c, x, y), select(c, x / g, y / g) = select(c, x, y) / g",
    ops: ["select"],
    over: ([, x, y]) => x === y && (x === "mul" || x === "div"),
    apply: (n, e) => {
      const [c, x, y] = choice(n);
      if (x.op === "div" && y.op === "div" && x.inputs[1] === y.inputs[1]) {
        return e.div(e.select(c, x.inputs[0] as Node, y.inputs[0] as Node), x.inputs[1] as Node);
      }
      if (x.op !== "mul" || y.op !== "mul") return undefined;
      for (const [g, a] of orders(x)) for (const [h, b] of orders(y)) if (g === h) return e.mul(g, e.select(c, a, b));
      return undefined;
    },
    example: (e) => {
      const [x, g] = [input(e, "x", [5]), input(e, "g", [5])];
      return e.select(e.compare(">", x, e.like(x, 0)), e.mul(g, x), e.mul(e.sin(x), g));
    },
  }),
  rule({
    name: "compare-same",
    doc: "x == x is true and x < x false, for integers and bools",
    ops: ["compare"],
    over: alike,
    apply: (n, e) => {
      const [x, y] = pair(n);
      if (x !== y || isFloat(x)) return undefined;
      const { relation } = n.attrs;
      return e.like(n, relation === "==" || relation === "<=" || relation === ">=" ? 1 : 0);
    },
    example: (e) => {
      const y = input(e, "y", [3], "i32");
      return e.compare("<=", y, y);
    },
  }),
  rule({
    name: "compare-neg",
    doc: "-x < c = x > -c for a constant c, and likewise for the other relations",
    ops: ["compare"],
    over: first("neg"),
    apply: (n, e) => {
      const [x, y] = pair(n);
      const [a, c] = [under(x, "neg"), splatOf(y)];
      return a && c !== undefined && isFloat(a) ? e.compare(mirrored[n.attrs.relation], a, e.like(a, -c)) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.compare("<", e.neg(x), e.like(x, 0.5));
    },
  }),
  rule({
    name: "cast-cast",
    doc: "a bool cast twice is cast once",
    ops: ["cast"],
    over: first("cast"),
    apply: (n, e) => {
      const first = n.inputs[0] as Node;
      if (first.op !== "cast") return undefined;
      const x = first.inputs[0] as Node;
      return x.type.dtype === "bool" ? e.cast(x, n.attrs.to) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.cast(e.cast(e.compare(">", x, e.like(x, 0)), "i32"), "f32");
    },
  }),
];

interface Guard {
  readonly condition: Node;
  readonly truth: boolean;
}

/** A longer chain of choices between a value and 0 becomes one choice when it is multiplied: what each of n cases adds to a gradient would be n choices else. */
const longestChain = 3;

/** What is left of a value behind choices between it and 0, and the conditions that keep it, outermost first. */
function keptBy(node: Node): { readonly value: Node; readonly guards: readonly Guard[] } {
  const guards: Guard[] = [];
  let value = node;
  while (value.op === "select") {
    const [condition, then, otherwise] = choice(value);
    const truth = isSplat(otherwise, 0);
    if (!truth && !isSplat(then, 0)) break;
    guards.push({ condition, truth });
    value = truth ? then : otherwise;
  }
  return { value, guards };
}

/** All conditions as one, from the innermost on: chains that share their inner part share its condition. */
function joined(e: Emit, guards: readonly Guard[]): Node {
  const each = guards.map(({ condition, truth }) => (truth ? condition : e.not(condition)));
  return each.reduceRight((inner, outer) => e.logic("and", inner, outer));
}

const mirrored = { "==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<=" } as const;

interface Signed {
  readonly minus: boolean;
  readonly node: Node;
}

function signed(node: Node): Signed {
  const x = under(node, "neg");
  return x ? { minus: true, node: x } : { minus: false, node };
}

/** The terms of a sum, left to right, at most `most`. */
function termsOf(n: Node, most: number): readonly Node[] {
  const terms: Node[] = [];
  const open = [n];
  while (open.length > 0) {
    const x = open.pop() as Node;
    if (x.op === "add" && terms.length + open.length + 2 <= most) open.push(x.inputs[1] as Node, x.inputs[0] as Node);
    else terms.push(x);
  }
  return terms;
}

function sharesCondition(a: Node, b: Node): boolean {
  return a.op === "select" && b.op === "select" && a.inputs[0] === b.inputs[0];
}

/** The sum of two choices on one condition, as one. */
function sumOfSelects(e: Emit, a: Signed, b: Signed): Node {
  const [c, x, y] = choice(a.node as Extract<Node, { op: "select" }>);
  const [, u, v] = choice(b.node as Extract<Node, { op: "select" }>);
  const sign = (s: Signed, k: Node): Node => (s.minus && !isSplat(k, 0) ? e.neg(k) : k);
  const sum = (p: Node, q: Node): Node => (isSplat(p, 0) ? q : isSplat(q, 0) ? p : e.add(p, q));
  return e.select(c, sum(sign(a, x), sign(b, u)), sum(sign(a, y), sign(b, v)));
}

/** `node` where `condition` is known to be `truth` at each element; looks through `depth` elementwise operations. */
function assuming(e: Emit, node: Node, condition: Node, truth: boolean, depth: number): Node {
  if (node.op === "select" && node.inputs[0] === condition) {
    return assuming(e, node.inputs[truth ? 1 : 2] as Node, condition, truth, depth);
  }
  if (depth === 0 || !looksThrough.has(node.op)) return node;
  const inputs = node.inputs.map((x) => assuming(e, x, condition, truth, depth - 1));
  return inputs.every((x, i) => x === node.inputs[i]) ? node : e.make(node.op, node.attrs, inputs);
}

/**
 * Elementwise operations: what holds at an element of the result holds at the same element of the inputs. Only those
 * that are finite everywhere: what a choice keeps exp, log or div from must stay kept, for the branch not taken too.
 */
const looksThrough: ReadonlySet<Node["op"]> = new Set<Node["op"]>(["neg", "add", "mul", "max", "sin", "cos", "tanh", "sigmoid", "erf", "select"]);
