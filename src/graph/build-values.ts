/**
 * What a Core expression becomes while a graph is built: a node whose leading axes are the index variables that the
 * expression depends on, and whose other axes are the expression's own. In tensor notation there are no variables;
 * inside index notation there are no axes of one's own; both at once is what a tensor inside an equation would be.
 *
 *     x[b, i] * W[i, o]      { node: f32[N, 4, 2], vars: [b, o, i] }
 *
 * Whole numbers that are linear in index variables carry that form too: an access with such indices is a view.
 */
import * as access from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { sameShape } from "../ir/types.ts";
import type { DType } from "../ir/types.ts";
import type { IndexVar, LoopVar } from "../check/core.ts";
import { InternalError } from "../support/diagnostic.ts";

/** A tensor over index variables. */
export interface Value {
  readonly node: Node;
  /** Variables of the leading axes, in the order of `Variables`. */
  readonly vars: readonly IndexVar[];
  readonly form?: Form;
}

/** c + Σ k · position: positions of index variables count from 0, whatever their range; loop turns too. */
export interface Form {
  readonly c: Dim;
  readonly terms: ReadonlyMap<IndexVar | LoopVar, number>;
}

/** The shape of a value without its variables' axes. */
export function ownShape(value: Value): readonly Dim[] {
  return value.node.type.shape.slice(value.vars.length);
}

/** A value of tensor notation. */
export function tensorValue(node: Node): Value {
  return { node, vars: [] };
}

const nothing: readonly IndexVar[] = [];

/** Numbers variables in the order in which they are bound, so outer before inner, and keeps unions in that order. */
export class Variables {
  private readonly order = new Map<IndexVar, number>();

  register(vars: readonly IndexVar[]): void {
    for (const v of vars) if (!this.order.has(v)) this.order.set(v, this.order.size);
  }

  union(lists: Iterable<readonly IndexVar[]>): readonly IndexVar[] {
    const all = new Set<IndexVar>();
    for (const list of lists) for (const v of list) all.add(v);
    if (all.size === 0) return nothing;
    const rank = (v: IndexVar): number => this.order.get(v) ?? Number.POSITIVE_INFINITY;
    return [...all].sort((a, b) => rank(a) - rank(b));
  }
}

/** The value as a node over exactly `vars`, its own axes stretched to `own` (right-aligned; sizes of 1 stretch). */
export function spread(e: Emit, value: Value, vars: readonly IndexVar[], own: readonly Dim[]): Node {
  const { node } = value;
  const lost = value.vars.find((v) => !vars.includes(v));
  if (lost) throw new InternalError("build", `a value over the index ${lost.name} is spread to where there is none`);
  const mine = ownShape(value);
  if (value.vars.length === vars.length && vars.every((v, a) => v === value.vars[a]) && sameShape(mine, own)) return node;
  const shape = [...vars.map((v) => v.extent), ...own];
  if (node.op === "const" && typeof node.attrs.data === "number") return e.const({ dtype: node.type.dtype, shape }, node.attrs.data);
  const rank = shape.length;
  const index = [
    ...value.vars.map((v) => access.whole(access.unit(vars.indexOf(v), rank))),
    ...mine.map((d, a) => {
      const target = rank - mine.length + a;
      return access.whole(dims.equal(d, shape[target] as Dim) ? access.unit(target, rank) : access.constant(0, rank));
    }),
  ];
  return e.view(node, { shape, index, guards: [] });
}

/** Values spread over the union of their variables. */
export function together(e: Emit, variables: Variables, values: readonly Value[], own: readonly Dim[]): { readonly nodes: readonly Node[]; readonly vars: Value["vars"] } {
  const vars = variables.union(values.map((v) => v.vars));
  return { nodes: values.map((v) => spread(e, v, vars, own)), vars };
}

/** Elements of another type; constants are written anew. */
export function convert(e: Emit, node: Node, to: DType): Node {
  if (node.type.dtype === to) return node;
  const widened = node.op === "const" && (to === "f32" || (to === "i32" && node.type.dtype === "bool"));
  return widened ? e.const({ dtype: to, shape: node.type.shape }, node.attrs.data) : e.cast(node, to);
}

/** The same for a value; a form survives between integers. */
export function convertValue(e: Emit, value: Value, to: DType): Value {
  if (value.node.type.dtype === to) return value;
  return { node: convert(e, value.node, to), vars: value.vars, ...(value.form && to === "i32" && { form: value.form }) };
}

/** The number that a constant form is. */
export function constantForm(c: Dim): Form {
  return { c, terms: new Map() };
}

/** a + by·b. */
export function addForms(a: Form, b: Form, by = 1): Form {
  const terms = new Map(a.terms);
  for (const [v, k] of b.terms) {
    const sum = (terms.get(v) ?? 0) + k * by;
    if (sum === 0) terms.delete(v);
    else terms.set(v, sum);
  }
  return { c: dims.add(a.c, dims.scale(b.c, by)), terms };
}

/** a · b where one of them is a number. */
export function multiplyForms(a: Form, b: Form): Form | undefined {
  const zero = constantForm(0);
  if (b.terms.size === 0 && typeof b.c === "number") return addForms(zero, a, b.c);
  if (a.terms.size === 0 && typeof a.c === "number") return addForms(zero, b, a.c);
  return a.terms.size === 0 && b.terms.size === 0 ? constantForm(dims.mul(a.c, b.c)) : undefined;
}
