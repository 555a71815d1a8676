/**
 * A place in a line of printed graph text. Every question skips blanks first; what does not fit is a SyntaxError with line and
 * column, since the text may come from a person.
 *
 *     const c = new Cursor("[1, 2] -> x", 3);
 *     c.list("[", "]", () => c.number());      // [1, 2]
 */

/** Reads one line from left to right. */
export class Cursor {
  private readonly text: string;
  private readonly line: number;
  private at = 0;

  constructor(text: string, line = 1) {
    this.text = text;
    this.line = line;
  }

  private skip(): void {
    while (this.text[this.at] === " ") this.at++;
  }

  /** True when the text goes on with this. */
  peek(what: string): boolean {
    this.skip();
    return this.text.startsWith(what, this.at);
  }

  /** Steps over this if it is there. */
  take(what: string): boolean {
    if (!this.peek(what)) return false;
    this.at += what.length;
    return true;
  }

  expect(what: string): void {
    if (!this.take(what)) this.fail(JSON.stringify(what));
  }

  /** The first of these words that is there. */
  oneOf<T extends string>(...words: readonly T[]): T {
    const found = words.find((w) => this.take(w));
    return found ?? this.fail(words.join(" or "));
  }

  private match(pattern: RegExp): string | undefined {
    this.skip();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** A number as JavaScript prints it. */
  number(): number {
    const found = this.match(/-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)/y);
    return found === undefined ? this.fail("a number") : Number(found);
  }

  /** A word of letters, digits, `_` and `.` beginning with a letter; letters of any script. */
  word(): string {
    return this.match(/[\p{L}_][\p{L}\p{N}\p{M}_.]*/uy) ?? this.fail("a word");
  }

  /** A whole number or a word. */
  factor(): number | string {
    this.skip();
    return /\d/.test(this.text[this.at] ?? "") ? this.number() : this.word();
  }

  /** A JSON string. */
  string(): string {
    const found = this.match(/"(?:[^"\\]|\\.)*"/y);
    return found === undefined ? this.fail("a string") : (JSON.parse(found) as string);
  }

  /** `12 |`: the number before the mark, if both are there. */
  divisorBefore(mark: string): number | undefined {
    const start = this.at;
    const found = this.match(/\d+/y);
    if (found !== undefined && this.take(mark)) return Number(found);
    this.at = start;
    return undefined;
  }

  /** Items between brackets, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    if (this.take(close)) return items;
    do items.push(item());
    while (this.take(","));
    this.expect(close);
    return items;
  }

  /** Asks for the end of the line. */
  end(): void {
    this.skip();
    if (this.at < this.text.length) this.fail("the end of the line");
  }

  fail(wanted: string): never {
    throw new SyntaxError(`graph text, line ${this.line}, column ${this.at + 1}: expected ${wanted} at ${JSON.stringify(this.text.slice(this.at, this.at + 24))}`);
  }
}
