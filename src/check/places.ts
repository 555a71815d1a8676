/**
 * Where the largest or smallest of several indices' values stands: one number for each index, of the first in row-major order.
 *
 *     i, j = argmax[i, j] A[i, j]      i* = argmax[i] max[j] A[i, j]
 *                                      j* = argmax[j] max[i where i == i*] A[i, j]
 */
import { tensor } from "../ir/types.ts";
import type { Core, CoreOf, IndexVar } from "./core.ts";

/** The places, one for each index; a guard keeps terms, and holds for what is read. */
export function places(op: "argmax" | "argmin", fold: Pick<CoreOf<"fold">, "indices" | "guard" | "body" | "span">): readonly Core[] {
  const { indices, body, span } = fold;
  const extremum = op === "argmax" ? "max" : "min";
  const found: Core[] = [];
  // What is kept: at first what the guard keeps, then what also stands at the places found so far.
  let kept = fold.guard;
  for (const variable of indices) {
    const others = indices.filter((v) => v !== variable);
    const best: Core = { kind: "fold", op: extremum, indices: others, ...(kept && { guard: kept }), body, type: body.type, span };
    const any: Core | undefined = kept && { kind: "fold", op: "any", indices: others, body: kept, type: kept.type, span };
    const place: Core = { kind: "fold", op, indices: [variable], ...(any && { guard: any }), body: best, type: tensor("i32", []), span };
    found.push(place);
    const here = at(variable, place);
    kept = kept ? { kind: "apply", op: "and", args: [kept, here], type: here.type, span } : here;
  }
  return found;
}

/** variable == place */
function at(variable: IndexVar, place: Core): Core {
  const { span } = place;
  return { kind: "apply", op: { compare: "==" }, args: [{ kind: "index", variable, type: place.type, span }, place], type: tensor("bool", []), span };
}
