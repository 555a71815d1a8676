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
import type { Dim } from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { printShape, sameShape } from "../ir/types.ts";
import { isAligned } from "./align.ts";
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

class Fuser {
  private readonly options: FuseOptions;
  private readonly drafts: Drafts;

  constructor(order: readonly Node[], roots: ReadonlyMap<Node, string>, options: FuseOptions) {
    this.options = options;
    this.drafts = new Drafts(order, roots, options);
  }

  run(): readonly Group[] {
    const { off } = this.options;
    const start = [...this.drafts.all].filter((d) => !this.drafts.traitsOf(d).laid);
    if (!off.has("fuse-epilogue")) for (const d of start) if (this.drafts.traitsOf(d).loop) this.grow(d, "epilogue", (x, y) => this.epilogue(x, y));
    if (!off.has("fuse-row")) for (const d of start) if (this.drafts.traitsOf(d).loop) this.grow(d, "row", (x, y) => this.row(x, y));
    if (!off.has("multi-output")) for (const d of start) if (this.drafts.traitsOf(d).pointwise) this.grow(d, "multi-output", (x, y) => this.multiOutput(x, y));
    const groups = [...this.drafts.all].filter((d) => !this.drafts.traitsOf(d).laid).map((d) => ({ members: d.members, parallel: d.parallel, why: d.why }));
    return groups.sort((x, y) => this.drafts.place(x.members[0]) - this.drafts.place(y.members[0]));
  }

  /** Merges neighbours into the draft until none fits any more. */
  private grow(draft: Draft, rule: string, fits: (draft: Draft, other: Draft) => boolean): void {
    const refused = new Set<Draft>();
    for (let again = true; again && !draft.into; ) {
      again = false;
      for (const other of this.drafts.neighbours(draft)) {
        if (refused.has(other) || other.into || this.drafts.traitsOf(other).laid) continue;
        if (fits(draft, other) && this.merge(draft, other, rule)) {
          again = true;
          break;
        }
        refused.add(other);
      }
    }
  }

  private epilogue(loop: Draft, other: Draft): boolean {
    return this.drafts.traitsOf(other).pointwise && sameShape(loop.parallel, other.parallel) && (this.readsFrom(other, loop) || this.readsFrom(loop, other));
  }

  private row(loop: Draft, other: Draft): boolean {
    const [mine, its] = [this.drafts.traitsOf(loop), this.drafts.traitsOf(other)];
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
    return [loop.parallel, bare].find((rows) =>
      this.drafts.traitsOf(other).pointwise
        ? other.members.every((m) => m.type.shape.length >= rows.length && sameShape(m.type.shape.slice(0, rows.length), rows))
        : sameShape(rows === bare ? withoutOnes(other.parallel) : other.parallel, rows));
  }

  private multiOutput(x: Draft, y: Draft): boolean {
    if (!this.drafts.traitsOf(x).pointwise || !this.drafts.traitsOf(y).pointwise || !sameShape(x.parallel, y.parallel)) return false;
    // A scalar that many read is no reason to do unrelated things in one kernel: equal layers would differ in text.
    const { rows } = this.drafts.traitsOf(x);
    return this.readsFrom(x, y) || this.readsFrom(y, x) || this.share(x, y, (elements) => elements >= rows);
  }

  /** Both read one tensor that is larger than the rows are many: their loops run over the same data. */
  private shareLarge(x: Draft, y: Draft): boolean {
    const { rows } = this.drafts.traitsOf(x);
    return this.share(x, y, (elements) => elements > rows);
  }

  /** Both read one tensor of such a size. */
  private share(x: Draft, y: Draft, fits: (elements: number) => boolean): boolean {
    for (const s of x.reads) if (y.reads.has(s) && fits(elementsOf(s, this.options.capacity))) return true;
    return false;
  }

  private merge(into: Draft, other: Draft, rule: string): boolean {
    if (into.members.length + other.members.length > mostMembers || this.drafts.traitsOf(into).inTurns || this.drafts.traitsOf(other).inTurns) return false;
    if (this.drafts.ways.through(into, other) || this.drafts.ways.through(other, into)) return false;
    const members = this.drafts.inOrder(into.members, other.members);
    const least = into.parallel.length <= other.parallel.length ? into.parallel : other.parallel;
    const parallel = (rule === "row" && this.rowsOf(into, other)) || least;
    const rank = parallel.length;
    const own = new Set(members);
    const outside = (n: Node): boolean => isStored(n) || (this.drafts.draftOf[n.id] !== undefined && !own.has(n));
    if (!isAligned(members, own, rank, outside)) return false;
    const reads = new Set([...into.reads, ...other.reads].filter((s) => !own.has(s) || isStored(s)));
    const stored = members.filter((m) => this.drafts.leaves(m, own)).map((m) => this.options.targets.get(m) ?? m);
    // A tiled product reads its operands often, and best by a binding each.
    const most = this.options.slabs && !members.some(isProduct) ? mostBuffers : this.options.buffers;
    if (new Set([...reads, ...stored]).size > most) return false;
    into.why.push(...other.why, `${other.members.map(describe).join(", ")} with ${into.members.map(describe).join(", ")}: ${rule} over ${printShape(parallel)}`);
    into.members = members;
    into.traits = undefined;
    into.parallel = parallel;
    into.reads = reads;
    into.first = Math.min(into.first, other.first);
    for (const m of other.members) this.drafts.draftOf[m.id] = into;
    this.drafts.all.delete(other);
    this.drafts.ways.merged(into, other);
    return true;
  }

  private readsFrom(reader: Draft, from: Draft): boolean {
    return from.members.some((m) => !isStored(m) && reader.reads.has(m));
  }

}

function withoutOnes(shape: readonly Dim[]): readonly Dim[] {
  return shape.slice(0, shape.findLastIndex((d) => d !== 1) + 1);
}
