/**
 * Damage to programs, and what must hold of anything damaged. Comes in: texts and a seed. Goes out: mutants, each a pure
 * function of its number, and what compiling one came to.
 *
 *     const mutants = mutator(corpus(), 1);
 *     checkMutant(mutants(17))      // { outcome: "rejected", codes: ["E0001"], complaint: undefined, ms: 3 }
 */
import { tokenize } from "../../grammar/lexer.ts";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { errorCodes } from "../../src/support/codes.ts";
import { type Diagnostic, UserError } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import { positionOf, type Source } from "../../src/support/span.ts";
import type { CorpusText } from "./corpus.ts";

/** A damaged text and how it came about. */
export interface Mutant {
  readonly number: number;
  /** Where the text came from, and the kinds of damage. */
  readonly from: string;
  readonly text: string;
}

/** What compiling a mutant came to. `complaint` says what must not happen. */
export interface Verdict {
  readonly outcome: "accepted" | "rejected" | "no program";
  readonly codes: readonly string[];
  readonly complaint: string | undefined;
  readonly ms: number;
}

/** A stream of whole numbers below a bound (mulberry32). */
export function chooser(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

type Choose = (below: number) => number;
/** One kind of damage: a text, the pieces of all texts, and chance. */
type Damage = (text: string, pieces: readonly string[], choose: Choose) => string;

/** A text as pieces: each token, and the blanks and comments between them, so that joining gives the text. */
function piecesOf(text: string): string[] {
  const out: string[] = [];
  let at = 0;
  for (const t of tokenize(text).tokens) {
    if (t.startOffset > at) out.push(text.slice(at, t.startOffset));
    out.push(text.slice(t.startOffset, (t.endOffset ?? t.startOffset) + 1));
    at = (t.endOffset ?? t.startOffset) + 1;
  }
  return at < text.length ? [...out, text.slice(at)] : out;
}

/** Damage to the list of pieces. */
const onPieces = (change: (parts: string[], at: number, pieces: readonly string[], choose: Choose) => void): Damage => (text, pieces, choose) => {
  const parts = piecesOf(text);
  if (parts.length === 0) return text;
  change(parts, choose(parts.length), pieces, choose);
  return parts.join("");
};

const pick = (list: readonly string[], choose: Choose): string => list[choose(list.length)] ?? "";
const strange = ["\0", "\u202e", "\u200b", "\ufeff", "😀", "²", "ᵀ", "−", "\ud800", "é", "e\u0301", "µ", "ϵ", "∇", "·", "←", "`", "$", "\\", "\"", "'", "\t", "\r", "\u2028", "1e999", "9007199254740993", "0.", "..", "__proto__", "constructor"];

const damages: Readonly<Record<string, Damage>> = {
  "delete token": onPieces((parts, at, _pieces, choose) => void parts.splice(at, 1 + choose(3))),
  "double token": onPieces((parts, at) => void parts.splice(at, 0, parts[at] ?? "")),
  "swap tokens": onPieces((parts, at, _pieces, choose) => {
    const other = choose(2) === 0 ? Math.min(parts.length - 1, at + 2) : choose(parts.length);
    [parts[at], parts[other]] = [parts[other] ?? "", parts[at] ?? ""];
  }),
  "insert token": onPieces((parts, at, pieces, choose) => void parts.splice(at, 0, pick(pieces, choose))),
  "replace token": onPieces((parts, at, pieces, choose) => void parts.splice(at, 1, pick(pieces, choose))),
  "replace name": onPieces((parts, at, _pieces, choose) => {
    // Another word of the same text: what is most likely to pass the grammar and to fail later.
    const words = parts.flatMap((p, k) => (/^[\p{L}\d]/u.test(p) ? [k] : []));
    const place = words[choose(Math.max(1, words.length))] ?? at;
    parts[place] = parts[words[choose(Math.max(1, words.length))] ?? at] ?? "";
  }),
  "replace number": onPieces((parts, _at, _pieces, choose) => {
    const numbers = parts.flatMap((p, k) => (/^\d/.test(p) ? [k] : []));
    const place = numbers[choose(Math.max(1, numbers.length))];
    if (place !== undefined) parts[place] = pick(["0", "1", "2", "3", "7", "1.5", "1e-30", "1e30", "-1", "65", "100000", "4294967296", "9007199254740993"], choose);
  }),
  "delete line": (text, _pieces, choose) => {
    const lines = text.split("\n");
    lines.splice(choose(lines.length), 1);
    return lines.join("\n");
  },
  "double line": (text, _pieces, choose) => {
    const lines = text.split("\n");
    const at = choose(lines.length);
    lines.splice(choose(lines.length), 0, lines[at] ?? "");
    return lines.join("\n");
  },
  noise: (text, _pieces, choose) => {
    const bytes = new TextEncoder().encode(text);
    for (let k = choose(4); k >= 0 && bytes.length > 0; k--) bytes[choose(bytes.length)] = choose(256);
    return new TextDecoder().decode(bytes);
  },
  "strange text": (text, _pieces, choose) => {
    const at = choose(text.length + 1);
    return text.slice(0, at) + pick(strange, choose) + text.slice(at);
  },
  truncate: (text, _pieces, choose) => text.slice(0, choose(text.length + 1)),
  splice: (text, pieces, choose) => {
    const at = choose(text.length + 1);
    const start = choose(Math.max(1, pieces.length - 60));
    return text.slice(0, at) + pieces.slice(start, start + choose(60)).join("") + (choose(2) === 0 ? text.slice(at) : "");
  },
  nest: (text, _pieces, choose) => {
    const at = choose(text.length + 1);
    return text.slice(0, at) + pick(["(", "[", "{", "-", "not ", "sum[i] ", "f(", "cases {", "x^"], choose).repeat(1 + choose(300)) + text.slice(at);
  },
};

/** Mutants of texts, by number. */
export function mutator(texts: readonly CorpusText[], seed: number): (number: number) => Mutant {
  const pieces = texts.flatMap(({ text }) => piecesOf(text));
  const kinds = Object.entries(damages);
  // What passes the grammar gets further: half of the damage replaces names and numbers in programs that have a model.
  const deep = kinds.filter(([kind]) => kind.startsWith("replace") || kind === "delete line" || kind === "swap tokens");
  const models = texts.filter(({ text }) => /^model /m.test(text));
  return (number) => {
    const choose = chooser(Math.imul(seed, 0x9e3779b1) + number);
    const isDeep = choose(2) === 0;
    const among = isDeep ? models : texts;
    const base = among[choose(among.length)] ?? { path: "", text: "" };
    const used: string[] = [];
    let { text } = base;
    const chosen = isDeep ? deep : kinds;
    for (let k = isDeep ? choose(2) : choose(3); k >= 0; k--) {
      const [kind, damage] = chosen[choose(chosen.length)] ?? ["", (t: string) => t];
      used.push(kind);
      text = damage(text, pieces, choose);
    }
    return { number, from: `${base.path}: ${used.join(", ")}`, text };
  };
}

const known: ReadonlySet<string> = new Set(errorCodes.map((c) => c.code));

/** What is wrong with how something is reported: a place that is none, a code that no page explains. */
function badDiagnostic(d: Diagnostic, source: Source): string | undefined {
  if (!known.has(d.code)) return `no page explains ${d.code}`;
  if (!d.span) return `${d.code} has no place: ${d.message}`;
  if (d.span.start > d.span.end || d.span.end > d.span.source.text.length) return `${d.code} lies outside of the text`;
  const { line, column } = positionOf(d.span.source, d.span.start);
  if (!(line >= 1 && column >= 1)) return `${d.code} is at ${line}:${column}`;
  // What goes wrong inside the library was called for by a line of the user's.
  if (d.span.source !== source && !d.related?.some((r) => r.span.source === source)) return `${d.code} points into ${d.span.source.path} alone: ${d.message}`;
  return undefined;
}

/** Compiles down to device code; a user error on the way is an answer, anything else is thrown. */
function lowerAll(program: CompiledProgram): void {
  const batch = program.info.batch;
  for (const entry of program.entries) {
    try {
      program.lower(entry, { capacity: batch === undefined ? {} : { [batch]: 4 }, profile: profiles.software });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
}

/** Compiles a mutant and judges the answer. */
export function checkMutant({ text }: Mutant): Verdict {
  const source = { path: "mutant.dl", text };
  const start = performance.now();
  const verdict = (outcome: Verdict["outcome"], codes: readonly string[], complaint?: string): Verdict => ({ outcome, codes, complaint, ms: performance.now() - start });
  try {
    const { diagnostics, programs } = compile(source);
    const errors = diagnostics.filter((d) => d.severity === "error");
    const codes = diagnostics.map((d) => d.code);
    const bad = diagnostics.map((d) => badDiagnostic(d, source)).find((b) => b !== undefined);
    if (bad !== undefined) return verdict("rejected", codes, bad);
    const report = renderReport(diagnostics);
    if (/undefined|NaN|\[object/.test(report.replaceAll(text, "")) && !/undefined|NaN|\[object/.test(text)) return verdict("rejected", codes, `a report says ${report}`);
    if (errors.length > 0 && !/^mutant\.dl:\d+:\d+/m.test(report)) return verdict("rejected", codes, `no place in the report:\n${report}`);
    if (errors.length > 0) return verdict("rejected", codes);
    for (const program of programs) lowerAll(program);
    return verdict(programs.length > 0 ? "accepted" : "no program", codes);
  } catch (error) {
    return verdict("rejected", [], `crash: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
