/**
 * What must not change what a program means: other names, another order of what is independent, other line ends, blanks and
 * comments. Each is tried on every program of the repository that compiles, and compared by graphs and by numbers in f64.
 */
import { beforeAll, expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";
import { format } from "../../src/syntax/print-ast.ts";
import { corpus, type CorpusText } from "./corpus.ts";
import { type Meaning, meaningOf } from "./meaning.ts";
import { chooser } from "./mutate.ts";
import { permuted } from "./permute.ts";
import { renamed } from "./rename.ts";
import { commented, respaced } from "./text-changes.ts";

let programs: readonly (CorpusText & { readonly plain: readonly Meaning[]; readonly fixed: readonly Meaning[] })[] = [];

beforeAll(async () => {
  const texts = corpus().filter(({ text }) => /^model /m.test(text) && compile({ path: "t.dl", text }).programs.length > 0);
  programs = await Promise.all(texts.map(async (t) => ({ ...t, plain: await meaningOf(t.text, false), fixed: await meaningOf(t.text, true) })));
}, 300_000);

/** Runs a property on every program and says for which it fails. */
async function onAll(property: (program: (typeof programs)[number]) => Promise<void>): Promise<void> {
  const failures: string[] = [];
  for (const program of programs) {
    try {
      await property(program);
    } catch (error) {
      failures.push(`${program.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  expect(failures).toEqual([]);
}

/** The same numbers; sums that run in another order may round otherwise. */
function expectClose(a: readonly Meaning[], b: readonly Meaning[], what: string): void {
  expect(b.length, what).toBe(a.length);
  for (const [k, { values }] of a.entries()) {
    const others = new Map(b[k]?.values);
    expect([...others.keys()].sort(), what).toEqual(values.map(([name]) => name).sort());
    for (const [name, numbers] of values) {
      const other = others.get(name) ?? [];
      expect(other.length, `${name}: ${what}`).toBe(numbers.length);
      for (const [i, v] of numbers.entries()) expect(Math.abs(v - (other[i] ?? Number.NaN)) <= 1e-11 * (1 + Math.abs(v)), `${name}[${i}]: ${v} is ${other[i]}\n${what}`).toBe(true);
    }
  }
}

it("there are programs to try", () => {
  expect(programs.length).toBeGreaterThan(12);
  expect(programs.flatMap((p) => p.plain.flatMap((m) => m.values)).every(([, v]) => v.every(Number.isFinite))).toBe(true);
});

/** Names that other languages keep for themselves, or that look alike; each is legal here. */
const awkward = ["constructor", "vec4", "while", "await", "NaN", "e\u0301", "fn_", "main", "_", "ζ", "x1", "hasOwnProperty", "f16", "override", "then", "名前", "ñ", "ptr", "script"];

it.each([["plain", (_: string, k: number) => `name${k}`], ["awkward", (name: string, k: number) => `${awkward[k % awkward.length] ?? ""}${k < awkward.length ? "" : k}${name.length > 3 ? "" : "_"}`]])("all names can be others: %s", async (_label, make) => {
  let count = 0;
  await onAll(async ({ text, fixed }) => {
    const other = renamed(text, make);
    count += other.names.size;
    const after = await meaningOf(other.text, true);
    expect(after.map((m) => m.graphs), other.text).toEqual(fixed.map((m) => m.graphs));
    // Names are no part of the comparison; their order is that of the text.
    for (const [k, m] of fixed.entries()) expect(after[k]?.values.map(([, v]) => v), other.text).toEqual(m.values.map(([, v]) => v));
  });
  expect(count).toBeGreaterThan(100);
}, 300_000);

it("independent statements and declarations can stand in any order", async () => {
  let changed = 0;
  await onAll(async ({ text, plain }) => {
    const file = parse({ path: "t.dl", text }, new Diagnostics());
    const other = permuted(file, chooser(text.length));
    if (other !== format({ path: "t.dl", text }, new Diagnostics())) changed++;
    const after = await meaningOf(other, false);
    const byName = (list: readonly Meaning[]): readonly Meaning[] => (list.length < 2 ? list : [...list].sort((a, b) => (JSON.stringify(a.initial) < JSON.stringify(b.initial) ? -1 : 1)));
    for (const [k, m] of byName(plain).entries()) expect(new Map(byName(after)[k]?.initial), other).toEqual(new Map(m.initial));
    expectClose(byName(plain), byName(after), other);
  });
  expect(changed).toBeGreaterThan(20);
}, 300_000);

it("line ends, a byte order mark, blanks, comments and a missing last line break mean nothing", async () => {
  let turn = 0;
  await onAll(async ({ text, plain }) => {
    const all = [text.replaceAll("\n", "\r\n"), text.replaceAll("\n", "\r"), `\ufeff${text}`, text.trimEnd(), text.replaceAll("\n", " \t\n"), respaced(text, chooser(3)), commented(text, chooser(4)), text.normalize("NFD")];
    // Each program is changed in one of the ways, so that each way meets many programs.
    const variant = all[turn] ?? text;
    turn = (turn + 1) % all.length;
    expect(await meaningOf(variant, false), variant).toEqual(plain);
  });
}, 300_000);
