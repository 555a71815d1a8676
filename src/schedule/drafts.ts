/**
 * Groups of roots as they grow. In: the roots of an entry in topological order. Out: a draft for each, with what it reads, who reads it, and what its
 * members say together; merging two is fuse.ts's decision.
 *
 *     drafts.neighbours(d, 64)     // who reads d, whom it reads, then who reads what it reads, if that has 64 elements
 *
 * Nodes are known by their ids, all of one builder: asking costs an access.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { isAligned } from "./align.ts";
import { elementsOf, isAnchor, isInTurns, isProduct, readsPerElement } from "./cost.ts";
import { isStored, Marks } from "./node-facts.ts";
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
  /** The growth that has refused it last. */
  refused: number;
  traits: Traits;
}

/** What rules ask of a group again and again: what its members say together. */
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
  /** Which of them lie between others. */
  readonly ways: Ways;
  private searches = 0;
  /** What a walk has met. */
  private readonly walked: Marks;

  constructor(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: DraftOptions) {
    this.options = options;
    const count = order.reduce((most, n) => Math.max(most, n.id), 0) + 1;
    this.position = new Int32Array(count).fill(-1);
    this.draftOf = new Array<Draft | undefined>(count).fill(undefined);
    this.readers = new Array<Node[] | undefined>(count).fill(undefined);
    this.walked = new Marks(count);
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
      const draft: Draft = { members: [node], parallel: node.type.shape, why: [`${describe(node)} is kept: ${reason}`], reads, first: this.place(node), level, followers: [], before, met: 0, refused: 0, traits: this.traitsOf(node) };
      this.draftOf[node.id] = draft;
      made.push(node);
      this.all.add(draft);
      for (const d of before) d.followers.push(draft);
      for (const source of reads) {
        const readers = this.readers[source.id];
        if (readers) readers.push(node);
        else this.readers[source.id] = [node];
      }
    }
    this.ways = new Ways(made, (root) => (isStored(root) ? nobody : (this.readers[root.id] ?? nobody)));
  }

  private traitsOf(root: Node): Traits {
    const { capacity, laid } = this.options;
    const loop = isAnchor(root);
    const isLarge = (x: Node, at: number): boolean => elementsOf(x, capacity) * readsPerElement(root, at, capacity) > littleProduct;
    return {
      loop,
      pointwise: !loop && (root.op !== "const" || typeof root.attrs.data === "number"),
      laid: laid.has(root),
      inTurns: isInTurns(root),
      scatters: root.op === "scatter_sum",
      largeProduct: isProduct(root) && root.inputs.some(isLarge),
      work: this.work(root),
      rows: elementsOf(root, capacity),
    };
  }

  /** Puts a group into another, over these axes; `why` is the reason. */
  merge(into: Draft, other: Draft, parallel: readonly Dim[], why: string): void {
    const [x, y] = [into.traits, other.traits];
    const loop = x.loop || y.loop;
    into.traits = {
      loop,
      pointwise: !loop && x.pointwise && y.pointwise,
      laid: x.laid || y.laid,
      inTurns: x.inTurns || y.inTurns,
      scatters: x.scatters || y.scatters,
      largeProduct: x.largeProduct || y.largeProduct,
      work: Math.max(x.work, y.work),
      rows: this.elements(parallel),
    };
    into.why.push(...other.why, why);
    into.reads = this.readsOf(into, other);
    into.members = this.inOrder(into.members, other.members);
    into.parallel = parallel;
    into.first = Math.min(into.first, other.first);
    for (const m of other.members) this.draftOf[m.id] = into;
    this.all.delete(other);
    this.ways.merged(into, other);
  }

  /** What both read together, but for what they make themselves. */
  readsOf(x: Draft, y: Draft): Set<Node> {
    const reads = new Set<Node>();
    for (const d of [x, y]) for (const s of d.reads) if (isStored(s) || !this.isOf(s, x, y)) reads.add(s);
    return reads;
  }

  /** A root of one of two groups. */
  isOf(node: Node, x: Draft, y: Draft): boolean {
    const d = this.draftOf[node.id];
    return d === x || d === y;
  }

  /** Whether two groups may be one nest with so many parallel axes. */
  isAligned(x: Draft, y: Draft, rank: number): boolean {
    const own = (n: Node): boolean => this.isOf(n, x, y);
    const outside = (n: Node): boolean => isStored(n) || (this.draftOf[n.id] !== undefined && !own(n));
    return isAligned(this.inOrder(x.members, y.members), { rank, own, outside }, this.walked);
  }

  /**
   * Drafts that read this one, those that it reads, then those that read something of at least so many elements that it reads; each in order of
   * first member.
   */
  neighbours(draft: Draft, shared: number): readonly Draft[] {
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
    draft.members.forEach(readers);
    const read = found.length;
    sortFrom(found, 0);
    draft.reads.forEach(add);
    const beside = found.length;
    sortFrom(found, read);
    if (shared < Number.POSITIVE_INFINITY) for (const m of draft.reads) if (elementsOf(m, this.options.capacity) >= shared) readers(m);
    sortFrom(found, beside);
    return found;
  }

  /** True when the member of one of two groups is read or wanted outside of both, so that it must be stored. */
  leaves(member: Node, x: Draft, y: Draft): boolean {
    return this.options.demanded.has(member) || (this.readers[member.id] ?? nobody).some((r) => !this.isOf(r, x, y));
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
    this.walked.clear();
    for (let n = work.pop(); n; n = work.pop()) {
      if (!this.walked.add(n)) continue;
      if (isStored(n) || this.draftOf[n.id]) found.add(n);
      else for (const x of n.inputs) work.push(x);
    }
    return found;
  }
}

/** Puts those from a position on in order of their first members, which they mostly are. */
function sortFrom(drafts: Draft[], from: number): void {
  for (let k = from + 1; k < drafts.length; k++)
    if ((drafts[k - 1] as Draft).first > (drafts[k] as Draft).first) {
      for (const d of drafts.splice(from).sort((x, y) => x.first - y.first)) drafts.push(d);
      return;
    }
}

/** `exp %12`: how reasons call a root. */
export function describe(node: Node): string {
  return `${node.op} %${node.id}`;
}
