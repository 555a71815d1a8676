/**
 * Concatenations that are made by where their parts lie: each part is written to its place by whoever computes it, and nothing is copied. In:
 * the nodes of an entry and what is kept of them. Out: for each such concatenation the nodes whose buffers lie in it, one after the other.
 *
 *     stack of h0 … h63, each f32[N, 128]     ->     one buffer f32[64, N, 128]; the nest of h5 writes 128 N elements from 5 * 128 N on
 *
 * The parts follow each other along the outermost axis, up to axes of one element; each has memory of its own anyway and lies in one
 * concatenation alone. Parameters and states lie where the store has them: their concatenation is one where they are equally far apart.
 */
import * as dims from "../ir/dims.ts";
import type { Nest, Stmt } from "../ir/kernel.ts";
import type { Node, NodeOf } from "../ir/node.ts";
import { constant, op } from "../ir/scalar.ts";
import { isStored } from "./node-facts.ts";
import { elementsOf } from "./cost.ts";
import { isDense } from "./index-maps.ts";
import { loads } from "./order.ts";

/** A concatenation's parts in order, and the element of it at which each begins. */
export interface SideBySide {
  readonly parts: readonly { readonly node: Node; readonly at: number }[];
  /** Elements from one index of the concatenated axis to the next, where parts have gaps between them. */
  readonly stride?: number;
}

export interface SideBySideOptions {
  readonly capacity: dims.Bindings;
  /** Those for which other parts get memory, too. */
  readonly stacks: ReadonlySet<Node>;
  /** What has to lie somewhere else. */
  readonly demanded: ReadonlyMap<Node, string>;
  /** Each part begins at a multiple of this many elements. */
  readonly alignment: number;
  /** Elements that one buffer may have. */
  readonly most: number;
  /** The first element of a parameter or state in the store. */
  readonly at: (path: string) => number | undefined;
}

/** All concatenations whose parts can lie side by side. `kept` is what has memory. */
export function sideBySide(order: readonly Node[], kept: ReadonlyMap<Node, string>, options: SideBySideOptions): ReadonlyMap<Node, SideBySide> {
  const found = new Map<Node, SideBySide>();
  const taken = new Set<Node>();
  for (const node of order) {
    if (node.op !== "concat" || options.demanded.has(node)) continue;
    const parts = node.inputs.map((x) => whatLiesThere(x, (n) => isStored(n) || kept.has(n)));
    if (parts.some((p) => taken.has(p)) || new Set(parts).size < parts.length) continue;
    const isFree = (p: Node): boolean => !isStored(p) && p.op !== "const" && !options.demanded.has(p) && !found.has(p);
    // One that only some of its parts are kept for takes a nest for each of the others instead of one of its own.
    const others = parts.filter((p) => !kept.has(p));
    const pays = others.length === 0 || options.stacks.has(node) || (kept.has(node) && 2 * others.length <= parts.length);
    const laid = parts.every(isStored) ? inStore(node, parts, options) : pays && parts.every(isFree) ? oneAfterTheOther(node, parts, options) : undefined;
    if (!laid) continue;
    found.set(node, laid);
    for (const p of parts) taken.add(p);
  }
  return found;
}

/** A nest that reads a concatenation and a part of it reads the part where it lies, so that it reaches each element through one buffer. */
export function throughArenas(nest: Nest): Nest {
  const inside = new Map(loads(nest).flatMap(({ buffer }) => (buffer.parts ?? []).map((p) => [p.buffer, { buffer, at: p.at }] as const)));
  if (!loads(nest).some((l) => inside.has(l.buffer))) return nest;
  const block = (body: readonly Stmt[]): readonly Stmt[] =>
    body.map((s) => {
      if (s.kind === "fold" || s.kind === "each") return { ...s, body: block(s.body) };
      const arena = s.kind === "load" ? inside.get(s.buffer) : undefined;
      return s.kind === "load" && arena ? { ...s, buffer: arena.buffer, index: op("add", "i32", [s.index, constant(arena.at, "i32")]) } : s;
    });
  return { ...nest, body: block(nest.body) };
}

/**
 * The node in memory that holds the same elements in the same order, through reshapes and views that add axes of one element; where none is in
 * memory, the last that holds them.
 */
export function whatLiesThere(node: Node, inMemory: (node: Node) => boolean): Node {
  let at = node;
  for (;;) {
    if (inMemory(at)) return at;
    const [from] = at.inputs;
    const same = from && ((at.op === "reshape" && isDense(at.type.shape) && isDense(from.type.shape)) || (at.op === "view" && onlyAddsOnes(at)));
    if (!same) return at;
    at = from;
  }
}

/** f32[1, N, 128] of f32[N, 128]: the axes of more than one element are those of what is looked at, in order. */
function onlyAddsOnes({ attrs: { map }, inputs }: NodeOf<"view">): boolean {
  const long = map.shape.flatMap((d, a) => (d === 1 ? [] : [a]));
  const shape = inputs[0]?.type.shape ?? [];
  const theirs = shape.flatMap((d, a) => (d === 1 ? [] : [a]));
  return map.guards.length === 0 && long.length === theirs.length && theirs.every((a, i) => {
    const c = map.index[a];
    const own = long[i] ?? 0;
    return c?.divisor === 1 && c.numerator.c === 0 && dims.equal(map.shape[own] ?? 1, shape[a] ?? 1) && c.numerator.k.every((k, b) => map.shape[b] === 1 || k === (b === own ? 1 : 0));
  });
}

/** Temps: as their lengths say, with gaps for alignment where each is one index of the axis. */
function oneAfterTheOther(node: NodeOf<"concat">, parts: readonly Node[], { capacity, alignment, most }: SideBySideOptions): SideBySide | undefined {
  const { axis } = node.attrs;
  if (!isOutermost(node) || !node.inputs.every((x) => dims.isStatic(x.type.shape[axis] ?? 1)) || parts.some((p) => p.type.dtype !== node.type.dtype)) return undefined;
  const lengths = parts.map((p) => elementsOf(p, capacity));
  const plain = lengths.slice(0, -1).every((n) => n % alignment === 0);
  if (!plain && !node.inputs.every((x) => x.type.shape[axis] === 1)) return undefined;
  const stride = plain ? undefined : Math.ceil((lengths[0] ?? 0) / alignment) * alignment;
  let end = 0;
  const places = parts.map((p, k) => {
    const at = end;
    end += stride ?? lengths[k] ?? 0;
    return { node: p, at };
  });
  return end > most ? undefined : { parts: places, ...(stride !== undefined && { stride }) };
}

/** Parameters and states: where the store has them. */
function inStore(node: NodeOf<"concat">, parts: readonly Node[], { at: storedAt, capacity, most }: SideBySideOptions): SideBySide | undefined {
  if (!isOutermost(node) || !node.inputs.every((x) => x.type.shape[node.attrs.axis] === 1)) return undefined;
  const stride = storedStride(parts, storedAt);
  const length = elementsOf(parts[0] as Node, capacity);
  if (stride === undefined || stride < length || stride * parts.length > most) return undefined;
  return { parts: parts.map((p, k) => ({ node: p, at: k * stride })), ...(stride !== length && { stride }) };
}

/** How far apart parameters or states of one kind lie in the store, where that is the same for all neighbours in this order. */
export function storedStride(parts: readonly Node[], storedAt: SideBySideOptions["at"]): number | undefined {
  const [first] = parts;
  const kindOf = (p: Node): string | undefined => (p.op === "leaf" ? p.attrs.kind : undefined);
  const places = parts.map((p) => (p.op === "leaf" && p.attrs.kind !== "input" && kindOf(p) === (first && kindOf(first)) ? storedAt(p.attrs.path) : undefined));
  const [start, second] = places;
  if (start === undefined || second === undefined || second <= start) return undefined;
  return places.every((at, k) => at === start + k * (second - start)) ? second - start : undefined;
}

/** All axes before that of the concatenation have one element. */
function isOutermost(node: NodeOf<"concat">): boolean {
  return node.type.shape.slice(0, node.attrs.axis).every((d) => d === 1);
}
