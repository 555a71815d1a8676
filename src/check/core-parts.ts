/**
 * What a Core expression is made of directly. Of `training` both branches, of a loop the parts of its body too.
 *
 *     partsOf(at(x, [b, i]))                     // [x, b, i]
 *     withParts(at(x, [b, i]), [y, b, i])        // at(y, [b, i])
 */
import { invariant } from "../support/diagnostic.ts";
import type { Core } from "./core.ts";

/** The operands, in order. */
export function partsOf(core: Core): readonly Core[] {
  switch (core.kind) {
    case "number":
    case "hyper":
    case "leaf":
    case "step":
    case "size":
    case "gradient":
    case "table":
    case "index":
    case "carry":
    case "iteration":
      return [];
    case "apply":
    case "concat":
    case "primitive":
    case "random":
      return core.args;
    case "cast":
    case "reduce":
    case "transpose":
    case "reshape":
    case "broadcast":
    case "stop":
      return [core.arg];
    case "select":
      return [core.condition, core.then, core.otherwise];
    case "training":
      return [core.then, core.otherwise];
    case "matmul":
      return [core.a, core.b];
    case "slice":
      return [core.arg, ...core.items.flatMap((i) => (i.kind === "at" ? [i.index] : []))];
    case "comprehend":
      return [core.body];
    case "at":
      return [core.base, ...core.index];
    case "fold":
      return core.guard ? [core.guard, core.body] : [core.body];
    case "loop":
      return core.loop.carries.flatMap((c) => [c.init, c.next]);
    case "derive":
      return core.derive === "grad" ? [core.value, core.wrt] : [core.value, core.wrt, core.along];
    case "custom":
      return [core.value, ...core.rules.flatMap((r) => [r.argument, r.adjoint])];
    case "replace":
      return [core.value, ...core.pairs.map((p) => p.to)];
    case "binding":
      return [core.value];
  }
}

/** The same expression of other parts, in the order of `partsOf`. Only of what is no more than its parts: nothing that draws, turns, derives or replaces. */
export function withParts(core: Core, parts: readonly Core[]): Core {
  const [first, second, third] = parts as readonly [Core, Core, Core];
  switch (core.kind) {
    case "apply":
    case "concat":
    case "primitive":
      return { ...core, args: parts };
    case "cast":
    case "reduce":
    case "transpose":
    case "reshape":
    case "broadcast":
    case "stop":
      return { ...core, arg: first };
    case "select":
      return { ...core, condition: first, then: second, otherwise: third };
    case "training":
      return { ...core, then: first, otherwise: second };
    case "matmul":
      return { ...core, a: first, b: second };
    case "slice": {
      let next = 1;
      return { ...core, arg: first, items: core.items.map((i) => (i.kind === "at" ? { ...i, index: parts[next++] as Core } : i)) };
    }
    case "comprehend":
      return { ...core, body: first };
    case "at":
      return { ...core, base: first, index: parts.slice(1) };
    case "fold":
      return core.guard ? { ...core, guard: first, body: second } : { ...core, body: first };
    case "binding":
      return { ...core, value: first };
    default:
      invariant(parts.length === 0, "core", `a ${core.kind} is more than its parts`);
      return core;
  }
}
