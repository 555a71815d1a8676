/**
 * What neighbouring lines of a tile read in common. Comes in: a product, where an access reads, a tile. Goes out: the part that differs.
 *
 *     four pixels of a row in the three turns of a window:   x[i + t] reads 6 elements, of 12 readings
 */
import type { Axis } from "../src/ir/kernel.ts";
import type { Scalar } from "../src/ir/scalar.ts";
import { termsOf } from "./index-terms.ts";
import { dependsOf } from "./product.ts";
import type { Depends, Product } from "./product.ts";

/** More turns are never written together. */
const mostTurns = 1024;

/** What it asks of a tile: its lines, the turns that are written together, the side whose lines are neighbours. */
interface Lines {
  readonly rows: number;
  readonly columns: number;
  readonly unroll: number;
  readonly neighbours?: "row" | "column";
}

/** Of what the lines of the neighbouring side read in the turns written together, the share that differs. What indices and lines have been asked for is kept. */
export class Differing {
  private readonly product: Product;
  private readonly shares = new Map<Scalar, Map<number, number>>();

  constructor(product: Product) {
    this.product = product;
  }

  /** Of one access. */
  of(index: Scalar, { rows, columns, unroll, neighbours }: Lines): number {
    const isRow = neighbours === "row";
    const length = isRow ? rows : columns;
    const known = this.shares.get(index) ?? new Map<number, number>();
    this.shares.set(index, known);
    const key = (length * mostTurns + unroll) * 2 + (isRow ? 1 : 0);
    const share = known.get(key) ?? this.count(index, isRow ? this.product.rows : this.product.columns, length, unroll);
    known.set(key, share);
    return share;
  }

  private count(index: Scalar, axes: readonly Axis[], length: number, unroll: number): number {
    const { fold, depends } = this.product;
    const turn = fold.axes.findLast((a) => a.extent !== 1);
    const lines = axes.filter((a) => a.extent !== 1);
    const steps = lines.map((a) => stepOf(index, a, depends));
    const step = turn && stepOf(index, turn, depends);
    if (step === undefined || steps.some((s) => s === undefined)) return 1;
    const places = new Set<number>();
    for (let k = 0; k < length; k++) {
      let [left, at] = [k, 0];
      for (let a = lines.length - 1; a >= 0; a--) {
        const { capacity } = lines[a] as Axis;
        at += (steps[a] ?? 0) * (a === 0 ? left : left % capacity);
        left = Math.floor(left / capacity);
      }
      for (let t = 0; t < unroll; t++) places.add(at + t * step);
    }
    return places.size / (length * unroll);
  }
}

/** What an index grows by along an axis; undefined where that is not one number. */
function stepOf(index: Scalar, axis: Axis, depends: Depends): number | undefined {
  let step = 0;
  for (const { value, times: by } of termsOf(index).terms) {
    if (value.kind === "ref" && value.id === axis.id) step += by;
    else if (dependsOf(value, depends).has(axis.id)) return undefined;
  }
  return step;
}
