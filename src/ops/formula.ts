/**
 * Notation for scalar expressions, and a small recorder of straight-line functions: each `let` is computed once.
 *
 *     const f = new Formula("square", "x²", ["f32"]);
 *     f.returns(mul(f.arg(0), f.arg(0)))       // a ScalarFunction
 *
 * Operators take the element type of their first operand; comparisons give bool; `pick(c, a, b)` is a if c, else b.
 */
import { constant, op, ref } from "../ir/scalar.ts";
import type { Scalar, ScalarFunction, ScalarOp } from "../ir/scalar.ts";
import type { DType } from "../ir/types.ts";

/** Records the lets of one function. */
export class Formula {
  private readonly name: string;
  private readonly doc: string;
  private readonly params: readonly DType[];
  private readonly lets: Scalar[] = [];

  constructor(name: string, doc: string, params: readonly DType[]) {
    this.name = name;
    this.doc = doc;
    this.params = params;
  }

  arg(n: number): Scalar {
    return ref(n, this.params[n] ?? "f32");
  }

  /** Computes a value once; the answer refers to it. */
  let(value: Scalar): Scalar {
    this.lets.push(value);
    return ref(this.params.length + this.lets.length - 1, value.dtype);
  }

  returns(result: Scalar): ScalarFunction {
    return { name: this.name, doc: this.doc, params: this.params, lets: this.lets, result };
  }
}

const unary = (name: ScalarOp) => (x: Scalar): Scalar => op(name, x.dtype, [x]);
const binary = (name: ScalarOp) => (x: Scalar, y: Scalar): Scalar => op(name, x.dtype, [x, y]);
const relation = (name: ScalarOp) => (x: Scalar, y: Scalar): Scalar => op(name, "bool", [x, y]);

/** A f32 constant. */
export const num = (value: number): Scalar => constant(value, "f32");
/** An i32 constant. */
export const int = (value: number): Scalar => constant(value, "i32");
/** A u32 constant. */
export const word = (value: number): Scalar => constant(value, "u32");

/** -x. */
export const neg = unary("neg");
/** |x|. */
export const abs = unary("abs");
/** The largest whole number not above x. */
export const floor = unary("floor");
/** The square root. */
export const sqrt = unary("sqrt");
/** Logical not. */
export const not = unary("not");

/** x + y. */
export const add = binary("add");
/** x - y. */
export const sub = binary("sub");
/** x · y. */
export const mul = binary("mul");
/** x / y; for integers truncated. */
export const div = binary("div");
/** The remainder of the truncated quotient. */
export const rem = binary("mod");
/** The larger of two. */
export const max = binary("max");
/** Both. */
export const and = binary("and");
/** Either. */
export const or = binary("or");
/** Bits moved up. */
export const shl = binary("shl");
/** Bits moved down, zeros in. */
export const shr = binary("shr");
/** Bits set in both. */
export const bitand = binary("bitand");
/** Bits set in either. */
export const bitor = binary("bitor");
/** Bits set in one. */
export const bitxor = binary("bitxor");

/** x = y. */
export const eq = relation("==");
/** x ≠ y. */
export const ne = relation("!=");
/** x < y. */
export const lt = relation("<");
/** x ≤ y. */
export const le = relation("<=");
/** x > y. */
export const gt = relation(">");
/** x ≥ y. */
export const ge = relation(">=");

/** `then` where the condition holds, else `otherwise`. */
export const pick = (condition: Scalar, then: Scalar, otherwise: Scalar): Scalar => op("select", then.dtype, [condition, then, otherwise]);
/** The value as another type. */
export const cast = (x: Scalar, to: DType): Scalar => op("cast", to, [x]);
/** The bits as another type. */
export const bits = (x: Scalar, to: DType): Scalar => op("bitcast", to, [x]);

/** c[0] + x·(c[1] + x·(…)). */
export function polynomial(x: Scalar, coefficients: readonly number[]): Scalar {
  const [last, ...rest] = coefficients.toReversed();
  return rest.reduce<Scalar>((sum, c) => add(mul(sum, x), num(c)), num(last ?? 0));
}
