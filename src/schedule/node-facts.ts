/**
 * What the choice of roots asks of each node again and again, found once. In: the nodes of an entry in topological order, and which
 * scalars the host makes. Out: answers, and room for a number per node.
 *
 *     const facts = new Facts(order, host);
 *     facts.isStored(x);  facts.isFree(x);  facts.numbers()[x.id]
 */
import type { Node } from "../ir/node.ts";
import { isAnchor, readsAnew } from "./cost.ts";

/** Larger tables lie in memory. */
export const inlineTable = 8;

/** True for what lies in memory from the start. */
export function isStored(node: Node): boolean {
  return node.op === "leaf" && (node.attrs.kind === "input" || node.attrs.kind === "param" || node.attrs.kind === "state");
}

function isTable(node: Node): boolean {
  return node.op === "const" && typeof node.attrs.data !== "number" && node.attrs.data.length > inlineTable;
}

/** True for what costs nothing to have anywhere: constants, sizes, scalars of the host. */
export function isFree(node: Node, { host }: { readonly host: ReadonlyMap<Node, number> }): boolean {
  return node.op === "size" || (node.op === "const" && !isTable(node)) || (node.op === "leaf" && !isStored(node)) || host.has(node);
}

const [stored, table, free, anchor, moving, anew] = [1, 2, 4, 8, 16, 32];

/** Answers about the nodes of one order, all of one builder. */
export class Facts {
  private readonly flags: Uint8Array;

  constructor(order: readonly Node[], host: ReadonlyMap<Node, number>) {
    this.flags = new Uint8Array(order.reduce((most, n) => Math.max(most, n.id), 0) + 1);
    for (const n of order) {
      const loops = isAnchor(n);
      const moves = loops || n.op === "view" || n.op === "reshape" || n.op === "gather" || n.op === "concat";
      this.flags[n.id] = (isStored(n) ? stored : 0) | (isTable(n) ? table : 0) | (isFree(n, { host }) ? free : 0) | (loops ? anchor : 0) | (moves ? moving : 0) | (readsAnew.has(n.op) ? anew : 0);
    }
  }

  isStored(node: Node): boolean {
    return this.has(node, stored);
  }

  /** A constant that lies in memory. */
  isTable(node: Node): boolean {
    return this.has(node, table);
  }

  isFree(node: Node): boolean {
    return this.has(node, free);
  }

  isAnchor(node: Node): boolean {
    return this.has(node, anchor);
  }

  /** Read from memory whatever the choice. */
  isThere(node: Node): boolean {
    return this.has(node, stored | table | anchor);
  }

  /** What reads its inputs elsewhere than at its own index. */
  moves(node: Node): boolean {
    return this.has(node, moving);
  }

  /** What may read an element of an input more or less than once. */
  readsAnew(node: Node): boolean {
    return this.has(node, anew);
  }

  /** More than any id. */
  get count(): number {
    return this.flags.length;
  }

  /** Room for a number per node, by its id. */
  numbers(): Float64Array {
    return new Float64Array(this.flags.length);
  }

  /** The same for things. */
  room<T>(): (T | undefined)[] {
    return new Array<T | undefined>(this.flags.length).fill(undefined);
  }

  /** Room for a list of nodes per node. */
  lists(): Lists {
    return new Lists(this.flags.length);
  }

  /** Marks for the nodes. */
  marks(): Marks {
    return new Marks(this.flags.length);
  }

  private has(node: Node, flags: number): boolean {
    return ((this.flags[node.id] as number) & flags) !== 0;
  }
}

/** Nodes of one order, seen or not; forgetting them costs nothing. */
export class Marks {
  private readonly turns: Int32Array;
  private turn = 0;

  constructor(count: number) {
    this.turns = new Int32Array(count);
  }

  clear(): void {
    this.turn++;
  }

  /** False when it was there. */
  add(node: Node): boolean {
    return this.addId(node.id);
  }

  addId(id: number): boolean {
    if (this.turns[id] === this.turn) return false;
    this.turns[id] = this.turn;
    return true;
  }
}

/** Lists of nodes that belong to nodes, by their ids: filled one after the other and kept in one array, since there are as many as nodes. */
export class Lists {
  private items = new Int32Array(1024);
  private end = 0;
  private readonly starts: Int32Array;
  private readonly lengths: Int32Array;

  constructor(count: number) {
    this.starts = new Int32Array(count);
    this.lengths = new Int32Array(count);
  }

  /** Begins the list of a node; the one begun last may be begun again. */
  begin(of: Node): void {
    if (this.lengths[of.id] === 0) this.starts[of.id] = this.end;
    this.end = this.starts[of.id] as number;
    this.lengths[of.id] = 0;
  }

  /** Adds to the list begun last. */
  add(of: Node, id: number): void {
    if (this.end === this.items.length) {
      const longer = new Int32Array(2 * this.end);
      longer.set(this.items);
      this.items = longer;
    }
    this.items[this.end++] = id;
    (this.lengths[of.id] as number)++;
  }

  length(of: Node): number {
    return this.lengths[of.id] as number;
  }

  /** An id of a list. */
  at(of: Node, k: number): number {
    return this.items[(this.starts[of.id] as number) + k] as number;
  }
}
