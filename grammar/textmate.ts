/**
 * The TextMate grammar, for editors and for pages that colour code. Comes in: the token vocabulary. Goes out: the text of
 * `dl.tmLanguage.json`, so that the words it colours are those that the lexer knows.
 *
 *     textMateGrammar()   // "{ \"name\": \"Nabla\", \"scopeName\": \"source.dl\", …"
 *
 * A TextMate grammar sees one line at a time and no tree, so contextual words (`loss`, `as`, `where`) are coloured by what
 * stands around them on their line, and names by the bracket or colon next to them. The expressions are in the part of
 * regular expressions that Oniguruma, PCRE and JavaScript (with `u`) share.
 */
import { contextualWords, declarationWords, reductionWords, reservedWords, symbolTypes, tokenTypes as T } from "./tokens.ts";

/** A rule of a TextMate grammar. */
export interface TextMatePattern {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
  readonly patterns?: readonly TextMatePattern[];
}

const name = "[\\p{L}\\p{Nl}_][\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}]*";
const before = "(?<![\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}])";
const after = "(?![\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}])";
const escapedText = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
const oneOf = (words: Iterable<string>): string => `${before}(?:${[...words].join("|")})${after}`;

const truths = ["true", "false"];
const logic = ["and", "or", "not"];
const roles = ["input", "target", "param", "state", "output", "metric"];
const statementWords = ["loss", "minimize", "maximize"];
const control = reservedWords.filter((w) => !declarationWords.has(w) && ![...truths, ...logic, ...roles].includes(w));
const joints = contextualWords.filter((w) => !statementWords.includes(w));
const operandEnd = "[\\p{L}\\p{Nl}\\p{Nd}_)\\]}\"]";

/** Signs whose tokens are operators; brackets and separators are punctuation. */
const punctuation: readonly unknown[] = [T.LeftParen, T.RightParen, T.LeftBracket, T.RightBracket, T.LeftBrace, T.RightBrace, T.Comma, T.Semicolon, T.Colon, T.Dot];
const signs = [...symbolTypes].sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
const signsOf = (isPunctuation: boolean): string => signs.filter(([, type]) => punctuation.includes(type) === isPunctuation).map(([text]) => escapedText(text)).join("|");

/** The patterns in the order in which they are tried. */
export const patterns: readonly TextMatePattern[] = [
  { name: "comment.line.documentation.dl", match: "^\\s*##.*$" },
  { name: "comment.line.number-sign.dl", match: "#.*$" },
  { name: "string.quoted.double.dl", begin: "\"", end: "\"|$", patterns: [{ name: "constant.character.escape.dl", match: "\\\\[\"\\\\nt]" }, { name: "invalid.illegal.escape.dl", match: "\\\\." }] },
  { name: "constant.numeric.dl", match: `${before}\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?` },
  {
    match: `^\\s*(${[...declarationWords].join("|")})\\s+(${name})`,
    captures: { 1: { name: "keyword.declaration.dl" }, 2: { name: "entity.name.function.dl" } },
  },
  // The key of an entry and the name of an argument may be any word.
  { name: "variable.parameter.dl", match: `(?<=[(,{]\\s?)${name}(?=\\s*=(?!=))` },
  // `loss = e` is a statement; `minimize = e` is the entry of a step.
  { match: `^\\s*(${statementWords.join("|")})(?=\\s+[\\p{L}\\p{Nd}_(\\-])|^\\s*(loss)(?=\\s*=(?!=))`, captures: { 1: { name: "keyword.other.dl" }, 2: { name: "keyword.other.dl" } } },
  { name: "keyword.other.dl", match: `(?<=${operandEnd} {1,2})${oneOf(joints)}(?!\\s*[=(])|^\\s*where${after}(?!\\s*[=(])` },
  { name: "keyword.declaration.dl", match: oneOf(declarationWords) },
  { name: "storage.type.dl", match: oneOf(roles) },
  { name: "keyword.operator.logical.dl", match: oneOf(logic) },
  { name: "constant.language.dl", match: oneOf(truths) },
  { name: "keyword.control.dl", match: oneOf(control) },
  { name: "support.function.reduction.dl", match: `${oneOf(reductionWords)}|[∑∏]` },
  { name: "storage.type.dtype.dl", match: `(?<=:\\s?)${name}` },
  { name: "entity.name.function.call.dl", match: `${before}${name}(?=\\()` },
  { name: "variable.other.dl", match: `${before}${name}|∇` },
  { name: "keyword.operator.dl", match: signsOf(false) },
  { name: "punctuation.dl", match: signsOf(true) },
];

/** The text of `dl.tmLanguage.json`. */
export function textMateGrammar(): string {
  return `${JSON.stringify({ $schema: "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json", name: "Nabla", scopeName: "source.dl", fileTypes: ["dl"], patterns }, null, 2)}\n`;
}
