/**
 * Lowers a group of roots to a nest. In: the group and where each root is to be stored. Out: parallel axes, folds,
 * loops over the rest of a row, stores.
 *
 * What is stored in another order than it is read is computed in the order of reading where that takes fewer accesses.
 *
 *     {max, sum, quotient} over [N] of [N, C]   ->   parallel i0 in N: fold max; fold sum; each i1 in C: store
 */
import { axesInOrder } from "../ir/access.ts";
import type { Axis, Buffer, Nest, Stmt } from "../ir/kernel.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { constant } from "../ir/scalar.ts";
import { isAnchor, isProduct } from "./cost.ts";
import type { Group } from "./fuse.ts";
import { fixed, toScalar } from "./index-form.ts";
import type { Index } from "./index-form.ts";
import { address, isDense } from "./index-maps.ts";
import { Elements } from "./elements.ts";
import type { Surroundings } from "./elements.ts";
import { NestBuilder } from "./nest-builder.ts";
import { tidyLets } from "./tidy-lets.ts";

export interface NestInput {
  readonly group: Group;
  /** Where each member is stored; a member without is computed for the others alone. */
  readonly stores: ReadonlyMap<Node, readonly Buffer[]>;
  readonly around: Surroundings;
  readonly capacity: dims.Bindings;
  /** False: what is moved is computed in the order in which it is stored. */
  readonly reordered?: boolean;
}

export function lowerNest(input: NestInput): Nest {
  const nest = lowered(input, () => undefined);
  if (input.reordered === false) return nest;
  const orders = new Map(input.group.members.flatMap((m) => {
    const order = orderOfReading(m, input);
    return order ? [[m, order] as const] : [];
  }));
  const other = orders.size > 0 ? lowered(input, (m) => orders.get(m)) : nest;
  return accessesOf(other.body, other.parallel) < accessesOf(nest.body, nest.parallel) ? other : nest;
}

function lowered({ group, stores, around, capacity }: NestInput, orderOf: (member: Node) => Reordered | undefined): Nest {
  const b = new NestBuilder(capacity);
  const [first] = group.members;
  const single = group.members.length === 1 ? first : undefined;
  const isTable = single?.op === "const" && typeof single.attrs.data !== "number" && around.host(single) === undefined;
  const alone = single && orderOf(single);
  const shape = isTable ? [] : alone ? alone.from.type.shape.slice(0, alone.written) : group.parallel;
  const parallel = shape.map((d, i) => b.parallel(`i${i}`, d));
  const row = parallel.map((a) => b.indexOf(a));
  const elements = new Elements(b, around);
  const rank = shape.length;
  for (const [tail, members] of byTail(group, stores, alone ? group.parallel.length : rank)) {
    if (isTable && single) storeTable(b, single, stores.get(single) ?? []);
    else {
      const asStored = members.filter((m) => !orderOf(m));
      for (const m of members) {
        const order = orderOf(m);
        if (order) storeAsRead(b, elements, order, row, stores.get(m) ?? []);
      }
      if (asStored.length === 0) continue;
      loops(b, tail, rank, row, (index) => {
        for (const member of asStored) {
          const value = elements.element(member, index);
          for (const buffer of stores.get(member) ?? []) b.store(buffer, toScalar(address(b, member.type.shape, index)), value);
        }
      });
    }
  }
  return nestOf(b, parallel, group, around);
}

function nestOf(b: NestBuilder, parallel: readonly Axis[], group: Group, around: Surroundings): Nest {
  const body = tidyLets(b.body());
  const nodes = nodesOf(group, around);
  return { name: nameOf(nodes), parallel, body, params: b.params, nodes, why: group.why, shape: shapeOf(group, body) };
}

/** Places of a window, or what else is written out for each point. */
const mostWritten = 9;

/** A stored value as what it is read from: the elements of `from` in the order of its axes, of which those from `written` on are few. */
interface Reordered {
  readonly from: Node;
  /** Another order of its axes, which is how the value lies in memory. */
  readonly stored: readonly Dim[];
  /** For each axis of `from` longer than 1, which of those it is. */
  readonly places: readonly (number | undefined)[];
  readonly written: number;
}

/**
 * What is stored in another order than it is read, in the order in which it is read: the pixels of a window, which share what is read for it, in
 * one go. Undefined where more than reshapes and an order of axes stands between the two, or no few places come last.
 *
 *     d[c, 2i + u, 2j + v] = p[c, i, j, u, v]   ->   for each c, i, j: four stores
 */
function orderOfReading(root: Node, { group, stores, around }: NestInput): Reordered | undefined {
  const view = root.op === "reshape" ? root.inputs[0] : undefined;
  const from = view?.op === "view" ? view.inputs[0] : undefined;
  if (view?.op !== "view" || !from || !stores.get(root)?.length || [view, from].some((x) => around.buffer(x) || group.members.includes(x) || isAnchor(x))) return undefined;
  const places = axesInOrder(view.attrs.map, from.type.shape);
  if (!places || !isDense(root.type.shape) || !isDense(view.type.shape)) return undefined;
  const { shape } = from.type;
  // Axes of the rows that a group owns stay where they are.
  const rows = group.members.length === 1 ? 1 : group.parallel.length;
  if (rows > 1 && group.parallel.some((d, axis) => !dims.equal(d, shape[axis] ?? 1) || (d !== 1 && places[axis] !== axis))) return undefined;
  let written = shape.length;
  let count = 1;
  for (let d = shape[written - 1]; written > rows && typeof d === "number" && count * d <= mostWritten; d = shape[written - 1]) {
    count *= d;
    written--;
  }
  return count > 1 ? { from, stored: view.type.shape, places, written } : undefined;
}

/** Stores what is left of a value for one row, as it is read. */
function storeAsRead(b: NestBuilder, elements: Elements, { from, stored, places, written }: Reordered, row: readonly Index[], buffers: readonly Buffer[]): void {
  const { shape } = from.type;
  const store = (index: readonly Index[]): void => {
    const extent = shape[index.length];
    if (typeof extent === "number") for (let k = 0; k < extent; k++) store([...index, fixed(k)]);
    else {
      const value = elements.element(from, index);
      const at = toScalar(address(b, stored, stored.map((_, axis) => index[places.indexOf(axis)] ?? fixed(0))));
      for (const buffer of buffers) b.store(buffer, at, value);
    }
  };
  loops(b, shape.slice(row.length, written), row.length, row, store);
}

/** Loads and stores for all points of some axes. */
function accessesOf(body: readonly Stmt[], axes: readonly Axis[]): number {
  const once = body.reduce((n, s) => {
    if (s.kind === "fold") return n + accessesOf(s.body, s.axes);
    if (s.kind === "each") return n + accessesOf(s.body, [s.axis]);
    return n + (s.kind === "let" ? 0 : 1);
  }, 0);
  return once * axes.reduce((n, a) => n * a.capacity, 1);
}

/** Members that are stored, by the shape of their axes beyond the row: those of one shape share their loops. */
function byTail(group: Group, stores: ReadonlyMap<Node, readonly Buffer[]>, rank: number): readonly (readonly [readonly Dim[], readonly Node[]])[] {
  const tails = new Map<string, [readonly Dim[], Node[]]>();
  for (const m of group.members) {
    if (!stores.get(m)?.length) continue;
    const tail = m.type.shape.slice(rank);
    const key = tail.map(dims.print).join();
    const known = tails.get(key);
    if (known) known[1].push(m);
    else tails.set(key, [tail, [m]]);
  }
  return [...tails.values()].sort(([x], [y]) => x.length - y.length);
}

function loops(b: NestBuilder, tail: readonly Dim[], rank: number, index: readonly Index[], body: (index: readonly Index[]) => void): void {
  const [extent, ...rest] = tail;
  if (extent === undefined) body(index);
  else b.each(`i${rank}`, extent, (i) => loops(b, rest, rank + 1, [...index, i], body));
}

/** A constant table is written out element by element, by one invocation. */
function storeTable(b: NestBuilder, node: Node, buffers: readonly Buffer[]): void {
  if (node.op !== "const" || typeof node.attrs.data === "number") return;
  for (const buffer of buffers) node.attrs.data.forEach((v, at) => b.store(buffer, constant(at, "i32"), constant(v, buffer.dtype)));
}

function shapeOf(group: Group, body: readonly Stmt[]): Nest["shape"] {
  const folds = body.filter((s) => s.kind === "fold").length;
  if (group.members.some(isProduct) && folds === 1 && !body.some((s) => s.kind === "each")) return "contract";
  if (body.some((s) => s.kind === "each") || folds > 1) return "row";
  return folds === 1 ? "reduce" : "pointwise";
}

/** All nodes the nest computes, in order of id. */
export function nodesOf(group: Group, around: Surroundings): readonly Node[] {
  const found = new Set<Node>();
  const work = [...group.members];
  for (let n = work.pop(); n; n = work.pop()) {
    if (found.has(n)) continue;
    found.add(n);
    for (const x of n.inputs) if (!around.buffer(x) && around.host(x) === undefined) work.push(x);
  }
  return [...found].sort((x, y) => x.id - y.id);
}

const telling = new Set(["reduce", "contract", "argmax", "cumsum", "cholesky", "triangular_solve", "scatter_sum", "gather", "exp", "log", "tanh", "sigmoid", "erf", "sqrt", "sin", "cos", "random", "finite", "concat"]);

/** From content: the loops and the telling elementwise ops, at most four words. */
export function nameOf(nodes: readonly Node[]): string {
  const words: string[] = [];
  for (const n of nodes) {
    const word = n.op === "reduce" ? n.attrs.kind : n.op;
    if (telling.has(n.op) && !words.includes(word)) words.push(word);
  }
  if (words.length > 0) return words.slice(0, 4).join("_");
  const last = nodes.filter((n) => n.op !== "const" && n.op !== "view" && n.op !== "reshape").at(-1) ?? nodes.at(-1);
  return last?.op === "leaf" ? "copy" : (last?.op ?? "copy");
}
