/**
 * Where a node stands in the text that its user wrote. In: a graph and which texts are the library's. Out: the place first,
 * then what helps to understand it: a node of the library stands in the user's call of it.
 *
 *     placesOf(graph, log, context)[0]      // { span: `cross_entropy(z, y)`, text: "in this call of `cross_entropy`" }
 */
import type { Graph, Node } from "../ir/node.ts";
import type { Label } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/span.ts";

/** What is known of the text beyond the graph. */
export interface TextContext {
  /** Tells the library's text from the user's. */
  readonly isLibrary: (source: Source) => boolean;
  /** Which calls of the user's ran which declarations of the library. */
  readonly calls: readonly { readonly name: string; readonly declaration: Span; readonly call: Span }[];
}

/** What is said of a place that is only near the node. */
export const nearby = "computed from this";

/** Where a node stands in the user's text. One of the library stands in the user's call of it, or else near what the user gave it. */
export function placesOf(graph: Pick<Graph, "origins">, node: Node, { isLibrary, calls }: TextContext): readonly Label[] {
  const own = graph.origins.get(node)?.spans ?? [];
  const mine = own.find((s) => !isLibrary(s.source));
  if (mine) return [{ span: mine, text: "" }];
  const [inside] = own;
  const callers = inside ? calls.filter((c) => c.declaration.source === inside.source && c.declaration.start <= inside.start && inside.end <= c.declaration.end) : [];
  const [caller] = callers;
  const there = inside ? [{ span: inside, text: "it happens here" }] : [];
  if (caller && callers.length === 1) return [{ span: caller.call, text: `in this call of \`${caller.name}\`` }, ...there];
  const given = nearestOrigin(graph, node, (s) => !isLibrary(s.source));
  return given ? [{ span: given, text: nearby }, ...there] : [];
}

/** The place of the nearest operand, breadth first, that has a fitting one. */
function nearestOrigin(graph: Pick<Graph, "origins">, node: Node, fits: (span: Span) => boolean): Span | undefined {
  const seen = new Set<Node>([node]);
  const queue = [...node.inputs];
  // An array that only grows, read by position: taking from its front would cost its length each time.
  for (let i = 0; i < queue.length; i++) {
    const at = queue[i];
    if (!at || seen.has(at)) continue;
    seen.add(at);
    const span = graph.origins.get(at)?.spans.find(fits);
    if (span) return span;
    queue.push(...at.inputs);
  }
  return undefined;
}
