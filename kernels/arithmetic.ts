/**
 * Integer arithmetic on scalars that folds what is known, so that kernels carry no `i * 1 + 0`.
 *
 *     plus(times(i, int(1)), int(0))   ->   i
 */
import { constant, op } from "../src/ir/scalar.ts";
import type { Scalar } from "../src/ir/scalar.ts";

/** An i32 constant. */
export function int(value: number): Scalar {
  return constant(value, "i32");
}

function known(s: Scalar): number | undefined {
  return s.kind === "constant" ? s.value : undefined;
}

/** a + b. */
export function plus(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(x + y);
  if (x === 0) return b;
  if (y === 0) return a;
  return op("add", "i32", [a, b]);
}

/** a - b. */
export function minus(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(x - y);
  return y === 0 ? a : op("sub", "i32", [a, b]);
}

/** a · b. */
export function times(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(x * y);
  if (x === 0 || y === 0) return int(0);
  if (x === 1) return b;
  if (y === 1) return a;
  return op("mul", "i32", [a, b]);
}

/** The quotient of non-negative integers. */
export function over(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(Math.floor(x / y));
  return y === 1 ? a : op("div", "i32", [a, b]);
}

/** The remainder of non-negative integers. */
export function rest(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(x % y);
  return y === 1 ? int(0) : op("mod", "i32", [a, b]);
}

/** The smallest whole number not below a / b, for non-negative integers. */
export function ceilOver(a: Scalar, b: number): Scalar {
  return over(plus(a, int(b - 1)), int(b));
}

/** The smaller of two. */
export function least(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(Math.min(x, y));
  return op("min", "i32", [a, b]);
}

/** The bits in which two non-negative integers differ. */
export function xor(a: Scalar, b: Scalar): Scalar {
  const [x, y] = [known(a), known(b)];
  if (x !== undefined && y !== undefined) return int(x ^ y);
  if (x === 0) return b;
  return y === 0 ? a : op("bitxor", "i32", [a, b]);
}

/** a < b. */
export function below(a: Scalar, b: Scalar): Scalar {
  return op("<", "bool", [a, b]);
}

/** a and b; a where b is absent. */
export function both(a: Scalar, b: Scalar | undefined): Scalar {
  return b ? op("and", "bool", [a, b]) : a;
}
