/**
 * Type rules shared by several families. In: operand types. Out: the result's type, or why they do not fit.
 *
 *     equalOperands([f32[2], f32[3]], ["f32"])      // { refuse: "operands f32[2] and f32[3] differ", operand: 1 }
 */
import { printType, sameType, tensor } from "../ir/types.ts";
import type { DType, TensorType } from "../ir/types.ts";
import type { Refusal } from "./op.ts";

/** `needs 2 operands, not 1`, unless there are as many as asked for. */
export function countRefused(inputs: readonly TensorType[], least: number, most = least): Refusal | undefined {
  if (inputs.length >= least && inputs.length <= most) return undefined;
  const wanted = least === most ? String(least) : `${least} to ${most}`;
  return { refuse: `needs ${wanted} operand${most === 1 ? "" : "s"}, not ${inputs.length}` };
}

/** Refuses an operand whose element type is not among `allowed`. */
export function dtypeRefused(inputs: readonly TensorType[], allowed: readonly DType[]): Refusal | undefined {
  for (let operand = 0; operand < inputs.length; operand++) {
    const type = inputs[operand] as TensorType;
    if (!allowed.includes(type.dtype)) return { refuse: `takes ${allowed.join(" or ")}, not ${printType(type)}`, operand };
  }
  return undefined;
}

/** `count` operands of one type whose elements are among `allowed`; the result is that type. */
export function equalOperands(inputs: readonly TensorType[], allowed: readonly DType[], count = 2): TensorType | Refusal {
  const [first] = inputs;
  const refused = countRefused(inputs, count) ?? dtypeRefused(inputs, allowed);
  if (refused) return refused;
  for (let operand = 1; operand < inputs.length; operand++) {
    const other = inputs[operand];
    if (first && other && !sameType(other, first)) return { refuse: `operands ${printType(first)} and ${printType(other)} differ`, operand };
  }
  return first as TensorType;
}

/** The same shape with other elements. */
export function withDType(type: TensorType | Refusal, dtype: DType): TensorType | Refusal {
  return "refuse" in type ? type : tensor(dtype, type.shape);
}

/** The shape without some axes. */
export function withoutAxes(type: TensorType, axes: readonly number[]): TensorType {
  return tensor(type.dtype, type.shape.filter((_, a) => !axes.includes(a)));
}
