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
import { elementsOf, isProduct } from "./cost.ts";
import { describe, type Draft, type DraftOptions, Drafts } from "./drafts.ts";
import { isStored } from "./node-facts.ts";

export interface Group {
  /** Topological order. */
  readonly members: readonly Node[];
  /** The shape of the parallel axes: the leading axes of every member. */
  readonly parallel: readonly Dim[];
  readonly why: readonly string[];
}

export interface FuseOptions extends DraftOptions {
  /** The leaf that a root becomes the next value of: mostly one buffer for both. */
  readonly targets: ReadonlyMap<Node, Node>;
  readonly off: ReadonlySet<string>;
  /** Buffers that one kernel may bind by themselves. */
  readonly buffers: number;
  /** With more than that, a kernel reaches each slab as a whole: whether a binding holds one. */
  readonly slabs: boolean;
}

const mostRowElements = 8192;
const fewRows = 8;
const smallNest = 2048;
const mostMembers = 64;
const mostBuffers = 32;
export function fuse(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: FuseOptions): readonly Group[] {
  return new Fuser(order, roots, options).run();
}

/** One reason to go together. */
interface Rule {
  readonly name: string;
  /** How large a tensor is that both read, so that it may be one. */
  readonly shared: (draft: Draft) => number;
  /** Whether a neighbour fits. */
  readonly fits: (draft: Draft, other: Draft) => boolean;
}

class Fuser {
  private readonly options: FuseOptions;
  private readonly drafts: Drafts;
  private growths = 0;

  constructor(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: FuseOptions) {
    this.options = options;
    this.drafts = new Drafts(order, roots, options);
  }

  run(): readonly Group[] {
    const { off } = this.options;
    const start = [...this.drafts.all].filter((d) => !d.traits.laid);
    // Who only shares a source with a loop is none of its epilogue. What is smaller than the rows is no reason to go together, and a scalar of the step may have a reader in each layer.
    if (!off.has("fuse-epilogue")) for (const d of start) if (d.traits.loop) this.grow(d, { name: "epilogue", shared: () => Number.POSITIVE_INFINITY, fits: (x, y) => this.epilogue(x, y) });
    if (!off.has("fuse-row")) for (const d of start) if (d.traits.loop) this.grow(d, { name: "row", shared: ({ traits }) => traits.rows + 1, fits: (x, y) => this.row(x, y) });
    if (!off.has("multi-output")) for (const d of start) if (d.traits.pointwise) this.grow(d, { name: "multi-output", shared: ({ traits }) => traits.rows, fits: (x, y) => this.multiOutput(x, y) });
    const groups = [...this.drafts.all].filter((d) => !d.traits.laid).map((d) => ({ members: d.members, parallel: d.parallel, why: d.why }));
    return groups.sort((x, y) => this.drafts.place(x.members[0]) - this.drafts.place(y.members[0]));
  }

  /** Merges neighbours into the draft until none fits any more. */
  private grow(draft: Draft, rule: Rule): void {
    const growth = ++this.growths;
    for (let again = true; again && !draft.into; ) {
      again = false;
      for (const other of this.drafts.neighbours(draft, rule.shared(draft))) {
        if (other.refused === growth || other.into || other.traits.laid) continue;
        if (rule.fits(draft, other) && this.merge(draft, other, rule.name)) {
          again = true;
          break;
        }
        other.refused = growth;
      }
    }
  }

  private epilogue(loop: Draft, other: Draft): boolean {
    return other.traits.pointwise && sameShape(loop.parallel, other.parallel) && (this.readsFrom(other, loop) || this.readsFrom(loop, other));
  }

  private row(loop: Draft, other: Draft): boolean {
    const [mine, its] = [loop.traits, other.traits];
    if (mine.largeProduct || its.largeProduct || mine.scatters || its.scatters) return false;
    const common = this.rowsOf(loop, other);
    const rank = common?.length ?? 0;
    if (!common || !(this.readsFrom(other, loop) || this.shareLarge(loop, other))) return false;
    const rows = this.drafts.elements(common);
    const work = Math.max(mine.work, its.work);
    if (work / Math.max(1, rows) > mostRowElements) return false;
    // Few rows: one invocation each would do by itself what many could share, unless it is little.
    return rows >= fewRows || (work <= smallNest && other.members.every((m) => m.type.shape.length === rank));
  }

  /** The rows that both go over: those of the loop, or those without the axes of one element that they end with. */
  private rowsOf(loop: Draft, other: Draft): readonly Dim[] | undefined {
    const bare = withoutOnes(loop.parallel);
    if (other.traits.pointwise) return [loop.parallel, bare].find((rows) => other.members.every((m) => beginsWith(m.type.shape, rows)));
    if (sameShape(other.parallel, loop.parallel)) return loop.parallel;
    return sameShape(withoutOnes(other.parallel), bare) ? bare : undefined;
  }

  private multiOutput(x: Draft, y: Draft): boolean {
    if (!x.traits.pointwise || !y.traits.pointwise || !sameShape(x.parallel, y.parallel)) return false;
    // A scalar that many read is no reason to do unrelated things in one kernel: equal layers would differ in text.
    const { rows } = x.traits;
    return this.readsFrom(x, y) || this.readsFrom(y, x) || this.share(x, y, (elements) => elements >= rows);
  }

  /** Both read one tensor that is larger than the rows are many: their loops run over the same data. */
  private shareLarge(x: Draft, y: Draft): boolean {
    const { rows } = x.traits;
    return this.share(x, y, (elements) => elements > rows);
  }

  /** Both read one tensor of such a size. */
  private share(x: Draft, y: Draft, fits: (elements: number) => boolean): boolean {
    for (const s of x.reads) if (y.reads.has(s) && fits(elementsOf(s, this.options.capacity))) return true;
    return false;
  }

  private merge(into: Draft, other: Draft, rule: string): boolean {
    const { drafts } = this;
    if (into.members.length + other.members.length > mostMembers || into.traits.inTurns || other.traits.inTurns) return false;
    if (drafts.ways.through(into, other) || drafts.ways.through(other, into)) return false;
    const least = into.parallel.length <= other.parallel.length ? into.parallel : other.parallel;
    const parallel = (rule === "row" && this.rowsOf(into, other)) || least;
    if (!drafts.isAligned(into, other, parallel.length) || this.bindsTooMany(into, other)) return false;
    drafts.merge(into, other, parallel, `${other.members.map(describe).join(", ")} with ${into.members.map(describe).join(", ")}: ${rule} over ${printShape(parallel)}`);
    return true;
  }

  /** Whether both together would read and store more buffers than a kernel may bind. */
  private bindsTooMany(x: Draft, y: Draft): boolean {
    const members = [...x.members, ...y.members];
    // A tiled product reads its operands often, and best by a binding each.
    const most = this.options.slabs && !members.some(isProduct) ? mostBuffers : this.options.buffers;
    if (x.reads.size + y.reads.size + members.length <= most) return false;
    const bound = this.drafts.readsOf(x, y);
    for (const m of members) if (this.drafts.leaves(m, x, y)) bound.add(this.options.targets.get(m) ?? m);
    return bound.size > most;
  }

  private readsFrom(reader: Draft, from: Draft): boolean {
    return from.members.some((m) => !isStored(m) && reader.reads.has(m));
  }
}

function withoutOnes(shape: readonly Dim[]): readonly Dim[] {
  return shape.at(-1) === 1 ? shape.slice(0, shape.findLastIndex((d) => d !== 1) + 1) : shape;
}

function beginsWith(shape: readonly Dim[], start: readonly Dim[]): boolean {
  return shape.length >= start.length && start.every((d, axis) => dims.equal(d, shape[axis] as Dim));
}
