/**
 * Numbers that look random and repeat, for tries at random points.
 *
 *     const next = randomNumbers(1);
 *     next()      // between -1 and 1
 */

/** Numbers from -1 to 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  };
}
