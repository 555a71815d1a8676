/** Checks a train block: data, split, seed, and its phases, each with batch, length, stopping rule and steps. */
import type { Span } from "../support/span.ts";
import type { SectionEntry, Train, ValueEntry } from "../syntax/ast.ts";
import type { CheckedModel, CheckedPhase, CheckedStep, CheckedTrain, Formula, RunLeaf, StepEntry } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { checkData } from "./data.ts";
import { plainFrame, type ModelRun, type Settings } from "./models.ts";
import { type Readable, readFit, readLater, readBlockStart, readOnly, readStart, readStop } from "./phase-values.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { mayBeMeant, type Meant, phaseForm, readEntries, trainForm } from "./train-entries.ts";
import { sharedObjective } from "./train-facts.ts";
import { checkSteps, type Objective } from "./train-steps.ts";
import { readBatch, readCount, readSplit } from "./train-values.ts";
import type { Value } from "./value.ts";

const settableInPhase: readonly string[] = ["batch", "epochs", "steps"];

/** What `--set` can override in a block: `epochs` for all of it, `warm.epochs` for a phase. */
export function settableKeys({ entries }: Train): readonly string[] {
  const phases = entries.flatMap((e) => (e.kind === "section" && e.keyword.name === "phase" ? [e.name.name] : []));
  return [...settableInPhase, "seed", ...phases.flatMap((phase) => settableInPhase.map((key) => `${phase}.${key}`))];
}

/** The settings as a phase sees them. */
function settingsOf(settings: Settings, phase: string | undefined): Settings {
  const own = phase === undefined ? [] : settableInPhase.filter((key) => Object.hasOwn(settings, `${phase}.${key}`)).map((key) => [key, settings[`${phase}.${key}`] ?? 0] as const);
  return { ...settings, ...Object.fromEntries(own) };
}

/** What all parts of a block are checked in. */
interface Block {
  readonly env: Env;
  readonly model: CheckedModel;
  readonly run: ModelRun;
  readonly settings: Settings;
}

/** A phase as it is written: its keys over those of the block, its steps or the block's. */
interface Written {
  /** Absent in a block without phases. */
  readonly name?: string;
  readonly span: Span;
  readonly keys: ReadonlyMap<string, ValueEntry>;
  readonly steps: readonly SectionEntry[];
  /** `step` where the steps are the block's, as other phases may have them too. */
  readonly entry: StepEntry;
  readonly first: boolean;
  /** What keys that are unknown may be meant for. */
  readonly meant: Meant;
}

/** The checked block, or undefined when something was reported. */
export function checkTrain(cx: Context, train: Train, run: ModelRun, model: CheckedModel, settings: Settings): CheckedTrain | undefined {
  const errors = cx.diagnostics.reports;
  const { keys, sections, meant } = readEntries(cx, train.entries, trainForm);
  const scope = new Scope<Value>(run.scope);
  const name = train.as?.name ?? model.name;
  const env: Env = { scope, frame: plainFrame(cx, "train"), place: { path: name, named: false, turns: "" } };
  const { span } = train.model;
  if (model.terms.length === 0 && run.state.brokenTerms.length === 0) {
    cx.error({ code: "E0405", message: `\`${model.name}\` has nothing to train for`, span, related: [labelAt(model.span, "the model")], hint: "give it a `loss`, `minimize` or `maximize`" });
  }
  const dataEntry = keys.get("data");
  const data = dataEntry && checkData(cx, dataEntry, model.inputs, env);
  const split = readSplit(cx, keys.get("split"), env);
  const seed = readCount(cx, keys.get("seed"), env, settings, "seed") ?? 0;
  const start = readBlockStart(cx, keys.get("start"));
  const block: Block = { env, model, run, settings };
  const objectives = new Map<string, Objective>();
  const written = phasesOf(cx, { span, keys, meant }, sections).map((phase) => ({ ...phase, ...runsOf(cx, block, phase, objectives) }));
  // Where the steps minimise different things there is no loss but theirs.
  const whole = sharedObjective(written.flatMap((w) => w.runs)) !== undefined || written.some((w) => !w.complete);
  const names = [...(whole ? ["loss"] : []), ...model.terms.map((t) => t.name).filter((n) => n !== "loss"), ...model.metrics.map((m) => m.name)];
  const earlier: string[] = [];
  const phases = written.map((phase) => {
    const checked = checkPhase(cx, block, phase, { measured: { names, split }, earlier: [...earlier] });
    if (phase.name !== undefined) earlier.push(phase.name);
    return checked;
  });
  if (cx.diagnostics.reports > errors) return undefined;
  return { name, model: model.name, span, ...(start && { start }), ...(data && { data }), split, seed, phases };
}

/** The phases in text order; a block without sections is one. */
function phasesOf(cx: Context, block: Pick<Written, "span" | "keys" | "meant">, sections: readonly SectionEntry[]): Written[] {
  const steps = sections.filter((s) => s.keyword.name === "step");
  const phases = sections.filter((s) => s.keyword.name === "phase");
  if (phases.length === 0) return [{ ...block, steps, entry: "step", first: true }];
  return phases.map((section, k) => {
    const own = readEntries(cx, section.entries, phaseForm);
    const { name, span: at } = section.name;
    const merged = new Map([...block.keys, ...own.keys]);
    // The block's `start` names another block.
    if (!own.keys.has("start")) merged.delete("start");
    // A phase that says one of the two does not mean the block's other.
    if (own.keys.has("steps") && !own.keys.has("epochs")) merged.delete("epochs");
    if (own.keys.has("epochs") && !own.keys.has("steps")) merged.delete("steps");
    const apart = own.sections.length > 0 || ["optimizer", "clip", "constrain", "freeze"].some((key) => own.keys.has(key));
    return { name, span: at, keys: merged, steps: own.sections.length > 0 ? own.sections : steps, entry: apart ? `step.${name}` : "step", first: k === 0, meant: [...block.meant, ...own.meant] };
  });
}

/** The steps of a phase. */
function runsOf(cx: Context, { env, model, run, settings: all }: Block, { name, span, keys, steps, entry, meant }: Written, objectives: Map<string, Objective>): { readonly runs: readonly CheckedStep[]; readonly complete: boolean } {
  const settings = settingsOf(all, name);
  const written = keys.get("steps")?.value;
  const length = Object.hasOwn(settings, "steps") ? Number(settings["steps"]) : written?.kind === "number" ? written.value : undefined;
  const { runs, sound } = checkSteps(cx, { env, model, state: run.state, span, keys, sections: steps, entry, objectives, updates: length !== 0, meant });
  return { runs, complete: sound };
}

function checkPhase(cx: Context, block: Block, written: Written & { readonly runs: readonly CheckedStep[] }, readable: Readable): CheckedPhase {
  const { env, model } = block;
  const { name, span, keys, runs } = written;
  const settings = settingsOf(block.settings, name);
  const { split } = readable.measured;
  const batch = readBatch(cx, keys.get("batch"), env, settings, model);
  const epochs = readLength(cx, env, settings, keys, "epochs", readable);
  const steps = readLength(cx, env, settings, keys, "steps", readable);
  checkLength(cx, written, model, epochs, steps);
  const stop = readStop(cx, keys.get("stop"), env, readable);
  const only = readOnly(cx, keys.get("only"), env, model);
  const fit = readFit(cx, keys.get("fit"), split) ?? ["training"];
  const start = name === undefined ? "previous" : readStart(cx, keys.get("start"), written.first);
  // Exactly one of the two: what was set from outside wins.
  const length = steps !== undefined && (epochs === undefined || Object.hasOwn(settings, "steps")) ? { steps } : { epochs: epochs ?? 1 };
  return { ...(name !== undefined && { name }), span, batch, ...length, ...(stop && { stop }), ...(only && { only }), fit, start, runs };
}

/** How long a phase lasts: a number, or one that an earlier phase gives. */
function readLength(
  cx: Context, env: Env, settings: Settings, keys: ReadonlyMap<string, ValueEntry>, key: "epochs" | "steps", readable: Readable,
): number | Formula<RunLeaf> | undefined {
  const entry = keys.get(key);
  const later = entry && !Object.hasOwn(settings, key) ? readLater(cx, entry, env, readable) : undefined;
  if (later === "reported") return undefined;
  return later ?? readCount(cx, entry, env, settings, key);
}

function checkLength(cx: Context, { span, keys, meant }: Written, model: CheckedModel, epochs: unknown, steps: unknown): void {
  const both = keys.has("epochs") && keys.has("steps");
  if (both) cx.error({ code: "E0406", message: "a block has either `epochs` or `steps`", span: keys.get("steps")?.key.span ?? span, related: [labelAt(keys.get("epochs")?.key.span, "the other")] });
  else if (epochs === undefined && steps === undefined && !keys.has("epochs") && !keys.has("steps")) {
    if (!mayBeMeant(meant, "epochs", "steps")) cx.error({ code: "E0402", message: "this block says neither `epochs` nor `steps`", span, hint: keys.has("data") ? "epochs = 20" : "steps = 200" });
  } else if (epochs !== undefined && model.inputs.length === 0) {
    cx.error({ code: "E0402", message: "epochs are passes over data, and this model takes none", span: keys.get("epochs")?.span ?? span, hint: "use `steps`" });
  }
}
