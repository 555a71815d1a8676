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
 *
 * `loss` is the minimised whole: the sum of the terms, those to be maximised with a minus sign.
 */
import type { Commit, Graph, Output } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { CheckedModel, CheckedProgram, CheckedState, CheckedTrain, Named } from "../check/checked.ts";
import type { Core } from "../check/core.ts";
import { invariant } from "../support/diagnostic.ts";
import { Entry } from "./build-entry.ts";
import { Lowering } from "./build-lower.ts";
import { gradientNodes, lossOutputs, stepParts } from "./build-step.ts";

export { hashPath } from "./build-random.ts";

/** The entries that a program may have. */
export type EntryName = "init" | "step" | "evaluate" | "predict" | "gradients";

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
    const goal = model.terms.length > 0;
    const names = (train: boolean): readonly EntryName[] => [
      "init", ...(train && goal ? (["step"] as const) : []), "evaluate", "predict", ...(goal ? (["gradients"] as const) : []),
    ];
    const trains = program.trains.filter((t) => t.model === model.name);
    if (trains.length === 0) return names(false).map((entry) => ({ entry, model: model.name }));
    return trains.flatMap((t) => names(true).map((entry) => ({ entry, model: model.name, train: t.name })));
  });
}

/** The graph of one entry. Throws a UserError for what cannot be built. */
export function build(program: CheckedProgram, request: EntryRequest): Graph {
  const model = program.models.find((m) => m.name === request.model);
  invariant(model, "build", `there is no model ${request.model}`);
  const train = program.trains.find((t) => t.name === request.train && t.model === model.name);
  invariant(train || request.train === undefined, "build", `there is no train block ${request.train ?? ""} of ${request.model}`);
  const training = request.entry === "step";
  const entry = new Entry({ training, marked: training || request.entry === "gradients", roots: rootsOf(request.entry, model, train) });
  const lowering = new Lowering(entry);
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
    case "step":
      invariant(train, "build", "a step needs a train block");
      return stepParts(entry, lowering, model, train);
    case "evaluate": {
      const { outputs } = lossOutputs(entry, lowering, model.terms);
      return { outputs: [...outputs, ...named("metric", model.metrics), ...named("output", model.outputs)], commits: [] };
    }
    case "predict":
      return { outputs: named("output", model.outputs), commits: [] };
    case "gradients": {
      const { loss, outputs } = lossOutputs(entry, lowering, model.terms);
      invariant(loss, "build", `${model.name} has no objective`);
      const gradients = [...gradientNodes(entry, model, loss)].map(([path, node]): Output => ({ name: path, kind: "gradient", node }));
      return { outputs: [...outputs.filter((o) => o.kind === "loss"), ...gradients], commits: [] };
    }
  }
}

function statesOf(model: CheckedModel, train: CheckedTrain | undefined): readonly CheckedState[] {
  return [...model.states, ...(train?.optimizer.perParam.flatMap((p) => p.states) ?? [])];
}

function initCommits(entry: Entry, lowering: Lowering, model: CheckedModel, train: CheckedTrain | undefined): Commit[] {
  const params = model.params.map((p): Commit => ({ kind: "param", path: p.path, node: lowering.tensor(p.init, p.type) }));
  const states = statesOf(model, train).map((s): Commit => ({ kind: "state", path: s.path, node: lowering.tensor(s.init, s.type) }));
  return [...params, ...states, { kind: "state", path: "status", node: entry.builder.const(tensor("u32", []), 0) }];
}

/** Every expression of the entry. */
function rootsOf(name: EntryName, model: CheckedModel, train: CheckedTrain | undefined): readonly Core[] {
  const values = (list: readonly { readonly value: Core }[]): readonly Core[] => list.map((n) => n.value);
  switch (name) {
    case "init":
      return [...model.params, ...statesOf(model, train)].map((s) => s.init);
    case "step": {
      const updates = train?.optimizer.perParam.flatMap((p) => p.updates) ?? [];
      return [...values(model.terms), ...values(updates), ...values(model.updates), ...(train?.clip ? [train.clip.limit] : [])];
    }
    case "evaluate":
      return [...values(model.terms), ...values(model.metrics), ...values(model.outputs)];
    case "predict":
      return values(model.outputs);
    case "gradients":
      return values(model.terms);
  }
}
