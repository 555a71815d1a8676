/**
 * One mistake, one error. What could not be read is missing in the tree, and what is missing shows as further errors: a
 * name that the unreadable line would have bound, a block without its `return`. Comes in: everything that was reported.
 * Goes out: the same without what only repeats an error of syntax.
 *
 *     y = x * * 2       expected an expression …
 *     z = y + 1         (not: nothing is called `y` here)
 */
import type { Diagnostic } from "../support/diagnostic.ts";
import { lineText, positionOf, type Source } from "../support/span.ts";

const isSyntax = (d: Diagnostic): boolean => d.code.startsWith("E00");
/** What a missing declaration or binding looks like. */
const ofMissing: ReadonlySet<string> = new Set(["E0101", "E0103", "E0307", "E0404", "E0407", "E0503"]);

/** Leaves out errors that an error of syntax explains. */
export function withoutEchoes(list: readonly Diagnostic[]): readonly Diagnostic[] {
  const broken = new Map<Source, Broken>();
  for (const d of list) {
    if (!isSyntax(d) || !d.span || d.severity !== "error") continue;
    const { source, start } = d.span;
    const at = broken.get(source) ?? { lines: new Set<number>(), words: new Set<string>(), places: [], nameless: Number.POSITIVE_INFINITY };
    broken.set(source, at);
    const { line } = positionOf(source, start);
    at.places.push(start);
    if (/^[=:]/.test(source.text.slice(start, start + 1))) at.nameless = Math.min(at.nameless, start);
    if (at.lines.has(line)) continue;
    at.lines.add(line);
    for (const [word] of lineText(source, line).slice(0, longestLine).matchAll(/[\p{XID_Start}_][\p{XID_Continue}]*/gu)) at.words.add(word);
  }
  return list.filter((d) => {
    const { span } = d;
    // Two bindings of one name own their parameters and draws under one path: that is the one mistake.
    if (d.code === "E0105" && span) return !list.some((o) => o.code === "E0102" && o.span?.source === span.source && positionOf(span.source, o.span.start).line === positionOf(span.source, span.start).line);
    const at = span && broken.get(span.source);
    if (!at || !span || isSyntax(d) || d.severity !== "error") return true;
    if (at.lines.has(positionOf(span.source, span.start).line)) return false;
    if (at.places.some((p) => span.start <= p && p < span.end)) return false;
    if (d.code === "E0404" && at.words.has("model")) return false;
    // A binding without its name, an argument of what could not be read, a key of the block whose value is missing.
    if (d.code === "E0101" && (at.nameless < span.start || d.label === "unknown input")) return false;
    if (d.code === "E0106" && namesIn(d.message).some((name) => at.words.has(name))) return false;
    if (d.code === "E0403" && at.words.has(/^\w+/.exec(d.hint ?? "")?.[0] ?? "")) return false;
    return !(ofMissing.has(d.code) && at.words.has(span.source.text.slice(span.start, span.end).replace(/\W.*$/su, "")));
  });
}

/** Where a file could not be read. */
interface Broken {
  readonly lines: Set<number>;
  /** What is said on those lines. */
  readonly words: Set<string>;
  readonly places: number[];
  /** From here on a name may be missing that nobody wrote. */
  nameless: number;
}

/** The names that a message speaks of. */
function namesIn(text = ""): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? "");
}

/** No line that a person wrote is longer; of others the beginning is enough. */
const longestLine = 10_000;
