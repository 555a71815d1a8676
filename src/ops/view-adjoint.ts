/**
 * The adjoint of a view. In: the map of out[i] = x[e(i)], the shape of x, the adjoint g of out. Out: the adjoint of x,
 *
 *     dx[j] = Σ over all i with e(i) = j and the guards of i holding, of g[i]
 *
 * as a sum over a view of g. Each coordinate is an equation d·j = c + Σ k·i. Gauss and Jordan's elimination in integers
 * solves each for one index; indices left over are summed; equations left over become guards.
 *
 *     diagonal  out[i] = x[i, i]:       i = j0, and guards j0 - j1 = 0
 *     stride    out[i] = x[2 i]:        i = j0 / 2, and guards 2 | j0, i in range
 *     im2col    out[i, u] = x[i + u]:   i = j0 - u, summed over u, with i in range
 */
import * as access from "../ir/access.ts";
import type { AccessMap, Affine, Coordinate, Guard } from "../ir/access.ts";
import * as dims from "../ir/dims.ts";
import type { Dim } from "../ir/dims.ts";
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";

/** c + Σ j·(axes of x) + Σ i·(axes of the view) = 0. */
interface Equation {
  readonly c: Dim;
  readonly j: readonly number[];
  readonly i: readonly number[];
}

/** A symbolic extent counts as large: its index is better solved for than summed over. */
const largeExtent = 1e9;

/** The adjoint of x, given that of its view. */
export function viewAdjoint(e: Emit, map: AccessMap, of: readonly Dim[], g: Node): Node {
  const unread = map.shape.map((_, a) => a).filter((a) => !reads(map, a));
  if (unread.length > 0) {
    // What the view merely repeats is summed first, without a view.
    const kept = map.shape.map((_, a) => a).filter((a) => !unread.includes(a));
    return viewAdjoint(e, withAxes(map, kept), of, e.reduce("sum", g, unread));
  }
  const { solved, rest } = solve(map, of);
  const free = map.shape.map((_, a) => a).filter((a) => !solved.has(a));
  const shape = [...of, ...free.map((a) => map.shape[a] as Dim)];
  const rank = shape.length;
  const guards: Guard[] = [];
  const form = (eq: Pick<Equation, "c" | "j" | "i">, factor: number): Affine =>
    access.affine(dims.scale(eq.c, factor), [...eq.j.map((k) => k * factor || 0), ...free.map((a) => (eq.i[a] ?? 0) * factor || 0)]);
  const index: Coordinate[] = map.shape.map((extent, a) => {
    const eq = solved.get(a);
    if (!eq) return access.whole(access.unit(of.length + free.indexOf(a), rank));
    const pivot = eq.i[a] ?? 1;
    const numerator = form({ ...eq, i: eq.i.map((k, b) => (b === a ? 0 : k)) }, -Math.sign(pivot));
    const divisor = Math.abs(pivot);
    const last = access.constant(dims.scale(dims.sub(extent, 1), divisor), rank);
    guards.push({ kind: "nonnegative", value: numerator }, { kind: "nonnegative", value: access.addAffine(last, access.scaleAffine(numerator, -1)) });
    if (divisor > 1) guards.push({ kind: "divisible", value: numerator, by: divisor });
    return access.reduced({ numerator, divisor });
  });
  for (const eq of rest) guards.push({ kind: "nonnegative", value: form(eq, 1) }, { kind: "nonnegative", value: form(eq, -1) });
  for (const guard of map.guards) {
    const value = access.substitute(guard.value, index, rank);
    guards.push(guard.kind === "nonnegative" ? { kind: "nonnegative", value: value.numerator } : { kind: "divisible", value: value.numerator, by: guard.by * value.divisor });
  }
  const view = e.view(g, { shape, index, guards: access.tidyGuards(guards, shape) });
  return e.reduce("sum", view, free.map((_, n) => of.length + n));
}

/** Whether the map looks at output axis `a` at all. */
function reads(map: AccessMap, a: number): boolean {
  const in_ = (form: Affine): boolean => (form.k[a] ?? 0) !== 0;
  return map.index.some((c) => in_(c.numerator)) || map.guards.some((guard) => in_(guard.value));
}

/** The map over only the output axes `kept`. */
function withAxes(map: AccessMap, kept: readonly number[]): AccessMap {
  const cut = (form: Affine): Affine => access.affine(form.c, kept.map((a) => form.k[a] ?? 0));
  return {
    shape: kept.map((a) => map.shape[a] as Dim),
    index: map.index.map((c) => ({ numerator: cut(c.numerator), divisor: c.divisor })),
    guards: map.guards.map((guard) => ({ ...guard, value: cut(guard.value) })),
  };
}

/** For each index that an equation gives: that equation, free of other solved indices. `rest` speaks of x's axes alone. */
function solve(map: AccessMap, of: readonly Dim[]): { readonly solved: ReadonlyMap<number, Equation>; readonly rest: readonly Equation[] } {
  let open: readonly Equation[] = map.index.map((c, axis) => ({
    c: dims.scale(c.numerator.c, -1),
    j: of.map((_, b) => (b === axis ? c.divisor : 0)),
    i: c.numerator.k.map((k) => -k || 0),
  }));
  let solved = new Map<number, Equation>();
  for (;;) {
    const pivot = largestUnsolved(open, map.shape);
    if (!pivot) return { solved, rest: open };
    const { row, axis } = pivot;
    solved = new Map([...solved].map(([a, eq]) => [a, eliminate(eq, row, axis)]));
    solved.set(axis, row);
    open = open.filter((eq) => eq !== row).map((eq) => eliminate(eq, row, axis));
  }
}

/** An equation and the index in it of largest extent; among equals the one with the smallest coefficient, then the first. */
function largestUnsolved(open: readonly Equation[], shape: readonly Dim[]): { readonly row: Equation; readonly axis: number } | undefined {
  let best: { row: Equation; axis: number; extent: number; size: number } | undefined;
  for (const row of open) {
    row.i.forEach((k, axis) => {
      if (k === 0) return;
      const dim = shape[axis] as Dim;
      const extent = typeof dim === "number" ? dim : largeExtent;
      const size = Math.abs(k);
      if (!best || extent > best.extent || (extent === best.extent && size < best.size)) best = { row, axis, extent, size };
    });
  }
  return best;
}

/** The equation without index `axis`, by the pivot row; coefficients stay whole and small. */
function eliminate(eq: Equation, pivot: Equation, axis: number): Equation {
  const there = eq.i[axis] ?? 0;
  if (there === 0) return eq;
  const here = pivot.i[axis] ?? 1;
  // here·eq - there·pivot; the sign of eq is kept, since its pivot's sign is read later either way.
  const mix = (a: number, b: number): number => a * here - b * there || 0;
  const made: Equation = {
    c: dims.sub(dims.scale(eq.c, here), dims.scale(pivot.c, there)),
    j: eq.j.map((k, n) => mix(k, pivot.j[n] ?? 0)),
    i: eq.i.map((k, n) => mix(k, pivot.i[n] ?? 0)),
  };
  const common = [...made.j, ...made.i].reduce(gcd, 0);
  const c = common > 1 ? dims.divideExactly(made.c, common) : undefined;
  if (c === undefined) return made;
  return { c, j: made.j.map((k) => k / common || 0), i: made.i.map((k) => k / common || 0) };
}

function gcd(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : gcd(b, a % b);
}
