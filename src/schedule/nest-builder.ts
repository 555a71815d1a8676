/**
 * Writes the body of one nest. Values are asked for in any order; each statement lands in the outermost scope that
 * knows all it needs, so loop-invariant work leaves the loops and repeated work is done once.
 *
 *     scope 0: the parallel axes      max over c -> v3          lands here
 *     scope 1: each c                 exp(x[b, c] - v3)         lands here
 *
 * Stores end their scope: whatever an iteration reads, it reads before it writes.
 */
import type { Axis, Buffer, Monoid, ParamSlot, ParamSource, Stmt } from "../ir/kernel.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { ref } from "../ir/scalar.ts";
import type { Scalar } from "../ir/scalar.ts";
import type { DType } from "../ir/types.ts";
import { addIndex, atom, fixed, keyOf, scaleIndex } from "./index-form.ts";
import type { Index } from "./index-form.ts";

interface Scope {
  readonly stmts: Stmt[];
  readonly stores: Stmt[];
  readonly memo: Map<string, unknown>;
}

/** What a fold's body yields for one iteration. */
export interface Folded {
  readonly value: Scalar;
  readonly mask?: Scalar;
}

/** A position that an index is the quotient or the remainder of. */
export interface Part {
  readonly of: Index;
  readonly by: number;
  readonly which: "quotient" | "remainder";
}

export class NestBuilder {
  readonly params: ParamSlot[] = [];
  /** Positions taken apart, by the key of what came of it. */
  readonly parts = new Map<string, Part>();
  private readonly capacity: dims.Bindings;
  private readonly slots = new Map<string, number>();
  /** The scope (by depth) in which each value is known. */
  private readonly depths = new Map<number, number>();
  private scopes: Scope[] = [{ stmts: [], stores: [], memo: new Map() }];
  private nextId = 0;

  constructor(capacity: dims.Bindings) {
    this.capacity = capacity;
  }

  /** The statements of the outermost scope, once all is asked for. */
  body(): readonly Stmt[] {
    const [outer] = this.scopes;
    return outer ? [...outer.stmts, ...outer.stores] : [];
  }

  /** Elements of a dimension at capacity. */
  atCapacity(d: Dim): number {
    return dims.evaluate(d, this.capacity);
  }

  /** A parallel axis, known from the start. */
  parallel(name: string, extent: Dim): Axis {
    return this.axis(name, extent, 0);
  }

  /** The axis as an index; an axis of one element is 0. */
  indexOf(axis: Axis): Index {
    return axis.extent === 1 ? fixed(0) : atom(ref(axis.id, "i32"), 0, axis.capacity - 1);
  }

  param(source: ParamSource, dtype: DType): Scalar {
    const key = source.kind === "size" ? `size ${dims.print(source.dim)}` : `${dtype} ${JSON.stringify(source)}`;
    const known = this.slots.get(key);
    const slot = known ?? this.params.length;
    if (known === undefined) {
      this.slots.set(key, slot);
      this.params.push({ dtype, source });
    }
    return { kind: "param", dtype, slot };
  }

  /** The live value of a dimension. */
  size(d: Dim): Index {
    if (typeof d === "number") return fixed(d);
    return d.terms.reduce<Index>((sum, t) => {
      if (t.symbols.length === 0) return addIndex(sum, fixed(t.coefficient));
      const dim: Dim = { terms: [{ coefficient: 1, symbols: t.symbols }] };
      const size = atom(this.param({ kind: "size", dim }, "i32"), 0, this.atCapacity(dim));
      return addIndex(sum, scaleIndex(size, t.coefficient));
    }, fixed(0));
  }

  /** Gives a value a name in the outermost scope that can compute it; equal values share one. */
  bind(value: Scalar): Scalar {
    if (value.kind !== "op" && value.kind !== "call") return value;
    const depth = this.depthOf(value);
    return this.remember(`let ${keyOf(value)}`, depth, () => {
      const id = this.fresh(depth);
      this.scope(depth).stmts.push({ kind: "let", id, value });
      return ref(id, value.dtype);
    });
  }

  load(buffer: Buffer, index: Scalar, guard: Scalar | undefined): Scalar {
    const depth = Math.max(this.depthOf(index), guard ? this.depthOf(guard) : 0);
    return this.remember(`load ${buffer.id} ${keyOf(index)} ${guard ? keyOf(guard) : ""}`, depth, () => {
      const id = this.fresh(depth);
      this.scope(depth).stmts.push({ kind: "load", id, buffer, index, ...(guard ? { guard } : {}) });
      return ref(id, buffer.dtype);
    });
  }

  store(buffer: Buffer, index: Scalar, value: Scalar): void {
    const scope = this.scopes.at(-1);
    scope?.stores.push({ kind: "store", buffer, index, value });
  }

  /** The value kept under `key` in a scope that is still open, else what `make` gives, kept at `depth`. */
  remember<T>(key: string, depth: number, make: () => T): T {
    const known = this.recall<T>(key);
    if (known !== undefined) return known;
    const value = make();
    this.keep(key, depth, value);
    return value;
  }

  keep(key: string, depth: number, value: unknown): void {
    this.scope(depth).memo.set(key, value);
  }

  recall<T>(key: string): T | undefined {
    for (let d = this.scopes.length - 1; d >= 0; d--) {
      const value = this.scopes[d]?.memo.get(key);
      // A key determines the type of what is kept under it.
      if (value !== undefined) return value as T;
    }
    return undefined;
  }

  /**
   * A fold over axes, placed at `depth`, where all that its body takes from outside is known.
   * Returns the results: one ref, two for argmax (value, index). `below`: where the loops end before their extents.
   */
  fold(monoid: Monoid, dtype: DType, extents: readonly Dim[], depth: number, body: (index: readonly Index[]) => Folded, below?: Scalar): readonly Scalar[] {
    const outer = this.scopes;
    const inner: Scope = { stmts: [], stores: [], memo: new Map() };
    this.scopes = [...outer.slice(0, depth + 1), inner];
    const axes = extents.map((d, i): Axis => ({ ...this.axis(`r${i}`, d, depth + 1), ...(below && { below }) }));
    const { value, mask } = body(axes.map((a) => this.indexOf(a)));
    this.scopes = outer;
    const results = [ref(this.fresh(depth), dtype), ...(monoid === "argmax" ? [ref(this.fresh(depth), "i32")] : [])];
    const ids = results.flatMap((r) => (r.kind === "ref" ? [r.id] : []));
    this.scope(depth).stmts.push({ kind: "fold", axes, monoid, body: inner.stmts, value, results: ids, ...(mask ? { mask } : {}) });
    return results;
  }

  /** The number of the innermost scope. */
  get depth(): number {
    return this.scopes.length - 1;
  }

  /** Runs `body` once per index of a new axis in the current scope. */
  each(name: string, extent: Dim, body: (index: Index) => void): void {
    this.repeat(name, extent, body, {});
  }

  /** The same one index after the other, so that a turn may read what earlier ones stored. */
  turns(name: string, extent: Dim, body: (index: Index) => void): void {
    this.repeat(name, extent, body, { turns: true });
  }

  private repeat(name: string, extent: Dim, body: (index: Index) => void, how: { readonly turns?: true }): void {
    const outer = this.scopes;
    const inner: Scope = { stmts: [], stores: [], memo: new Map() };
    this.scopes = [...outer, inner];
    const axis = this.axis(name, extent, outer.length);
    body(this.indexOf(axis));
    this.scopes = outer;
    outer.at(-1)?.stores.push({ kind: "each", axis, body: [...inner.stmts, ...inner.stores], ...how });
  }

  /** The depth of the deepest value a scalar refers to. */
  depthOf(s: Scalar): number {
    switch (s.kind) {
      case "ref":
        return this.depths.get(s.id) ?? 0;
      case "op":
      case "call":
        return s.args.reduce((d, a) => Math.max(d, this.depthOf(a)), 0);
      default:
        return 0;
    }
  }

  private axis(name: string, extent: Dim, depth: number): Axis {
    return { id: this.fresh(depth), name, extent, capacity: this.atCapacity(extent) };
  }

  private fresh(depth: number): number {
    this.depths.set(this.nextId, depth);
    return this.nextId++;
  }

  private scope(depth: number): Scope {
    return this.scopes[depth] ?? (this.scopes[0] as Scope);
  }
}
