/**
 * What conditions say about whole numbers. In: the conditions that hold where an access stands (`where` of a reduction,
 * the arms of `cases`). Out: proofs that a number is not negative there.
 *
 *     y[n] >= 0                        y[n] is not negative
 *     j <= i,  i in 0..8               7 - j is not negative
 *     y[n] != -1,  y: i32 in -1..4     y[n] is not negative
 *
 * A number is written as c + Σ k · atom, where an atom is an index variable or any other expression, equal to itself
 * wherever it is written. Names of tensors are looked through: with `kept[n] = y[n] >= 0`, `kept[m]` says y[m] >= 0.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Relation } from "../ir/node.ts";
import { floorDivide, larger, provablyNonnegative, type Ranges } from "./bounds.ts";
import type { Core, CoreOf, IndexVar } from "./core.ts";

/** A condition that holds, or one that does not. */
export interface Guard {
  readonly condition: Core;
  readonly holds: boolean;
}

/** What index variables stand for, where a tensor is looked through. */
interface Names {
  readonly id: number;
  readonly of: ReadonlyMap<IndexVar, Written>;
}

/** An expression and the names around it. */
interface Written {
  readonly core: Core;
  readonly names: Names | undefined;
}

/** c + Σ k · atom. */
export interface Linear {
  readonly constant: Dim;
  readonly terms: ReadonlyMap<string, { readonly k: number; readonly core: Core }>;
}

/** How deep expressions are looked into: what lies deeper is one atom. */
const depthLimit = 40;
/** Conditions are joined two by two while they are no more than this. */
const pairLimit = 24;

/** The conditions around an access, ready to be asked. */
export class Facts {
  private readonly guards: readonly Guard[];
  private readonly ranges: Ranges;
  private readonly ids = new Map<object | string, number>();
  /** What was found for an expression under these names: expressions are shared, so each is looked at once. */
  private readonly forms = new Map<Names | undefined, Map<Core, Linear>>();
  private readonly keys = new Map<Names | undefined, Map<Core, string>>();
  private readonly nonnegatives: Linear[] = [];
  private readonly nonzeros: Linear[] = [];
  private contradiction = false;
  private read = false;

  constructor(guards: readonly Guard[], ranges: Ranges) {
    this.guards = guards;
    this.ranges = ranges;
  }

  /** Takes the conditions apart, once they are needed: most accesses are inside by their ranges. */
  private known(): readonly Linear[] {
    if (this.read) return this.nonnegatives;
    this.read = true;
    for (const { condition, holds } of this.guards) this.note({ core: condition, names: undefined }, holds);
    for (const f of this.nonzeros) {
      // Where f is at least 0 and not 0, it is at least 1.
      for (const g of [f, scale(f, -1)]) if (this.byRanges(g)) this.nonnegatives.push(shift(g, -1));
    }
    return this.nonnegatives;
  }

  /** The expression as a linear form. */
  linear(core: Core): Linear {
    return this.form({ core, names: undefined }, depthLimit);
  }

  /** True when the form is proven to be 0 or more, by ranges alone or with one or two of the conditions. */
  nonnegative(f: Linear): boolean {
    if (this.byRanges(f)) return true;
    const facts = this.known();
    for (const g of facts) {
      const rest = minus(f, g);
      if (this.byRanges(rest) || (facts.length <= pairLimit && facts.some((h) => this.byRanges(minus(rest, h))))) return true;
    }
    return false;
  }

  /** True when no values satisfy the conditions. */
  get impossible(): boolean {
    const facts = this.known();
    return this.contradiction || (facts.length <= pairLimit && facts.some((g) => this.nonnegative(shift(scale(g, -1), -1))));
  }

  /** True by the ranges of its atoms. */
  byRanges(f: Linear): boolean {
    const least = this.least(f);
    return least !== undefined && provablyNonnegative(least);
  }

  /** The best lower bound that the ranges, or they and one condition, give. */
  atLeast(f: Linear): Dim | undefined {
    return this.known().map((g) => this.least(minus(f, g))).reduce((best, d) => (best === undefined || d === undefined ? (best ?? d) : (larger(best, d) ?? best)), this.least(f));
  }

  private least(f: Linear): Dim | undefined {
    let total: Dim | undefined = f.constant;
    for (const { k, core } of f.terms.values()) {
      const { lo, hi } = this.ranges.of(core);
      const end = k > 0 ? lo : hi;
      total = total === undefined || end === undefined ? undefined : dims.add(total, dims.scale(end, k));
    }
    return total;
  }

  /** Takes a condition apart; `a and b` holds in both parts, `a or b` fails in both. */
  private note(root: Written, holds: boolean): void {
    const open: { readonly written: Written; readonly holds: boolean }[] = [{ written: root, holds }];
    for (let at = open.pop(); at; at = open.pop()) {
      const { core, names } = this.through(at.written);
      if (core.kind === "number") this.contradiction ||= (core.value !== 0) !== at.holds;
      if (core.kind === "cast" && core.arg.type.dtype === "bool" && core.to === "bool") open.push({ written: { core: core.arg, names }, holds: at.holds });
      if (core.kind !== "apply") continue;
      if (core.op === "not") for (const a of core.args) open.push({ written: { core: a, names }, holds: !at.holds });
      if ((core.op === "and" && at.holds) || (core.op === "or" && !at.holds)) for (const a of core.args) open.push({ written: { core: a, names }, holds: at.holds });
      if (typeof core.op === "object" && core.args.every((a) => a.type.dtype === "i32" || a.type.dtype === "u32")) this.compare(core, core.op.compare, names, at.holds);
    }
  }

  private compare(core: CoreOf<"apply">, relation: Relation, names: Names | undefined, holds: boolean): void {
    const [a, b] = core.args.map((arg) => this.form({ core: arg, names }, depthLimit));
    if (!a || !b) return;
    const [up, down] = [minus(a, b), minus(b, a)];
    switch (holds ? relation : opposite[relation]) {
      case ">=":
        this.nonnegatives.push(tightened(up));
        return;
      case ">":
        this.nonnegatives.push(tightened(shift(up, -1)));
        return;
      case "<=":
        this.nonnegatives.push(tightened(down));
        return;
      case "<":
        this.nonnegatives.push(tightened(shift(down, -1)));
        return;
      case "==":
        this.nonnegatives.push(tightened(up), tightened(down));
        return;
      case "!=":
        this.nonzeros.push(up);
        return;
    }
  }

  /** The expression behind names, marks of index variables, and tensors that are defined element by element. */
  private through(written: Written): Written {
    let { core, names } = written;
    for (let depth = 0; depth < depthLimit; depth++) {
      if (core.kind === "binding") core = core.value;
      else if (core.kind === "index") {
        const known: Written | undefined = names?.of.get(core.variable);
        if (!known) return { core, names };
        ({ core, names } = known);
      } else if (core.kind === "at") {
        let base = core.base;
        while (base.kind === "binding") base = base.value;
        if (base.kind !== "comprehend" || core.outside) return { core, names };
        const around = names;
        const index = core.index;
        names = { id: this.ids.size + 1, of: new Map(base.indices.map((v, a) => [v, { core: index[a] as Core, names: around }])) };
        this.ids.set(names, names.id);
        core = base.body;
      } else return { core, names };
    }
    return { core, names };
  }

  private form(written: Written, depth: number): Linear {
    return remembered(this.forms, written, () => this.formOf(this.through(written), depth));
  }

  private formOf({ core, names }: Written, depth: number): Linear {
    const part = (c: Core): Linear => this.form({ core: c, names }, depth - 1);
    if (core.kind === "number" && Number.isInteger(core.value)) return { constant: core.value, terms: new Map() };
    if (core.kind === "size") return { constant: core.dim, terms: new Map() };
    if (depth > 0 && core.kind === "cast" && core.arg.type.dtype !== "f32" && core.to === "i32") return part(core.arg);
    if (depth > 0 && core.kind === "apply") {
      const [x, y] = core.args as readonly [Core, Core?];
      if (core.op === "neg") return scale(part(x), -1);
      if (core.op === "add" && y) return minus(part(x), scale(part(y), -1));
      if (core.op === "sub" && y) return minus(part(x), part(y));
      if (core.op === "mul" && y) {
        const [a, b] = [part(x), part(y)];
        for (const [k, f] of [[a, b], [b, a]] as const) if (k.terms.size === 0 && typeof k.constant === "number") return scale(f, k.constant);
      }
    }
    return { constant: 0, terms: new Map([[this.key({ core, names }, depth), { k: 1, core }]]) };
  }

  /** Equal keys are equal values; each names its parts by number, so none is long. */
  private key(written: Written, depth: number): string {
    return remembered(this.keys, written, () => String(this.id(this.structure(this.through(written), depth))));
  }

  private structure({ core, names }: Written, depth: number): string {
    const part = (c: Core): string => this.key({ core: c, names }, depth - 1);
    const own = (): string => `#${this.id(core)}${names ? `@${names.id}` : ""}`;
    if (depth <= 0) return own();
    switch (core.kind) {
      case "number":
        return `${core.value}:${core.type.dtype}`;
      case "size":
        return dims.print(core.dim);
      case "index":
        return `i${this.id(core.variable)}`;
      case "iteration":
        return `t${this.id(core.loop)}`;
      case "leaf":
        return `${core.role} ${core.path}`;
      case "apply":
        return `${typeof core.op === "object" ? core.op.compare : core.op}(${core.args.map(part).join(",")})`;
      case "cast":
        return `${core.to}(${part(core.arg)})`;
      case "at":
        return `${part(core.base)}[${core.index.map(part).join(",")}]${core.outside ?? ""}`;
      default:
        return own();
    }
  }

  private id(thing: object | string): number {
    const known = this.ids.get(thing);
    if (known !== undefined) return known;
    this.ids.set(thing, this.ids.size + 1);
    return this.ids.size;
  }
}

/** What `find` gives, the first time it is asked for this expression. */
function remembered<T>(known: Map<Names | undefined, Map<Core, T>>, { core, names }: Written, find: () => T): T {
  const here = known.get(names) ?? new Map<Core, T>();
  known.set(names, here);
  const before = here.get(core);
  if (before !== undefined) return before;
  const found = find();
  here.set(core, found);
  return found;
}

const opposite: Readonly<Record<Relation, Relation>> = { "==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<=" };

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** What f >= 0 says of whole numbers: 2x - 3 >= 0 is x - 2 >= 0. */
function tightened(f: Linear): Linear {
  const common = [...f.terms.values()].reduce((d, t) => gcd(d, t.k), 0);
  const constant = common > 1 ? floorDivide(f.constant, common) : undefined;
  return constant === undefined ? f : { constant, terms: new Map([...f.terms].map(([key, t]) => [key, { ...t, k: t.k / common }])) };
}

/** f + c. */
export function shift(f: Linear, by: Dim): Linear {
  return { constant: dims.add(f.constant, by), terms: f.terms };
}

/** k · f. */
export function scale(f: Linear, by: number): Linear {
  return { constant: dims.scale(f.constant, by), terms: by === 0 ? new Map() : new Map([...f.terms].map(([key, t]) => [key, { ...t, k: t.k * by }])) };
}

/** f - g. */
export function minus(f: Linear, g: Linear): Linear {
  const terms = new Map(f.terms);
  for (const [key, t] of g.terms) {
    const k = (terms.get(key)?.k ?? 0) - t.k;
    if (k === 0) terms.delete(key);
    else terms.set(key, { ...t, k });
  }
  return { constant: dims.sub(f.constant, g.constant), terms };
}
