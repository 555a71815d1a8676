/**
 * Splits a product of long sums with few results in two, so that more than a few invocations share it. In: a contraction. Out: the same
 * value in two stages, each in a fixed order: sums over the parts of one summed axis, then the sum of those.
 *
 *     [N, 2] x [N, 16] -> [2, 16], N = 4096       =   sum over p in 64 of (a product over the n of part p)
 *     dK = sum over 64 images and 784 pixels      =   sum over images of (a product over the pixels of each)
 */
import type { AccessMap } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Bindings, Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf, isProduct } from "./cost.ts";
import { interleaved, parts } from "./split-reduce.ts";

/** Sums this long, and results so few that a tile of them for each invocation leaves most of a device idle. */
const longSum = 2048;
const fewResults = 512;
/** Parts that a whole axis may be: at least as many that it pays, at most as many that their sum stays little. */
const fewestParts = 8;
const mostParts = 128;

/** The two-stage form; undefined where one stage does. */
export function splitProduct(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings): Node | undefined {
  const [x, y] = inputs;
  if (node.op !== "contract" || !x || !y || !isProduct(node)) return undefined;
  const { a, b, out } = node.attrs;
  const summed = a.filter((l) => !out.includes(l));
  const extentOf = (l: number): Dim => x.type.shape[a.indexOf(l)] ?? 1;
  const most = (l: number): number => dims.evaluate(extentOf(l), capacity);
  const length = summed.reduce((n, l) => n * most(l), 1);
  if (elementsOf(node, capacity) > fewResults || length < longSum) return undefined;
  const whole = summed.filter((l) => most(l) >= fewestParts && most(l) <= mostParts && length / most(l) >= fewestParts);
  // The outermost such axis: a part then reads one stretch of memory.
  const [axis] = whole;
  if (axis !== undefined) return e.reduce("sum", e.contract(x, y, a, b, [axis, ...out]), [0]);
  const long = summed.find((l) => most(l) >= 2 * parts);
  if (long === undefined) return undefined;
  const part = Math.max(...a, ...b) + 1;
  const cut = (operand: Node, labels: readonly number[]): { readonly view: Node; readonly labels: readonly number[] } => {
    const at = labels.indexOf(long);
    const map: AccessMap = interleaved(operand.type.shape, at, extentOf(long), Math.ceil(most(long) / parts));
    return { view: e.view(operand, map), labels: labels.flatMap((l) => (l === long ? [part, l] : [l])) };
  };
  const [left, right] = [cut(x, a), cut(y, b)];
  return e.reduce("sum", e.contract(left.view, right.view, left.labels, right.labels, [part, ...out]), [0]);
}
