/**
 * A sum under a mask as a matrix product. Comes in: a nest. Goes out: the same with the mask as a factor of 0 or 1, where that factor
 * varies with other axes than what is summed, so that a tile of results shares both; undefined where it does not.
 *
 *     d[v, c] = sum n { y[n, c] where t[n] = v }     ->     d[v, c] = sum n { (t[n] = v ? 1 : 0) * y[n, c] }
 *
 * The gradient of an embedding is one: each element of it goes through the whole batch, and as a product it reads an eighth of it or less.
 */
import type { Nest } from "../src/ir/kernel.ts";
import { constant, op } from "../src/ir/scalar.ts";
import { points } from "./launch.ts";
import { readProduct } from "./product.ts";

/** Rows and columns below which a tile shares too little. */
const leastSide = 4;

/** The nest as a product. */
export function maskedProduct(nest: Nest): Nest | undefined {
  const folds = nest.body.filter((s) => s.kind === "fold");
  const [fold] = folds;
  if (!fold?.mask || folds.length !== 1 || fold.monoid !== "sum" || fold.value.dtype !== "f32") return undefined;
  const { mask, ...open } = fold;
  const factor = op("select", "f32", [mask, constant(1), constant(0)]);
  const product: Nest = {
    ...nest, shape: "contract",
    body: nest.body.map((s) => (s === fold ? { ...open, value: op("mul", "f32", [factor, fold.value]) } : s)),
    why: [...nest.why, "the mask of the sum is a factor of 0 or 1, so that it is a product"],
  };
  const read = readProduct(product);
  return read && points(read.rows).capacity >= leastSide && points(read.columns).capacity >= leastSide ? product : undefined;
}
