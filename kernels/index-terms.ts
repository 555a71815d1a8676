/**
 * An index as a sum of multiples, so that each part can be computed where it first is known.
 *
 *     row*64 + (k*2 + 3)   ->   64·row + 2·k + 3
 */
import type { Axis } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";

/** A multiple of a value. */
export interface Term {
  readonly value: Scalar;
  readonly times: number;
}

/** The terms of an i32 scalar, in order, and the constant; what is no sum or constant multiple is a term by itself. */
export function termsOf(s: Scalar): { readonly terms: readonly Term[]; readonly constant: number } {
  const terms: Term[] = [];
  let constant = 0;
  const visit = (x: Scalar, by: number): void => {
    if (x.kind === "constant") constant += by * x.value;
    else if (x.kind !== "op" || x.dtype !== "i32") terms.push({ value: x, times: by });
    else {
      const [a, b] = x.args;
      if (x.op === "neg" && a) visit(a, -by);
      else if ((x.op === "add" || x.op === "sub") && a && b) {
        visit(a, by);
        visit(b, x.op === "add" ? by : -by);
      } else if (x.op === "mul" && a && b?.kind === "constant") visit(a, by * b.value);
      else if (x.op === "mul" && b && a?.kind === "constant") visit(b, by * a.value);
      else terms.push({ value: x, times: by });
    }
  };
  visit(s, 1);
  return { terms, constant };
}

/** The conditions of which a conjunction consists. */
export function conjuncts(s: Scalar): readonly Scalar[] {
  return s.kind === "op" && s.op === "and" && s.dtype === "bool" ? s.args.flatMap(conjuncts) : [s];
}

/** What an index grows by from one point of an axis to the next; undefined where that varies. */
export function stepAlong(index: Scalar, axis: Axis): number | undefined {
  if (index.kind === "constant") return 0;
  if (index.kind === "ref") return index.id === axis.id ? 1 : 0;
  if (index.kind !== "op") return undefined;
  const [a, b] = index.args;
  const [x, y] = [a && stepAlong(a, axis), b && stepAlong(b, axis)];
  if (x === undefined || y === undefined) return undefined;
  if (index.op === "add") return x + y;
  if (index.op === "sub") return x - y;
  if (index.op === "mul" && b?.kind === "constant") return x * b.value;
  if (index.op === "mul" && a?.kind === "constant") return y * a.value;
  return x === 0 && y === 0 ? 0 : undefined;
}
