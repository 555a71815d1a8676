/**
 * The refusal of a measure that is made from all examples at once, where those do not fit the device even as the rows that it is
 * made from. In: the split entry, the number of examples, the memory planner's error. Out: that error with the value's place in the source.
 *
 *     `auc` is made from all 40,000,000 examples at once, and what it needs of them takes 160,000,000 bytes
 */
import type { SplitGraph } from "../graph/split-by-example.ts";
import { placesOf, type TextContext } from "../graph/places-of.ts";
import { topological } from "../graph/topological.ts";
import * as dims from "../ir/dims.ts";
import type { Node } from "../ir/node.ts";
import { UserError } from "../support/diagnostic.ts";

const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** The error with its place: the largest value that is gathered, and which results need it. */
export function wholeTooLarge({ whole, gathered }: SplitGraph, capacity: Readonly<Record<string, number>>, text: TextContext, error: UserError): UserError {
  const bytesOf = (node: Node): number => 4 * dims.evaluate(dims.product(node.type.shape), capacity);
  const inputs = topological(whole.outputs.map((o) => o.node)).filter((n) => n.op === "leaf" && n.attrs.kind === "input" && n.type.shape.some((d) => typeof d !== "number"));
  const largest = [...inputs].sort((a, b) => bytesOf(b) - bytesOf(a))[0];
  const examples = Math.max(...Object.values(capacity));
  if (largest?.op !== "leaf") return error;
  const needs = whole.outputs.filter((o) => topological([o.node]).includes(largest)).map((o) => `\`${o.name}\``);
  const node = gathered.get(largest.attrs.path);
  const [place, ...more] = node ? placesOf(whole, node, text) : [];
  return new UserError({
    code: "E0602",
    message: `${needs.slice(0, 3).join(", ")} ${needs.length === 1 ? "is" : "are"} made from all ${count(examples)} examples at once, and what is needed of them takes ${count(inputs.reduce((sum, n) => sum + bytesOf(n), 0))} bytes: more than the device allows`,
    ...(place && { span: place.span, label: `${count(bytesOf(largest))} bytes${place.text === "" ? "" : `, ${place.text}`}`, related: more }),
    hint: "evaluate fewer examples, or measure what adds up over examples",
  });
}
