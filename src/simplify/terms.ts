/**
 * A value read as a signed product: c · Πn / Πd, kept where a condition holds. A broadcast c / d is read
 * through its view, so a divisor is found wherever it was broadcast.
 *
 *     -(a · select(k == y, b / n, 0))      { coefficient: -1, num: [a, b], den: [n], guard: k == y }
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { inFloatRange, isSplat, splatOf, viewOf } from "./match.ts";

/** A condition and whether it is asked to be true or false. */
export interface Guard {
  readonly condition: Node;
  readonly truth: boolean;
}

/** c · Πnum / Πden where guard holds, else 0. */
export interface Product {
  readonly coefficient: number;
  readonly num: readonly Node[];
  readonly den: readonly Node[];
  /** The product is 0 where the condition is not so. */
  readonly guard?: Guard;
}

/** Factors looked for at most; a longer product is left as it is. */
const mostFactors = 8;

/** Ops that a product is read through: a value of any other is a factor as it stands. */
export const products = ["const", "neg", "mul", "div", "select", "view"] as const satisfies readonly Node["op"][];
const inProducts: ReadonlySet<Node["op"]> = new Set(products);

/** Whether the value, read as a product, may have something below the line: false for nearly all, which need not be read then. */
export function mayDivide(node: Node): boolean {
  return without(node, mostLooked) <= 0;
}

/** Nodes looked at for a divisor. */
const mostLooked = 24;

/** How many nodes may still be looked at; none when there is a divisor. */
function without(node: Node, left: number): number {
  if (left <= 0 || node.op === "div" || (node.op === "view" && quotient(node))) return 0;
  const { inputs } = node;
  if (node.op === "neg") return without(inputs[0] as Node, left - 1);
  if (node.op === "mul") return without(inputs[1] as Node, without(inputs[0] as Node, left - 1));
  if (node.op === "select") return without(inputs[2] as Node, without(inputs[1] as Node, left - 1));
  return left - 1;
}

/** Reads a value as a product; every value is at least the product of itself. */
export function productOf(e: Emit, node: Node): Product {
  if (!inProducts.has(node.op)) return { coefficient: 1, num: [node], den: [] };
  let coefficient = 1;
  let guard: Guard | undefined;
  const num: Node[] = [];
  const den: Node[] = [];
  // What is left to read, and whether it stands below the line.
  const open: Node[] = [node];
  const under: boolean[] = [false];
  for (let x = open.pop(); x; x = open.pop()) {
    const below = under.pop() === true;
    const value = splatOf(x);
    const merged = value === undefined || value === 0 ? 0 : below ? coefficient / value : coefficient * value;
    if (merged !== 0 && inFloatRange(merged)) {
      coefficient = merged;
      continue;
    }
    if (num.length + den.length + open.length >= mostFactors) {
      (below ? den : num).push(x);
      continue;
    }
    const kind = quotient(x);
    if (x.op === "neg") {
      coefficient = -coefficient;
      open.push(x.inputs[0] as Node);
      under.push(below);
    } else if (kind) {
      const operands = through(e, x);
      open.push(operands[1] as Node, operands[0] as Node);
      under.push(kind === "div" ? !below : below, below);
    } else if (x.op === "select" && !below && !guard && keeps(x)) {
      const truth = isSplat(x.inputs[2], 0);
      guard = { condition: x.inputs[0] as Node, truth };
      open.push(x.inputs[truth ? 1 : 2] as Node);
      under.push(below);
    } else {
      (below ? den : num).push(x);
    }
  }
  return { coefficient, num, den, ...(guard ? { guard } : {}) };
}

/** Whether a choice is between 0 and something other than 1. */
function keeps(x: Node): boolean {
  const [, then, otherwise] = x.inputs;
  return (isSplat(otherwise, 0) && !isSplat(then, 1)) || (isSplat(then, 0) && !isSplat(otherwise, 1));
}

/** Whether the node is a product or quotient; c / d counts through a view, since 1 / d is nothing but a d elsewhere. */
export function quotient(node: Node): "mul" | "div" | undefined {
  if (node.op === "mul" || node.op === "div") return node.op;
  if (node.op !== "view" || node.attrs.map.guards.length > 0) return undefined;
  const x = node.inputs[0] as Node;
  return x.op === "div" && splatOf(x.inputs[0]) !== undefined ? "div" : undefined;
}

/** The operands of a product, quotient or minus; of a viewed c / d, those of the quotient of views. */
export function through(e: Emit, node: Node): readonly Node[] {
  if (node.op !== "view" || !quotient(node)) return node.inputs;
  const { map } = node.attrs;
  const [c, d] = (node.inputs[0] as Node).inputs;
  return [e.like(node, splatOf(c) ?? 1), viewOf(e, d as Node, map)];
}

/** The value of a product, signs outside; `like` gives the type where there are no factors. */
export function valueOf(e: Emit, p: Product, like: Node): Node {
  const size = Math.abs(p.coefficient);
  const times = (factors: readonly Node[]): Node | undefined =>
    factors.length === 0 ? undefined : factors.slice(1).reduce((x, y) => e.mul(x, y), factors[0] as Node);
  let value = times(p.num);
  value ??= e.like(like, size);
  // One after the other: of what is huge or tiny the product of the divisors would leave f32.
  for (const d of p.den) value = e.div(value, d);
  const scaled = size === 1 || p.num.length === 0 ? value : e.mul(value, e.like(like, size));
  const zero = e.like(like, 0);
  const kept = !p.guard ? scaled : p.guard.truth ? e.select(p.guard.condition, scaled, zero) : e.select(p.guard.condition, zero, scaled);
  return p.coefficient < 0 ? e.neg(kept) : kept;
}

/** What two products share, and what is left of each; undefined where they share nothing. */
export function common(a: Product, b: Product): { readonly num: Node[]; readonly den: Node[]; readonly a: Product; readonly b: Product } | undefined {
  const [num, aNum, bNum] = intersect(a.num, b.num);
  const [den, aDen, bDen] = intersect(a.den, b.den);
  if (num.length + den.length === 0) return undefined;
  return { num, den, a: { ...a, num: aNum, den: aDen }, b: { ...b, num: bNum, den: bDen } };
}

/** Both lists with repetition: [in both, left of the first, left of the second]. */
export function intersect(a: readonly Node[], b: readonly Node[]): readonly [Node[], Node[], Node[]] {
  const both: Node[] = [];
  const rest = [...b];
  const left = a.filter((x) => {
    const at = rest.indexOf(x);
    if (at < 0) return true;
    rest.splice(at, 1);
    both.push(x);
    return false;
  });
  return [both, left, rest];
}

/** True when both are kept at the same elements. */
export function sameGuard(a: Product, b: Product): boolean {
  return a.guard?.condition === b.guard?.condition && a.guard?.truth === b.guard?.truth;
}

/** Terms of a sum looked at for one that is like another. */
const mostTerms = 8;

/** A term as a number times something else: c · x, -x, x / c. */
function scaled(term: Node): { readonly by: number; readonly x: Node } {
  let by = 1;
  let x = term;
  for (;;) {
    const [a, b] = x.inputs;
    const c = splatOf(b);
    if (x.op === "neg" && a) by = -by;
    else if (x.op === "mul" && c !== undefined) by *= c;
    else if (x.op === "div" && c !== undefined && c !== 0) by /= c;
    else return { by, x };
    x = a as Node;
  }
}

/** A sum with one more term, where it has one that differs by a number: the two come together in the place of the first. */
export function withTerm(e: Emit, sum: Node, term: Node): Node | undefined {
  const added = scaled(term);
  if (added.x.op === "const") return undefined;
  // The terms after the one that is like it, last first.
  const after: Node[] = [];
  let rest: Node | undefined = sum;
  while (rest && after.length < mostTerms) {
    const last: Node = rest.op === "add" ? (rest.inputs[1] as Node) : rest;
    const before: Node | undefined = rest.op === "add" ? rest.inputs[0] : undefined;
    const found = scaled(last);
    if (found.x === added.x) {
      const by = found.by + added.by;
      if (!inFloatRange(by)) return undefined;
      const merged = by === 0 ? undefined : valueOf(e, { coefficient: by, num: [added.x], den: [] }, term);
      const terms = [...(before ? [before] : []), ...(merged ? [merged] : []), ...after.reverse()];
      return terms.length === 0 ? e.like(term, 0) : terms.slice(1).reduce((x, y) => e.add(x, y), terms[0] as Node);
    }
    after.push(last);
    rest = before;
  }
  return undefined;
}
