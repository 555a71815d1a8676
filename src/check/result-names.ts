/**
 * What a run gives back has names: the loss, its terms, metrics and outputs. Two results of one name would be one.
 *
 *     metric loss = mean(abs(p - y))      `loss` is the whole that is minimised
 */
import type { Span } from "../support/span.ts";
import type { CheckedModel } from "./checked.ts";
import type { Context } from "./context.ts";

/** Reports results that share a name. */
export function checkResultNames(cx: Context, model: CheckedModel): void {
  const [first] = model.terms;
  const known = new Map<string, Span>(first ? [["loss", first.span]] : []);
  // The one term without a name of its own is the loss itself.
  const whole = model.terms.find((t) => t.name === "loss");
  for (const result of [...model.terms, ...model.metrics, ...model.outputs]) {
    const before = known.get(result.name);
    known.set(result.name, before ?? result.span);
    if (result.name === "status" && model.terms.some((t) => t === result)) {
      cx.error({ code: "E0102", message: "a term cannot be called `status`: a step reports by that name whether its numbers are finite", span: result.span, hint: "give it another name" });
    }
    if (!before || result === whole) continue;
    cx.error({
      code: "E0102", message: `two results are called \`${result.name}\``, span: result.span, label: "the second",
      related: [{ span: before, text: result.name === "loss" ? "this is part of `loss`, the sum of all terms" : "the first" }], hint: "give it another name",
    });
  }
}
