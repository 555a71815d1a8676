/**
 * Steps that are layers of a network: what has kernels of its own, and random steps hardly come upon.
 *
 *     attention(pool, x, step)     // of some value [.., T, C] over an input like it: [.., T, C]
 */
import * as dims from "../../src/ir/dims.ts";
import type { Node } from "../../src/ir/node.ts";
import { axesOf, dimAt, type Pool, rank } from "./pool.ts";
import type { Step } from "./recipe.ts";
import type { Maker } from "./values-makers.ts";

/** Sizes that attention can be asked of: a matrix or more of them, with channels that are known. */
const isRows = (n: Node): boolean => rank(n) >= 2 && rank(n) <= 3 && typeof dimAt(n, rank(n) - 1) === "number" && !n.type.shape.includes(0);

/**
 * Attention of as many queries as keys: some value asks, inputs of its own answer, with a causal mask half of the time. Mostly no gradient goes
 * through it, so that its weights have no other reader.
 */
function attention(pool: Pool, _x: Node, s: Step): Node | undefined {
  const { e } = pool;
  const x = pool.pick(3 * s.b, "f32", isRows);
  if (!x) return undefined;
  const last = rank(x) - 1;
  const [turns, channels] = [dimAt(x, last - 1), dimAt(x, last)];
  const scored = [...x.type.shape.slice(0, last), turns];
  if (typeof channels !== "number" || !pool.holds(scored) || !pool.affords([...scored, channels])) return undefined;
  const axes = axesOf(x);
  const [before, key] = [axes.slice(0, last - 1), 10];
  const keys = e.leaf({ kind: "input", path: `k${x.type.shape.map(dims.print).join("x")}`, type: x.type });
  const raw = e.contract(x, keys, axes, [...before, key, last], [...before, last - 1, key]);
  const score = e.mul(raw, e.like(raw, 1 / Math.sqrt(channels)));
  const [query, seenFrom] = [last - 1, last].map((a) => e.broadcast(e.iota(turns), score.type.shape, [a])) as [Node, Node];
  const seen = s.c % 2 === 0 ? e.compare("<=", seenFrom, query) : undefined;
  const over = (y: Node): Node => e.broadcast(y, score.type.shape, axes.slice(0, last));
  const power = e.exp(e.sub(score, over(e.stop(e.reduce("max", score, [last], seen)))));
  const quotient = e.div(power, over(e.reduce("sum", power, [last], seen)));
  const weights = seen ? e.select(seen, quotient, e.like(quotient, 0)) : quotient;
  const values = s.a % 3 === 0 ? x : keys;
  const made = e.contract(weights, values, [...before, last - 1, key], [...before, key, last], axes);
  return s.c % 8 < 6 ? e.stop(made) : made;
}

/** The makers. */
export const layers: readonly Maker[] = [attention];
