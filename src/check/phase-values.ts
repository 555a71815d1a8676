/**
 * What the keys of phases read beyond numbers: examples (`only`), what was measured (`stop = reach(…)`) and how earlier
 * phases ended (`epochs = warm.best_epoch`); and the parts of the data that a phase fits.
 */
import * as dims from "../ir/dims.ts";
import { printType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Expr, ValueEntry } from "../syntax/ast.ts";
import type { CheckedModel, EarlyStop, ExampleLeaf, Formula, Part, ReachStop, RunLeaf } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { type LeafOf, readFormula } from "./formulas.ts";
import { evaluateNumber } from "./operands.ts";
import { labelAt } from "./problem.ts";
import { type Measured, parts, readEarly } from "./train-values.ts";

/** What a formula of a phase may read: measurements, and the phases before it by name. */
export interface Readable {
  readonly measured: Measured;
  readonly earlier: readonly string[];
}

/** `only = y < 5`: the examples that count. */
export function readOnly(cx: Context, entry: ValueEntry | undefined, env: Env, model: CheckedModel): Formula<ExampleLeaf> | undefined {
  const hint = "only = y < 5, only = x[0] > 0 and y != 3";
  return entry && readFormula(cx, entry.value, env, { what: "a condition on examples", truth: true, leafOf: (expr) => exampleLeaf(cx, expr, env, model), hint });
}

function exampleLeaf(cx: Context, expr: Expr, env: Env, model: CheckedModel): ReturnType<LeafOf<ExampleLeaf>> {
  const target = expr.kind === "index" ? expr.target : expr;
  const input = target.kind === "name" ? model.inputs.find((i) => i.name === target.name) : undefined;
  if (!input) return undefined;
  const shape = input.type.shape.filter((d) => !isBatch(d, model.batch));
  const items = expr.kind === "index" ? expr.items : [];
  const wrong = (message: string): "reported" => {
    const one = `${input.name}[${shape.map(() => "0").join(", ")}]`;
    cx.error({ code: "E0413", message, span: expr.span, related: [labelAt(input.span, `it is ${printType(input.type)}`)], hint: shape.length > 0 ? `one of them is \`${one}\`` : undefined });
    return "reported";
  };
  if (items.length !== shape.length) return wrong(`an example's \`${input.name}\` has ${shape.length} ${shape.length === 1 ? "axis" : "axes"}, and a condition is about one number of it`);
  let at = 0;
  for (const [axis, item] of items.entries()) {
    const size = shape[axis];
    if (item.kind === "range" || item.kind === "whole" || item.kind === "ellipsis" || item.kind === "bound") return wrong("a condition is about one number of an example");
    const index = evaluateNumber(cx, item, env, "a position in an example");
    if (index === undefined) return "reported";
    if (typeof size !== "number") return wrong(`positions in \`${input.name}\` are known only when it runs`);
    if (!Number.isInteger(index) || index < 0 || index >= size) return wrong(`position ${index} is outside 0..${size}`);
    at = at * size + index;
  }
  return { leaf: { field: input.name, at } };
}

function isBatch(dim: dims.Dim, batch: string | undefined): boolean {
  return batch !== undefined && dims.equal(dim, dims.sym(batch));
}

/** `stop = early(…)` or `stop = reach(…)`. */
export function readStop(cx: Context, entry: ValueEntry | undefined, env: Env, readable: Readable): EarlyStop | ReachStop | undefined {
  const { value } = entry ?? {};
  const form = value?.kind === "call" && value.callee.kind === "name" ? value.callee.name : "";
  if (value && form !== "early" && form !== "reach") {
    cx.error({ code: "E0403", message: "`stop` is `early(patience = …, monitor = …, restore = …)` or `reach(condition)`", span: value.span });
    return undefined;
  }
  return entry && form === "reach" ? readReach(cx, entry, env, readable) : readEarly(cx, entry, env, readable.measured);
}

/** `stop = reach(validation.loss < 0.1)`. */
function readReach(cx: Context, entry: ValueEntry, env: Env, readable: Readable): ReachStop | undefined {
  const { value } = entry;
  const arg = value.kind === "call" ? value.args[0] : undefined;
  if (value.kind !== "call" || value.args.length !== 1 || !arg || arg.name || arg.value.kind === "range" || arg.value.kind === "ellipsis") {
    cx.error({ code: "E0403", message: "`reach` takes one condition", span: value.span, hint: "stop = reach(validation.loss < 0.1)" });
    return undefined;
  }
  const leafOf = (expr: Expr): ReturnType<LeafOf<RunLeaf>> => measureLeaf(cx, expr, readable.measured) ?? earlierLeaf(cx, expr, readable);
  const condition = readFormula(cx, arg.value, env, { what: "a stopping condition", truth: true, leafOf, hint: "reach(validation.loss < 0.1)" });
  return condition && { kind: "reach", condition };
}

/** `epochs = warm.best_epoch`: a number that is known when the phase begins; undefined where no earlier phase is read. */
export function readLater(cx: Context, entry: ValueEntry, env: Env, readable: Readable): Formula<RunLeaf> | "reported" | undefined {
  let reads = false;
  const errors = cx.diagnostics.reports;
  const leafOf = (expr: Expr): ReturnType<LeafOf<RunLeaf>> => {
    reads ||= expr.kind === "field";
    return earlierLeaf(cx, expr, readable);
  };
  if (!mentionsField(entry.value)) return undefined;
  const formula = readFormula(cx, entry.value, env, { what: `\`${entry.key.name}\``, truth: false, leafOf, hint: `${entry.key.name} = warm.best_${entry.key.name === "epochs" ? "epoch" : "step"}` });
  return formula ?? (reads || cx.diagnostics.reports > errors ? "reported" : undefined);
}

/** Whether `a.b` stands somewhere in a number's formula. */
function mentionsField(expr: Expr): boolean {
  if (expr.kind === "field") return true;
  if (expr.kind === "unary") return mentionsField(expr.operand);
  return expr.kind === "chain" && (mentionsField(expr.first) || expr.rest.some((l) => mentionsField(l.value)));
}

function measureLeaf(cx: Context, expr: Expr, { names, split }: Measured): ReturnType<LeafOf<RunLeaf>> {
  if (expr.kind !== "field" || expr.target.kind !== "name") return undefined;
  const { name: target } = expr.target;
  const part = parts.find((p) => p === target);
  if (!part) return undefined;
  const { name } = expr.name;
  if (!names.includes(name)) {
    const near = suggest(name, names);
    cx.error({ code: "E0413", message: `an evaluation measures no \`${name}\``, span: expr.name.span, hint: near ? `did you mean \`${part}.${near}\`?` : `it measures ${names.join(", ")}` });
    return "reported";
  }
  return heldOut(cx, part, split, expr) ? { leaf: { kind: "measured", part, name } } : "reported";
}

function heldOut(cx: Context, part: Part, split: Measured["split"], expr: Expr): boolean {
  if (part === "training" || split[part] > 0) return true;
  cx.error({ code: "E0414", message: `nothing is held out for ${part}`, span: expr.span, hint: `split = holdout(${part} = 0.1)` });
  return false;
}

const counts = ["epochs", "steps", "best_epoch", "best_step"] as const;

function earlierLeaf(cx: Context, expr: Expr, { measured: { names, split }, earlier }: Readable): ReturnType<LeafOf<RunLeaf>> {
  if (expr.kind !== "field" || expr.target.kind !== "name") return undefined;
  const { name: phase, span } = expr.target;
  if (!earlier.includes(phase)) {
    const near = suggest(phase, earlier);
    cx.error({
      code: "E0415", message: `there is no earlier phase \`${phase}\` to read`, span, label: "not a phase before this one",
      hint: near ? `did you mean \`${near}\`?` : earlier.length > 0 ? `before it ${earlier.length === 1 ? "is" : "are"} ${earlier.join(", ")}` : undefined,
    });
    return "reported";
  }
  const { name } = expr.name;
  const count = counts.find((c) => c === name);
  if (count) return { leaf: { kind: "count", phase, count } };
  const [, part, measure = ""] = /^best_(training|validation|test)_(.+)$/s.exec(name) ?? [];
  const known = parts.find((p) => p === part);
  if (known && names.includes(measure)) return heldOut(cx, known, split, expr) ? { leaf: { kind: "kept", phase, part: known, name: measure } } : "reported";
  const all = [...counts, ...names.flatMap((n) => parts.filter((p) => p === "training" || split[p] > 0).map((p) => `best_${p}_${n}`))];
  const near = suggest(name, all);
  cx.error({ code: "E0415", message: `a phase has no \`${name}\``, span: expr.name.span, hint: near ? `did you mean \`${phase}.${near}\`?` : `it has ${all.slice(0, 8).join(", ")}` });
  return "reported";
}

/** `fit = training + validation`: the parts that the phase's steps see. */
export function readFit(cx: Context, entry: ValueEntry | undefined, split: Measured["split"]): readonly Part[] | undefined {
  if (!entry) return ["training"];
  const { value } = entry;
  const terms = value.kind === "chain" && value.rest.every((l) => l.op === "+") ? [value.first, ...value.rest.map((l) => l.value)] : [value];
  const found: Part[] = [];
  for (const term of terms) {
    const part = term.kind === "name" ? parts.find((p) => p === term.name) : undefined;
    if (!part || part === "test" || found.includes(part)) {
      const message = part === "test" ? "the test part is never fitted: it says how well what was learned does on new examples" : part ? `\`${part}\` is named twice` : "`fit` names parts of the data";
      cx.error({ code: "E0414", message, span: term.span, hint: "fit = training, fit = training + validation" });
      return undefined;
    }
    if (!heldOut(cx, part, split, term)) return undefined;
    found.push(part);
  }
  return found;
}

/** `start = pretrain`: the train block whose parameters a block starts with. Which there are is known when all are checked. */
export function readBlockStart(cx: Context, entry: ValueEntry | undefined): { readonly block: string; readonly span: Span } | undefined {
  if (!entry) return undefined;
  const { value } = entry;
  if (value.kind === "name" && value.name !== "previous") return value.name === "fresh" ? undefined : { block: value.name, span: value.span };
  cx.error({ code: "E0403", message: "a block starts `fresh` or from another train block of the file, by its name", span: value.span, hint: 'start = pretrain; a file of weights is `nabla train --weights`' });
  return undefined;
}

/** `start = fresh | previous`. */
export function readStart(cx: Context, entry: ValueEntry | undefined, first: boolean): "fresh" | "previous" {
  if (!entry) return "previous";
  const { value } = entry;
  const name = value.kind === "name" ? value.name : "";
  if (name !== "fresh" && name !== "previous") cx.error({ code: "E0403", message: "`start` is `fresh` or `previous`", span: value.span });
  else if (name === "previous" && first) cx.error({ code: "E0403", message: "there is no phase before this one to go on from", span: value.span, hint: "the first phase starts from the initial values" });
  return name === "fresh" ? "fresh" : "previous";
}
