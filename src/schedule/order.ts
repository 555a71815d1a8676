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
  let current = [...nests];
  /** Temps whose value is made in a target instead. */
  const moved = new Map<Buffer, Buffer>();
  const last: Nest[] = [];
  /** Nests (by position) that must come after another for reasons of commits. */
  const after = new Map<number, Set<number>>();
  for (const { value, target } of commits) {
    const writer = current.findIndex((n) => stores(n).some((s) => s.buffer === value));
    const nest = current[writer];
    const readers = current.flatMap((n, i) => (i !== writer && loads(n).some((l) => l.buffer === target) ? [i] : []));
    const inPlace = nest !== undefined && readsOnlyItsOwn(nest, value, target) && readers.every((r) => !reaches(current, after, writer, r));
    if (inPlace && nest) {
      // An output keeps its own memory; a temp is not needed any more. Later commits ask about the nests as they then are.
      if (value.place === "temp") {
        current = current.map((n) => replaceBuffer(n, value, target));
        moved.set(value, target);
      } else current[writer] = { ...nest, body: storedTwice(nest.body, value, target) };
      after.set(writer, new Set([...(after.get(writer) ?? []), ...readers]));
    } else last.push(copy(moved.get(value) ?? value, target));
  }
  return { nests: [...sorted(current, after), ...last], gone: new Set(moved.keys()) };
}

/** The nest reads the old value at no element but the one it writes. */
function readsOnlyItsOwn(nest: Nest, value: Buffer, target: Buffer): boolean {
  const written = new Set(stores(nest).filter((s) => s.buffer === value).map((s) => keyOf(s.index)));
  return written.size === 1 && loads(nest).every((l) => l.buffer !== target || written.has(keyOf(l.index)));
}

/** For each nest, the nests that must run before it. */
function before(nests: readonly Nest[], after: ReadonlyMap<number, ReadonlySet<number>>): readonly ReadonlySet<number>[] {
  const writers = new Map<Buffer, number>();
  nests.forEach((n, i) => {
    for (const s of stores(n)) writers.set(s.buffer, i);
  });
  return nests.map((n, i) => {
    const needed = new Set(after.get(i) ?? []);
    for (const l of loads(n)) {
      const w = writers.get(l.buffer);
      // A reader of the old value in a target comes first; who reads the new value reads it by way of the temp that it replaced.
      if (w !== undefined && w !== i && !needed.has(w) && !after.get(w)?.has(i)) needed.add(w);
    }
    return needed;
  });
}

/** True when nest `to` must run after nest `from`. */
function reaches(nests: readonly Nest[], after: ReadonlyMap<number, ReadonlySet<number>>, from: number, to: number): boolean {
  const needs = before(nests, after);
  const seen = new Set<number>();
  const work = [to];
  for (let i = work.pop(); i !== undefined; i = work.pop()) {
    if (i === from) return true;
    if (seen.has(i)) continue;
    seen.add(i);
    work.push(...(needs[i] ?? []));
  }
  return false;
}

/** By the longest path to each nest, then as given. */
function sorted(nests: readonly Nest[], after: ReadonlyMap<number, ReadonlySet<number>>): readonly Nest[] {
  const needs = before(nests, after);
  const followers = nests.map((): number[] => []);
  needs.forEach((needed, i) => {
    for (const j of needed) followers[j]?.push(i);
  });
  const open = needs.map((needed) => needed.size);
  const levels = new Array<number>(nests.length).fill(0);
  const ready = nests.flatMap((_, i) => (open[i] === 0 ? [i] : []));
  for (const i of ready)
    for (const j of followers[i] ?? []) {
      levels[j] = Math.max(levels[j] ?? 0, (levels[i] ?? 0) + 1);
      open[j] = (open[j] ?? 0) - 1;
      if (open[j] === 0) ready.push(j);
    }
  invariant(ready.length === nests.length, "schedule", `nests depend on each other: ${nests.filter((_, i) => (open[i] ?? 0) > 0).map((n) => n.name).join(", ")}`);
  return nests.map((n, i) => ({ n, i, level: levels[i] ?? 0 })).sort((x, y) => x.level - y.level || x.i - y.i).map((x) => x.n);
}

/** All statements, inner ones included. */
export function statements(body: readonly Stmt[]): readonly Stmt[] {
  return body.flatMap((s) => (s.kind === "fold" || s.kind === "each" ? [s, ...statements(s.body)] : [s]));
}

/** All loads of a nest, in order. */
export function loads(nest: Nest): readonly Extract<Stmt, { kind: "load" }>[] {
  return statements(nest.body).filter((s) => s.kind === "load");
}

/** All stores of a nest, in order. */
export function stores(nest: Nest): readonly Extract<Stmt, { kind: "store" }>[] {
  return statements(nest.body).filter((s) => s.kind === "store");
}

/** Every store to one buffer is followed by the same to the other. */
function storedTwice(body: readonly Stmt[], value: Buffer, target: Buffer): readonly Stmt[] {
  return body.flatMap((s): readonly Stmt[] => {
    if (s.kind === "fold" || s.kind === "each") return [{ ...s, body: storedTwice(s.body, value, target) }];
    return s.kind === "store" && s.buffer === value ? [s, { ...s, buffer: target }] : [s];
  });
}

function replaceBuffer(nest: Nest, from: Buffer, to: Buffer): Nest {
  const block = (body: readonly Stmt[]): readonly Stmt[] =>
    body.map((s) => {
      if (s.kind === "fold" || s.kind === "each") return { ...s, body: block(s.body) };
      if ((s.kind === "load" || s.kind === "store") && s.buffer === from) return { ...s, buffer: to };
      return s;
    });
  return stores(nest).some((s) => s.buffer === from) || loads(nest).some((l) => l.buffer === from) ? { ...nest, body: block(nest.body) } : nest;
}
