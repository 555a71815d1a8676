/**
 * Groups roots into nests. In: the roots of an entry in topological order. Out: groups, each to become one nest over
 * its parallel shape, with a line of reason per decision. Three rules, each with an off switch:
 *
 *   fuse-epilogue   elementwise roots at the shape of a reduction or contraction, which they read or which reads them
 *   fuse-row        reductions over the same rows, and elementwise roots over those rows, in turn by the row's owner
 *   multi-output    elementwise roots of one shape that share sources
 *
 *     max -> exp(x - max) -> sum -> quotient      one group over the rows: fold, fold, each
 *
 * Invariants: groups form no cycle; whatever a group computes for itself it reads at its own row (see align.ts).
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { printShape, sameShape } from "../ir/types.ts";
import { isAligned } from "./align.ts";
import { elementsOf, isAnchor, isInTurns, isProduct, readsPerElement } from "./cost.ts";
import { isStored } from "./node-facts.ts";
import { prices, productsOfADispatch } from "./prices.ts";
import { type Stop, Ways } from "./ways.ts";

export interface Group {
  /** Topological order. */
  readonly members: readonly Node[];
  /** The shape of the parallel axes: the leading axes of every member. */
  readonly parallel: readonly Dim[];
  readonly why: readonly string[];
}

export interface FuseOptions {
  readonly capacity: dims.Bindings;
  readonly demanded: ReadonlyMap<Node, string>;
  /** The leaf that a root becomes the next value of: mostly one buffer for both. */
  readonly targets: ReadonlyMap<Node, Node>;
  readonly off: ReadonlySet<string>;
  /** Buffers that one kernel may bind by themselves. */
  readonly buffers: number;
  /** Concatenations that are made by where their parts lie: no nest computes them. */
  readonly laid: ReadonlyMap<Node, unknown>;
  /** With more than that, a kernel reaches each slab as a whole: whether a binding holds one. */
  readonly slabs: boolean;
}

const mostRowElements = 8192;
const fewRows = 8;
const smallNest = 2048;
const mostMembers = 64;
const mostBuffers = 32;
/** Multiplications of a product that rows may take along. */
const littleProduct = productsOfADispatch(prices.software);

const nobody: readonly Node[] = [];

interface Draft extends Stop {
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
interface Traits {
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

export function fuse(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: FuseOptions): readonly Group[] {
  return new Fuser(order, roots, options).run();
}

class Fuser {
  private readonly options: FuseOptions;
  /** By id: where a node stands in the order. */
  private readonly position: Int32Array;
  /** By id: the draft of a root. */
  private readonly draftOf: (Draft | undefined)[];
  /** By id: roots that read a root. */
  private readonly readers: (Node[] | undefined)[];
  private readonly drafts = new Set<Draft>();
  /** Roots that become loops. */
  private readonly anchors = new Set<Node>();
  private readonly ways: Ways;
  private searches = 0;
  /** By id: the walk that has met a node last. */
  private readonly walked: Int32Array;
  private walks = 0;

  constructor(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: FuseOptions) {
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
      this.drafts.add(draft);
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

  run(): readonly Group[] {
    const { off } = this.options;
    const start = [...this.drafts].filter((d) => !this.traitsOf(d).laid);
    if (!off.has("fuse-epilogue")) for (const d of start) if (this.traitsOf(d).loop) this.grow(d, "epilogue", (x, y) => this.epilogue(x, y));
    if (!off.has("fuse-row")) for (const d of start) if (this.traitsOf(d).loop) this.grow(d, "row", (x, y) => this.row(x, y));
    if (!off.has("multi-output")) for (const d of start) this.grow(d, "multi-output", (x, y) => this.multiOutput(x, y));
    const groups = [...this.drafts].filter((d) => !this.traitsOf(d).laid).map((d) => ({ members: d.members, parallel: d.parallel, why: d.why }));
    return groups.sort((x, y) => this.place(x.members[0]) - this.place(y.members[0]));
  }

  /** Merges neighbours into the draft until none fits any more. */
  private grow(draft: Draft, rule: string, fits: (draft: Draft, other: Draft) => boolean): void {
    const refused = new Set<Draft>();
    for (let again = true; again && !draft.into; ) {
      again = false;
      for (const other of this.neighbours(draft)) {
        if (refused.has(other) || other.into || this.traitsOf(other).laid) continue;
        if (fits(draft, other) && this.merge(draft, other, rule)) {
          again = true;
          break;
        }
        refused.add(other);
      }
    }
  }

  /** Drafts that read this one, those that it reads, then those that read what it reads; in order of first member. */
  private neighbours(draft: Draft): readonly Draft[] {
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

  private epilogue(loop: Draft, other: Draft): boolean {
    return this.traitsOf(other).pointwise && sameShape(loop.parallel, other.parallel) && (this.readsFrom(other, loop) || this.readsFrom(loop, other));
  }

  private row(loop: Draft, other: Draft): boolean {
    const [mine, its] = [this.traitsOf(loop), this.traitsOf(other)];
    if (mine.largeProduct || its.largeProduct || mine.scatters || its.scatters) return false;
    const common = this.rowsOf(loop, other);
    const rank = common?.length ?? 0;
    if (!common || !(this.readsFrom(other, loop) || this.shareLarge(loop, other))) return false;
    const rows = this.elements(common);
    const work = Math.max(mine.work, its.work);
    if (work / Math.max(1, rows) > mostRowElements) return false;
    // Few rows: one invocation each would do by itself what many could share, unless it is little.
    return rows >= fewRows || (work <= smallNest && other.members.every((m) => m.type.shape.length === rank));
  }

  /** The rows that both go over: those of the loop, or those without the axes of one element that they end with. */
  private rowsOf(loop: Draft, other: Draft): readonly Dim[] | undefined {
    const bare = withoutOnes(loop.parallel);
    return [loop.parallel, bare].find((rows) =>
      this.traitsOf(other).pointwise
        ? other.members.every((m) => m.type.shape.length >= rows.length && sameShape(m.type.shape.slice(0, rows.length), rows))
        : sameShape(rows === bare ? withoutOnes(other.parallel) : other.parallel, rows));
  }

  private multiOutput(x: Draft, y: Draft): boolean {
    if (!this.traitsOf(x).pointwise || !this.traitsOf(y).pointwise || !sameShape(x.parallel, y.parallel)) return false;
    // A scalar that many read is no reason to do unrelated things in one kernel: equal layers would differ in text.
    const { rows } = this.traitsOf(x);
    return this.readsFrom(x, y) || this.readsFrom(y, x) || this.share(x, y, (elements) => elements >= rows);
  }

  /** Elements that computing a root goes through. */
  private work(root: Node): number {
    const own = elementsOf(root, this.options.capacity);
    return isAnchor(root) ? Math.max(own, ...root.inputs.map((x) => elementsOf(x, this.options.capacity))) : own;
  }

  /** Both read one tensor that is larger than the rows are many: their loops run over the same data. */
  private shareLarge(x: Draft, y: Draft): boolean {
    const { rows } = this.traitsOf(x);
    return this.share(x, y, (elements) => elements > rows);
  }

  /** Both read one tensor of such a size. */
  private share(x: Draft, y: Draft, fits: (elements: number) => boolean): boolean {
    for (const s of x.reads) if (y.reads.has(s) && fits(elementsOf(s, this.options.capacity))) return true;
    return false;
  }

  private merge(into: Draft, other: Draft, rule: string): boolean {
    if (into.members.length + other.members.length > mostMembers || this.traitsOf(into).inTurns || this.traitsOf(other).inTurns) return false;
    if (this.ways.through(into, other) || this.ways.through(other, into)) return false;
    const members = this.inOrder(into.members, other.members);
    const least = into.parallel.length <= other.parallel.length ? into.parallel : other.parallel;
    const parallel = (rule === "row" && this.rowsOf(into, other)) || least;
    const rank = parallel.length;
    const own = new Set(members);
    const outside = (n: Node): boolean => isStored(n) || (this.draftOf[n.id] !== undefined && !own.has(n));
    if (!isAligned(members, own, rank, outside)) return false;
    const reads = new Set([...into.reads, ...other.reads].filter((s) => !own.has(s) || isStored(s)));
    const stored = members.filter((m) => this.leaves(m, own)).map((m) => this.options.targets.get(m) ?? m);
    // A tiled product reads its operands often, and best by a binding each.
    const most = this.options.slabs && !members.some(isProduct) ? mostBuffers : this.options.buffers;
    if (new Set([...reads, ...stored]).size > most) return false;
    into.why.push(...other.why, `${other.members.map(describe).join(", ")} with ${into.members.map(describe).join(", ")}: ${rule} over ${printShape(parallel)}`);
    into.members = members;
    into.traits = undefined;
    into.parallel = parallel;
    into.reads = reads;
    into.first = Math.min(into.first, other.first);
    for (const m of other.members) this.draftOf[m.id] = into;
    this.drafts.delete(other);
    this.ways.merged(into, other);
    return true;
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

  /** True when the member is read or wanted outside the group, so that it must be stored. */
  private leaves(member: Node, own: ReadonlySet<Node>): boolean {
    return this.options.demanded.has(member) || (this.readers[member.id] ?? nobody).some((r) => !own.has(r));
  }

  private readsFrom(reader: Draft, from: Draft): boolean {
    return from.members.some((m) => !isStored(m) && reader.reads.has(m));
  }

  private traitsOf(d: Draft): Traits {
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

  private elements(shape: readonly Dim[]): number {
    let elements = 1;
    for (const d of shape) elements *= dims.evaluate(d, this.options.capacity);
    return elements;
  }

  private place(node: Node | undefined): number {
    return node ? (this.position[node.id] as number) : -1;
  }

  /** Two lists in topological order as one. */
  private inOrder(xs: readonly Node[], ys: readonly Node[]): Node[] {
    const all: Node[] = [];
    let at = 0;
    for (const x of xs) {
      while (at < ys.length && this.place(ys[at]) < this.place(x)) all.push(ys[at++] as Node);
      all.push(x);
    }
    while (at < ys.length) all.push(ys[at++] as Node);
    return all;
  }
}

function withoutOnes(shape: readonly Dim[]): readonly Dim[] {
  return shape.slice(0, shape.findLastIndex((d) => d !== 1) + 1);
}

function describe(node: Node): string {
  return `${node.op} %${node.id}`;
}
