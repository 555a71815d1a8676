/** Checks a train block: data, split, batch, length, optimizer, clipping, stopping rule, seed. */
import type { Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Call, Expr, Train, ValueEntry } from "../syntax/ast.ts";
import { defineStep } from "./calls.ts";
import type { CheckedModel, CheckedTrain, Part } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { checkData } from "./data.ts";
import { coerce } from "./make.ts";
import { plainFrame, type ModelRun, type Settings } from "./models.ts";
import { evaluateNumber, evaluateTensor } from "./operands.ts";
import { checkOptimizer, noOptimizer } from "./optimizers.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import type { Value } from "./value.ts";

/** Keys of a train block, each at most once. */
export const trainKeys: readonly string[] = ["data", "split", "batch", "epochs", "steps", "optimizer", "clip", "stop", "seed"];

/** Keys that `--set` can override. */
export const settableKeys: readonly string[] = ["batch", "epochs", "steps", "seed"];

const parts: readonly Part[] = ["training", "validation", "test"];

/** The checked block, or undefined when something was reported. */
export function checkTrain(cx: Context, train: Train, run: ModelRun, model: CheckedModel, settings: Settings): CheckedTrain | undefined {
  const errors = cx.diagnostics.list.length;
  const entries = readEntries(cx, train);
  const scope = new Scope<Value>(run.scope);
  const env: Env = { scope, frame: plainFrame(cx, "train"), place: { path: train.as?.name ?? model.name, named: false, turns: "" } };
  const { span } = train.model;
  if (model.terms.length === 0 && run.state.brokenTerms.length === 0) {
    cx.error({ code: "E0405", message: `\`${model.name}\` has nothing to train for`, span, related: [labelAt(model.span, "the model")], hint: "give it a `loss`, `minimize` or `maximize`" });
  }
  const dataEntry = entries.get("data");
  const data = dataEntry && checkData(cx, dataEntry, model.inputs, env);
  const split = readSplit(cx, entries.get("split"), env);
  const batch = readBatch(cx, entries.get("batch"), env, settings, model);
  const epochs = readCount(cx, entries.get("epochs"), env, settings, "epochs");
  const steps = readCount(cx, entries.get("steps"), env, settings, "steps");
  checkLength(cx, train, model, entries, epochs, steps);
  const seed = readCount(cx, entries.get("seed"), env, settings, "seed") ?? 0;
  const stop = readStop(cx, entries.get("stop"), env, model, split);
  const clip = readClip(cx, entries.get("clip"), env);
  const optimizerEntry = entries.get("optimizer");
  if (!optimizerEntry && model.params.length > 0 && steps !== 0) {
    cx.error({ code: "E0402", message: "this block has no `optimizer`", span, hint: "optimizer = adam(lr = 1e-3)" });
  }
  const optimizer = optimizerEntry ? checkOptimizer(cx, optimizerEntry.value, env, run.state, model.params) : noOptimizer(span);
  if (cx.diagnostics.list.length > errors || !optimizer) return undefined;
  // Exactly one of the two: what was set from outside wins.
  const length = steps !== undefined && (epochs === undefined || Object.hasOwn(settings, "steps")) ? { steps } : { epochs: epochs ?? 1 };
  return {
    name: train.as?.name ?? train.model.name, model: model.name, span, ...(data && { data }), split, batch, ...length, ...(clip && { clip }), ...(stop && { stop }),
    seed, optimizer,
  };
}

function readEntries(cx: Context, train: Train): ReadonlyMap<string, ValueEntry> {
  const entries = new Map<string, ValueEntry>();
  for (const entry of train.entries) {
    if (entry.kind === "section") {
      const { name, span } = entry.keyword;
      if (name === "step" || name === "phase") cx.unsupported(span, `\`${name}\` in a train block`);
      else cx.error({ code: "E0401", message: `there is no section \`${name}\` in a train block`, span });
      continue;
    }
    const { name, span } = entry.key;
    const before = entries.get(name);
    if (!trainKeys.includes(name)) {
      const near = suggest(name, trainKeys);
      cx.error({ code: "E0401", message: `a train block has no \`${name}\``, span, label: "unknown key", hint: near ? `did you mean \`${near}\`?` : `it has ${trainKeys.join(", ")}` });
    } else if (before) {
      cx.error({ code: "E0406", message: `\`${name}\` is given twice`, span, related: [labelAt(before.key.span, "first here")] });
    } else entries.set(name, entry);
  }
  return entries;
}

function checkLength(cx: Context, train: Train, model: CheckedModel, entries: ReadonlyMap<string, ValueEntry>, epochs: number | undefined, steps: number | undefined): void {
  const span = train.model.span;
  const both = entries.has("epochs") && entries.has("steps");
  if (both) cx.error({ code: "E0406", message: "a block has either `epochs` or `steps`", span: entries.get("steps")?.key.span ?? span, related: [labelAt(entries.get("epochs")?.key.span, "the other")] });
  else if (epochs === undefined && steps === undefined && !entries.has("epochs") && !entries.has("steps")) {
    cx.error({ code: "E0402", message: "this block says neither `epochs` nor `steps`", span, hint: entries.has("data") ? "epochs = 20" : "steps = 200" });
  } else if (epochs !== undefined && model.inputs.length === 0) {
    cx.error({ code: "E0402", message: "epochs are passes over data, and this model takes none", span: entries.get("epochs")?.span ?? span, hint: "use `steps`" });
  }
}

/** A whole number from 0 up, from the settings or the block. */
function readCount(cx: Context, entry: ValueEntry | undefined, env: Env, settings: Settings, key: string): number | undefined {
  const set = Object.hasOwn(settings, key) ? Number(settings[key]) : undefined;
  const value = set ?? (entry && evaluateNumber(cx, entry.value, env, `\`${key}\``));
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value < 2 ** 31)) return value;
  const at = entry?.value.span;
  if (at && set === undefined) cx.error({ code: "E0403", message: `\`${key}\` is a whole number from 0 up, and this is ${value}`, span: at });
  else cx.diagnostics.error({ code: "E0403", message: `\`${key}\` is a whole number from 0 up, and is set to ${settings[key]}` });
  return undefined;
}

function readBatch(cx: Context, entry: ValueEntry | undefined, env: Env, settings: Settings, model: CheckedModel): number | "all" {
  if (!Object.hasOwn(settings, "batch") && entry?.value.kind === "name" && entry.value.name === "all") return "all";
  if (settings["batch"] === "all") return "all";
  const count = readCount(cx, entry, env, settings, "batch");
  if (count === 0) cx.error({ code: "E0403", message: "a batch has at least one example", span: entry?.value.span ?? model.span });
  return count ?? "all";
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
    if (name === undefined || !names.includes(name) || arg.value.kind === "range") {
      const near = name === undefined ? undefined : suggest(name, names);
      cx.error({ code: "E0403", message: `\`${form}\` takes ${names.map((n) => `\`${n}\``).join(", ")}, by name`, span: arg.span, hint: near ? `did you mean \`${near}\`?` : undefined });
      return undefined;
    }
    found.set(name, arg.value);
  }
  return found;
}

function readSplit(cx: Context, entry: ValueEntry | undefined, env: Env): { validation: number; test: number } {
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

function readClip(cx: Context, entry: ValueEntry | undefined, env: Env): CheckedTrain["clip"] {
  if (!entry) return undefined;
  const { value } = entry;
  const name = value.kind === "call" && value.callee.kind === "name" ? value.callee.name : undefined;
  const arg = value.kind === "call" ? value.args[0] : undefined;
  if ((name !== "norm" && name !== "value") || !arg || arg.value.kind === "range" || (value as Call).args.length !== 1) {
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

function readStop(cx: Context, entry: ValueEntry | undefined, env: Env, model: CheckedModel, split: { validation: number; test: number }): CheckedTrain["stop"] {
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
  const monitor = readMonitor(cx, args.get("monitor"), entry.span, model, split);
  if (!monitor || patience === undefined) return undefined;
  if (Number.isInteger(patience) && patience > 0) return { kind: "early", patience, monitor, restore };
  cx.error({ code: "E0403", message: "`patience` is a whole number of epochs from 1 up", span: patienceExpr?.span ?? entry.span });
  return undefined;
}

function readMonitor(cx: Context, expr: Expr | undefined, span: Span, model: CheckedModel, split: { validation: number; test: number }): { part: Part; name: string } | undefined {
  const written = expr?.kind === "field" && expr.target.kind === "name" ? { part: expr.target.name, name: expr.name.name } : expr ? undefined : { part: "validation", name: "loss" };
  const part = parts.find((p) => p === written?.part);
  const names = ["loss", ...model.metrics.map((m) => m.name), ...model.terms.map((t) => t.name)];
  if (!written || !part || !names.includes(written.name)) {
    const near = written && part ? suggest(written.name, names) : undefined;
    cx.error({ code: "E0403", message: "`monitor` is a part of the data and the loss or a metric", span: expr?.span ?? span, hint: near ? `did you mean \`${part}.${near}\`?` : "monitor = validation.loss" });
    return undefined;
  }
  if (part !== "training" && split[part] === 0) {
    cx.error({ code: "E0403", message: `nothing is held out for ${part}`, span: expr?.span ?? span, hint: `split = holdout(${part} = 0.1)` });
    return undefined;
  }
  return { part, name: written.name };
}
