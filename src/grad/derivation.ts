/**
 * What differentiation works with: where nodes are made, the derivative table, how origins are kept. Each node of a
 * gradient gets the places of the forward node it stems from, and says which rule made it, for which input.
 *
 *     const d = derivation(builder, table);
 *     d.note(adjoint, [node, g], "gradient of mul with respect to input 0")
 */
import type { Emit } from "../ir/emit.ts";
import type { Node, Origin } from "../ir/node.ts";
import type { OpTable } from "../ops/op.ts";
import type { Builder } from "../graph/builder.ts";
import { rebuild } from "../graph/walk.ts";

/** A value and the adjoint that enters there. */
export interface Seed {
  readonly node: Node;
  readonly adjoint: Node;
}

/** Reverse accumulation: the adjoints of `wrt`, none where zero. */
export type Sweep = (seeds: readonly Seed[], wrt: readonly Node[]) => ReadonlyMap<Node, Node>;

/** Where a derivative is made, and by which rules. */
export interface Derivation {
  readonly e: Emit;
  readonly table: OpTable;
  readonly originOf: (node: Node) => Origin | undefined;
  /** What `make` makes comes from `origin`. */
  readonly from: <T>(origin: Origin | undefined, make: () => T) => T;
  /** What `make` makes comes from where `of` comes from, for a reason. */
  readonly under: <T>(of: Node, reason: string, make: () => T) => T;
  /** Notes the same on a node already made and on what it was made of, down to the nodes `given` and their inputs. */
  readonly note: (node: Node, given: readonly [of: Node, ...more: readonly Node[]], reason: string) => void;
  /** Adds an origin to a node already made. */
  readonly stems: (node: Node, origin: Origin | undefined) => void;
  /** Names the adjoint of a value that the user named: `∂z`. */
  readonly call: (adjoint: Node, of: Node) => void;
  /** `value` with the keys of `by` replaced by its values, all at once; what is below them is not looked at. */
  readonly replace: (value: Node, by: ReadonlyMap<Node, Node>) => Node;
  /** A name that no leaf has: the language has no such names. */
  readonly fresh: () => string;
  /** What has been found of adjoints so far (see kept-where.ts): where choices keep them, and what stands behind the choices. */
  readonly kept: { readonly where: Map<Node, Node | undefined>; readonly behind: Map<Node, Node> };
}

/** A derivation that makes its nodes in `builder`. */
export function derivation(builder: Builder, table: OpTable): Derivation {
  let names = 0;
  const stemsFrom = (of: Node, reason: string): Origin => {
    const origin = builder.originOf(of);
    return { spans: origin?.spans ?? [], more: origin?.more ?? 0, reason };
  };
  return {
    e: builder,
    table,
    originOf: (node) => builder.originOf(node),
    from: (origin, make) => builder.withOrigin(origin, make),
    under: (of, reason, make) => builder.withOrigin(stemsFrom(of, reason), make),
    note: (node, given, reason) => {
      const origin = stemsFrom(given[0], reason);
      const seen = new Set<Node>([...given, ...given[0].inputs]);
      const open = [node];
      for (let at = open.pop(); at; at = open.pop()) {
        if (seen.has(at)) continue;
        seen.add(at);
        if (builder.originOf(at)) continue;
        builder.note(at, origin);
        open.push(...at.inputs);
      }
    },
    stems: (node, origin) => builder.note(node, origin),
    call: (adjoint, of) => {
      const { name, reason } = builder.originOf(of) ?? {};
      // What the user wrote keeps its own name, or none.
      if (name !== undefined && reason === undefined && builder.originOf(adjoint)?.reason !== undefined) builder.name(adjoint, { ...name, text: `∂${name.text}` });
    },
    replace: (value, by) => rebuild(builder, [value], undefined, { became: new Map(by), around: keepOrigins(builder) })[0] as Node,
    fresh: () => `adjoint ${names++}`,
    kept: { where: new Map(), behind: new Map() },
  };
}

/** For `rebuild` within one builder: what a node is made into has the node's origin. */
export function keepOrigins(builder: Builder): (node: Node, make: () => Node) => Node {
  return (node, make) => builder.withOrigin(builder.originOf(node), make);
}
