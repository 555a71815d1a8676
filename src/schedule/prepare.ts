/**
 * Makes a simplified graph ready for kernels: loops unrolled, tensors without elements gone, reductions and products of much to
 * little in two stages, sums of products as one, sums without what sums to 0, long running sums by blocks, orders by counting or merging. In and out: the graph of one entry; its values stay as they are up to the order of sums.
 *
 *     sum over [65536]   ->   sum over 64 of (sum over the part that one of 64 takes)
 */
import { Builder } from "../graph/builder.ts";
import { Survey } from "../graph/survey.ts";
import { rebuildGraph } from "../graph/walk.ts";
import type { Bindings } from "../ir/dims.ts";
import type { Profile } from "../ir/kernel.ts";
import type { Graph, Node } from "../ir/node.ts";
import { withoutCentred } from "./centred-sums.ts";
import { expandArgsort } from "./expand-argsort.ts";
import { keptFactorsOf, withKeptFactors } from "./factors-from-results.ts";
import { foldEmpty } from "./fold-empty.ts";
import { chainsOf, inParts } from "./join-reductions.ts";
import { fromResults, rectifiersOf } from "./masks-from-results.ts";
import { sumsOfProducts, type JoinOptions } from "./sums-of-products.ts";
import { sharedFactors } from "./shared-factors.ts";
import { splitCumsum } from "./split-cumsum.ts";
import { splitProduct } from "./split-product.ts";
import { splitReduce } from "./split-reduce.ts";
import { Unroller } from "./unroller.ts";

export interface Prepared {
  readonly graph: Graph;
  readonly survey: Survey;
  /** What each node of the graph became. */
  readonly became: ReadonlyMap<Node, Node>;
  /** Concatenations whose parts are to lie side by side. */
  readonly stacks: ReadonlySet<Node>;
  /** Why products became one or stay alone. */
  readonly why: ReadonlyMap<Node, string>;
}

/** What to leave as it is. */
export interface PrepareOptions {
  /** Nodes that must lie in memory by themselves. */
  readonly keep?: ReadonlySet<Node>;
  /** False: each reduction by itself. */
  readonly join?: boolean;
  /** False: products in one stage. */
  readonly split?: boolean;
  /** The class of devices it is made for. */
  readonly device?: Profile["name"];
  /** False: conditions of rectifiers asked of what they rectify, factors of choices computed beside what other choices have kept of them. */
  readonly masks?: boolean;
  /** False: terms that sum to 0 are summed. */
  readonly centred?: boolean;
  /** Where parameters and states lie, and elements that one buffer may have; without it products stay alone. */
  readonly beside?: Pick<JoinOptions, "at" | "most">;
}

export function prepare(graph: Graph, capacity: Bindings, { keep = new Set(), join = true, split = true, masks = true, centred = true, device = "software", beside }: PrepareOptions = {}): Prepared {
  const builder = new Builder();
  const became = new Map<Node, Node>();
  const inStages = (node: Node, inputs: readonly Node[]): Node | undefined => {
    switch (node.op) {
      case "reduce":
        return splitReduce(builder, node, inputs, capacity, device);
      case "contract":
        return split ? splitProduct(builder, node, inputs, capacity, device) : undefined;
      case "cumsum":
        return splitCumsum(builder, node, inputs, capacity);
      case "argsort":
        return expandArgsort(builder, node, inputs, capacity);
      default:
        return undefined;
    }
  };
  const alone = (node: Node, inputs: readonly Node[]): Node | undefined => foldEmpty(builder, node, inputs, capacity) ?? inStages(node, inputs);
  const unroller = new Unroller(builder, graph.origins, alone);
  const survey = new Survey(graph);
  const chains = join ? chainsOf(survey, capacity, keep, device) : undefined;
  const joined = (node: Node): Node | undefined => {
    const chain = chains?.get(node);
    return chain && inParts(builder, chain, (x) => became.get(x) ?? x, device);
  };
  const rectifiers = masks ? rectifiersOf(survey) : undefined;
  const factors = masks ? keptFactorsOf(survey) : undefined;
  const now = (x: Node): Node => became.get(x) ?? x;
  const masked = (node: Node, inputs: readonly Node[]): Node | undefined =>
    (rectifiers && fromResults(builder, node, inputs, rectifiers, now)) ?? (factors && withKeptFactors(builder, node, factors, now));
  const prepared = rebuildGraph(
    graph,
    builder,
    (node, inputs) => unroller.replace(node, inputs) ?? joined(node) ?? (centred ? withoutCentred(builder, node, inputs) : undefined) ?? masked(node, inputs) ?? alone(node, inputs),
    { became, order: survey.order },
  );
  const joint = { graph: prepared, survey: new Survey(prepared), became, stacks: new Set<Node>(), why: new Map<Node, string>() };
  if (!beside) return joint;
  for (const pass of [sumsOfProducts, sharedFactors]) {
    const kept = new Set([...keep].flatMap((n) => became.get(n) ?? []));
    const next = pass(joint.graph, joint.survey, builder, { ...beside, capacity, keep: kept, device, split });
    if (!next) continue;
    const now = (node: Node): Node => next.became.get(node) ?? node;
    for (const [node, by] of became) became.set(node, now(by));
    joint.graph = next.graph;
    joint.survey = new Survey(next.graph);
    joint.stacks = new Set([...[...joint.stacks].map(now), ...next.stacks]);
    joint.why = new Map([...[...joint.why].map(([node, reason]) => [now(node), reason] as const), ...next.why]);
  }
  return joint;
}
