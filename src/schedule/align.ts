/**
 * Row alignment: whether all that a nest computes for itself is asked for at the nest's own row. A nest with
 * parallel axes p0..pk-1 may compute several roots together when each root begins with those axes and reads the others
 * at exactly the coordinates p0..pk-1 of its row.
 *
 *     softmax over [N, C], row axis 0:  x - view(max, [N] -> [N, C])   reads max at [p0]:   aligned
 *                                       x - view(max, transposed)      reads max at [i1]:   not
 */
import * as dims from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import type { Marks } from "./node-facts.ts";

/** For each axis of the row: the axis of the node that carries its coordinate, -1 where none does. */
type Carried = readonly number[];

/** Nodes that one nest may compute: kernels stay readable and quick to build. */
const mostNodes = 192;

/** Where a nest ends. */
export interface Nested {
  /** Axes of its rows. */
  readonly rank: number;
  /** Roots that it computes itself. */
  readonly own: (node: Node) => boolean;
  /** What is read from memory and not looked into. */
  readonly outside: (node: Node) => boolean;
}

/**
 * True when every root, read through nodes that have no memory outside the nest, reaches the nest's own roots with
 * row axis j at axis j, and all of it fits one nest. `seen` are marks for the nodes, to be written over.
 */
export function isAligned(roots: readonly Node[], { rank, own, outside }: Nested, seen: Marks): boolean {
  const straight = Array.from({ length: rank }, (_, j) => j);
  // What is reached at the row itself, which is nearly all, is marked; the rest is kept with where its axes lie.
  seen.clear();
  const askew = new Set<string>();
  let met = 0;
  const nodes = [...roots];
  const ways: Carried[] = roots.map(() => straight);
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    const carried = ways.pop() as Carried;
    if (carried === straight || isStraight(carried)) {
      if (!seen.add(node)) continue;
    } else {
      if (own(node)) return false;
      const key = `${node.id}:${carried.join()}`;
      if (askew.has(key)) continue;
      askew.add(key);
    }
    if (++met > mostNodes) return false;
    for (let at = 0; at < node.inputs.length; at++) {
      const input = node.inputs[at] as Node;
      if (outside(input)) continue;
      nodes.push(input);
      ways.push(through(node, at, carried));
    }
  }
  return true;
}

function isStraight(carried: Carried): boolean {
  for (let j = 0; j < carried.length; j++) if (carried[j] !== j) return false;
  return true;
}

function through(node: Node, at: number, carried: Carried): Carried {
  const input = node.inputs[at] as Node;
  switch (node.op) {
    case "view": {
      const { index } = node.attrs.map;
      const rank = node.attrs.map.shape.length;
      return carried.map((axis) =>
        index.findIndex((c) => c.divisor === 1 && c.numerator.c === 0 && axis >= 0 && c.numerator.k.slice(0, rank).every((k, a) => k === (a === axis ? 1 : 0))),
      );
    }
    case "reshape": {
      const from = input.type.shape;
      let same = 0;
      while (same < from.length && same < node.attrs.shape.length && dims.equal(from[same] ?? 0, node.attrs.shape[same] ?? 0)) same++;
      return carried.map((axis) => (axis < same ? axis : -1));
    }
    case "concat":
      return carried.map((axis) => (axis === node.attrs.axis ? -1 : axis));
    case "gather": {
      const { batch } = node.attrs;
      const last = node.inputs[1]?.type.shape.length ?? batch;
      if (at === 1) return carried.map((axis) => (axis < last ? axis : -1));
      return carried.map((axis) => (axis < batch ? axis : axis < last ? -1 : axis - last + batch + 1));
    }
    case "scatter_sum":
      return carried.map((axis) => (axis < node.attrs.batch ? axis : -1));
    case "reduce":
      return carried.map((axis) => keptAxis(node.attrs.axes, axis));
    case "argmax":
      return carried.map((axis) => keptAxis([node.attrs.axis], axis));
    case "contract": {
      const { a, b, out } = node.attrs;
      return carried.map((axis) => (at === 0 ? a : b).indexOf(out[axis] ?? -1));
    }
    default:
      return carried;
  }
}

/** The input axis of an output axis when `gone` vanish. */
function keptAxis(gone: readonly number[], axis: number): number {
  if (axis < 0) return -1;
  let left = axis;
  for (let a = 0; ; a++) {
    if (gone.includes(a)) continue;
    if (left === 0) return a;
    left--;
  }
}
