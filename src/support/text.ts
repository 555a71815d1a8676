/**
 * The one writer through which all text output goes: WGSL, TypeScript, HTML and IR dumps.
 *
 *     const w = new Writer();
 *     w.block("fn f() {", "}", () => w.line("return;"));
 *     w.text()                          // "fn f() {\n  return;\n}\n"
 */
export class Writer {
  private readonly lines: string[] = [];
  private depth = 0;
  private readonly unit: string;

  constructor(unit = "  ") {
    this.unit = unit;
  }

  /** Writes one line (or several, split at line breaks) at the current depth; no argument writes an empty line. */
  line(text = ""): this {
    for (const part of text.split("\n")) this.lines.push(part === "" ? "" : this.unit.repeat(this.depth) + part);
    return this;
  }

  /** Writes what `body` writes one level deeper. */
  indent(body: () => void): this {
    this.depth++;
    body();
    this.depth--;
    return this;
  }

  /** An opening line, an indented body, a closing line. */
  block(open: string, close: string, body: () => void): this {
    return this.line(open).indent(body).line(close);
  }

  /** Everything written so far, ending in a line break unless empty. */
  text(): string {
    return this.lines.length === 0 ? "" : `${this.lines.join("\n")}\n`;
  }
}
