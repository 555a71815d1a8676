/** What a foreign name is told to be written as exists: a function of the library or of the core. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { builtinNames } from "../../src/check/builtins.ts";
import { foreignHint } from "../../src/check/foreign-names.ts";
import { createLibrary } from "../../src/std/library.ts";

it("each hint names what there is", () => {
  const known = new Set([...createLibrary().names(), ...builtinNames]);
  const text = readFileSync(new URL("../../src/check/foreign-names.ts", import.meta.url), "utf8");
  const names = [...text.matchAll(/[{ ](\w+): "/g)].map((m) => m[1] ?? "");
  const called = names.flatMap((name) => {
    const [, call] = /^here it is written `(\w+)\(/.exec(foreignHint(name) ?? "") ?? [];
    return call === undefined ? [] : [{ name, call }];
  });
  expect(called.length).toBeGreaterThan(100);
  expect(called.filter(({ call }) => !known.has(call))).toEqual([]);
  expect(names.filter((name) => known.has(name)), "a name that there is needs no hint").toEqual([]);
});
