/**
 * The steps of a train block: what each minimises, over which parameters, by which optimizer. In: `step` sections, or none,
 * and the block's own keys, which hold where a section gives none. Out: one checked step each, in text order.
 *
 *     step critic    { minimize = loss_d, over = D, optimizer = adam(1e-4), times = 5 }
 *     step generator { minimize = loss_g, over = G }
 *
 * Without sections there is one step, which minimises the model's whole loss over all parameters.
 */
import type { Span } from "../support/span.ts";
import type { SectionEntry, ValueEntry } from "../syntax/ast.ts";
import { defineStep } from "./calls.ts";
import type { CheckedModel, CheckedParam, CheckedStep, StepEntry, Term } from "./checked.ts";
import { constrained } from "./constraint.ts";
import type { Context, Env, ModelState } from "./context.ts";
import type { Core } from "./core.ts";
import { apply } from "./elementwise.ts";
import { coerce, literal, tensorValue } from "./make.ts";
import { objective } from "./names.ts";
import { evaluateTensor } from "./operands.ts";
import { checkOptimizer, noOptimizer } from "./optimizers.ts";
import { labelAt } from "./problem.ts";
import { reachedParams } from "./reach.ts";
import { Scope } from "./scope.ts";
import { selectParams } from "./select-params.ts";
import { type Entries, type Meant, mayBeMeant, readEntries, stepForm } from "./train-entries.ts";
import { readClip, readTimes } from "./train-values.ts";
import { poison, type Value } from "./value.ts";

/** A train block, or a phase of one, whose steps are checked. */
export interface StepsOf {
  readonly env: Env;
  readonly model: CheckedModel;
  readonly state: ModelState;
  /** The block's name: what is missing is missing there. */
  readonly span: Span;
  readonly sections: readonly SectionEntry[];
  readonly keys: ReadonlyMap<string, ValueEntry>;
  /** `step` */
  readonly entry: StepEntry;
  /** What steps minimise, by text: equal texts of a block are one object, so that steps with one loss are known. */
  readonly objectives: Map<string, Objective>;
  /** False when no update will be made, so that no optimizer is needed. */
  readonly updates: boolean;
  /** What unknown keys of the block may be meant for. */
  readonly meant: Meant;
}

/** What begins the keys of an entry's optimizer states: `critic/`, `warm.critic/`, nothing for the only step. */
function ownerOf(entry: StepEntry): string {
  return entry === "step" ? "" : `${entry.slice("step.".length)}/`;
}

/** What became of the steps. */
export interface Steps {
  readonly runs: readonly CheckedStep[];
  /** False when a step is missing that was reported. */
  readonly sound: boolean;
}

/** The steps that are right. One of which all is frozen is left out. */
export function checkSteps(cx: Context, block: StepsOf): Steps {
  const errors = cx.diagnostics.reports;
  const runs = rightSteps(cx, block);
  return { runs, sound: cx.diagnostics.reports === errors };
}

function rightSteps(cx: Context, block: StepsOf): readonly CheckedStep[] {
  const freeze = block.keys.get("freeze");
  const frozen = freeze ? selectParams(cx, freeze.value, block.state) : new Set<string>();
  if (!frozen) return [];
  const free = block.model.params.filter((p) => !frozen.has(p.path));
  const nothingLeft = (what: string): readonly CheckedStep[] => {
    if (freeze) cx.error({ code: "E0416", message: `${what} is frozen`, span: freeze.value.span, label: "nothing is left to train" });
    return [];
  };
  if (freeze && free.length === 0) return nothingLeft(`every parameter of \`${block.model.name}\``);
  if (block.sections.length === 0) return wholeStep(cx, block, free);
  const made = block.sections.map((section) => oneStep(cx, block, section, free));
  const steps = made.flatMap((m) => (m === undefined || m === "frozen" ? [] : [m]));
  if (made.every((m) => m === "frozen")) return nothingLeft("everything that a step trains");
  if (!made.includes(undefined)) checkOver(cx, block, free, steps);
  return steps.map(({ step }) => step);
}

/** The only step of a block without sections. */
function wholeStep(cx: Context, { env, model, state, span, keys, entry, updates, meant }: StepsOf, free: readonly CheckedParam[]): CheckedStep[] {
  const clip = readClip(cx, keys.get("clip"), env);
  const given = keys.get("optimizer");
  if (!given && model.params.length > 0 && updates && !mayBeMeant(meant, "optimizer")) cx.error({ code: "E0402", message: "this block has no `optimizer`", span, hint: "optimizer = adam(lr = 1e-3)" });
  const unbound = given ? checkOptimizer(cx, given.value, env, state, free, ownerOf(entry)) : noOptimizer(span);
  const optimizer = unbound && constrained(cx, keys.get("constrain"), env, state, free, unbound);
  return optimizer ? [{ entry, span, terms: model.terms, optimizer, times: 1, ...(clip && { clip }) }] : [];
}

/** What a step minimises, and the terms in it. */
export interface Objective {
  readonly value: Core;
  readonly terms: readonly Term[];
}

/** A step and what its `over` says. */
interface Made {
  readonly step: CheckedStep;
  readonly reached: ReadonlySet<string>;
  readonly over?: { readonly chosen: ReadonlySet<string>; readonly span: Span };
}

function oneStep(cx: Context, block: StepsOf, section: SectionEntry, free: readonly CheckedParam[]): Made | "frozen" | undefined {
  const { env, model, state } = block;
  const { name, span } = section.name;
  const entries = readEntries(cx, section.entries, stepForm);
  const { keys } = entries;
  const goal = readGoal(cx, block, section, entries);
  const overEntry = keys.get("over");
  const chosen = overEntry && selectParams(cx, overEntry.value, state);
  const times = readTimes(cx, keys.get("times"), env);
  const clip = readClip(cx, keys.get("clip") ?? block.keys.get("clip"), env);
  const given = keys.get("optimizer") ?? block.keys.get("optimizer");
  if (!given && !mayBeMeant([...entries.meant, ...block.meant], "optimizer")) cx.error({ code: "E0402", message: `the step \`${name}\` has no \`optimizer\``, span, hint: "optimizer = adam(lr = 1e-3), here or in the block" });
  if (!goal || !given || times === undefined || (overEntry && !chosen)) return undefined;
  const entry: StepEntry = `${block.entry}.${name}`;
  const reached = reachedParams([goal.value]);
  const own = model.params.filter((p) => reached.has(p.path) && (!chosen || chosen.has(p.path)));
  if (own.length === 0) return reportNothingToTrain(cx, model, section, overEntry, goal);
  const params = own.filter((p) => free.includes(p));
  if (params.length === 0) return "frozen";
  const unbound = checkOptimizer(cx, given.value, env, state, params, ownerOf(entry), goal.value);
  const optimizer = unbound && constrained(cx, keys.get("constrain") ?? block.keys.get("constrain"), env, state, params, unbound);
  if (!optimizer) return undefined;
  const step: CheckedStep = { name, entry, span, objective: goal.value, terms: goal.terms, optimizer, times, ...(clip && { clip }) };
  return { step, reached, ...(chosen && overEntry && { over: { chosen, span: overEntry.value.span } }) };
}

function reportNothingToTrain(cx: Context, model: CheckedModel, section: SectionEntry, over: ValueEntry | undefined, goal: Objective): undefined {
  cx.error({
    code: "E0412", message: over ? `what \`${section.name.name}\` minimises depends on no parameter that it trains` : `what \`${section.name.name}\` minimises depends on no parameter`,
    span: over?.value.span ?? section.name.span, label: over ? "none of these is in the loss" : undefined, related: goal.terms.map((t) => labelAt(t.span, `\`${t.name}\``)),
    hint: model.params.length === 0 ? `\`${model.name}\` has no parameters` : undefined,
  });
  return undefined;
}

/** `minimize = fit + 0.1 * smooth`, as what is made small. */
function readGoal(cx: Context, block: StepsOf, section: SectionEntry, { keys, meant }: Entries): Objective | undefined {
  const [minimize, maximize] = [keys.get("minimize"), keys.get("maximize")];
  const entry = minimize ?? maximize;
  const terms = block.model.terms.map((t) => t.name).filter((n) => n !== "loss");
  if (minimize && maximize) {
    cx.error({ code: "E0406", message: "a step has either `minimize` or `maximize`", span: maximize.key.span, related: [labelAt(minimize.key.span, "the other")] });
    return undefined;
  }
  if (!entry) {
    if (!mayBeMeant(meant, "minimize", "maximize")) cx.error({ code: "E0402", message: `the step \`${section.name.name}\` minimises nothing`, span: section.name.span, hint: `minimize = ${terms[0] ?? "loss"}` });
    return undefined;
  }
  const { span } = entry.value;
  const key = `${entry.key.name} ${span.source.text.slice(span.start, span.end)}`;
  const known = block.objectives.get(key) ?? evaluateGoal(cx, block, entry);
  if (known) block.objectives.set(key, known);
  return known;
}

function evaluateGoal(cx: Context, { env, model, state }: StepsOf, entry: ValueEntry): Objective | undefined {
  const scope = new Scope<Value>(env.scope);
  const { span } = entry.value;
  const used = new Set<Term>();
  for (const term of model.terms) {
    if (term.name !== "loss") scope.define({ name: term.name, span: term.span, value: tensorValue(term.value), onUse: () => used.add(term) });
  }
  defineStep(scope, span);
  // What was reported where it stands.
  for (const name of [...state.brokenTerms, ...(state.brokenTerms.length > 0 ? ["loss"] : [])]) scope.define({ name, span, value: poison });
  // The whole, of which a term without a name may be a part.
  const onUse = (): void => model.terms.forEach((t) => used.add(t));
  if (model.terms.length > 0) scope.define({ name: "loss", span, value: objective(cx, state, span), onUse });
  const errors = cx.diagnostics.reports;
  const value = evaluateTensor(cx, entry.value, { ...env, scope }, `what a step ${entry.key.name === "minimize" ? "minimises" : "maximises"}`);
  if (!value || cx.diagnostics.reports > errors) return undefined;
  if (value.core.type.shape.length > 0 || used.size === 0) {
    const names = [...scope.ownDefinitions()].map((d) => d.name).filter((n) => n !== "t" && n !== "epoch");
    cx.error({
      code: "E0410", message: "a step minimises one number made of the model's losses", span, label: used.size === 0 ? "no loss stands here" : "this is a tensor",
      related: model.terms.map((t) => labelAt(t.span, t.name === "loss" ? "the loss" : `\`${t.name}\``)), hint: names.length > 0 ? `there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}` : undefined,
    });
    return undefined;
  }
  const real = coerce(value, "f32");
  const turned = entry.key.name === "maximize" ? apply(cx, "sub", [{ value: literal(0, span), span }, { value: real, span }], span) : real;
  return turned.kind === "tensor" ? { value: turned.core, terms: model.terms.filter((t) => used.has(t)) } : undefined;
}

/** A parameter that `over` names must be in what some step that trains it minimises. */
function checkOver(cx: Context, { state }: StepsOf, free: readonly CheckedParam[], made: readonly Made[]): void {
  const trained = new Set(made.flatMap(({ step }) => step.optimizer.perParam.map((p) => p.param)));
  for (const { over, reached, step } of made) {
    const lost = free.filter((p) => over?.chosen.has(p.path) && !reached.has(p.path) && !trained.has(p.path));
    if (!over || lost.length === 0) continue;
    const names = lost.map((p) => `\`${p.path}\``);
    cx.error({
      code: "E0302", message: `what \`${step.name}\` minimises does not depend on the ${names.length === 1 ? "parameter" : "parameters"} ${names.join(", ")}`, span: over.span,
      label: names.length === 1 ? "one of these never learns" : "some of these never learn",
      related: [...lost.map((p) => labelAt(state.params.get(p.path)?.call, `\`${p.path}\``)), ...step.terms.map((t) => labelAt(t.span, `\`${t.name}\``))],
      hint: "leave them out of `over`, or use what is computed with them in the loss",
    });
  }
}
