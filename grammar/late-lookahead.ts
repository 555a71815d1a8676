/**
 * How the parser looks ahead: as Chevrotain's LL(k) does, each choice's table made when a text first comes to that choice. Comes in:
 * the choices of the grammar. Goes out: for each a function that decides it. A program meets a part of them, and all tables together
 * take longer to make than a program takes to read.
 *
 *     new DlParser()                     no table yet
 *     parser.declaration()               that of `declaration`, and of what stands in this one
 */
import { LLkLookaheadStrategy } from "chevrotain";

type Strategy = InstanceType<typeof LLkLookaheadStrategy>;
type Alternation = Parameters<Strategy["buildLookaheadForAlternation"]>[0];
type Optional = Parameters<Strategy["buildLookaheadForOptional"]>[0];
type Choose = ReturnType<Strategy["buildLookaheadForAlternation"]>;

/** Chevrotain's lookahead, made choice by choice. What decides a choice is called with the parser as `this`. */
export class LateLookahead extends LLkLookaheadStrategy {
  private readonly open = new Set<() => void>();

  override buildLookaheadForAlternation(choice: Alternation): Choose {
    const make = this.once(() => super.buildLookaheadForAlternation(choice));
    return function (this: unknown, alternatives) {
      return make().call(this, alternatives);
    };
  }

  override buildLookaheadForOptional(choice: Optional): () => boolean {
    const make = this.once(() => super.buildLookaheadForOptional(choice));
    return function (this: unknown) {
      return make().call(this);
    };
  }

  /** Makes all tables that are not made yet. Making one takes stack, which a deep text has none left for where it meets the choice. */
  complete(): void {
    for (const make of this.open) make();
  }

  private once<V>(make: () => V): () => V {
    let made: V | undefined;
    const get = (): V => {
      if (made === undefined) this.open.delete(get);
      made ??= make();
      return made;
    };
    this.open.add(get);
    return get;
  }
}
