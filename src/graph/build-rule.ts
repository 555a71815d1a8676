/**
 * A gradient given by hand beside the one that follows from the function's body. In: one call. Out: a graph over leaves
 * `argument 0`, `argument 1`, … and `direction`, with the gradient of <value, direction> by each argument, twice.
 *
 *     fn f(x) = x^2 with gradient(dy) { x = 3 * dy * x }       outputs rule 0: 3 d x, derived 0: 2 d x
 */
import type { Graph, Node, Output } from "../ir/node.ts";
import { tensor } from "../ir/types.ts";
import type { Core, CoreOf } from "../check/core.ts";
import { isIndexVar } from "./build-access.ts";
import { Structure } from "./build-children.ts";
import { Entry } from "./build-entry.ts";
import { Builder } from "./builder.ts";
import { Lowering } from "./build-lower.ts";
import type { Value } from "./build-values.ts";

/** The graph; undefined for a call that reads the turn of a loop around it elsewhere than in its arguments. */
export function buildRule(core: CoreOf<"custom">, training: boolean): Graph | undefined {
  const structure = new Structure(training);
  if (!standsAlone(structure, core)) return undefined;
  const entry = new Entry({ training, roots: [core], builder: new Builder() });
  const { builder: e, variables } = entry;
  for (const bound of structure.free(core)) if (isIndexVar(bound)) variables.register([bound]);
  const args = core.args.map((arg, k): readonly [Core, Value] => {
    const vars = variables.union([[...structure.free(arg)].filter(isIndexVar)]);
    const type = tensor("f32", [...vars.map((v) => v.extent), ...arg.type.shape]);
    return [arg, { node: e.leaf({ kind: "input", path: `argument ${k}`, type }), vars }];
  });
  const lowering = Lowering.over(entry, new Map(args));
  const given = lowering.evaluate(core).node;
  const plain = given.op === "custom" ? (given.inputs[0] as Node) : given;
  const direction = e.leaf({ kind: "input", path: "direction", type: given.type });
  const along = (value: Node): Node => e.reduce("sum", e.mul(value, direction), value.type.shape.map((_, a) => a));
  const outputs = args.flatMap(([, { node }], k): Output[] =>
    ([["rule", along(given)], ["derived", along(plain)]] as const).map(([name, value]) => ({ name: `${name} ${k}`, kind: "gradient", node: e.make("derive", { kind: "grad" }, [value, node]) })));
  return e.finish("rule", outputs, []);
}

/** True when nothing but the arguments depends on a loop around the call. */
function standsAlone(structure: Structure, core: CoreOf<"custom">): boolean {
  const args = new Set(core.args);
  const own = structure.walk([core.value, ...core.rules.map((r) => r.adjoint)], (c) => !args.has(c));
  const bound = new Set<unknown>([core.incoming, core.out]);
  for (const c of own) {
    if (c.kind === "custom") for (const v of [c.incoming, c.out]) bound.add(v);
    if (c.kind === "loop") for (const v of [c.loop.variable, ...c.loop.carries.map((k) => k.variable)]) bound.add(v);
  }
  return own.every((c) => (c.kind !== "carry" || bound.has(c.carry)) && (c.kind !== "iteration" || bound.has(c.loop)));
}
