/**
 * Walks over nodes, all iterative. In: roots. Out: nodes in order of evaluation, or the same values made again with
 * some nodes replaced.
 *
 *     topological([y])                                   // inputs before users, roots last, each node once
 *     rebuild(e, roots, (node, inputs) => node.op === "mark" ? inputs[0] : undefined)     // erases marks
 *
 * Invariants: the order depends on the roots alone (operands left to right); bodies of loops are closed graphs and are
 * entered only where that is said.
 */
import type { Emit } from "../ir/emit.ts";
import type { Commit, Graph, Node, Output } from "../ir/node.ts";
import { makeBody } from "./body.ts";
import type { Builder } from "./builder.ts";
import { topological } from "./topological.ts";

export { topological } from "./topological.ts";

/** What a pass says about one node, given its inputs already made again: a node to take its place, or nothing to keep it. */
export type Replace = (node: Node, inputs: readonly Node[]) => Node | undefined;

/** How far `rebuild` goes. */
export interface RebuildOptions {
  /** Make the bodies of loops again too, under the same `replace`; otherwise they stay as they are. */
  readonly bodies?: boolean;
  /** Runs around the making of each node: where origins are carried over. */
  readonly around?: (node: Node, make: () => Node) => Node;
  /** Told what each node became. */
  readonly became?: Map<Node, Node>;
  /** What the roots need in order of evaluation, where that is known. */
  readonly order?: readonly Node[];
}

/** The roots of a graph: outputs, then commits. */
export function rootsOf(graph: Pick<Graph, "outputs" | "commits">): readonly Node[] {
  return [...graph.outputs.map((o) => o.node), ...graph.commits.map((c) => c.node)];
}

/** Makes the roots again in `e`, each node once, replaced as `replace` says. They may come from another builder. */
export function rebuild(e: Emit, roots: readonly Node[], replace: Replace = () => undefined, options: RebuildOptions = {}): readonly Node[] {
  const became = options.became ?? new Map<Node, Node>();
  const around = options.around ?? ((_: Node, make: () => Node) => make());
  for (const node of options.order ?? topological(roots, became)) {
    const inputs = node.inputs.map((x) => became.get(x) as Node);
    // What is here already, over inputs that stay, is found at once.
    const settled = e.owns(node) && inputs.every((x, i) => x === node.inputs[i]);
    // Before `around`, since a body is made node by node, each with an origin of its own.
    const body = node.op === "loop" && options.bodies ? makeBody(rebuild(e, node.attrs.body.results, replace, { bodies: true, around, became })) : undefined;
    became.set(node, around(node, () => {
      const by = replace(node, inputs);
      if (by) return by;
      if (settled && (!body || node.op !== "loop" || body.text === node.attrs.body.text)) return node;
      return node.op === "loop" && body ? e.make("loop", { ...node.attrs, body }, inputs) : e.again(node, inputs);
    }));
  }
  return roots.map((r) => became.get(r) as Node);
}

/**
 * The values with the keys of `by` replaced by its values, all at once: what replaces is not looked into. Bodies of
 * loops are not entered, so a body's leaf keeps its meaning inside inner loops.
 */
export function replaceNodes(e: Emit, values: readonly Node[], by: ReadonlyMap<Node, Node>): readonly Node[] {
  return rebuild(e, values, undefined, { became: new Map(by) });
}

/** The standard way for a pass to make a new graph: `rebuild` over outputs and commits, with origins carried over. */
export function rebuildGraph(graph: Graph, builder: Builder, replace: Replace = () => undefined, options: Pick<RebuildOptions, "became" | "order"> = {}): Graph {
  const roots = rootsOf(graph);
  const made = rebuild(builder, roots, replace, {
    ...options,
    bodies: true,
    around: (node, make) => {
      const origin = graph.origins.get(node);
      const by = builder.withOrigin(origin, make);
      builder.note(by, origin);
      return by;
    },
  });
  return withRoots(graph, builder, made);
}

/** The graph's outputs and commits over other nodes, in the order of `rootsOf`. */
export function withRoots(graph: Graph, builder: Builder, roots: readonly Node[]): Graph {
  const count = graph.outputs.length;
  const outputs: Output[] = graph.outputs.map((o, i) => ({ ...o, node: roots[i] as Node }));
  const commits: Commit[] = graph.commits.map((c, i) => ({ ...c, node: roots[count + i] as Node }));
  return builder.finish(graph.entry, outputs, commits);
}
