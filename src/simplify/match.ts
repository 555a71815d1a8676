/**
 * Questions that rules ask of nodes: is it a splat, is it positive, along which axes does it vary, which map only
 * renames axes. All look a bounded distance down, so that rules stay local and cheap.
 */
import * as access from "../ir/access.ts";
import type { AccessMap } from "../ir/access.ts";
import type { Dim } from "../ir/dims.ts";
import * as dims from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node, NodeOf, OpName } from "../ir/node.ts";

/** A view, narrowed. */
export type ViewNode = NodeOf<"view"> & Node;

/** Whether f32 holds a merged constant as a normal number (or an exact 0): merging happens in doubles, kernels do not. */
export function inFloatRange(value: number): boolean {
  return value === 0 || (Math.abs(value) >= 1.1754943508222875e-38 && Math.abs(value) <= 3.4028234663852886e38);
}

/** The number a constant holds everywhere; undefined for anything else. */
export function splatOf(node: Node | undefined): number | undefined {
  return node?.op === "const" && typeof node.attrs.data === "number" ? node.attrs.data : undefined;
}

/** True for a constant that is this number everywhere. */
export function isSplat(node: Node | undefined, value: number): boolean {
  return splatOf(node) === value;
}

/** `x` when the node is -x. */
export function negated(node: Node): Node | undefined {
  return node.op === "neg" ? node.inputs[0] : undefined;
}

/** The operand of a node of that op. */
export function under<K extends OpName>(node: Node | undefined, op: K): Node | undefined {
  return node?.op === op ? node.inputs[0] : undefined;
}

/** The operand of an op, perhaps reordered, repeated or picked from since: `x` moved likewise, where the node is op(x) moved. */
export function operandOf(e: Emit, node: Node, op: OpName, depth = 4): Node | undefined {
  if (node.op === op) return node.inputs[0];
  if (depth === 0 || !moves(node)) return undefined;
  const x = operandOf(e, node.inputs[0] as Node, op, depth - 1);
  return x && movedLike(e, node, x);
}

/** Ops that may do nothing but move elements. */
export const movements = ["reshape", "gather", "view"] as const satisfies readonly OpName[];

/** True for what takes elements from its first operand as they are, and all of its elements from there. */
export function moves(node: Node): boolean {
  return node.op === "reshape" || node.op === "gather" || (node.op === "view" && node.attrs.map.guards.length === 0);
}

/** `x` in place of the operand of what moves it. */
export function movedLike(e: Emit, node: Node, x: Node): Node {
  if (node.op === "view") return viewOf(e, x, node.attrs.map);
  if (node.op === "gather") return e.gather(x, node.inputs[1] as Node, node.attrs.batch);
  return e.reshape(x, node.type.shape);
}

/** The two inputs of a binary node. */
export function pair(node: Node): readonly [Node, Node] {
  return [node.inputs[0] as Node, node.inputs[1] as Node];
}

/** Both orders of the two inputs: for rules on commutative ops. */
export function orders(node: Node): readonly (readonly [Node, Node])[] {
  const [x, y] = pair(node);
  return [[x, y], [y, x]];
}

/** True for f32, where algebra holds up to rounding. */
export function isFloat(node: Node): boolean {
  return node.type.dtype === "f32";
}

/** The output axes that the map reads: the others are broadcast. */
export function axesRead(map: AccessMap): ReadonlySet<number> {
  const read = new Set<number>();
  const note = (form: access.Affine): void => form.k.forEach((k, axis) => k !== 0 && read.add(axis));
  for (const c of map.index) note(c.numerator);
  for (const g of map.guards) note(g.value);
  return read;
}

/** True when some output axis longer than 1 is not read: the view repeats elements. */
export function broadcasts(map: AccessMap): boolean {
  const read = axesRead(map);
  return map.shape.some((d, axis) => !read.has(axis) && d !== 1);
}

/**
 * For a map that only permutes and repeats axes: which output axis each input axis is. Undefined for slices,
 * strides, diagonals, guards and offsets.
 */
export function axisNames(map: AccessMap, of: readonly Dim[]): readonly number[] | undefined {
  if (map.guards.length > 0) return undefined;
  const names: number[] = [];
  for (const [a, c] of map.index.entries()) {
    const read = c.numerator.k.flatMap((k, axis) => (k === 0 ? [] : [axis]));
    const [axis] = read;
    const extent = of[a] as Dim;
    if (axis === undefined || read.length > 1 || c.numerator.k[axis] !== 1 || c.numerator.c !== 0 || c.divisor !== 1) return undefined;
    if (names.includes(axis) || !dims.equal(map.shape[axis] as Dim, extent)) return undefined;
    names.push(axis);
  }
  return names;
}

/** The map over only the output axes in `axes` (ascending); it must read no other. */
export function restrict(map: AccessMap, axes: readonly number[]): AccessMap {
  const cut = (form: access.Affine): access.Affine => access.affine(form.c, axes.map((a) => form.k[a] ?? 0));
  return {
    shape: axes.map((a) => map.shape[a] as Dim),
    index: map.index.map((c) => ({ numerator: cut(c.numerator), divisor: c.divisor })),
    guards: map.guards.map((g) => ({ ...g, value: cut(g.value) })),
  };
}

/** A view without the output axes `gone`, none of which it reads. */
export function dropAxes(e: Emit, node: ViewNode, gone: readonly number[]): Node {
  const kept = node.type.shape.map((_, a) => a).filter((a) => !gone.includes(a));
  return e.view(node.inputs[0] as Node, restrict(node.attrs.map, kept));
}

/** A view of `x` in its normal form: of what `x` itself looks at, of a splat a splat. */
export function viewOf(e: Emit, x: Node, map: AccessMap): Node {
  const value = splatOf(x);
  if (value !== undefined && map.guards.length === 0) return e.const({ dtype: x.type.dtype, shape: map.shape }, value);
  return x.op === "view" ? e.view(x.inputs[0] as Node, access.compose(map, x.attrs.map)) : e.view(x, map);
}

/** The axes along which the node may vary; a splat varies along none. */
export function axesOf(node: Node): ReadonlySet<number> {
  if (splatOf(node) !== undefined) return new Set();
  if (node.op === "view") return axesRead(node.attrs.map);
  return new Set(node.type.shape.map((_, a) => a));
}

/** The node without the axes `gone`, along which it does not vary. */
export function withoutAxes(e: Emit, node: Node, gone: readonly number[]): Node | undefined {
  const value = splatOf(node);
  if (value !== undefined) {
    const shape = node.type.shape.filter((_, a) => !gone.includes(a));
    return e.const({ dtype: node.type.dtype, shape }, value);
  }
  if (node.op !== "view") return undefined;
  const read = axesRead(node.attrs.map);
  return gone.some((a) => read.has(a)) ? undefined : dropAxes(e, node, gone);
}

/** `x` spread over `shape`, where `x` has all of its axes but `missing`. */
export function spread(e: Emit, x: Node, shape: readonly Dim[], missing: readonly number[]): Node {
  const axes = shape.map((_, a) => a).filter((a) => !missing.includes(a));
  return e.broadcast(x, shape, axes);
}

/** A scalar as a splat of `shape`. */
export function fill(e: Emit, scalar: Node, shape: readonly Dim[]): Node {
  return e.broadcast(scalar, shape, []);
}

/** The number of elements along axes, as an f32 scalar: a constant where static. */
export function extentOf(e: Emit, extents: readonly Dim[]): Node {
  const extent = dims.product(extents);
  return typeof extent === "number" ? e.scalar(extent) : e.cast(e.size(extent), "f32");
}

const always: ReadonlySet<OpName> = new Set<OpName>(["exp", "sigmoid"]);

/** True when every element is proven greater than 0, looking at most `depth` nodes down. */
export function positive(node: Node, depth = 8): boolean {
  if (depth === 0) return false;
  if (always.has(node.op)) return true;
  const of = (i: number): boolean => {
    const x = node.inputs[i];
    return x !== undefined && positive(x, depth - 1);
  };
  switch (node.op) {
    case "const":
      return typeof node.attrs.data === "number" ? node.attrs.data > 0 : node.attrs.data.every((v) => v > 0);
    case "size":
      return true;
    case "cast":
      return node.attrs.to === "f32" && of(0) && (node.inputs[0] as Node).type.dtype !== "bool";
    case "add":
      return (of(0) && (of(1) || nonnegative(node.inputs[1] as Node, depth - 1))) || (of(1) && nonnegative(node.inputs[0] as Node, depth - 1));
    case "mul":
    case "div":
      return of(0) && of(1);
    case "max":
      return of(0) || of(1);
    case "select":
      return of(1) && of(2);
    case "sqrt":
    case "pow":
    case "mark":
    case "stop":
    case "reshape":
    case "gather":
      return of(0);
    case "view":
      return node.attrs.map.guards.length === 0 && of(0);
    case "reduce":
      return (node.attrs.kind === "sum" || node.attrs.kind === "max") && node.inputs.length === 1 && of(0);
    default:
      return false;
  }
}

/** True when every element is proven to be at least 0: positive, looking at most `depth` nodes down, or not negative at one look. */
export function nonnegative(node: Node, depth = 4): boolean {
  if (positive(node, depth)) return true;
  if (node.op === "const") return typeof node.attrs.data === "number" ? node.attrs.data >= 0 : node.attrs.data.every((v) => v >= 0);
  if (node.op === "mul") return node.inputs[0] === node.inputs[1];
  if (node.op === "pow") return node.attrs.exponent % 2 === 0;
  return node.op === "sqrt";
}
