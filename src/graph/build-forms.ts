/**
 * Derivative forms as nodes. In: the values of an expression's parts, perhaps one for each value of index variables. Out:
 * the form, over the same variables.
 *
 *     grad of v[i] by copies x[i]      derive grad (sum v, x), read over i
 */
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { Core, CoreOf, IndexVar } from "../check/core.ts";
import { convertValue, ownShape, spread } from "./build-values.ts";
import type { Value } from "./build-values.ts";

/** The derivative of each value by its own copy of `wrt`, which has all the variables that the value has. */
export function deriveValue(e: Emit, core: CoreOf<"derive">, value: Value, wrt: Value, along: Value | undefined): Value {
  const direction = along && [spread(e, along, wrt.vars, ownShape(wrt))];
  if (core.derive === "jvp") return { node: e.make("derive", { kind: "jvp" }, [value.node, wrt.node, ...(direction ?? [])]), vars: value.vars };
  const total = e.reduce("sum", value.node, value.vars.map((_, a) => a));
  return { node: e.make("derive", { kind: core.derive }, [total, wrt.node, ...(direction ?? [])]), vars: wrt.vars };
}

/** A value with rules of its own; `received` are the leaves for what arrives and for the result. */
export function customValue(e: Emit, core: CoreOf<"custom">, vars: readonly IndexVar[], received: readonly Node[], get: (part: Core) => Value): Value {
  const spreadOf = (part: Core, own: readonly Dim[]): Node => spread(e, convertValue(e, get(part), "f32"), vars, own);
  const rules = core.rules.flatMap(({ argument, adjoint }) => [argument, adjoint].map((part) => spreadOf(part, argument.type.shape)));
  return { node: e.make("custom", { name: core.name, rules: core.rules.length }, [spreadOf(core.value, core.type.shape), ...received, ...rules]), vars };
}
