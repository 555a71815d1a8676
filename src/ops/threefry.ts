/**
 * Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011), as plain
 * integer arithmetic and as a scalar function. Counter-based: the words are a function of key and counter alone.
 *
 *     threefry([0, 0], [0, 0])      // [0x6b200159, 0x99ba4efe]
 */
import type { Scalar, ScalarFunction } from "../ir/scalar.ts";
import { Formula, add, bitor, bitxor, shl, shr, word } from "./formula.ts";

/** Two u32 words. */
export type Words = readonly [number, number];

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const parity = 0x1bd11bda;
const rounds = 20;

/** The two words for a key and a counter. */
export function threefry(key: Words, counter: Words): Words {
  const keys = [key[0] >>> 0, key[1] >>> 0, (key[0] ^ key[1] ^ parity) >>> 0];
  let a = (counter[0] + key[0]) >>> 0;
  let b = (counter[1] + key[1]) >>> 0;
  for (let round = 0; round < rounds; round++) {
    const by = rotations[round % 8] as number;
    a = (a + b) >>> 0;
    b = (((b << by) | (b >>> (32 - by))) ^ a) >>> 0;
    if (round % 4 !== 3) continue;
    // After every fourth round the key goes in again, shifted by one word, with the number of the injection.
    const injection = (round + 1) / 4;
    a = (a + (keys[injection % 3] as number)) >>> 0;
    b = (b + (keys[(injection + 1) % 3] as number) + injection) >>> 0;
  }
  return [a, b];
}

/** The same as a scalar function of (key 0, key 1, counter 0, counter 1), all u32, giving one of the words. */
function makeThreefry(which: 0 | 1): ScalarFunction {
  const f = new Formula(`threefry_${which}`, `Word ${which} of Threefry-2x32-20. Exact.`, ["u32", "u32", "u32", "u32"]);
  const keys = [f.arg(0), f.arg(1), f.let(bitxor(bitxor(f.arg(0), f.arg(1)), word(parity)))];
  let a: Scalar = f.let(add(f.arg(2), f.arg(0)));
  let b: Scalar = f.let(add(f.arg(3), f.arg(1)));
  for (let round = 0; round < rounds; round++) {
    const by = rotations[round % 8] as number;
    a = f.let(add(a, b));
    b = f.let(bitxor(bitor(shl(b, word(by)), shr(b, word(32 - by))), a));
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    a = f.let(add(a, keys[injection % 3] as Scalar));
    b = f.let(add(b, add(keys[(injection + 1) % 3] as Scalar, word(injection))));
  }
  return f.returns(which === 0 ? a : b);
}

/** Words 0 and 1 as scalar functions of (key 0, key 1, counter 0, counter 1). */
export const threefryFunctions: readonly [ScalarFunction, ScalarFunction] = [makeThreefry(0), makeThreefry(1)];

/** The key of a stream: the seed and the hash of its call path, folded with each loop iteration around it. */
export function streamKey(seed: number, hash: number, iterations: readonly number[]): Words {
  return iterations.reduce<Words>((key, i) => threefry(key, [i >>> 0, 0]), [seed >>> 0, hash >>> 0]);
}
