/**
 * All error codes with their explanations, and how they are printed. Comes in: the records of the families. Goes out:
 * text for a terminal, or the page docs/errors.md.
 *
 *     printErrorCode(errorCodes[0])
 */
import { dataCodes } from "./codes/data.ts";
import type { ErrorCode } from "./codes/error-code.ts";
import { machineCodes } from "./codes/machine.ts";
import { nameCodes } from "./codes/names.ts";
import { objectiveCodes } from "./codes/objectives.ts";
import { shapeCodes } from "./codes/shapes.ts";
import { syntaxCodes } from "./codes/syntax.ts";
import { warningCodes } from "./codes/warnings.ts";
import { Writer } from "./text.ts";

/** Every code that a diagnostic can carry, in order. */
export const errorCodes: readonly ErrorCode[] = [...syntaxCodes, ...nameCodes, ...shapeCodes, ...objectiveCodes, ...dataCodes, ...machineCodes, ...warningCodes];

/** The families, by the first three characters of a code. */
const families: readonly (readonly [prefix: string, title: string])[] = [
  ["E00", "Syntax"],
  ["E01", "Names"],
  ["E02", "Shapes, sizes and types"],
  ["E03", "Roles, losses and gradients"],
  ["E04", "Train blocks"],
  ["E05", "Data"],
  ["E06", "The machine"],
  ["E07", "Files"],
  ["W0", "Warnings"],
];

/** Breaks a text into lines of at most `width` characters. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** One code for a terminal. */
export function printErrorCode({ code, title, text, wrong, right, see = [] }: ErrorCode): string {
  const writer = new Writer().line(`${code}: ${title}`).line();
  for (const line of wrap(text, 88)) writer.line(line);
  for (const [heading, example] of [["Wrong:", wrong], ["Right:", right]] as const) {
    if (example !== undefined) writer.line().line(heading).indent(() => writer.line(example.trimEnd()));
  }
  if (see.length > 0) writer.line().line(`See also ${see.map((other) => `nabla explain ${other}`).join(", ")}.`);
  return writer.text();
}

/** The page of all codes, in Markdown. */
export function printErrorPage(codes: readonly ErrorCode[]): string {
  const writer = new Writer().line("# Error codes").line();
  writer.line("Each diagnostic carries a stable code. This page is printed by `nabla explain --markdown`; `nabla explain E0203` shows one of them.");
  for (const [prefix, title] of families) {
    const family = codes.filter((entry) => entry.code.startsWith(prefix));
    if (family.length === 0) continue;
    writer.line().line(`## ${title}`);
    for (const entry of family) {
      writer.line().line(`### ${entry.code}: ${entry.title}`).line().line(entry.text);
      for (const [heading, example] of [["Wrong:", entry.wrong], ["Right:", entry.right]] as const) {
        if (example !== undefined) writer.line().line(heading).line().line("```dl").line(example.trimEnd()).line("```");
      }
      if (entry.see) writer.line().line(`See also ${entry.see.join(", ")}.`);
    }
  }
  return writer.text();
}
