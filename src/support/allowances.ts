/**
 * Warnings that the text itself allows: a comment at the end of the line they point at, or alone on the lines right
 * above it, names their codes. Comes in: what was reported. Goes out: the same without allowed warnings, and W0104 for a
 * comment that allows nothing, since it would hide the next slip on its line. Errors are never allowed.
 *
 *     r = log(p)    # nabla: allow W0202
 */
import { errorCodes } from "./codes.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { lineText, positionOf, type Source, spanOf } from "./span.ts";
import { suggest } from "./suggest.ts";

const comment = /#\s*nabla:\s*allow\b([^\r\n]*)/g;

/** One code that a comment allows, with its place and the line that it speaks of. */
interface Allowance {
  readonly source: Source;
  readonly code: string;
  readonly start: number;
  readonly line: number;
}

/** What is left to report of a file and those that it uses. */
export function withoutAllowed(diagnostics: readonly Diagnostic[], main: Source): readonly Diagnostic[] {
  const sources = new Set([main, ...diagnostics.flatMap((d) => (d.severity === "warning" && d.span ? [d.span.source] : []))]);
  const allowances = [...sources].flatMap(allowancesOf);
  if (allowances.length === 0) return diagnostics;
  const used = new Set<Allowance>();
  const left = diagnostics.filter((d) => {
    const { span } = d;
    if (d.severity !== "warning" || !span) return true;
    const { line } = positionOf(span.source, span.start);
    const by = allowances.filter((a) => a.source === span.source && a.line === line && a.code === d.code);
    for (const a of by) used.add(a);
    return by.length === 0;
  });
  // With errors, warnings may not have been looked for.
  const failed = diagnostics.some((d) => d.severity === "error");
  const idle = allowances.filter((a) => !used.has(a) && (!failed || !isWarning(a.code)));
  return [...left, ...idle.map(idleWarning)];
}

function allowancesOf(source: Source): readonly Allowance[] {
  return [...source.text.matchAll(comment)].flatMap((match) => {
    const { line } = positionOf(source, match.index);
    const first = match.index + match[0].length - (match[1] ?? "").length;
    return [...(match[1] ?? "").matchAll(/[^\s,;]+/g)].map((word) => ({ source, code: word[0].toUpperCase(), start: first + word.index, line: lineMeant(source, line) }));
  });
}

/** The line itself, or, for a comment alone, the next one that is no comment. */
function lineMeant(source: Source, line: number): number {
  let at = line;
  while (/^\s*#/.test(lineText(source, at))) at++;
  return at;
}

const isWarning = (code: string): boolean => code.startsWith("W") && errorCodes.some((e) => e.code === code);

function idleWarning({ source, code, start }: Allowance): Diagnostic {
  const span = spanOf(source, start, start + code.length);
  const common = { code: "W0104", severity: "warning", span } as const;
  if (isWarning(code)) return { ...common, message: `there is no ${code} on this line to allow`, label: "allows nothing", hint: "delete the comment" };
  const near = suggest(code, errorCodes.flatMap((e) => (e.code.startsWith("W") ? [e.code] : [])));
  const known = errorCodes.some((e) => e.code === code);
  return {
    ...common, message: known ? `${code} is an error, and only warnings can be allowed` : `there is no warning ${code.slice(0, 24)}`, label: known ? "an error" : "unknown code",
    ...(near !== undefined && !known && { hint: `did you mean ${near}?` }),
  };
}
