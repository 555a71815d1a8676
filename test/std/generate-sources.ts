/** Writes src/std/sources.generated.ts: `npx tsx test/std/generate-sources.ts`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { printSources } from "../../src/std/print-sources.ts";

const folder = new URL("../../src/std/", import.meta.url);

/** The text that the generated module should have. */
export function generated(): string {
  const names = readdirSync(folder).filter((n) => n.endsWith(".dl"));
  return printSources(names.map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") })));
}

if (process.argv[1]?.endsWith("generate-sources.ts")) writeFileSync(new URL("sources.generated.ts", folder), generated());
