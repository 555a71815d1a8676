/**
 * Where the boxes of a gradient graph go: forward nodes down the left, the gradient of each on the same rows in the
 * middle. Long edges of a general layout become short horizontal ones, and it takes linear time. Updates, of which an
 * optimizer makes many for one gradient, run down the right by themselves, or they would tear the other columns apart.
 *
 *     layOut(views)   // [{ id: 0, column: 0, row: 0 }, { id: 7, column: 1, row: 0 }, …]
 */
import type { NodeView, Side } from "./describe-nodes.ts";

/** A box's place in the grid. */
export interface Cell {
  readonly id: number;
  readonly column: 0 | 1 | 2;
  readonly row: number;
}

const columnOf: Readonly<Record<Side, 0 | 1 | 2>> = { forward: 0, gradient: 1, update: 2 };

/** A cell for every view, in the order of their ids. */
export function layOut(views: readonly NodeView[]): readonly Cell[] {
  const home = homes(views);
  const byHome = new Map<number, NodeView[]>();
  for (const v of views) {
    if (v.side === "update") continue;
    const at = home.get(v.id) ?? v.id;
    byHome.set(at, [...(byHome.get(at) ?? []), v]);
  }
  const cells: Cell[] = views.filter((v) => v.side === "update").map((v, row) => ({ id: v.id, column: columnOf.update, row }));
  let row = 0;
  for (const view of views) {
    const members = byHome.get(view.id);
    if (!members) continue;
    const filled: [number, number, number] = [0, 0, 0];
    for (const m of members) {
      const column = columnOf[m.side];
      cells.push({ id: m.id, column, row: row + filled[column] });
      filled[column]++;
    }
    row += Math.max(...filled);
  }
  return cells.sort((a, b) => a.id - b.id);
}

/** The forward node beside which each node stands: itself, or the last forward node of the same source line, or the one it uses. */
function homes(views: readonly NodeView[]): ReadonlyMap<number, number> {
  const home = new Map<number, number>();
  const byLine = new Map<string, number>();
  for (const v of views) {
    if (v.side !== "forward") continue;
    home.set(v.id, v.id);
    byLine.set(v.lines.join(), v.id);
  }
  for (const v of views) {
    if (v.side === "forward") continue;
    const sameLine = v.lines.length === 0 ? undefined : byLine.get(v.lines.join());
    const used = v.uses.map((u) => home.get(u)).filter((h) => h !== undefined);
    home.set(v.id, sameLine ?? used.at(-1) ?? v.id);
  }
  return home;
}
