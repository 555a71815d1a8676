/**
 * Programs that must fail, each with its whole report beside it. A changed report shows up as a difference to read;
 * `npx vitest run test/errors -u` accepts it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import { parse } from "../../src/syntax/parse.ts";

const folder = new URL(".", import.meta.url);
const names = readdirSync(folder).filter((n) => n.endsWith(".dl"));

describe("reports", () => {
  it.each(names)("%s", async (name) => {
    const diagnostics = new Diagnostics();
    const file = parse({ path: name, text: readFileSync(new URL(name, folder), "utf8") }, diagnostics);
    expect(check(file, {}, diagnostics)).toBeUndefined();
    expect(diagnostics.hasErrors).toBe(true);
    await expect(renderReport(diagnostics.list)).toMatchFileSnapshot(name.replace(/\.dl$/, ".txt"));
  });
});
