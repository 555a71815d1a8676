/**
 * What every kernel family needs while it binds a nest: fresh value numbers, the nest's parameters and those for live
 * sizes, and renaming of the nest's values to the kernel's. A scope maps values of the nest to kernel scalars; tiles use
 * several scopes for one nest.
 *
 *     const b = new KernelBuilder(nest.params);
 *     const scope = new Scope(); scope.set(axis.id, index);
 *     b.substitute(op("mul", "i32", [ref(axis.id, "i32"), int(64)]), scope)
 */
import * as dims from "../src/ir/dims.ts";
import type { Dim } from "../src/ir/dims.ts";
import type { Buffer, KernelStmt, ParamSlot, Profile } from "../src/ir/kernel.ts";
import { op, ref } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import type { DType } from "../src/ir/types.ts";
import { InternalError } from "../src/support/diagnostic.ts";
import { keyOf } from "../src/schedule/index-form.ts";
import { type Prices, prices, ratios } from "../src/schedule/prices.ts";
import { int, least, minus, over, plus, rest, times } from "./arithmetic.ts";

/** A value that is `of` divided by a number, or what that leaves. */
interface Part {
  readonly of: Scalar;
  readonly by: number;
  readonly which: "div" | "mod";
}

/** Values of the nest as kernel scalars. */
export type Scope = Map<number, Scalar>;

/** Arithmetic of known integers, done. */
function folded(s: Scalar): Scalar {
  const [a, b] = s.kind === "op" && s.dtype === "i32" ? s.args : [];
  if (s.kind !== "op" || !a || !b || (a.kind !== "constant" && b.kind !== "constant")) return s;
  const known = { add: plus, sub: minus, mul: times, min: least } as const;
  const isKnown = (name: string): name is keyof typeof known => name in known;
  if (isKnown(s.op)) return known[s.op](a, b);
  // Quotients of what may be negative are left to the device.
  if ((s.op !== "div" && s.op !== "mod") || a.kind !== "constant" || a.value < 0) return s;
  return s.op === "div" ? over(a, b) : rest(a, b);
}

/** How a kernel is written. */
export interface BuilderOptions {
  readonly vector?: boolean;
  readonly bounded?: boolean;
  readonly joint?: boolean;
  readonly onePass?: boolean;
  readonly steady?: boolean;
  readonly ranges?: boolean;
  /** The invocations, and for whom: what more text is weighed by. */
  readonly work?: { readonly invocations: number; readonly profile: Pick<Profile, "name"> };
}

/** Writes the statements of one kernel. */
export class KernelBuilder {
  readonly params: ParamSlot[];
  /** Four neighbours may be one access. */
  readonly vector: boolean;
  /** Loops end where their conditions hold no more. */
  readonly bounded: boolean;
  /** Folds over the same elements share a loop. */
  readonly joint: boolean;
  /** Folds that are shifted by others share their loop. */
  readonly onePass: boolean;
  private nextId = 0;
  private readonly variables = new Set<number>();
  /** Values that have a name, by the block that holds them. */
  private readonly named = new WeakMap<readonly KernelStmt[], Map<string, Scalar>>();
  /** What was loaded, by the block that loads it, and how much stood in the block then. */
  private readonly read = new WeakMap<readonly KernelStmt[], Map<string, { readonly value: Scalar; readonly at: number }>>();
  /** Quotients and remainders of positions, by value number. */
  private readonly parts = new Map<number, Part>();

  /** Nothing that the kernel reads is written by it, so that what was read stays true. */
  private readonly steady: boolean;
  /** A remainder by a power of two is one, not what a quotient leaves: from it a compiler knows the range of an index, which it then need not bound. */
  private readonly ranges: boolean;
  /** How often the device goes through what is written now, its groups of lanes one after the other; without it more text is always worth it. */
  private rounds: number | undefined;
  private readonly price: Prices | undefined;

  constructor(params: readonly ParamSlot[], { vector = false, bounded = false, joint = false, onePass = false, steady = false, ranges = false, work }: BuilderOptions = {}) {
    this.params = [...params];
    this.vector = vector;
    this.bounded = bounded;
    this.joint = joint;
    this.onePass = onePass;
    this.steady = steady;
    this.ranges = ranges;
    this.price = work && prices[work.profile.name];
    this.rounds = work && this.price && Math.max(1, work.invocations / (this.price.lanes * this.price.groups));
  }

  /** Writes what is in a loop of so many turns. */
  repeated(turns: number, write: () => void): void {
    const { rounds } = this;
    if (rounds !== undefined) this.rounds = rounds * turns;
    write();
    this.rounds = rounds;
  }

  /** True where turns of a loop and accesses that are saved, each time, outweigh so much more text to build. */
  isWorthText(saved: { readonly turns: number; readonly accesses: number }, more: { readonly accesses: number; readonly operations: number }): boolean {
    const { price, rounds } = this;
    if (!price || rounds === undefined) return true;
    const { turn, latency, access, buildAccess, buildOperation } = price;
    return rounds * (saved.turns * (turn + latency) + saved.accesses * access) >= (more.accesses * buildAccess[0] + more.operations * buildOperation[0]) / ratios.runs;
  }

  fresh(): number {
    return this.nextId++;
  }

  /** The live value of a dimension: a constant, or a parameter of its own. */
  size(d: Dim): Scalar {
    if (typeof d === "number") return int(d);
    const known = this.params.findIndex((p) => p.source.kind === "size" && dims.equal(p.source.dim, d));
    const slot = known >= 0 ? known : this.params.push({ dtype: "i32", source: { kind: "size", dim: d } }) - 1;
    return { kind: "param", dtype: "i32", slot };
  }

  /** Names a value, once in a block; refs, constants and parameters stay as they are. */
  let(out: KernelStmt[], value: Scalar): Scalar {
    if (value.kind !== "op" && value.kind !== "call") return value;
    const key = this.isFixed(value) ? keyOf(value) : undefined;
    const block = this.named.get(out) ?? new Map<string, Scalar>();
    this.named.set(out, block);
    const known = key === undefined ? undefined : block.get(key);
    if (known) return known;
    const [of, by] = value.kind === "op" && value.dtype === "i32" && (value.op === "div" || value.op === "mod") ? value.args : [];
    // Quotient and remainder cost one division: x mod c = x - (x / c)·c.
    const isPlain = this.ranges && by?.kind === "constant" && Math.log2(by.value) % 1 === 0;
    const remainder = !isPlain && of && by && value.kind === "op" && value.op === "mod" && this.isFixed(value) && by.kind !== "op" && by.kind !== "call";
    const whole = remainder ? this.let(out, of) : undefined;
    const id = this.fresh();
    if (whole && by) {
      const quotient = this.let(out, over(whole, by));
      out.push({ kind: "let", id, value: minus(whole, times(quotient, by)) });
    } else out.push({ kind: "let", id, value });
    const name = ref(id, value.dtype);
    if (key !== undefined) block.set(key, name);
    if (of && by?.kind === "constant" && value.kind === "op") this.parts.set(id, { of: whole ?? of, by: by.value, which: value.op === "div" ? "div" : "mod" });
    return name;
  }

  /** The larger of two; by a choice where that is cheaper than what a device does about NaN. */
  larger(out: KernelStmt[], x: Scalar, y: Scalar): Scalar {
    if (x.dtype !== "f32" || !this.price || this.price.max <= 2 * this.price.operation) return op("max", x.dtype, [x, y]);
    const [a, b] = [this.let(out, x), this.let(out, y)];
    return op("select", "f32", [op(">", "bool", [b, a]), b, a]);
  }

  /** a + b; a position that was taken apart and is put together again is itself. */
  sum(a: Scalar, b: Scalar): Scalar {
    return this.rejoined(plus(a, b));
  }

  /** True unless the value refers to variables, which change. */
  private isFixed(s: Scalar): boolean {
    if (s.kind === "ref") return !this.variables.has(s.id);
    return (s.kind !== "op" && s.kind !== "call") || s.args.every((a) => this.isFixed(a));
  }

  variable(out: KernelStmt[], init: Scalar): Scalar & { readonly kind: "ref" } {
    const id = this.fresh();
    this.variables.add(id);
    out.push({ kind: "var", id, dtype: init.dtype, init });
    return { kind: "ref", dtype: init.dtype, id };
  }

  /** Reads an element; once, where nothing but reading and computing stands between two readings in a block. */
  load(out: KernelStmt[], buffer: Buffer, index: Scalar, guard: Scalar | undefined): Scalar {
    const fixed = this.isFixed(index) && (!guard || this.isFixed(guard));
    const key = `${buffer.id} ${keyOf(index)} ${guard ? keyOf(guard) : ""}`;
    const read = this.read.get(out) ?? new Map<string, { readonly value: Scalar; readonly at: number }>();
    this.read.set(out, read);
    const known = fixed ? read.get(key) : undefined;
    if (known && this.steady) return known.value;
    if (known && out.slice(known.at).every((s) => s.kind === "let" || s.kind === "load" || s.kind === "var" || s.kind === "assign")) return known.value;
    const id = this.fresh();
    out.push({ kind: "load", id, buffer, index, ...(guard ? { guard } : {}) });
    const value = ref(id, buffer.dtype);
    if (fixed) read.set(key, { value, at: out.length });
    return value;
  }

  /** A loop whose body is what `body` writes. */
  loop(out: KernelStmt[], from: Scalar, to: Scalar, step: number, body: (index: Scalar, inner: KernelStmt[]) => void): void {
    const id = this.fresh();
    const inner: KernelStmt[] = [];
    body(ref(id, "i32"), inner);
    out.push({ kind: "for", id, from, to, step, body: inner });
  }

  /** An array of the invocation's own; gives the way to read an element of it. */
  array(out: KernelStmt[], dtype: DType, values: readonly Scalar[]): (at: KernelStmt[], index: Scalar) => Scalar {
    const array = this.fresh();
    out.push({ kind: "array", id: array, dtype, values });
    return (at, index) => {
      const id = this.fresh();
      at.push({ kind: "element", id, array, index, dtype });
      return ref(id, dtype);
    };
  }

  readShared(out: KernelStmt[], name: string, index: Scalar, dtype: DType): Scalar {
    const id = this.fresh();
    out.push({ kind: "read_shared", id, name, index, dtype });
    return ref(id, dtype);
  }

  /** Four neighbours at once, from an array in fours. */
  readShared4(out: KernelStmt[], name: string, index: Scalar, dtype: DType): readonly Scalar[] {
    const ids = [this.fresh(), this.fresh(), this.fresh(), this.fresh()];
    out.push({ kind: "read_shared4", ids, name, index, dtype });
    return ids.map((id) => ref(id, dtype));
  }

  /** A scalar of the nest in the kernel's values; what occurs twice in it stays one value. */
  substitute(s: Scalar, scope: Scope): Scalar {
    return this.renamed(s, scope, new Map());
  }

  private renamed(s: Scalar, scope: Scope, done: Map<Scalar, Scalar>): Scalar {
    if (s.kind === "constant" || s.kind === "param") return s;
    if (s.kind === "ref") {
      const value = scope.get(s.id);
      if (!value) throw new InternalError("bind", `value ${s.id} is used before it is known`);
      return value;
    }
    const known = done.get(s);
    if (known) return known;
    const made = this.rejoined(folded({ ...s, args: s.args.map((a) => this.renamed(a, scope, done)) }));
    done.set(s, made);
    return made;
  }

  /** (x / c)·(c·b) + (x mod c)·b is x·b for non-negative x: a position taken apart and put together again. */
  private rejoined(s: Scalar): Scalar {
    if (s.kind !== "op" || s.op !== "add" || s.dtype !== "i32") return s;
    const [p, q] = s.args.map((a) => this.multiple(a));
    if (!p || !q || p.part.which !== "div" || q.part.which !== "mod" || p.part.by !== q.part.by) return s;
    if (p.times !== q.times * q.part.by || keyOf(p.part.of) !== keyOf(q.part.of)) return s;
    return times(p.part.of, int(q.times));
  }

  private multiple(s: Scalar): { readonly part: Part; readonly times: number } | undefined {
    if (s.kind === "ref") {
      const part = this.parts.get(s.id);
      return part && { part, times: 1 };
    }
    const [a, b] = s.kind === "op" && s.op === "mul" ? s.args : [];
    const part = a?.kind === "ref" ? this.parts.get(a.id) : undefined;
    return part && b?.kind === "constant" ? { part, times: b.value } : undefined;
  }
}
