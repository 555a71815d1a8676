/**
 * W0103: an arm of `cases` that is never reached, because its condition is the same whatever the data and the settings,
 * stands further up already, or is implied by one further up. Conditions that a hyperparameter, a size, a parameter of
 * the function or `training` decides are how one text says several things, and are left alone.
 *
 *     cases { a if x > 0
 *             b if x > 1       never reached: x > 1 is x > 0 too
 *             c otherwise }
 */
import type { Cases, Expr } from "../syntax/ast.ts";
import type { Context, Env } from "./context.ts";
import { mentionedNames } from "./mentions.ts";
import { labelAt } from "./problem.ts";

/** Conditions that repeat, or follow from, one above. */
export function warnImplied(cx: Context, expr: Cases): void {
  for (const [k, arm] of expr.arms.entries()) {
    const above = expr.arms.slice(0, k).find((earlier) => implies(arm.condition, earlier.condition));
    if (!above) continue;
    const same = textOf(above.condition) === textOf(arm.condition);
    cx.warn({
      code: "W0103", message: same ? "this case is never reached: its condition stands above already" : "this case is never reached: a condition above holds whenever it does",
      span: arm.condition.span, label: "never decides", related: [labelAt(above.condition.span, "this one comes first")],
      hint: same ? "delete it, or change one of the conditions" : "the narrower condition comes first",
    });
  }
}

/** A condition that nothing can change. */
export function warnConstant(cx: Context, condition: Expr, holds: boolean, env: Env): void {
  if (!isConstant(condition, env)) return;
  cx.warn({
    code: "W0103", message: holds ? "this condition is always true: no case below it is ever reached" : "this condition is always false: its case is never reached", span: condition.span,
    label: `always ${holds}`, hint: "delete what is never reached",
  });
}

/** What the language gives names to that a model changes. */
const ofTheModel: ReadonlySet<string> = new Set(["training", "weights", "biases", "params", "loss", "g"]);

/** Whether only numbers and constants of the file take part. */
function isConstant(condition: Expr, env: Env): boolean {
  return [...mentionedNames(condition)].every((name) => {
    const holder = env.scope.holderOf(name);
    return holder ? holder.level === "file" || holder.level === "library" : !ofTheModel.has(name);
  });
}

/** The text without blanks. */
function textOf({ span }: Expr): string {
  return span.source.text.slice(span.start, span.end).replace(/\s+/g, "");
}

/** `left relation limit` with a number on the right. */
interface Comparison {
  readonly left: string;
  readonly relation: string;
  readonly limit: number;
}

const turned: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==" };

function comparisonOf(expr: Expr): Comparison | undefined {
  if (expr.kind !== "chain" || expr.rest.length !== 1) return undefined;
  const [link] = expr.rest;
  const flipped = link && turned[link.op];
  if (!link || flipped === undefined) return undefined;
  const right = numberOf(link.value);
  if (right !== undefined) return { left: textOf(expr.first), relation: link.op, limit: right };
  const left = numberOf(expr.first);
  return left === undefined ? undefined : { left: textOf(link.value), relation: flipped, limit: left };
}

function numberOf(expr: Expr): number | undefined {
  if (expr.kind === "number") return expr.value;
  if (expr.kind !== "unary" || expr.op !== "-") return undefined;
  const inner = numberOf(expr.operand);
  return inner === undefined ? undefined : -inner;
}

/** Whether `narrow` can only hold where `wide` does, as far as the texts tell. */
function implies(narrow: Expr, wide: Expr): boolean {
  if (textOf(narrow) === textOf(wide)) return true;
  const [n, w] = [comparisonOf(narrow), comparisonOf(wide)];
  if (!n || !w || n.left !== w.left) return false;
  const holds: Readonly<Record<string, (limit: number) => boolean>> = {
    ">": (v) => v > w.limit, ">=": (v) => v >= w.limit, "<": (v) => v < w.limit, "<=": (v) => v <= w.limit, "==": (v) => v === w.limit,
  };
  if (n.relation === "==") return holds[w.relation]?.(n.limit) ?? false;
  if (n.relation.charAt(0) !== w.relation.charAt(0) || w.relation === "==") return false;
  // x > 2 implies x > 1 and x >= 2; x >= 2 implies x > 1 and not x > 2.
  const beyond = n.relation.startsWith(">") ? n.limit > w.limit : n.limit < w.limit;
  return beyond || (n.limit === w.limit && (w.relation.endsWith("=") || !n.relation.endsWith("=")));
}
