/**
 * Which node stands for an op with its attributes over at most two inputs: a hash table of whole numbers. In: the number
 * of the op (see kinds.ts) and the ids of the inputs, -1 for those it lacks. Out: the id of the node, or -1.
 *
 *     const t = new PairTable();
 *     t.set(3, 17, 4, 18);       t.get(3, 17, 4)      // 18
 *
 * A Map would need a key that holds all three, which is a text or a large number, and is slower by half of what it costs
 * to make a node.
 */

/** Numbers kept for an entry: op, first id, second id, node id. */
const width = 4;

/** A table from (op, id, id) to an id; ids are not negative, a missing one is -1. */
export class PairTable {
  private slots = 1024;
  private entries = 0;
  private table = new Int32Array(width * this.slots).fill(-1);

  /** The node's id, or -1. */
  get(op: number, a: number, b: number): number {
    return this.table[this.find(op, a, b) + 3] as number;
  }

  /** Adds an entry that is not there yet. */
  set(op: number, a: number, b: number, id: number): void {
    // At most half full, so that a search is short.
    if (2 * ++this.entries > this.slots) this.grow();
    this.put(op, a, b, id);
  }

  private put(op: number, a: number, b: number, id: number): void {
    const at = this.find(op, a, b);
    this.table[at] = op;
    this.table[at + 1] = a;
    this.table[at + 2] = b;
    this.table[at + 3] = id;
  }

  /** Where the entry stands, or where it would. */
  private find(op: number, a: number, b: number): number {
    const { table, slots } = this;
    let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(op, 0xc2b2ae35);
    hash ^= hash >>> 15;
    for (let slot = hash & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const at = width * slot;
      if (table[at + 3] === -1 || (table[at] === op && table[at + 1] === a && table[at + 2] === b)) return at;
    }
  }

  private grow(): void {
    const { table: before, slots } = this;
    this.slots = 2 * slots;
    this.table = new Int32Array(width * this.slots).fill(-1);
    for (let at = 0; at < width * slots; at += width) {
      if (before[at + 3] !== -1) this.put(before[at] as number, before[at + 1] as number, before[at + 2] as number, before[at + 3] as number);
    }
  }
}
