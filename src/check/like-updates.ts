/**
 * What an optimizer does to one parameter, said of another one like it: of the same declaration, type and role. A body is checked once for
 * all of them; what it gave stands for the others under other paths. In: the updates of the first. Out: those of another one.
 *
 *     s <- ρ s + (1 - ρ) g        of adam.s/M.0.W and the gradient by M.0.W, said of adam.s/M.1.W and the gradient by M.1.W
 *
 * Invariant: an expression that has a thing of its own for each parameter (a draw, a derivative, a loop) is not said of another one.
 */
import type { CheckedParam, CheckedState, Likeness, ParamUpdates, Update } from "./checked.ts";
import type { Core, CoreKind } from "./core.ts";
import { partsOf, withParts } from "./core-parts.ts";

/** What has an identity beyond its parts. */
const own: ReadonlySet<CoreKind> = new Set<CoreKind>(["random", "loop", "carry", "iteration", "derive", "custom", "replace"]);

/** What a body was given. */
export interface Given {
  readonly theta: Core;
  readonly gradient: Core;
}

/** Whether the updates can be said of another parameter: of parameters they read the one they were made for alone. */
export function canBeLike({ states, updates, output }: ParamUpdates, { theta, gradient }: Given): boolean {
  const paths = new Set(states.map((s) => s.path));
  const open: Core[] = [...states.map((s) => s.init), ...updates.map((u) => u.value), ...(output ? [output] : [])];
  const seen = new Set<Core>();
  for (let core = open.pop(); core; core = open.pop()) {
    if (seen.has(core)) continue;
    seen.add(core);
    if (own.has(core.kind)) return false;
    if (core.kind === "leaf" && core !== theta && !(core.role === "state" && paths.has(core.path))) return false;
    if (core.kind === "gradient" && core !== gradient) return false;
    open.push(...partsOf(core));
  }
  return true;
}

/** The same updates of another parameter. Expressions are made when somebody asks for them. */
export function likeUpdates(of: ParamUpdates, { path }: CheckedParam): ParamUpdates {
  const paths = new Map([[of.param, path], ...of.states.map((s) => [s.path, `${s.path.slice(0, -of.param.length)}${path}`] as const)]);
  const there = (of: string): string => paths.get(of) ?? of;
  const renamed = renaming(paths);
  const states = of.states.map((s): CheckedState => ({ ...s, path: there(s.path), init: renamed(s.init) }));
  const like: Likeness = { of, paths };
  let updates: readonly Update[] | undefined;
  return {
    param: path, states, like,
    get updates() {
      updates ??= of.updates.map((u) => ({ ...u, path: there(u.path), value: renamed(u.value) }));
      return updates;
    },
    ...(of.output && { output: renamed(of.output) }),
  };
}

/** Expressions with other paths; what has none of them stays the same object, and what is shared is so afterwards. Iterative. */
function renaming(paths: ReadonlyMap<string, string>): (core: Core) => Core {
  const became = new Map<Core, Core>();
  return (root) => {
    const open: Core[] = [root];
    for (let core = open.at(-1); core; core = open.at(-1)) {
      const parts = partsOf(core);
      const waiting = became.has(core) ? [] : parts.filter((p) => !became.has(p));
      if (waiting.length > 0) {
        open.push(...waiting);
        continue;
      }
      open.pop();
      if (became.has(core)) continue;
      const path = core.kind === "leaf" || core.kind === "gradient" ? paths.get(core.path) : undefined;
      const now = parts.map((p) => became.get(p) as Core);
      became.set(core, path !== undefined ? ({ ...core, path } as Core) : now.every((p, i) => p === parts[i]) ? core : withParts(core, now));
    }
    return became.get(root) as Core;
  };
}
