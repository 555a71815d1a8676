/**
 * Sums of sums, and any of anys: reductions of several tensors to one number whose results are joined by what they themselves fold with
 * share one pass of 64 parts, in which each part goes through its elements of every tensor. In: a graph. Out: which nodes join reductions,
 * and what takes their place.
 *
 *     any(¬finite(g1)) ∨ any(¬finite(g2)) ∨ s      ->     s ∨ any over 64 of (any of part p of ¬finite(g1) ∨ any of part p of ¬finite(g2))
 *
 * The check that all gradients are finite is one of these, a global norm another: a model has dozens of tensors, most of them small.
 */
import type { Bindings } from "../ir/dims.ts";
import * as dims from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Profile } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import type { Survey } from "../graph/survey.ts";
import { elementsOf } from "./cost.ts";
import { cutInParts, parts } from "./split-reduce.ts";

/** Elements in all from which on parts share the work; fewer, one invocation goes through at once. */
const worthParts = 1024;

/** Elements that the last invocation of a processor goes through by itself: less than a dispatch takes. */
const mostLittle = 1024;

/** Values of one number each, joined: those that are reductions of a tensor, and the others. */
interface Chain {
  readonly kind: "any" | "sum";
  readonly reductions: readonly Node[];
  readonly others: readonly Node[];
}

/** Every node that joins two reductions or more; those that `keep` wants in memory by themselves are left alone. */
export function chainsOf(graph: Survey, capacity: Bindings, keep: ReadonlySet<Node>, device: Profile["name"]): ReadonlyMap<Node, Chain> {
  const isOnlyHere = (node: Node): boolean => graph.readers(node).length === 1 && !keep.has(node) && !graph.roots.has(node);
  const chains = new Map<Node, Chain>();
  const inner = new Set<Node>();
  for (const node of graph.order.toReversed()) {
    const kind = joins(node);
    if (!kind || inner.has(node)) continue;
    const [reductions, others]: [Node[], Node[]] = [[], []];
    const work = node.inputs.toReversed();
    for (let x = work.pop(); x; x = work.pop()) {
      if (isOnlyHere(x) && joins(x) === kind) {
        inner.add(x);
        work.push(...x.inputs.toReversed());
      } else (isOnlyHere(x) && isWhole(x, kind) ? reductions : others).push(x);
    }
    const sizeOf = (r: Node): number => elementsOf(r.inputs[0] as Node, capacity);
    const little = new Set<Node>();
    let left = device === "software" ? mostLittle : 0;
    for (const r of [...reductions].sort((x, y) => sizeOf(x) - sizeOf(y))) {
      left -= sizeOf(r);
      if (left >= 0) little.add(r);
    }
    const large = reductions.filter((r) => !little.has(r));
    const elements = large.reduce((n, r) => n + sizeOf(r), 0);
    if (reductions.length > 1 && elements >= worthParts) chains.set(node, { kind, reductions: large, others: [...others, ...reductions.filter((r) => little.has(r))] });
  }
  return chains;
}

/** What two numbers are joined with, as reductions call it. */
function joins(node: Node): Chain["kind"] | undefined {
  if (node.type.shape.length > 0 || node.inputs[0] === node.inputs[1]) return undefined;
  if (node.op === "logic") return node.attrs.kind === "or" ? "any" : undefined;
  return node.op === "add" && node.type.dtype === "f32" ? "sum" : undefined;
}

/** A reduction of all that a tensor of static shape holds. */
function isWhole(node: Node, kind: Chain["kind"]): boolean {
  if (node.op !== "reduce" || node.attrs.kind !== kind) return false;
  return node.inputs.length === 1 && node.inputs.every((x) => x.type.shape.every((d) => dims.isStatic(d) && d !== 0));
}

/** The chain in parts; `became` says what its nodes are now. */
export function inParts(e: Emit, { kind, reductions, others }: Chain, became: (node: Node) => Node, device: Profile["name"]): Node {
  const join = (x: Node, y: Node): Node => (kind === "any" ? e.logic("or", x, y) : e.add(x, y));
  const partial = (reduction: Node): Node => {
    const x = became(reduction.inputs[0] as Node);
    const count = dims.evaluate(dims.product(x.type.shape), {});
    // Each part has neighbours, where all have as many.
    if (count % parts === 0) return e.reduce(kind, e.reshape(x, [parts, count / parts]), [1]);
    const line = e.reshape(x, [count]);
    return e.reduce(kind, e.view(line, cutInParts([count], 0, count, Math.ceil(count / parts), parts, device)), [1]);
  };
  const together = e.reduce(kind, reductions.map(partial).reduce(join), [0]);
  return [...others.map(became), together].reduce(join);
}
