/**
 * Holds the house to its plan: who imports whom, what the core may touch, how long files are, what is documented.
 * The second half plants one violation per rule and expects it to be found.
 */
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { rules } from "./architecture/rules.ts";
import { importsOf, listFiles, parseSource, readSources } from "./architecture/source-files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = listFiles(root);
const sources = readSources(root, files);

describe("the repository", () => {
  for (const rule of rules) {
    test(rule.name, () => {
      expect(rule.find(sources)).toEqual([]);
    });
  }

  test("the top level holds only what the plan names, dotfiles and the lock file", () => {
    const allowed = new Set(["package.json", "package-lock.json", "tsconfig.json", "README.md", "LICENSE", "src", "grammar", "kernels", "examples", "test", "docs"]);
    const top = new Set(files.map((f) => f.split("/")[0] ?? ""));
    expect([...top].filter((name) => !allowed.has(name) && !name.startsWith("."))).toEqual([]);
  });

  test("nothing tracked is larger than a megabyte", async () => {
    const sizes = await Promise.all(files.map(async (f) => ({ f, size: (await stat(`${root}/${f}`)).size })));
    expect(sizes.filter((s) => s.size > 1_000_000)).toEqual([]);
  });
});

describe("dependencies", () => {
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as Record<"dependencies" | "devDependencies", Record<string, string>>;
  const nameOf = (target: string): string => target.split("/").slice(0, target.startsWith("@") ? 2 : 1).join("/");

  test("what the sources import is a dependency, not a development one", () => {
    const house = sources.filter((file) => /^(src|grammar|kernels)\//.test(file.path));
    const bare = house.flatMap((file) => importsOf(file).filter((i) => !i.relative && !i.target.startsWith("node:")).map((i) => ({ file: file.path, name: nameOf(i.target) })));
    expect(bare.filter(({ name }) => !(name in manifest.dependencies))).toEqual([]);
    expect(bare.length).toBeGreaterThan(0);
  });

  test("each is pinned, and listed with its version and reason in docs/notes/dependencies.md", () => {
    const notes = readFileSync(`${root}/docs/notes/dependencies.md`, "utf8");
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(all.filter(([name, version]) => !notes.includes(`| \`${name}\` | ${version} |`))).toEqual([]);
  });
});

describe("each rule finds its violation", () => {
  const header = "/** Header. */\n";
  const planted: Readonly<Record<string, readonly [path: string, text: string][]>> = {
    "every source file stands in a room of the plan": [["src/other/a.ts", header]],
    "imports point to the left": [["src/ir/a.ts", `${header}import type { B } from "../graph/b.ts";`]],
    "what bundles carry imports nothing else of ours": [["src/harness/runtime/a.ts", `${header}import { b } from "../../support/b.ts";`]],
    "the core imports no Node built-in and no GPU library": [["src/ir/a.ts", `${header}import * as fs from "node:fs";`]],
    "ts-morph is imported only by src/harness/emit*.ts, and only on demand": [["src/harness/emit.ts", `${header}import { Project } from "ts-morph";`]],
    "the core has no console, process, clock or chance": [["src/ir/a.ts", `${header}const x = Math.random();`]],
    "no module-level let or var": [["src/ir/a.ts", `${header}let count = 0;`]],
    "no import cycles, types included": [["src/ir/a.ts", 'import "./b.ts";'], ["src/ir/b.ts", 'import type { A } from "./a.ts";']],
    "files are at most 500 lines long, tests 700": [["src/ir/a.ts", "\n".repeat(501)]],
    "every file starts with a header comment": [["src/ir/a.ts", "const a = 1;"]],
    "everything that the library exports has a doc comment": [["src/index.ts", `${header}export type { Thing } from "./a.ts";`], ["src/a.ts", 'import "./b.ts";\nexport interface Thing {}']],
    "every exported function, class and constant has a doc comment; the header is the main export's": [["src/ir/a.ts", `${header}export const a = 1;\nexport const b = 2;`]],
    "no any, no silenced type errors, no enum, no namespace": [["src/ir/a.ts", `${header}const a: any = 1;`]],
    "no markers of unfinished work": [["src/ir/a.ts", `${header}// TO${"DO"}: later`]],
    "no test is skipped, focused or empty": [["test/a.test.ts", `${header}test.skip("a", () => {});`]],
    "file names are kebab-case and say something": [["src/ir/utils.ts", header]],
  };

  for (const rule of rules) {
    test(rule.name, () => {
      const cases = planted[rule.name] ?? [];
      expect(rule.find(cases.map(([path, text]) => parseSource(path, text)))).toHaveLength(1);
    });
  }
});
