/**
 * The loop inside whose body an expression is lowered: what the body takes from outside, as slices that move with the
 * turn or as captures that stay. Values are kept per body, so what is written once is made once.
 *
 *     fold t in 0..T with h = … { cell(x[:, t], h) }      x[:, t] is slice 0 of the body
 */
import * as access from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { LeafKind, Node } from "../ir/node.ts";
import type { Core, CoreLoop, LoopVar } from "../check/core.ts";
import type { Value } from "./build-values.ts";

/** A loop body being made: its leaves and what they stand for outside. Leaves are numbered in order of first use. */
export class LoopFrame {
  readonly loop: CoreLoop;
  /** Values outside the body, by expression. */
  readonly outside: ReadonlyMap<Core, Value>;
  readonly slices: Node[] = [];
  readonly captures: Node[] = [];
  private readonly e: Emit;
  private readonly leaves = new Map<string, Node>();

  constructor(e: Emit, loop: CoreLoop, outside: ReadonlyMap<Core, Value>) {
    this.e = e;
    this.loop = loop;
    this.outside = outside;
  }

  /** The value inside the body, the same in every turn. */
  capture(value: Value): Value {
    const { node, vars } = value;
    if (node.op === "const") return value;
    return { node: this.leaf("capture", this.captures, node, node.type.shape), vars };
  }

  /**
   * The element (or part) of an outside tensor at a position that moves with the turn: `x[:, t]`, `x[T - 1 - t]`. Undefined when
   * that is not what the indices say, or when a turn would leave the tensor.
   */
  slice(value: Value, index: readonly (Value | undefined)[]): { readonly value: Value; readonly axis: number } | undefined {
    for (const [own, at] of index.entries()) {
      const axis = own + value.vars.length;
      const moving = at && this.moves(at);
      const extent = value.node.type.shape[axis];
      if (!moving || extent === undefined) continue;
      const { node, vars } = value;
      const shape = [this.loop.trip, ...node.type.shape.filter((_, a) => a !== axis)];
      const form = access.affine(moving.c, shape.map((_, a) => (a === 0 ? moving.k : 0)));
      const last = access.addAffine(access.constant(dims.sub(extent, 1), shape.length), access.scaleAffine(form, -1));
      if (!access.provenNonnegative(form, shape) || !access.provenNonnegative(last, shape)) continue;
      const coordinates = node.type.shape.map((_, a) => access.whole(a === axis ? form : access.unit(a < axis ? a + 1 : a, shape.length)));
      const sliced = this.e.view(node, { shape, index: coordinates, guards: [] });
      return { value: { node: this.leaf("slice", this.slices, sliced, shape.slice(1)), vars }, axis: own };
    }
    return undefined;
  }

  private moves(at: Value): { readonly c: dims.Dim; readonly k: number } | undefined {
    const { form } = at;
    const k = form?.terms.get(this.loop.variable);
    return form && k !== undefined && form.terms.size === 1 ? { c: form.c, k } : undefined;
  }

  private leaf(kind: LeafKind, list: Node[], node: Node, shape: readonly dims.Dim[]): Node {
    const key = `${kind} ${node.id}`;
    const known = this.leaves.get(key);
    if (known) return known;
    const made = this.e.leaf({ kind, path: String(list.push(node) - 1), type: { dtype: node.type.dtype, shape } });
    this.leaves.set(key, made);
    return made;
  }
}

/** The turn of the loop being made, as a value with its form. */
export function turnValue(e: Emit, loop: LoopVar): Value {
  return { node: e.leaf({ kind: "iteration", path: "0", type: { dtype: "i32", shape: [] } }), vars: [], form: { c: 0, terms: new Map([[loop, 1]]) } };
}
