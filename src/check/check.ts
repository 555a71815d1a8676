/**
 * AST to checked program: names, sizes, roles, paths, objectives and train blocks. Comes in: a file and what `--set` says.
 * Goes out: a program in which nothing is left to decide, or undefined when errors were reported.
 *
 *     check(parse(source, diagnostics), { set: { hidden: 64 } }, diagnostics)
 *
 * A model is run pass by pass until it is known which hyperparameters fix a size and which parameters there are; only
 * the last pass reports.
 */
import { print } from "../ir/dims.ts";
import { printType } from "../ir/types.ts";
import { createLibrary, type Library } from "../std/library.ts";
import { type Diagnostic, Diagnostics } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Declaration, File, Model, Train } from "../syntax/ast.ts";
import type { CheckedModel, CheckedProgram, CheckedTrain } from "./checked.ts";
import { Context, type Env, type ModelState } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { finishModel, type Foreknowledge, plainFrame, runModel, type Settings } from "./models.ts";
import { labelAt } from "./problem.ts";
import { badIndices, wantedRange } from "./index-ranges.ts";
import { reachedParams } from "./reach.ts";
import { type Definition, Scope } from "./scope.ts";
import { runBody, runStatements } from "./statements.ts";
import { checkTrain, settableKeys } from "./trains.ts";
import { checkUncalled } from "./uncalled.ts";
import type { Callable, Value } from "./value.ts";

/** What comes from outside the file. */
export interface CheckOptions {
  /** Hyperparameters and train settings: `{ hidden: 64, seed: 7 }`. */
  readonly set?: Settings;
  /** Text of a file named by `use`. */
  readonly use?: (path: string) => Source | undefined;
  /** The library in `.dl`; one that was used before is already parsed. */
  readonly library?: Library;
}

/** Checks a file. */
export function check(file: File, options: CheckOptions, diagnostics: Diagnostics): CheckedProgram | undefined {
  const library = options.library ?? createLibrary();
  // What could not be read is missing: that it is missing is no second error.
  const whole = !diagnostics.hasErrors;
  const settings = options.set ?? {};
  const begin = (into: Diagnostics): Context => {
    const names = (): readonly string[] => library.names();
    return new Context(into, { evaluate, runBody, runStatements, isLibrary: (s) => library.owns(s), libraryNames: names });
  };
  const scope = fileScope(begin(diagnostics), file, library);
  const models = file.declarations.filter((d) => d.kind === "model");
  const trains = file.declarations.filter((d) => d.kind === "train");
  const checkedModels: CheckedModel[] = [];
  const checkedTrains: CheckedTrain[] = [];
  const called = new Set<Callable>();
  for (const model of models) {
    const mine = trains.filter((t) => t.model.name === model.name.name);
    const result = checkModel(begin, model, mine, scope, settings, diagnostics, whole);
    checkedModels.push(result.model);
    checkedTrains.push(...result.trains);
    for (const declaration of result.called) called.add(declaration);
  }
  for (const declaration of file.declarations) if (isCallable(declaration) && !called.has(declaration)) checkUncalled(begin, declaration, scope, diagnostics);
  for (const train of trains) {
    if (models.some((m) => m.name.name === train.model.name)) continue;
    const near = suggest(train.model.name, models.map((m) => m.name.name));
    diagnostics.error({
      code: "E0404", message: `there is no model \`${train.model.name}\``, span: train.model.span, label: "unknown model", ...(near && { hint: `did you mean \`${near}\`?` }),
    });
  }
  checkNames(trains, settings, models, diagnostics);
  inTextOrder(diagnostics, file.span.source);
  return diagnostics.hasErrors ? undefined : { source: file.span.source, models: checkedModels, trains: checkedTrains };
}

/** Reports follow the text, whatever order the parts were checked in; what lies elsewhere comes last. */
function inTextOrder(diagnostics: Diagnostics, source: Source): void {
  const place = (d: Diagnostic): number => (d.span?.source === source ? d.span.start : Number.POSITIVE_INFINITY);
  diagnostics.list.sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

/** The names of the file over those of the library. */
function fileScope(cx: Context, file: File, library: Library): Scope<Value> {
  const outermost: Scope<Value> = new Scope<Value>(undefined, (name) => {
    const found = library.find(name, cx.diagnostics);
    return found && definition(cx, found, outermost);
  });
  const scope = new Scope<Value>(outermost);
  const env: Env = { scope, frame: plainFrame(cx, "file"), place: { path: "", named: false, turns: "" } };
  const seen = new Map<string, Declaration>();
  for (const declaration of file.declarations) {
    if (declaration.kind === "use") {
      cx.unsupported(declaration.span, "`use`");
      continue;
    }
    const ident = declaration.kind === "train" ? declaration.as : declaration.name;
    if (!ident) continue;
    const before = seen.get(ident.name);
    if (before) cx.error({ code: "E0102", message: `\`${ident.name}\` is declared twice`, span: ident.span, related: [labelAt(before.span, "first here")] });
    seen.set(ident.name, declaration);
    if (before || declaration.kind === "model" || declaration.kind === "train") continue;
    const made = declaration.kind === "const" ? { name: ident.name, span: ident.span, value: evaluate(cx, declaration.value, env) } : definition(cx, declaration, scope);
    if (made) scope.define(made);
  }
  return scope;
}

function isCallable(declaration: Declaration): declaration is Callable {
  return !["use", "const", "model", "train"].includes(declaration.kind);
}

/** A declaration as its name's definition. */
function definition(cx: Context, declaration: Declaration, scope: Scope<Value>): Definition<Value> | undefined {
  switch (declaration.kind) {
    case "fn":
    case "layer":
    case "optimizer":
    case "schedule":
    case "initializer":
      return { name: declaration.name.name, span: declaration.name.span, value: { kind: "callable", declaration, scope } };
    case "const": {
      const env: Env = { scope, frame: plainFrame(cx, "file"), place: { path: "", named: false, turns: "" } };
      return { name: declaration.name.name, span: declaration.name.span, value: evaluate(cx, declaration.value, env) };
    }
    default:
      return undefined;
  }
}

/** What is wrong because something is not there. */
const aboutAbsence: ReadonlySet<string> = new Set(["E0302", "E0402", "E0405", "E0503"]);

function checkModel(
  begin: (into: Diagnostics) => Context, model: Model, trains: readonly Train[], scope: Scope<Value>, settings: Settings, diagnostics: Diagnostics, whole: boolean,
): { model: CheckedModel; trains: CheckedTrain[]; called: ReadonlySet<Callable> } {
  let known: Foreknowledge = { fixed: new Set(), params: [] };
  // Each pass fixes at least one more hyperparameter or learns the parameters, so this ends.
  for (let pass = 0; ; pass++) {
    const own = new Diagnostics();
    const cx = begin(own);
    const run = runModel(cx, model, scope, settings, known);
    const checked = finishModel(model, run.state);
    const blocks = trains.flatMap((train) => checkTrain(cx, train, run, checked, settings) ?? []);
    const fixed = new Set([...run.state.hypers].filter(([, h]) => h.static).map(([name]) => name));
    const late = (run.state.setsSeen ?? Number.POSITIVE_INFINITY) < run.state.params.size && known.params.length !== checked.params.length;
    if (pass <= model.params.length + 2 && (fixed.size > known.fixed.size || late)) {
      known = { fixed, params: checked.params };
      continue;
    }
    if (run.state.brokenTerms.length === 0 && !own.hasErrors) checkReach(cx, checked, run.state);
    checkIndexRanges(cx, checked);
    for (const d of own.list) if (whole || !aboutAbsence.has(d.code)) diagnostics.add(d);
    if (!own.hasErrors && whole) warnUnused(cx, diagnostics);
    return { model: checked, trains: blocks, called: cx.called };
  }
}

/** Data that indexes must declare that it stays inside. */
function checkIndexRanges(cx: Context, model: CheckedModel): void {
  const roots = [...model.terms, ...model.outputs, ...model.metrics, ...model.updates].map((n) => n.value);
  for (const { input, extent, span } of badIndices(roots, model.inputs)) {
    const range = input.range ? `takes values up to ${input.range.hi - 1}` : "may take any value";
    cx.error({
      code: "E0216", message: `\`${input.name}\` ${range}, and indexes an axis of ${print(extent)}`, span: input.span, related: [labelAt(span, "it indexes here")],
      hint: `declare \`${input.name}: ${printType(input.type)} ${wantedRange(extent)}\``,
    });
  }
}

/** Every parameter must be able to learn. */
function checkReach(cx: Context, model: CheckedModel, state: ModelState): void {
  if (model.terms.length === 0) return;
  const reached = reachedParams(model.terms.map((t) => t.value));
  const lost = new Map<Span, string[]>();
  for (const { path, call } of state.params.values()) if (!reached.has(path)) lost.set(call, [...(lost.get(call) ?? []), `\`${path}\``]);
  for (const [span, paths] of lost) {
    cx.error({
      code: "E0302", message: `the loss does not depend on the ${paths.length === 1 ? "parameter" : "parameters"} ${paths.join(", ")}`, span,
      label: paths.length === 1 ? "never learns" : "these never learn", related: model.terms.map((t) => labelAt(t.span, "the loss")),
      hint: "use what is computed here in the loss, or leave it out",
    });
  }
}

function warnUnused(cx: Context, diagnostics: Diagnostics): void {
  for (const { name, span, used } of cx.names.values()) {
    if (!used) diagnostics.warn({ code: "W0101", message: `\`${name}\` is never used`, span, label: "unused", hint: `a name that starts with \`_\` may stay unused` });
  }
}

/** Train blocks have names of their own, and `--set` names something. */
function checkNames(trains: readonly Train[], settings: Settings, models: readonly Model[], diagnostics: Diagnostics): void {
  const names = new Map<string, Train>();
  for (const train of trains) {
    const name = train.as?.name ?? train.model.name;
    const before = names.get(name);
    if (before) {
      diagnostics.error({
        code: "E0406", message: `two train blocks are called \`${name}\``, span: (train.as ?? train.model).span, related: [{ span: (before.as ?? before.model).span, text: "the first" }],
        hint: `name one: \`train ${train.model.name} as other { … }\``,
      });
    }
    names.set(name, train);
  }
  const legal = [...models.flatMap((m) => m.params.map((p) => p.name.name)), ...(trains.length > 0 ? settableKeys : [])];
  for (const key of Object.keys(settings)) {
    if (legal.includes(key)) continue;
    const near = suggest(key, legal);
    diagnostics.error({ code: "E0104", message: `there is no hyperparameter \`${key}\` to set`, hint: near ? `did you mean \`${near}\`?` : `there are ${legal.join(", ") || "none"}` });
  }
}
