/**
 * The operands of a node by name, for gradient rules: `x y` inputs, `out` the node itself, `g` the incoming gradient.
 * The type rule has counted them before any rule runs.
 *
 *     const [x, y] = two(node);
 */
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { TensorType } from "../ir/types.ts";
import { noPath } from "./op.ts";
import type { Adjoint } from "./op.ts";

/** The only operand. */
export function one(node: { readonly inputs: readonly Node[] }): Node {
  return node.inputs[0] as Node;
}

/** The two operands. */
export function two(node: { readonly inputs: readonly Node[] }): readonly [Node, Node] {
  return [node.inputs[0] as Node, node.inputs[1] as Node];
}

/** The rule of an op whose result is an integer or a bool, or locally constant: no input has a path. */
export function noPaths(_: Emit, node: { readonly inputs: readonly Node[] }): readonly Adjoint[] {
  return node.inputs.map(() => noPath);
}

/** True for a constant zero, possibly broadcast. */
export function isZero(node: Node | undefined): boolean {
  const x = node?.op === "view" && node.attrs.map.guards.length === 0 ? one(node) : node;
  return x?.op === "const" && x.attrs.data === 0;
}

/**
 * An elementwise adjoint under a choice: where g = select(c, h, 0), what the rule makes of h is chosen, not what it makes of
 * 0; else 0 times an infinite slope would be NaN. Rules are linear in g, so the two are equal elsewhere. A choice that was
 * only spread by a view is seen too.
 */
export function selected(e: Emit, g: Node, rule: (g: Node) => Node): Node {
  const choice = g.op === "view" && g.attrs.map.guards.length === 0 ? one(g) : g;
  if (choice.op !== "select") return rule(g);
  const [condition, then, otherwise] = choice.inputs as readonly [Node, Node, Node];
  const kept = isZero(otherwise) ? then : isZero(then) ? otherwise : undefined;
  if (!kept) return rule(g);
  const seen = (x: Node): Node => (g.op === "view" ? e.view(x, g.attrs.map) : x);
  const adjoint = rule(seen(kept));
  const none = e.like(adjoint, 0);
  return kept === then ? e.select(seen(condition), adjoint, none) : e.select(seen(condition), none, adjoint);
}

/** True for a sum of squares, scaled by positive constants and moved: its derivative is 0 wherever it is 0. */
export function isSquares(node: Node, depth = 8): boolean {
  if (depth === 0) return false;
  const [x, y] = node.inputs as readonly [Node, Node?];
  switch (node.op) {
    case "mul":
      return x === y || [[x, y], [y, x]].some(([k, s]) => k && s && isPositive(k) && isSquares(s, depth - 1));
    case "div":
      return y !== undefined && isPositive(y) && isSquares(x, depth - 1);
    case "pow":
      return node.attrs.exponent >= 2 && node.attrs.exponent % 2 === 0;
    case "add":
      return isSquares(x, depth - 1) && y !== undefined && isSquares(y, depth - 1);
    case "contract":
      return x === y && node.attrs.a.join() === node.attrs.b.join();
    case "reduce":
      return (node.attrs.kind === "sum" || node.attrs.kind === "max") && node.inputs.length === 1 && isSquares(x, depth - 1);
    case "view":
    case "reshape":
    case "gather":
    case "mark":
      return isSquares(x, depth - 1);
    default:
      return false;
  }
}

/** A constant above 0, or a size, possibly broadcast. */
function isPositive(node: Node): boolean {
  if (node.op === "const") return typeof node.attrs.data === "number" && node.attrs.data > 0;
  return node.op === "size" || ((node.op === "view" || node.op === "cast") && isPositive(one(node)));
}

/** A gradient that is 0 where x, a sum of squares, is 0: there its own derivative is, and 0 is a subgradient of the norm. */
export function zeroAtZero(e: Emit, x: Node, gradient: Node): Node {
  return isSquares(x) ? e.select(e.compare(">", x, e.like(x, 0)), gradient, e.like(gradient, 0)) : gradient;
}

/** The axes 0..rank-1. */
export function axesOf(shape: readonly Dim[]): number[] {
  return shape.map((_, a) => a);
}

/** A type for samples: `f32(2, 3)`. */
export function f32(...shape: number[]): TensorType {
  return { dtype: "f32", shape };
}

/** A type for samples: `i32(2)`. */
export function i32(...shape: number[]): TensorType {
  return { dtype: "i32", shape };
}

/** A type for samples: `bool(2)`. */
export function bool(...shape: number[]): TensorType {
  return { dtype: "bool", shape };
}
