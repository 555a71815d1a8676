/**
 * Nodes made once and made again over other leaves: what a builder did for one thing is done for another that is like it, without reading again
 * what it was made from. In: the steps of a recording, in which leaves of some paths and some given nodes vary. Out: the same nodes over others.
 *
 *     s' = add(mul(ρ, s), mul(1 - ρ, g))      of the leaf adam.s/M.0.W and the node g, made of adam.s/M.1.W and another g
 *
 * Invariants: nodes are made in the order in which they were, so graphs are what they would be, ids included; what does not vary is not made again. Nothing is
 * noted around it, so that each node has the origin that was noted then.
 */
import type { Node, NodeOf } from "../ir/node.ts";
import type { Builder, Step } from "./builder.ts";

/** What varies: leaves by path, and nodes at hand. All have the types of those that they stand for. */
export interface Others {
  readonly paths: ReadonlyMap<string, string>;
  readonly nodes: ReadonlyMap<Node, Node>;
}

/** A parameter or a state: of these alone paths vary. */
function isStored({ attrs: { kind } }: NodeOf<"leaf">): boolean {
  return kind === "param" || kind === "state";
}

/** What was made, to be made again. */
export class Recipe {
  private readonly steps: readonly Step[];

  /** Of what was recorded, that which follows from leaves of these paths and from these nodes. */
  constructor(recorded: readonly Step[], paths: ReadonlySet<string>, nodes: Iterable<Node>) {
    const varies = new Set<Node>(nodes);
    this.steps = recorded.filter(({ node }) => {
      if (varies.has(node)) return true;
      const does = node.op === "leaf" ? isStored(node) && paths.has(node.attrs.path) : node.inputs.some((x) => varies.has(x));
      if (does) varies.add(node);
      return does;
    });
  }

  /** What each node of the recipe is over the others. */
  make(e: Builder, { paths, nodes }: Others): ReadonlyMap<Node, Node> {
    const became = new Map<Node, Node>(nodes);
    for (const { node, origin, name } of this.steps) {
      const known = became.get(node);
      const now = known ?? this.again(e, node, paths, became);
      if (!known) became.set(node, now);
      if (name) e.name(now, name);
      else e.note(now, origin);
    }
    return became;
  }

  private again(e: Builder, node: Node, paths: ReadonlyMap<string, string>, became: ReadonlyMap<Node, Node>): Node {
    if (node.op === "leaf") return e.leaf({ ...node.attrs, path: paths.get(node.attrs.path) ?? node.attrs.path });
    return e.again(node, node.inputs.map((x) => became.get(x) ?? x));
  }
}
