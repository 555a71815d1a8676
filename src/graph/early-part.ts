/**
 * What of an entry has to be in normal form before derivatives are taken, and what can wait for that. In: a graph. Out: the part that outputs and
 * derivatives are made of, as a graph of its own; and, from what passes made of that part, the whole again.
 *
 *     loss = f(W);  commit W  <-  W - ρ derive(loss, W)
 *
 *     early part    f(W), derive(f(W), W)        normalised and differentiated
 *     the rest      W - ρ ·                      made once, over what became of the early part, when the whole is simplified
 *
 * What only updates read, and no derivative is taken of, is most of an entry that trains. Passes before the last would make it again each time for no
 * other reason than that what it reads has changed.
 */
import type { Graph, Node, Output } from "../ir/node.ts";
import { invariant } from "../support/diagnostic.ts";
import { topological } from "./topological.ts";
import { rootsOf } from "./walk.ts";

/** A graph in which some nodes are read as others. */
export interface JoinedGraph extends Graph {
  readonly readAs?: ReadonlyMap<Node, Node>;
}

/** The part of a graph that comes first, and how the whole follows from what was made of it. */
export interface EarlyPart {
  /** The outputs, and what the rest reads. */
  readonly graph: Graph;
  readonly join: (made: Graph) => JoinedGraph;
}

/** Takes a graph apart. */
export function earlyPart(graph: Graph): EarlyPart {
  const order = topological(rootsOf(graph));
  const known = new Set(graph.outputs.map((o) => o.node));
  // By id.
  const early = new Uint8Array(1 + order.reduce((most, node) => Math.max(most, node.id), 0));
  const read = new Uint8Array(early.length);
  for (const node of [...known, ...graph.commits.map((c) => c.node)]) (known.has(node) ? early : read)[node.id] = 1;
  // Against the direction of evaluation a node is met after all that read it.
  for (let k = order.length - 1; k >= 0; k--) {
    const node = order[k] as Node;
    if (isForm(node)) early[node.id] = 1;
    const by = early[node.id] ? early : read;
    for (const x of node.inputs) by[x.id] = 1;
  }
  // What is an output has its place there, and what has no operands is the same in any pass.
  const wanted = order.filter((x) => early[x.id] && read[x.id] && x.inputs.length > 0 && !known.has(x));
  const more = wanted.map((node, k): Output => ({ name: `for updates ${k}`, kind: "early", node }));
  const outputs = [...graph.outputs, ...more];
  return {
    graph: { ...graph, outputs, commits: [] },
    join: (made) => {
      invariant(made.outputs.length === outputs.length, "early-part", `${graph.entry} has lost outputs`);
      return { ...graph, outputs: made.outputs.slice(0, graph.outputs.length), readAs: new Map(outputs.map(({ node }, k) => [node, (made.outputs[k] as Output).node])) };
    },
  };
}

/** What differentiation takes away; and a loop, in whose body it may stand, with what picks one of its results. */
function isForm({ op }: Node): boolean {
  return op === "derive" || op === "custom" || op === "mark" || op === "loop" || op === "pick";
}
