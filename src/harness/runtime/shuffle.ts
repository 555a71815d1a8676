/**
 * Permutations that depend on (seed, round) alone, so that any machine visits the examples in the same order.
 * Draws come from a 32-bit mix of the counter, the order from Fisher–Yates.
 *
 *     shuffled(5, 42, 1)   // the order of epoch 1
 */
import { mix } from "./seeds.ts";

/** 0..n-1 in an order drawn by (seed, round); round 0 is the split, round k the k-th epoch. */
export function shuffled(n: number, seed: number, round: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, k) => k);
  const key = mix(mix(seed) ^ Math.imul(round + 1, 0x9e3779b9));
  for (let k = n - 1; k > 0; k--) {
    const j = Math.floor((mix(key ^ Math.imul(k, 0x27d4eb2f)) / 4294967296) * (k + 1));
    const kept = order[k] ?? 0;
    order[k] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}
