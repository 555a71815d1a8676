/**
 * What is known to be 0 in memory, and the turns of a product's sum that it spares. Comes in: the nests of an entry; a product. Goes out:
 * for each buffer that holds 0 beyond a diagonal, how far apart its rows are; which turns a row of the product needs.
 *
 *     p[…, i, j] = select(j <= i, w, 0)            rows of p end at their own number
 *     o[…, i, c] = sum j { p[…, i, j] · v[j, c] }     turns 0 to i
 *     d[…, j, c] = sum i { p[…, i, j] · g[i, c] }     turns j to the end
 *
 * The weights of causal attention are such a buffer: half of them are not multiplied. As rewrite rules do, this takes 0 · x for 0, values being
 * finite; an infinite x beyond the diagonal is on it for its own row, so that what is made of it is not finite either way.
 */
import type { Axis, Buffer, Nest, Stmt } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { termsOf } from "./index-terms.ts";
import type { Product } from "./product.ts";

/** Square matrices of so many rows side by side, 0 above their diagonals. */
export interface Triangles {
  readonly side: number;
}

/** The turns that lines of a side need: up to the line's own number, or from it on. */
export interface Needed {
  readonly line: "row" | "column";
  readonly turns: "up to" | "from";
}

/** Each buffer that one nest writes, all of it by choices that leave 0 above a diagonal. */
export function trianglesOf(nests: readonly Nest[]): ReadonlyMap<Buffer, Triangles> {
  const found = new Map<Buffer, Triangles>();
  const other = new Set<Buffer>();
  for (const { parallel, body } of nests) {
    const visit = (stmts: readonly Stmt[], axes: readonly Axis[]): void => {
      for (const s of stmts) {
        if (s.kind === "each") visit(s.body, [...axes, s.axis]);
        if (s.kind !== "store") continue;
        const side = s.buffer.place === "temp" && !s.buffer.parts && !s.guard ? sideOf(s, axes) : undefined;
        if (side === undefined || found.has(s.buffer)) other.add(s.buffer);
        else found.set(s.buffer, { side });
        for (const part of s.buffer.parts ?? []) other.add(part.buffer);
      }
    };
    visit(body, parallel);
  }
  return new Map([...found].filter(([b]) => !other.has(b)));
}

/** The turns of a product's sum that its lines need; undefined where all are. */
export function neededTurns(product: Product, triangles: ReadonlyMap<Buffer, Triangles>): Needed | undefined {
  const loops = product.fold.axes.filter((a) => a.extent !== 1);
  const [turn] = loops;
  if (!turn || loops.length > 1 || product.mask || triangles.size === 0) return undefined;
  for (const [line, side] of [["row", 0], ["column", 1]] as const) {
    const factor = product.factors[side];
    const load = product.inside.find(({ stmt }) => stmt.kind === "load" && factor.kind === "ref" && stmt.id === factor.id)?.stmt;
    const triangle = load?.kind === "load" && !load.guard ? triangles.get(load.buffer) : undefined;
    const [axis, ...more] = (line === "row" ? product.rows : product.columns).filter((a) => a.extent !== 1);
    if (load?.kind !== "load" || !triangle || !axis || more.length > 0) continue;
    const at = placesIn(load.index, triangle.side, [turn, axis]);
    if (at?.row === axis && at.column === turn) return { line, turns: "up to" };
    if (at?.row === turn && at.column === axis) return { line, turns: "from" };
  }
  return undefined;
}

/** How long the rows are of which a store leaves 0 beyond their own number. */
function sideOf({ index, value }: Extract<Stmt, { kind: "store" }>, axes: readonly Axis[]): number | undefined {
  const [condition, , zero] = value.kind === "op" && value.op === "select" ? value.args : [];
  if (condition?.kind !== "op" || (condition.op !== "<=" && condition.op !== ">=") || zero?.kind !== "constant" || zero.value !== 0) return undefined;
  const [a, b] = condition.op === "<=" ? condition.args : [...condition.args].reverse();
  const of = (s: Scalar | undefined): Axis | undefined => axes.find((x) => s?.kind === "ref" && s.id === x.id);
  const [column, row] = [of(a), of(b)];
  if (!column || !row || column.extent !== row.extent || typeof column.extent !== "number") return undefined;
  const at = placesIn(index, column.extent, [row, column]);
  return at?.row === row && at.column === column ? column.extent : undefined;
}

/** Which of some axes are the row and the column of the matrix that an index lies in, all else being whole matrices. */
function placesIn(index: Scalar, side: number, axes: readonly Axis[]): { readonly row: Axis; readonly column: Axis } | undefined {
  let row: Axis | undefined;
  let column: Axis | undefined;
  const { terms, constant } = termsOf(index);
  if (constant % (side * side) !== 0) return undefined;
  for (const { value, times } of terms) {
    const axis = axes.find((a) => value.kind === "ref" && value.id === a.id && a.extent === side);
    if (axis && times === 1 && !column) column = axis;
    else if (axis && times === side && !row) row = axis;
    else if (times % (side * side) !== 0) return undefined;
  }
  return row && column ? { row, column } : undefined;
}
