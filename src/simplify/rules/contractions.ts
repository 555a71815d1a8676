/**
 * Contractions in one form. A sum of a product of views becomes a contraction; views that only rename axes become
 * labels; the operand that holds the first result axis of its own comes first. So `sum[i] x[b, i] * W[i, o]`,
 * `sum[i] W[i, o] * x[b, i]` and `x @ W` are one node, and the adjoints of all three are contractions too.
 *
 * A product in which both operands vary along all axes, summed or not, is no contraction: it stays elementwise.
 */
import type { Dim } from "../../ir/dims.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node, NodeOf } from "../../ir/node.ts";
import { axesOf, axesRead, axisNames, extentOf, fill, isFloat, restrict, splatOf, spread, withoutAxes } from "../match.ts";
import { first, input, rule, some } from "../rule.ts";
import type { Rule } from "../rule.ts";

/** A product sum, narrowed. */
export type Contract = NodeOf<"contract"> & Node;

/** An operand with a name for each of its axes. */
export interface Labelled {
  readonly node: Node;
  readonly labels: readonly number[];
}

/** Product sums in their one form. */
export const contractions: readonly Rule[] = [
  rule({
    name: "sum-into-contract",
    doc: "Σ of a product whose factors vary along different axes = a contraction of them",
    ops: ["reduce"],
    over: first("mul"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (n.attrs.kind !== "sum" || n.inputs.length > 1 || x.op !== "mul" || !isFloat(x)) return undefined;
      const groups = byAxes(e, factorsOf(x));
      const [a, b] = groups;
      // A factor that varies along no axis belongs in front of the sum.
      if (!a || !b || groups.length !== 2 || axesOf(a).size === 0 || axesOf(b).size === 0) return undefined;
      const summed = n.attrs.axes;
      const extents = x.type.shape;
      const out = extents.map((_, axis) => axis).filter((axis) => !summed.includes(axis));
      return contraction(e, labelled(e, a), labelled(e, b), out, extents);
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [2, 3]), input(e, "w", [3, 4])];
      const over = [2, 3, 4];
      return e.reduce("sum", e.mul(e.broadcast(x, over, [0, 1]), e.broadcast(w, over, [1, 2])), [1]);
    },
  }),
  rule({
    name: "sum-of-contract",
    doc: "Σ of a contraction over some of its axes sums those labels too",
    ops: ["reduce"],
    over: first("contract"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (n.attrs.kind !== "sum" || n.inputs.length > 1 || x.op !== "contract") return undefined;
      const out = x.attrs.out.filter((_, axis) => !n.attrs.axes.includes(axis));
      const [a, b] = operands(x);
      return contraction(e, a, b, out, extentsOf(x));
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [2, 3]), input(e, "w", [3, 4])];
      return e.reduce("sum", e.contract(x, w, [0, 1], [1, 2], [0, 2]), [1]);
    },
  }),
  rule({
    name: "view-into-contract",
    doc: "a view of an operand that only reorders or repeats axes becomes labels",
    ops: ["contract"],
    over: some("view"),
    apply: (n, e) => {
      const [a, b] = operands(n);
      const [p, q] = [relabelled(e, a), relabelled(e, b)];
      return p === a && q === b ? undefined : contraction(e, p, q, n.attrs.out, extentsOf(n));
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [2, 3]), input(e, "w", [4, 3])];
      return e.contract(x, e.transpose(w, [1, 0]), [0, 1], [1, 2], [0, 2]);
    },
  }),
  rule({
    name: "view-of-contract",
    doc: "a view that reorders the axes of a contraction reorders its result labels",
    ops: ["view"],
    over: first("contract"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (x.op !== "contract") return undefined;
      const names = axisNames(n.attrs.map, x.type.shape);
      if (!names || names.length !== n.type.shape.length) return undefined;
      const out = names.map((_, axis) => x.attrs.out[names.indexOf(axis)] as number);
      const [a, b] = operands(x);
      return contraction(e, a, b, out, extentsOf(x));
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [2, 3]), input(e, "w", [3, 4])];
      return e.transpose(e.contract(x, w, [0, 1], [1, 2], [0, 2]), [1, 0]);
    },
  }),
  rule({
    name: "contract-order",
    doc: "the operand that holds the first result axis not shared by both comes first",
    ops: ["contract"],
    apply: (n, e) => {
      const { a, b, out } = n.attrs;
      const own = out.find((l) => a.includes(l) !== b.includes(l));
      if (own === undefined || a.includes(own)) return undefined;
      return e.contract(n.inputs[1] as Node, n.inputs[0] as Node, b, a, out);
    },
    example: (e) => {
      const [x, w] = [input(e, "x", [2, 3]), input(e, "w", [3, 4])];
      return e.contract(w, x, [1, 2], [0, 1], [0, 2]);
    },
  }),
  rule({
    name: "contract-elementwise",
    doc: "a contraction that sums nothing is a product, and one whose operands both have all labels is a sum of a product",
    ops: ["contract"],
    apply: (n, e) => {
      const { a, b, out } = n.attrs;
      const labels = [...new Set([...a, ...b])];
      const summed = labels.filter((l) => !out.includes(l));
      if (summed.length > 0 && (a.length < labels.length || b.length < labels.length)) return undefined;
      const order = [...out, ...summed];
      const extents = extentsOf(n);
      const shape = order.map((l) => extents[l] as Dim);
      const over = (x: Node | undefined, of: readonly number[]): Node => e.broadcast(x as Node, shape, of.map((l) => order.indexOf(l)));
      return e.reduce("sum", e.mul(over(n.inputs[0], a), over(n.inputs[1], b)), summed.map((l) => order.indexOf(l)));
    },
    example: (e) => e.contract(input(e, "x", [2, 3]), input(e, "y", [3, 2]), [0, 1], [1, 0], [0]),
  }),
  rule({
    name: "contract-constant",
    doc: "a contraction with a splat c = c · Σ of the other operand",
    ops: ["contract"],
    over: some("const"),
    apply: (n, e) => {
      const [a, b] = operands(n);
      const [c, x] = splatOf(a.node) !== undefined ? [a, b] : [b, a];
      const value = splatOf(c.node);
      if (value === undefined) return undefined;
      // Summed labels are in both operands, so the splat adds no count of its own.
      const less = summedOver(e, x, x.labels.filter((l) => !n.attrs.out.includes(l)));
      const sum = e.broadcast(less.node, n.type.shape, less.labels.map((l) => n.attrs.out.indexOf(l)));
      return e.mul(sum, e.like(n, value));
    },
    example: (e) => e.contract(input(e, "x", [2, 3]), e.const({ dtype: "f32", shape: [3, 4] }, 0.5), [0, 1], [1, 2], [0, 2]),
  }),
];

/** Both operands with their labels. */
export function operands(n: Contract): readonly [Labelled, Labelled] {
  return [{ node: n.inputs[0] as Node, labels: n.attrs.a }, { node: n.inputs[1] as Node, labels: n.attrs.b }];
}

/** The extent of each label, by number. */
export function extentsOf(n: Contract): readonly Dim[] {
  const extents: Dim[] = [];
  for (const { node, labels } of operands(n)) labels.forEach((l, axis) => (extents[l] = node.type.shape[axis] as Dim));
  return extents;
}

/**
 * The contraction of two labelled operands over all labels that are not in `out`. A label in one operand alone is
 * summed there first, one in neither counts; a result axis in neither is repeated.
 */
export function contraction(e: Emit, a: Labelled, b: Labelled, out: readonly number[], extents: readonly Dim[]): Node {
  const alone = (x: Labelled, y: Labelled): number[] => x.labels.filter((l) => !out.includes(l) && !y.labels.includes(l));
  const p = summedOver(e, a, alone(a, b));
  const q = summedOver(e, b, alone(b, a));
  const present = out.filter((l) => p.labels.includes(l) || q.labels.includes(l));
  const product = e.contract(p.node, q.node, p.labels, q.labels, present);
  const counted = extents.filter((_, l) => !out.includes(l) && !a.labels.includes(l) && !b.labels.includes(l));
  const result = counted.length === 0 ? product : e.mul(product, fill(e, extentOf(e, counted), product.type.shape));
  if (present.length === out.length) return result;
  return e.broadcast(result, out.map((l) => extents[l] as Dim), present.map((l) => out.indexOf(l)));
}

function summedOver(e: Emit, x: Labelled, gone: readonly number[]): Labelled {
  if (gone.length === 0) return x;
  const axes = x.labels.flatMap((l, axis) => (gone.includes(l) ? [axis] : []));
  return { node: e.reduce("sum", x.node, axes), labels: x.labels.filter((l) => !gone.includes(l)) };
}

/** A factor of a product, with its axes named by the axes of the product; axes it does not vary along are left out. */
function labelled(e: Emit, x: Node): Labelled {
  return relabelled(e, { node: x, labels: x.type.shape.map((_, axis) => axis) });
}

/** The operand without a view that only renames, or with one over no more axes than it reads. */
function relabelled(e: Emit, x: Labelled): Labelled {
  if (x.node.op !== "view") return x;
  const from = x.node.inputs[0] as Node;
  const { map } = x.node.attrs;
  const names = axisNames(map, from.type.shape);
  if (names) return { node: from, labels: names.map((axis) => x.labels[axis] as number) };
  const read = [...axesRead(map)].sort((p, q) => p - q);
  if (read.length === x.labels.length) return x;
  return { node: e.view(from, restrict(map, read)), labels: read.map((axis) => x.labels[axis] as number) };
}

/** The factors of a product of products, left to right, at most eight. */
function factorsOf(x: Node): readonly Node[] {
  const factors: Node[] = [];
  const open = [x];
  while (open.length > 0) {
    const n = open.pop() as Node;
    if (n.op === "mul" && factors.length + open.length < 8) open.push(n.inputs[1] as Node, n.inputs[0] as Node);
    else factors.push(n);
  }
  return factors;
}

/**
 * Factors multiplied into groups that vary along the same axes; of more than two, a group within another's axes joins
 * it. Each group still has the shape of the whole product. Two groups of which neither is all are a contraction.
 */
function byAxes(e: Emit, factors: readonly Node[]): readonly Node[] {
  const groups: { readonly axes: ReadonlySet<number>; readonly nodes: Node[] }[] = [];
  for (const node of factors) {
    const axes = axesOf(node);
    const same = groups.find((g) => g.axes.size === axes.size && within(axes, g.axes));
    if (same) same.nodes.push(node);
    else groups.push({ axes, nodes: [node] });
  }
  if (groups.length > 2) {
    groups.sort((p, q) => q.axes.size - p.axes.size);
    for (let i = groups.length - 1; i > 0; i--) {
      const g = groups[i];
      const holder = g && groups.slice(0, i).find((k) => within(g.axes, k.axes));
      if (!g || !holder) continue;
      holder.nodes.push(...g.nodes);
      groups.splice(i, 1);
    }
  }
  return groups.map((g) => productOver(e, g.nodes, g.axes));
}

function within(inner: ReadonlySet<number>, outer: ReadonlySet<number>): boolean {
  return [...inner].every((a) => outer.has(a));
}

/** The product of factors that vary along no more than `axes`, computed over those axes and spread over all. */
function productOver(e: Emit, nodes: readonly Node[], axes: ReadonlySet<number>): Node {
  const [first, ...rest] = nodes as readonly [Node, ...Node[]];
  if (rest.length === 0) return first;
  const { shape } = first.type;
  const gone = shape.map((_, a) => a).filter((a) => !axes.has(a));
  const less = nodes.map((x) => (gone.length === 0 ? x : (withoutAxes(e, x, gone) ?? x)));
  return spread(e, less.slice(1).reduce((x, y) => e.mul(x, y), less[0] as Node), shape, gone);
}
