/** Every entry that is wanted is in the library, documented, has a record and, where it has a derivative, a golden gradient. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createLibrary } from "../../../src/std/library.ts";
import { Diagnostics } from "../../../src/support/diagnostic.ts";
import { activations } from "./activations.ts";
import { losses } from "./losses.ts";
import { metrics } from "./metrics.ts";
import { penalties } from "./penalties.ts";
import type { ShelfRecord } from "./record.ts";
import { missing, wanted } from "./wanted.ts";

const shelves: Readonly<Record<string, readonly ShelfRecord[]>> = { activations, losses, metrics, penalties };
/** Functions of the core, which docs/language/tensor-notation.md documents. */
const ofTheCore: ReadonlySet<string> = new Set(["sigmoid", "tanh", "abs"]);
const library = createLibrary();

function whatLacks(shelf: string, name: string): readonly string[] {
  const records = (shelves[shelf] ?? []).filter((r) => r.name === name);
  const file = new URL(`../../golden/shelf/${shelf}.txt`, import.meta.url);
  const golden = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const doc = ofTheCore.has(name) ? "of the core, where it is documented" : (library.find(name, new Diagnostics())?.doc ?? "");
  return [
    ...(doc.length > 15 ? [] : ["a doc comment"]),
    ...(records.length > 0 ? [] : ["a record"]),
    ...(records.every((r) => r.still === true) || records.some((r) => golden.includes(r.call)) ? [] : ["a golden gradient"]),
  ];
}

describe.each(Object.keys(wanted))("%s", (shelf) => {
  it.each(wanted[shelf] ?? [])("%s", (name) => {
    const lacks = whatLacks(shelf, name);
    if (missing.has(name)) expect(lacks, `${name} is there: take it from the list of what is missing`).not.toEqual([]);
    else expect(lacks).toEqual([]);
  });

  it("has no record of what the library has not", () => {
    expect((shelves[shelf] ?? []).map((r) => r.name).filter((n) => !ofTheCore.has(n) && !library.names().includes(n))).toEqual([]);
  });
});
