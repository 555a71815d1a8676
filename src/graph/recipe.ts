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

/** One step, with what it reads by number, or itself where that does not vary. */
interface Numbered extends Step {
  readonly number: number;
  readonly inputs: readonly (number | Node)[];
}

/** What was made, to be made again. */
export class Recipe {
  /** What varies, in the order in which it is met. */
  private readonly numbers = new Map<Node, number>();
  private readonly steps: readonly Numbered[];

  /** Of what was recorded, that which follows from leaves of these paths and from these nodes. */
  constructor(recorded: readonly Step[], paths: ReadonlySet<string>, nodes: Iterable<Node>) {
    const { numbers } = this;
    for (const node of nodes) numbers.set(node, numbers.size);
    this.steps = recorded.flatMap((step): readonly Numbered[] => {
      const { node } = step;
      const varies = numbers.has(node) || (node.op === "leaf" ? isStored(node) && paths.has(node.attrs.path) : node.inputs.some((x) => numbers.has(x)));
      if (!varies) return [];
      const number = numbers.get(node) ?? numbers.size;
      numbers.set(node, number);
      return [{ ...step, number, inputs: node.inputs.map((x) => numbers.get(x) ?? x) }];
    });
  }

  /** What each node of the recipe is over the others. */
  make(e: Builder, { paths, nodes }: Others): (node: Node) => Node {
    const made: (Node | undefined)[] = [];
    for (const [node, other] of nodes) made[this.numbers.get(node) as number] = other;
    for (const { node, origin, name, number, inputs } of this.steps) {
      const known = made[number];
      const now = known ?? (node.op === "leaf" ? e.leaf({ ...node.attrs, path: paths.get(node.attrs.path) ?? node.attrs.path }) : e.again(node, inputs.map((x) => (typeof x === "number" ? (made[x] as Node) : x))));
      made[number] = now;
      if (name) e.name(now, name);
      else e.note(now, origin);
    }
    return (node) => made[this.numbers.get(node) as number] ?? node;
  }
}
