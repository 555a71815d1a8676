/**
 * A kernel's statements with other value numbers and other parameter slots, so that several bodies fit into one kernel.
 *
 *     let v0 = p0 * 2     with values from 10, slots { 0 -> 3 }     ->     let v10 = p3 * 2
 */
import type { KernelStmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { ratios } from "../src/schedule/prices.ts";

/** How values and parameters are called elsewhere. */
export interface Renaming {
  /** Added to every value number but those of builtins. */
  readonly offset: number;
  /** What takes the place of a builtin. */
  readonly builtins: ReadonlyMap<number, Scalar>;
  readonly slot: (slot: number) => number;
  /** What takes the place of a scalar as a whole. */
  readonly whole?: (s: Scalar) => Scalar | undefined;
  /** What a workgroup array is called. */
  readonly array?: (name: string) => string;
}

/** The statements under other names. */
export function renumber(body: readonly KernelStmt[], by: Renaming): readonly KernelStmt[] {
  const done = new Map<Scalar, Scalar>();
  const scalar = (s: Scalar): Scalar => {
    if (s.kind === "constant") return s;
    if (s.kind === "param") return { ...s, slot: by.slot(s.slot) };
    if (s.kind === "ref") return s.id >= 0 ? { ...s, id: s.id + by.offset } : (by.builtins.get(s.id) ?? s);
    const known = done.get(s) ?? by.whole?.(s);
    if (known) return known;
    const made = { ...s, args: s.args.map(scalar) };
    done.set(s, made);
    return made;
  };
  const name = (array: string): string => by.array?.(array) ?? array;
  const stmt = (s: KernelStmt): KernelStmt => {
    switch (s.kind) {
      case "let":
        return { ...s, id: s.id + by.offset, value: scalar(s.value) };
      case "load":
        return { ...s, id: s.id + by.offset, index: scalar(s.index), ...(s.guard && { guard: scalar(s.guard) }) };
      case "store":
        return { ...s, index: scalar(s.index), value: scalar(s.value), ...(s.guard && { guard: scalar(s.guard) }) };
      case "load4": {
        const [x, y, z, w] = s.ids;
        return { ...s, ids: [x + by.offset, y + by.offset, z + by.offset, w + by.offset], index: scalar(s.index), ...(s.guard && { guard: scalar(s.guard) }) };
      }
      case "store4": {
        const [x, y, z, w] = s.values;
        return { ...s, index: scalar(s.index), values: [scalar(x), scalar(y), scalar(z), scalar(w)], ...(s.guard && { guard: scalar(s.guard) }) };
      }
      case "var":
        return { ...s, id: s.id + by.offset, init: scalar(s.init) };
      case "assign":
        return { ...s, id: s.id + by.offset, value: scalar(s.value) };
      case "for":
        return { ...s, id: s.id + by.offset, from: scalar(s.from), to: scalar(s.to), body: s.body.map(stmt) };
      case "if":
        return { ...s, condition: scalar(s.condition), body: s.body.map(stmt), ...(s.otherwise && { otherwise: s.otherwise.map(stmt) }) };
      case "barrier":
        return s;
      case "shared":
        return { ...s, name: name(s.name) };
      case "read_shared":
        return { ...s, id: s.id + by.offset, name: name(s.name), index: scalar(s.index) };
      case "read_shared4":
        return { ...s, ids: s.ids.map((id) => id + by.offset), name: name(s.name), index: scalar(s.index) };
      case "write_shared4":
        return { ...s, name: name(s.name), index: scalar(s.index), values: s.values.map(scalar) };
      case "write_shared":
        return { ...s, name: name(s.name), index: scalar(s.index), value: scalar(s.value) };
      case "array":
        return { ...s, id: s.id + by.offset, values: s.values.map(scalar) };
      case "element":
        return { ...s, id: s.id + by.offset, array: s.array + by.offset, index: scalar(s.index) };
    }
  };
  return body.map(stmt);
}

/** The largest value number that statements define, -1 for none. */
export function lastValue(body: readonly KernelStmt[]): number {
  return body.reduce((most, s) => {
    const own = "id" in s ? s.id : "ids" in s ? Math.max(...s.ids) : -1;
    const inner = s.kind === "for" ? lastValue(s.body) : s.kind === "if" ? Math.max(lastValue(s.body), lastValue(s.otherwise ?? [])) : -1;
    return Math.max(most, own, inner);
  }, -1);
}

/** Statements in all, and those that touch memory. */
export function measure(body: readonly KernelStmt[]): { readonly statements: number; readonly accesses: number } {
  let statements = 0;
  let accesses = 0;
  for (const s of body) {
    statements++;
    if (s.kind === "load" || s.kind === "store") accesses++;
    else if (s.kind === "load4" || s.kind === "store4") accesses += ratios.wide;
    for (const inner of s.kind === "for" ? [s.body] : s.kind === "if" ? [s.body, s.otherwise ?? []] : []) {
      const m = measure(inner);
      statements += m.statements;
      accesses += m.accesses;
    }
  }
  return { statements, accesses };
}
