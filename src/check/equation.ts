/**
 * The ranges of index variables. While an equation's body is checked, its variables and every access through them are
 * collected; then ranges are solved and every access is shown to lie inside its axis.
 *
 *     D[n, i] = I[n, i + 1] - I[n, i]     i alone in the second axis would be 0..W, and i + 1 leaves it: an error
 *     S[i]    = sum[u] x[i + u] * K[u]    u is 0..k from K, then i is the largest range that stays inside x
 *
 * The rules are those of the language reference: an index alone in a position has that axis' range, and all such axes agree; else
 * it has the range it was given; else the largest one, from 0, that never leaves a tensor, if it is the one unknown
 * there. Comparisons and arithmetic outside brackets fix nothing.
 */
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import { printType } from "../ir/types.ts";
import type { Span } from "../support/span.ts";
import { floorDivide, provablyNonnegative, type Ranges, smaller } from "./bounds.ts";
import type { Core, IndexVar } from "./core.ts";
import { Facts, type Guard, minus, scale } from "./guards.ts";
import { negative } from "./negative.ts";
import { labelAt, type Problem } from "./problem.ts";
import type { IndexForm } from "./value.ts";

/** An index variable whose range may still be open. */
export class Variable implements IndexVar {
  readonly name: string;
  readonly span: Span;
  lo: Dim = 0;
  extent: Dim = 0;
  state: "open" | "given" | "found" = "open";
  /** The access or the written range that fixed it. */
  fixed: Span | undefined;
  /** Where the axis it runs over got its size. */
  origin: Span | undefined;

  constructor(name: string, span: Span) {
    this.name = name;
    this.span = span;
  }

  settle(state: "given" | "found", lo: Dim, extent: Dim, fixed: Span | undefined, origin = fixed): void {
    this.state = state;
    this.lo = lo;
    this.extent = extent;
    this.fixed = fixed;
    this.origin = origin;
  }
}

/** One index of one access. */
export interface Access {
  readonly index: Core;
  readonly form: IndexForm | undefined;
  readonly size: Dim;
  /** Where that axis got its size. */
  readonly fixed: Span | undefined;
  readonly span: Span;
  /** It is read only where these hold. */
  readonly guards: readonly Guard[];
  /** Told when the index is inside because of its guards alone. */
  readonly onGuarded?: () => void;
}

/** An equation being checked, or a reduction that stands alone. */
export class Equation {
  readonly variables: Variable[] = [];
  readonly accesses: Access[] = [];
  /** What `...` stands for. */
  ellipsis: Variable[] | undefined;
  /** Run when the ranges are known. */
  readonly afterwards: (() => void)[] = [];

  owns(v: IndexVar): boolean {
    return this.variables.some((o) => o === v);
  }
}

const bare = (form: IndexForm | undefined): Variable | undefined => {
  if (form?.constant !== 0 || form.terms.size !== 1) return undefined;
  const [entry] = form.terms;
  return entry && entry[1] === 1 && entry[0] instanceof Variable ? entry[0] : undefined;
};

/** The least (sign 1) or greatest (sign -1) value of a form over its variables' ranges, leaving one variable out. */
function extreme(form: IndexForm, sign: 1 | -1, without?: IndexVar): Dim {
  let total = form.constant;
  for (const [v, k] of form.terms) {
    if (v === without) continue;
    const end = k * sign > 0 ? v.lo : dims.sub(dims.add(v.lo, v.extent), 1);
    total = dims.add(total, dims.scale(end, k));
  }
  return total;
}

/** The largest extent from 0 that keeps `form` inside 0..size, given all other variables. */
function largestExtent(form: IndexForm, v: IndexVar, size: Dim): Dim | undefined {
  const k = form.terms.get(v) ?? 0;
  const least = extreme(form, 1, v);
  const greatest = extreme(form, -1, v);
  const room = dims.sub(dims.sub(size, 1), greatest);
  // 0 must be legal; where data decides the size, the range may be empty for the smallest.
  if (!provablyNonnegative(least) || !provablyNonnegative(typeof room === "number" ? room : dims.add(room, 1))) return undefined;
  return k > 0 ? floorDivide(dims.add(room, k), k) : floorDivide(dims.add(least, -k), -k);
}

/** Settles every variable and proves every access. Returns false when something was reported. */
export function solve(equation: Equation, ranges: Ranges, report: (problem: Problem) => void): boolean {
  let sound = settleBare(equation, report);
  if (sound) settleComposite(equation);
  for (const v of equation.variables) {
    if (v.state !== "open") continue;
    if (sound) {
      report(leavesAlready(equation, v) ?? {
        code: "E0206", message: `the range of index \`${v.name}\` does not follow from any access`, span: v.span, label: "no range",
        hint: `give it where it is bound: \`${v.name} in 0..8\``,
      });
    }
    sound = false;
  }
  if (!sound) return false;
  for (const access of equation.accesses) if (!proveInside(access, ranges, report)) sound = false;
  for (const run of equation.afterwards) run();
  return sound;
}

/** The report of an index whose range would follow from an access, but for what that would be: none, or negative for some size of the data. */
function leavesAlready(equation: Equation, v: Variable): Problem | undefined {
  for (const { form, size, span, fixed, guards } of equation.accesses) {
    const k = form?.terms.get(v);
    if (!form || guards.length > 0 || k === undefined || ![...form.terms.keys()].every((o) => o === v || (o instanceof Variable && o.state !== "open"))) continue;
    const [least, greatest] = [extreme(form, 1, v), extreme(form, -1, v)];
    const last = dims.sub(size, 1);
    const room = dims.sub(last, greatest);
    const axis = [labelAt(fixed, `the axis has ${dims.print(size)} elements because of this`), labelAt(v.span, `\`${v.name}\` is bound here`)];
    if (typeof room === "number" ? room < 0 || !provablyNonnegative(least) : !provablyNonnegative(least)) {
      const reach = dims.equal(least, greatest) ? dims.print(least) : `${dims.print(least)} to ${dims.print(greatest)}`;
      return { code: "E0205", message: `where \`${v.name}\` is 0, this index ${dims.equal(least, greatest) ? "is" : "runs over"} ${reach}, and the axis has indices 0 to ${dims.print(last)}`, span, label: reach, related: axis, hint: provablyNonnegative(least) ? undefined : `say where it begins: \`${v.name} in 1..8\`` };
    }
    const extent = k === 1 ? dims.add(room, 1) : undefined;
    if (extent !== undefined && !provablyNonnegative(extent)) return { ...negative(`the largest range of \`${v.name}\` that stays inside is 0..${dims.print(extent)}`, extent, span), related: axis };
  }
  return undefined;
}

function settleBare(equation: Equation, report: (problem: Problem) => void): boolean {
  let sound = true;
  for (const access of equation.accesses) {
    const v = bare(access.form);
    if (!v || v.state === "given" || !equation.owns(v)) continue;
    if (v.state === "open") {
      v.settle("found", 0, access.size, access.span, access.fixed);
    } else if (!dims.equal(v.extent, access.size)) {
      sound = false;
      report({
        code: "E0207",
        message: `index \`${v.name}\` runs over axes of different sizes: ${dims.print(v.extent)} and ${dims.print(access.size)}`,
        span: access.span, label: `here it runs over ${dims.print(access.size)}`,
        related: [labelAt(v.fixed, `here over ${dims.print(v.extent)}`), labelAt(access.fixed, `${dims.print(access.size)} comes from here`)],
      });
    }
  }
  return sound;
}

function settleComposite(equation: Equation): void {
  for (let progress = true; progress; ) {
    progress = false;
    for (const v of equation.variables) {
      if (v.state !== "open") continue;
      const uses = equation.accesses.filter((a) => a.guards.length === 0 && a.form?.terms.has(v));
      const ready = uses.every((a) => [...(a.form?.terms.keys() ?? [])].every((o) => o === v || (o instanceof Variable && o.state !== "open")));
      if (uses.length === 0 || !ready) continue;
      const extents = uses.map((a) => (a.form ? largestExtent(a.form, v, a.size) : undefined));
      const least = extents.reduce((x, y) => smaller(x, y));
      if (least === undefined) continue;
      v.settle("found", 0, least, uses[0]?.span);
      progress = true;
    }
  }
}

/** Shows that the index lies inside its axis, or reports that it may not. */
export function proveInside(access: Access, ranges: Ranges, report: (problem: Problem) => void): boolean {
  const { index, form, size, guards } = access;
  if (form && [...form.terms.keys()].some((v) => provablyNonnegative(dims.scale(v.extent, -1)))) return true;
  const facts = new Facts(guards, ranges);
  const least = facts.linear(index);
  const room = minus({ constant: dims.sub(size, 1), terms: new Map() }, least);
  if (facts.byRanges(least) && facts.byRanges(room)) return true;
  if ((facts.nonnegative(least) && facts.nonnegative(room)) || facts.impossible) {
    access.onGuarded?.();
    return true;
  }
  report(outside(access, ranges, { lo: facts.atLeast(least), hi: negated(facts.atLeast(scale(least, -1))) }));
  return false;
}

function negated(d: Dim | undefined): Dim | undefined {
  return d === undefined ? undefined : dims.scale(d, -1);
}

/** The report of an index that may leave its axis, with what is known of it. */
function outside(access: Access, ranges: Ranges, { lo, hi }: { readonly lo: Dim | undefined; readonly hi: Dim | undefined }): Problem {
  const { index, form, size, span, fixed, guards } = access;
  const legal = `0 to ${dims.print(dims.sub(size, 1))}`;
  const axis = labelAt(fixed, `the axis has ${dims.print(size)} elements because of this`);
  const { input } = ranges.of(index);
  if (!form && input && !input.range) {
    return {
      code: "E0216", message: `\`${input.name}\` may take any value, and indexes an axis of ${dims.print(size)}`, span: input.span,
      related: [labelAt(span, "it indexes here"), axis], hint: typeof size !== "number" ? undefined : `declare \`${input.name}: ${printType(input.type)} in 0..${dims.print(size)}\``,
    };
  }
  if (!form && lo === undefined && hi === undefined) {
    return {
      code: "E0217", message: `this index is computed, and nothing says that it lies in ${legal}`, span, label: "may be any number", related: [axis],
      hint: typeof size === "number" ? `bring it into the axis: \`max(0, min(k, ${size - 1}))\`, or \`k % ${size}\`` : "bring it into the axis with `max` and `min`, or with `%`",
    };
  }
  const one = lo !== undefined && hi !== undefined && dims.equal(lo, hi);
  const reach = one ? dims.print(lo) : `${lo === undefined ? "any number" : dims.print(lo)} to ${hi === undefined ? "any number" : dims.print(hi)}`;
  const kept = guards.length === 0 ? "" : ", also where its condition holds";
  const hint = guards.length > 0 ? "the condition must keep it inside at both ends" : form ? "give the index a smaller range where it is bound, or keep legal terms with `where`" : "keep legal values with `where` or `cases`";
  return {
    code: "E0205", message: `the index ${one ? "is" : form ? "runs over" : "may be"} ${reach}${kept}, and the axis has indices ${legal}`, span, label: reach,
    related: [labelAt(form ? undefined : (input?.rangeSpan ?? input?.span), "its values are declared here"), axis],
    hint: form && form.terms.size === 0 ? (typeof lo === "number" && lo < 0 ? "positions count from the start; there are no negative ones" : undefined) : hint,
  };
}
