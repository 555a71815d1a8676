/**
 * Formulas of a train block that the host evaluates: `only = y < 5 and x[0] > 0`, `stop = reach(validation.loss < 0.1)`,
 * `steps = 2 * warm.best_step`. In: an expression, and what its names mean. Out: postfix code whose leaves are those.
 *
 *     readFormula(cx, expr, env, { what: "a condition", truth: true, leafOf })
 */
import type { BinaryOp, Expr } from "../syntax/ast.ts";
import type { Formula, FormulaOp } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { evaluateNumber } from "./operands.ts";

/** What a name of the block means: a leaf, something reported, or undefined where it is a number of the file. */
export type LeafOf<Leaf> = (expr: Expr) => { readonly leaf: Leaf } | "reported" | undefined;

export interface FormulaForm<Leaf> {
  /** For messages: "a condition on examples". */
  readonly what: string;
  /** Whether it must be true or false; else it must be a number. */
  readonly truth: boolean;
  readonly leafOf: LeafOf<Leaf>;
  readonly hint: string;
}

type Kind = "truth" | "number";

/** The formula, or undefined when something was reported. */
export function readFormula<Leaf>(cx: Context, expr: Expr, env: Env, form: FormulaForm<Leaf>): Formula<Leaf> | undefined {
  const code: Formula<Leaf>["code"][number][] = [];
  const report = (at: Expr, message: string, label?: string): undefined => {
    cx.error({ code: "E0413", message, span: at.span, label, hint: form.hint });
    return undefined;
  };
  const wanted = (at: Expr, kind: Kind | undefined, want: Kind): boolean => {
    if (kind === undefined || kind === want) return kind !== undefined;
    report(at, want === "truth" ? "this is a number, and something true or false is needed" : "this is true or false, and a number is needed", want === "truth" ? "a number" : "true or false");
    return false;
  };
  // As deep as the brackets of the text; operators of one level are one list.
  const read = (at: Expr): Kind | undefined => {
    const found = form.leafOf(at);
    if (found === "reported") return undefined;
    if (found) {
      code.push(found);
      return "number";
    }
    if (at.kind === "boolean") {
      code.push({ number: at.value ? 1 : 0 });
      return "truth";
    }
    if (at.kind === "unary") {
      const want: Kind = at.op === "-" ? "number" : "truth";
      if (!wanted(at.operand, read(at.operand), want)) return undefined;
      code.push({ op: at.op === "-" ? "negate" : "not" });
      return want;
    }
    if (at.kind === "chain") {
      let kind = read(at.first);
      let left = at.first;
      for (const { op, value } of at.rest) {
        const known = operators.get(op);
        if (!known) return report(at, `\`${op}\` has no place in ${form.what}`);
        if (!wanted(left, kind, known.takes) || !wanted(value, read(value), known.takes)) return undefined;
        code.push({ op: known.op });
        kind = known.gives;
        left = value;
      }
      return kind;
    }
    if (at.kind === "number" || at.kind === "name") {
      const value = evaluateNumber(cx, at, env, `a number in ${form.what}`);
      if (value === undefined) return undefined;
      code.push({ number: value });
      return "number";
    }
    return report(at, `this has no place in ${form.what}`);
  };
  const kind = read(expr);
  if (!wanted(expr, kind, form.truth ? "truth" : "number")) return undefined;
  const { source, start, end } = expr.span;
  return { text: source.text.slice(start, end).replace(/\s+/g, " "), code };
}

interface Operator {
  readonly op: FormulaOp;
  readonly takes: Kind;
  readonly gives: Kind;
}

const operators: ReadonlyMap<BinaryOp, Operator> = new Map<BinaryOp, Operator>([
  ...(["or", "and"] as const).map((op): [BinaryOp, Operator] => [op, { op, takes: "truth", gives: "truth" }]),
  ...(["==", "!=", "<", "<=", ">", ">="] as const).map((op): [BinaryOp, Operator] => [op, { op, takes: "number", gives: "truth" }]),
  ...(["+", "-", "*", "/", "//", "%", "^"] as const).map((op): [BinaryOp, Operator] => [op, { op, takes: "number", gives: "number" }]),
]);
