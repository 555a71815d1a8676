/**
 * How the parser goes on after an error: it resynchronises at the statements, entries and arms of the block it is in,
 * invents and deletes nothing, and steps over whole braces. Comes in: a parser with wrong tokens ahead. Goes out: the
 * same parser at the next token that one of its open rules can use, or at the end.
 *
 *     x = ) 1            the statement is given up …
 *     y = 2              … and this one is read
 */
import { CstParser, EOF, tokenMatcher, type IToken, type TokenType } from "chevrotain";
import { tokenTypes as T } from "./tokens.ts";

/** More errors than these in one declaration are not looked for. */
const maxErrors = 100;

/** What Chevrotain 11.2.0 has and does not declare; the tests of recovery cover each. */
interface Recovery {
  /** Token types that the open rules can go on with. */
  flattenFollowSet(): TokenType[];
  exportLexerState(): number;
  importLexerState(state: number): void;
}

/** A CstParser with this project's recovery; the rules are its subclass's. */
export abstract class RecoveringParser extends CstParser {
  protected override canTokenTypeBeInsertedInRecovery(_type: TokenType): boolean {
    return false;
  }

  protected override canTokenTypeBeDeletedInRecovery(_type: TokenType): boolean {
    return false;
  }

  /** Recovery never resumes inside braces that belong to what it skips. */
  protected override SKIP_TOKEN(): IToken {
    let depth = 0;
    for (;;) {
      const skipped = this.LA(1).tokenType;
      if (skipped === T.LeftBrace) depth++;
      else if (skipped === T.RightBrace) depth--;
      const next = super.SKIP_TOKEN();
      if (depth <= 0 || next.tokenType === EOF) return next;
    }
  }

  /**
   * The token type to go on with: the first that skipping will meet. Chevrotain's own looks at every token, also inside
   * braces that are stepped over, and would then wait for one that never comes.
   */
  protected findReSyncTokenType(): TokenType {
    const recovery = this as unknown as Recovery; // undeclared, see above
    const follow = recovery.flattenFollowSet();
    const start = recovery.exportLexerState();
    for (let next = this.LA(1); ; next = this.SKIP_TOKEN()) {
      const found = next.tokenType === EOF ? EOF : follow.find((type) => tokenMatcher(next, type));
      if (!found) continue;
      recovery.importLexerState(start);
      return found;
    }
  }

  /**
   * Chevrotain's own hook (not in its types): whether to look for the end of a repetition among wrong tokens. Only lists
   * in braces do; any other error belongs to the statement as a whole.
   */
  protected shouldInRepetitionRecoveryBeTried(expected: TokenType, _index: number, moving: boolean | undefined): boolean {
    // It calls itself once per error, so a limit guards the stack; beyond it the rest of the declaration is given up.
    return expected === T.RightBrace && moving !== false && !tokenMatcher(this.LA(1), expected) && this.errors.length < maxErrors;
  }
}
