/**
 * What is said about text that is not a program, in the user's words. Comes in: problems of the lexer, the layout, the
 * parser and the AST builder. Goes out: diagnostics E0001 to E0016 and W0001, sorted by place, one per line of source
 * (what follows on a line after an error is mostly its echo).
 *
 *     expected an expression after `+`, found `)`
 */
import type { IRecognitionException, IToken } from "chevrotain";
import type { LayoutProblem } from "../../grammar/layout.ts";
import { maxNesting } from "../../grammar/layout.ts";
import type { LexicalProblem } from "../../grammar/lexer.ts";
import { keywordTypes, reservedWords, tokenTypes as T } from "../../grammar/tokens.ts";
import type { Diagnostic, Diagnostics } from "../support/diagnostic.ts";
import { positionOf, type Source, type Span, spanOf } from "../support/span.ts";

/** The codes of this file; `support/codes/syntax.ts` explains them. */
type SyntaxCode =
  | "E0135"
  | "E0001" | "E0002" | "E0003" | "E0004" | "E0005" | "E0006" | "E0007" | "E0008" | "E0009" | "E0010" | "E0011" | "E0012" | "E0013" | "E0014" | "E0015" | "E0016"
  | "W0001";

/** With so many errors the rest of a file is not looked at: time stays bounded on a text that is no program. */
const maxErrors = 500;

type Found = Omit<Diagnostic, "severity" | "code" | "span"> & { readonly severity?: "warning" };

const code = (text: string): string => (text.includes("`") ? `"${text}"` : `\`${text}\``);
const short = (text: string): string => (text.length > 24 ? `${text.slice(0, 21)}…` : text);

/** Words of other languages at the start of a statement, and what is written here. */
const foreignWords: ReadonlyMap<string, string> = new Map([
  ["let", "a name is bound by `name = …` alone"], ["var", "a name is bound by `name = …` alone"], ["val", "a name is bound by `name = …` alone"],
  ["def", "a function is `fn name(x) = …`, outside of models"], ["function", "a function is `fn name(x) = …`, outside of models"],
  ["func", "a function is `fn name(x) = …`, outside of models"], ["class", "write `model Name { … }` or `layer name(x) { … }`"],
  ["while", "a loop is `for k in 0..n { … }` or `fold`"], ["import", 'write `use "file.dl"`'], ["from", 'write `use "file.dl"`'],
  ["else", "a choice is `cases { a if p ⏎ b otherwise }`"], ["elif", "a choice is `cases { a if p ⏎ b if q ⏎ c otherwise }`"], ["switch", "a choice is `cases { a if p ⏎ b otherwise }`"],
  ["print", "show a value as `metric name = …` or `output name = …`"], ["lambda", "a function is `fn name(x) = …`, outside of models"],
  ["async", "nothing here waits: delete it"], ["await", "nothing here waits: delete it"], ["type", "an element type is f32, i32 or bool; a shape is written `f32[N, 64]`"],
  ["struct", "write `layer name(x) { … }` or `model Name { … }`"], ["export", "what a file declares can be used as it is: delete it"], ["public", "what a file declares can be used as it is: delete it"],
]);

/** Declaration words inside a block. */
const misplaced: ReadonlyMap<string, string> = new Map([
  ["const", "in a block a name is bound by `name = …` alone; `const` stands outside"], ["fn", "functions are declared outside of models and layers"],
  ["layer", "layers are declared outside of models and layers"], ["model", "models are declared by themselves; a part of one is a `layer`"], ["use", "`use` stands at the top of a file"],
  ["train", "`train` stands outside of the model"], ["optimizer", "optimizers are declared outside of models; a train block has `optimizer = …`"],
  ["schedule", "schedules are declared outside of models"], ["initializer", "initialisers are declared outside of models and layers"],
]);

/** Signs that mean something elsewhere. */
const foreignSigns: ReadonlyMap<string, string> = new Map([
  ["?", "a choice is `where(p, a, b)` or `cases { a if p ⏎ b otherwise }`"], ["\\", "a line goes on after an operator or a comma; nothing else is needed"],
  ["`", "strings stand in double quotes"], ["&", "write `and`"], ["|", "write `or`; an absolute value is `abs(x)`"], ["‖", "a norm is `norm(x)`, its square `sum(x^2)`"], ["∥", "a norm is `norm(x)`, its square `sum(x^2)`"], ["√", "write `sqrt(x)`"], ["∞", "there is no infinity; guards (`where`) leave terms out"],
  ["∂", "a derivative is `grad(e, x)`"], ["∈", "write `in`"], ["→", "a result's type is not written"], ["∫", "an integral is a sum over points: `sum[i] f[i] * h`"], ["'", "strings stand in double quotes"],
  ["“", 'strings stand in straight double quotes, `"`'], ["”", 'strings stand in straight double quotes, `"`'],
]);
/** Letters after a number that say its type elsewhere. */
const suffix = /^([\d.]+(?:[eE][+-]?\d+)?) \* ([fFdDlLjJ]|f32|f64|i32|u32)$/;

/** What a rule wanted where no alternative fits. */
const wanted: Readonly<Record<string, string>> = {
  operand: "an expression", statement: "a statement", body: "`=` or `{`", caseArm: "`if` or `otherwise`", item: "an index", leftItem: "an index",
  dimension: "a dimension", entry: "`=` or a name", declaration: "a declaration",
};
/** Rules of comma-separated lists in brackets. */
const lists: ReadonlySet<string> = new Set(["parameters", "arguments", "items", "array", "type", "reduction", "leftSide"]);

/** Collects what is wrong with the syntax of one file. */
export class SyntaxErrors {
  private readonly source: Source;
  private readonly found: Diagnostic[] = [];
  private readonly lines = new Set<number>();
  private mutedUntil = 0;
  /** Where the outermost round or square bracket around each token ends; made once for each declaration with an error. */
  private readonly ends = new WeakMap<readonly IToken[], ReadonlyMap<IToken, number>>();

  constructor(source: Source) {
    this.source = source;
  }

  /** Whether something could not be read. */
  get any(): boolean {
    return this.lines.size > 0;
  }

  /** Whether there are so many errors that looking for more helps nobody. */
  get full(): boolean {
    return this.lines.size >= maxErrors;
  }

  /** Hands over everything, by place. */
  into(diagnostics: Diagnostics): void {
    for (const d of [...this.found].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0))) diagnostics.add(d);
  }

  private add(name: SyntaxCode, span: Span, { severity = undefined, ...rest }: Found): void {
    if (severity === undefined) {
      const { line } = positionOf(this.source, span.start);
      if (this.lines.has(line) || this.full) return;
      this.lines.add(line);
    }
    this.found.push({ code: name, severity: severity ?? "error", span, ...rest });
  }

  private bracketEnd(token: IToken, tokens: readonly IToken[]): number {
    const ends = this.ends.get(tokens) ?? outermostEnds(tokens);
    this.ends.set(tokens, ends);
    return ends.get(token) ?? 0;
  }

  private span(start: number, end: number): Span {
    return spanOf(this.source, start, end);
  }

  private tokenSpan(token: IToken): Span {
    return this.span(token.startOffset, (token.endOffset ?? token.startOffset) + 1);
  }

  // ------------------------------------------------------------------------------------------- characters

  lexical(p: LexicalProblem): void {
    const at = this.span(p.start, p.end);
    const point = p.text.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0") ?? "";
    switch (p.kind) {
      case "unexpected": {
        const hint = foreignSigns.get(p.text);
        return this.add("E0002", at, { message: `unexpected character ${code(p.text)}`, label: "has no meaning here", ...(hint !== undefined && { hint }) });
      }
      case "invisible": return this.add("E0007", at, { message: `invisible character U+${point}`, label: "here", hint: "delete it" });
      case "bidi": return this.add("E0007", at, { message: `U+${point} changes the direction of text and may hide what a line says`, label: "here", hint: "delete it" });
      case "unterminated string": return this.add("E0003", at, { message: "this string does not end on its line", label: "begins here", hint: 'close it with `"`' });
      case "single quotes": return this.add("E0003", at, { message: "strings are written in double quotes", label: "in single quotes", hint: `write "${short(p.text.slice(1, -1))}"` });
      case "escape": return this.add("E0003", at, { message: `unknown escape ${code(p.text)}`, label: "in this string", hint: 'known are `\\n`, `\\t`, `\\"` and `\\\\`' });
      case "number point": return this.add("E0004", at, { message: "a number needs a digit after its point", label: "ends in a point", hint: `write ${code(p.instead ?? "")}` });
      case "number name": {
        const number = suffix.exec(p.instead ?? "")?.[1];
        if (number !== undefined) return this.add("E0004", at, { message: "numbers have no suffix", label: "number and letter", hint: `write ${code(short(number))}` });
        return this.add("E0004", at, { message: "a number is not followed by a name directly", label: "number and name", hint: `to multiply write ${code(short(p.instead ?? ""))}` });
      }
      case "number size": return this.add("E0004", at, { message: `${short(p.text)} is too large for a number`, label: "not finite" });
      case "spelling": return this.add("E0012", at, { message: `${code(p.text)} is not an operator of this language`, label: "here", hint: `write ${code(p.instead ?? "")}` });
      case "superscript": return this.add("E0012", at, { message: `${code(p.text)} is not a power`, label: "here", hint: `write ${code(p.instead ?? "")}` });
      case "subscript": return this.add("E0012", at, { message: `${code(p.text)} is not part of a name`, label: "here", hint: `write ${code(p.instead ?? "")}` });
      case "transpose": return this.add("E0012", at, { message: `${code(short(p.text))} is not a transpose`, label: "here", hint: `write ${code(short(p.instead ?? ""))}` });
      case "mixed letters": return this.add("W0001", at, { severity: "warning", message: `this file also uses ${code(p.instead ?? "")}, which looks like ${code(p.text)} and is another letter`, label: "the other one" });
      case "host name": return this.add("E0135", at, { message: `${code(p.text)} cannot be a name`, label: "another name, please", hint: "objects of JavaScript, which programs are made of, take it for something else" });
      case "lookalike": {
        const [foreign = ""] = [...p.text].filter((c, k) => c !== [...(p.instead ?? "")][k]);
        const letter = `U+${(foreign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
        return this.add("W0001", at, { severity: "warning", message: `${code(short(p.text))} looks like ${code(short(p.instead ?? ""))} and is another name`, label: `its \`${foreign}\` is ${letter}`, hint: "type it anew" });
      }
      case "too large": return this.add("E0014", at, { message: `the file has more than a million words and signs`, label: "this is where reading stopped" });
    }
  }

  // ------------------------------------------------------------------------------------------- brackets

  layout(p: LayoutProblem): void {
    const at = this.tokenSpan(p.token);
    const it = code(p.token.image);
    switch (p.kind) {
      case "unclosed": return this.add("E0005", at, { message: `${it} is never closed`, label: "opened here" });
      case "unopened": return this.add("E0005", at, { message: `${it} closes nothing`, label: "nothing is open here" });
      case "wrong closer": {
        const open = p.partner;
        const related = open && [{ span: this.tokenSpan(open), text: "opened here" }];
        return this.add("E0005", at, { message: `${it} does not close ${code(open?.image ?? "")}`, label: "closed here", ...(related && { related }) });
      }
      case "nesting": return this.add("E0006", at, { message: `nested more than ${maxNesting} deep`, label: "too deep from here on", hint: "give inner parts names" });
    }
  }

  // ------------------------------------------------------------------------------------------- the parser

  /** Tokens outside of every declaration. */
  stray(tokens: readonly IToken[]): void {
    const token = tokens.find((t) => t.tokenType !== T.Newline);
    if (!token) return;
    const hint = foreignWords.get(token.image) ?? (token.tokenType === T.Name || keywordTypes.has(token.image) ? "statements stand inside `model Name { … }` or `layer name(…) { … }`" : undefined);
    this.add("E0015", this.tokenSpan(token), {
      message: `expected a declaration (\`model\`, \`layer\`, \`fn\`, \`train\`, …), found ${code(short(token.image))}`, label: "not a declaration", ...(hint !== undefined && { hint }),
    });
  }

  /** What the parser could not fit in `tokens`. `unbalanced`: a bracket of this declaration was reported already, which explains an early end. */
  parser(e: IRecognitionException, tokens: readonly IToken[], unbalanced: boolean): void {
    const { token } = e;
    const previous = tokenBefore(tokens, token);
    const ends = token.tokenType === T.Newline || Number.isNaN(token.startOffset);
    const end = Number.isNaN(token.startOffset);
    if (unbalanced && (end || token.tokenType === T.RightBrace)) return;
    // Reading goes on at the next line, which within a bracket is no statement: one error for each outermost bracket.
    if (!end && token.startOffset < this.mutedUntil) return;
    if (!end) this.mutedUntil = Math.max(this.mutedUntil, this.bracketEnd(token, tokens));
    const rule = e.context.ruleStack.at(-1) ?? "";
    const after = previous && previous.tokenType !== T.Newline ? previous : undefined;
    const at = ends && after ? this.span((after.endOffset ?? 0) + 1, (after.endOffset ?? 0) + 1) : this.tokenSpan(token);
    const what = expectation(e, rule, after);
    const found = end ? "the end of the declaration" : ends ? "the end of the line" : code(short(token.image));
    const hint = hintFor(token, after, what, tokens[tokens.indexOf(token) + 1], after?.tokenType === T.RightBracket ? namedBefore(tokens, after) : undefined, rule);
    this.add("E0001", at, { message: `expected ${what}${after ? ` after ${code(short(after.image))}` : ""}, found ${found}`, label: `expected ${what}`, ...(hint !== undefined && { hint }) });
  }

  // ------------------------------------------------------------------------------------------- the builder

  chainedComparison(at: Span): void {
    this.add("E0009", at, { message: "comparisons do not chain", label: "a second comparison", hint: "write `a < b and b < c`" });
  }

  needsParentheses(operator: string, at: Span): void {
    this.add("E0010", at, { message: `${code(operator)} needs parentheses here`, label: "binds too loosely for this place", hint: "put its expression in parentheses" });
  }

  leftSide(at: Span, hint: string | undefined): void {
    this.add("E0008", at, { message: "the left side must be a name, or a name with indices in brackets", label: "not a name", ...(hint !== undefined && { hint }) });
  }

  idle(at: Span, hint: string): void {
    this.add("E0011", at, { message: "this expression does nothing", label: "its value is not used", hint });
  }

  noOtherwise(at: Span): void {
    this.add("E0013", at, { message: "cases need a last line with `otherwise`", label: "these cases", hint: "end them with `value otherwise`" });
  }

  afterOtherwise(at: Span): void {
    this.add("E0013", at, { message: "nothing follows `otherwise`", label: "never reached" });
  }

  counts(at: Span, names: number, values: number): void {
    this.add("E0016", at, { message: `${names} ${names === 1 ? "name" : "names"} on the left, ${values} ${values === 1 ? "value" : "values"} on the right`, label: "must be as many, or one call" });
  }

  results(at: Span, wants: number, has: number): void {
    this.add("E0016", at, { message: `this block must end in ${wants} ${wants === 1 ? "expression" : "expressions"}, one per carried value, and has ${has}`, label: "this block" });
  }

  expected(what: string, at: Span, hint?: string): void {
    this.add("E0001", at, { message: `expected ${what}`, label: `expected ${what}`, ...(hint !== undefined && { hint }) });
  }
}

/** For each token inside a pair of round or square brackets, the offset at which the outermost pair closes. */
function outermostEnds(tokens: readonly IToken[]): ReadonlyMap<IToken, number> {
  const ends = new Map<IToken, number>();
  let inside: IToken[] = [];
  let depth = 0;
  for (const token of tokens) {
    const type = token.tokenType;
    if (type === T.LeftParen || type === T.LeftBracket) depth++;
    if (depth > 0) inside.push(token);
    if (type === T.LeftBrace || type === T.RightBrace) [depth, inside] = [0, []];
    if ((type === T.RightParen || type === T.RightBracket) && depth > 0 && --depth === 0) {
      for (const t of inside) ends.set(t, token.startOffset);
      inside = [];
    }
  }
  return ends;
}

/** The token before the one at fault; recovery may have moved on since. */
function tokenBefore(tokens: readonly IToken[], token: IToken): IToken | undefined {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.startOffset ?? 0) < token.startOffset || Number.isNaN(token.startOffset)) low = middle + 1;
    else high = middle;
  }
  return tokens[low - 1];
}

function expectation(e: IRecognitionException, rule: string, after: IToken | undefined): string {
  if (lists.has(rule) && (e.message === "`)`" || e.message === "`]`")) {
    const opened = after === undefined || after.tokenType === T.Comma || after.tokenType === T.LeftParen || after.tokenType === T.LeftBracket;
    if (opened) return rule === "parameters" ? "a name" : rule === "reduction" || rule === "leftSide" ? "an index" : "an expression";
    return `\`,\` or ${e.message}`;
  }
  if (rule === "entry" && after?.image !== "step" && after?.image !== "phase") return "`=`";
  if (e.name === "NoViableAltException") return wanted[rule] ?? "something else";
  if (e.message === "`}`") return !after || after.tokenType === T.LeftBrace || after.tokenType === T.Semicolon ? "a statement" : "the end of the statement";
  return e.message;
}

/** Functions of whole tensors that a formula may write like a reduction. */
const wholeTensor: ReadonlySet<string> = new Set(["softmax", "log_softmax", "softmin", "norm", "var", "variance", "std", "cumsum", "argsort", "sort", "median"]);

/** Two things that notes would multiply by writing them side by side: `w[i] x[i]`, `2 (a + b)`, `(a) b`. */
function standsSideBySide(after: IToken, token: IToken): boolean {
  const ends = [T.RightBracket, T.RightParen, T.Name, T.Number].includes(after.tokenType);
  return ends && ([T.Name, T.Number, T.LeftParen].includes(token.tokenType) || token.tokenType === T.ReductionWord);
}

/** The name before the brackets that close here. */
function namedBefore(tokens: readonly IToken[], close: IToken): IToken | undefined {
  let depth = 0;
  for (let at = tokens.indexOf(close); at >= 0; at--) {
    const type = tokens[at]?.tokenType;
    if (type === T.RightBracket) depth++;
    if (type === T.LeftBracket && --depth === 0) return tokens[at - 1];
  }
  return undefined;
}

const isNumberLike = (text: string): boolean => /^\d/.test(text);

function hintFor(token: IToken, after: IToken | undefined, what: string, next: IToken | undefined, open: IToken | undefined, rule: string): string | undefined {
  const type = token.tokenType;
  const foreign = foreignWords.get(after?.image ?? "") ?? foreignWords.get(token.image);
  if (foreign !== undefined) return foreign;
  const outside = what === "a statement" || what === "the end of the statement" ? misplaced.get(token.image) : undefined;
  if (outside !== undefined) return outside;
  if (token.image === "//" || (token.image === "/" && next?.image === "*")) return "a comment begins with `#`";
  if (token.image === "-" && next?.image === ">") return "the type of a result is not written: `fn f(x) = …`";
  if (token.image === "{" && next?.tokenType === T.Number) return "a list of numbers is written `[1, 2]`";
  if (token.image === "{" && after?.tokenType === T.Equals && what === "an expression") return "a block follows without `=`, and ends in `return`";
  if (type === T.Equals && after && /^[-+*/]$/.test(after.image)) return `a state is updated by its whole new value: \`s <- s ${after.image} …\``;
  if (token.image === ":" && what === "`=`") return "an entry is written `key = value`";
  if (token.image === ":" && (what === "`=` or `{`")) return "a function is `fn name(x) = …` or `fn name(x) { … }`";
  if (token.image === ":" && after?.tokenType === T.Name && what === "the end of the statement") return "what has a type says what it is: `input x: f32[N, 4]`, `param W: f32[4, 3] ~ glorot_uniform`";
  if (["param", "input", "target", "state"].includes(token.image) && what === "an expression") return token.image === "param" ? "a parameter is a line of its own: `param W: f32[4, 3] ~ glorot_uniform`" : `\`${token.image}\` begins a line of its own`;
  if (token.image === "~" && what === "`:`") return "it has a type: `param b: f32 ~ zeros`, `param W: f32[4, 3] ~ glorot_uniform`";
  if (type === T.Equals && rule === "reduction") return "the range of an index stands behind `in`, and ends before its end: `sum[i in 0..4]`";
  if (what === "`~`") return "it starts as something: `~ glorot_uniform`, `~ zeros`";
  if (token.image === "." && after && isNumberLike(after.image)) return "a number has one point";
  if (type === T.Arrow) return "`<-` is the update arrow; to compare with a negative number write `a < -1`";
  if (type === T.Equals && what === "a statement") return "a name stands before `=`";
  if (type === T.Equals && what !== "a name") return "to compare write `==`";
  if (token.image === "if" && what !== "`if` or `otherwise`") return "a choice is `cases { a if p ⏎ b otherwise }`";
  if (what === "a name" && keywordTypes.has(token.image) && (reservedWords as readonly string[]).includes(token.image)) return `\`${token.image}\` is a reserved word; choose another name`;
  if (what === "a name" && type === T.ReductionWord) return `\`${token.image}\` is the name of a reduction; choose another name`;
  if (after && (what === "the end of the statement" || /`[)\]]`$/.test(what)) && standsSideBySide(after, token)) {
    if (after.tokenType === T.RightBracket && open && /^[ΣΠ]$/.test(open.image)) return `\`${open.image}\` is a letter: write ${open.image === "Σ" ? "`sum[i] …` or `∑[i] …`" : "`prod[i] …` or `∏[i] …`"}`;
    if (after.tokenType === T.RightBracket && open && wholeTensor.has(open.image)) return `\`${open.image}\` is no reduction: it takes a whole tensor, and is indexed: \`${open.image}(s)[n, k]\``;
    if (after.tokenType !== T.Name || type !== T.LeftParen) return "to multiply write `*` between them";
  }
  if (after?.tokenType === T.ReductionWord && [T.Name, T.Number].includes(type)) return `write \`${after.image}(…)\` of a tensor, or \`${after.image}[i] …\` over an index`;
  if (what === "a statement" && type === T.FloorDivide) return "a comment begins with `#`";
  if (what === "a statement" && (type.CATEGORIES ?? []).includes(T.BinaryOperator)) return `to go on with the line above, move the \`${token.image}\` to its end`;
  return undefined;
}
