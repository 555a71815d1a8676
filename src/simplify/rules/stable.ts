/**
 * Stable forms of formulas that overflow or cancel as written, found before differentiation so that their gradients
 * are stable too: logarithms of softmax, sigmoid and exp, softplus, expm1, log1p; and sigmoid wherever it is spelt out.
 *
 *     log(exp(x - m) / Σ exp(x - m))   =  x - m - log Σ exp(x - m)
 *     log(1 + exp(x))                  =  max(x, 0) + log1p(exp(-|x|))
 */
import type { Emit } from "../../ir/emit.ts";
import type { Node } from "../../ir/node.ts";
import { isSplat, movedLike, moves, negated, operandOf, orders, pair, positive, splatOf, under } from "../match.ts";
import { isShifted, shiftOf } from "./softmax.ts";
import { either, first, input, rule, some } from "../rule.ts";
import type { Rule } from "../rule.ts";
import { mayDivide, productOf, products, valueOf } from "../terms.ts";

/** Formulas that overflow or cancel, written so that they do not. */
export const stable: readonly Rule[] = [
  rule({
    name: "stable-log",
    doc: "log of exp, of a quotient, product or power with exp in it, of a sum of several exp, of a product of positive values, of sigmoid, also through views, gathers, reshapes and choices",
    ops: ["log"],
    apply: (n, e) => logOf(e, n.inputs[0] as Node, 6),
    example: (e) => {
      const p = softmax(e, input(e, "x", [2, 3]));
      return e.log(e.transpose(p, [1, 0]));
    },
  }),
  rule({
    name: "sigmoid-quotient",
    doc: "exp(x) / (1 + exp(x)) = sigmoid(x), the two standing anywhere in a product",
    ops: ["div", "mul"],
    over: either((_, op) => op === "div", some(...products)),
    apply: (n, e) => {
      if (!mayDivide(n)) return undefined;
      const p = productOf(e, n);
      for (const u of p.num) {
        const x = operandOf(e, u, "exp");
        const below = x && p.den.find((d) => onePlusExp(e, d) === x);
        if (!below) continue;
        const num = p.num.map((f) => (f === u ? e.sigmoid(x) : f));
        return valueOf(e, { ...p, num, den: p.den.filter((d) => d !== below) }, n);
      }
      return undefined;
    },
    example: (e) => {
      const [x, a, c] = [input(e, "x", [3]), input(e, "a", [3]), e.exp(input(e, "c", [3]))];
      const u = e.exp(x);
      return e.mul(e.div(a, e.mul(c, e.add(u, e.like(u, 1)))), u);
    },
  }),
  rule({
    name: "sigmoid-formula",
    doc: "1 / (1 + exp(-x)) = sigmoid(x), 1 / (1 + exp(x)) = sigmoid(-x), sigmoid(-x) · exp(x) = sigmoid(x)",
    ops: ["div", "mul"],
    over: (inputs, op) => (op === "div" ? inputs[0] === "const" && inputs[1] === "add" : inputs.includes("exp") && inputs.includes("sigmoid")),
    apply: (n, e) => {
      if (n.op === "div") {
        const x = onePlusExp(e, n.inputs[1] as Node);
        const c = splatOf(n.inputs[0]);
        return x && c !== undefined ? e.mul(e.sigmoid(minus(e, x)), e.like(n, c)) : undefined;
      }
      for (const [q, u] of orders(n)) {
        if (u.op !== "exp" || q.op !== "sigmoid") continue;
        const x = u.inputs[0] as Node;
        if (q.inputs[0] === e.neg(x) || e.neg(q.inputs[0] as Node) === x) return e.sigmoid(x);
      }
      return undefined;
    },
    example: (e) => {
      const u = e.exp(e.neg(input(e, "x", [3])));
      return e.div(e.like(u, 1), e.add(u, e.like(u, 1)));
    },
  }),
  rule({
    name: "one-minus-sigmoid",
    doc: "1 - sigmoid(x) = sigmoid(-x), (y + 1) - sigmoid(x) = sigmoid(-x) + y",
    ops: ["add"],
    over: some("neg"),
    apply: (n, e) => {
      for (const [one, y] of orders(n)) {
        const x = under(negated(y), "sigmoid");
        if (!x) continue;
        if (isSplat(one, 1)) return e.sigmoid(minus(e, x));
        const rest = one.op === "add" ? orders(one).find(([, k]) => isSplat(k, 1))?.[0] : undefined;
        if (rest) return e.add(e.sigmoid(minus(e, x)), rest);
      }
      return undefined;
    },
    example: (e) => {
      const s = e.sigmoid(input(e, "x", [3]));
      return e.sub(e.like(s, 1), s);
    },
  }),
  rule({
    name: "one-minus-sigmoid-product",
    doc: "y - y · sigmoid(x) = y · sigmoid(-x)",
    ops: ["add"],
    over: some("neg"),
    apply: (n, e) => {
      for (const [y, z] of orders(n)) {
        const product = negated(z);
        if (product?.op !== "mul") continue;
        for (const [a, s] of orders(product)) if (a === y && s.op === "sigmoid") return e.mul(y, e.sigmoid(e.neg(s.inputs[0] as Node)));
      }
      return undefined;
    },
    example: (e) => {
      const [x, y] = [input(e, "x", [3]), input(e, "y", [3])];
      return e.sub(y, e.mul(y, e.sigmoid(x)));
    },
  }),
  rule({
    name: "log1p",
    doc: "log(1 + x) = log1p(x)",
    ops: ["log"],
    over: first("add"),
    apply: (n, e) => {
      const sum = n.inputs[0] as Node;
      if (sum.op !== "add") return undefined;
      const [, x] = orders(sum).find(([one]) => isSplat(one, 1)) ?? [];
      return x && e.make("log1p", {}, [x]);
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [3]));
      return e.log(e.add(e.like(x, 1), x));
    },
  }),
  rule({
    name: "expm1",
    doc: "exp(x) - 1 = expm1(x), 1 - exp(x) = -expm1(x)",
    ops: ["add"],
    over: some("const"),
    apply: (n, e) => {
      for (const [one, y] of orders(n)) {
        const below = isSplat(one, 1) ? negated(y) : undefined;
        const x = below ? operandOf(e, below, "exp") : isSplat(one, -1) ? operandOf(e, y, "exp") : undefined;
        if (x) return below ? e.neg(e.make("expm1", {}, [x])) : e.make("expm1", {}, [x]);
      }
      return undefined;
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [3]));
      return e.add(x, e.like(x, -1));
    },
  }),
  rule({
    name: "softplus",
    doc: "log1p(exp(x)) = select(x > 0, x, 0) + log1p(exp(select(x > 0, -x, x))), whose gradient is sigmoid(x); x no choice itself",
    ops: ["log1p"],
    apply: (n, e) => {
      const x = operandOf(e, n.inputs[0] as Node, "exp");
      return x && !isChoice(x) && !belowZero(x) ? softplus(e, x) : undefined;
    },
    example: (e) => e.make("log1p", {}, [e.exp(input(e, "x", [5]))]),
  }),
  rule({
    name: "softplus-written-stably",
    doc: "log1p(exp(-|x|)) = log1p(exp(select(x > 0, -x, x))), as softplus has it: x is chosen, so no tie of max is in the gradient",
    ops: ["log1p"],
    apply: (n, e) => {
      const x = operandOf(e, n.inputs[0] as Node, "exp");
      const z = x && belowZero(x);
      return z && belowPart(e, z);
    },
    example: (e) => {
      const x = input(e, "x", [5]);
      return e.make("log1p", {}, [e.exp(e.neg(e.max(x, e.neg(x))))]);
    },
  }),
  rule({
    name: "softplus-of-negative-written-stably",
    doc: "max(-z, 0) + log1p(exp(select(z > 0, -z, z))) has its first part chosen by the same condition: else the gradient at 0 would take a side of each",
    ops: ["add"],
    over: some("log1p"),
    apply: (n, e) => {
      for (const [first, below] of orders(n)) {
        const chosen = under(under(below, "log1p"), "exp");
        const c = chosen?.op === "select" ? (chosen.inputs[0] as Node) : undefined;
        const z = c?.op === "compare" && c.attrs.relation === ">" && isSplat(c.inputs[1], 0) ? (c.inputs[0] as Node) : undefined;
        if (!z || !c || chosen?.inputs[2] !== z || negated(chosen.inputs[1] as Node) !== z ) continue;
        if (isRectifiedNegative(first, z)) return e.add(e.select(c, e.like(z, 0), e.neg(z)), below);
      }
      return undefined;
    },
    example: (e) => {
      const z = input(e, "x", [5]);
      const zero = e.like(z, 0);
      return e.add(e.max(e.neg(z), zero), e.make("log1p", {}, [e.exp(e.select(e.compare(">", z, zero), e.neg(z), z))]));
    },
  }),
];

/** True for max(-z, 0), also spelt -select(z < 0, z, 0). */
function isRectifiedNegative(node: Node, z: Node): boolean {
  if (node.op === "max") return orders(node).some(([x, y]) => negated(x) === z && isSplat(y, 0));
  const choice = negated(node);
  if (choice?.op !== "select") return false;
  const [c, x, y] = choice.inputs as unknown as readonly [Node, Node, Node];
  return c.op === "compare" && c.attrs.relation === "<" && c.inputs[0] === z && isSplat(c.inputs[1], 0) && x === z && isSplat(y, 0);
}

/** z where the node is -|z|, spelt -max(z, -z). */
function belowZero(node: Node): Node | undefined {
  const size = negated(node);
  if (size?.op !== "max") return undefined;
  const match = orders(size).find(([a, b]) => negated(b) === a);
  return match?.[0];
}

/** log(1 + exp(-|z|)). */
function belowPart(e: Emit, z: Node): Node {
  const above = e.compare(">", z, e.like(z, 0));
  return e.make("log1p", {}, [e.exp(e.select(above, e.neg(z), z))]);
}

/** log(1 + exp(x)) without overflow; those of x and -x share all but the linear part. */
function softplus(e: Emit, x: Node): Node {
  const z = negated(x) ?? x;
  const zero = e.like(z, 0);
  const above = e.compare(">", z, zero);
  return e.add(z === x ? e.select(above, z, zero) : e.select(above, zero, e.neg(z)), belowPart(e, z));
}

/** True for a choice of two values, as `softplus` writes its exponent: however that was rewritten since, it is not shifted again. A rectifier chooses a constant and is none. */
function isChoice(x: Node): boolean {
  let at: Node | undefined = x;
  while (at && (at.op === "neg" || at.op === "view" || at.op === "reshape" || at.op === "gather")) at = at.inputs[0];
  // A factor that both values share stands before the choice of the rest.
  if (at?.op === "mul") return at.inputs.some((f) => f.op === "select" && splatOf(f.inputs[1]) !== undefined && splatOf(f.inputs[2]) !== undefined);
  return at?.op === "select" && splatOf(at.inputs[1]) === undefined && splatOf(at.inputs[2]) === undefined;
}

/** The logarithm of `x` written without it, where that is known; looks `depth` operations down. */
function logOf(e: Emit, x: Node, depth: number): Node | undefined {
  if (depth === 0) return undefined;
  const part = (i: number): Node | undefined => logOf(e, x.inputs[i] as Node, depth - 1);
  const whole = (i: number): Node => e.log(x.inputs[i] as Node);
  switch (x.op) {
    case "exp":
      return x.inputs[0];
    case "sigmoid":
      return e.neg(softplus(e, minus(e, x.inputs[0] as Node)));
    case "div": {
      const [a, b] = [part(0), part(1)];
      if (!(a && (b || positive(x.inputs[1] as Node))) && !(b && positive(x.inputs[0] as Node))) return undefined;
      return e.sub(a ?? whole(0), b ?? whole(1));
    }
    case "mul": {
      const [a, b] = [part(0), part(1)];
      if (!(a && (b || positive(x.inputs[1] as Node))) && !(b && positive(x.inputs[0] as Node))) return undefined;
      return e.add(a ?? whole(0), b ?? whole(1));
    }
    case "select": {
      const [a, b] = [part(1), part(2)];
      return a || b ? e.select(x.inputs[0] as Node, a ?? whole(1), b ?? whole(2)) : undefined;
    }
    case "view":
    case "reshape":
    case "gather": {
      const a = moves(x) ? part(0) : undefined;
      return a && movedLike(e, x, a);
    }
    case "sqrt":
    case "pow": {
      const a = part(0);
      return a && e.mul(a, e.like(a, x.op === "sqrt" ? 0.5 : x.attrs.exponent));
    }
    case "reduce": {
      // A product of many probabilities is 0 long before the sum of their logarithms is large.
      if (x.attrs.kind === "prod" && x.inputs.length === 1 && positive(x.inputs[0] as Node)) return e.reduce("sum", part(0) ?? whole(0), x.attrs.axes);
      const shift = shiftOf(e, x);
      return shift && e.add(shift.max, e.log(shift.sum));
    }
    case "add":
      return logOfSum(e, x, depth - 1);
    default:
      return undefined;
  }
}

/** log(u + v) = log u + softplus(log v - log u) where both logarithms are known and one of the two is an exponential that nothing bounds. */
function logOfSum(e: Emit, sum: Node, depth: number): Node | undefined {
  const [u, v] = pair(sum);
  if (!grows(e, u) && !grows(e, v)) return undefined;
  const known = (x: Node): Node | undefined => {
    const c = splatOf(x);
    return c === undefined ? logOf(e, x, depth) : c > 0 ? e.like(x, Math.log(c)) : undefined;
  };
  for (const [one, x] of orders(sum)) if (isSplat(one, 1)) return known(x) && e.make("log1p", {}, [x]);
  const [a, b] = [known(u), known(v)];
  return a && b && e.add(a, softplus(e, e.sub(b, a)));
}

/** Whether it is exp(x), perhaps scaled or summed, with an exponent that no maximum was taken from. */
function grows(e: Emit, node: Node, depth = 4): boolean {
  const x = operandOf(e, node, "exp");
  if (x) return !isShifted(x);
  return depth > 0 && (node.op === "add" || node.op === "mul" || node.op === "div" || node.op === "reduce" || moves(node)) && node.inputs.some((y) => y.type.dtype === "f32" && grows(e, y, depth - 1));
}

/** -x, where that is a bare -(-y) just y. */
function minus(e: Emit, x: Node): Node {
  return negated(x) ?? e.neg(x);
}

/** The x of 1 + exp(x), which may be a moved exponential. */
function onePlusExp(e: Emit, n: Node): Node | undefined {
  if (n.op !== "add") return undefined;
  const [, u] = orders(n).find(([one]) => isSplat(one, 1)) ?? [];
  return u && operandOf(e, u, "exp");
}

/** For examples. */
function softmax(e: Emit, x: Node): Node {
  const m = e.reduce("max", x, [1]);
  const y = e.exp(e.sub(x, e.broadcast(m, x.type.shape, [0])));
  return e.div(y, e.broadcast(e.reduce("sum", y, [1]), x.type.shape, [0]));
}
