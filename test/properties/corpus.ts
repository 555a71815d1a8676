/**
 * The valid programs that the properties are tried on: everything in `.dl` that this repository ships or shows.
 *
 *     corpus().map((c) => c.path)   // "examples/conv.dl", "src/std/losses.dl", "grammar/dl.md:93", …
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorCodes } from "../../src/support/codes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A program and where it stands. */
export interface CorpusText {
  readonly path: string;
  readonly text: string;
}

/** The files of a folder with an ending, as paths from the root, in order. */
function filesIn(folder: string, ending: string): readonly string[] {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(ending)).sort().map((f) => `${folder}/${f}`);
}

/** One file of the repository. */
export function readFile(path: string): string {
  return readFileSync(root + path, "utf8");
}

/** The `dl` blocks of a page. */
export function blocksOf(path: string): readonly CorpusText[] {
  const page = readFile(path);
  return [...page.matchAll(/^```dl[^\n]*\n([\s\S]*?)^```$/gm)].map((m) => ({ path: `${path}:${page.slice(0, m.index).split("\n").length}`, text: m[1] ?? "" }));
}

/** Whole files: the examples, the library, the golden programs. */
export function files(): readonly CorpusText[] {
  return ["examples", "src/std", "test/golden"].flatMap((folder) => filesIn(folder, ".dl")).map((path) => ({ path, text: readFile(path) }));
}

/** Whole files, what pages show, and what the error codes call right. */
export function corpus(): readonly CorpusText[] {
  // The page of error codes shows what is wrong, too; its right halves come from the records.
  const pages = ["README.md", ...filesIn("grammar", ".md"), ...filesIn("docs", ".md").filter((f) => f !== "docs/errors.md")].flatMap(blocksOf);
  const right = errorCodes.flatMap((c) => (c.right === undefined ? [] : [{ path: `${c.code} right`, text: `${c.right}\n` }]));
  return [...files(), ...pages, ...right];
}
