/**
 * Which results may lie where an argument of the same kernel lay. Comes in: kernels in order and when each buffer is needed. Goes out: for
 * each result that may, the argument; both then have the same bytes.
 *
 *     k3: y[i] = tanh(x[i]), nobody reads x later       y lies where x lay
 *     k5: y[r, c] = exp(x[r, c] - max x[r, ·])          too: an invocation owns the row, and is through with it before it writes
 *     k7: y[i] = x[n - i]                               no: another invocation may still have to read what this one overwrites
 *
 * Legal where each element of the argument is read by that invocation alone which writes the same element of the result, and before it
 * writes: the argument and the result have one size and element type, one nest of the kernel touches them, and every place where it reads
 * the one is the place where it writes the other, but for an axis that the nest has been through before.
 */
import type { Axis, Buffer, Kernel, Nest, Stmt } from "../ir/kernel.ts";
import { refersTo, type Scalar } from "../ir/scalar.ts";
import { keyOf } from "../schedule/index-form.ts";
import type { Life } from "./liveness.ts";
import { storedAs } from "./placement.ts";

/** For each result that lies where an argument lay: the argument, which may itself be such a result. */
export function inPlace(kernels: readonly Kernel[], lives: ReadonlyMap<Buffer, Life>): ReadonlyMap<Buffer, Buffer> {
  const taken = new Map<Buffer, Buffer>();
  for (const [at, kernel] of kernels.entries()) {
    const ends = [...kernel.reads].filter((b) => !kernel.writes.has(b) && isPlain(b) && lives.get(b)?.to === at && (lives.get(b)?.from ?? at) < at);
    for (const result of kernel.writes) {
      if (!isPlain(result) || lives.get(result)?.from !== at) continue;
      const argument = ends.find((b) => mayTakePlaceOf(kernel, result, b));
      if (!argument) continue;
      taken.set(result, argument);
      ends.splice(ends.indexOf(argument), 1);
    }
  }
  return taken;
}

/** An arena and its parts are not in the lives of their own, and stay where they are. */
function isPlain(b: Buffer): boolean {
  return b.place === "temp" && !b.parts;
}

/** True where the kernel may write the result over the argument. */
export function mayTakePlaceOf(kernel: Kernel, result: Buffer, argument: Buffer): boolean {
  if (result.elements !== argument.elements || storedAs(result) !== storedAs(argument)) return false;
  // With barriers an element is read by several invocations, and not all of them wait for each other everywhere.
  if (kernel.body.some((s) => s.kind === "shared")) return false;
  const touching = kernel.nests.filter((n) => touches(n.body, result) || touches(n.body, argument));
  const [nest] = touching;
  return touching.length === 1 && nest !== undefined && nest.shape !== "turns" && readsBeforeItWrites(nest, result, argument);
}

function touches(body: readonly Stmt[], buffer: Buffer): boolean {
  return body.some((s) => (s.kind === "fold" || s.kind === "each" ? touches(s.body, buffer) : s.kind !== "let" && s.buffer === buffer));
}

/** A read or a write, and the loops around it. */
interface Access {
  readonly kind: "load" | "store";
  readonly index: Scalar;
  readonly loops: readonly Axis[];
  /** The innermost loop around it, the same object for all within; undefined outside of all. */
  readonly within: Stmt | undefined;
}

function readsBeforeItWrites(nest: Nest, result: Buffer, argument: Buffer): boolean {
  const accesses: Access[] = [];
  const visit = (body: readonly Stmt[], loops: readonly Axis[], within: Stmt | undefined): void => {
    for (const s of body) {
      if (s.kind === "fold") visit(s.body, [...loops, ...s.axes], s);
      else if (s.kind === "each") visit(s.body, [...loops, s.axis], s);
      else if ((s.kind === "load" && s.buffer === argument) || (s.kind === "store" && s.buffer === result)) accesses.push({ kind: s.kind, index: s.index, loops, within });
    }
  };
  visit(nest.body, [], undefined);
  const stores = accesses.filter((a) => a.kind === "store");
  const [store] = stores;
  if (!store || stores.length !== 1 || accesses.length < 2 || accesses.at(-1) !== store) return false;
  // Every invocation and every turn has an element of its own.
  if (![...nest.parallel, ...store.loops].every((a) => a.capacity <= 1 || refersTo(store.index, new Set([a.id])))) return false;
  const own = placeOf(store);
  return own !== undefined && accesses.every((a) => {
    if (a === store || keyOf(a.index) === keyOf(store.index)) return true;
    // A loop that is over by then: what it reads lies in the part that this invocation writes.
    return a.within !== store.within && placeOf(a) === own;
  });
}

/** The place of an access with its loops numbered from outside; undefined where a loop ends early. */
function placeOf({ index, loops }: Access): string | undefined {
  if (loops.some((a) => a.below)) return undefined;
  const numbered = new Map(loops.map((a, k) => [a.id, k] as const));
  const renamed = (s: Scalar): Scalar => {
    if (s.kind === "ref") {
      const k = numbered.get(s.id);
      return k === undefined ? s : { ...s, id: -1 - k };
    }
    return s.kind === "op" || s.kind === "call" ? { ...s, args: s.args.map(renamed) } : s;
  };
  return `${loops.map((a) => `${JSON.stringify(a.extent)}/${a.capacity}`).join()} ${keyOf(renamed(index))}`;
}
