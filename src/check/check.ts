/**
 * AST to checked program: names, sizes, roles, paths, objectives and train blocks. Comes in: a file and what `--set` says.
 * Goes out: a program in which nothing is left to decide, or undefined when errors were reported.
 *
 *     check(parse(source, diagnostics), { set: { hidden: 64 } }, diagnostics)
 *
 * A model is run pass by pass until it is known which hyperparameters fix a size and which parameters there are; only
 * the last pass reports.
 */
import { canonicalName } from "../../grammar/lexer.ts";
import { createLibrary, type Library } from "../std/library.ts";
import { Diagnostics, invariant, type Label } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/span.ts";
import { suggest } from "../support/suggest.ts";
import type { Declaration, File, Model, Train } from "../syntax/ast.ts";
import { checkChains } from "./chains.ts";
import type { CheckedModel, CheckedProgram, CheckedTrain, LibraryCall } from "./checked.ts";
import { Context, type ModelState } from "./context.ts";
import { withoutEchoes } from "./echoes.ts";
import { evaluate } from "./evaluate.ts";
import { type ProgramFile, readFiles, type UseOptions } from "./files.ts";
import { warnLinearLayers } from "./linear-layers.ts";
import { finishModel, type Foreknowledge, runModel, type Settings } from "./models.ts";
import { labelAt } from "./problem.ts";
import { checkInputSizes } from "./input-sizes.ts";
import { mentionedParams, reachedParams } from "./reach.ts";
import { checkResultNames } from "./result-names.ts";
import type { Scope } from "./scope.ts";
import { runBody, runStatements } from "./statements.ts";
import { warnUntrained } from "./untrained.ts";
import { warnUnusedUses } from "./unused-uses.ts";
import { checkTrain, settableKeys } from "./trains.ts";
import { checkUncalled } from "./uncalled.ts";
import type { Callable, Value } from "./value.ts";

/** What comes from outside the file. */
export interface CheckOptions extends UseOptions {
  /** Hyperparameters and train settings: `{ hidden: 64, seed: 7 }`. */
  readonly set?: Settings;
  /** The library in `.dl`; one that was used before is already parsed. */
  readonly library?: Library;
}

/** Checks a file. */
export function check(file: File, options: CheckOptions, diagnostics: Diagnostics): CheckedProgram | undefined {
  const library = options.library ?? createLibrary();
  // Names from outside are spelled as those of the file are.
  const settings: Settings = Object.fromEntries(Object.entries(options.set ?? {}).map(([name, value]) => [canonicalName(name), value]));
  const incomplete = new Set<Source>();
  const begin = (into: Diagnostics): Context => {
    const names = (): readonly string[] => library.names();
    return new Context(into, { evaluate, runBody, runStatements, isLibrary: (s) => library.owns(s), libraryNames: names, isIncomplete: (s) => incomplete.has(s) });
  };
  const files = readFiles(begin(diagnostics), file, library, options, incomplete);
  const [first] = files;
  invariant(first, "check", "the first file is missing");
  // What could not be read is missing: that it is missing is no second error.
  const whole = !diagnostics.hasErrors;
  const trains = file.declarations.filter((d) => d.kind === "train");
  const models = modelsOf(first, trains, file.incomplete === true || incomplete.has(first.source), diagnostics);
  const checkedModels: CheckedModel[] = [];
  const checkedTrains: CheckedTrain[] = [];
  const called = new Set<Callable>();
  const libraryCalls: LibraryCall[] = [];
  for (const { model, file: home, trains: mine } of models) {
    const result = checkModel(begin, model, mine, { model: home.scope, trains: first.scope }, settings, diagnostics, whole);
    checkedModels.push(result.model);
    checkedTrains.push(...result.trains);
    for (const declaration of result.called) called.add(declaration);
    libraryCalls.push(...result.libraryCalls);
  }
  for (const file of files) {
    const aside = [...file.models.values()].filter((model) => !models.some((m) => m.model === model));
    for (const model of aside) for (const declaration of checkAside(begin, model, file.scope, diagnostics)) called.add(declaration);
  }
  for (const { declarations, scope } of files) {
    for (const declaration of declarations) if (isCallable(declaration) && !called.has(declaration)) checkUncalled(begin, declaration, scope, diagnostics);
  }
  if (!diagnostics.hasErrors) warnUnusedUses(begin(diagnostics), files);
  checkNames(trains, settings, models.map((m) => m.model), diagnostics);
  checkChains(checkedTrains, checkedModels, trains, diagnostics);
  sayWhoUses(diagnostics, files);
  diagnostics.keepOnly(withoutEchoes(diagnostics.list));
  diagnostics.inTextOrder(files.map((f) => f.source));
  if (diagnostics.hasErrors) return undefined;
  return { source: file.span.source, uses: files.slice(1).map(({ path, source }) => ({ path, source })), models: checkedModels, trains: checkedTrains, libraryCalls };
}

/** A model that becomes a program: one of the first file, or one of a used file that a block of the first file trains. */
interface ChosenModel {
  readonly model: Model;
  readonly file: ProgramFile;
  readonly trains: readonly Train[];
}

/** The models to check, each with the train blocks that name it. */
function modelsOf(first: ProgramFile, trains: readonly Train[], incomplete: boolean, diagnostics: Diagnostics): readonly ChosenModel[] {
  const chosen = new Map<Model, { model: Model; file: ProgramFile; trains: Train[] }>();
  for (const model of first.models.values()) chosen.set(model, { model, file: first, trains: [] });
  for (const train of trains) {
    const found = findModel(first, train, incomplete, diagnostics);
    if (!found) continue;
    const known = chosen.get(found.model) ?? { ...found, trains: [] };
    known.trains.push(train);
    chosen.set(found.model, known);
  }
  const byName = new Map<string, Model>();
  for (const { model, trains: [train] } of chosen.values()) {
    const before = byName.get(model.name.name);
    byName.set(model.name.name, model);
    if (!before) continue;
    diagnostics.error({
      code: "E0133", message: `two models called \`${model.name.name}\` in one program`, span: train?.model.span ?? model.name.span,
      related: [{ span: before.name.span, text: "one" }, { span: model.name.span, text: "the other" }], hint: "rename one: their parameters would have the same paths",
    });
  }
  return [...chosen.values()];
}

/** The model that a train block names; undefined when there is none, which is reported unless a missing file may hold it. */
function findModel(
  first: ProgramFile, { from, model: { name, span } }: Train, incomplete: boolean, diagnostics: Diagnostics,
): { readonly model: Model; readonly file: ProgramFile } | undefined {
  const file = from && first.named.get(from.name);
  if (from && !file) {
    if (first.named.has(from.name)) return undefined;
    const near = suggest(from.name, first.named.keys());
    diagnostics.error({
      code: "E0404", message: `no used file stands behind \`${from.name}\``, span: from.span, label: "unknown name", hint: near ? `did you mean \`${near}\`?` : `use "file.dl" as ${from.name}`,
    });
    return undefined;
  }
  const model = file?.models.get(name);
  const found = file ? model && { model, file } : first.visibleModels.get(name);
  if (found || (!file && incomplete)) return found;
  const near = suggest(name, file ? file.models.keys() : first.visibleModels.keys());
  const behind = [...first.named].find(([, f]) => f?.models.has(name))?.[0];
  const hint = near ? `did you mean \`${near}\`?` : behind !== undefined && !file ? `it stands behind a name: \`train ${behind}.${name}\`` : undefined;
  diagnostics.error({ code: "E0404", message: file ? `\`${file.path}\` has no model \`${name}\`` : `there is no model \`${name}\``, span, label: "unknown model", ...(hint && { hint }) });
  return undefined;
}

/** What is wrong in a used file names who uses it, up to the first file. */
function sayWhoUses(diagnostics: Diagnostics, files: readonly ProgramFile[]): void {
  const useOf = new Map(files.map((f) => [f.source, f.use] as const));
  for (const [k, d] of diagnostics.list.entries()) {
    const uses: Label[] = [];
    for (let use = d.span && useOf.get(d.span.source); use; use = useOf.get(use.source)) uses.push({ span: use, text: "used here" });
    if (uses.length > 0) diagnostics.list[k] = { ...d, related: [...(d.related ?? []), ...uses.slice(0, 3)] };
  }
}

function isCallable(declaration: Declaration): declaration is Callable {
  return !["use", "const", "model", "train"].includes(declaration.kind);
}

/** What is wrong because something is not there. */
const aboutAbsence: ReadonlySet<string> = new Set(["E0302", "E0402", "E0405", "E0503"]);

function checkModel(
  begin: (into: Diagnostics) => Context, model: Model, trains: readonly Train[], scopes: { readonly model: Scope<Value>; readonly trains: Scope<Value> }, settings: Settings, diagnostics: Diagnostics, whole: boolean,
): { model: CheckedModel; trains: CheckedTrain[]; called: ReadonlySet<Callable>; libraryCalls: Iterable<LibraryCall> } {
  let known: Foreknowledge = { fixed: new Set(), params: [] };
  for (let pass = 0; ; pass++) {
    const own = new Diagnostics();
    const cx = begin(own);
    const run = runModel(cx, model, scopes.model, settings, known);
    const checked = finishModel(model, run.state);
    const around = scopes.model === scopes.trains ? run : { ...run, scope: run.scope.under(scopes.trains) };
    const blocks = trains.flatMap((train) => checkTrain(cx, train, around, checked, settings) ?? []);
    // A program that is too large is not read again: it would be too large once more.
    const next = cx.exhausted ? undefined : foreseen(model, run.state, known, pass);
    if (next) {
      known = next;
      continue;
    }
    if (run.state.brokenTerms.length === 0 && !own.hasErrors) checkReach(cx, checked, run.state);
    checkResultNames(cx, checked);
    if (blocks.length > 0 && !own.hasErrors) warnUntrained(own, checked, blocks, run.state);
    checkInputSizes(cx, checked);
    warnLinearLayers(cx, checked, run.state);
    // What is probably not meant is said of what is otherwise right.
    const quiet = own.hasErrors || !whole;
    for (const d of own.list) if ((whole || !aboutAbsence.has(d.code)) && !(quiet && d.severity === "warning")) diagnostics.add(d);
    if (!own.hasErrors && whole) warnUnused(cx, diagnostics);
    return { model: checked, trains: blocks, called: cx.called, libraryCalls: cx.libraryCalls.values() };
  }
}

/**
 * A look at a model of a used file that no block of the first file trains. It becomes no program, so what is asked of programs is not
 * asked of it: its hyperparameters may be open. What is wrong with it is reported all the same; warnings are its own file's affair.
 */
function checkAside(begin: (into: Diagnostics) => Context, model: Model, scope: Scope<Value>, diagnostics: Diagnostics): ReadonlySet<Callable> {
  let known: Foreknowledge = { fixed: new Set(), params: [], open: true };
  for (let pass = 0; ; pass++) {
    const own = new Diagnostics();
    const cx = begin(own);
    const { state } = runModel(cx, model, scope, {}, known);
    const next = cx.exhausted ? undefined : foreseen(model, state, known, pass);
    if (next) {
      known = next;
      continue;
    }
    for (const d of own.list) if (d.severity === "error") diagnostics.add(d);
    return cx.called;
  }
}

/** What the next pass over a model knows, where one is needed. Each pass fixes at least one more hyperparameter or learns the parameters, so this ends. */
function foreseen(model: Model, state: ModelState, known: Foreknowledge, pass: number): Foreknowledge | undefined {
  const fixed = new Set([...state.hypers].filter(([, h]) => h.static).map(([name]) => name));
  const late = (state.setsSeen ?? Number.POSITIVE_INFINITY) < state.params.size && known.params.length !== state.params.size;
  return pass <= model.params.length + 2 && (fixed.size > known.fixed.size || late) ? { ...known, fixed, params: finishModel(model, state).params } : undefined;
}

/** Every parameter must be able to learn. */
function checkReach(cx: Context, model: CheckedModel, state: ModelState): void {
  if (model.terms.length === 0) return;
  const reached = reachedParams(model.terms.map((t) => t.value));
  // With no gradient at all there is nothing to train; with some, what is cut off may be meant.
  const mentioned = reached.size === 0 ? reached : mentionedParams(model.terms.map((t) => t.value));
  const without = (lost: (path: string) => boolean): ReadonlyMap<Span, string[]> => {
    const by = new Map<Span, string[]>();
    for (const { path, call } of state.params.values()) if (lost(path)) by.set(call, [...(by.get(call) ?? []), `\`${path}\``]);
    return by;
  };
  const count = (paths: readonly string[]): string => `${paths.length === 1 ? "parameter" : "parameters"} ${paths.join(", ")}`;
  for (const [span, paths] of without((path) => !reached.has(path) && mentioned.has(path))) {
    cx.warn({
      code: "W0301", message: `no gradient reaches the ${count(paths)}`, span, label: paths.length === 1 ? "its gradient is zero" : "their gradients are zero",
      related: model.terms.map((t) => labelAt(t.span, "the loss depends on it through steps, choices or `stop_gradient` alone")),
      hint: "what shall not learn can be a `state`, or a constant",
    });
  }
  for (const [span, paths] of without((path) => !mentioned.has(path))) {
    cx.error({
      code: "E0302", message: `the loss does not depend on the ${count(paths)}`, span,
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
  const legal = [...models.flatMap((m) => m.params.map((p) => p.name.name)), ...new Set(trains.flatMap(settableKeys))];
  for (const key of Object.keys(settings)) {
    if (legal.includes(key)) continue;
    const near = suggest(key, legal);
    diagnostics.error({ code: "E0104", message: `there is no hyperparameter \`${key}\` to set`, hint: near ? `did you mean \`${near}\`?` : `there are ${legal.join(", ") || "none"}` });
  }
}
