/** Identities of single operations: neutral and absorbing elements, involutions, repeated operands. */
import type { Node } from "../../ir/node.ts";
import { isFloat, isSplat, orders, pair, positive, splatOf, under } from "../match.ts";
import { alike, either, first, input, rule, second, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Neutral elements and the like. */
export const identities: readonly Rule[] = [
  rule({
    name: "add-zero",
    doc: "x + 0 = x",
    ops: ["add"],
    over: some("const"),
    apply: (n) => orders(n).find(([, y]) => isSplat(y, 0))?.[0],
    example: (e) => {
      const x = input(e, "x", [2, 3]);
      return e.add(e.like(x, 0), x);
    },
  }),
  rule({
    name: "mul-one",
    doc: "x · 1 = x",
    ops: ["mul"],
    over: some("const"),
    apply: (n) => orders(n).find(([, y]) => isSplat(y, 1))?.[0],
    example: (e) => {
      const x = input(e, "x", [2, 3]);
      return e.mul(x, e.like(x, 1));
    },
  }),
  rule({
    name: "mul-zero",
    doc: "x · 0 = 0, values being finite",
    ops: ["mul"],
    over: some("const"),
    apply: (n) => orders(n).find(([, y]) => isSplat(y, 0))?.[1],
    example: (e) => {
      const x = input(e, "x", [2, 3]);
      return e.mul(e.like(x, 0), x);
    },
  }),
  rule({
    name: "div-one",
    doc: "x / 1 = x",
    ops: ["div"],
    over: second("const"),
    apply: (n) => (isSplat(n.inputs[1], 1) ? n.inputs[0] : undefined),
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.div(x, e.like(x, 1));
    },
  }),
  rule({
    name: "zero-div",
    doc: "0 / x = 0, values being finite",
    ops: ["div"],
    over: first("const"),
    apply: (n) => (isSplat(n.inputs[0], 0) && isFloat(n) ? n.inputs[0] : undefined),
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.div(e.like(x, 0), e.exp(x));
    },
  }),
  rule({
    name: "div-same",
    doc: "x / x = 1 where x > 0 is proven",
    ops: ["div"],
    over: alike,
    apply: (n, e) => (n.inputs[0] === n.inputs[1] && positive(n.inputs[0] as Node) ? e.like(n, 1) : undefined),
    example: (e) => {
      const x = e.exp(input(e, "x", [3]));
      return e.div(x, x);
    },
  }),
  rule({
    name: "max-same",
    doc: "max(x, x) = x",
    ops: ["max"],
    over: alike,
    apply: (n) => (n.inputs[0] === n.inputs[1] ? n.inputs[0] : undefined),
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.max(x, x);
    },
  }),
  rule({
    name: "max-zero",
    doc: "max(x, 0) = select(x > 0, x, 0): at the kink the gradient is 0, not a half",
    ops: ["max"],
    over: some("const"),
    apply: (n, e) => {
      const [x, zero] = orders(n).find(([, y]) => isSplat(y, 0)) ?? [];
      return x && zero && isFloat(n) ? e.select(e.compare(">", x, zero), x, zero) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [5]);
      return e.max(x, e.like(x, 0));
    },
  }),
  rule({
    name: "not-not",
    doc: "not not x = x",
    ops: ["not"],
    over: first("not"),
    apply: (n) => under(n.inputs[0], "not"),
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.not(e.not(e.compare(">", x, e.like(x, 0))));
    },
  }),
  rule({
    name: "not-compare",
    doc: "not (x < y) = x >= y, and likewise for the other relations, values being finite",
    ops: ["not"],
    over: first("compare"),
    apply: (n, e) => {
      const c = n.inputs[0];
      return c?.op === "compare" ? e.compare(opposite[c.attrs.relation], ...pair(c)) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.not(e.compare("<", x, e.like(x, 0.5)));
    },
  }),
  rule({
    name: "logic-identity",
    doc: "x and true = x, x and false = false, x or true = true, x or false = x, x and x = x or x = x",
    ops: ["logic"],
    over: either(alike, some("const")),
    apply: (n) => {
      const [a, b] = pair(n);
      if (a === b) return a;
      for (const [x, y] of orders(n)) {
        const truth = splatOf(y);
        if (truth === undefined) continue;
        const keeps = n.attrs.kind === "and" ? truth === 1 : truth === 0;
        return keeps ? x : y;
      }
      return undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      const c = e.compare(">", x, e.like(x, 0));
      return e.logic("or", e.logic("and", c, e.like(c, 1)), e.like(c, 0));
    },
  }),
  rule({
    name: "stop-stop",
    doc: "stop(stop(x)) = stop(x), and a constant needs no stop",
    ops: ["stop"],
    over: first("stop", "const"),
    apply: (n) => (n.inputs[0]?.op === "stop" || n.inputs[0]?.op === "const" ? n.inputs[0] : undefined),
    example: (e) => e.stop(e.stop(input(e, "x", [3]))),
  }),
  rule({
    name: "stop-inside",
    doc: "stop(view(x)) = view(stop(x)), likewise of a reshape: what only moves elements stays outside",
    ops: ["stop"],
    over: first("view", "reshape"),
    apply: (n, e) => {
      const x = n.inputs[0];
      return x?.op === "view" || x?.op === "reshape" ? e.make(x.op, x.attrs, [e.stop(x.inputs[0] as Node)]) : undefined;
    },
    example: (e) => e.stop(e.broadcast(input(e, "x", [3]), [2, 3], [1])),
  }),
  rule({
    name: "stop-done",
    doc: "stop(x) = x once every derivative is taken",
    ops: ["stop"],
    phase: "differentiated",
    apply: (n) => n.inputs[0],
    example: (e) => e.stop(input(e, "x", [3])),
  }),
];

const opposite = { "==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">" } as const;
