/**
 * Where each node is read while roots are chosen, and how often at each place. In: readings, one by one. Out: for a node, its places and what they
 * add up to.
 *
 *     uses.note(x, site, 3);   uses.count(x);   uses.times(x)
 *
 * The places of a node are a chain through arrays that all nodes share: nearly every node has one or two.
 */
import type { Node } from "../ir/node.ts";

/** Places up to which following the chain is as quick as a map. */
const fewSites = 16;

export class Uses {
  /** By id: the first and the last use, 0 for none, and how many there are. */
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly counts: Int32Array;
  /** By use, from 1 on. */
  private readonly sites: number[] = [0];
  private readonly often: number[] = [0];
  private readonly next: number[] = [0];
  /** By id: the use at each place, once they are many. */
  private readonly many = new Map<number, Map<number, number>>();

  constructor(ids: number) {
    this.first = new Int32Array(ids);
    this.last = new Int32Array(ids);
    this.counts = new Int32Array(ids);
  }

  /** A reading of so many elements for each at a place: of several at one place the most count. */
  note({ id }: Node, site: number, times: number): void {
    const known = this.useAt(id, site);
    if (known > 0) this.often[known] = Math.max(this.often[known] as number, times);
    else this.append(id, site, times);
  }

  /** All readings of a node are readings of what it reads, so often each. */
  pass(node: Node, input: Node, by: number, site: (site: number) => number): void {
    for (let use = this.first[node.id] as number; use > 0; use = this.next[use] as number) this.note(input, site(this.sites[use] as number), (this.often[use] as number) * by);
  }

  /** Places where a node is read. */
  count(node: Node): number {
    return this.counts[node.id] as number;
  }

  /** Readings of a node at all of them. */
  times(node: Node): number {
    let times = 0;
    for (let use = this.first[node.id] as number; use > 0; use = this.next[use] as number) times += this.often[use] as number;
    return times;
  }

  private useAt(id: number, site: number): number {
    const map = this.many.get(id);
    if (map) return map.get(site) ?? 0;
    let use = this.first[id] as number;
    while (use > 0 && this.sites[use] !== site) use = this.next[use] as number;
    return use;
  }

  private append(id: number, site: number, times: number): void {
    const use = this.sites.push(site) - 1;
    this.often.push(times);
    this.next.push(0);
    if (this.first[id] === 0) this.first[id] = use;
    else this.next[this.last[id] as number] = use;
    this.last[id] = use;
    this.many.get(id)?.set(site, use);
    if (++(this.counts[id] as number) === fewSites) this.many.set(id, this.byPlace(id));
  }

  private byPlace(id: number): Map<number, number> {
    const map = new Map<number, number>();
    for (let use = this.first[id] as number; use > 0; use = this.next[use] as number) map.set(this.sites[use] as number, use);
    return map;
  }
}
