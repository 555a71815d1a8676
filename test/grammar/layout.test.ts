/** Tokens and their layout: spellings, line breaks, contextual words, brackets, nesting. */
import { describe, expect, test } from "vitest";
import { layOut, maxNesting } from "../../grammar/layout.ts";
import { canonicalName, tokenize } from "../../grammar/lexer.ts";

const kinds = (text: string): string => tokenize(text).tokens.map((t) => t.tokenType.name).join(" ");
const laidOut = (text: string): string => layOut(tokenize(text).tokens).chunks.map((c) => c.tokens.map((t) => (t.image === "\n" ? "⏎" : t.image)).join(" ")).join(" | ");
const problemsOf = (text: string): readonly string[] => layOut(tokenize(text).tokens).problems.map((p) => `${p.kind} ${p.token.image}@${p.token.startOffset}`);

describe("characters", () => {
  test("mathematical spellings are the ASCII ones", () => {
    expect(kinds("a ← b · c ⊙ d ≠ e ≤ f ≥ g")).toBe(kinds("a <- b * c * d != e <= f >= g"));
    expect(kinds("∑[i] ∏[j]")).toBe(kinds("sum[i] prod[j]"));
    expect(kinds("a·b")).toBe("Name Star Name");
  });

  test("names have one spelling", () => {
    expect(canonicalName("e\u0301")).toBe("\u00e9");
    expect(canonicalName("\u00b5")).toBe("\u03bc");
    expect(["∇", "π", "∑", "∏"].map(canonicalName)).toEqual(["grad", "pi", "sum", "prod"]);
  });

  test("a range is no float", () => {
    expect(kinds("0..2")).toBe("Number Range Number");
    expect(kinds("1.5e-3..n")).toBe("Number Range Name");
  });

  test("a byte order mark and all line ends are read", () => {
    expect(kinds("\ufeffa\r\nb\rc\nd")).toBe("Name Newline Name Newline Name Newline Name");
  });

  test("only a comment that begins its line documents", () => {
    expect(tokenize("## a\nx ## b\n  ## c\n# d").comments.map((c) => [c.doc, c.text])).toEqual([[true, " a"], [false, " b"], [true, " c"], [false, " d"]]);
  });

  test.each([
    ["x\u00b2", "superscript x^2"], ["x\u2081", "subscript x1"], ["W\u1d40", "transpose transpose(W)"], ["a && b", "spelling and"], ["a ** 2", "spelling ^"],
    ["1.", "number point 1.0"], ["2x", "number name 2 * x"], ["1e999", "number size"], ["1e39", "number size"], ["\u202e", "bidi"], ["a\u200bb", "invisible"], ["$", "unexpected"],
    ['"ab', "unterminated string"], ["'a'", "single quotes"], ['"\\q"', "escape"], ["ε ϵ", "mixed letters ε"],
  ])("%s is one problem", (text, problem) => {
    expect(tokenize(text).problems.map((p) => `${p.kind}${p.instead === undefined ? "" : ` ${p.instead}`}`)).toEqual([problem]);
  });
});

describe("line breaks", () => {
  test("go on after operators, commas, arrows and words that want more", () => {
    for (const joint of ["+", "*", ",", "=", "<-", "~", "and", "or", "in", ".."]) expect(laidOut(`const a ${joint}\nb`)).toBe(`const a ${joint} b`);
    expect(laidOut("const a = x\nas")).toBe("const a = x | as");
  });

  test("mean nothing in ( and [, and everything again in {", () => {
    expect(laidOut("fn f(\na,\nb) {\nc\nd[\n1]\n}")).toBe("fn f ( a , b ) { ⏎ c ⏎ d [ 1 ] ⏎ }");
  });

  test("a contextual word that is a name ends its line", () => {
    expect(laidOut("model M {\na = over\nb = 1\n}")).toBe("model M { ⏎ a = over ⏎ b = 1 ⏎ }");
  });
});

describe("contextual words", () => {
  const first = (text: string, image: string): string | undefined =>
    layOut(tokenize(text).tokens).chunks.flatMap((c) => c.tokens).find((t) => t.image === image)?.tokenType.name;
  test.each([
    ["model M { loss = 1 }", "loss", "Loss"], ["model M { loss a = 1 }", "loss", "Loss"], ["model M { a = loss }", "loss", "Name"],
    ["model M { minimize x }", "minimize", "Minimize"], ["train M { minimize = x }", "minimize", "Name"],
    ["model M { a = sum[i where i] x }", "where", "Where"], ["model M { a = where(p, 1, 2) }", "where", "Name"],
    ["model M { a = sum[i] where(p[i], 1, 2) }", "where", "Name"],
    ["train M as b { }", "as", "As"], ["train M { x = 1, over = D }", "over", "Name"],
  ])("%s", (text, word, type) => {
    expect(first(text, word)).toBe(type);
  });
});

describe("brackets", () => {
  test("each one without a partner is told once", () => {
    expect(problemsOf("const a = (1")).toEqual(["unclosed (@10"]);
    expect(problemsOf("const a = 1)")).toEqual(["unopened )@11"]);
    expect(problemsOf("const a = (1]")).toEqual(["wrong closer ]@12"]);
  });

  test("a missing brace spoils one declaration", () => {
    expect(laidOut("model A {\na = 1\nconst b = 2")).toBe("model A { ⏎ a = 1 | const b = 2");
  });

  test.each(["(", "[", "f(", "f[", "-", "not ", "sum[i] ", "sum[i] x * ", "sum[i] - ", "x^"])("%s may nest so deep, and no deeper", (open) => {
    const close = open.includes("(") ? ")" : open.endsWith("[") ? "]" : "";
    const nested = (n: number): string => `const a = ${open.repeat(n)}1${close.repeat(n)}`;
    expect(problemsOf(nested(open.startsWith("sum[i] -") ? 60 : 100))).toEqual([]);
    expect(problemsOf(nested(maxNesting + 1))).toHaveLength(1);
    expect(problemsOf(nested(100_000))).toHaveLength(1);
  });
});
