/**
 * Programs that must fail, each with its whole report beside it. A changed report shows up as a difference to read;
 * `npx vitest run test/errors -u` accepts it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import type { Source } from "../../src/support/span.ts";
import { parse } from "../../src/syntax/parse.ts";

const folder = new URL(".", import.meta.url);
const names = readdirSync(folder).filter((n) => n.endsWith(".dl"));

/** Files that the programs use stand in folders beside them. */
const use = (path: string): Source | undefined => {
  const found = new URL(path, folder);
  return existsSync(found) ? { path, text: readFileSync(found, "utf8") } : undefined;
};
const useNames = (path: string): string[] => readdirSync(new URL(".", new URL(path, folder))).filter((n) => n.endsWith(".dl"));

describe("reports", () => {
  it.each(names)("%s", async (name) => {
    const diagnostics = new Diagnostics();
    const file = parse({ path: name, text: readFileSync(new URL(name, folder), "utf8") }, diagnostics);
    expect(check(file, { use, useNames }, diagnostics)).toBeUndefined();
    expect(diagnostics.hasErrors).toBe(true);
    await expect(renderReport(diagnostics.list)).toMatchFileSnapshot(name.replace(/\.dl$/, ".txt"));
  });
});
