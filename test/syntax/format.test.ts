/** What we ship is written in the canonical form. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { format } from "../../src/syntax/print-ast.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const shipped = ["examples", "src/std"].flatMap((folder) => readdirSync(root + folder).filter((f) => f.endsWith(".dl")).map((f) => `${folder}/${f}`));

it.each(shipped)("%s is formatted", (path) => {
  const text = readFileSync(root + path, "utf8");
  expect(format({ path, text }, new Diagnostics())).toBe(text);
});
