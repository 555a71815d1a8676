/** Names for generated text: legal, unreserved, never twice the same. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Namer, type NameTarget, tidyName } from "../../src/support/names.ts";
import { suggest } from "../../src/support/suggest.ts";

const targets: readonly NameTarget[] = ["wgsl", "typescript", "html-id"];

test("readable names stay readable", () => {
  expect(["Digits.h.W", "θ", "café", "3d", "", "__proto__", "a b-c", "数"].map(tidyName)).toEqual(["Digits_h_W", "theta", "cafe", "n3d", "unnamed", "proto", "a_b_c", "u6570"]);
});

test("reserved words and inherited names are moved aside", () => {
  expect(["override", "f32", "select"].map((n) => new Namer("wgsl").of(n))).toEqual(["override_", "f32_", "select_"]);
  expect(["class", "constructor", "toString"].map((n) => new Namer("typescript").of(n))).toEqual(["class_", "constructor_", "toString_"]);
});

test("the same key has the same name, another key another", () => {
  const namer = new Namer("wgsl", ["x"]);
  expect([namer.of("a.b"), namer.of("a_b"), namer.of("a.b"), namer.of("x"), namer.fresh("a.b")]).toEqual(["a_b", "a_b_2", "a_b", "x_2", "a_b_3"]);
});

describe.each(targets)("%s", (target) => {
  test("any keys get legal names, all different", () => {
    const word = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a", "a_2", "a_", "a.2", "class", "class_", "fn", "fn_", "__proto__", "θ", "theta"));
    fc.assert(fc.property(fc.uniqueArray(word, { maxLength: 40 }), (keys) => {
      const namer = new Namer(target);
      const names = keys.map((k) => namer.of(k));
      expect(new Set(names).size).toBe(keys.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*_?$/);
      expect(keys.map((k) => namer.of(k))).toEqual(names);
    }), { numRuns: 200 });
  });
});

test("a misspelt name has its nearest neighbour suggested", () => {
  const names = ["softmax", "softplus", "relu", "tanh"];
  expect(["sofmax", "rleu", "Tanh", "conv"].map((n) => suggest(n, names))).toEqual(["softmax", "relu", "tanh", undefined]);
});
