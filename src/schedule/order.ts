/**
 * Puts the nests of an entry in order and settles its commits. In: nests in any order of dependence, and for each
 * commit the buffer that holds the new value. Out: the order, with commits made in place where nobody needs the old value
 * afterwards, by copies at the end elsewhere.
 *
 *     p' = p - lr g     written to p itself by the nest that makes it, after every other reader of p
 *     a <- b, b <- a    the second cannot: b' lies in a temp, and a last nest copies it
 *
 * Nests without dependence on each other lie side by side, so that kernels can merge them.
 */
import type { Buffer, Nest, Stmt } from "../ir/kernel.ts";
import { partsOf } from "../ir/kernel.ts";
import type { Scalar } from "../ir/scalar.ts";
import { invariant } from "../support/diagnostic.ts";
import { keyOf } from "./index-form.ts";

export interface PendingCommit {
  readonly path: string;
  /** Holds the new value: a temp or an output. */
  readonly value: Buffer;
  readonly target: Buffer;
}

export interface Ordered {
  readonly nests: readonly Nest[];
  /** Temps that are gone, since their value is made in the target. */
  readonly gone: ReadonlySet<Buffer>;
}

export function order(nests: readonly Nest[], commits: readonly PendingCommit[], copy: (from: Buffer, to: Buffer) => Nest): Ordered {
  const graph = new Precedence(nests);
  /** Temps whose value is made in a target instead. */
  const moved = new Map<Buffer, Buffer>();
  const last: Nest[] = [];
  for (const { value, target } of commits) {
    const writer = graph.writerOf(value);
    const nest = writer === undefined ? undefined : graph.nests[writer];
    const readers = [...graph.readersOf(target)].filter((r) => r !== writer);
    if (writer !== undefined && nest && readsOnlyItsOwn(nest, value, target) && readers.every((r) => !graph.reaches(writer, r))) {
      // An output keeps its own memory; a temp is not needed any more. Later commits ask about the nests as they then are.
      if (value.place === "temp") {
        graph.replaceBuffer(value, target);
        moved.set(value, target);
      } else graph.replace(writer, { ...nest, body: storedTwice(nest.body, value, target) });
      graph.putAfter(writer, readers);
    } else last.push(copy(moved.get(value) ?? value, target));
  }
  return { nests: [...graph.sorted(), ...last], gone: new Set(moved.keys()) };
}

/** The nest reads the old value at no element but the one it writes. */
function readsOnlyItsOwn(nest: Nest, value: Buffer, target: Buffer): boolean {
  const [written, ...others] = stores(nest).flatMap((s) => (s.buffer === value ? [s.index] : []));
  if (!written) return false;
  const isThere = (index: Scalar): boolean => index === written || keyOf(index) === keyOf(written);
  return others.every(isThere) && loads(nest).every(({ buffer, index }) => (buffer === target ? isThere(index) : !buffer.parts || !partsOf(buffer).includes(target)));
}

/**
 * Nests by position, and which must run before which: a reader after the writer, and after its readers a nest that writes
 * what they read the old value of. Levels (the longest path to a nest) are kept as edges come, so that most questions are
 * answered by comparing two numbers.
 */
class Precedence {
  readonly nests: Nest[];
  private readonly reads: ReadonlySet<Buffer>[];
  private readonly writers = new Map<Buffer, number>();
  private readonly readers = new Map<Buffer, Set<number>>();
  /** For a nest those that it was put after, and the other way round. */
  private readonly after = new Map<number, Set<number>>();
  private readonly ahead = new Map<number, Set<number>>();
  private readonly levels: number[];

  constructor(nests: readonly Nest[]) {
    this.nests = [...nests];
    this.reads = nests.map(() => new Set());
    for (const [i, nest] of nests.entries()) this.note(i, nest);
    this.levels = nests.map(() => 0);
    const open = nests.map((_, i) => this.before(i).size);
    const ready = nests.flatMap((_, i) => (open[i] === 0 ? [i] : []));
    for (const i of ready)
      for (const j of this.followers(i)) {
        this.levels[j] = Math.max(this.level(j), this.level(i) + 1);
        open[j] = (open[j] ?? 0) - 1;
        if (open[j] === 0) ready.push(j);
      }
    invariant(ready.length === nests.length, "schedule", `nests depend on each other: ${nests.filter((_, i) => (open[i] ?? 0) > 0).map((n) => n.name).join(", ")}`);
  }

  writerOf(buffer: Buffer): number | undefined {
    return this.writers.get(buffer);
  }

  readersOf(buffer: Buffer): ReadonlySet<number> {
    return this.readers.get(buffer) ?? new Set();
  }

  /** Another text for a nest, which reads and writes what it did, and perhaps more. */
  replace(i: number, nest: Nest): void {
    this.nests[i] = nest;
    this.note(i, nest);
  }

  /** One buffer in place of another in every nest. */
  replaceBuffer(from: Buffer, to: Buffer): void {
    const writer = this.writers.get(from);
    const touched = new Set([...this.readersOf(from), ...(writer === undefined ? [] : [writer])]);
    this.writers.delete(from);
    this.readers.delete(from);
    for (const i of touched) this.replace(i, withBuffer(this.nests[i] as Nest, from, to));
  }

  /** Makes a nest run after others. */
  putAfter(i: number, others: readonly number[]): void {
    this.after.set(i, new Set([...(this.after.get(i) ?? []), ...others]));
    for (const other of others) this.ahead.set(other, (this.ahead.get(other) ?? new Set()).add(i));
    this.raise(i, Math.max(0, ...[...this.before(i)].map((j) => this.level(j) + 1)));
  }

  /** True when nest `to` must run after nest `from`. */
  reaches(from: number, to: number): boolean {
    const seen = new Set<number>();
    const work = [to];
    for (let i = work.pop(); i !== undefined; i = work.pop()) {
      if (i === from) return true;
      if (seen.has(i) || this.level(i) <= this.level(from)) continue;
      seen.add(i);
      for (const j of this.before(i)) work.push(j);
    }
    return false;
  }

  /** By level, then as given. */
  sorted(): readonly Nest[] {
    return this.nests.map((nest, i) => ({ nest, i })).sort((x, y) => this.level(x.i) - this.level(y.i) || x.i - y.i).map((x) => x.nest);
  }

  private note(i: number, nest: Nest): void {
    const reads = new Set<Buffer>();
    for (const { buffer } of loads(nest)) for (const part of partsOf(buffer)) reads.add(part);
    this.reads[i] = reads;
    for (const buffer of reads) this.readers.set(buffer, (this.readers.get(buffer) ?? new Set()).add(i));
    for (const { buffer } of stores(nest)) this.writers.set(buffer, i);
  }

  private level(i: number): number {
    return this.levels[i] ?? 0;
  }

  private raise(nest: number, to: number): void {
    const work = [{ nest, to }];
    for (let task = work.pop(); task; task = work.pop()) {
      if (this.level(task.nest) >= task.to) continue;
      invariant(task.to <= this.nests.length, "schedule", `nests depend on each other: ${this.nests[task.nest]?.name}`);
      this.levels[task.nest] = task.to;
      for (const follower of this.followers(task.nest)) work.push({ nest: follower, to: task.to + 1 });
    }
  }

  private before(i: number): ReadonlySet<number> {
    const needed = new Set(this.after.get(i) ?? []);
    for (const buffer of this.reads[i] ?? []) {
      const w = this.writers.get(buffer);
      // A reader of the old value in a target comes first; who reads the new value reads it by way of the temp that it replaced.
      if (w !== undefined && w !== i && !this.after.get(w)?.has(i)) needed.add(w);
    }
    return needed;
  }

  private followers(i: number): ReadonlySet<number> {
    const found = new Set(this.ahead.get(i) ?? []);
    for (const { buffer } of stores(this.nests[i] as Nest)) {
      if (this.writers.get(buffer) !== i) continue;
      for (const r of this.readersOf(buffer)) if (r !== i && !this.after.get(i)?.has(r)) found.add(r);
    }
    return found;
  }
}

/** All statements, inner ones included. */
export function statements(body: readonly Stmt[], found: Stmt[] = []): readonly Stmt[] {
  for (const s of body) {
    found.push(s);
    if (s.kind === "fold" || s.kind === "each") statements(s.body, found);
  }
  return found;
}

/** Nests have no more than a few dozen statements, but are many. */
function ofKind<K extends "load" | "store">(body: readonly Stmt[], kind: K, found: Extract<Stmt, { kind: K }>[] = []): readonly Extract<Stmt, { kind: K }>[] {
  for (const s of body) {
    if (s.kind === "fold" || s.kind === "each") ofKind(s.body, kind, found);
    else if (s.kind === kind) found.push(s as Extract<Stmt, { kind: K }>);
  }
  return found;
}

/** All loads of a nest, in order. */
export function loads(nest: Nest): readonly Extract<Stmt, { kind: "load" }>[] {
  return ofKind(nest.body, "load");
}

/** All stores of a nest, in order. */
export function stores(nest: Nest): readonly Extract<Stmt, { kind: "store" }>[] {
  return ofKind(nest.body, "store");
}

/** Every store to one buffer is followed by the same to the other. */
function storedTwice(body: readonly Stmt[], value: Buffer, target: Buffer): readonly Stmt[] {
  return body.flatMap((s): readonly Stmt[] => {
    if (s.kind === "fold" || s.kind === "each") return [{ ...s, body: storedTwice(s.body, value, target) }];
    return s.kind === "store" && s.buffer === value ? [s, { ...s, buffer: target }] : [s];
  });
}

function withBuffer(nest: Nest, from: Buffer, to: Buffer): Nest {
  const block = (body: readonly Stmt[]): readonly Stmt[] =>
    body.map((s) => {
      if (s.kind === "fold" || s.kind === "each") return { ...s, body: block(s.body) };
      if ((s.kind === "load" || s.kind === "store") && s.buffer === from) return { ...s, buffer: to };
      return s;
    });
  return { ...nest, body: block(nest.body) };
}
