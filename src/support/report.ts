/**
 * Diagnostics as text for people. Comes in: diagnostics, how to paint. Goes out: one string; the core never prints.
 *
 *     net.dl:12:7 - error E0203: 3 and 4 cannot be multiplied
 *
 *       12 |   h = a @ b
 *          |       ^ [N, 3]
 *          |           - [4, 2]
 *       help: transpose the second
 *
 *     1 error
 *
 * Invariants: carets stand under what they mean, whatever the width of the characters before them; no control
 * character of the source or of a message reaches the terminal; a line of any length takes one row.
 */
import type { Diagnostic, Label } from "./diagnostic.ts";
import { lineText, positionOf, type Span } from "./span.ts";

/** What a piece of a report is. */
export type ReportStyle = "error" | "warning" | "dim" | "bold" | "hint";

/** Wraps a piece of text in colours. */
export type Paint = (style: ReportStyle, text: string) => string;

/** How to show a report. */
export interface ReportOptions {
  /** True: ANSI colours; a function: whatever it makes of each piece; otherwise plain. */
  readonly color?: boolean | Paint;
  /** How many diagnostics to show in full; the others are counted. */
  readonly max?: number;
  /** Cells of a source line that are shown at most. */
  readonly width?: number;
}

const ansiCodes: Readonly<Record<ReportStyle, readonly [open: number, close: number]>> = {
  error: [31, 39], warning: [33, 39], dim: [2, 22], bold: [1, 22], hint: [36, 39],
};
const ansi: Paint = (style, text) => `\u001b[${ansiCodes[style][0]}m${text}\u001b[${ansiCodes[style][1]}m`;
const plain: Paint = (_style, text) => text;

/** Renders diagnostics with their source lines and a last line that counts them; nothing for none. */
export function renderReport(diagnostics: readonly Diagnostic[], { color = false, max = 50, width = 100 }: ReportOptions = {}): string {
  if (diagnostics.length === 0) return "";
  const paint = typeof color === "function" ? color : color ? ansi : plain;
  const parts = diagnostics.slice(0, max).map((d) => renderDiagnostic(d, paint, width));
  const more = diagnostics.length - parts.length;
  if (more > 0) parts.push(paint("dim", `… and ${more} more`));
  return `${[...parts, countLine(diagnostics, paint)].join("\n\n")}\n`;
}

function countLine(diagnostics: readonly Diagnostic[], paint: Paint): string {
  const count = (severity: Diagnostic["severity"]): readonly string[] => {
    const n = diagnostics.filter((d) => d.severity === severity).length;
    return n === 0 ? [] : [paint(severity, `${n} ${severity}${n === 1 ? "" : "s"}`)];
  };
  return [...count("error"), ...count("warning")].join(", ");
}

function renderDiagnostic(d: Diagnostic, paint: Paint, width: number): string {
  const place = d.span && positionOf(d.span.source, d.span.start);
  const where = d.span && place ? `${paint("bold", `${clean(d.span.source.path)}:${place.line}:${place.column}`)} - ` : "";
  const kind = paint(d.severity, d.unsupported && !d.message.includes("not supported yet") ? `${d.severity} ${d.code} (not supported yet)` : `${d.severity} ${d.code}`);
  const lines = [`${where}${kind}: ${clean(d.message)}`];
  const frames = framesOf(d, width);
  if (frames.length > 0) lines.push("");
  const gutter = Math.max(0, ...frames.map((f) => String(f.line).length));
  for (const frame of frames) {
    if (frame.file !== undefined) lines.push(`  ${paint("dim", `in ${frame.file}`)}`);
    lines.push(`  ${paint("dim", `${String(frame.line).padStart(gutter)} |`)} ${frame.text}`.trimEnd());
    for (const mark of frame.marks) {
      const signs = (mark.primary ? "^" : "-").repeat(mark.length);
      const label = mark.label === "" ? signs : `${signs} ${clean(mark.label)}`;
      lines.push(`  ${paint("dim", `${" ".repeat(gutter)} |`)} ${" ".repeat(mark.column)}${paint(mark.primary ? d.severity : "dim", label)}`);
    }
  }
  if (d.hint !== undefined) lines.push(`  ${paint("hint", "help:")} ${clean(d.hint)}`);
  return lines.join("\n");
}

/** A source line with what is marked on it. */
interface Frame {
  /** Named when it is not the file of the primary span. */
  readonly file?: string;
  readonly line: number;
  readonly text: string;
  readonly marks: readonly Mark[];
}

/** Columns and lengths in terminal cells. */
interface Mark {
  readonly column: number;
  readonly length: number;
  readonly label: string;
  readonly primary: boolean;
}

/** One frame per line that takes part: the primary one first, then the others in their order. */
function framesOf(d: Diagnostic, width: number): readonly Frame[] {
  if (!d.span) return [];
  const labels: readonly (Label & { readonly primary: boolean })[] = [
    { span: d.span, text: d.label ?? "", primary: true },
    ...(d.related ?? []).map((r) => ({ ...r, primary: false })),
  ];
  const groups: { readonly key: string; readonly labels: (typeof labels)[number][] }[] = [];
  for (const label of labels) {
    const { line } = positionOf(label.span.source, label.span.start);
    // Marks far apart on a long line do not fit one window.
    const long = lineText(label.span.source, line).length > width;
    const key = long ? `${groups.length}` : `${label.span.source.path}:${line}`;
    const group = groups.find((g) => g.key === key);
    if (group) group.labels.push(label);
    else groups.push({ key, labels: [label] });
  }
  return groups.flatMap((group) => {
    const [first] = group.labels;
    if (!first) return [];
    const { source } = first.span;
    const { line, column } = positionOf(source, first.span.start);
    const window = windowOf(lineText(source, line), column - 1, width);
    const lineStart = first.span.start - (column - 1);
    const marks = group.labels.map((l): Mark => {
      const start = window.cell(l.span.start - lineStart);
      const end = window.cell(l.span.end - lineStart);
      return { column: start, length: Math.max(1, end - start), label: `${l.text}${reach(l.span)}`.trim(), primary: l.primary };
    });
    return [{ line, text: window.text, marks, ...(source !== d.span?.source && { file: clean(source.path) }) }];
  });
}

/** Says where a span over several lines ends, since its first line alone is shown. */
function reach({ source, start, end }: Span): string {
  const [first, last] = [positionOf(source, start).line, positionOf(source, Math.max(start, end - 1)).line];
  return first === last ? "" : ` … to line ${last}`;
}

/** The part of a line that is shown, and where its characters stand in cells. */
interface Window {
  readonly text: string;
  /** The cell of a UTF-16 offset into the line. */
  readonly cell: (offset: number) => number;
}

const tabWidth = 4;

/** Shows the line around `offset`; what is cut off becomes `…`. */
function windowOf(line: string, offset: number, width: number): Window {
  const long = line.length > width;
  let from = long ? Math.max(0, offset - Math.floor(width / 3)) : 0;
  if (/[\udc00-\udfff]/.test(line.charAt(from))) from--;
  const cells = new Map<number, number>();
  let text = from > 0 ? "…" : "";
  let column = text.length;
  let at = from;
  for (; at < line.length && column < width; ) {
    const char = String.fromCodePoint(line.codePointAt(at) ?? 32);
    for (let i = 0; i < char.length; i++) cells.set(at + i, column);
    const shown = char === "\t" ? " ".repeat(tabWidth - (column % tabWidth)) : clean(char);
    text += shown;
    column += char === "\t" ? shown.length : cellsOf(char);
    at += char.length;
  }
  if (at < line.length) text += "…";
  return { text, cell: (o) => (o < from ? 0 : (cells.get(o) ?? column)) };
}

const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const unseen = /^[\p{M}\u200b-\u200d\u2060\ufeff]$/u;

/** How many cells of a terminal a character takes. */
function cellsOf(char: string): number {
  return unseen.test(char) ? 0 : wide.test(char) ? 2 : 1;
}

const hostile = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const loneSurrogate = /\p{Cs}/gu;

/** A text without characters that steer a terminal or turn its direction. */
function clean(text: string): string {
  return text.replace(hostile, "\ufffd").replace(loneSurrogate, "\ufffd");
}
