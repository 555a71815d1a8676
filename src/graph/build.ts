/**
 * From a checked program to graphs: one per entry. In: the program and which entry of which model. Out: a graph whose
 * derivatives still stand as forms (`derive`), so nothing here knows how to differentiate.
 *
 *     build(program, { entry: "step", model: "Digits", train: "Digits" })
 *
 * | entry     | training | yields                                    | stores                                       |
 * |-----------|----------|-------------------------------------------|----------------------------------------------|
 * | init      | no       |                                           | parameters, model and optimizer state, status |
 * | step      | yes      | loss, terms, status                       | the same, while everything is finite          |
 * | evaluate  | no       | loss, terms, metrics, outputs             |                                              |
 * | predict   | no       | outputs                                   |                                              |
 * | gradients | no       | loss, the gradient by each parameter path |                                              |
 * | export    | no       | every parameter                           |                                              |
 *
 * `loss` is the minimised whole: the sum of the terms, those to be maximised with a minus sign. A train block with `step`
 * sections has an entry for each, `step.critic`, whose `loss` is what that step minimises. Where they minimise different
 * things, evaluation has no `loss`, and `gradients` has `critic.loss` and the gradient of each parameter by the first
 * step that trains it. Where an optimizer has an output, evaluation and prediction read it in the parameter's place, and
 * `export` gives what is to be saved.
 */
import type { Commit, Graph, Output } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { CheckedModel, CheckedProgram, CheckedState, CheckedTrain, Named, StepEntry } from "../check/checked.ts";
import type { Core } from "../check/core.ts";
import { optimizerStates, stepsOf, stepsWithOutput } from "../check/train-facts.ts";
import { invariant } from "../support/diagnostic.ts";
import { Entry } from "./build-entry.ts";
import { Builder } from "./builder.ts";
import { Lowering } from "./build-lower.ts";
import { useOutputs } from "./build-outputs.ts";
import type { Readings } from "./build-readings.ts";
import { gradientNodes, lossesOf, stepParts } from "./build-step.ts";

export { hashPath } from "./build-random.ts";

/** The entries that a program may have. */
export type EntryName = "init" | StepEntry | "evaluate" | "predict" | "gradients" | "export";

/** What can be run of a model: the steps of its train block among them. */
export function entryNames(model: CheckedModel, train: CheckedTrain | undefined): readonly EntryName[] {
  const goal = model.terms.length > 0;
  const steps = train && goal ? stepsOf(train).map((s) => s.entry) : [];
  const own = stepsWithOutput(train).length > 0;
  return ["init", ...steps, "evaluate", "predict", ...(goal ? (["gradients"] as const) : []), ...(own ? (["export"] as const) : [])];
}

/** Whether an entry is a training step. */
export function isStep(entry: string): entry is StepEntry {
  return entry === "step" || entry.startsWith("step.");
}

/** One graph to be built. */
export interface EntryRequest {
  readonly entry: EntryName;
  readonly model: string;
  /** The train block's name; `step` needs one, and `init` sets its optimizer's state. */
  readonly train?: string;
}

/** Every graph that can be built: of each train block's model, then of models without one. */
export function entriesOf(program: CheckedProgram): readonly EntryRequest[] {
  return program.models.flatMap((model): readonly EntryRequest[] => {
    const trains = program.trains.filter((t) => t.model === model.name);
    if (trains.length === 0) return entryNames(model, undefined).map((entry) => ({ entry, model: model.name }));
    return trains.flatMap((t) => entryNames(model, t).map((entry) => ({ entry, model: model.name, train: t.name })));
  });
}

/** The graph of one entry, made in `builder`: what entries share is one node, and lowered once if they have `shared`. Throws a UserError for what cannot be built. */
export function build(program: CheckedProgram, request: EntryRequest, builder: Builder = new Builder(), shared?: Readings): Graph {
  const model = program.models.find((m) => m.name === request.model);
  invariant(model, "build", `there is no model ${request.model}`);
  const train = program.trains.find((t) => t.name === request.train && t.model === model.name);
  invariant(train || request.train === undefined, "build", `there is no train block ${request.train ?? ""} of ${request.model}`);
  const training = isStep(request.entry);
  const stands = ["evaluate", "predict", "export"].includes(request.entry) && stepsWithOutput(train).length > 0;
  // Initial values have nothing in common with other entries, and an entry that reads parameters as something else reads for itself.
  const readings = stands || request.entry === "init" ? undefined : shared;
  const entry = new Entry({ training, roots: rootsOf(request.entry, model, train), builder, readings });
  const lowering = new Lowering(entry);
  if (stands) useOutputs(entry, lowering, model, train);
  const { outputs, commits } = partsOf(request.entry, { entry, lowering, model, train });
  return entry.builder.finish(request.entry, outputs, commits);
}

interface Parts {
  readonly outputs: readonly Output[];
  readonly commits: readonly Commit[];
}

interface Setting {
  readonly entry: Entry;
  readonly lowering: Lowering;
  readonly model: CheckedModel;
  readonly train: CheckedTrain | undefined;
}

function partsOf(name: EntryName, { entry, lowering, model, train }: Setting): Parts {
  const named = (kind: "output" | "metric", list: readonly Named[]): Output[] => list.map((n) => ({ name: n.name, kind, node: lowering.tensor(n.value) }));
  switch (name) {
    case "init":
      return { outputs: [], commits: initCommits(entry, lowering, model, train) };
    case "evaluate": {
      const { outputs } = lossesOf(entry, lowering, model, train);
      return { outputs: [...outputs, ...named("metric", model.metrics), ...named("output", model.outputs)], commits: [] };
    }
    case "predict":
      return { outputs: named("output", model.outputs), commits: [] };
    case "export":
      return { outputs: model.params.map((p): Output => ({ name: p.path, kind: "value", node: entry.leaf("param", p.path, p.type) })), commits: [] };
    case "gradients": {
      const { losses } = lossesOf(entry, lowering, model, train);
      const [first] = losses;
      invariant(first, "build", `${model.name} has no objective`);
      const found = new Map<string, Output>();
      for (const { name, loss, params } of losses) {
        for (const [path, node] of gradientNodes(entry, params, loss)) if (!found.has(path)) found.set(path, { name: path, kind: "gradient", node, of: name });
      }
      const gradients = model.params.flatMap((p) => found.get(p.path) ?? []);
      return { outputs: [...losses.map(({ name, loss }): Output => ({ name, kind: "loss", node: loss })), ...gradients], commits: [] };
    }
    default: {
      const step = train && stepsOf(train).find((s) => s.entry === name);
      invariant(step, "build", `${model.name} has no step ${name}`);
      return stepParts(entry, lowering, model, step);
    }
  }
}

function statesOf(model: CheckedModel, train: CheckedTrain | undefined): readonly CheckedState[] {
  return [...model.states, ...optimizerStates(train)];
}

function initCommits(entry: Entry, lowering: Lowering, model: CheckedModel, train: CheckedTrain | undefined): Commit[] {
  const params = model.params.map((p): Commit => ({ kind: "param", path: p.path, node: lowering.tensor(p.init, p.type) }));
  const states = statesOf(model, train).map((s): Commit => ({ kind: "state", path: s.path, node: lowering.tensor(s.init, s.type) }));
  return [...params, ...states, { kind: "state", path: "status", node: entry.builder.const(tensor("u32", []), 0) }];
}

/** Every expression of the entry. */
function rootsOf(name: EntryName, model: CheckedModel, train: CheckedTrain | undefined): readonly Core[] {
  const values = (list: readonly { readonly value: Core }[]): readonly Core[] => list.map((n) => n.value);
  const steps = train ? stepsOf(train) : [];
  const stands = steps.flatMap((s) => s.optimizer.perParam).flatMap((p) => p.output ?? []);
  const objectives = (list: typeof steps): readonly Core[] => list.flatMap((s) => s.objective ?? []);
  switch (name) {
    case "init":
      return [...model.params, ...statesOf(model, train)].map((s) => s.init);
    case "evaluate":
      return [...values(model.terms), ...objectives(steps), ...values(model.metrics), ...values(model.outputs), ...stands];
    case "predict":
      return [...values(model.outputs), ...stands];
    case "export":
      return stands;
    case "gradients":
      return [...values(model.terms), ...objectives(steps)];
    default: {
      const own = steps.filter((s) => s.entry === name);
      // What is like another parameter's takes no derivative.
      const updates = own.flatMap((s) => s.optimizer.perParam).flatMap((p) => (p.like ? [] : p.updates));
      return [...values(model.terms), ...objectives(own), ...values(updates), ...values(model.updates), ...own.flatMap((s) => s.clip?.limit ?? [])];
    }
  }
}
