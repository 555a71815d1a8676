/** The examples: each says what it computes, and checks without a word. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";

const folder = new URL("../../examples/", import.meta.url);
const names = readdirSync(folder).filter((n) => n.endsWith(".dl"));

describe("examples", () => {
  it("are there", () => expect(names.length).toBeGreaterThanOrEqual(24));

  it("are all listed, with their data", () => {
    const list = readFileSync(new URL("README.md", folder), "utf8");
    for (const name of names) expect(list).toContain(`(${name})`);
    const data = readFileSync(new URL("data/README.md", folder), "utf8");
    for (const name of readdirSync(new URL("data/", folder)).filter((n) => n !== "README.md")) expect(data).toContain(`\`${name}\``);
  });

  it.each(names)("%s", (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    expect(/^(#.*\n)+/.exec(text)?.[0]).toContain(" = ");
    const diagnostics = new Diagnostics();
    const program = check(parse({ path: name, text }, diagnostics), {}, diagnostics);
    expect(diagnostics.list).toEqual([]);
    expect(program?.models.length).toBeGreaterThan(0);
    for (const model of program?.models ?? []) expect(program?.trains.map((t) => t.model)).toContain(model.name);
  });
});
