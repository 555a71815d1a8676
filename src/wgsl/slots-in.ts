/**
 * Which words of the parameter block statements read: their own parameters, and the positions of buffers that share a binding.
 *
 *     store b[p1 + i] = p0 * x     ->     { 0, 1 }
 */
import type { KernelStmt } from "../ir/kernel.ts";
import type { Scalar } from "../ir/scalar.ts";
import type { Placement } from "../memory/placement.ts";

/** The slots, in order of first use. */
export function slotsIn(body: readonly KernelStmt[], placement: Placement): ReadonlySet<number> {
  const slots = new Set<number>();
  const scalar = (s: Scalar): void => {
    if (s.kind === "param") slots.add(s.slot);
    else if (s.kind === "op" || s.kind === "call") s.args.forEach(scalar);
  };
  const visit = (s: KernelStmt): void => {
    if ("index" in s) scalar(s.index);
    if ("value" in s) scalar(s.value);
    if ("values" in s) s.values.forEach(scalar);
    if ("guard" in s && s.guard) scalar(s.guard);
    if ("buffer" in s) {
      const base = placement.of.get(s.buffer)?.base;
      if (base !== undefined) slots.add(base);
    }
    if (s.kind === "var") scalar(s.init);
    if (s.kind === "array") s.values.forEach(scalar);
    if (s.kind === "for") for (const bound of [s.from, s.to]) scalar(bound);
    if (s.kind === "if") scalar(s.condition);
    if (s.kind === "for" || s.kind === "if") s.body.forEach(visit);
    if (s.kind === "if") s.otherwise?.forEach(visit);
  };
  body.forEach(visit);
  return slots;
}
