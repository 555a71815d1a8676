/**
 * The grammar against its reference: every rule has an example that parses and uses the rule; the generated types are
 * those of the grammar.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CstNode } from "chevrotain";
import { describe, expect, test } from "vitest";
import { generateCstTypes } from "../../grammar/generate.ts";
import { layOut } from "../../grammar/layout.ts";
import { tokenize } from "../../grammar/lexer.ts";
import { parseDeclaration, theParser } from "../../grammar/parse-declaration.ts";
import { DlParser } from "../../grammar/parser.ts";

const file = (name: string): string => fileURLToPath(new URL(`../../grammar/${name}`, import.meta.url));
const rules = Object.keys(theParser().getGAstProductions());
const reference = readFileSync(file("dl.md"), "utf8");
const examples = new Map([...reference.matchAll(/^### (\w+)\n[\s\S]*?```dl\n([\s\S]*?)```/gm)].map((m) => [m[1] ?? "", m[2] ?? ""]));

/** The names of all rules used in a tree. */
function rulesOf(node: CstNode): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [node];
  for (let next = open.pop(); next; next = open.pop()) {
    found.add(next.name);
    for (const part of Object.values(next.children).flat()) if ("children" in part) open.push(part);
  }
  return found;
}

test("Chevrotain finds nothing wrong with the grammar", () => {
  expect(() => new DlParser({ validate: true })).not.toThrow();
});

test("the reference has one heading per rule, and no other", () => {
  expect([...examples.keys()].sort()).toEqual([...rules].sort());
});

describe("the example of a rule parses and uses it", () => {
  test.each(rules)("%s", (rule) => {
    const { tokens, problems } = tokenize(examples.get(rule) ?? "");
    const { chunks, problems: unbalanced } = layOut(tokens);
    expect([...problems, ...unbalanced]).toEqual([]);
    const parsed = chunks.map((c) => parseDeclaration(c.tokens));
    expect(parsed.flatMap((p) => p.errors.map((e) => e.message))).toEqual([]);
    expect(parsed.some((p) => p.cst && rulesOf(p.cst).has(rule))).toBe(true);
  });
});

test("cst.generated.ts is what the grammar generates", async () => {
  await expect(generateCstTypes()).toMatchFileSnapshot(file("cst.generated.ts"));
});
