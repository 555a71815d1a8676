/**
 * Conditions on positions. What compares indices of an equation (`i + u - 1 >= 0`, `j <= i`) is known for all positions, or
 * is a guard of a view: a value that is read under it is 0 elsewhere. So a padded convolution is one node whether the
 * padding was written as `pad`, as a guard of the sum, or as `cases`.
 *
 *     Σ[u where i + u >= 1] x[i + u - 1] K[u]     the mask becomes a guard of the view of x, and the sum a contraction
 */
import * as access from "../../ir/access.ts";
import type { Affine, Guard } from "../../ir/access.ts";
import type { Dim } from "../../ir/dims.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node, Relation } from "../../ir/node.ts";
import { isSplat, splatOf } from "../match.ts";
import { input, rule, second } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** Index comparisons, masks and choices by position. */
export const positions: readonly Rule[] = [
  rule({
    name: "compare-positions",
    doc: "a comparison of positions that holds at all of them is true, and one that fails at all is false",
    ops: ["compare"],
    apply: (n, e) => {
      const { shape } = n.type;
      const always = (guards: readonly Affine[] | undefined): boolean => guards?.every((g) => access.provenNonnegative(g, shape)) ?? false;
      const { relation } = n.attrs;
      if (shape.length === 0 || n.inputs[0]?.type.dtype !== "i32") return undefined;
      if (always(differences(n, relation))) return e.like(n, 1);
      return relation !== "==" && relation !== "!=" && always(differences(n, opposite[relation])) ? e.like(n, 0) : undefined;
    },
    example: (e) => e.compare("<", e.iota(3), e.const({ dtype: "i32", shape: [3] }, 3)),
  }),
  rule({
    name: "mask-constant",
    doc: "a reduction whose mask is true everywhere has none",
    ops: ["reduce"],
    over: second("const"),
    apply: (n, e) => ((splatOf(n.inputs[1]) ?? 0) === 0 ? undefined : e.reduce(n.attrs.kind, n.inputs[0] as Node, n.attrs.axes)),
    example: (e) => e.reduce("max", input(e, "x", [2, 3]), [1], e.const({ dtype: "bool", shape: [2, 3] }, 1)),
  }),
  rule({
    name: "mask-positions",
    doc: "Σ of a product of views under a condition on positions = Σ of the product with the condition as a guard of one view",
    ops: ["reduce"],
    over: (inputs) => inputs.length === 2,
    apply: (n, e) => {
      const [x, mask] = n.inputs;
      if (n.attrs.kind !== "sum" || !x || !mask || splatOf(mask) !== undefined) return undefined;
      const factors = x.op === "mul" ? [x.inputs[0] as Node, x.inputs[1] as Node] : [x];
      // A factor computed from guarded elements may be anything where they are 0; elements and zeros themselves are finite.
      if (!factors.every((f) => f.op === "view" || f.op === "leaf" || splatOf(f) !== undefined)) return undefined;
      const guards = guardsOf(mask, 8);
      const at = guards ? factors.findIndex((f) => splatOf(f) === undefined && readsAll(f, guards)) : -1;
      if (!guards || at < 0) return undefined;
      const kept = factors.map((f, k) => (k === at ? guarded(e, f, guards) : f));
      return e.reduce("sum", kept.reduce((a, b) => e.mul(a, b)), n.attrs.axes);
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [3, 4]), input(e, "w", [4])];
      const [i, j] = [e.broadcast(e.iota(3), [3, 4], [0]), e.broadcast(e.iota(4), [3, 4], [1])];
      return e.reduce("sum", e.mul(x, e.broadcast(w, [3, 4], [1])), [1], e.compare("<=", j, i));
    },
  }),
  rule({
    name: "select-positions",
    doc: "a choice between an element and 0 by a condition on positions = a view with the condition as its guard",
    ops: ["select"],
    over: second("view", "leaf"),
    apply: (n, e) => {
      const [condition, x, zero] = n.inputs as readonly [Node, Node, Node];
      if ((x.op !== "view" && x.op !== "leaf") || !isSplat(zero, 0) || splatOf(condition) !== undefined) return undefined;
      const guards = guardsOf(condition, 8);
      return guards && readsAll(x, guards) ? guarded(e, x, guards) : undefined;
    },
    example: (e) => {
      const x = input(e, "x", [3, 3]);
      const [i, j] = [e.broadcast(e.iota(3), [3, 3], [0]), e.broadcast(e.iota(3), [3, 3], [1])];
      return e.select(e.compare(">=", i, j), x, e.like(x, 0));
    },
  }),
];

const opposite: Readonly<Record<Relation, Relation>> = { "==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<=" };

/** Forms that are all 0 or more exactly where a comparison of positions holds. */
function differences(n: Extract<Node, { op: "compare" }>, relation: Relation): readonly Affine[] | undefined {
  const [a, b] = n.inputs.map((x) => affineOf(x, 16));
  if (!a || !b || relation === "!=") return undefined;
  const rank = n.type.shape.length;
  const minus = (p: Affine, q: Affine, by: number): Affine => access.addAffine(access.addAffine(p, access.scaleAffine(q, -1)), access.constant(-by, rank));
  if (relation === "==") return [minus(a, b, 0), minus(b, a, 0)];
  return [relation === ">=" || relation === ">" ? minus(a, b, relation === ">" ? 1 : 0) : minus(b, a, relation === "<" ? 1 : 0)];
}

/** A whole number as an affine form of its position; looks `depth` operations down. */
function affineOf(node: Node, depth: number): Affine | undefined {
  const { shape, dtype } = node.type;
  const rank = shape.length;
  if (dtype !== "i32" || depth === 0) return undefined;
  const of = (i: number): Affine | undefined => affineOf(node.inputs[i] as Node, depth - 1);
  switch (node.op) {
    case "const":
      return typeof node.attrs.data === "number" ? access.constant(node.attrs.data, rank) : undefined;
    case "size":
      return access.constant(node.attrs.dim, rank);
    case "iota":
      return access.unit(0, 1);
    case "neg": {
      const x = of(0);
      return x && access.scaleAffine(x, -1);
    }
    case "add": {
      const [x, y] = [of(0), of(1)];
      return x && y && access.addAffine(x, y);
    }
    case "mul": {
      const [x, y] = [of(0), of(1)];
      for (const [k, f] of [[x, y], [y, x]] as const) if (k && f && typeof k.c === "number" && k.k.every((v) => v === 0)) return access.scaleAffine(f, k.c);
      return undefined;
    }
    case "view": {
      const x = node.attrs.map.guards.length === 0 ? of(0) : undefined;
      const moved = x && access.substitute(x, node.attrs.map.index, rank);
      return moved?.divisor === 1 ? moved.numerator : undefined;
    }
    default:
      return undefined;
  }
}

/** A condition on positions as guards; undefined for any other condition. */
function guardsOf(condition: Node, depth: number): readonly Guard[] | undefined {
  if (depth === 0) return undefined;
  const nonnegative = (forms: readonly Affine[] | undefined): Guard[] | undefined => forms?.map((value) => ({ kind: "nonnegative", value }));
  switch (condition.op) {
    case "compare":
      return nonnegative(differences(condition, condition.attrs.relation));
    case "not": {
      const x = condition.inputs[0] as Node;
      return x.op === "compare" && x.attrs.relation !== "==" ? nonnegative(differences(x, opposite[x.attrs.relation])) : undefined;
    }
    case "logic": {
      const [a, b] = condition.attrs.kind === "and" ? condition.inputs.map((x) => guardsOf(x, depth - 1)) : [];
      return a && b && [...a, ...b];
    }
    case "view": {
      const inner = condition.attrs.map.guards.length === 0 ? guardsOf(condition.inputs[0] as Node, depth - 1) : undefined;
      const rank = condition.type.shape.length;
      const moved = inner?.map((g) => ({ guard: g, value: access.substitute(g.value, condition.attrs.map.index, rank) }));
      return moved?.every((m) => m.value.divisor === 1) ? moved.map((m) => ({ ...m.guard, value: m.value.numerator })) : undefined;
    }
    default:
      return undefined;
  }
}

/** True when the element varies along every axis that the guards speak of, so that guarding it makes it no larger. */
function readsAll(x: Node, guards: readonly Guard[]): boolean {
  const axes = new Set(guards.flatMap((g) => g.value.k.flatMap((k, a) => (k === 0 ? [] : [a]))));
  if (x.op !== "view") return true;
  const { map } = x.attrs;
  return [...axes].every((a) => map.index.some((c) => c.numerator.k[a] !== 0));
}

function guarded(e: Emit, x: Node, guards: readonly Guard[]): Node {
  const shape: readonly Dim[] = x.type.shape;
  const outer = { ...access.identity(shape), guards };
  return x.op === "view" ? e.view(x.inputs[0] as Node, access.compose(outer, x.attrs.map)) : e.view(x, outer);
}
