/**
 * What is generated from the grammar for people and editors: the page of railroad diagrams and the TextMate grammar are up
 * to date (`npx vitest run -u test/grammar` writes them), and the colours of the TextMate grammar are those of the tokens.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { grammarPage } from "../../grammar/grammar-page.ts";
import { layOut } from "../../grammar/layout.ts";
import { tokenize } from "../../grammar/lexer.ts";
import { theParser } from "../../grammar/parse-declaration.ts";
import { patterns, textMateGrammar } from "../../grammar/textmate.ts";
import { keywordTypes, reservedWords, tokenTypes as T } from "../../grammar/tokens.ts";
import { files } from "../properties/corpus.ts";
import { scopesOf } from "./textmate-matcher.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = grammarPage(readFileSync(`${root}grammar/dl.md`, "utf8"));

describe("the page of the grammar", () => {
  test("is the one that the grammar makes", async () => {
    await expect(page).toMatchFileSnapshot(`${root}docs/language/grammar.html`);
  });

  test("has a diagram for every rule, whose boxes are its parts", () => {
    const rules = theParser().getGAstProductions();
    expect(page.match(/<svg /g)).toHaveLength(Object.keys(rules).length);
    for (const name of Object.keys(rules)) expect(page).toContain(`<h3 id="${name}">`);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(rules).toHaveProperty(target ?? "");
    // One rule in full: `for`, a name, `in`, a range, a block.
    const svg = /<h3 id="forStatement">[\s\S]*?<svg[\s\S]*?<\/svg>/.exec(page)?.[0] ?? "";
    expect([...svg.matchAll(/<text class="(\w+)"[^>]*>([^<]*)</g)].map((m) => `${m[1]} ${m[2]}`)).toEqual(["word for", "kind name", "word in", "rule range", "rule block"]);
  });

  test("needs nothing but itself", () => {
    expect(page).not.toMatch(/<script|<link|@import|url\(|src=|https?:|NaN|undefined/);
  });
});

describe("the TextMate grammar", () => {
  test("is the one that the vocabulary makes", async () => {
    await expect(textMateGrammar()).toMatchFileSnapshot(`${root}grammar/dl.tmLanguage.json`);
  });

  /** What a token's colour must be; undefined where a line alone does not tell. */
  const expected = (type: string, image: string): RegExp | undefined => {
    if (type === "Number") return /^constant\.numeric/;
    if (type === "Text") return /^string|^constant\.character/;
    if (type === "ReductionWord") return /^support\.function\.reduction/;
    if (type === "Name") return /^variable|^entity|^storage\.type\.dtype/;
    if ((reservedWords as readonly string[]).includes(image)) return /^keyword|^storage\.type\.dl|^constant\.language|^variable\.parameter/;
    if (keywordTypes.has(image)) return /^keyword\.other/;
    return /^punctuation|^keyword\.operator/;
  };

  test.each(files())("colours $path as its tokens are", ({ text }) => {
    const scopes = scopesOf(patterns, text);
    const { tokens, comments } = tokenize(text);
    const wrong: string[] = [];
    for (const token of layOut(tokens).chunks.flatMap((c) => c.tokens)) {
      if (token.tokenType === T.Newline) continue;
      const found = scopes[token.startOffset] ?? "";
      const wanted = expected(token.tokenType.name, token.image);
      if (wanted && !wanted.test(found)) wrong.push(`${token.tokenType.name} ${token.image} is ${found || "plain"}`);
    }
    for (const c of comments) if (!/^comment/.test(scopes[c.start] ?? "")) wrong.push(`a comment is ${scopes[c.start]}`);
    expect(wrong).toEqual([]);
  });

  test("every word and sign of the vocabulary has a colour", () => {
    const plain = [...keywordTypes.keys()].filter((word) => scopesOf(patterns, `x ${word} y`)[2] === "");
    expect(plain).toEqual([]);
    for (const sign of ["<-", "←", "//", "≠", "·", "...", "..", "~", "@"]) expect(scopesOf(patterns, `a ${sign} b`)[2]).toMatch(/^keyword\.operator/);
    expect(scopesOf(patterns, 'a = "\\n\\q" # "x"').filter((s) => s.startsWith("invalid"))).toHaveLength(2);
  });
});
