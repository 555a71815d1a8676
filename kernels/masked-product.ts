/**
 * A sum under a mask, tiled as a matrix product is. Comes in: a nest. Goes out: the same with the mask beside what is summed, where it
 * varies with other axes than that, so that a tile of results shares both; undefined where it does not.
 *
 *     d[v, c] = sum n { y[n, c] where t[n] = v }     ->     d[v, c] = sum n { t[n] = v ? y[n, c] : 0 }
 *
 * The gradient of an embedding is one: each element of it goes through the whole batch, and as a product it reads an eighth of it or less.
 * What the mask hides is not multiplied by 0, since it may be infinite.
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
  const product: Nest = {
    ...nest, shape: "contract",
    body: nest.body.map((s) => (s === fold ? { ...open, value: op("select", "f32", [mask, fold.value, constant(0)]) } : s)),
    why: [...nest.why, "the mask of the sum varies with other axes than what is summed: tiled as a product"],
  };
  const read = readProduct(product);
  return read && points(read.rows).capacity >= leastSide && points(read.columns).capacity >= leastSide ? product : undefined;
}
