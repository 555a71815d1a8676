/** What `nabla check` would report of a text: every stage's diagnostics, device code for the baseline included. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type CompiledProgram, compile } from "../../src/compile.ts";
import { targetOf } from "../../src/cli/target.ts";
import { type Diagnostic, UserError } from "../../src/support/diagnostic.ts";
import type { Source } from "../../src/support/span.ts";

const folder = new URL(".", import.meta.url);

/** `# set a=1 b=text` on the first line. */
function settingsOf(text: string): Record<string, number | string> {
  const line = /^# set (.*)/.exec(text)?.[1] ?? "";
  return Object.fromEntries(line.split(/\s+/).filter((w) => w.includes("=")).map((word) => {
    const [key = "", value = ""] = word.split("=");
    return [key, Number.isNaN(Number(value)) ? value : Number(value)];
  }));
}

/** Compiles and lowers. */
export function reportOf(source: Source): readonly Diagnostic[] {
  const use = (path: string): Source | undefined => {
    const url = new URL(path, folder);
    return existsSync(url) ? { path, text: readFileSync(url, "utf8") } : undefined;
  };
  const useNames = (path: string): string[] => readdirSync(new URL(".", new URL(path, folder))).filter((n) => n.endsWith(".dl"));
  const { diagnostics, programs } = compile(source, { set: settingsOf(source.text), use, useNames });
  return [...diagnostics, ...programs.flatMap(misfits)];
}

function misfits(program: CompiledProgram): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const entry of program.entries) {
    try {
      program.lower(entry, targetOf(program));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      found.set(`${error.diagnostic.code} ${error.diagnostic.span?.start ?? ""}`, error.diagnostic);
    }
  }
  return [...found.values()];
}
