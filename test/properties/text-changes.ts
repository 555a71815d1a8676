/**
 * Changes to a text that mean nothing: blanks, line breaks where a line goes on, comments. Comes in: a text and chance.
 * Goes out: another text of the same program.
 *
 *     respaced("const a=1+2", choose)      // "const  a = 1 +\n\t2"
 *     commented("const a = 1", choose)     // "# c0\nconst a = 1 # c1"
 */
import type { IToken } from "chevrotain";
import { tokenize } from "../../grammar/lexer.ts";
import { tokenTypes as T } from "../../grammar/tokens.ts";

type Choose = (below: number) => number;

const blanks = [" ", "  ", "\t", " \t ", "\u00a0"];
const openers: readonly unknown[] = [T.LeftParen, T.LeftBracket, T.LeftBrace];
const closers: readonly unknown[] = [T.RightParen, T.RightBracket, T.RightBrace];
/** After these a line goes on. */
const joiners: readonly unknown[] = [T.Comma, T.Equals, T.Arrow, T.Tilde, T.Range];

const isOpenEnded = (t: IToken): boolean => joiners.includes(t.tokenType) || ((t.tokenType.CATEGORIES ?? []).includes(T.BinaryOperator) && t.tokenType !== T.Minus);

/** Where blanks may stand, and where line breaks: for each gap behind a token, whether a break there means nothing. */
function gaps(tokens: readonly IToken[]): readonly boolean[] {
  const open: unknown[] = [];
  return tokens.map((t) => {
    if (openers.includes(t.tokenType)) open.push(t.tokenType);
    else if (closers.includes(t.tokenType)) open.pop();
    const inside = open.at(-1) === T.LeftParen || open.at(-1) === T.LeftBracket;
    return inside || isOpenEnded(t);
  });
}

/** A text without comments, and without lines that are empty. */
export function bare(text: string): string {
  const { tokens } = tokenize(text);
  const out: string[] = [];
  for (const [k, t] of tokens.entries()) {
    if (t.tokenType === T.Newline) {
      if (out.length > 0 && out.at(-1) !== "\n") out.push("\n");
      continue;
    }
    const before = tokens[k - 1];
    const touches = before === undefined || before.endOffset === t.startOffset - 1;
    out.push(touches || out.at(-1) === "\n" ? "" : " ", t.image);
  }
  return `${out.join("").trimEnd()}\n`;
}

/** The same tokens with other blanks, and with line breaks where the line goes on anyway. */
export function respaced(text: string, choose: Choose): string {
  const { tokens } = tokenize(text);
  const free = gaps(tokens);
  const out: string[] = [];
  for (const [k, t] of tokens.entries()) {
    const next = tokens[k + 1];
    out.push(t.tokenType === T.Newline ? `${choose(4) === 0 ? " " : ""}\n` : t.image);
    if (!next || t.tokenType === T.Newline) continue;
    const apart = next.startOffset > (t.endOffset ?? 0) + 1;
    if (free[k] === true && choose(4) === 0) out.push(choose(2) === 0 ? "\n" : " \n\n  ");
    else if (apart || choose(3) === 0) out.push(isWord(t) && isWord(next) && !apart ? "" : (blanks[choose(blanks.length)] ?? " "));
  }
  return out.join("");
}

/** A number is not parted from what touches it on its left, nor a name: both would be other words. */
const isWord = (t: IToken): boolean => /^[\p{L}\p{N}_]/u.test(t.image);

/** The same text with comments wherever a line ends, and on lines of their own; `make` says the text of each. */
export function commented(text: string, choose: Choose, make: (k: number) => string = (k) => ` c${k}`): string {
  const { tokens } = tokenize(text);
  const breaks = tokens.filter((t) => t.tokenType === T.Newline).map((t) => t.startOffset);
  let count = 0;
  let at = 0;
  const out: string[] = [];
  for (const end of breaks) {
    out.push(text.slice(at, end));
    const hasOne = /#/.test(text.slice(at, end));
    if (!hasOne && choose(3) === 0) out.push(` #${make(count++)}`);
    while (choose(4) === 0) out.push(`\n${choose(3) === 0 ? "\n" : ""}  #${choose(6) === 0 ? "#" : ""}${make(count++)}`);
    at = end;
  }
  out.push(text.slice(at));
  return out.join("");
}
