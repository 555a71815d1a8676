/** Checks a train block: data, split, seed, and its phases, each with batch, length, stopping rule and steps. */
import type { Span } from "../support/span.ts";
import type { SectionEntry, Train, ValueEntry } from "../syntax/ast.ts";
import type { CheckedModel, CheckedPhase, CheckedTrain } from "./checked.ts";
import type { Context, Env } from "./context.ts";
import { checkData } from "./data.ts";
import { plainFrame, type ModelRun, type Settings } from "./models.ts";
import { labelAt } from "./problem.ts";
import { Scope } from "./scope.ts";
import { readEntries, trainForm } from "./train-entries.ts";
import { sharedObjective } from "./train-facts.ts";
import { checkSteps } from "./train-steps.ts";
import { readBatch, readCount, readSplit, readStop } from "./train-values.ts";
import type { Value } from "./value.ts";

/** Keys that `--set` can override. */
export const settableKeys: readonly string[] = ["batch", "epochs", "steps", "seed"];

/** What all parts of a block are checked in. */
interface Block {
  readonly env: Env;
  readonly model: CheckedModel;
  readonly run: ModelRun;
  readonly settings: Settings;
  readonly split: CheckedTrain["split"];
}

/** A phase as it is written: its keys, over those of the block. */
interface Written {
  readonly span: Span;
  readonly keys: ReadonlyMap<string, ValueEntry>;
  readonly steps: readonly SectionEntry[];
}

/** The checked block, or undefined when something was reported. */
export function checkTrain(cx: Context, train: Train, run: ModelRun, model: CheckedModel, settings: Settings): CheckedTrain | undefined {
  const errors = cx.diagnostics.list.length;
  const { keys, sections } = readEntries(cx, train.entries, trainForm);
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
  for (const s of sections) if (s.keyword.name === "phase") cx.unsupported(s.keyword.span, "`phase` in a train block");
  const phase = checkPhase(cx, { env, model, run, settings, split }, { span, keys, steps: sections.filter((s) => s.keyword.name === "step") });
  if (cx.diagnostics.list.length > errors) return undefined;
  return { name, model: model.name, span, ...(data && { data }), split, seed, phases: [phase] };
}

function checkPhase(cx: Context, block: Block, written: Written): CheckedPhase {
  const { env, model, run, settings, split } = block;
  const { span, keys } = written;
  const batch = readBatch(cx, keys.get("batch"), env, settings, model);
  const epochs = readCount(cx, keys.get("epochs"), env, settings, "epochs");
  const steps = readCount(cx, keys.get("steps"), env, settings, "steps");
  checkLength(cx, span, model, keys, epochs, steps);
  const runs = checkSteps(cx, { env, model, state: run.state, span, keys, sections: written.steps, entry: "step", updates: steps !== 0 });
  // Where the steps minimise different things there is no loss but theirs.
  const whole = sharedObjective(runs) !== undefined || runs.length < written.steps.length;
  const names = [...(whole ? ["loss"] : []), ...model.terms.map((t) => t.name).filter((n) => n !== "loss"), ...model.metrics.map((m) => m.name)];
  const stop = readStop(cx, keys.get("stop"), env, { names, split });
  // Exactly one of the two: what was set from outside wins.
  const length = steps !== undefined && (epochs === undefined || Object.hasOwn(settings, "steps")) ? { steps } : { epochs: epochs ?? 1 };
  return { span, batch, ...length, ...(stop && { stop }), start: "previous", runs };
}

function checkLength(cx: Context, span: Span, model: CheckedModel, keys: ReadonlyMap<string, ValueEntry>, epochs: number | undefined, steps: number | undefined): void {
  const both = keys.has("epochs") && keys.has("steps");
  if (both) cx.error({ code: "E0406", message: "a block has either `epochs` or `steps`", span: keys.get("steps")?.key.span ?? span, related: [labelAt(keys.get("epochs")?.key.span, "the other")] });
  else if (epochs === undefined && steps === undefined && !keys.has("epochs") && !keys.has("steps")) {
    cx.error({ code: "E0402", message: "this block says neither `epochs` nor `steps`", span, hint: keys.has("data") ? "epochs = 20" : "steps = 200" });
  } else if (epochs !== undefined && model.inputs.length === 0) {
    cx.error({ code: "E0402", message: "epochs are passes over data, and this model takes none", span: keys.get("epochs")?.span ?? span, hint: "use `steps`" });
  }
}
