/**
 * From raw tokens to what the parser reads, one list per declaration. Four things that a context-free grammar says badly:
 *
 *   - brackets are paired; one that has no partner is reported once, and cannot swallow the rest of the file;
 *   - newlines are dropped inside ( and [, after a binary operator, comma, `= <- ~ ..` and `and or not in as over with where`;
 *     a brace restores them, and one on the next line still belongs to the line above;
 *   - contextual words (`loss`, `where`, …) become keywords where they are ones and stay names elsewhere;
 *   - nesting is limited here, so that neither the parser nor any walk over its result can overflow the stack.
 *
 * A declaration begins at a declaration word at the start of a line, whatever came before; so a missing brace spoils
 * one declaration and not the file.
 *
 *     layOut(tokenize("const a = 1 +\n 2\nconst b = 3").tokens).chunks.length   // 2
 */
import type { IToken, TokenType } from "chevrotain";
import { contextualWords, declarationWords, keyword, keywordTypes, tokenTypes as T } from "./tokens.ts";

/** What can be wrong before the grammar is asked. */
export interface LayoutProblem {
  readonly kind: "unclosed" | "unopened" | "wrong closer" | "nesting";
  readonly token: IToken;
  /** For a wrong closer, the bracket that it should have closed. */
  readonly partner?: IToken;
}

/** The tokens of one declaration, or of a stretch that is none. */
export interface Chunk {
  readonly tokens: readonly IToken[];
  readonly isDeclaration: boolean;
  /** Some bracket in it has no partner; reported already. */
  readonly unbalanced: boolean;
}

/** The result of `layOut`. */
export interface LaidOut {
  readonly chunks: readonly Chunk[];
  readonly problems: readonly LayoutProblem[];
}

/** Brackets, prefix operators, reductions in a row, powers in a row and postfix forms in a row, all added up. */
export const maxNesting = 128;

const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [T.LeftParen, T.RightParen], [T.LeftBracket, T.RightBracket], [T.LeftBrace, T.RightBrace],
]);
const openerOf: ReadonlyMap<TokenType, TokenType> = new Map([...closerOf].map(([open, close]) => [close, open]));
const closers: ReadonlySet<TokenType> = new Set(closerOf.values());
const contextual: ReadonlySet<string> = new Set(contextualWords);
const statementWords: ReadonlySet<string> = new Set(["loss", "minimize", "maximize"]);
const operandEnds: ReadonlySet<TokenType> = new Set([
  T.Name, T.Number, T.Text, T.ReductionWord, T.RightParen, T.RightBracket, T.RightBrace, keyword("true"), keyword("false"),
]);
const joiners: ReadonlySet<TokenType> = new Set([
  T.Comma, T.Equals, T.Arrow, T.Tilde, T.Range, T.Not, ...(["in", "as", "over", "with", "where"] as const).map(keyword),
]);
const valueStarts: ReadonlySet<TokenType> = new Set([
  T.Name, T.Number, T.Text, T.ReductionWord, T.LeftParen, T.Minus, T.Not,
  ...(["true", "false", "cases", "fold", "scan", "instance"] as const).map(keyword),
]);
const endsLine: ReadonlySet<TokenType> = new Set([T.Newline, T.Semicolon, T.LeftBrace]);

const isBinary = (token: IToken): boolean => (token.tokenType.CATEGORIES ?? []).includes(T.BinaryOperator);
const retyped = (token: IToken, type: TokenType): IToken => ({ ...token, tokenType: type, tokenTypeIdx: type.tokenTypeIdx ?? 0 });

/** Splits tokens into declarations, pairs brackets, drops newlines that end nothing. */
export function layOut(tokens: readonly IToken[]): LaidOut {
  const problems: LayoutProblem[] = [];
  const chunks: Chunk[] = [];
  let start = 0;
  let open = 0;
  const close = (end: number): void => {
    chunks.push(...layOutChunk(tokens.slice(start, end), problems));
    start = end;
    open = 0;
  };
  for (let i = 0; i < tokens.length; i++) {
    // Within braces, only what stands no further right than the declaration around is taken for the next one.
    if (i > start && beginsDeclaration(tokens, i) && (open <= 0 || indentation(tokens, i) <= indentation(tokens, start))) close(i);
    const type = tokens[i]?.tokenType;
    if (type === T.LeftBrace) open++;
    else if (type === T.RightBrace) open--;
  }
  close(tokens.length);
  return { chunks, problems };
}

/** How far from the start of its line the first token of a line stands. */
function indentation(tokens: readonly IToken[], i: number): number {
  const token = tokens[i];
  const before = tokens[i - 1];
  return (token?.startOffset ?? 0) - (before?.tokenType === T.Newline ? (before.endOffset ?? 0) + 1 : 0);
}

/** At the start of a line, a declaration word with a name after it (`model = …` is the key of an entry). */
function beginsDeclaration(tokens: readonly IToken[], i: number): boolean {
  const token = tokens[i];
  const next = tokens[i + 1];
  if (!token || !next || !declarationWords.has(token.image) || token.tokenType === T.Name) return false;
  if (i > 0 && tokens[i - 1]?.tokenType !== T.Newline) return false;
  // A reserved word in the name's place is an error of this declaration, not of the one above.
  return next.tokenType === T.Name || next.tokenType === T.Text || next.tokenType === T.ReductionWord || keywordTypes.has(next.image);
}

function layOutChunk(raw: readonly IToken[], problems: LayoutProblem[]): readonly Chunk[] {
  const { kept, unpaired, heads, unbalanced } = pairBrackets(raw, problems);
  const endsOperand = (token: IToken | undefined): boolean => token !== undefined && operandEnds.has(token.tokenType) && !heads.has(token.startOffset);
  const tokens = dropNewlines(contextualKeywords(kept, unpaired, endsOperand), unpaired);
  const tooDeep = nestingLimit(tokens, endsOperand);
  const [first] = tokens;
  if (tooDeep) problems.push({ kind: "nesting", token: tooDeep });
  if (tooDeep || !first) return [];
  if (!declarationWords.has(first.image) || first.tokenType === T.Name) return [{ tokens, isDeclaration: false, unbalanced }];
  const end = endOfDeclaration(tokens);
  const declaration: Chunk = { tokens: tokens.slice(0, end), isDeclaration: true, unbalanced };
  return end < tokens.length && !unbalanced ? [declaration, { tokens: tokens.slice(end + 1), isDeclaration: false, unbalanced }] : [declaration];
}

/** A newline outside of all braces ends a declaration. */
function endOfDeclaration(tokens: readonly IToken[]): number {
  let depth = 0;
  for (const [i, { tokenType }] of tokens.entries()) {
    if (tokenType === T.LeftBrace) depth++;
    else if (tokenType === T.RightBrace) depth--;
    else if (tokenType === T.Newline && depth <= 0) return i;
  }
  return tokens.length;
}

interface Paired {
  /** Without brackets that close nothing. */
  readonly kept: readonly IToken[];
  /** Opening brackets that nothing closes. */
  readonly unpaired: ReadonlySet<number>;
  /** The `]` of reductions: what follows is an operand, and the bracket ends none. */
  readonly heads: ReadonlySet<number>;
  readonly unbalanced: boolean;
}

function pairBrackets(tokens: readonly IToken[], problems: LayoutProblem[]): Paired {
  const kept: IToken[] = [];
  const unpaired = new Set<number>();
  const heads = new Set<number>();
  const reducing = new Set<IToken>();
  const stack: IToken[] = [];
  // Where on the stack the openers of each kind lie, so that a closer finds its own without a search.
  const places = new Map<TokenType, number[]>([...closerOf.keys()].map((type) => [type, []]));
  const before = problems.length;
  const pop = (): IToken | undefined => {
    const open = stack.pop();
    if (open) places.get(open.tokenType)?.pop();
    return open;
  };
  const giveUp = (open: IToken): void => {
    unpaired.add(open.startOffset);
    problems.push({ kind: "unclosed", token: open });
  };
  for (const token of tokens) {
    const type = token.tokenType;
    if (closerOf.has(type)) {
      places.get(type)?.push(stack.length);
      stack.push(token);
      if (type === T.LeftBracket && kept.at(-1)?.tokenType === T.ReductionWord) reducing.add(token);
    } else if (closers.has(type)) {
      const opener = places.get(openerOf.get(type) ?? type)?.at(-1) ?? -1;
      // A closer looks past unclosed brackets of other kinds, but a ) or ] never past the braces of its block.
      const brace = type === T.RightBrace ? -1 : (places.get(T.LeftBrace)?.at(-1) ?? -1);
      if (opener <= brace) {
        const open = stack.at(-1);
        const wrong = open !== undefined && open.tokenType !== T.LeftBrace;
        problems.push({ kind: wrong ? "wrong closer" : "unopened", token, ...(wrong && { partner: open }) });
        if (wrong) unpaired.add(pop()?.startOffset ?? -1);
        continue;
      }
      while (stack.length > opener + 1) {
        const open = pop();
        if (open) giveUp(open);
      }
      const partner = pop();
      if (partner && reducing.has(partner)) heads.add(token.startOffset);
    }
    kept.push(token);
  }
  for (const open of stack) giveUp(open);
  return { kept, unpaired, heads, unbalanced: problems.length > before };
}

/** Whether a token may be the last of an operand. */
type EndsOperand = (token: IToken | undefined) => boolean;

/** `loss x = …` begins a loss where `loss * 2` is a value; `where`, `as`, … are keywords only after an operand. */
function contextualKeywords(tokens: readonly IToken[], unpaired: ReadonlySet<number>, endsOperand: EndsOperand): readonly IToken[] {
  const out: IToken[] = [];
  const open: TokenType[] = [];
  // What stands before: a line break counts unless ( or [ is open.
  let previous: IToken | undefined;
  for (const [i, token] of tokens.entries()) {
    const next = tokens[i + 1];
    let type: TokenType | undefined;
    if (token.tokenType === T.Name && contextual.has(token.image)) {
      if (!statementWords.has(token.image)) type = endsOperand(previous) ? keywordTypes.get(token.image) : undefined;
      else if (!previous || endsLine.has(previous.tokenType)) {
        const begins = next && (token.image === "loss" ? next.tokenType === T.Equals || next.tokenType === T.Name : valueStarts.has(next.tokenType));
        if (begins) type = keywordTypes.get(token.image);
      }
    }
    const kept = type ? retyped(token, type) : token;
    out.push(kept);
    if (closerOf.has(token.tokenType) && !unpaired.has(token.startOffset)) open.push(token.tokenType);
    else if (closers.has(token.tokenType)) open.pop();
    if (token.tokenType !== T.Newline || (open.at(-1) !== T.LeftParen && open.at(-1) !== T.LeftBracket)) previous = kept;
  }
  return out;
}

function dropNewlines(tokens: readonly IToken[], unpaired: ReadonlySet<number>): readonly IToken[] {
  const out: IToken[] = [];
  const open: TokenType[] = [];
  // The places of newlines after which, past further newlines, a brace comes.
  const beforeBrace = new Set<number>();
  for (let i = tokens.length - 1; i > 0; i--) {
    if (tokens[i - 1]?.tokenType === T.Newline && (tokens[i]?.tokenType === T.LeftBrace || beforeBrace.has(i))) beforeBrace.add(i - 1);
  }
  for (const [i, token] of tokens.entries()) {
    const type = token.tokenType;
    if (type === T.Newline) {
      const last = out.at(-1);
      const joined = last === undefined || last.tokenType === T.Newline || joiners.has(last.tokenType) || isBinary(last) || beforeBrace.has(i);
      const bracket = open.at(-1);
      if (joined || bracket === T.LeftParen || bracket === T.LeftBracket) continue;
    } else if (closerOf.has(type)) {
      if (!unpaired.has(token.startOffset)) open.push(type);
    } else if (closers.has(type)) open.pop();
    out.push(token);
  }
  while (out.at(-1)?.tokenType === T.Newline) out.pop();
  return out;
}

/** How deep one bracket level is: `tight` prefixes and powers, `loose` reductions, `postfix` forms in a row. */
interface Level {
  tight: number;
  loose: number;
  postfix: number;
}

/** One postfix form is no deeper than its brackets; each further one in a row is. */
const depthOf = ({ tight, loose, postfix }: Level): number => tight + loose + Math.max(0, postfix - 1);

/** The first token that lies too deep, if any. */
function nestingLimit(tokens: readonly IToken[], endsOperand: EndsOperand): IToken | undefined {
  const levels: Level[] = [{ tight: 0, loose: 0, postfix: 0 }];
  let outer = 0;
  for (const [i, token] of tokens.entries()) {
    const level = levels.at(-1);
    if (!level) return undefined;
    const type = token.tokenType;
    const afterOperand = endsOperand(tokens[i - 1]);
    const next = tokens[i + 1];
    if (closerOf.has(type)) {
      if (afterOperand && type !== T.LeftBrace) level.postfix++;
      outer += 1 + depthOf(level);
      levels.push({ tight: 0, loose: 0, postfix: 0 });
    } else if (closers.has(type)) {
      if (levels.length === 1) continue;
      levels.pop();
      const back = levels.at(-1);
      if (back) outer -= 1 + depthOf(back);
    } else if (type === T.Dot) level.postfix++;
    else if (type === T.ReductionWord && next?.tokenType === T.LeftBracket) {
      level.loose++;
      level.postfix = 0;
    } else if (type === T.Not || type === T.Caret || (type === T.Minus && !afterOperand)) {
      level.tight++;
      level.postfix = 0;
    } else if (!operandEnds.has(type) && !(type === T.Newline && next === undefined)) {
      // Any other operator or separator ends the operand; a product goes on within the body of a reduction.
      level.tight = 0;
      level.postfix = 0;
      const product = type === T.Star || type === T.Slash || type === T.FloorDivide || type === T.Percent || type === T.At;
      if (!product) level.loose = 0;
    }
    const now = levels.at(-1);
    if (now && outer + depthOf(now) > maxNesting) return token;
  }
  return undefined;
}
