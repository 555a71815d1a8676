/**
 * Groups of roots as they grow. In: the roots of an entry in topological order. Out: a draft for each, with what it reads, who reads it, and what its
 * members say together; merging two is fuse.ts's decision.
 *
 *     drafts.neighbours(d)     // who reads d, whom it reads, then who reads what it reads
 *
 * Nodes are known by their ids, all of one builder: asking costs an access.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf, isAnchor, isInTurns, isProduct, readsPerElement } from "./cost.ts";
import { isStored } from "./node-facts.ts";
import { prices, productsOfADispatch } from "./prices.ts";
import { type Stop, Ways } from "./ways.ts";

/** Multiplications of a product that rows may take along. */
const littleProduct = productsOfADispatch(prices.software);

const nobody: readonly Node[] = [];

export interface DraftOptions {
  readonly capacity: dims.Bindings;
  readonly demanded: ReadonlyMap<Node, string>;
  /** Concatenations that are made by where their parts lie: no nest computes them. */
  readonly laid: ReadonlyMap<Node, unknown>;
}

/** A group, so far. */
export interface Draft extends Stop {
  parallel: readonly Dim[];
  why: string[];
  /** Roots and leaves that lie outside and are read. */
  reads: Set<Node>;
  /** Where its first member stands in the order. */
  first: number;
  /** The search for neighbours that has met it last. */
  met: number;
  /** What its members say together; found when asked for, and anew once they are others. */
  traits?: Traits | undefined;
}

/** What rules ask of a group again and again. */
export interface Traits {
  /** A member becomes a loop. */
  readonly loop: boolean;
  readonly pointwise: boolean;
  /** It keeps its place between its parts and who reads it, and becomes nothing. */
  readonly laid: boolean;
  readonly inTurns: boolean;
  readonly scatters: boolean;
  /** A product that is worth tiles: by rows it takes both operands anew for each product, which for a little one costs less than a dispatch. */
  readonly largeProduct: boolean;
  /** Elements that computing the largest of its members goes through. */
  readonly work: number;
  /** Elements of the parallel axes. */
  readonly rows: number;
}

/** The drafts of one entry. */
export class Drafts {
  private readonly options: DraftOptions;
  /** By id: where a node stands in the order. */
  private readonly position: Int32Array;
  /** By id: the draft of a root. */
  readonly draftOf: (Draft | undefined)[];
  /** By id: roots that read a root. */
  private readonly readers: (Node[] | undefined)[];
  /** Those that were not merged into others. */
  readonly all = new Set<Draft>();
  /** Roots that become loops. */
  private readonly anchors = new Set<Node>();
  /** Which of them lie between others. */
  readonly ways: Ways;
  private searches = 0;
  /** By id: the walk that has met a node last. */
  private readonly walked: Int32Array;
  private walks = 0;

  constructor(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: DraftOptions) {
    this.options = options;
    const count = order.reduce((most, n) => Math.max(most, n.id), 0) + 1;
    this.position = new Int32Array(count).fill(-1);
    this.draftOf = new Array<Draft | undefined>(count).fill(undefined);
    this.readers = new Array<Node[] | undefined>(count).fill(undefined);
    this.walked = new Int32Array(count);
    order.forEach((n, i) => {
      this.position[n.id] = i;
    });
    const made: Node[] = [];
    for (const node of order) {
      const reason = roots.get(node);
      if (reason === undefined) continue;
      const reads = this.sources(node);
      const before: Draft[] = [];
      let level = 0;
      for (const s of reads) {
        const d = isStored(s) ? undefined : this.draftOf[s.id];
        if (!d) continue;
        before.push(d);
        level = Math.max(level, d.level + 1);
      }
      const draft: Draft = { members: [node], parallel: node.type.shape, why: [`${describe(node)} is kept: ${reason}`], reads, first: this.place(node), level, followers: [], before, met: 0 };
      this.draftOf[node.id] = draft;
      made.push(node);
      this.all.add(draft);
      if (isAnchor(node)) this.anchors.add(node);
      for (const d of before) d.followers.push(draft);
      for (const source of reads) {
        const readers = this.readers[source.id];
        if (readers) readers.push(node);
        else this.readers[source.id] = [node];
      }
    }
    this.ways = new Ways(made, (root) => (isStored(root) ? nobody : (this.readers[root.id] ?? nobody)));
  }

  /** What its members say together. */
  traitsOf(d: Draft): Traits {
    d.traits ??= this.found(d);
    return d.traits;
  }

  private found({ members, parallel }: Draft): Traits {
    const { capacity, laid } = this.options;
    const loop = members.some((m) => this.anchors.has(m));
    const isLarge = (m: Node): boolean => isProduct(m) && m.inputs.some((x, at) => elementsOf(x, capacity) * readsPerElement(m, at, capacity) > littleProduct);
    return {
      loop,
      pointwise: !loop && members.every((m) => m.op !== "const" || typeof m.attrs.data === "number"),
      laid: laid.size > 0 && members.some((m) => laid.has(m)),
      inTurns: members.some(isInTurns),
      scatters: members.some((m) => m.op === "scatter_sum"),
      largeProduct: loop && members.some(isLarge),
      work: members.reduce((most, m) => Math.max(most, this.work(m)), 0),
      rows: this.elements(parallel),
    };
  }

  /** Drafts that read this one, those that it reads, then those that read what it reads; in order of first member. */
  neighbours(draft: Draft): readonly Draft[] {
    const found: Draft[] = [];
    const search = ++this.searches;
    draft.met = search;
    const add = (node: Node): void => {
      const d = this.draftOf[node.id];
      if (!d || d.met === search) return;
      d.met = search;
      found.push(d);
    };
    const readers = (node: Node): void => {
      for (const r of this.readers[node.id] ?? nobody) add(r);
    };
    const inOrder = (from: number): void => {
      if (found.length > from + 1) for (const d of found.splice(from).sort((x, y) => x.first - y.first)) found.push(d);
    };
    draft.members.forEach(readers);
    inOrder(0);
    const read = found.length;
    draft.reads.forEach(add);
    inOrder(read);
    const beside = found.length;
    // What is smaller than the rows is no reason to go together, and a scalar of the step may have a reader in each layer.
    const { rows } = this.traitsOf(draft);
    for (const m of draft.reads) if (elementsOf(m, this.options.capacity) >= rows) readers(m);
    inOrder(beside);
    return found;
  }

  /** True when the member is read or wanted outside the group, so that it must be stored. */
  leaves(member: Node, own: ReadonlySet<Node>): boolean {
    return this.options.demanded.has(member) || (this.readers[member.id] ?? nobody).some((r) => !own.has(r));
  }

  /** Where a node stands in the order; -1 for none. */
  place(node: Node | undefined): number {
    return node ? (this.position[node.id] as number) : -1;
  }

  /** Two lists in topological order as one. */
  inOrder(xs: readonly Node[], ys: readonly Node[]): Node[] {
    const all: Node[] = [];
    let at = 0;
    for (const x of xs) {
      while (at < ys.length && this.place(ys[at]) < this.place(x)) all.push(ys[at++] as Node);
      all.push(x);
    }
    while (at < ys.length) all.push(ys[at++] as Node);
    return all;
  }

  /** How many elements a shape has. */
  elements(shape: readonly Dim[]): number {
    let elements = 1;
    for (const d of shape) elements *= dims.evaluate(d, this.options.capacity);
    return elements;
  }

  /** Elements that computing a root goes through. */
  private work(root: Node): number {
    const own = elementsOf(root, this.options.capacity);
    return isAnchor(root) ? Math.max(own, ...root.inputs.map((x) => elementsOf(x, this.options.capacity))) : own;
  }

  /** What a root reads from memory, through nodes without any. Roots before it have their drafts. */
  private sources(root: Node): Set<Node> {
    const found = new Set<Node>();
    if (isStored(root)) return found.add(root);
    const work = [...root.inputs];
    const turn = ++this.walks;
    for (let n = work.pop(); n; n = work.pop()) {
      if (this.walked[n.id] === turn) continue;
      this.walked[n.id] = turn;
      if (isStored(n) || this.draftOf[n.id]) found.add(n);
      else for (const x of n.inputs) work.push(x);
    }
    return found;
  }
}

/** `exp %12`: how reasons call a root. */
export function describe(node: Node): string {
  return `${node.op} %${node.id}`;
}
