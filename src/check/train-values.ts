/**
 * The values of a train block's keys: counts, batch, split, clipping, stopping rule. Each comes in as written and goes out
 * as data; a wrong one is reported and undefined.
 *
 *     readBatch(cx, entry, env, settings, model.span)     // `batch = 64` is 64, `batch = all` is "all"
 */
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Call, Expr, ValueEntry } from "../syntax/ast.ts";
import { defineStep } from "./calls.ts";
import type { CheckedModel, Clip, EarlyStop, Part } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { coerce } from "./make.ts";
import type { Settings } from "./models.ts";
import { evaluateNumber, evaluateTensor } from "./operands.ts";
import { Scope } from "./scope.ts";
import type { Value } from "./value.ts";

/** What an evaluation of a part of the data measures, and which parts there are. */
export interface Measured {
  /** `loss`, terms and metrics. */
  readonly names: readonly string[];
  readonly split: { readonly validation: number; readonly test: number };
}

/** Parts of the data. */
export const parts: readonly Part[] = ["training", "validation", "test"];

/** A whole number from 0 up, from the settings or the block. */
export function readCount(cx: Context, entry: ValueEntry | undefined, env: Env, settings: Settings, key: string): number | undefined {
  const set = Object.hasOwn(settings, key) ? Number(settings[key]) : undefined;
  const value = set ?? (entry && evaluateNumber(cx, entry.value, env, `\`${key}\``));
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value < 2 ** 31)) return value;
  const at = entry?.value.span;
  if (at && set === undefined) cx.error({ code: "E0403", message: `\`${key}\` is a whole number from 0 up, and this is ${value}`, span: at });
  else cx.diagnostics.error({ code: "E0403", message: `\`${key}\` is a whole number from 0 up, and is set to ${settings[key]}` });
  return undefined;
}

/** `batch = 64`, or `all` of the training part, which is also what a block without `batch` takes. */
export function readBatch(cx: Context, entry: ValueEntry | undefined, env: Env, settings: Settings, model: CheckedModel): number | "all" {
  if (!Object.hasOwn(settings, "batch") && entry?.value.kind === "name" && entry.value.name === "all") return "all";
  if (settings["batch"] === "all") return "all";
  const count = readCount(cx, entry, env, settings, "batch");
  if (count === 0) cx.error({ code: "E0403", message: "a batch has at least one example", span: entry?.value.span ?? model.span });
  return count ?? "all";
}

/** How often a step runs in each training step. */
export function readTimes(cx: Context, entry: ValueEntry | undefined, env: Env): number | undefined {
  if (!entry) return 1;
  const count = readCount(cx, entry, env, {}, "times");
  if (count !== 0) return count;
  cx.error({ code: "E0403", message: "a step runs at least once in each training step", span: entry.value.span });
  return undefined;
}

/** The arguments of `holdout(…)`, `early(…)`: all by name. */
function namedArguments(cx: Context, entry: ValueEntry, form: string, names: readonly string[]): Map<string, Expr> | undefined {
  const { value } = entry;
  if (value.kind !== "call" || value.callee.kind !== "name" || value.callee.name !== form) {
    cx.error({ code: "E0403", message: `\`${entry.key.name}\` is \`${form}(${names.map((n) => `${n} = …`).join(", ")})\``, span: value.span });
    return undefined;
  }
  const found = new Map<string, Expr>();
  for (const arg of (value as Call).args) {
    const name = arg.name?.name;
    if (name === undefined || !names.includes(name) || arg.value.kind === "range" || arg.value.kind === "ellipsis") {
      const near = name === undefined ? undefined : suggest(name, names);
      cx.error({ code: "E0403", message: `\`${form}\` takes ${names.map((n) => `\`${n}\``).join(", ")}, by name`, span: arg.span, hint: near ? `did you mean \`${near}\`?` : undefined });
      return undefined;
    }
    found.set(name, arg.value);
  }
  return found;
}

/** `split = holdout(validation = 0.1, test = 0.2)`; without it everything is training data. */
export function readSplit(cx: Context, entry: ValueEntry | undefined, env: Env): { validation: number; test: number } {
  const args = entry && namedArguments(cx, entry, "holdout", ["validation", "test"]);
  if (!args || !entry) return { validation: 0, test: 0 };
  const fraction = (name: string): number => {
    const expr = args.get(name);
    return (expr && evaluateNumber(cx, expr, env, `\`${name}\``)) ?? 0;
  };
  const split = { validation: fraction("validation"), test: fraction("test") };
  if (split.validation < 0 || split.test < 0 || split.validation + split.test >= 1) {
    cx.error({ code: "E0403", message: "the parts are fractions of the examples, and something must be left for training", span: entry.value.span, hint: "holdout(validation = 0.1, test = 0.2)" });
  }
  return split;
}

/** `clip = norm(1)` or `value(0.5)`; the limit may follow a schedule. */
export function readClip(cx: Context, entry: ValueEntry | undefined, env: Env): Clip | undefined {
  if (!entry) return undefined;
  const { value } = entry;
  const name = value.kind === "call" && value.callee.kind === "name" ? value.callee.name : undefined;
  const arg = value.kind === "call" ? value.args[0] : undefined;
  if ((name !== "norm" && name !== "value") || !arg || arg.value.kind === "range" || arg.value.kind === "ellipsis" || (value as Call).args.length !== 1) {
    cx.error({ code: "E0403", message: "`clip` is `norm(limit)` or `value(limit)`", span: value.span });
    return undefined;
  }
  const scope = new Scope<Value>(env.scope);
  defineStep(scope, arg.span);
  const limit = evaluateTensor(cx, arg.value, { ...env, scope }, "a limit");
  if (!limit) return undefined;
  if (limit.core.type.shape.length === 0 && !(typeof limit.known === "number" && limit.known <= 0)) return { kind: name, limit: coerce(limit, "f32").core };
  cx.error({ code: "E0403", message: "a limit is one positive number", span: arg.span });
  return undefined;
}

/** `stop = early(patience = 5, monitor = validation.loss, restore = best)`. */
export function readEarly(cx: Context, entry: ValueEntry | undefined, env: Env, measured: Measured): EarlyStop | undefined {
  const args = entry && namedArguments(cx, entry, "early", ["patience", "monitor", "restore"]);
  if (!args || !entry) return undefined;
  const patienceExpr = args.get("patience");
  const patience = patienceExpr ? evaluateNumber(cx, patienceExpr, env, "`patience`") : 5;
  const restoreExpr = args.get("restore");
  const restore = restoreExpr?.kind === "name" ? restoreExpr.name : "best";
  if (restore !== "best" && restore !== "last") {
    cx.error({ code: "E0403", message: "`restore` is `best` or `last`", span: restoreExpr?.span ?? entry.span });
    return undefined;
  }
  const monitor = readMonitor(cx, args.get("monitor"), entry.span, measured);
  if (!monitor || patience === undefined) return undefined;
  if (Number.isInteger(patience) && patience > 0) return { kind: "early", patience, monitor, restore };
  cx.error({ code: "E0403", message: "`patience` is a whole number of epochs from 1 up", span: patienceExpr?.span ?? entry.span });
  return undefined;
}

function readMonitor(cx: Context, expr: Expr | undefined, span: Span, { names, split }: Measured): { part: Part; name: string } | undefined {
  const written = expr?.kind === "field" && expr.target.kind === "name" ? { part: expr.target.name, name: expr.name.name } : expr ? undefined : { part: "validation", name: "loss" };
  const part = parts.find((p) => p === written?.part);
  if (!written || !part || !names.includes(written.name)) {
    const near = written && part ? suggest(written.name, names) : undefined;
    cx.error({ code: "E0403", message: "`monitor` is a part of the data and the loss or a metric", span: expr?.span ?? span, hint: near ? `did you mean \`${part}.${near}\`?` : `monitor = validation.${names[0] ?? "loss"}` });
    return undefined;
  }
  if (part !== "training" && split[part] === 0) {
    cx.error({ code: "E0403", message: `nothing is held out for ${part}`, span: expr?.span ?? span, hint: `split = holdout(${part} = 0.1)` });
    return undefined;
  }
  return { part, name: written.name };
}
