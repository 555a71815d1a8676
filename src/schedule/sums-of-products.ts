/**
 * Sums of products of one form are one product over what is multiplied, side by side. In: a graph without loops. Out: the same values, up to
 * the order of sums, and the concatenations that were made for it.
 *
 *     dQ Wqᵀ + dK Wkᵀ + dV Wvᵀ            ->     Σ over g of D[g] W[g]ᵀ,   D and W: the three side by side
 *     Σ over t of h[t-1]ᵀ dz[t]           ->     one product with all turns among what it sums over
 *
 * Each term by itself reads and writes the sum so far; together it is written once. What is multiplied has memory of its own anyway, since
 * products read it from there, so laying it side by side costs nothing (side-by-side.ts). Where it cannot lie so, the terms stay alone: what
 * two terms share, what is to lie somewhere else, parameters that are not equally far apart in the store.
 */
import type { Builder } from "../graph/builder.ts";
import type { Survey } from "../graph/survey.ts";
import { rebuildGraph } from "../graph/walk.ts";
import * as access from "../ir/access.ts";
import type { Bindings } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Profile } from "../ir/kernel.ts";
import type { Graph, Node, NodeOf } from "../ir/node.ts";
import { printType, sameShape } from "../ir/types.ts";
import { isStored } from "./node-facts.ts";
import { elementsOf, isProduct } from "./cost.ts";
import { storedStride, whatLiesThere } from "./side-by-side.ts";
import { splitProduct } from "./split-product.ts";

export interface JoinOptions {
  readonly capacity: Bindings;
  /** Nodes that must lie in memory by themselves. */
  readonly keep: ReadonlySet<Node>;
  /** The first element of a parameter or state in the store. */
  readonly at: (path: string) => number | undefined;
  /** Elements that one buffer may have. */
  readonly most: number;
  readonly device: Profile["name"];
  /** False: products in one stage. */
  readonly split: boolean;
}

export interface Joined {
  readonly graph: Graph;
  /** What each node of the graph became. */
  readonly became: ReadonlyMap<Node, Node>;
  /** Concatenations whose parts are to lie side by side. */
  readonly stacks: ReadonlySet<Node>;
  /** Why products became one or stay alone. */
  readonly why: ReadonlyMap<Node, string>;
}

type Product = NodeOf<"contract"> & Node;

/** A sum: products of one form that become one, and what else is added. */
interface Sum {
  readonly groups: readonly (readonly Product[])[];
  readonly others: readonly Node[];
}

/** The graph with its sums of products joined; undefined where there are none. */
export function sumsOfProducts(graph: Graph, survey: Survey, builder: Builder, options: JoinOptions): Joined | undefined {
  const places = new Places(survey, options);
  const sums = sumsOf(survey, options.keep, places);
  if (sums.size === 0) return undefined;
  const became = new Map<Node, Node>();
  const stacks = new Set<Node>();
  const why = new Map<Node, string>();
  const now = (x: Node): Node => became.get(x) ?? x;
  const joined = rebuildGraph(graph, builder, (node) => {
    const sum = sums.get(node);
    if (!sum) return undefined;
    const products = sum.groups.map((terms) => {
      const [x, y] = ([0, 1] as const).map((side) => places.together(builder, terms.map((t) => t.inputs[side] as Node), now, stacks)) as [Node, Node];
      const { a, b, out } = terms[0]?.attrs ?? { a: [], b: [], out: [] };
      const turn = Math.max(...a, ...b) + 1;
      const one = builder.contract(x, y, [turn, ...a], [turn, ...b], out);
      why.set(one, `the sum of ${terms.length} products of one form: what they multiply lies side by side`);
      return (options.split ? splitProduct(builder, one, one.inputs, options.capacity, options.device) : undefined) ?? one;
    });
    return [...sum.others.map(now), ...products].reduce((p, q) => builder.add(p, q));
  }, { became });
  return { graph: joined, became, stacks, why };
}

/** The additions that nobody but an addition reads the terms of, with two products of one form or more. */
function sumsOf(graph: Survey, keep: ReadonlySet<Node>, places: Places): ReadonlyMap<Node, Sum> {
  const isOnlyHere = (x: Node): boolean => graph.readers(x).length === 1 && !keep.has(x) && !graph.roots.has(x);
  const sums = new Map<Node, Sum>();
  const inner = new Set<Node>();
  for (const node of graph.order.toReversed()) {
    if (!isSum(node) || inner.has(node) || keep.has(node)) continue;
    const products = new Map<string, Product[]>();
    const others: Node[] = [];
    const work = node.inputs.toReversed();
    for (let x = work.pop(); x; x = work.pop()) {
      if (isSum(x) && isOnlyHere(x)) {
        inner.add(x);
        work.push(...x.inputs.toReversed());
      } else if (x.op === "contract" && isProduct(x) && isOnlyHere(x)) {
        const form = [x.attrs.a, x.attrs.b, x.attrs.out, ...x.inputs.map((i) => printType(i.type))].join(" ");
        products.set(form, [...(products.get(form) ?? []), x]);
      } else others.push(x);
    }
    const groups: (readonly Product[])[] = [];
    for (const terms of products.values()) {
      const some = terms.filter((t) => !t.inputs.some(isZero));
      const inOrder = some.length > 1 ? places.inOrder(some) : undefined;
      if (inOrder) groups.push(inOrder);
      else others.push(...terms);
    }
    if (groups.length > 0) sums.set(node, { groups, others: others.filter((x) => !isZero(x)) });
  }
  return sums;
}

const isSum = (node: Node): boolean => node.op === "add" && node.type.dtype === "f32";

const isZero = (node: Node): boolean => node.op === "const" && node.attrs.data === 0;

/** Where values lie that are to be read together. */
class Places {
  private readonly options: JoinOptions;
  private readonly demanded: ReadonlySet<Node>;
  /** For a value that lies in a concatenation already: which, and where. */
  private readonly inside = new Map<Node, { readonly whole: Node; readonly at: number }>();
  /** Values that a concatenation of ours is made of, with its parts. */
  private readonly ours: Map<Node, string>;

  constructor({ roots, order }: Survey, options: JoinOptions) {
    this.options = options;
    this.demanded = roots;
    this.ours = storedTogether(order);
    for (const node of order) {
      if (node.op !== "concat" || node.attrs.axis !== 0 || !node.inputs.every((x) => x.type.shape[0] === 1)) continue;
      for (const [at, x] of node.inputs.entries()) this.inside.set(bare(x), { whole: node, at });
    }
  }

  /** The terms in an order in which both factors lie one after the other; undefined where there is none. */
  inOrder(terms: readonly Product[]): readonly Product[] | undefined {
    const sides = ([0, 1] as const).map((side) => terms.map((t) => bare(t.inputs[side] as Node)));
    if (sides.some((s) => new Set(s).size < s.length)) return undefined;
    const known = sides.map((side) => side.map((n) => this.positionOf(n)));
    const by = known.find((places) => places.every((p) => p !== undefined));
    const order = by ? terms.map((_, k) => k).sort((x, y) => (by[x] ?? 0) - (by[y] ?? 0)) : terms.map((_, k) => k);
    const fits = ([0, 1] as const).map((side) => this.fits(order.map((k) => terms[k]?.inputs[side] as Node)));
    if (!fits.every((f) => f !== undefined)) return undefined;
    for (const claim of fits) claim();
    return order.map((k) => terms[k] as Product);
  }

  /** A value's place among its kind, where that is settled. */
  private positionOf(node: Node): number | undefined {
    return node.op === "leaf" && node.attrs.kind !== "input" && isStored(node) ? this.options.at(node.attrs.path) : this.inside.get(node)?.at;
  }

  /** What to note once they are laid side by side; undefined where they cannot be. */
  private fits(factors: readonly Node[]): (() => void) | undefined {
    const nothing = (): void => undefined;
    const nodes = factors.map(bare);
    const key = nodes.map((n) => n.id).join();
    const claim = (): void => {
      for (const n of nodes) this.ours.set(n, key);
    };
    const isOurs = nodes.every((n) => (this.ours.get(n) ?? key) === key);
    if (nodes.every(isStored)) return isOurs && storedStride(nodes, this.options.at) !== undefined ? claim : undefined;
    if (this.slice(factors)) return nothing;
    const whole = nodes.reduce((n, x) => n + elementsOf(x, this.options.capacity) + 64, 0);
    const free = nodes.every((n) => !isStored(n) && n.op !== "const" && !this.inside.has(n) && !this.demanded.has(n) && !this.options.keep.has(n));
    // A factor that is read through a view, as it lies, would have to be written out.
    const asTheyLie = factors.some((x, k) => x.op === "view" && x === nodes[k]);
    return free && isOurs && !asTheyLie && whole <= this.options.most ? claim : undefined;
  }

  /** The stretch of a concatenation that these are, in order. */
  private slice(factors: readonly Node[]): { readonly whole: Node; readonly at: number } | undefined {
    const [first] = factors.map((x) => this.inside.get(bare(x)));
    const fits = (x: Node, k: number): boolean => {
      const place = this.inside.get(bare(x));
      return place !== undefined && place.whole === first?.whole && place.at === first.at + k && sameShape(x.type.shape, place.whole.type.shape.slice(1));
    };
    return first && factors.every(fits) ? first : undefined;
  }

  /** The factors as one tensor with an axis more, in front. */
  together(e: Emit, factors: readonly Node[], now: (node: Node) => Node, stacks: Set<Node>): Node {
    const known = this.slice(factors);
    const shape = factors[0]?.type.shape ?? [];
    if (known) {
      const whole = now(known.whole);
      stacks.add(whole);
      const rank = shape.length + 1;
      const from = access.addAffine(access.unit(0, rank), access.constant(known.at, rank));
      return e.view(whole, { shape: [factors.length, ...shape], index: [access.whole(from), ...shape.map((_, a) => access.whole(access.unit(a + 1, rank)))], guards: [] });
    }
    const stack = e.concat(factors.map((x) => e.broadcast(now(x), [1, ...shape], shape.map((_, a) => a + 1))), 0);
    stacks.add(stack);
    return stack;
  }
}

/** For each parameter and state that concatenations are made of: with which others, in order; two concatenations of one are told from any. */
export function storedTogether(order: readonly Node[]): Map<Node, string> {
  const found = new Map<Node, string>();
  for (const node of order) {
    if (node.op !== "concat") continue;
    const parts = node.inputs.map(bare);
    const key = parts.map((p) => p.id).join();
    for (const p of parts) if (isStored(p)) found.set(p, (found.get(p) ?? key) === key ? key : "several");
  }
  return found;
}

/** The value that holds the same elements in the same order as it is computed. */
function bare(node: Node): Node {
  return whatLiesThere(node, () => false);
}
