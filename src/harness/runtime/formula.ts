/**
 * Formulas of a train block that the host evaluates: which examples count, when to stop, how long a phase lasts. Postfix, so
 * that neither length nor depth of what was written costs a stack; truth is 1 or 0.
 *
 *     evaluateFormula({ text: "y < 5", code: [{ leaf: { field: "y", at: 0 } }, { number: 5 }, { op: "<" }] }, () => 3)   // 1
 */

/** An operator on what was computed last. */
export type FormulaOp = "negate" | "not" | "or" | "and" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "//" | "%" | "^";

/** A formula over leaves of some kind. */
export interface Formula<Leaf> {
  /** As it is written. */
  readonly text: string;
  readonly code: readonly ({ readonly number: number } | { readonly leaf: Leaf } | { readonly op: FormulaOp })[];
}

const truth = (b: boolean): number => (b ? 1 : 0);

const binary: Readonly<Record<Exclude<FormulaOp, "negate" | "not">, (a: number, b: number) => number>> = {
  or: (a, b) => truth(a !== 0 || b !== 0),
  and: (a, b) => truth(a !== 0 && b !== 0),
  "==": (a, b) => truth(a === b),
  "!=": (a, b) => truth(a !== b),
  "<": (a, b) => truth(a < b),
  "<=": (a, b) => truth(a <= b),
  ">": (a, b) => truth(a > b),
  ">=": (a, b) => truth(a >= b),
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "//": (a, b) => Math.floor(a / b),
  "%": (a, b) => a - b * Math.floor(a / b),
  "^": (a, b) => a ** b,
};

/** The value of a formula; a leaf that has none makes it not a number. */
export function evaluateFormula<Leaf>({ code }: Formula<Leaf>, valueOf: (leaf: Leaf) => number): number {
  const stack: number[] = [];
  const pop = (): number => stack.pop() ?? Number.NaN;
  for (const item of code) {
    if ("number" in item) stack.push(item.number);
    else if ("leaf" in item) stack.push(valueOf(item.leaf));
    else if (item.op === "negate") stack.push(-pop());
    else if (item.op === "not") stack.push(truth(pop() === 0));
    else {
      const b = pop();
      stack.push(binary[item.op](pop(), b));
    }
  }
  return pop();
}
