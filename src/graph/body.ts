/**
 * Loop bodies. In: the results of one turn, over leaves `carry slice capture iteration`. Out: a `Body`, whose text is
 * its identity: equal computations give equal texts whatever nodes they are made of.
 *
 *     makeBody([e.add(carry0, slice0)])     // text: "%0 = leaf carry "0" : f32 … yield %2"
 */
import type { Body, Node } from "../ir/node.ts";
import { Writer } from "../support/text.ts";
import { printNodes } from "./print-nodes.ts";

/** The body with these results. */
export function makeBody(results: readonly Node[]): Body {
  return { results, text: printResults(results) };
}

/** The canonical text of a body's results. */
export function printResults(results: readonly Node[]): string {
  const w = new Writer();
  const numbers = printNodes(w, results);
  w.line(`yield ${results.map((r) => `%${numbers.get(r)}`).join(", ")}`);
  return w.text();
}
