/**
 * Which parameters a loss depends on so that a gradient can flow: a walk over Core from the terms of the objective,
 * through everything that has a derivative. A parameter that is not reached can never learn.
 */
import type { Core } from "./core.ts";

/** The paths of the parameters that some term reaches in training. */
export function reachedParams(terms: readonly Core[]): ReadonlySet<string> {
  const seen = new Set<Core>(terms);
  const pending = [...terms];
  const paths = new Set<string>();
  const visit = (core: Core): void => {
    if (seen.has(core)) return;
    seen.add(core);
    pending.push(core);
  };
  for (let core = pending.pop(); core; core = pending.pop()) {
    if (core.kind === "leaf" && core.role === "param") paths.add(core.path);
    for (const next of differentiable(core)) visit(next);
  }
  return paths;
}

const flat = new Set(["floor", "sign", "not", "and", "or", "floordiv"]);

/** The operands through which a derivative flows. */
function differentiable(core: Core): readonly Core[] {
  switch (core.kind) {
    case "apply":
      return typeof core.op === "object" || flat.has(core.op) ? [] : core.args;
    case "cast":
      return core.to === "f32" && core.arg.type.dtype === "f32" ? [core.arg] : [];
    case "select":
      return [core.then, core.otherwise];
    case "training":
      return [core.then];
    case "reduce":
      return core.op === "argmax" || core.op === "argmin" || core.op === "any" || core.op === "all" || core.op === "count" ? [] : [core.arg];
    case "matmul":
      return [core.a, core.b];
    case "transpose":
    case "reshape":
    case "broadcast":
    case "slice":
      return [core.arg];
    case "concat":
      return core.args;
    case "comprehend":
      return [core.body];
    case "at":
      return [core.base];
    case "fold":
      return core.op === "argmax" || core.op === "argmin" || core.op === "any" || core.op === "all" || core.op === "count" ? [] : [core.body];
    case "random":
      return core.distribution === "bernoulli" ? [] : core.args;
    case "loop":
      return core.loop.carries.flatMap((c) => [c.init, c.next]);
    case "derive":
      return core.derive === "grad" ? [core.value, core.wrt] : [core.value, core.wrt, core.along];
    case "custom":
      return core.rules.map((r) => r.argument);
    case "replace":
      return [core.value, ...core.pairs.map((p) => p.to)];
    case "binding":
      return [core.value];
    default:
      return [];
  }
}
