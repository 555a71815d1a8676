/** Warnings of what no step of any train block of a model touches: a loss that nothing minimises, a parameter that stays. */
import type { Diagnostics } from "../support/diagnostic.ts";
import type { Span } from "../support/span.ts";
import type { CheckedModel, CheckedTrain } from "./checked.ts";
import type { ModelState } from "./context.ts";
import { stepsOf } from "./train-facts.ts";

/** Warns of both. Only `step` sections and `freeze` leave anything out. */
export function warnUntrained(diagnostics: Diagnostics, model: CheckedModel, blocks: readonly CheckedTrain[], state: ModelState): void {
  const steps = blocks.flatMap(stepsOf);
  const where = blocks.map((b) => ({ span: b.span, text: "trained here" }));
  const minimised = new Set(steps.flatMap((s) => s.terms.map((t) => t.name)));
  for (const term of model.terms) {
    if (minimised.has(term.name)) continue;
    diagnostics.warn({
      code: "W0411", message: `no step minimises \`${term.name}\``, span: term.span, label: "counts for nothing", related: where,
      hint: "add it to what a step minimises, or make it a `metric`",
    });
  }
  const trained = new Set(steps.flatMap((s) => s.optimizer.perParam.map((p) => p.param)));
  const left = new Map<Span, string[]>();
  // Nothing is to be said of a block that makes no updates.
  if (trained.size > 0) for (const { path, call } of state.params.values()) if (!trained.has(path)) left.set(call, [...(left.get(call) ?? []), `\`${path}\``]);
  for (const [span, paths] of left) {
    const one = paths.length === 1;
    diagnostics.warn({
      code: "W0410", message: `no step trains the ${one ? "parameter" : "parameters"} ${paths.join(", ")}`, span, label: one ? "keeps its initial value" : "keep their initial values", related: where,
      hint: "name it in the `over` of a step whose loss depends on it",
    });
  }
}
