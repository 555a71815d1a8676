/**
 * Which whole numbers an expression may be, by interval arithmetic over Core. In: an expression, with the ranges of its
 * index variables known. Out: the least and the greatest value, either undefined where nothing says.
 *
 *     y[n] + 1  with  y: i32[N] in 0..10      1 to 10
 *     i // 2    with  i in 0..2*N             0 to N - 1
 *     argmax(s) with  s: f32[N, 10]           0 to 9
 *
 * Bounds are sizes, so they hold for every size of the data from 1 up. A condition counts as 0 or 1. Elements that a
 * zero-filling access gives outside its tensor are counted in. Walks keep their own stack.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { CheckedInput } from "./checked.ts";
import { partsOf } from "./core-parts.ts";
import type { ApplyOp, Core, CoreOf } from "./core.ts";

/** lo .. hi, both inclusive. */
export interface Bounds {
  readonly lo?: Dim | undefined;
  readonly hi?: Dim | undefined;
  /** The input whose values these are, or come from: its declaration would say more. */
  readonly input?: CheckedInput | undefined;
}

const anything: Bounds = {};
const truth: Bounds = { lo: 0, hi: 1 };

/** d >= 0 for all sizes from 1 up. */
export function provablyNonnegative(d: Dim): boolean {
  if (typeof d === "number") return d >= 0;
  let atOnes = 0;
  let rises = true;
  for (const t of d.terms) {
    if (t.symbols.length > 0 && t.coefficient < 0) rises = false;
    atOnes += t.coefficient;
  }
  if (rises || atOnes < 0) return atOnes >= 0;
  // N*N - N with N = 1 + m is m*m + m: where no coefficient is negative, the size is not.
  const degree = Math.max(...d.terms.map((t) => t.symbols.length));
  if (degree < 2 || degree > highestDegree) return false;
  const above = dims.substitute(d, (symbol) => dims.add(dims.sym(symbol), 1));
  return typeof above === "number" ? above >= 0 : above.terms.every((t) => t.coefficient >= 0);
}

/** Sizes of a higher degree are not looked into. */
const highestDegree = 8;

/** Where a size is negative: `N is 1`; undefined where no such place is found. */
export function negativeWhere(d: Dim): string | undefined {
  const symbols = dims.symbolsOf(d);
  for (let value = 1; value <= 2 ** 31; value = value < 64 ? value + 1 : value * 2) {
    if (dims.evaluate(d, Object.fromEntries(symbols.map((s) => [s, value]))) < 0) return symbols.map((s) => `${s} is ${value}`).join(" and ");
  }
  return undefined;
}

/** The smaller of two sizes, if that can be decided. */
export function smaller(a: Dim | undefined, b: Dim | undefined): Dim | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (provablyNonnegative(dims.sub(b, a))) return a;
  return provablyNonnegative(dims.sub(a, b)) ? b : undefined;
}

/** The larger of two sizes, if that can be decided. */
export function larger(a: Dim | undefined, b: Dim | undefined): Dim | undefined {
  const least = smaller(a, b);
  return least === undefined ? undefined : least === a ? b : a;
}

/** ⌊d / by⌋, where it is a size. */
export function floorDivide(d: Dim, by: number): Dim | undefined {
  if (typeof d === "number") return Math.floor(d / by);
  if (by === 1) return d;
  const constant = d.terms.find((t) => t.symbols.length === 0)?.coefficient ?? 0;
  const rest = dims.divideExactly(dims.sub(d, constant), by);
  return rest === undefined ? undefined : dims.add(rest, Math.floor(constant / by));
}

/** Bounds of expressions, each computed once. */
export class Ranges {
  private readonly inputs: (path: string) => CheckedInput | undefined;
  private readonly known = new Map<Core, Bounds>();

  constructor(inputs: (path: string) => CheckedInput | undefined) {
    this.inputs = inputs;
  }

  /** Bounds of an expression: of every element, where it is a tensor. */
  of(root: Core): Bounds {
    const stack: { readonly core: Core; opened: boolean }[] = [{ core: root, opened: false }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (this.known.has(top.core)) stack.pop();
      else if (top.opened) {
        this.known.set(top.core, this.bounds(top.core));
        stack.pop();
      } else {
        top.opened = true;
        for (const part of deciding(top.core)) stack.push({ core: part, opened: false });
      }
    }
    return this.get(root);
  }

  private get(core: Core): Bounds {
    return this.known.get(core) ?? anything;
  }

  private bounds(core: Core): Bounds {
    switch (core.kind) {
      case "number":
        return { lo: core.value, hi: core.value };
      case "size":
        return { lo: core.dim, hi: core.dim };
      case "index": {
        const { lo, extent } = core.variable;
        return { lo, hi: dims.sub(dims.add(lo, extent), 1) };
      }
      case "iteration":
        return { lo: 0, hi: Math.max(0, core.loop.trip - 1) };
      case "table":
        return { lo: core.data.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY), hi: core.data.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) };
      case "leaf":
        return this.leaf(core);
      case "apply":
        return applied(core.op, core.args.map((a) => this.get(a)));
      case "cast":
        return cast(core, this.get(core.arg));
      case "select":
      case "training":
        return union(this.get(core.then), this.get(core.otherwise));
      case "concat":
        return core.args.map((a) => this.get(a)).reduce(union);
      case "random":
        return this.drawn(core);
      case "reduce":
        return reduced(core, this.get(core.arg), core.axes.map((a) => core.arg.type.shape[a] ?? 1), false);
      case "fold":
        return reduced(core, this.get(core.body), core.indices.map((v) => v.extent), core.guard !== undefined, core.indices[0]?.lo);
      case "at": {
        const base = this.get(core.base);
        return core.outside ? union(base, { lo: 0, hi: 0 }) : base;
      }
      case "transpose":
      case "reshape":
      case "broadcast":
      case "stop":
      case "slice":
        return this.get(core.arg);
      case "comprehend":
        return this.get(core.body);
      case "binding":
        return this.get(core.value);
      case "primitive":
        return core.op.name === "argsort" ? { lo: 0, hi: dims.sub(core.type.shape[core.op.axis] ?? 1, 1) } : anything;
      default:
        return anything;
    }
  }

  private leaf(core: CoreOf<"leaf">): Bounds {
    const input = core.role === "input" ? this.inputs(core.path) : undefined;
    if (!input || core.type.dtype === "f32") return anything;
    if (core.type.dtype === "bool") return truth;
    return input.range ? { lo: input.range.lo, hi: input.range.hi - 1, input } : { input };
  }

  private drawn(core: CoreOf<"random">): Bounds {
    if (core.distribution === "bernoulli") return truth;
    const [lo, hi] = core.args.map((a) => this.get(a));
    return core.distribution === "uniform" ? { lo: lo?.lo, hi: hi?.hi } : anything;
  }
}

/** The parts that decide the bounds; what is indexed by or compared does not. */
function deciding(core: Core): readonly Core[] {
  switch (core.kind) {
    case "at":
      return [core.base];
    case "slice":
      return [core.arg];
    case "fold":
      return [core.body];
    case "select":
      return [core.then, core.otherwise];
    case "apply":
      return typeof core.op === "object" ? [] : core.args;
    case "matmul":
    case "loop":
    case "derive":
      return [];
    default:
      return partsOf(core);
  }
}

function union(a: Bounds, b: Bounds): Bounds {
  return { lo: smaller(a.lo, b.lo), hi: larger(a.hi, b.hi), input: a.input ?? b.input };
}

const both = (f: (x: Dim, y: Dim) => Dim | undefined, x: Dim | undefined, y: Dim | undefined): Dim | undefined =>
  x === undefined || y === undefined ? undefined : f(x, y);

const scaled = (d: Dim | undefined, by: number): Dim | undefined => (d === undefined ? undefined : dims.scale(d, by));

function applied(op: ApplyOp, args: readonly Bounds[]): Bounds {
  const [x = anything, y = anything] = args;
  const input = x.input ?? y.input;
  if (typeof op === "object") return truth;
  switch (op) {
    case "not":
    case "and":
    case "or":
      return truth;
    case "sigmoid":
      return truth;
    case "sign":
    case "sin":
    case "cos":
    case "tanh":
    case "erf":
      return { lo: -1, hi: 1 };
    case "floor":
      return { lo: x.lo === undefined ? undefined : floorDivide(x.lo, 1), hi: x.hi, input };
    case "neg":
      return { lo: scaled(x.hi, -1), hi: scaled(x.lo, -1), input };
    case "abs":
      return { lo: 0, hi: larger(x.hi, scaled(x.lo, -1)), input };
    case "add":
      return { lo: both(dims.add, x.lo, y.lo), hi: both(dims.add, x.hi, y.hi), input };
    case "sub":
      return { lo: both(dims.sub, x.lo, y.hi), hi: both(dims.sub, x.hi, y.lo), input };
    case "mul":
      return { ...product(x, y), input };
    // A bound on one side of max or min is enough.
    case "max":
      return { lo: x.lo !== undefined && y.lo !== undefined ? (larger(x.lo, y.lo) ?? x.lo) : (x.lo ?? y.lo), hi: larger(x.hi, y.hi), input };
    case "min":
      return { lo: smaller(x.lo, y.lo), hi: x.hi !== undefined && y.hi !== undefined ? (smaller(x.hi, y.hi) ?? x.hi) : (x.hi ?? y.hi), input };
    case "div":
      return { ...quotient(x, y, (d, by) => (typeof d === "number" ? d / by : dims.divideExactly(d, by))), input };
    case "floordiv":
      return { ...quotient(x, y, floorDivide), input };
    case "mod":
      return remainder(x, y);
    default:
      return anything;
  }
}

function product(x: Bounds, y: Bounds): Bounds {
  for (const [a, b] of [[x, y], [y, x]] as const) {
    if (typeof a.lo !== "number" || a.lo !== a.hi) continue;
    return a.lo >= 0 ? { lo: scaled(b.lo, a.lo), hi: scaled(b.hi, a.lo) } : { lo: scaled(b.hi, a.lo), hi: scaled(b.lo, a.lo) };
  }
  const ends = [x.lo, x.hi, y.lo, y.hi];
  if (ends.every((d) => typeof d === "number")) {
    const [a, b, c, d] = ends as [number, number, number, number];
    const all = [a * c, a * d, b * c, b * d];
    return { lo: Math.min(...all), hi: Math.max(...all) };
  }
  const positive = [x.lo, y.lo].every((d) => d !== undefined && provablyNonnegative(d));
  return positive ? { lo: both(dims.mul, x.lo, y.lo), hi: both(dims.mul, x.hi, y.hi) } : anything;
}

/** x / y for y >= 1; where the quotient is no size, x itself is further from 0. */
function quotient(x: Bounds, y: Bounds, divide: (d: Dim, by: number) => Dim | undefined): Bounds {
  if (y.lo === undefined || !provablyNonnegative(dims.sub(y.lo, 1))) return anything;
  const by = typeof y.lo === "number" && y.lo === y.hi ? y.lo : undefined;
  const nonnegative = x.lo !== undefined && provablyNonnegative(x.lo);
  const lo = by === undefined || x.lo === undefined ? undefined : divide(x.lo, by);
  const hi = by === undefined || x.hi === undefined ? undefined : divide(x.hi, by);
  return { lo: lo ?? (nonnegative ? 0 : undefined), hi: hi ?? (nonnegative ? x.hi : undefined) };
}

/** The remainder has the sign of y: 0 .. y - 1 for y >= 1, whatever x is. */
function remainder(x: Bounds, y: Bounds): Bounds {
  if (y.lo === undefined || !provablyNonnegative(dims.sub(y.lo, 1))) return anything;
  const most = both(dims.sub, y.hi, 1);
  const stays = x.lo !== undefined && provablyNonnegative(x.lo) && x.hi !== undefined && provablyNonnegative(dims.sub(dims.sub(y.lo, 1), x.hi));
  return stays ? x : { lo: 0, hi: most };
}

/** To whole numbers by leaving off what stands after the point. */
function cast(core: CoreOf<"cast">, x: Bounds): Bounds {
  if (core.to === "bool") return truth;
  const from = core.arg.type.dtype;
  const cut = (d: Dim | undefined): Dim | undefined => (typeof d === "number" && core.to !== "f32" ? Math.trunc(d) : d);
  const bounds = { lo: cut(x.lo), hi: cut(x.hi), input: x.input };
  // Of u32 and i32, each reads what the other cannot hold as something else.
  const safe = core.to !== "u32" || from === "bool" || (bounds.lo !== undefined && provablyNonnegative(bounds.lo));
  return safe ? bounds : anything;
}

/** Over axes of these extents; `guarded` reductions may see no element at all. */
function reduced(core: CoreOf<"reduce"> | CoreOf<"fold">, x: Bounds, extents: readonly Dim[], guarded: boolean, lo: Dim = 0): Bounds {
  const count = dims.product(extents);
  switch (core.op) {
    case "any":
    case "all":
      return truth;
    case "count":
      return { lo: 0, hi: count };
    case "argmax":
    case "argmin":
      return { lo, hi: dims.sub(dims.add(lo, extents[0] ?? 1), 1) };
    case "max":
    case "min":
      return guarded ? anything : x;
    case "mean":
      return guarded ? union(x, { lo: 0, hi: 0 }) : x;
    case "sum": {
      const all = product(x, { lo: count, hi: count });
      return guarded ? union(all, { lo: 0, hi: 0 }) : all;
    }
    default:
      return anything;
  }
}
