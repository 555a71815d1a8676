/**
 * Algebra of sums and products: like terms, common factors, quotients of quotients, powers. Nothing is ever
 * multiplied out, so factoring cannot run in circles; a factor is cancelled only where it is proven positive.
 */
import type { Node } from "../../ir/node.ts";
import { inFloatRange, isFloat, isSplat, nonnegative, orders, pair, positive, splatOf, under } from "../match.ts";
import { alike, either, every, first, input, rule, second, some } from "../rule.ts";
import type { Rule } from "../rule.ts";
import { type Bounds, boundsNear } from "../bounds.ts";
import { common, intersect, mayDivide, productOf, products, quotient, sameGuard, through, valueOf, withTerm } from "../terms.ts";
import type { Product } from "../terms.ts";

/** Sums, products, quotients, powers. */
export const arithmetic: readonly Rule[] = [
  rule({
    name: "commuted-twin",
    doc: "y + x = x + y where x + y was there first, y no -z; likewise for products and max",
    ops: ["add", "mul", "max"],
    over: ([, y]) => y !== "const" && y !== "neg",
    apply: (n, e) => {
      const [x, y] = pair(n);
      if (x === y || y.op === "const" || y.op === "neg") return undefined;
      const twin = e.known(n.op, n.attrs, [y, x]);
      return twin && twin.id < n.id ? twin : undefined;
    },
    example: (e) => {
      const [x, y] = [input(e, "x", [3]), input(e, "y", [3])];
      return e.div(e.exp(e.mul(x, y)), e.exp(e.mul(y, x)));
    },
  }),
  rule({
    name: "merge-constants",
    doc: "(x + c) + d = x + (c + d), (x · c) · d = x · (c d), (x / c) / d = x / (c d), (c / x) · d = (c d) / x, (x · c) / d = x · (c / d) where that is exact",
    ops: ["add", "mul", "div"],
    over: second("const"),
    apply: (n, e) => {
      const [x, y] = pair(n);
      const d = splatOf(y);
      if (d === undefined || !isFloat(n)) return undefined;
      const [a, b] = [x.inputs[0], x.inputs[1]];
      const c = splatOf(b);
      if (a && c !== undefined) {
        if (n.op === "add" && x.op === "add" && inFloatRange(c + d)) return e.add(a, e.like(n, c + d));
        if (n.op === "mul" && x.op === "mul" && inFloatRange(c * d)) return e.mul(a, e.like(n, c * d));
        if (n.op === "div" && x.op === "div" && inFloatRange(c * d)) return e.div(a, e.like(n, c * d));
        if (n.op === "div" && x.op === "mul" && powerOfTwo(d) && inFloatRange(c / d)) return e.mul(a, e.like(n, c / d));
      }
      const top = splatOf(a);
      if (b && n.op === "mul" && x.op === "div" && top !== undefined && inFloatRange(top * d)) return e.div(e.like(n, top * d), b);
      return undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.add(e.add(e.mul(e.mul(x, e.like(x, 3)), e.like(x, 2)), e.like(x, 1)), e.like(x, 4));
    },
  }),
  rule({
    name: "div-exact",
    doc: "x / c = x · (1 / c) where c is a power of two",
    ops: ["div"],
    over: second("const"),
    apply: (n, e) => {
      const c = splatOf(n.inputs[1]);
      return c !== undefined && c !== 1 && isFloat(n) && powerOfTwo(c) && splatOf(n.inputs[0]) === undefined ? e.mul(n.inputs[0] as Node, e.like(n, 1 / c)) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3]);
      return e.div(x, e.like(x, 16));
    },
  }),
  rule({
    name: "minus-one-over",
    doc: "-c / x = -(c / x) for c > 0",
    ops: ["div"],
    over: first("const"),
    apply: (n, e) => {
      const c = splatOf(n.inputs[0]);
      return c !== undefined && c < 0 && isFloat(n) ? e.neg(e.div(e.like(n, -c), n.inputs[1] as Node)) : undefined;
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [3]));
      return e.div(e.like(x, -2), x);
    },
  }),
  rule({
    name: "like-terms",
    doc: "c · p + d · p = (c + d) · p for a product p and numbers c, d; so x - x = 0",
    ops: ["add"],
    over: either(alike, some(...products)),
    apply: (n, e) => {
      if (!isFloat(n)) return undefined;
      const [a, b] = pair(n).map((x) => productOf(e, x)) as [Product, Product];
      if (!sameGuard(a, b) || a.num.length + a.den.length === 0) return undefined;
      const [, aNum, bNum] = intersect(a.num, b.num);
      const [, aDen, bDen] = intersect(a.den, b.den);
      if (aNum.length + bNum.length + aDen.length + bDen.length > 0) return undefined;
      const coefficient = a.coefficient + b.coefficient;
      // Doubled often enough, the number leaves f32, and the sum as it stands says what happens then.
      if (!inFloatRange(coefficient)) return undefined;
      return coefficient === 0 ? e.like(n, 0) : valueOf(e, { ...a, coefficient }, n);
    },
    example: (e) => {
      const [x, y] = [input(e, "x", [3]), input(e, "y", [3])];
      return e.add(e.mul(x, y), e.mul(e.mul(y, x), e.like(x, 2)));
    },
  }),
  rule({
    name: "like-terms-apart",
    doc: "(… + c · x + …) + d · x = … + (c + d) · x + …, a few terms down; so (x + y) - x = y",
    ops: ["add"],
    over: some("add"),
    apply: (n, e) => {
      if (!isFloat(n)) return undefined;
      for (const [sum, term] of orders(n)) {
        if (sum.op !== "add" || term.op === "add") continue;
        const merged = withTerm(e, sum, term);
        if (merged) return merged;
      }
      return undefined;
    },
    example: (e) => {
      const [x, y, z] = [input(e, "x", [3]), input(e, "y", [3]), input(e, "z", [3])];
      return e.add(e.add(e.add(e.mul(x, e.like(x, 2)), y), z), e.neg(x));
    },
  }),
  rule({
    name: "common-factor",
    doc: "a · x + a · y = a · (x + y), x / d + y / d = (x + y) / d, also where one of them is select(c, a, 0) = a · select(c, 1, 0)",
    ops: ["add"],
    over: every(...products),
    apply: (n, e) => {
      if (!isFloat(n)) return undefined;
      const [a, b] = pair(n).map((x) => productOf(e, x)) as [Product, Product];
      const shared = common(a, b);
      // Out of two guards a factor would be computed where neither wanted it, and 0 · NaN is NaN; out of one it stands bare in the other term already.
      if (!shared || (a.guard && b.guard)) return undefined;
      const factors = (p: Product): number => p.num.length + p.den.length;
      // A bare factor (a + a · x) would cost as much afterwards; a guarded one is a select of 1 instead of a select of it.
      const bare = [shared.a, shared.b].filter((p) => factors(p) === 0);
      if (bare.length === 2 || bare.some((p) => !p.guard)) return undefined;
      const sum = e.add(valueOf(e, shared.a, n), valueOf(e, shared.b, n));
      return valueOf(e, { coefficient: 1, num: [...shared.num, sum], den: shared.den }, n);
    },
    example: (e) => {
      const [x, y, a] = [input(e, "x", [3]), input(e, "y", [3]), input(e, "a", [3])];
      return e.add(e.mul(a, x), e.neg(e.mul(e.exp(y), a)));
    },
  }),
  rule({
    name: "mul-reciprocal",
    doc: "x · (1 / d) = x / d, also through a broadcast of 1 / d",
    ops: ["mul"],
    over: some("div", "view"),
    apply: (n, e) => {
      for (const [x, y] of orders(n)) {
        if (quotient(y) !== "div") continue;
        const [one, d] = through(e, y);
        if (isSplat(one, 1) && d && splatOf(x) === undefined) return e.div(x, d);
      }
      return undefined;
    },
    example: (e) => {
      const x = input(e, "x", [2, 3]);
      const s = e.exp(input(e, "s", []));
      return e.mul(e.broadcast(e.div(e.scalar(1), s), [2, 3], []), x);
    },
  }),
  rule({
    name: "div-of-div",
    doc: "(x / y) / z = x / (y z) and x / (y / z) = x z / y, where f32 provably holds the product: of what is huge or tiny it would not",
    ops: ["div"],
    over: some("div"),
    apply: (n, e) => {
      const [x, y] = pair(n);
      if (!isFloat(n)) return undefined;
      if (y.op === "div" && holdsProduct(x, y.inputs[1] as Node)) return e.div(e.mul(x, y.inputs[1] as Node), y.inputs[0] as Node);
      if (x.op === "div" && holdsProduct(x.inputs[1] as Node, y)) return e.div(x.inputs[0] as Node, e.mul(x.inputs[1] as Node, y));
      return undefined;
    },
    example: (e) => {
      const [x, y] = [input(e, "x", [3]), e.exp(input(e, "y", [3]))];
      const [u, v] = ([3, 5] as const).map((n) => e.broadcast(e.cast(e.size(n), "f32"), [3], [])) as [Node, Node];
      return e.add(e.div(u, e.div(y, v)), e.div(e.div(x, u), v));
    },
  }),
  rule({
    name: "cancel-positive",
    doc: "x y / (x z) = y / z where x > 0 is proven",
    ops: ["div", "mul"],
    over: either(alike, some(...products)),
    apply: (n, e) => {
      if (!isFloat(n) || !mayDivide(n)) return undefined;
      const p = productOf(e, n);
      if (p.den.length === 0 || p.num.length === 0) return undefined;
      const [both] = intersect(p.num, p.den);
      const x = both.find((f) => positive(f));
      if (!x) return undefined;
      const without = (list: readonly Node[]): Node[] => list.filter((_, i) => i !== list.indexOf(x));
      return valueOf(e, { ...p, num: without(p.num), den: without(p.den) }, n);
    },
    example: (e) => {
      const [x, y] = [e.exp(input(e, "x", [3])), input(e, "y", [3])];
      return e.div(e.mul(x, y), x);
    },
  }),
  rule({
    name: "power",
    doc: "x^0 = 1, x^1 = x, x^2 = x x, x^(1/2) = sqrt x, x^-1 = 1 / x",
    ops: ["pow"],
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      switch (n.attrs.exponent) {
        case 0: return e.like(n, 1);
        case 1: return x;
        case 2: return e.mul(x, x);
        case 0.5: return e.sqrt(x);
        case -1: return e.div(e.like(n, 1), x);
        default: return undefined;
      }
    },
    example: (e) => e.pow(input(e, "x", [3]), 2),
  }),
  rule({
    name: "sqrt-squared",
    doc: "sqrt(x) · sqrt(x) = x, x being in the domain of sqrt",
    ops: ["mul"],
    over: every("sqrt"),
    apply: (n) => {
      const [x, y] = pair(n);
      return x === y ? under(x, "sqrt") : undefined;
    },
    example: (e) => {
      const r = e.sqrt(e.exp(input(e, "x", [3])));
      return e.mul(r, r);
    },
  }),
  rule({
    name: "exp-log",
    doc: "exp(log(x)) = x where x > 0 is proven",
    ops: ["exp"],
    over: first("log"),
    apply: (n) => {
      const x = under(n.inputs[0], "log");
      return x && positive(x) ? x : undefined;
    },
    example: (e) => e.exp(e.log(e.sigmoid(input(e, "x", [3])))),
  }),
  rule({
    name: "choose-zero-nonnegative",
    doc: "select(x > 0, x, 0) = x where x >= 0 is proven",
    ops: ["select"],
    over: first("compare"),
    apply: (n) => {
      const [c, x, y] = n.inputs as unknown as readonly [Node, Node, Node];
      if (c.op !== "compare" || c.attrs.relation !== ">" || c.inputs[0] !== x || !isSplat(c.inputs[1], 0)) return undefined;
      return isSplat(y, 0) && nonnegative(x) ? x : undefined;
    },
    example: (e) => {
      const x = e.exp(input(e, "x", [3]));
      return e.select(e.compare(">", x, e.like(x, 0)), x, e.like(x, 0));
    },
  }),
];

/** Whether the product of two values is a normal number of f32 whatever they are, by what their formulas say. */
function holdsProduct(x: Node, y: Node): boolean {
  const sizeOf = (node: Node): Bounds => {
    const { lo, hi } = boundsNear(node);
    return lo > 0 ? { lo, hi } : hi < 0 ? { lo: -hi, hi: -lo } : { lo: 0, hi: Number.POSITIVE_INFINITY };
  };
  const [a, b] = [sizeOf(x), sizeOf(y)];
  return isSplat(x, 1) || isSplat(y, 1) || (a.lo * b.lo >= 2 ** -126 && a.hi * b.hi <= 2 ** 127);
}

function powerOfTwo(c: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(c))) && Math.abs(Math.log2(Math.abs(c))) < 64;
}
