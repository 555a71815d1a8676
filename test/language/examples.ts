/**
 * The examples of the language reference and what each claims. Comes in: the pages of docs/language. Goes out: their `dl`
 * blocks, and what running one gives.
 *
 *     ```dl                    compiles
 *     ```dl error E0203        is refused, and E0203 is the first error
 *     ```dl warning W0101      compiles, with that warning
 *     ```dl model              statements of a model: the test writes `model Example { … }` around them
 *
 * A line of an output, metric or loss that ends in `# = 3` or `# = [1, 2]` claims that value: the test evaluates it in f64.
 * Blocks that come after `file = name.dl` in their first line are files that later blocks of the page may use.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "../../src/compile.ts";
import { openSession } from "../../src/session.ts";
import type { Diagnostic } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/span.ts";

/** Where the pages lie. */
export const folder = fileURLToPath(new URL("../../docs/language/", import.meta.url));

/** One block of a page. */
export interface Example {
  readonly page: string;
  readonly line: number;
  /** The headings it stands under, innermost last. */
  readonly section: string;
  readonly mode: "compiles" | "error" | "warning";
  readonly codes: readonly string[];
  /** What the compiler is given. */
  readonly text: string;
  /** Files that the page has shown before it, by name. */
  readonly files: ReadonlyMap<string, string>;
}

/** Names of the pages. */
export function pages(): readonly string[] {
  return readdirSync(folder).filter((f) => f.endsWith(".md")).sort();
}

/** The examples of a page, in order. */
export function examplesOf(page: string): readonly Example[] {
  const text = readFileSync(folder + page, "utf8");
  const found: Example[] = [];
  const files = new Map<string, string>();
  let section = "";
  for (const match of text.matchAll(/^(#{1,3}) (.+)$|^```dl([^\n]*)\n([\s\S]*?)^```$/gm)) {
    const [, , heading, info = "", body = ""] = match;
    if (heading !== undefined) {
      section = heading;
      continue;
    }
    const words = info.trim().split(/\s+/).filter((w) => w !== "");
    const named = /^# file = (\S+)\n/.exec(body)?.[1];
    if (named !== undefined) files.set(named, body);
    const mode = words.includes("error") ? "error" : words.includes("warning") ? "warning" : "compiles";
    found.push({
      page, line: text.slice(0, match.index).split("\n").length, section, mode, codes: words.filter((w) => /^[EW]\d{4}$/.test(w)),
      text: words.includes("model") ? `model Example {\n${body}}\n` : body, files: new Map(files),
    });
  }
  return found;
}

/** What compiling an example gives, and the claims about values that do not hold. */
export async function run(example: Example): Promise<{ readonly diagnostics: readonly Diagnostic[]; readonly wrong: readonly string[]; readonly claims: number }> {
  const use = (path: string): Source | undefined => {
    const text = example.files.get(path);
    return text === undefined ? undefined : { path, text };
  };
  const { diagnostics, programs } = compile({ path: `${example.page}`, text: example.text }, { use });
  const wrong: string[] = [];
  const claims = [...example.text.matchAll(/^\s*(?:output|metric|loss)\b\s*([^\s=[]*)[^\n]*# = ([^\n]+)$/gm)];
  const [program] = programs;
  if (claims.length > 0 && program) {
    const session = await openSession(program, { backend: "f64", seed: 1 });
    const values = await session.evaluate();
    session.close();
    for (const [, name = "", claim = ""] of claims) {
      const wanted = (JSON.parse(`[${claim}]`) as unknown[]).flat(8).map(Number);
      const got = Array.from(values[name === "" ? "loss" : name]?.data ?? []);
      const agrees = got.length === wanted.length && got.every((v, k) => Math.abs(v - (wanted[k] ?? Number.NaN)) <= 5e-5 * (1 + Math.abs(v)));
      if (!agrees) wrong.push(`${name} is ${JSON.stringify(got)}, not ${claim}`);
    }
  } else if (claims.length > 0) wrong.push("claims values of a program that does not compile");
  return { diagnostics, wrong, claims: claims.length };
}
