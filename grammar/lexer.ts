/**
 * Text to tokens, in one pass over the characters. Comes in: the text of a file. Goes out: tokens (newlines among them,
 * `layout.ts` decides which count), comments with their places, and what could not be read.
 *
 * Invariants: never throws; time is linear in the text; each token's image is the text it was read from, and its offsets
 * are UTF-16 offsets into the text; an unreadable character is left out, a misspelt operator (`&&`, `**`) is read as
 * what it means, so that one slip gives one problem.
 *
 *     tokenize("a ← 1").tokens   // Name "a", Arrow "←", Number "1"
 */
import type { IToken, TokenType } from "chevrotain";
import { keywordTypes, reductionWords, reservedWords, symbolTypes, tokenTypes } from "./tokens.ts";

/** What can be wrong with characters. `text` is what stood there, `instead` what may have been meant. */
export interface LexicalProblem {
  readonly kind:
    | "unexpected" | "invisible" | "bidi" | "unterminated string" | "single quotes" | "escape" | "number point" | "number name"
    | "number size" | "spelling" | "superscript" | "subscript" | "transpose" | "mixed letters" | "lookalike" | "host name" | "too large";
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly instead?: string;
}

/** A comment: from `#` to the end of its line. */
export interface Comment {
  readonly start: number;
  readonly end: number;
  /** Without the `#` or `##`, trimmed at the end. */
  readonly text: string;
  /** Written with `##`, as the first thing of its line. */
  readonly doc: boolean;
}

/** The result of `tokenize`. */
export interface Lexed {
  readonly tokens: IToken[];
  readonly comments: readonly Comment[];
  readonly problems: readonly LexicalProblem[];
}

/** More tokens than any program has; a limit keeps time and memory bounded. */
export const maxTokens = 1_000_000;

const nameStart = /[\p{XID_Start}_]/u;
const nameRest = /[\p{XID_Continue}]*/uy;
const number = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const lineRest = /[^\r\n]*/y;
const blank = /[\p{Zs}\t\v\f]+/uy;
const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const allBidi = new RegExp(bidi, "g");
const invisible = /[\u200b-\u200d\u2060\ufeff\u00ad]|\p{Cc}/u;

const reserved = new Set<string>(reservedWords);
const reductions = new Set<string>(reductionWords);

/** Spellings of other languages and of the blackboard: read as `instead`, and reported. */
const misspelt: ReadonlyMap<string, string> = new Map([
  ["&&", "and"], ["||", "or"], ["**", "^"], ["!", "not"], ["−", "-"], ["×", "*"], ["÷", "/"], [":=", "="], ["≔", "="], ["…", "..."],
  ["≡", "=="], ["===", "=="], ["!==", "!="], ["∧", "and"], ["∨", "or"], ["¬", "not"],
]);
const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const subscripts = "₀₁₂₃₄₅₆₇₈₉";
/** Letters that look alike; both of a pair in one file is a warning. */
const lookalikes: readonly (readonly [string, string])[] = [["ε", "ϵ"], ["φ", "ϕ"], ["θ", "ϑ"]];

/** What no object of the programs we write may hold: as a key it changes the object instead. */
const hostNames: ReadonlySet<string> = new Set(["__proto__"]);
/** Letters of other scripts that no font tells from these Latin ones. Greek letters that mathematics tells apart (α and a, ν and v) are none. */
const sameGlyph: ReadonlyMap<string, string> = new Map([
  ..."АВЕКМНОРСТХУІЈЅаеорсухіјѕԁһԛԝ", ..."ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
].map((letter, k) => [letter, "ABEKMHOPCTXYIJSaeopcyxijsdhqwABEZHIKMNOPTYXo".charAt(k)]));
const anyGlyph = new RegExp(`[${[...sameGlyph.keys()].join("")}]`, "u");

/** Words written as one sign. */
const signWords: ReadonlyMap<string, string> = new Map([["∑", "sum"], ["∏", "prod"], ["∇", "grad"], ["π", "pi"]]);

/** The one spelling of a name: NFC, `µ` (micro) as `μ` (mu), `∑ ∏ ∇ π` as words. */
export function canonicalName(image: string): string {
  const name = image.normalize("NFC").replaceAll("\u00b5", "\u03bc");
  return signWords.get(name) ?? name;
}

/** Splits a text into tokens, from a place on. */
export function tokenize(text: string, from = 0): Lexed {
  return new Scanner(text, from).run();
}

class Scanner {
  private readonly text: string;
  private at: number;
  private readonly tokens: IToken[] = [];
  private readonly comments: Comment[] = [];
  private readonly problems: LexicalProblem[] = [];
  /** First place of each look-alike letter. */
  private readonly seen = new Map<string, number>();
  private readonly reported = new Set<string>();
  /** Names by what they look like; kept only where the text holds letters that look like others. */
  private readonly looks: Map<string, { readonly name: string; readonly start: number; readonly end: number }> | undefined;

  constructor(text: string, from: number) {
    this.text = text;
    this.at = from;
    this.looks = anyGlyph.test(text) ? new Map() : undefined;
  }

  run(): Lexed {
    if (this.at === 0 && this.text.startsWith("\ufeff")) this.at = 1;
    while (this.at < this.text.length && this.tokens.length <= maxTokens) this.next();
    if (this.tokens.length > maxTokens) {
      const last = this.tokens.pop();
      this.problem("too large", last?.startOffset ?? 0, last?.startOffset ?? 0);
      this.tokens.length = 0;
    }
    for (const match of this.text.matchAll(allBidi)) this.problem("bidi", match.index, match.index + 1);
    for (const [a, b] of lookalikes) {
      const places = [this.seen.get(a), this.seen.get(b)].filter((p) => p !== undefined);
      if (places.length === 2) this.problem("mixed letters", Math.max(...places), Math.max(...places) + 1, Math.max(...places) === places[0] ? b : a);
    }
    return { tokens: this.tokens, comments: this.comments, problems: this.problems };
  }

  private next(): void {
    const start = this.at;
    const char = String.fromCodePoint(this.text.codePointAt(start) ?? 0);
    if (char === "\n" || char === "\r") {
      this.at += this.text.startsWith("\r\n", start) ? 2 : 1;
      this.push(tokenTypes.Newline, start);
    } else if (char === "#") this.comment();
    else if (char === '"' || char === "'") this.string(char);
    else if (char >= "0" && char <= "9") this.number();
    else if (this.skip(blank)) return;
    else if (nameStart.test(char) || char === "∑" || char === "∏" || char === "∇") this.word(char);
    else this.symbol(char);
  }

  /** Advances over a sticky pattern; says whether it matched. */
  private skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  private push(type: TokenType, start: number): void {
    const image = this.text.slice(start, this.at);
    this.tokens.push({ image, startOffset: start, endOffset: this.at - 1, tokenType: type, tokenTypeIdx: type.tokenTypeIdx ?? 0 });
  }

  private problem(kind: LexicalProblem["kind"], start: number, end: number, instead?: string): void {
    this.problems.push({ kind, start, end, text: this.text.slice(start, end), ...(instead !== undefined && { instead }) });
  }

  private comment(): void {
    const start = this.at;
    this.skip(lineRest);
    const lineStart = this.text.lastIndexOf("\n", start) + 1;
    const first = this.text.slice(lineStart, start).trim() === "";
    const body = this.text.slice(start, this.at);
    const doc = first && body.startsWith("##");
    this.comments.push({ start, end: this.at, text: body.slice(body.startsWith("##") ? 2 : 1).trimEnd(), doc });
  }

  private string(quote: string): void {
    const start = this.at;
    this.at++;
    for (;;) {
      const c = this.text.charAt(this.at);
      if (c === "" || c === "\n" || c === "\r") {
        this.problem("unterminated string", start, this.at);
        break;
      }
      this.at++;
      if (c === quote) {
        if (quote === "'") this.problem("single quotes", start, this.at);
        break;
      }
      if (c === "\\") {
        const escaped = this.text.charAt(this.at);
        if ('"\\nt'.includes(escaped) && escaped !== "") this.at++;
        else this.problem("escape", this.at - 1, this.at + 1);
      }
    }
    this.push(tokenTypes.Text, start);
  }

  private number(): void {
    const start = this.at;
    this.skip(number);
    const end = this.at;
    const rest = String.fromCodePoint(this.text.codePointAt(end) ?? 32);
    if (!Number.isFinite(Math.fround(Number(this.text.slice(start, end))))) this.problem("number size", start, end);
    this.push(tokenTypes.Number, start);
    if (rest === "." && this.text.charAt(end + 1) !== "." && !this.text.slice(start, end).includes(".")) {
      this.at = end + 1;
      this.problem("number point", start, this.at, `${this.text.slice(start, end)}.0`);
    } else if (nameStart.test(rest)) {
      this.skip(nameRest);
      this.problem("number name", start, this.at, `${this.text.slice(start, end)} * ${this.text.slice(end, this.at)}`);
    }
  }

  private word(char: string): void {
    const start = this.at;
    this.at += char.length;
    if (nameStart.test(char)) {
      this.skip(nameRest);
      const image = this.text.slice(start, this.at);
      // `·` may continue a Catalan name, says Unicode; here it multiplies.
      const dot = image.search(/[\u00b7\u0387]/);
      if (dot > 0) this.at = start + dot;
    }
    const image = this.text.slice(start, this.at);
    const name = canonicalName(image);
    if (hostNames.has(name)) this.problem("host name", start, this.at);
    if (name.endsWith("ᵀ")) this.problem("transpose", start, this.at, `transpose(${name.slice(0, -1)})`);
    for (const pair of lookalikes) for (const letter of pair) if (name.includes(letter) && !this.seen.has(letter)) this.seen.set(letter, start);
    if (this.looks) this.compareLooks(name, start);
    if (reductions.has(name)) this.push(tokenTypes.ReductionWord, start);
    else this.push((reserved.has(name) ? keywordTypes.get(name) : undefined) ?? tokenTypes.Name, start);
  }

  /** A name that looks like a word of the language, or like another name of this text. */
  private compareLooks(name: string, start: number): void {
    const look = [...name].map((c) => sameGlyph.get(c) ?? c).join("");
    const before = this.looks?.get(look);
    if (!before) this.looks?.set(look, { name, start, end: this.at });
    const other = before && before.name !== name ? before.name : undefined;
    const word = look !== name && (reserved.has(look) || reductions.has(look)) ? look : undefined;
    const twin = word ?? other;
    if (twin === undefined || this.reported.has(name)) return;
    // Of two names the one with foreign letters is the odd one, wherever it stands.
    this.reported.add(name).add(twin);
    if (look === name && before) this.problem("lookalike", before.start, before.end, name);
    else this.problem("lookalike", start, this.at, twin);
  }

  private symbol(char: string): void {
    const start = this.at;
    for (const length of [3, 2, 1]) {
      const spelling = length === 1 ? char : this.text.slice(start, start + length);
      const meant = misspelt.get(spelling);
      const type = symbolTypes.get(meant ?? spelling) ?? keywordTypes.get(meant ?? "");
      if (!type) continue;
      this.at += spelling.length;
      if (meant !== undefined) this.problem("spelling", start, this.at, meant);
      this.push(type, start);
      return;
    }
    this.at += char.length;
    const previous = this.tokens.at(-1);
    const base = previous && previous.endOffset === start - 1 ? previous.image : "x";
    if (superscripts.includes(char)) this.problem("superscript", start, this.at, `${base}^${superscripts.indexOf(char)}`);
    else if (subscripts.includes(char)) this.problem("subscript", start, this.at, `${base}${subscripts.indexOf(char)}`);
    else if (bidi.test(char)) return;
    else this.problem(invisible.test(char) ? "invisible" : "unexpected", start, this.at);
  }
}
