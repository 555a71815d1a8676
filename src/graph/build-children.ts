/**
 * The structure of Core: what an expression is made of, what it depends on that is bound around it, and which names
 * derivatives are taken by. All walks are iterative, since operand chains may be 100,000 long.
 *
 *     fold("sum", [i], mul(at(x, [b, i]), at(W, [i, o])))      depends on b and o
 */
import { tensor } from "../ir/types.ts";
import { partsOf } from "../check/core-parts.ts";
import type { CarryVar, Core, CoreLoop, CoreOf, IndexVar, LoopVar } from "../check/core.ts";

/** What is bound by a comprehension, a reduction or a loop. */
export type Bound = IndexVar | CarryVar | LoopVar;

const nothing: ReadonlySet<Bound> = new Set();

/** Structure under one reading of `training`. */
export class Structure {
  private readonly training: boolean;
  private readonly frees = new Map<Core, ReadonlySet<Bound>>();
  private readonly turns = new Map<LoopVar, CoreOf<"iteration">>();
  private readonly dependent = new Map<Core | string, Map<Core, boolean>>();

  constructor(training: boolean) {
    this.training = training;
  }

  /** The branch of `training` that holds. */
  chosen(core: CoreOf<"training">): Core {
    return this.training ? core.then : core.otherwise;
  }

  /** The turn number of a loop as Core; one object per loop. */
  turn(loop: LoopVar, like: Core): CoreOf<"iteration"> {
    const known = this.turns.get(loop);
    if (known) return known;
    const made: CoreOf<"iteration"> = { kind: "iteration", loop, type: tensor("i32", []), span: like.span };
    this.turns.set(loop, made);
    return made;
  }

  /** The expressions that this one is made of directly; of a loop, those of its body too. */
  children(core: Core): readonly Core[] {
    if (core.kind === "training") return [this.chosen(core)];
    if (core.kind === "random") return [...core.args, ...(core.within ?? []).map((l) => this.turn(l, core))];
    return partsOf(core);
  }

  /** Every expression that the roots are made of, parts before wholes; `enter` says whether to look into one. */
  walk(roots: readonly Core[], enter: (core: Core) => boolean = () => true): readonly Core[] {
    const order: Core[] = [];
    const seen = new Set<Core>();
    const stack: { readonly core: Core; readonly children: readonly Core[]; next: number }[] = [];
    const open = (core: Core): void => {
      if (seen.has(core) || !enter(core)) return;
      seen.add(core);
      stack.push({ core, children: this.children(core), next: 0 });
    };
    for (const root of roots) {
      open(root);
      for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
        const child = frame.children[frame.next++];
        if (child) {
          open(child);
          continue;
        }
        stack.pop();
        order.push(frame.core);
      }
    }
    return order;
  }

  /** Index variables, carries and loop turns that the expression depends on and does not bind itself. */
  free(core: Core): ReadonlySet<Bound> {
    for (const part of this.walk([core], (c) => !this.frees.has(c))) this.frees.set(part, this.freeOf(part));
    return this.frees.get(core) ?? nothing;
  }

  /** True when the thing of that identity occurs in what the expression is made of. */
  depends(core: Core, on: Core | string): boolean {
    const known = this.dependent.get(on) ?? new Map<Core, boolean>();
    this.dependent.set(on, known);
    for (const part of this.walk([core], (c) => !known.has(c))) known.set(part, identity(part) === on || this.children(part).some((c) => known.get(c)));
    return known.get(core) ?? false;
  }

  private freeOf(core: Core): ReadonlySet<Bound> {
    if (core.kind === "index") return new Set([core.variable]);
    if (core.kind === "carry") return new Set([core.carry]);
    if (core.kind === "iteration") return new Set([core.loop]);
    const bound = boundBy(core);
    const sets = this.children(core).flatMap((c) => this.frees.get(c) ?? []).filter((s) => s.size > 0);
    const [first] = sets;
    if (!first) return nothing;
    if (bound.length === 0 && sets.every((s) => s === first)) return first;
    const all = new Set(sets.flatMap((s) => [...s]));
    for (const b of bound) all.delete(b);
    return all.size === 0 ? nothing : all;
  }

  /**
   * What the body of a loop takes from outside: the largest expressions in it that do not depend on what the loop or
   * anything inside it binds. An expression that a derivative inside the body is taken by, or that is replaced there, is
   * taken as it is, and what reads it is not, so that the derivative sees the path and the replacement every place.
   */
  taken(loop: CoreLoop, around: ReadonlySet<Bound>): readonly Core[] {
    const roots = loop.carries.map((c) => c.next);
    const outside = (core: Core): boolean => [...this.free(core)].every((b) => around.has(b));
    const inside = this.walk(roots, (core) => !outside(core));
    const wrts = new Set(inside.flatMap((c) => (c.kind === "derive" && outside(c.wrt) ? [identity(c.wrt)] : c.kind === "replace" ? c.pairs.map((p) => identity(p.from)) : [])));
    const reading = new Set<Core>();
    if (wrts.size > 0) {
      for (const c of this.walk(roots)) if (!wrts.has(identity(c)) && this.children(c).some((x) => wrts.has(identity(x)) || reading.has(x))) reading.add(c);
    }
    const found: Core[] = [];
    const takes = (core: Core): boolean => outside(core) && !reading.has(core);
    this.walk(roots, (core) => {
      if (!takes(core)) return true;
      if (!inPlace(core)) found.push(core);
      return false;
    });
    return [...new Set(found)];
  }

  /** What derivatives in these expressions are taken by. */
  wrts(roots: readonly Core[]): ReadonlySet<Core> {
    return new Set(this.walk(roots).flatMap((c) => (c.kind === "derive" ? [c.wrt] : [])));
  }
}

/** Mentions of one leaf are the same thing; anything else is itself. */
export function identity(core: Core): Core | string {
  return core.kind === "leaf" ? `${core.role} ${core.path}` : core;
}

function boundBy(core: Core): readonly Bound[] {
  if (core.kind === "comprehend" || core.kind === "fold") return core.indices;
  if (core.kind === "custom") return [core.incoming, core.out];
  if (core.kind === "loop") return [core.loop.variable, ...core.loop.carries.map((c) => c.variable)];
  return [];
}

/** Cheaper made again in a body than handed in. */
export function inPlace(core: Core): boolean {
  return core.kind === "number" || core.kind === "size" || core.kind === "index";
}
