/** Threefry-2x32-20 against the known answers of Random123, as integers, as a scalar function, and as the words of `random`. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import { call, ref } from "../../src/ir/scalar.ts";
import * as dims from "../../src/ir/dims.ts";
import { evaluateNodes } from "../../src/graph/eval-graph.ts";
import { evaluateScalar } from "../../src/ops/scalar-eval.ts";
import { streamKey, threefry, threefryFunctions } from "../../src/ops/threefry.ts";
import type { Words } from "../../src/ops/threefry.ts";
import { around } from "./cases.ts";

const known: readonly (readonly [counter: Words, key: Words, words: Words])[] = [
  [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
  [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
  [[0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xc4923a9c, 0x483df7a0]],
];

describe("known answers", () => {
  it.each(known)("counter %j, key %j", (counter, key, words) => {
    expect(threefry(key, counter)).toEqual(words);
    const refs = [...key, ...counter];
    const args = refs.map((_, i) => ref(i, "u32"));
    expect(threefryFunctions.map((f) => evaluateScalar(call(f, args), { refs }))).toEqual(words);
  });
});

describe("random", () => {
  const words = (shape: readonly dims.Dim[], example: number, n: number, word: 0 | 1 = 0): number[] => {
    const b = new Builder();
    const node = b.make("random", { shape, path: "Net.drop", hash: 99, word }, []);
    return [...(evaluateNodes([node], { ...around(new Map(), { N: n }), example })[0]?.data ?? [])];
  };

  it("counts steps and elements under the key of seed and stream", () => {
    expect(words([2, 2], 0, 0)).toEqual([0, 1, 2, 3].map((i) => threefry([7, 99], [3, i])[0]));
    expect(words([3], 5, 0, 1)).toEqual([0, 1, 2].map((i) => threefry([7, 99], [3, i])[1]));
  });

  it("gives an example the same words wherever the batch is cut", () => {
    const whole = words([dims.sym("N"), 3], 0, 5);
    expect([...words([dims.sym("N"), 3], 0, 2), ...words([dims.sym("N"), 3], 2, 3)]).toEqual(whole);
  });

  it("folds loop iterations into the key", () => {
    const b = new Builder();
    const node = b.make("random", { shape: [2], path: "r", hash: 5, word: 0 }, [b.const({ dtype: "i32", shape: [] }, 4), b.const({ dtype: "i32", shape: [] }, 1)]);
    const key = threefry(threefry([7, 5], [4, 0]), [1, 0]);
    expect(streamKey(7, 5, [4, 1])).toEqual(key);
    expect([...(evaluateNodes([node], around(new Map()))[0]?.data ?? [])]).toEqual([0, 1].map((i) => threefry(key, [3, i])[0]));
  });
});
