/**
 * What stands for parameters outside training: the outputs of optimizers. In: an entry that reads parameters as evaluation
 * does. Out: the entry, in which such a parameter is
 *
 *     select(updates of the step > 0, output, θ)
 *
 * since before its first update an optimizer has nothing to say. `t` in an output counts the updates of its own step.
 */
import { tensor } from "../ir/types.ts";
import type { CheckedModel, CheckedTrain } from "../check/checked.ts";
import { stepsWithOutput } from "../check/train-facts.ts";
import type { Entry } from "./build-entry.ts";
import type { Lowering } from "./build-lower.ts";

/** Puts the outputs in place. */
export function useOutputs(entry: Entry, lowering: Lowering, model: CheckedModel, train: CheckedTrain | undefined): void {
  const { builder: e } = entry;
  const stands = new Map<string, ReturnType<typeof e.leaf>>();
  for (const step of stepsWithOutput(train)) {
    const updates = e.leaf({ kind: "step", path: `updates/${step.entry}`, type: tensor("f32", []) });
    for (const { param, output } of step.optimizer.perParam) {
      const type = model.params.find((p) => p.path === param)?.type;
      if (!output || !type) continue;
      const begun = e.broadcast(e.compare(">", updates, e.like(updates, 0)), type.shape, []);
      const value = entry.counting(updates, () => lowering.tensor(output, type));
      const before = stands.get(param) ?? entry.leaf("param", param, type);
      stands.set(param, e.origin([step.span], "what the optimizer's output stands for", () => e.select(begun, value, before)));
    }
  }
  for (const [path, node] of stands) entry.stand(path, node);
}
