/**
 * Shows diagnostics: as a report for people on standard error, or as one JSON document on standard output.
 *
 *     reportDiagnostics(compilation.diagnostics, terminal, false);
 */
import type { Diagnostic } from "../support/diagnostic.ts";
import { renderReport } from "../support/report.ts";
import { positionOf, type Span } from "../support/span.ts";
import type { Terminal } from "./terminal.ts";

function placeOf(span: Span | undefined): object {
  if (!span) return {};
  return { file: span.source.path, range: { start: positionOf(span.source, span.start), end: positionOf(span.source, span.end) } };
}

/** The document that `--json` prints. `outputs` are the files written. */
export function jsonDocument(diagnostics: readonly Diagnostic[], more: Readonly<Record<string, unknown>> = {}): string {
  const shown = diagnostics.map(({ code, severity, message, span, label, related, hint, unsupported }) => ({
    ...placeOf(span),
    severity,
    code,
    message,
    ...(label === undefined ? {} : { label }),
    related: (related ?? []).map((r) => ({ ...placeOf(r.span), message: r.text })),
    ...(hint === undefined ? {} : { hint }),
    ...(unsupported ? { unsupported } : {}),
  }));
  const ok = diagnostics.every((d) => d.severity !== "error");
  return `${JSON.stringify({ version: 1, ok, diagnostics: shown, ...more }, null, 2)}\n`;
}

/** Prints them all; nothing for people when there are none. */
export function reportDiagnostics(diagnostics: readonly Diagnostic[], terminal: Terminal, json: boolean): void {
  if (json) terminal.out(jsonDocument(diagnostics));
  else if (diagnostics.length > 0) terminal.err(renderReport(diagnostics, { color: terminal.color }));
}
