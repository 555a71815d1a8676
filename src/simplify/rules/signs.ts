/**
 * Signs. A minus moves outwards, through everything that is odd or linear, until it meets another minus, a sum, where
 * it makes a subtraction, or a constant. So -(x W), (-x) W and x (-W) are one node under one minus.
 */
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { isSplat, negated, orders, pair, splatOf } from "../match.ts";
import { every, first, input, rule, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Where minus signs go. */
export const signs: readonly Rule[] = [
  rule({
    name: "neg-neg",
    doc: "-(-x) = x",
    ops: ["neg"],
    over: first("neg"),
    apply: (n) => negated(n.inputs[0] as Node),
    example: (e) => e.neg(e.neg(input(e, "x", [3]))),
  }),
  rule({
    name: "mul-minus-one",
    doc: "x · -1 = -x",
    ops: ["mul"],
    over: some("const"),
    apply: (n, e) => {
      const x = orders(n).find(([, y]) => isSplat(y, -1))?.[0];
      return x && e.neg(x);
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.mul(e.like(x, -1), x);
    },
  }),
  rule({
    name: "neg-of-scaled",
    doc: "-(x · c) = x · -c and -(x / c) = x / -c for a constant c",
    ops: ["neg"],
    over: first("mul", "div"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (x.op === "mul") {
        const [y, c] = orders(x).find(([, k]) => splatOf(k) !== undefined) ?? [];
        return y && c && e.mul(y, e.like(c, -(splatOf(c) as number)));
      }
      if (x.op !== "div") return undefined;
      const [a, b] = pair(x);
      const d = splatOf(b);
      return d === undefined ? undefined : e.div(a, e.like(b, -d));
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.neg(e.mul(x, e.like(x, 3)));
    },
  }),
  rule({
    name: "neg-of-sum",
    doc: "-(-x + y) = x - y",
    ops: ["neg"],
    over: first("add"),
    apply: (n, e) => {
      const sum = n.inputs[0] as Node;
      if (sum.op !== "add") return undefined;
      for (const [x, y] of orders(sum)) {
        const positive = negated(x);
        if (positive) return e.add(positive, e.neg(y));
      }
      return undefined;
    },
    example: (e) => e.neg(e.add(e.neg(input(e, "x", [3])), input(e, "y", [3]))),
  }),
  rule({
    name: "sum-of-negs",
    doc: "-x + -y = -(x + y)",
    ops: ["add"],
    over: every("neg"),
    apply: (n, e) => {
      const [x, y] = pair(n).map(negated);
      return x && y && e.neg(e.add(x, y));
    },
    example: (e) => e.add(e.neg(input(e, "x", [3])), e.neg(input(e, "y", [3]))),
  }),
  rule({
    name: "minus-last",
    doc: "-x + y = y - x, y no constant",
    ops: ["add"],
    over: first("neg"),
    apply: (n, e) => {
      const [x, y] = pair(n);
      return negated(x) && !negated(y) && y.op !== "const" ? e.add(y, x) : undefined;
    },
    example: (e) => e.add(e.neg(input(e, "x", [3])), input(e, "y", [3])),
  }),
  rule({
    name: "neg-through-product",
    doc: "(-x) y = -(x y), (-x) / y = x / (-y) = -(x / y), and likewise for contract",
    ops: ["mul", "div", "contract"],
    over: some("neg"),
    apply: (n, e) => {
      const [x, y] = pair(n);
      const a = negated(x);
      if (a) return e.neg(again(e, n, [a, y]));
      const b = negated(y);
      return b && e.neg(again(e, n, [x, b]));
    },
    example: (e) => e.div(e.mul(e.neg(input(e, "x", [3])), input(e, "y", [3])), e.neg(e.exp(input(e, "z", [3])))),
  }),
  rule({
    name: "neg-through-linear",
    doc: "f(-x) = -f(x) for what is linear or odd in its first operand: view, reshape, sum, cumsum, gather, scatter_sum, sin, tanh, erf",
    ops: ["view", "reshape", "reduce", "cumsum", "gather", "scatter_sum", "sin", "tanh", "erf"],
    over: first("neg"),
    apply: (n, e) => {
      if (n.op === "reduce" && n.attrs.kind !== "sum") return undefined;
      const x = negated(n.inputs[0] as Node);
      return x && e.neg(again(e, n, [x, ...n.inputs.slice(1)]));
    },
    example: (e) => e.reduce("sum", e.transpose(e.sin(e.neg(input(e, "x", [2, 3]))), [1, 0]), [0]),
  }),
  rule({
    name: "neg-through-select",
    doc: "select(c, -x, -y) = -select(c, x, y), also where one of the two is 0",
    ops: ["select"],
    over: some("neg"),
    apply: (n, e) => {
      const [c, x, y] = n.inputs as readonly [Node, Node, Node];
      const a = isSplat(x, 0) ? x : negated(x);
      const b = isSplat(y, 0) ? y : negated(y);
      return a && b && !(a === x && b === y) ? e.neg(e.select(c, a, b)) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.select(e.compare(">", x, e.like(x, 0)), e.neg(e.exp(x)), e.like(x, 0));
    },
  }),
  rule({
    name: "even-of-neg",
    doc: "cos(-x) = cos(x), (-x)^(2k) = x^(2k)",
    ops: ["cos", "pow"],
    over: first("neg"),
    apply: (n, e) => {
      const x = negated(n.inputs[0] as Node);
      if (!x) return undefined;
      if (n.op === "cos") return e.cos(x);
      return n.attrs.exponent % 2 === 0 ? e.pow(x, n.attrs.exponent) : undefined;
    },
    example: (e) => e.cos(e.neg(input(e, "x", [3]))),
  }),
];

/** The same operation on other inputs. */
function again(e: Emit, node: Node, inputs: readonly Node[]): Node {
  return e.make(node.op, node.attrs, inputs);
}
