/**
 * Draws as arithmetic on random words. In: a stream (path and hash), a shape, the loop turns around, the
 * distribution's arguments spread to the shape. Out: a node of the arguments' shape.
 *
 *     uniform(lo, hi)     lo + (hi - lo) u              u = top 24 bits of word 0, in [0, 1)
 *     normal(μ, σ)        μ + σ sqrt(-2 log v) cos 2πu   v = (top 24 bits of word 0, plus 1) / 2^24, in (0, 1]; u from word 1 (Box–Muller)
 *     bernoulli(p)        u < p
 */
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { CoreOf } from "../check/core.ts";
import { InternalError } from "../support/diagnostic.ts";

/** A stream of draws. */
export interface Draw {
  readonly distribution: CoreOf<"random">["distribution"];
  readonly path: string;
  readonly hash: number;
  readonly shape: readonly Dim[];
  /** Brings words of that shape to the shape of the arguments. */
  readonly spread: (words: Node) => Node;
  /** i32 scalars, outermost loop first. */
  readonly turns: readonly Node[];
  readonly args: readonly Node[];
}

/** 32-bit FNV-1a over the UTF-8 bytes of a call path (Fowler, Noll, Vo; offset basis 2166136261, prime 16777619). */
export function hashPath(path: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(path)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The node of a draw: f32, for `bernoulli` bool. */
export function drawNode(e: Emit, d: Draw): Node {
  const [a, b] = d.args;
  const scaled = (word: 0 | 1, plus: number): Node => {
    const bits = d.spread(e.make("random", { shape: d.shape, path: d.path, hash: d.hash, word }, d.turns));
    const top = e.cast(e.make("floordiv", {}, [bits, e.like(bits, 256)]), "f32");
    return e.mul(plus === 0 ? top : e.add(top, e.like(top, plus)), e.like(top, 2 ** -24));
  };
  if (!a) throw new InternalError("build", `the draw ${d.path} has no argument`);
  if (d.distribution === "bernoulli") return e.compare("<", scaled(0, 0), a);
  if (!b) throw new InternalError("build", `the draw ${d.path} has one argument`);
  if (d.distribution === "uniform") return e.add(a, e.mul(e.sub(b, a), scaled(0, 0)));
  const logarithm = e.log(scaled(0, 1));
  const radius = e.sqrt(e.mul(logarithm, e.like(logarithm, -2)));
  const turn = scaled(1, 0);
  return e.add(a, e.mul(b, e.mul(radius, e.cos(e.mul(turn, e.like(turn, 2 * Math.PI))))));
}
