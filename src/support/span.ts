/**
 * Where a piece of source text lies. A span is two UTF-16 offsets into a source; line and column are
 * computed only when something is printed, so spans are cheap to make and to carry through every stage.
 *
 *     spanOf(source, 4, 9)   // the five characters at offsets 4..9
 */

/** One `.dl` text: what the user calls it and what it says. */
export interface Source {
  /** The name shown in messages: a relative path, `std/losses.dl`, or `<input>`. */
  readonly path: string;
  readonly text: string;
}

/** A half-open range of UTF-16 offsets in one source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** The span from `start` to `end` (exclusive) in `source`. */
export function spanOf(source: Source, start: number, end: number): Span {
  return { source, start, end };
}

/** The smallest span that covers both; both must lie in one source, else the first is returned. */
export function cover(a: Span, b: Span): Span {
  if (a.source !== b.source) return a;
  return { source: a.source, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

/** A 1-based line and column (in UTF-16 units). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const lineStarts = new WeakMap<Source, readonly number[]>();

function startsOf(source: Source): readonly number[] {
  const known = lineStarts.get(source);
  if (known) return known;
  const starts = [0];
  for (let i = source.text.indexOf("\n"); i >= 0; i = source.text.indexOf("\n", i + 1)) starts.push(i + 1);
  lineStarts.set(source, starts);
  return starts;
}

/** The line and column of an offset, by binary search over the line starts. */
export function positionOf(source: Source, offset: number): Position {
  const starts = startsOf(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}

/** The text of a 1-based line, without its line break. */
export function lineText(source: Source, line: number): string {
  const starts = startsOf(source);
  const start = starts[line - 1] ?? source.text.length;
  const end = starts[line] ?? source.text.length + 1;
  return source.text.slice(start, end - 1).replace(/\r$/, "");
}
