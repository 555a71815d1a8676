/**
 * The reference says what is true: each of its examples is compiled, refused with the code it names, or evaluated to the
 * value it states; each rule has one; its links lead somewhere.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderReport } from "../../src/support/report.ts";
import { examplesOf, folder, pages, run } from "./examples.ts";
import { libraryPage } from "./library-page.ts";

/** Pages that tell and do not rule. */
const withoutRules: readonly string[] = ["README.md", "library.md"];

describe.each(pages())("%s", (page) => {
  const examples = examplesOf(page);

  test("its examples do what it says", async () => {
    const failures: string[] = [];
    for (const example of examples) {
      const { diagnostics, wrong } = await run(example);
      const where = `${page}:${example.line}`;
      const errors = diagnostics.filter((d) => d.severity === "error");
      const first = errors[0]?.code;
      if (example.mode === "error" ? first !== example.codes[0] : errors.length > 0) failures.push(`${where}: ${example.mode === "error" ? `expected ${example.codes.join(", ")}` : "expected to compile"}\n${renderReport(diagnostics)}`);
      if (example.mode === "warning" && !diagnostics.some((d) => d.code === example.codes[0])) failures.push(`${where}: no warning ${example.codes.join(", ")}\n${renderReport(diagnostics)}`);
      for (const w of wrong) failures.push(`${where}: ${w}`);
    }
    expect(failures.join("\n")).toBe("");
  });

  test("every rule has an example", () => {
    // Comments in examples are no headings.
    const text = readFileSync(folder + page, "utf8").replace(/^```[\s\S]*?^```$/gm, (block) => block.replace(/^#/gm, " #"));
    const sections = [...text.matchAll(/^(#{2,3}) (.+)\n([\s\S]*?)(?=^#{2,3} |(?![\s\S]))/gm)];
    expect(withoutRules.includes(page) || sections.length > 1).toBe(true);
    if (withoutRules.includes(page)) return;
    // A heading that only gathers others has no text of its own.
    const bare = sections.filter(([, , , body]) => body?.trim() !== "" && !/^```dl/m.test(body ?? "")).map(([, , heading]) => heading);
    expect(bare).toEqual([]);
  });

  test("its links lead somewhere", () => {
    const text = readFileSync(folder + page, "utf8").replace(/^```[\s\S]*?^```$/gm, "");
    const broken: string[] = [];
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? folder + page : folder + file;
      const slugs = (): readonly string[] => [...readFileSync(path, "utf8").matchAll(/^#{1,4} (.+)$/gm)].map(([, h = ""]) => h.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-"));
      if (!existsSync(path) || (anchor !== undefined && path.endsWith(".md") && !slugs().includes(anchor))) broken.push(target);
    }
    expect(broken).toEqual([]);
  });
});

test("the first page names all the others", () => {
  const first = readFileSync(`${folder}README.md`, "utf8");
  expect(pages().filter((p) => p !== "README.md" && !first.includes(`](${p})`))).toEqual([]);
});

test("library.md is what the library says of itself", async () => {
  await expect(libraryPage()).toMatchFileSnapshot(`${folder}library.md`);
});

test("there are as many examples as the pages say, and many of them state a value or a code", async () => {
  const all = pages().flatMap(examplesOf);
  const claims = (await Promise.all(all.map(run))).reduce((sum, r) => sum + r.claims, 0);
  expect(all.length).toBeGreaterThan(100);
  expect(claims).toBeGreaterThan(60);
  expect(all.filter((e) => e.mode === "error").length).toBeGreaterThan(30);
});
