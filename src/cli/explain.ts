/**
 * `nabla explain`: what an error code means. Comes in: a code, or nothing for the list. Goes out: the explanation on
 * standard output; with --markdown the page of all codes, which is docs/errors.md.
 *
 *     nabla explain E0203
 */
import { errorCodes, printErrorCode, printErrorPage } from "../support/codes.ts";
import { CommandError, exitCodes } from "./exit-code.ts";
import type { CommonOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line may say. */
export interface ExplainOptions extends CommonOptions {
  readonly markdown?: boolean;
}

/** Runs the command and gives the exit status. */
export async function explain(terminal: Terminal, { json, markdown }: ExplainOptions, code?: string): Promise<number> {
  const wanted = code === undefined ? errorCodes : errorCodes.filter((entry) => entry.code === code.toUpperCase());
  if (wanted.length === 0) throw new CommandError(`there is no error code '${code}'`, "nabla explain lists them all");
  if (json) terminal.out(`${JSON.stringify(wanted, null, 2)}\n`);
  else if (markdown) terminal.out(printErrorPage(wanted));
  else if (code === undefined) for (const entry of wanted) terminal.out(`${entry.code}  ${entry.title}\n`);
  else for (const entry of wanted) terminal.out(printErrorCode(entry));
  return exitCodes.ok;
}
