/**
 * All primitives: the closed set from which every program, gradient and optimizer is made. The type makes a forgotten
 * one a compile error.
 *
 *     table.mul.doc      // "The product: out = x · y."
 */
import { argsort, cumsum } from "./along.ts";
import { add, compare, div, floordiv, logic, max, mod, mul, pow } from "./binary.ts";
import { gather, scatterSum } from "./by-data.ts";
import { select } from "./choice.ts";
import { contract } from "./contract.ts";
import { custom, derive } from "./forms.ts";
import { constRecord, iota, leaf, random, size } from "./leaves.ts";
import { cholesky, triangularSolve } from "./matrix.ts";
import { concat, reshape, view } from "./movement.ts";
import type { OpTable } from "./op.ts";
import { argmax, reduce } from "./reduce.ts";
import { loop, pick } from "./structure.ts";
import { castRecord, cos, erf, exp, expm1, finite, floor, log, log1p, mark, neg, not, sigmoid, sin, sqrt, stop, tanh } from "./unary.ts";

/** One record per primitive. */
export const table: OpTable = {
  const: constRecord, leaf, size, iota, random,
  neg, exp, log, log1p, expm1, sqrt, sin, cos, tanh, sigmoid, erf, floor, not, finite,
  add, mul, div, max, pow, floordiv, mod, compare, logic,
  select, cast: castRecord, stop, mark,
  reduce, argmax, cumsum, argsort,
  cholesky, triangular_solve: triangularSolve,
  contract,
  view, reshape, concat,
  gather, scatter_sum: scatterSum,
  loop, pick,
  derive, custom,
};
