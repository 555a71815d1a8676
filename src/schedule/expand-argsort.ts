/**
 * Writes the order of elements in ops that kernels know. In: an argsort node and its operand. Out: the same integers.
 *
 * Short axes count: an element's place is how many come before it, and position k of the result is the element whose place is k. That
 * is n² comparisons and two kernels. Longer axes are merged: runs of 1, 2, 4, … sorted elements, two by two, all elements of all runs
 * at once. Element r of a merged pair is found by a binary search for how many of the first r come from the left run:
 *
 *     the largest i with left[i-1] ≤ right[r-i]        (equal ones from the left first, so that equal elements keep their order)
 *
 * That is n log² n readings and log n passes, without a length that must be a power of two and without a store at a computed place.
 */
import type { Bindings, Dim } from "../ir/dims.ts";
import * as dims from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";

/** Up to this length counting reads no more than merging. */
const longestCounted = 64;

/** What takes the place of an argsort; undefined for other nodes. */
export function expandArgsort(e: Emit, node: Node, inputs: readonly Node[], capacity: Bindings): Node | undefined {
  const [x] = inputs;
  if (node.op !== "argsort" || !x) return undefined;
  const rank = x.type.shape.length;
  const { axis, descending } = node.attrs;
  // The axis ordered comes last; the result takes it back.
  const axes = x.type.shape.map((_, a) => a);
  const order = [...axes.filter((a) => a !== axis), axis];
  const keys = axis === rank - 1 ? x : e.transpose(x, order);
  const length = dims.evaluate(x.type.shape[axis] ?? 1, capacity);
  const sorted = length <= longestCounted ? counted(e, keys, descending) : merged(e, keys, descending, length);
  return axis === rank - 1 ? sorted : e.transpose(sorted, axes.map((a) => order.indexOf(a)));
}

/** By counting, over [B…, n, n]. */
function counted(e: Emit, keys: Node, descending: boolean): Node {
  const { shape } = keys.type;
  const n = shape.at(-1) as Dim;
  const batch = shape.slice(0, -1).map((_, a) => a);
  const wide = [...shape, n];
  const [mine, theirs] = [shape.length - 1, shape.length];
  const over = (y: Node, axis: number): Node => e.broadcast(y, wide, y.type.shape.length === 1 ? [axis] : [...batch, axis]);
  const [here, there] = [over(e.iota(n), mine), over(e.iota(n), theirs)];
  const [value, other] = [over(keys, mine), over(keys, theirs)];
  const earlier = e.logic("and", e.compare("==", other, value), e.compare("<", there, here));
  const before = e.logic("or", e.compare(descending ? ">" : "<", other, value), earlier);
  const place = e.reduce("sum", e.cast(before, "i32"), [theirs]);
  // Now `mine` is a place of the result, and `theirs` the elements.
  return e.reduce("sum", e.select(e.compare("==", over(place, theirs), here), there, e.like(there, 0)), [theirs]);
}

/** By merging, over [B…, n]. */
function merged(e: Emit, keys: Node, descending: boolean, length: number): Node {
  const { shape } = keys.type;
  const last = shape.length - 1;
  const n = shape[last] as Dim;
  const position = e.broadcast(e.iota(n), shape, [last]);
  const number = (value: number): Node => e.like(position, value);
  const total = typeof n === "number" ? number(n) : e.broadcast(e.size(n), shape, []);
  const least = (x: Node, y: Node): Node => e.select(e.compare("<", x, y), x, y);
  const pick = (x: Node, at: Node): Node => e.gather(x, at, last);
  let places = position;
  for (let width = 1; width < length; width *= 2) {
    const values = places === position ? keys : pick(keys, places);
    const within = e.make("mod", {}, [position, number(2 * width)]);
    const left = e.sub(position, within);
    const right = e.add(left, number(width));
    // Elements of the right run: none where the left one is the last.
    const count = e.max(least(e.sub(total, right), number(width)), number(0));
    // The left elements among the first `within` of the pair.
    const most = least(within, number(width));
    let taken = e.max(e.sub(within, count), number(0));
    // Whether element l of the left run goes before element r of the right one; false where `exists` is.
    const precedes = (l: Node, r: Node, exists: Node): Node => {
      const at = (run: Node, k: Node): Node => pick(values, e.select(exists, e.add(run, k), number(0)));
      return e.logic("and", exists, e.compare(descending ? ">=" : "<=", at(left, l), at(right, r)));
    };
    for (let step = width; step >= 1; step /= 2) {
      const more = e.add(taken, number(step));
      taken = e.select(precedes(e.add(more, number(-1)), e.sub(within, more), e.compare("<=", more, most)), more, taken);
    }
    const rest = e.sub(within, taken);
    const [hasLeft, hasRight] = [e.compare("<", taken, number(width)), e.compare("<", rest, count)];
    const first = e.logic("or", precedes(taken, rest, e.logic("and", hasLeft, hasRight)), e.not(hasRight));
    const from = e.select(first, e.add(left, taken), e.add(right, rest));
    places = pick(places, from);
  }
  return places;
}
