/**
 * Nodes as lines of text. In: roots. Out: one line per node they need, numbered by order of evaluation; a loop is
 * followed by its body, indented.
 *
 *     %0 = leaf input "x" : f32[N, 2]
 *     %1 = reduce sum [1] (%0) : f32[N]
 *
 * The text is canonical: it depends on what is computed and in which order the roots stand, on no id.
 */
import type { Node } from "../ir/node.ts";
import { printType } from "../ir/types.ts";
import type { Writer } from "../support/text.ts";
import { printAttributes } from "./attributes.ts";
import { topological } from "./topological.ts";

/** Writes the nodes and tells the number of each. */
export function printNodes(w: Writer, roots: readonly Node[]): ReadonlyMap<Node, number> {
  const numbers = new Map<Node, number>();
  for (const node of topological(roots)) {
    numbers.set(node, numbers.size);
    const inputs = node.inputs.map((x) => `%${numbers.get(x)}`).join(", ");
    const head = [`%${numbers.get(node)} = ${node.op}`, printAttributes(node), ...(node.inputs.length > 0 ? [`(${inputs})`] : [])]
      .filter((part) => part !== "")
      .join(" ");
    const line = `${head} : ${printType(node.type)}`;
    if (node.op !== "loop") {
      w.line(line);
      continue;
    }
    const body = node.attrs.body.text.replace(/\n$/, "");
    w.block(`${line} {`, "}", () => w.line(body));
  }
  return numbers;
}
