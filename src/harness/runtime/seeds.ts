/**
 * Keys of random draws that follow from a run's seed. Draws of training use the seed itself.
 *
 *     evaluationSeed(42)   // what evaluation and prediction draw with, however far training is
 */

/** A 32-bit mix (the finaliser of MurmurHash3, public domain). */
export function mix(h: number): number {
  let x = h >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The key of evaluation and prediction: their draws are none of training's. */
export function evaluationSeed(seed: number): number {
  return mix(mix(seed) ^ 0x6576616c); // "eval"
}
