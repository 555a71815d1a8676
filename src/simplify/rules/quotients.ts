/**
 * Quotients and products that are finite although a part of them is not: sigmoids and hyperbolic tangents spelt out, x log x at 0. Found
 * before differentiation, so that gradients are finite too.
 *
 *     (exp(x) - exp(-x)) / (exp(x) + exp(-x))  =  tanh(x)            x log(x)  =  x log(x, or 1 where x is 0)
 */
import type { Emit } from "../../ir/emit.ts";
import type { Node, OpName } from "../../ir/node.ts";
import { isSplat, movements, negated, operandOf, orders, pair, positive, splatOf } from "../match.ts";
import { both, first, input, rule, second } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Finite forms of quotients and products. */
export const quotients: readonly Rule[] = [
  rule({
    name: "tanh-formula",
    doc: "(exp(a) - exp(b)) / (exp(a) + exp(b)) = tanh((a - b) / 2), expm1(a) / (exp(a) + 1) = tanh(a / 2)",
    ops: ["div"],
    over: both(first("add", "expm1", ...movements), second("add")),
    apply: (n, e) => {
      const [above, below] = pair(n);
      if (below.op !== "add") return undefined;
      const half = (x: Node): Node => e.make("tanh", {}, [e.mul(x, e.like(x, 0.5))]);
      const one = operandOf(e, above, "expm1");
      if (one) return orders(below).some(([u, k]) => isSplat(k, 1) && operandOf(e, u, "exp") === one) ? half(one) : undefined;
      if (above.op !== "add") return undefined;
      for (const [x, y] of orders(above)) {
        const [a, b] = [operandOf(e, x, "exp"), operandOf(e, negated(y) ?? n, "exp")];
        if (a && b && orders(below).some(([u, v]) => operandOf(e, u, "exp") === a && operandOf(e, v, "exp") === b)) return negated(b) === a || negated(a) === b ? e.make("tanh", {}, [a]) : half(e.sub(a, b));
      }
      return undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      const [u, v] = [e.exp(x), e.exp(e.neg(x))];
      return e.div(e.sub(u, v), e.add(u, v));
    },
  }),
  rule({
    name: "sigmoid-of-difference",
    doc: "exp(a) / (exp(a) + exp(b)) = sigmoid(a - b), exp(a) / (exp(a) + c) = sigmoid(a - log c) for a constant c > 0",
    ops: ["div"],
    over: both(first("exp", ...movements), second("add")),
    apply: (n, e) => {
      const [above, below] = pair(n);
      const a = operandOf(e, above, "exp");
      if (!a || below.op !== "add") return undefined;
      for (const [u, v] of orders(below)) {
        if (operandOf(e, u, "exp") !== a) continue;
        const c = splatOf(v);
        const b = c !== undefined && c > 0 ? e.like(a, Math.log(c)) : operandOf(e, v, "exp");
        if (b) return e.sigmoid(e.sub(a, b));
      }
      return undefined;
    },
    example: (e) => {
      const [u, v] = [e.exp(input(e, "x", [3])), e.exp(input(e, "y", [3]))];
      return e.div(u, e.add(v, u));
    },
  }),
  rule({
    name: "zero-times-log",
    doc: "x · log(y) with x a factor of y, in a sum of logarithms too: y is 1 where it is 0, so that 0 log 0 is 0 and its gradient 0; x not proven positive",
    ops: ["mul"],
    over: ([x, y]) => (y !== "const" && aroundLogs.has(x)) || (x !== "const" && aroundLogs.has(y)),
    apply: (n, e) => {
      for (const [x, s] of orders(n)) {
        const replaced = withSafeLogs(e, s, factorsOf(x), 4);
        if (replaced !== s) return e.mul(x, replaced);
      }
      return undefined;
    },
    example: (e) => {
      const x = e.mul(input(e, "x", [4]), input(e, "x", [4]));
      return e.mul(x, e.sub(e.log(x), input(e, "y", [4])));
    },
  }),
];

/** Ops that `withSafeLogs` looks through. */
const aroundLogs: ReadonlySet<OpName | undefined> = new Set<OpName>(["log", "neg", "add", "mul", ...movements]);

/** The factors of a product that may be 0. */
function factorsOf(x: Node, depth = 3): readonly Node[] {
  if (x.op === "const" || positive(x)) return [];
  if (depth > 0 && x.op === "mul" && splatOf(x.inputs[1]) !== undefined) return factorsOf(x.inputs[0] as Node, depth - 1);
  return depth > 0 && x.op === "mul" ? [x, ...x.inputs.flatMap((y) => factorsOf(y, depth - 1))] : [x];
}

/** The sum with each log(y) of which one of `factors` is a factor as log of 1 where y is 0. */
function withSafeLogs(e: Emit, s: Node, factors: readonly Node[], depth: number): Node {
  if (depth === 0 || factors.length === 0) return s;
  const y = operandOf(e, s, "log");
  if (y) return factors.some((x) => hasFactor(y, x)) ? e.log(e.select(e.compare("==", y, e.like(y, 0)), e.like(y, 1), y)) : s;
  if (s.op === "neg") {
    const inner = withSafeLogs(e, s.inputs[0] as Node, factors, depth - 1);
    return inner === s.inputs[0] ? s : e.neg(inner);
  }
  const scaled = s.op === "mul" && s.inputs.some((k) => splatOf(k) !== undefined);
  if (s.op !== "add" && !scaled) return s;
  const [a, b] = pair(s).map((part) => (scaled && splatOf(part) !== undefined ? part : withSafeLogs(e, part, factors, depth - 1))) as [Node, Node];
  return a === s.inputs[0] && b === s.inputs[1] ? s : e.make(s.op, {}, [a, b]);
}

/** Whether y is x, or a product or quotient with x above. */
function hasFactor(y: Node, x: Node): boolean {
  if (y === x) return true;
  if (y.op === "mul") return y.inputs.some((z) => z === x);
  return y.op === "div" && y.inputs[0] === x;
}
