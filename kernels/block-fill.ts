/**
 * Brings one side of a block of a product into workgroup memory: all invocations share the loads, each some groups of four neighbouring
 * rows (or columns) at one turn of the sum. Comes in: a product, a side, how the lanes go. Goes out: kernel statements around and in
 * the loop over blocks of the sum.
 *
 *     64 rows x 16 turns, 64 lanes, along turns:   lane l reads rows 4·(l/16 + 4·s) … + 3 at turn l % 16, s = 0 … 3
 *
 * Lanes go along the rows or along the turns, whichever lie side by side in memory, so that a device fetches whole lines of it. What
 * lies beyond the last turn is 0 on both sides; what lies beyond the live rows is never stored.
 */
import type { Axis, KernelStmt } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { below, int, over, plus, rest, times } from "./arithmetic.ts";
import { stepAlong } from "./index-terms.ts";
import type { KernelBuilder } from "./kernel-builder.ts";
import { coordinatesOf, lane, points } from "./launch.ts";
import { required, variesWith } from "./product.ts";
import type { Classed, Product } from "./product.ts";
import { TileCells } from "./tile-cells.ts";

/** Which neighbours lanes read: rows (or columns) of one turn, or turns of one row. */
export type Along = "line" | "turns";

/** One side of a block. */
export interface FillShape {
  readonly side: "row" | "column";
  /** Rows or columns of the block, and turns. */
  readonly length: number;
  readonly turns: number;
  readonly along: Along;
  /** Invocations that share the work: a multiple of the turns (along them), of the groups of rows otherwise, and no more than all groups. */
  readonly width: number;
}

/** Vectors of the workgroup array for one turn: one more than needed where lanes write a column of it, so that they meet different banks. */
export function strideOf({ length, along }: Pick<FillShape, "length" | "along">): number {
  return length / 4 + (along === "turns" ? 1 : 0);
}

/** Writes one side's loads. */
export class BlockFill extends TileCells {
  private readonly factor: Scalar;
  private readonly own: readonly Axis[];
  private readonly shape: FillShape;
  /** Of a lane's first group: its position among the groups of rows, and its turn. */
  private readonly group: Scalar;
  private readonly turn: Scalar;

  constructor(b: KernelBuilder, product: Product, shape: FillShape, out: KernelStmt[]) {
    const { side, length, turns, along, width } = shape;
    const own = side === "row" ? product.rows : product.columns;
    const factor = product.factors[side === "row" ? 0 : 1];
    const differs = [...own, ...product.fold.axes];
    const again = (list: readonly Classed[]): readonly Classed[] =>
      list.map(({ stmt }) => ({ stmt, varies: variesWith((stmt.kind !== "store" && product.depends.get(stmt.id)) || new Set(), differs, []) }));
    const inside = required(product.inside, [], [factor]);
    const before = required(product.before, inside, [factor]);
    const slots = ((length / 4) * turns) / width;
    super(b, { ...product, rows: differs, columns: [], inside: again(inside), before: again(before) }, [slots * 4, 1], [product.fold.axes.filter((a) => a.extent !== 1)]);
    this.factor = factor;
    this.own = own;
    this.shape = shape;
    const groups = int(length / 4);
    this.group = b.let(out, along === "line" ? rest(lane, groups) : over(lane, int(turns)));
    this.turn = b.let(out, along === "line" ? over(lane, groups) : rest(lane, int(turns)));
  }

  private get slots(): number {
    return this.cells.length / 4;
  }

  /** How many groups of rows, and how many turns, a lane's next group lies further on. */
  private get step(): readonly [groups: number, turns: number] {
    const { length, turns, along, width } = this.shape;
    return along === "line" ? [0, width / (length / 4)] : [width / turns, 0];
  }

  /** What no turn changes, for the block whose first row is `start`. */
  open(start: Scalar, out: KernelStmt[]): void {
    const first = this.b.let(out, plus(start, times(this.group, int(4))));
    const single = this.own.filter((a) => a.extent !== 1).length === 1;
    for (let s = 0; s < this.slots; s++)
      for (let u = 0; u < 4; u++) {
        const position = plus(first, int(4 * s * this.step[0] + u));
        this.knowRow(4 * s + u, coordinatesOf(this.b, out, this.own, single ? position : this.b.let(out, position)));
      }
    this.blocks = [out];
    this.statements(this.product.before);
    this.statements(this.atLevel(0));
  }

  /** Reads and stores the turns from `start` on; `length`: of the whole sum, where some may lie beyond it. */
  fill(name: string, start: Scalar, length: Scalar | undefined, inner: KernelStmt[]): void {
    this.write(name, this.read(start, length, inner), int(0), inner);
  }

  /** Reads the turns from `start` on, for `write`: four values a slot. */
  read(start: Scalar, length: Scalar | undefined, inner: KernelStmt[]): readonly Scalar[] {
    const { b } = this;
    const axes = this.product.fold.axes.filter((a) => a.extent !== 1);
    const first = b.let(inner, plus(start, this.turn));
    const alive: (Scalar | undefined)[] = [];
    for (let s = 0; s < this.slots; s++) {
      const position = plus(first, int(s * this.step[1]));
      const at = coordinatesOf(b, inner, axes, axes.length === 1 ? position : b.let(inner, position));
      for (let u = 0; u < 4; u++) this.knowRow(4 * s + u, at);
      alive.push(length && b.let(inner, below(position, length)));
    }
    let values: readonly Scalar[] = [];
    this.inside(inner, () => {
      values = this.cells.map(([cell], k) => this.stored(this.value(this.factor, cell ?? new Map()), alive[Math.floor(k / 4)], inner));
    });
    return values;
  }

  /** Stores what has been read, `offset` vectors further on. */
  write(name: string, values: readonly Scalar[], offset: Scalar, inner: KernelStmt[]): void {
    const stride = int(strideOf(this.shape));
    for (let s = 0; s < this.slots; s++) {
      const index = plus(times(plus(this.turn, int(s * this.step[1])), stride), plus(this.group, int(s * this.step[0])));
      inner.push({ kind: "write_shared4", name, index: this.b.let(inner, plus(offset, index)), values: values.slice(4 * s, 4 * s + 4) });
    }
  }

  /** A value as it lies in workgroup memory: a condition as 0 or 1, and 0 beyond the last turn. */
  private stored(value: Scalar, alive: Scalar | undefined, inner: KernelStmt[]): Scalar {
    const dtype = value.dtype === "bool" ? "u32" : value.dtype;
    const number = value.dtype === "bool" ? op("select", "u32", [value, constant(1, "u32"), constant(0, "u32")]) : value;
    return this.b.let(inner, alive ? op("select", dtype, [alive, number, constant(0, dtype)]) : number);
  }
}

/** Along what lanes read neighbours in memory. */
export function alongOf(product: Product, side: "row" | "column"): Along {
  const own = (side === "row" ? product.rows : product.columns).findLast((a) => a.extent !== 1);
  const turn = product.fold.axes.findLast((a) => a.extent !== 1);
  return !strideIsOne(product, side, own) && strideIsOne(product, side, turn) ? "turns" : "line";
}

/** True where the side's loads step by one element with an axis. */
export function strideIsOne(product: Product, side: "row" | "column", axis: Axis | undefined): boolean {
  const loads = required(product.inside, [], [product.factors[side === "row" ? 0 : 1]]).flatMap(({ stmt }) => (stmt.kind === "load" ? [stmt.index] : []));
  return axis !== undefined && points([axis]).capacity > 1 && loads.length > 0 && loads.some((index) => stepAlong(index, axis) === 1);
}
