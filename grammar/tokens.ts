/**
 * The token types of the language. The lexer makes the tokens itself (`lexer.ts`), so the types carry no pattern:
 * they only tell the parser what stands where, and the messages what to call it.
 *
 *     tokenTypes.Arrow   // "<-"
 */
import { createToken, Lexer, type TokenType } from "chevrotain";

const make = (name: string, label: string, ...categories: TokenType[]): TokenType =>
  createToken({ name, label, pattern: Lexer.NA, categories });

/** Any word, reserved or not: keys of entries, names of arguments, fields. */
const Word = make("Word", "a name");
/** A word that may name a thing. */
const Name = make("Name", "a name", Word);
/** Between two operands. */
const BinaryOperator = make("BinaryOperator", "an operator");
/** Before an operand. */
const PrefixOperator = make("PrefixOperator", "an operator");
/** Before the brackets of a reduction; alone it is the name of a function. */
const ReductionWord = make("ReductionWord", "a reduction", Word);

/** Words that never name a thing, in the order of the reference. */
export const reservedWords = [
  "model", "fn", "layer", "optimizer", "schedule", "initializer", "train", "const", "use",
  "input", "target", "param", "state", "output", "metric", "require", "return",
  "for", "fold", "scan", "instance", "cases", "otherwise", "if", "in", "and", "or", "not", "true", "false",
] as const;

/** Reserved words that reduce in front of brackets and are functions elsewhere. */
export const reductionWords = ["sum", "mean", "prod", "max", "min", "argmax", "argmin", "any", "all", "count", "logsumexp"] as const;

/** Words that are keywords in one place and names in all others. */
export const contextualWords = ["as", "over", "with", "where", "was", "loss", "minimize", "maximize"] as const;

/** Words that begin a declaration. */
export const declarationWords: ReadonlySet<string> = new Set(reservedWords.slice(0, 9));

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const quoted = (text: string): string => `\`${text}\``;

const And = make("And", "`and`", Word, BinaryOperator);
const Or = make("Or", "`or`", Word, BinaryOperator);
const Not = make("Not", "`not`", Word, PrefixOperator);

/** A keyword's type by its word: reserved words, and contextual words where they are keywords. */
export const keywordTypes: ReadonlyMap<string, TokenType> = new Map<string, TokenType>([
  ...[...reservedWords, ...contextualWords].map((word): [string, TokenType] => [word, make(capital(word), quoted(word), Word)]),
  ["and", And], ["or", Or], ["not", Not],
]);

/** The type of a keyword. */
export function keyword(word: (typeof reservedWords)[number] | (typeof contextualWords)[number]): TokenType {
  const type = keywordTypes.get(word);
  if (!type) throw new RangeError(word);
  return type;
}

const symbol = (name: string, text: string, ...categories: TokenType[]): TokenType => make(name, quoted(text), ...categories);

/** All types that are not keywords. */
export const tokenTypes = {
  Word, Name, ReductionWord, BinaryOperator, PrefixOperator, And, Or, Not,
  Number: make("Number", "a number"),
  Text: make("Text", "a string"),
  Newline: make("Newline", "the end of the line"),
  Semicolon: symbol("Semicolon", ";"),
  Comma: symbol("Comma", ","),
  Colon: symbol("Colon", ":"),
  Dot: symbol("Dot", "."),
  Range: symbol("Range", ".."),
  Ellipsis: symbol("Ellipsis", "..."),
  Tilde: symbol("Tilde", "~"),
  Equals: symbol("Equals", "="),
  Arrow: symbol("Arrow", "<-"),
  LeftParen: symbol("LeftParen", "("),
  RightParen: symbol("RightParen", ")"),
  LeftBracket: symbol("LeftBracket", "["),
  RightBracket: symbol("RightBracket", "]"),
  LeftBrace: symbol("LeftBrace", "{"),
  RightBrace: symbol("RightBrace", "}"),
  Minus: symbol("Minus", "-", BinaryOperator, PrefixOperator),
  Plus: symbol("Plus", "+", BinaryOperator),
  Star: symbol("Star", "*", BinaryOperator),
  Slash: symbol("Slash", "/", BinaryOperator),
  FloorDivide: symbol("FloorDivide", "//", BinaryOperator),
  Percent: symbol("Percent", "%", BinaryOperator),
  At: symbol("At", "@", BinaryOperator),
  Caret: symbol("Caret", "^", BinaryOperator),
  Equal: symbol("Equal", "==", BinaryOperator),
  NotEqual: symbol("NotEqual", "!=", BinaryOperator),
  Less: symbol("Less", "<", BinaryOperator),
  LessEqual: symbol("LessEqual", "<=", BinaryOperator),
  Greater: symbol("Greater", ">", BinaryOperator),
  GreaterEqual: symbol("GreaterEqual", ">=", BinaryOperator),
} as const;

/** Everything the parser has to know. */
export const vocabulary: readonly TokenType[] = [...new Set([...Object.values(tokenTypes), ...keywordTypes.values()])];

/** Operators and punctuation by spelling, ASCII and mathematical. */
export const symbolTypes: ReadonlyMap<string, TokenType> = new Map<string, TokenType>([
  ["...", tokenTypes.Ellipsis], ["..", tokenTypes.Range], [".", tokenTypes.Dot],
  ["<-", tokenTypes.Arrow], ["←", tokenTypes.Arrow], ["=", tokenTypes.Equals], ["~", tokenTypes.Tilde],
  ["==", tokenTypes.Equal], ["!=", tokenTypes.NotEqual], ["≠", tokenTypes.NotEqual],
  ["<", tokenTypes.Less], ["<=", tokenTypes.LessEqual], ["≤", tokenTypes.LessEqual],
  [">", tokenTypes.Greater], [">=", tokenTypes.GreaterEqual], ["≥", tokenTypes.GreaterEqual],
  ["+", tokenTypes.Plus], ["-", tokenTypes.Minus], ["*", tokenTypes.Star], ["·", tokenTypes.Star], ["\u0387", tokenTypes.Star],
  ["⋅", tokenTypes.Star], ["⊙", tokenTypes.Star], ["/", tokenTypes.Slash], ["//", tokenTypes.FloorDivide], ["%", tokenTypes.Percent],
  ["@", tokenTypes.At], ["^", tokenTypes.Caret],
  [",", tokenTypes.Comma], [":", tokenTypes.Colon], [";", tokenTypes.Semicolon],
  ["(", tokenTypes.LeftParen], [")", tokenTypes.RightParen], ["[", tokenTypes.LeftBracket], ["]", tokenTypes.RightBracket],
  ["{", tokenTypes.LeftBrace], ["}", tokenTypes.RightBrace],
]);
