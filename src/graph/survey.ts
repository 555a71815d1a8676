/**
 * What passes that only look ask of a graph, found once for all of them. In: a graph. Out: its roots, the order of evaluation, who reads whom.
 *
 *     const survey = new Survey(graph);
 *     survey.order;  survey.readers(x).length
 */
import type { Graph, Node } from "../ir/node.ts";
import { topological } from "./topological.ts";
import { rootsOf } from "./walk.ts";

const nobody: readonly Node[] = [];

/** One graph, looked at. */
export class Survey {
  readonly roots: ReadonlySet<Node>;
  /** Inputs before users. */
  readonly order: readonly Node[];
  /** By id. */
  private users: (Node[] | undefined)[] | undefined;

  constructor(graph: Pick<Graph, "outputs" | "commits">) {
    const roots = rootsOf(graph);
    this.roots = new Set(roots);
    this.order = topological(roots);
  }

  /** The nodes that have it as an input, in order; a user twice over is listed once. */
  readers(node: Node): readonly Node[] {
    this.users ??= usersOf(this.order);
    return this.users[node.id] ?? nobody;
  }
}

function usersOf(order: readonly Node[]): (Node[] | undefined)[] {
  let most = 0;
  for (const node of order) most = Math.max(most, node.id);
  const found = new Array<Node[] | undefined>(most + 1).fill(undefined);
  for (const node of order) {
    const { inputs } = node;
    for (let k = 0; k < inputs.length; k++) {
      const x = inputs[k] as Node;
      const known = found[x.id];
      if (!known) found[x.id] = [node];
      // Users come one after the other.
      else if (known[known.length - 1] !== node) known.push(node);
    }
  }
  return found;
}
