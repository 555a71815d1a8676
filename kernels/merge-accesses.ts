/**
 * Makes one access of four neighbours out of four accesses. Comes in: the statements of a kernel. Goes out: the same, where loads (or
 * stores) of elements 4q, 4q + 1, 4q + 2 and 4q + 3 of one buffer are one statement on quad q.
 *
 *     v1 = a[4·i]; v2 = a[4·i + 1]; v3 = a[4·i + 2]; v4 = a[4·i + 3]     ->     v1, v2, v3, v4 = a[quad i]
 *
 * That an index is four times something is read off it: a sum of multiples of four of values of whatever kind. The loads of a quad
 * happen where the first of them stood, its stores where the last did, so nothing that may touch the same elements may stand between.
 */
import type { Buffer, Four, KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { keyOf } from "../src/schedule/index-form.ts";
import { int, plus, times } from "./arithmetic.ts";
import { termsOf } from "./index-terms.ts";

type Load = Extract<KernelStmt, { kind: "load" }>;
type Store = Extract<KernelStmt, { kind: "store" }>;

/** An element as one of four neighbours. */
interface Place {
  /** Equal for indices that differ by constants. */
  readonly terms: string;
  /** The number of the quad. */
  readonly quad: Scalar;
  readonly key: string;
  readonly lane: 0 | 1 | 2 | 3;
}

/** Accesses of one quad that have been met. */
interface Open<S> {
  readonly buffer: Buffer;
  readonly place: Place;
  readonly at: Map<number, { readonly stmt: S; readonly position: number }>;
}

/** The statements with as few accesses as quads allow. */
export function mergeAccesses(body: readonly KernelStmt[]): readonly KernelStmt[] {
  return new Merger().block(body);
}

class Merger {
  /** Integers with a name that no variable changes. */
  private readonly named = new Map<number, Scalar>();
  private readonly variables = new Set<number>();

  block(body: readonly KernelStmt[]): readonly KernelStmt[] {
    const replaced = new Map<number, readonly KernelStmt[]>();
    let loads = new Map<string, Open<Load>>();
    let stores = new Map<string, Open<Store>>();
    const forget = (): void => {
      loads = new Map();
      stores = new Map();
    };
    body.forEach((s, position) => {
      switch (s.kind) {
        case "let":
          if (s.value.dtype === "i32" && this.isFixed(s.value)) this.named.set(s.id, s.value);
          return;
        case "var":
          this.variables.add(s.id);
          return;
        case "assign":
          // A value that is stored may be a variable's.
          stores = new Map();
          return;
        case "load": {
          drop(stores, (o) => o.buffer === s.buffer);
          const open = this.found(loads, s, s.guard, position);
          if (!open) return;
          const four = complete(open);
          if (!four) return;
          const first = Math.min(...four.map((m) => m.position));
          for (const m of four) replaced.set(m.position, []);
          const ids = four.map((m) => m.stmt.id) as unknown as Four<number>;
          replaced.set(first, [{ kind: "load4", ids, buffer: s.buffer, index: open.place.quad, ...(s.guard && { guard: s.guard }) }]);
          return;
        }
        case "store": {
          drop(loads, (o) => o.buffer === s.buffer);
          const open = this.found(stores, s, s.guard, position);
          // Another store to the same buffer may be to the same element: those that are open keep their order with it.
          drop(stores, (o) => o.buffer === s.buffer && o.place.terms !== open?.place.terms);
          const four = open && complete(open);
          if (!four) return;
          for (const m of four) replaced.set(m.position, []);
          const values = four.map((m) => m.stmt.value) as unknown as Four<Scalar>;
          replaced.set(position, [{ kind: "store4", buffer: s.buffer, index: open.place.quad, values, ...(s.guard && { guard: s.guard }) }]);
          return;
        }
        case "for":
          replaced.set(position, [{ ...s, body: this.block(s.body) }]);
          forget();
          return;
        case "if":
          replaced.set(position, [{ ...s, body: this.block(s.body), ...(s.otherwise && { otherwise: this.block(s.otherwise) }) }]);
          forget();
          return;
        case "barrier":
          forget();
      }
    });
    return body.flatMap((s, position) => replaced.get(position) ?? [s]);
  }

  /** The accesses of the quad that an access is of, it among them; undefined where it is of none, or seen already. */
  private found<S extends Load | Store>(open: Map<string, Open<S>>, stmt: S, guard: Scalar | undefined, position: number): Open<S> | undefined {
    const place = this.place(stmt.index);
    if (!place || (guard && !this.isFixed(guard))) return undefined;
    const key = `${stmt.buffer.id} ${place.key} ${guard ? keyOf(guard) : ""}`;
    let quad = open.get(key);
    // A second access of an element begins anew.
    if (!quad || quad.at.has(place.lane)) {
      quad = { buffer: stmt.buffer, place, at: new Map() };
      open.set(key, quad);
    }
    quad.at.set(place.lane, { stmt, position });
    if (quad.at.size === 4) open.delete(key);
    return quad;
  }

  /** Where an index lies, if all but a constant of it is a multiple of four. */
  private place(index: Scalar): Place | undefined {
    const sum = new Map<string, { readonly value: Scalar; times: number }>();
    let constant = 0;
    const add = (s: Scalar, by: number): boolean => {
      const form = termsOf(s);
      constant += by * form.constant;
      return form.terms.every((t) => {
        const factor = by * t.times;
        const known = t.value.kind === "ref" ? this.named.get(t.value.id) : undefined;
        if (known && factor % 4 !== 0) return add(known, factor);
        if (!this.isFixed(t.value)) return false;
        const key = keyOf(t.value);
        const before = sum.get(key);
        sum.set(key, { value: t.value, times: (before?.times ?? 0) + factor });
        return true;
      });
    };
    if (!add(index, 1)) return undefined;
    const terms = [...sum].filter(([, t]) => t.times !== 0).sort(([x], [y]) => (x < y ? -1 : 1));
    if (terms.some(([, t]) => t.times % 4 !== 0)) return undefined;
    const number = Math.floor(constant / 4);
    const quad = plus(terms.reduce<Scalar>((s, [, t]) => plus(s, times(t.value, int(t.times / 4))), int(0)), int(number));
    const text = terms.map(([key, t]) => `${t.times}*${key}`).join("+");
    return { terms: text, quad, key: `${text}+${number}`, lane: (constant - 4 * number) as Place["lane"] };
  }

  /** True unless the value refers to variables, which change. */
  private isFixed(s: Scalar): boolean {
    if (s.kind === "ref") return !this.variables.has(s.id);
    return (s.kind !== "op" && s.kind !== "call") || s.args.every((a) => this.isFixed(a));
  }
}

/** The four accesses in the order of their elements, once all are there. */
function complete<S>(open: Open<S>): readonly { readonly stmt: S; readonly position: number }[] | undefined {
  return open.at.size < 4 ? undefined : [...open.at].sort(([x], [y]) => x - y).map(([, access]) => access);
}

function drop<S>(open: Map<string, Open<S>>, which: (o: Open<S>) => boolean): void {
  for (const [key, o] of open) if (which(o)) open.delete(key);
}
