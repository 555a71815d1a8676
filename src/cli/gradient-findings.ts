/**
 * What a comparison of gradients says, for `nabla check --gradients`: a line for each rule and each parameter, and errors
 * for what must not be.
 *
 *     sign_st by x (gate.dl:3:53): differs at [0, 2], 1 by its rule and 0 by its body
 *     loss by Gate.W: agrees in 24 elements
 */
import type { CompiledProgram } from "../compile.ts";
import { type Comparison, compareGradients, type LossComparison, type RuleComparison } from "../report/compare-gradients.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { positionOf } from "../support/span.ts";
import { printPlural } from "./summary.ts";

/** Lines for people, and errors. */
export interface GradientFindings {
  readonly lines: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Compares the gradients of a program. `strict`: rules that differ are errors, and so are gradients that pass through them. */
export function gradientFindings(program: CompiledProgram, strict: boolean): GradientFindings {
  const { rules, loss, skipped } = compareGradients(program.model, (entry) => program.graph(entry), { seed: 1, hypers: program.info.hypers, train: program.train });
  const lines = [
    ...rules.map((r) => `${r.name} by ${r.argument} (${placeOf(r)}): ${r.silent && r.agrees ? "no path, and none is missing" : said(r, r.silent ? "for want of an entry" : "by its rule", "by its body")}`),
    ...skipped.map((name) => `${name}: not compared, it reads the turn of a loop`),
    ...loss.map((l) => `loss by ${l.path}: ${said(l, "by its gradient", "by central differences")}${l.agrees || l.through.length === 0 ? "" : `; it passes through ${l.through.join(", ")}`}`),
  ];
  return { lines, diagnostics: [...(strict ? rules.filter((r) => !r.agrees).map(ruleError) : []), ...loss.filter((l) => !l.agrees && (strict || l.through.length === 0)).map(lossError)] };
}

function said(c: Comparison, one: string, other: string): string {
  return c.agrees ? `agrees in ${printPlural(c.count, "element")}` : `differs${c.at && c.at.length > 0 ? ` at [${c.at.join(", ")}]` : ""}, ${printNumber(c.found)} ${one} and ${printNumber(c.wanted)} ${other}`;
}

function printNumber(x: number | undefined): string {
  return x === undefined ? "nothing" : String(Number(x.toPrecision(6)));
}

function placeOf({ span }: RuleComparison): string {
  const { line, column } = positionOf(span.source, span.start);
  return `${span.source.path}:${line}:${column}`;
}

function ruleError(r: RuleComparison): Diagnostic {
  return {
    severity: "error", code: "E0326", span: r.span, label: r.silent ? "no entry" : "this rule",
    message: `the gradient of \`${r.name}\` by \`${r.argument}\` ${said(r, r.silent ? "for want of an entry" : "by its rule", "by its body")}`,
    hint: "leave `--strict` out where it differs on purpose",
  };
}

function lossError(l: LossComparison): Diagnostic {
  return {
    severity: "error", code: "E0327", span: l.span, label: "this parameter",
    message: `the gradient of the loss by \`${l.path}\` ${said(l, "by its gradient", "by central differences")}`,
    ...(l.through.length > 0 && { hint: `it passes through ${l.through.map((n) => `\`${n}\``).join(", ")}, whose gradient is not that of the value` }),
  };
}
