/**
 * One mistake, one error: words and signs of each example are deleted or misspelt one at a time, and the errors that
 * this gives are counted. Most damage is one error; the figure is kept so that it only falls.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tokenize } from "../../grammar/lexer.ts";
import { check } from "../../src/check/check.ts";
import { createLibrary } from "../../src/std/library.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";

const examples = new URL("../../examples/", import.meta.url);
const names = readdirSync(examples).filter((n) => n.endsWith(".dl"));
const library = createLibrary();
const use = (path: string) => {
  const url = new URL(path, examples);
  return existsSync(url) ? { path, text: readFileSync(url, "utf8") } : undefined;
};

/** How many errors a text has. */
function errorsOf(path: string, text: string): number {
  const diagnostics = new Diagnostics();
  check(parse({ path, text }, diagnostics), { library, use }, diagnostics);
  return diagnostics.errorCount;
}

/** At most this many places a file, evenly spread. */
const places = 24;

/** One token less, or one letter of a name changed. */
function damages(text: string): readonly string[] {
  const tokens = tokenize(text).tokens.filter((t) => t.image.trim() !== "");
  const step = Math.max(1, Math.floor(tokens.length / places));
  return tokens.filter((_, k) => k % step === 0).flatMap(({ startOffset, image }) => {
    const end = startOffset + image.length;
    const without = text.slice(0, startOffset) + text.slice(end);
    const misspelt = text.slice(0, startOffset) + (image.length > 2 ? image.slice(0, 1) + image.slice(2) : `${image}q`) + text.slice(end);
    return /^\p{L}/u.test(image) ? [without, misspelt] : [without];
  });
}

describe("cascades are suppressed", () => {
  const counts = names.flatMap((name) => damages(readFileSync(new URL(name, examples), "utf8")).map((text) => errorsOf(name, text))).filter((n) => n > 0);

  it("a planted mistake gives few errors", () => {
    const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
    expect(mean, `${counts.length} planted mistakes`).toBeLessThan(1.35);
    expect(counts.filter((n) => n === 1).length / counts.length).toBeGreaterThan(0.85);
  });
});
