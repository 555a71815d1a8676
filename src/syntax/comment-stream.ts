/**
 * The comments of a file in the order of the text, handed out while its tree is printed. Comes in: comments and the text.
 * Goes out: for each place that can hold comments, those that stand before it and were not handed out yet.
 *
 *     f(a,  # one            take(start of b): `# one` ends the line of what was printed before,
 *       # two                `# two` stands on a line of its own before b
 *       b)
 *
 * A comment that stands where no place asks for it is handed out at the next place that does: none is ever lost, and
 * their order never changes.
 */
import type { Comment } from "../../grammar/lexer.ts";
import { type Doc, hardLine, suffix } from "../support/pretty.ts";

/** Comments before a place. */
export interface Taken {
  /** At the end of the line of what is before. */
  readonly after: Doc;
  /** On lines of their own before what follows. */
  readonly before: Doc;
  /** The same at the end of a list, after its last element. */
  readonly last: Doc;
}

const nothing: Taken = { after: "", before: "", last: "" };

/** Hands out comments. */
export class CommentStream {
  private readonly comments: readonly Comment[];
  private readonly text: string;
  private at = 0;

  constructor(comments: readonly Comment[], text: string) {
    this.comments = comments;
    this.text = text;
  }

  /** The comment that is next, if it begins before an offset. */
  peek(offset: number): Comment | undefined {
    const c = this.comments[this.at];
    return c && c.start < offset ? c : undefined;
  }

  /** Steps over the comment that is next. */
  skip(): void {
    this.at++;
  }

  /** Whether nothing but blanks stands before a comment on its line. */
  isAlone(c: Comment): boolean {
    for (let k = c.start - 1; k >= 0; k--) {
      const char = this.text.charAt(k);
      if (char === "\n" || char === "\r") return true;
      if (char.trim() !== "") return false;
    }
    return true;
  }

  /** The comments that begin before an offset. */
  take(offset: number): Taken {
    if (!this.peek(offset)) return nothing;
    let after: Doc = "";
    const alone: string[] = [];
    for (let c = this.peek(offset); c; c = this.peek(offset)) {
      this.at++;
      // One comment can end a line; another that did so in a place without a line break of its own follows below.
      if (after === "" && alone.length === 0 && !this.isAlone(c)) after = suffix(`#${c.text}`);
      else alone.push(`#${c.text}`);
    }
    return { after, before: alone.flatMap((c) => [c, hardLine]), last: alone.flatMap((c) => [hardLine, c]) };
  }

  /** The comments between the last element of a list, which ends at an offset, and its closing bracket. */
  takeInside(end: number): Taken {
    let to = end;
    for (let k = this.at; ; k++) {
      const c = this.comments[k];
      if (!c) break;
      if (c.start < end) continue;
      if (!/^[\s,]*$/.test(this.text.slice(to, c.start))) break;
      to = c.end;
    }
    return this.take(to);
  }

  /** Whether any comment lies in a range. */
  within(start: number, end: number): boolean {
    for (let k = this.at; ; k++) {
      const c = this.comments[k];
      if (!c || c.start >= end) return false;
      if (c.start >= start) return true;
    }
  }
}
