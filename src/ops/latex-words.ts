/**
 * Small pieces of LaTeX. An operand that is more than one symbol, call or bracket is put in parentheses where the
 * operation binds tighter than what it may contain.
 *
 *     atom("a + b")      // \left(a + b\right)
 */

/** The operand, in parentheses unless it is one piece. */
export function atom(formula: string | undefined): string {
  const text = formula ?? "";
  if (/^\\(frac|sum|max|begin)\b/.test(text)) return `\\left(${text}\\right)`;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "{" || c === "(" || c === "[") depth++;
    else if (c === "}" || c === ")" || c === "]") depth--;
    else if (depth === 0 && (c === "+" || c === "-" || c === " ")) {
      return `\\left(${text}\\right)`;
    }
  }
  return text;
}

/** The operand as what a subscript follows: it may have one already. */
export function subscripted(formula: string | undefined): string {
  return `{${atom(formula)}}`;
}

/** Words set upright; characters that mean something to LaTeX become underscores. */
export function words(text: string): string {
  return `\\text{${text.replace(/[\\{}$&#^_~%]/g, "\\_")}}`;
}

/** `\name\left(a, b\right)`; a name without a backslash is set upright. */
export function called(name: string, args: readonly string[]): string {
  const head = name.startsWith("\\") ? name : `\\operatorname{${name.replaceAll("_", "\\_")}}`;
  return `${head}\\left(${args.join(", ")}\\right)`;
}

/** The nth operand's formula. */
export function arg(args: readonly string[], n: number): string {
  return args[n] ?? "";
}
