/**
 * The one structured primitive and its reader. A loop runs a closed body a fixed number of times; its gradient is a
 * reversed loop, which takes knowledge of the body that a rule in the table does not have: differentiate makes it.
 *
 *     loop 3 1 1 forward : h0, xs -> (h3), read by pick 0;  body: h, x -> tanh(h + x)
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Node, OpAttrs } from "../ir/node.ts";
import { printType, sameType, tensor } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { called, subscripted } from "./latex-words.ts";
import type { OpRecord, Refusal } from "./op.ts";
import { countRefused } from "./type-rules.ts";

const byDriver = { none: "its gradient is a reversed loop, handled by differentiate" } as const;

/** The types of a loop's results: carries as they are, stacked values with `trip` in front. */
export function loopResults({ trip, body, carries }: OpAttrs["loop"]): readonly TensorType[] {
  return body.results.map(({ type }, r) => (r < carries ? type : tensor(type.dtype, [trip, ...type.shape])));
}

/** Static trip count, carried values, sliced inputs, captures, stacked results. */
export const loop: OpRecord<"loop"> = {
  name: "loop",
  doc: "Runs a closed body `trip` times: carries go from turn to turn, slices are read a row a turn, stacked results are written a row a turn.",
  class: "structure",
  params: {
    trip: "number of turns",
    body: "what a turn computes: the next carries, then the values to stack",
    carries: "how many inputs are first carries",
    slices: "how many of the next inputs are read a row a turn",
    reverse: "run from the last turn to the first; rows keep their positions",
  },
  type: (attrs, inputs): TensorType | Refusal => {
    const { trip, body, carries, slices } = attrs;
    const [result] = loopResults(attrs);
    if (!result) return { refuse: "has no result" };
    if (!Number.isInteger(trip) || trip < 0) return { refuse: `cannot run ${trip} times` };
    if (body.results.length < carries) return { refuse: `has ${carries} carries but ${body.results.length} results` };
    if (inputs.length < carries + slices) return { refuse: `needs at least ${carries + slices} operands, not ${inputs.length}` };
    for (let k = 0; k < carries; k++) {
      const [from, to] = [inputs[k] as TensorType, (body.results[k] as Node).type];
      if (!sameType(from, to)) return { refuse: `carry ${k} starts as ${printType(from)} and goes on as ${printType(to)}`, operand: k };
    }
    for (let s = carries; s < carries + slices; s++) {
      const type = inputs[s] as TensorType;
      if (type.shape.length === 0 || !dims.equal(type.shape[0] as Dim, trip)) return { refuse: `slices ${printType(type)} in ${trip} rows`, operand: s };
    }
    return result;
  },
  grad: byDriver,
  eval: { kind: "evaluator" },
  samples: [],
  latex: ({ trip }, args) => `${called("loop", args)}^{${trip}}`,
};

/** One result of a loop. */
export const pick: OpRecord<"pick"> = {
  name: "pick",
  doc: "One result of a loop: the last carries come first, then the stacked values.",
  class: "structure",
  params: { index: "position among the loop's results" },
  type: ({ index }, inputs, nodes) => {
    const refused = countRefused(inputs, 1);
    if (refused) return refused;
    const [from] = nodes ?? [];
    if (from?.op !== "loop") return { refuse: "reads the results of a loop alone", operand: 0 };
    return loopResults(from.attrs)[index] ?? { refuse: `asks for result ${index} of ${from.attrs.body.results.length}` };
  },
  grad: byDriver,
  eval: { kind: "evaluator" },
  samples: [],
  latex: ({ index }, args) => `${subscripted(args[0])}_{${index}}`,
};
