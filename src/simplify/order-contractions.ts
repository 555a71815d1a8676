/**
 * The order in which products of several tensors are taken. In: a graph in normal form. Out: the same values, where a chain of
 * contractions that nothing else reads is contracted in the order that costs least.
 *
 *     (A @ B) @ v   over 1000 x 1000      ->   A @ (B @ v)       2 million products instead of a thousand million
 *
 * A chain is read as one sum of products over labelled axes; which two factors meet first does not change it, but for
 * rounding. The best order is found over all subsets of factors, so longer chains are left as they are. Sizes that data decides
 * count as `typicalSize`.
 */
import * as dims from "../ir/dims.ts";
import type { Graph, Node, NodeOf } from "../ir/node.ts";
import { Builder } from "../graph/builder.ts";
import { keepOrigins } from "../grad/derivation.ts";
import { rebuild, rootsOf, topological, withRoots } from "../graph/walk.ts";

/** Factors of a chain at most: the search looks at 3ⁿ splits. */
const mostFactors = 6;
/** What a size that data decides counts as. */
const typicalSize = 64;
/** A new order must cost at most this share of the old one. */
const worthwhile = 0.75;

type Contract = NodeOf<"contract"> & Node;

/** A factor: a tensor and the label of each of its axes. */
interface Factor {
  readonly node: Node;
  readonly labels: readonly number[];
}

/** A chain as one sum of products. */
interface Chain {
  readonly factors: readonly Factor[];
  readonly out: readonly number[];
  readonly extents: ReadonlyMap<number, number>;
  /** What it costs as it stands. */
  readonly cost: number;
}

/** The cheapest way to contract a set of factors. */
interface Plan {
  readonly cost: number;
  readonly split?: readonly [number, number];
}

/** The graph with its chains in the cheapest order; the graph itself where they are. */
export function orderContractions(graph: Graph): Graph {
  const roots = rootsOf(graph);
  const order = topological(roots);
  if (!order.some((n) => n.op === "contract" && n.inputs.some((x) => x.op === "contract"))) return graph;
  const inner = innerContractions(order, roots);
  const chains = new Map<Node, { readonly chain: Chain; readonly plans: ReadonlyMap<number, Plan> }>();
  for (const node of order) {
    if (node.op !== "contract" || inner.has(node) || !node.inputs.some((x) => inner.has(x))) continue;
    const chain = chainOf(node, inner);
    if (chain.factors.length > mostFactors) continue;
    const plans = plansOf(chain);
    const best = plans.get((1 << chain.factors.length) - 1);
    if (best && best.cost <= worthwhile * chain.cost) chains.set(node, { chain, plans });
  }
  if (chains.size === 0) return graph;
  const builder = Builder.of(graph);
  const became = new Map<Node, Node>();
  const made = rebuild(builder, roots, (node) => {
    const found = chains.get(node);
    return found && contracted(builder, found.chain, found.plans, (x) => became.get(x) ?? x);
  }, { became, around: keepOrigins(builder) });
  return withRoots(graph, builder, made);
}

/** Contractions that one contraction reads, once, and nothing else. */
function innerContractions(order: readonly Node[], roots: readonly Node[]): ReadonlySet<Node> {
  const reads = new Map<Node, number>();
  const once = new Set<Node>();
  const read = (x: Node): void => {
    if (x.op === "contract") reads.set(x, (reads.get(x) ?? 0) + 1);
  };
  for (const root of roots) read(root);
  for (const node of order) for (const x of node.inputs) read(x);
  for (const node of order) if (node.op === "contract") for (const x of node.inputs) if (x.op === "contract" && reads.get(x) === 1) once.add(x);
  return once;
}

function chainOf(root: Contract, inner: ReadonlySet<Node>): Chain {
  const factors: Factor[] = [];
  const extents = new Map<number, number>();
  let labels = 0;
  let cost = 0;
  const out = root.attrs.out.map(() => labels++);
  const open: { readonly node: Contract; readonly out: readonly number[] }[] = [{ node: root, out }];
  for (let at = open.pop(); at; at = open.pop()) {
    const { node, out: result } = at;
    const named = new Map<number, number>(node.attrs.out.map((label, k) => [label, result[k] as number]));
    const name = (label: number): number => {
      const known = named.get(label) ?? labels++;
      named.set(label, known);
      return known;
    };
    ([node.attrs.a, node.attrs.b] as const).forEach((own, side) => {
      const x = node.inputs[side] as Node;
      const mine = own.map(name);
      x.type.shape.forEach((d, k) => extents.set(mine[k] as number, sizeOf(d)));
      if (x.op === "contract" && inner.has(x)) open.push({ node: x, out: mine });
      else factors.push({ node: x, labels: mine });
    });
    cost += [...named.values()].reduce((product, label) => product * (extents.get(label) ?? 1), 1);
  }
  return { factors, out, extents, cost };
}

function sizeOf(dim: dims.Dim): number {
  return typeof dim === "number" ? dim : dims.evaluate(dim, Object.fromEntries(dims.symbolsOf(dim).map((s) => [s, typicalSize])));
}

/** Labels of a set of factors that are read outside of it. */
function keptBy({ factors, out }: Chain, set: number): readonly number[] {
  const inside = [...new Set(factors.flatMap((f, k) => ((set >> k) & 1 ? f.labels : [])))];
  const outside = new Set([...out, ...factors.flatMap((f, k) => ((set >> k) & 1 ? [] : f.labels))]);
  return inside.filter((l) => outside.has(l));
}

/** The cheapest plan of each set of factors, sets as bits. */
function plansOf(chain: Chain): ReadonlyMap<number, Plan> {
  const { factors, extents } = chain;
  const plans = new Map<number, Plan>(factors.map((_, k) => [1 << k, { cost: 0 }]));
  const all = (1 << factors.length) - 1;
  for (let set = 1; set <= all; set++) {
    if (plans.has(set)) continue;
    let best: Plan | undefined;
    for (let left = (set - 1) & set; left > 0; left = (left - 1) & set) {
      const right = set ^ left;
      // Each split once; the side with the first factor comes first.
      if (left < right) continue;
      const labels = new Set([...keptBy(chain, left), ...keptBy(chain, right)]);
      const own = [...labels].reduce((product, l) => product * (extents.get(l) ?? 1), 1);
      const cost = own + (plans.get(left)?.cost ?? 0) + (plans.get(right)?.cost ?? 0);
      if (!best || cost < best.cost) best = { cost, split: [left, right] };
    }
    if (best) plans.set(set, best);
  }
  return plans;
}

/** The chain contracted as planned. Recursion is as deep as the chain has factors. */
function contracted(builder: Builder, chain: Chain, plans: ReadonlyMap<number, Plan>, current: (x: Node) => Node): Node {
  const all = (1 << chain.factors.length) - 1;
  const make = (set: number): Factor => {
    const split = plans.get(set)?.split;
    if (!split) {
      const factor = chain.factors[Math.log2(set)] as Factor;
      return { node: current(factor.node), labels: factor.labels };
    }
    const [x, y] = [make(split[1]), make(split[0])];
    const labels = set === all ? chain.out : keptBy(chain, set);
    return { node: builder.contract(x.node, y.node, x.labels, y.labels, labels), labels };
  };
  return make(all).node;
}
