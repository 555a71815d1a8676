/**
 * One declaration's tokens to its concrete tree. Comes in: a chunk of `layOut`. Goes out: the tree, as far as it could
 * be read, and what did not fit. Never throws.
 *
 *     parseDeclaration(chunk.tokens).cst?.children.constDeclaration
 */
import type { IRecognitionException, IToken } from "chevrotain";
import type { DeclarationCstNode } from "./cst.generated.ts";
import { DlParser } from "./parser.ts";

/** Makes a parser on first use and keeps it: building one takes a tenth of a second. */
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

/** Parses the tokens of one declaration. */
export function parseDeclaration(tokens: readonly IToken[]): ParsedDeclaration {
  const parser = theParser();
  parser.input = [...tokens];
  // The rule builds exactly this node; Chevrotain types every rule's result alike.
  const cst = parser.declaration() as DeclarationCstNode | undefined;
  const errors = [...parser.errors];
  parser.input = [];
  return { cst, errors };
}
