/**
 * What the formatter promises, on every program of this repository and on variants of them: the same tree, every comment in
 * its order, nothing more to change the second time, one form for all spellings of blanks, and lines that fit.
 */
import { expect, it } from "vitest";
import { tokenize } from "../../grammar/lexer.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";
import { format, lineWidth } from "../../src/syntax/print-ast.ts";
import { corpus } from "./corpus.ts";
import { chooser } from "./mutate.ts";
import { bare, commented, respaced } from "./text-changes.ts";

/** A tree without places. */
const shape = (text: string): string => JSON.stringify(parse({ path: "t.dl", text }, new Diagnostics()), (key, value) => (key === "span" || key === "opSpan" ? undefined : value));
const commentsOf = (text: string): readonly string[] => tokenize(text).comments.map((c) => c.text.trim());

function formatted(text: string): string {
  const diagnostics = new Diagnostics();
  const out = format({ path: "t.dl", text }, diagnostics);
  if (out === undefined) throw new Error(`does not parse: ${diagnostics.list.map((d) => d.message).join("; ")}\n${text}`);
  return out;
}

const texts = corpus().filter(({ text }) => format({ path: "t.dl", text }, new Diagnostics()) !== undefined);
const variants = 4;

it("the corpus is worth trying", () => {
  expect(texts.length).toBeGreaterThan(80);
});

/** Runs a property on every text and says for which it fails. */
function onAll(property: (text: string) => void): void {
  const failures: string[] = [];
  for (const { path, text } of texts) {
    try {
      property(text);
    } catch (error) {
      failures.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  expect(failures).toEqual([]);
}

it("the tree and the comments stay, and there is one form", () => {
  onAll((text) => {
    const once = formatted(text);
    expect(shape(once)).toBe(shape(text));
    expect(commentsOf(once)).toEqual(commentsOf(text));
    expect(formatted(once)).toBe(once);
    for (const row of once.split("\n")) if (!/[#"]/.test(row)) expect([...row].length, row).toBeLessThanOrEqual(lineWidth);
  });
});

it("a text has the same form however it is spaced", () => {
  onAll((text) => {
    const plain = bare(text);
    const form = formatted(plain);
    for (let seed = 0; seed < variants; seed++) expect(formatted(respaced(plain, chooser(seed)))).toBe(form);
  });
});

it("comments stay wherever lines may end", () => {
  onAll((text) => {
    for (let seed = 0; seed < variants; seed++) {
      const choose = chooser(1000 + seed);
      const variant = commented(respaced(text, choose), choose);
      const once = formatted(variant);
      expect(commentsOf(once), variant).toEqual(commentsOf(variant));
      expect(shape(once), variant).toBe(shape(variant));
      expect(formatted(once), variant).toBe(once);
    }
  });
});
