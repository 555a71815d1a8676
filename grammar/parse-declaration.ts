/**
 * One declaration's tokens to its concrete tree. Comes in: a chunk of `layOut`. Goes out: the tree, as far as it could
 * be read, and what did not fit. Never throws.
 *
 *     parseDeclaration(chunk.tokens).cst?.children.constDeclaration
 */
import type { IRecognitionException, IToken, TokenType } from "chevrotain";
import type { DeclarationCstNode } from "./cst.generated.ts";
import { DlParser } from "./parser.ts";
import { tokenTypes as T } from "./tokens.ts";

/** Makes a parser on first use and keeps it: building one takes a while. */
function lazily<V>(make: () => V): () => V {
  let made: V | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** The parser, made once. */
export const theParser: () => DlParser = lazily(() => new DlParser());

/** One declaration's tree, as far as it could be read, and what did not fit. */
export interface ParsedDeclaration {
  readonly cst: DeclarationCstNode | undefined;
  readonly errors: readonly IRecognitionException[];
}

/** Brackets within brackets that a choice may be met in for the first time. */
const shallow = 12;

/** How many brackets stand within each other at most. */
function depthOf(tokens: readonly IToken[]): number {
  let depth = 0;
  let most = 0;
  for (const { tokenType } of tokens) {
    if (opening.has(tokenType)) most = Math.max(most, ++depth);
    else if (closing.has(tokenType)) depth--;
  }
  return most;
}

const opening: ReadonlySet<TokenType> = new Set([T.LeftParen, T.LeftBracket, T.LeftBrace]);
const closing: ReadonlySet<TokenType> = new Set([T.RightParen, T.RightBracket, T.RightBrace]);

/** Parses the tokens of one declaration. */
export function parseDeclaration(tokens: readonly IToken[]): ParsedDeclaration {
  const parser = theParser();
  if (depthOf(tokens) > shallow) parser.completeLookahead();
  parser.input = [...tokens];
  // The rule builds exactly this node; Chevrotain types every rule's result alike.
  const cst = parser.declaration() as DeclarationCstNode | undefined;
  const errors = [...parser.errors];
  parser.input = [];
  return { cst, errors };
}
