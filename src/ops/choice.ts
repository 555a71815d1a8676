/**
 * Choosing between values. The adjoint selects too, so what was not chosen never reaches a gradient, be it infinite.
 *
 *     select(c, x, y):  g -> select(c, g, 0), select(c, 0, g)
 */
import type { Scalar } from "../ir/scalar.ts";
import { printType, sameShape } from "../ir/types.ts";
import { pick } from "./formula.ts";
import { arg } from "./latex-words.ts";
import { noPath } from "./op.ts";
import type { OpRecord } from "./op.ts";
import { bool, f32, i32, noPaths } from "./operands.ts";
import { countRefused, dtypeRefused, equalOperands } from "./type-rules.ts";

/** Condition, then, otherwise. */
export const select: OpRecord<"select"> = {
  name: "select",
  doc: "A choice per element: out = x where the condition holds, else y.",
  class: "elementwise",
  params: {},
  type: (_, inputs) => {
    const [condition, ...values] = inputs;
    const refused = countRefused(inputs, 3) ?? dtypeRefused(inputs.slice(0, 1), ["bool"]);
    if (refused || !condition) return refused ?? { refuse: "needs a condition" };
    const type = equalOperands(values, ["f32", "i32", "u32", "bool"]);
    if ("refuse" in type) return { refuse: type.refuse, operand: (type.operand ?? 0) + 1 };
    if (!sameShape(condition.shape, type.shape)) return { refuse: `condition ${printType(condition)} and value ${printType(type)} differ in shape`, operand: 0 };
    return type;
  },
  grad: (e, node, g) => {
    if (node.type.dtype !== "f32") return noPaths(e, node);
    const [condition] = node.inputs;
    if (!condition) return [];
    const none = e.like(g, 0);
    return [noPath, e.select(condition, g, none), e.select(condition, none, g)];
  },
  eval: { kind: "scalar", of: (_, c, x, y) => (c !== 0 ? (x ?? 0) : (y ?? 0)) },
  scalar: (_, args) => {
    const [c, x, y] = args as readonly [Scalar, Scalar, Scalar];
    return pick(c, x, y);
  },
  samples: [
    { attrs: {}, inputs: [bool(2, 3), f32(2, 3), f32(2, 3)], ranges: [[0, 1], [-2, 2], [-2, 2]] },
    { attrs: {}, inputs: [bool(3, 1), f32(3, 1), f32(3, 1)], ranges: [[0, 1], [-2, 2], [-2, 2]] },
    { attrs: {}, inputs: [bool(4), i32(4), i32(4)], ranges: [[0, 1], [-5, 5], [-5, 5]] },
  ],
  latex: (_, args) =>
    `\\begin{cases} ${arg(args, 1)} & \\text{if } ${arg(args, 0)} \\\\ ${arg(args, 2)} & \\text{otherwise} \\end{cases}`,
};
