/**
 * Splits a product of long sums with few results in two, so that more than a few invocations share it. In: a contraction. Out: the same
 * value in two stages, each in a fixed order: sums over the parts of one summed axis, then the sum of those.
 *
 *     [N, 2] x [N, 16] -> [2, 16], N = 4096       =   sum over p in 64 of (a product over the n of part p)
 *     dK = sum over 64 images and 784 pixels      =   sum over images of (a product over the pixels of each)
 *     [8192, 128] x [8192, 128] -> [128, 128]     =   on a GPU the sum of 16 products
 */
import type { AccessMap } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Bindings, Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Profile } from "../ir/kernel.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf, isProduct } from "./cost.ts";
import { cutInParts, parts } from "./split-reduce.ts";

/**
 * Sums this long, and results so few that a tile of them for each invocation leaves most of a device idle: a processor is busy with a few
 * hundred, a GPU wants that many thousand products at a time.
 */
interface Worth {
  readonly longSum: number;
  readonly fewResults: number;
  /** Results and parts together that keep the device busy. */
  readonly wanted: number;
  /** Turns that a part has at least. */
  readonly shortest: number;
}
const worth: Readonly<Record<Profile["name"], Worth>> = {
  software: { longSum: 2048, fewResults: 512, wanted: Infinity, shortest: 2 },
  gpu: { longSum: 1024, fewResults: 65_536, wanted: 262_144, shortest: 128 },
};
/** Parts that a whole axis may be: at least as many that it pays, at most as many that their sum stays little. */
const fewestParts = 8;
const mostParts = 128;
/** Sums of parts that are kept for the second stage. */
const mostPartSums = 1024 * 1024;
/** Results of a product with a vector that keep a GPU busy. */
const manyOfVector = 256;
/** Parts that a long axis is cut into at the least. */
const fewestCut = 4;

/** The two-stage form; undefined where one stage does. */
export function splitProduct(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings, device: Profile["name"] = "software"): Node | undefined {
  const { longSum, fewResults, wanted, shortest } = worth[device];
  const [x, y] = inputs;
  if (node.op !== "contract" || !x || !y || !isProduct(node)) return undefined;
  const { a, b, out } = node.attrs;
  const summed = a.filter((l) => !out.includes(l));
  const extentOf = (l: number): Dim => x.type.shape[a.indexOf(l)] ?? 1;
  const most = (l: number): number => dims.evaluate(extentOf(l), capacity);
  const length = summed.reduce((n, l) => n * most(l), 1);
  const results = elementsOf(node, capacity);
  if (results > fewResults || length < longSum) return undefined;
  // A GPU's workgroups share the sums of a matrix and a vector, if those are enough.
  if (device === "gpu" && results >= manyOfVector && [a, b].some((labels) => !labels.some((l) => out.includes(l)))) return undefined;
  const whole = summed.filter((l) => most(l) >= fewestParts && most(l) <= mostParts && most(l) * results <= mostPartSums && length / most(l) >= fewestParts);
  // The outermost such axis: a part then reads one stretch of memory.
  const [axis] = whole;
  if (axis !== undefined) return e.reduce("sum", e.contract(x, y, a, b, [axis, ...out]), [0]);
  const long = summed.find((l) => most(l) >= 2 * parts);
  if (long === undefined) return undefined;
  let count = parts;
  while (count > fewestCut && (count * results > wanted || most(long) < count * shortest)) count /= 2;
  if (most(long) < count * shortest) return undefined;
  const part = Math.max(...a, ...b) + 1;
  const cut = (operand: Node, labels: readonly number[]): { readonly view: Node; readonly labels: readonly number[] } => {
    const at = labels.indexOf(long);
    const map: AccessMap = cutInParts(operand.type.shape, at, extentOf(long), Math.ceil(most(long) / count), count, device);
    return { view: e.view(operand, map), labels: labels.flatMap((l) => (l === long ? [part, l] : [l])) };
  };
  const [left, right] = [cut(x, a), cut(y, b)];
  return e.reduce("sum", e.contract(left.view, right.view, left.labels, right.labels, [part, ...out]), [0]);
}
