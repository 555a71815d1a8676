/**
 * Whether a way leads from one group of roots to another through a third, while groups are being merged. In: roots with those that read
 * them, then each merge. Out: true or false, in constant time for almost every question about a deep graph.
 *
 *     h1 -> h2 -> … -> loss -> … -> d2 -> d1        from h1 to d1: true, since d1 lies above h2 in the tree of longest ways
 *
 * Three cuts. Whoever reads a group lies on a higher level, so two groups on neighbouring levels have none between them. Each root has, of
 * its readers, one with the longest way ahead of it; those form a tree, and "m lies below n" is a comparison of two numbers. What neither
 * settles is searched for, and taken to be there when too much would have to be searched.
 *
 * Invariants: the tree is one of roots and stays as it is; levels and readers of groups follow the merges.
 */
import type { Node } from "../ir/node.ts";

const mostSearched = 500;
/** Groups right before the goal that a way may end at. */
const mostGoals = 16;

/** A group of roots, as far as ways are concerned. */
export interface Stop {
  members: Node[];
  /** The longest way to it. */
  level: number;
  /** Groups that read what it makes, some gone into others since, some more than once. */
  followers: Stop[];
  /** Groups that make what it reads, likewise. */
  before: Stop[];
  /** The group that it went into. */
  into?: Stop;
}

/** The group that a group is part of by now. */
export function resolved<S extends Stop>(stop: S): S {
  let at: Stop = stop;
  while (at.into) at = at.into;
  for (let s: Stop = stop; s.into; ) {
    const next: Stop = s.into;
    if (next !== at) s.into = at;
    s = next;
  }
  // Groups go into groups of their own kind.
  return at as S;
}

export class Ways {
  /** By id: where a root's part of the tree begins and ends, by its number. */
  private readonly first: Int32Array;
  private readonly last: Int32Array;

  /** Roots in topological order, and the roots that read each. */
  constructor(roots: readonly Node[], readers: (root: Node) => readonly Node[]) {
    const count = roots.reduce((most, n) => Math.max(most, n.id), 0) + 1;
    const numbers = (): Int32Array => new Int32Array(count);
    const [ahead, size, next] = [numbers(), numbers(), numbers()];
    const above = new Array<Node | undefined>(count).fill(undefined);
    this.first = numbers();
    this.last = numbers();
    for (let i = roots.length - 1; i >= 0; i--) {
      const root = roots[i] as Node;
      let most = -1;
      for (const r of readers(root)) {
        const way = ahead[r.id] as number;
        if (r === root || way <= most) continue;
        most = way;
        above[root.id] = r;
      }
      ahead[root.id] = most + 1;
    }
    for (const { id } of roots) {
      const own = (size[id] as number) + 1;
      size[id] = own;
      const up = above[id];
      if (up) size[up.id] = (size[up.id] as number) + own;
    }
    // Those above come first; each takes the next numbers of its part.
    let free = 0;
    for (let i = roots.length - 1; i >= 0; i--) {
      const { id } = roots[i] as Node;
      const up = above[id];
      const own = size[id] as number;
      const at = up ? (next[up.id] as number) : free;
      if (up) next[up.id] = at + own;
      else free += own;
      this.first[id] = at;
      this.last[id] = at + own;
      next[id] = at + 1;
    }
  }

  /** Tells that one group went into another, whose members are set. */
  merged(into: Stop, other: Stop): void {
    other.into = into;
    into.followers = into.followers.concat(other.followers);
    into.before = into.before.concat(other.before);
    this.raise(into, Math.max(into.level, other.level));
  }

  /** True when a way leads from one to the other through a third, or when too much would have to be searched. */
  through(from: Stop, to: Stop): boolean {
    // Each step of a way leads to a higher level.
    if (to.level < from.level + 2) return false;
    let seen: Set<Stop> | undefined;
    const work: Stop[] = [from];
    const goals = new Goals(from, to);
    for (let s: Stop | undefined = work.pop(); s; s = work.pop())
      for (const f of s.followers) {
        const next = resolved(f);
        if (next === to) {
          if (s !== from) return true;
          continue;
        }
        if (next === from || next.level >= to.level || seen?.has(next)) continue;
        if ((seen?.size ?? 0) >= mostSearched) return true;
        for (let k = 0, goal = goals.at(k); goal; goal = goals.at(++k)) if (this.isBelow(next, goal)) return true;
        seen ??= new Set();
        seen.add(next);
        work.push(next);
      }
    return false;
  }

  /** A member of one lies below a member of the other in the tree, or they are one. */
  private isBelow(low: Stop, high: Stop): boolean {
    if (low === high) return true;
    for (const h of high.members) {
      const from = this.first[h.id] as number;
      const to = this.last[h.id] as number;
      for (const l of low.members) {
        const at = this.first[l.id] as number;
        if (at >= from && at < to) return true;
      }
    }
    return false;
  }

  /** Puts a group on a level, and those that read it above it. */
  private raise(stop: Stop, to: number): void {
    stop.level = to;
    const work = [stop];
    for (let s = work.pop(); s; s = work.pop())
      for (const f of s.followers) {
        const next = resolved(f);
        if (next === s || next.level > s.level) continue;
        next.level = s.level + 1;
        work.push(next);
      }
  }
}

/** The goal and some of what it reads, found as they are asked for, since the first few settle most questions: whatever leads there leads to the goal. */
class Goals {
  private readonly from: Stop;
  private readonly found: Stop[];
  /** Whose sources are among them. */
  private looked = 0;

  constructor(from: Stop, to: Stop) {
    this.from = from;
    this.found = [to];
  }

  at(k: number): Stop | undefined {
    const { found, from } = this;
    while (k >= found.length && this.looked < found.length)
      for (const b of (found[this.looked++] as Stop).before) {
        const before = resolved(b);
        if (found.length < mostGoals && before !== from && before.level > from.level && !found.includes(before)) found.push(before);
      }
    return found[k];
  }
}
