/** Every code that the sources can report is explained, every explained code can be reported, and docs/errors.md says it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { errorCodes, printErrorPage } from "../../src/support/codes.ts";
import { listFiles } from "../architecture/source-files.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = listFiles(root).filter((f) => /^(src|grammar|kernels)\/.*\.ts$/.test(f) && !f.startsWith("src/support/codes"));
const used = new Set(files.flatMap((f) => [...readFileSync(`${root}/${f}`, "utf8").matchAll(/"([EW]\d{4})"/g)].map((match) => match[1] ?? "")));

test("codes in use and codes explained are the same", () => {
  const explained = errorCodes.map((entry) => entry.code);
  expect(explained.filter((code, i) => explained.indexOf(code) !== i)).toEqual([]);
  expect([...used].filter((code) => !explained.includes(code)).sort()).toEqual([]);
  expect(explained.filter((code) => !used.has(code))).toEqual([]);
});

test("codes stand in order", () => {
  const codes = errorCodes.map((entry) => entry.code);
  expect(codes).toEqual(codes.toSorted());
});

test("docs/errors.md is the printed page; `npx vitest run --config test/vitest.config.ts test/cli -u` writes it", async () => {
  await expect(printErrorPage(errorCodes)).toMatchFileSnapshot(`${root}/docs/errors.md`);
});

// An example need not be a whole program; it is enough that its own error is among those reported, and is gone when mended.
test.each(errorCodes.filter((entry) => entry.wrong !== undefined))("the example of $code raises it, and the mended one does not", ({ code, wrong = "", right }) => {
  const codesOf = (text: string): readonly string[] => compile({ path: "example.dl", text }).diagnostics.map((d) => d.code);
  expect(codesOf(wrong)).toContain(code);
  if (right !== undefined) expect(codesOf(right)).not.toContain(code);
});

/** Codes of the compiler that no single text shows, and why. */
const withoutExample: ReadonlyMap<string, string> = new Map([
  ["E0014", "a text of a million words"], ["E0104", "an argument of the command line"], ["E0120", "what it names becomes supported"],
  ["E0132", "several files"], ["E0133", "several files"], ["E0134", "a hundred files"], ["E0326", "an option of the command line"], ["E0327", "an option of the command line"],
  ["E0380", "no primitive lacks a gradient rule"], ["E0407", "a command that needs a train block"],
]);

test("each code of the compiler has an example, and all but a few how to mend it", () => {
  const ofCompiler = errorCodes.filter((entry) => /^(E0[0-4]|W)/.test(entry.code));
  expect(ofCompiler.filter((e) => (e.wrong === undefined) !== withoutExample.has(e.code)).map((e) => e.code)).toEqual([]);
  expect(ofCompiler.filter((e) => e.wrong !== undefined && e.right === undefined).map((e) => e.code)).toEqual(["E0322"]);
});

test("codes to see also exist", () => {
  const codes = errorCodes.map((entry) => entry.code);
  expect(errorCodes.flatMap((e) => e.see ?? []).filter((code) => !codes.includes(code))).toEqual([]);
});
