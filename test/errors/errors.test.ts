/**
 * Programs that must be refused or warned of, each with its whole report beside it. A program goes through the whole
 * compiler, device code for the baseline included, so codes of every stage show. A changed report shows up as a
 * difference to read; `npx vitest run --config test/vitest.config.ts test/errors -u` accepts it.
 *
 * A first line `# set depth=3` says what `--set` would; files that the programs use stand in folders beside them. Names that begin with `warn-` hold
 * warnings alone.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { renderReport } from "../../src/support/report.ts";
import { reportOf } from "./report-of.ts";

const folder = new URL(".", import.meta.url);
const names = readdirSync(folder).filter((n) => n.endsWith(".dl"));

describe("reports", () => {
  it.each(names)("%s", async (name) => {
    const diagnostics = reportOf({ path: name, text: readFileSync(new URL(name, folder), "utf8") });
    const severity = name.startsWith("warn-") ? "warning" : "error";
    expect(diagnostics.some((d) => d.severity === severity)).toBe(true);
    if (severity === "warning") expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
    await expect(renderReport(diagnostics)).toMatchFileSnapshot(name.replace(/\.dl$/, ".txt"));
  });
});

describe("what is right is silent", () => {
  const examples = new URL("../../examples/", import.meta.url);
  it.each(readdirSync(examples).filter((n) => n.endsWith(".dl")))("examples/%s", (name) => {
    const text = readFileSync(new URL(name, examples), "utf8");
    const use = (path: string) => {
      const url = new URL(path, examples);
      return existsSync(url) ? { path, text: readFileSync(url, "utf8") } : undefined;
    };
    expect(renderReport(compile({ path: name, text }, { use }).diagnostics)).toBe("");
  });
});
