/**
 * Which parameters a loss depends on so that a gradient can flow: a walk over Core from the terms of the objective,
 * through everything that has a derivative. A parameter that is not reached can never learn.
 */
import type { Core } from "./core.ts";

/** The paths of the parameters that some term reaches in training, so that a gradient flows. */
export function reachedParams(terms: readonly Core[]): ReadonlySet<string> {
  return paramsBelow(terms, differentiable);
}

/** The paths of the parameters that some term depends on in training, with or without a gradient. */
export function mentionedParams(terms: readonly Core[]): ReadonlySet<string> {
  return paramsBelow(terms, operands);
}

function paramsBelow(terms: readonly Core[], below: (core: Core) => readonly Core[]): ReadonlySet<string> {
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
    for (const next of below(core)) visit(next);
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
    case "primitive":
      return core.op.name === "argsort" ? [] : core.args;
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

/** Everything that the value depends on in training. */
function operands(core: Core): readonly Core[] {
  switch (core.kind) {
    case "apply":
    case "concat":
    case "primitive":
      return core.args;
    case "select":
      return [core.condition, core.then, core.otherwise];
    case "cast":
    case "reduce":
    case "stop":
      return [core.arg];
    case "fold":
      return core.guard ? [core.guard, core.body] : [core.body];
    case "at":
      return [core.base, ...core.index];
    case "slice":
      return [core.arg, ...core.items.flatMap((i) => (i.kind === "at" ? [i.index] : []))];
    case "random":
      return core.args;
    default:
      return differentiable(core);
  }
}
