/**
 * Derivative forms: what `grad`, `jvp`, `hvp` and a rule of one's own in a program are before differentiate replaces them.
 *
 *     derive grad (loss, w) : the type of w
 *     custom "sign_st" 1 (sign(x), dy, out, x, dy) : the type of x
 */
import { printType, sameType } from "../ir/types.ts";
import type { TensorType } from "../ir/types.ts";
import { arg, atom } from "./latex-words.ts";
import type { OpRecord, Refusal } from "./op.ts";
import { countRefused } from "./type-rules.ts";

const erased = { none: "a derivative form is removed by differentiate, innermost first" } as const;

/** grad, jvp, hvp. */
export const derive: OpRecord<"derive"> = {
  name: "derive",
  doc: "A derivative as a value: grad (value, wrt), jvp (value, wrt, tangent), hvp (value, wrt, vector).",
  class: "form",
  params: { kind: "grad, jvp or hvp" },
  type: ({ kind }, inputs): TensorType | Refusal => {
    const [value, wrt, along] = inputs;
    const refused = countRefused(inputs, kind === "grad" ? 2 : 3);
    if (refused || !value || !wrt) return refused ?? { refuse: "needs a value and what to derive by" };
    if (value.dtype !== "f32") return { refuse: `derives f32 values, not ${printType(value)}`, operand: 0 };
    if (wrt.dtype !== "f32") return { refuse: `derives by f32 values, not ${printType(wrt)}`, operand: 1 };
    if (kind !== "jvp" && value.shape.length > 0) return { refuse: `takes a scalar, not ${printType(value)}`, operand: 0 };
    if (along && !sameType(along, wrt)) return { refuse: `direction ${printType(along)} and variable ${printType(wrt)} differ`, operand: 2 };
    return kind === "jvp" ? value : wrt;
  },
  grad: erased,
  eval: { kind: "evaluator" },
  samples: [],
  latex: ({ kind }, args) => {
    const [value, wrt, along] = [arg(args, 0), arg(args, 1), arg(args, 2)];
    if (kind === "grad") return `\\nabla_{${wrt}} ${atom(value)}`;
    if (kind === "jvp") return `\\frac{\\partial ${atom(value)}}{\\partial ${atom(wrt)}} ${atom(along)}`;
    return `\\nabla^2_{${wrt}} ${atom(value)}\\, ${atom(along)}`;
  },
};

/** A value with a gradient of its own. */
export const custom: OpRecord<"custom"> = {
  name: "custom",
  doc: "A value whose gradient is given by hand: value, incoming, out, then for each argument it and its adjoint.",
  class: "form",
  params: { name: "the function, for messages", rules: "how many arguments have an adjoint" },
  type: ({ rules }, inputs): TensorType | Refusal => {
    const [value, incoming, out] = inputs;
    const refused = countRefused(inputs, 3 + 2 * rules);
    if (refused || !value || !incoming || !out) return refused ?? { refuse: "needs a value, the incoming adjoint and the result" };
    if (value.dtype !== "f32") return { refuse: `gives f32 values, not ${printType(value)}`, operand: 0 };
    for (const [operand, type] of [[1, incoming], [2, out]] as const) {
      if (!sameType(type, value)) return { refuse: `stands for ${printType(value)} by ${printType(type)}`, operand };
    }
    for (let at = 3; at < inputs.length; at += 2) {
      const [argument, adjoint] = [inputs[at] as TensorType, inputs[at + 1] as TensorType];
      if (argument.dtype !== "f32") return { refuse: `derives by f32 values, not ${printType(argument)}`, operand: at };
      if (!sameType(argument, adjoint)) return { refuse: `gives ${printType(argument)} an adjoint of type ${printType(adjoint)}`, operand: at + 1 };
    }
    return value;
  },
  grad: { none: "its gradient is the one it brings along, which differentiate puts in place" },
  eval: { kind: "evaluator" },
  samples: [],
  latex: (_, args) => arg(args, 0),
};
