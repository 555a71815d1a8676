/**
 * Lowers a group of roots to a nest. In: the group and where each root is to be stored. Out: parallel axes, folds,
 * loops over the rest of a row, stores.
 *
 *     {max, sum, quotient} over [N] of [N, C]   ->   parallel i0 in N: fold max; fold sum; each i1 in C: store
 */
import type { Buffer, Nest, Stmt } from "../ir/kernel.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { constant } from "../ir/scalar.ts";
import { isProduct } from "./cost.ts";
import type { Group } from "./fuse.ts";
import { toScalar } from "./index-form.ts";
import type { Index } from "./index-form.ts";
import { address } from "./index-maps.ts";
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
}

export function lowerNest({ group, stores, around, capacity }: NestInput): Nest {
  const b = new NestBuilder(capacity);
  const [table] = group.members;
  const isTable = group.members.length === 1 && table?.op === "const" && typeof table.attrs.data !== "number" && around.host(table) === undefined;
  const parallel = (isTable ? [] : group.parallel).map((d, i) => b.parallel(`i${i}`, d));
  const row = parallel.map((a) => b.indexOf(a));
  const elements = new Elements(b, around);
  const rank = group.parallel.length;
  for (const [tail, members] of byTail(group, stores, rank)) {
    if (isTable && table) storeTable(b, table, stores.get(table) ?? []);
    else
      loops(b, tail, rank, row, (index) => {
        for (const member of members) {
          const value = elements.element(member, index);
          for (const buffer of stores.get(member) ?? []) b.store(buffer, toScalar(address(b, member.type.shape, index)), value);
        }
      });
  }
  const body = tidyLets(b.body());
  const nodes = nodesOf(group, around);
  return { name: nameOf(nodes), parallel, body, params: b.params, nodes, why: group.why, shape: shapeOf(group, body) };
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
