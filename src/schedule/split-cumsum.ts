/**
 * Cuts a long running sum into blocks, so that more than a few invocations share it and rounding grows with the block. In: a cumsum
 * node along an axis of known length. Out: the same sums by block, plus what the blocks before come to.
 *
 *     cumsum [4096]   =   cumsum [64, 64] along the second axis  +  exclusive cumsum [64] of the blocks' sums
 */
import { addAffine, affine, constant, scaleAffine, unit, whole } from "../ir/access.ts";
import type { AccessMap } from "../ir/access.ts";
import type { Bindings, Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import { elementsOf } from "./cost.ts";

const block = 64;
const longest = 2 * block;
/** With this many lines a device is busy with an invocation each. */
const fewLines = 4096;

/** The sum by blocks; undefined where one invocation a line does. */
export function splitCumsum(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings): Node | undefined {
  const [x] = inputs;
  if (node.op !== "cumsum" || !x) return undefined;
  const length = x.type.shape[node.attrs.axis];
  if (typeof length !== "number" || length <= longest || elementsOf(x, capacity) / length >= fewLines) return undefined;
  const { axis, reverse } = node.attrs;
  const { shape } = x.type;
  const blocks = Math.ceil(length / block);
  const cut = e.view(x, inBlocks(shape, axis, length, blocks));
  const within = e.make("cumsum", { ...node.attrs, axis: axis + 1 }, [cut]);
  const sums = e.make("cumsum", { axis, reverse, exclusive: true }, [e.reduce("sum", cut, [axis + 1])]);
  const before = splitCumsum(e, sums, sums.inputs, capacity) ?? sums;
  const all = e.add(within, e.broadcast(before, cut.type.shape, before.type.shape.map((_, a) => (a <= axis ? a : a + 1))));
  const line = e.reshape(all, shape.map((d, a) => (a === axis ? blocks * block : d)));
  return e.view(line, { shape, index: shape.map((_, a) => whole(unit(a, shape.length))), guards: [] });
}

/** The axis seen as [blocks, block]; 0 beyond its end. */
function inBlocks(shape: readonly Dim[], axis: number, length: number, blocks: number): AccessMap {
  const rank = shape.length + 1;
  const position = addAffine(scaleAffine(unit(axis, rank), block), unit(axis + 1, rank));
  const index = shape.map((_, a) => whole(a < axis ? unit(a, rank) : a > axis ? unit(a + 1, rank) : position));
  const left = addAffine(constant(length - 1, rank), scaleAffine(position, -1));
  const guards = length === blocks * block ? [] : [{ kind: "nonnegative" as const, value: affine(left.c, left.k) }];
  return { shape: [...shape.slice(0, axis), blocks, block, ...shape.slice(axis + 1)], index, guards };
}
