/**
 * Which sizes of a model only the data knows: the batch, and no other. Comes in: a checked model. Goes out: reports on
 * inputs with a further open size.
 *
 *     input x: f32[N, T]      // E0209: `T` is not known
 */
import type { CheckedModel } from "./checked.ts";
import type { Context } from "./context.ts";

/** Reports every size of an input that is neither a number nor made of the batch. */
export function checkInputSizes(cx: Context, model: CheckedModel): void {
  const reported = new Set<string>();
  for (const input of model.inputs) {
    for (const size of input.type.shape) {
      if (typeof size === "number") continue;
      for (const symbol of size.terms.flatMap((t) => t.symbols)) {
        if (symbol === model.batch || reported.has(symbol)) continue;
        reported.add(symbol);
        const batch = model.batch === undefined ? "" : `, \`${model.batch}\`,`;
        cx.error({
          code: "E0209", message: `the size \`${symbol}\` of \`${input.name}\` is not known: only the batch${batch} comes with the data`, span: input.span,
          label: `\`${symbol}\` is open`, hint: `write a number, or \`const ${symbol} = …\` before the model`,
        });
      }
    }
  }
}
