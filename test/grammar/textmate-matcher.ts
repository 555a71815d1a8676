/**
 * As much of a TextMate tokeniser as the grammar uses: line by line, at each place the first pattern that matches earliest,
 * `captures` and `begin`/`end` with patterns inside. Comes in: patterns and a text. Goes out: the innermost scope of each
 * character.
 *
 *     scopesOf(patterns, "a = 1")[4]   // "constant.numeric.dl"
 */
import type { TextMatePattern } from "../../grammar/textmate.ts";

interface Found {
  readonly pattern: TextMatePattern;
  readonly match: RegExpExecArray;
}

const compiled = new Map<string, RegExp>();

function search(expression: string, line: string, from: number): RegExpExecArray | null {
  const regex = compiled.get(expression) ?? new RegExp(expression, "dgu");
  compiled.set(expression, regex);
  regex.lastIndex = from;
  return regex.exec(line);
}

/** The scope of each character of a text; "" where nothing matches. */
export function scopesOf(patterns: readonly TextMatePattern[], text: string): readonly string[] {
  const scopes: string[] = Array.from({ length: text.length }, () => "");
  const paint = (from: number, to: number, scope: string | undefined): void => {
    if (scope !== undefined) scopes.fill(scope, from, to);
  };
  let start = 0;
  for (const line of text.split("\n")) {
    let at = 0;
    while (at <= line.length) {
      const best = earliest(patterns, line, at);
      if (!best) break;
      const { pattern, match } = best;
      let end = match.index + match[0].length;
      paint(start + match.index, start + end, pattern.name);
      for (const [group, { name }] of Object.entries(pattern.captures ?? {})) {
        const [from, to] = match.indices?.[Number(group)] ?? [0, 0];
        paint(start + from, start + to, name);
      }
      if (pattern.begin !== undefined) end = inside(pattern, line, end, (from, to, scope) => paint(start + from, start + to, scope));
      at = end > at ? end : at + 1;
    }
    start += line.length + 1;
  }
  return scopes;
}

function earliest(patterns: readonly TextMatePattern[], line: string, at: number): Found | undefined {
  let best: Found | undefined;
  for (const pattern of patterns) {
    const match = search(pattern.match ?? pattern.begin ?? "", line, at);
    if (match && (!best || match.index < best.match.index)) best = { pattern, match };
  }
  return best;
}

/** Paints from behind a `begin` to its `end`; gives where that is. */
function inside(pattern: TextMatePattern, line: string, from: number, paint: (from: number, to: number, scope: string | undefined) => void): number {
  for (let at = from; ; ) {
    const end = search(pattern.end ?? "$", line, at);
    const inner = earliest(pattern.patterns ?? [], line, at);
    if (!end || !inner || end.index <= inner.match.index) {
      const to = end ? end.index + end[0].length : line.length;
      paint(at, to, pattern.name);
      return to;
    }
    paint(at, inner.match.index, pattern.name);
    at = inner.match.index + inner.match[0].length;
    paint(inner.match.index, at, inner.pattern.name);
  }
}
