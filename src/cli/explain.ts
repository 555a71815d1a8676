/**
 * `nabla explain`: what an error code means. Comes in: a code, or nothing for the list. Goes out: the explanation on
 * standard output; with --markdown the page of all codes, which is docs/errors.md.
 *
 *     nabla explain E0203
 */
import { errorCodes, printErrorCode, printErrorPage } from "../support/codes.ts";
import { suggest } from "../support/suggest.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import type { CommonOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface ExplainOptions extends CommonOptions {
  readonly markdown?: boolean;
}

/** `e203`, `E0203` and `203` are one code; errors are meant where no letter says. */
function canonical(code: string): string {
  const [, letter = "", digits = ""] = /^([A-Za-z]?)0*(\d{1,4})$/.exec(code.trim()) ?? [];
  return digits === "" ? code.trim().toUpperCase() : `${(letter || "E").toUpperCase()}${digits.padStart(4, "0")}`;
}

/** Runs the command and gives the exit status. */
export async function explain(terminal: Terminal, { json, markdown }: ExplainOptions, code?: string): Promise<number> {
  const wanted = code === undefined ? errorCodes : errorCodes.filter((entry) => entry.code === canonical(code));
  if (wanted.length === 0) {
    const near = suggest(canonical(code ?? ""), errorCodes.map((entry) => entry.code));
    throw new CommandError(`there is no error code '${code}'`, near === undefined ? "nabla explain lists them all" : `did you mean ${near}? nabla explain lists them all`);
  }
  if (json) terminal.out(`${JSON.stringify(wanted, null, 2)}\n`);
  else if (markdown) terminal.out(printErrorPage(wanted));
  else if (code === undefined) for (const entry of wanted) terminal.out(`${entry.code}  ${entry.title}\n`);
  else for (const entry of wanted) terminal.out(printErrorCode(entry));
  return exitCodes.ok;
}
