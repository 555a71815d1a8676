/**
 * What a module has to declare for what its statements do: bindings as arrays of vectors, and subgroups.
 *
 *     load4 of x, store4 of y     ->     the groups of both are arrays of vec4
 */
import type { KernelStmt } from "../ir/kernel.ts";
import type { Scalar } from "../ir/scalar.ts";
import type { Placement } from "../memory/placement.ts";

/**
 * The groups of which a statement takes four neighbours at once, and no other writes single numbers: a device may write a component of a
 * vector by writing all of it, and then takes back what other invocations write beside it.
 */
export function wideGroups(body: readonly KernelStmt[], placement: Placement): ReadonlySet<number> {
  const [wide, narrow] = [new Set<number>(), new Set<number>()];
  const visit = (s: KernelStmt): void => {
    if (s.kind === "load4" || s.kind === "store4") wide.add(placement.of.get(s.buffer)?.group ?? -1);
    else if (s.kind === "store") narrow.add(placement.of.get(s.buffer)?.group ?? -1);
    else if (s.kind === "for") s.body.forEach(visit);
    else if (s.kind === "if") [...s.body, ...(s.otherwise ?? [])].forEach(visit);
  };
  body.forEach(visit);
  return new Set([...wide].filter((group) => !narrow.has(group)));
}

/** True where values of other invocations are read without memory. */
export function goesTogether(body: readonly KernelStmt[]): boolean {
  const within = (s: Scalar): boolean => (s.kind === "op" && (s.op === "swap" || s.op.startsWith("subgroup_"))) || ((s.kind === "op" || s.kind === "call") && s.args.some(within));
  return body.some((s) => (s.kind === "let" || s.kind === "assign" ? within(s.value) : s.kind === "for" ? goesTogether(s.body) : s.kind === "if" && (goesTogether(s.body) || goesTogether(s.otherwise ?? []))));
}
