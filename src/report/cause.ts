/**
 * Why one operation gave a number that is not finite, in words. In: the node, its operands' values, the element. Out: what
 * happened and what often helps.
 *
 *     causeOf(log, [x], 4)     // { message: "the logarithm of 0 is -infinity", hint: "keep its argument above 0: …" }
 */
import type { Node, OpName } from "../ir/node.ts";
import type { Tensor64 } from "../ops/op.ts";

/** What happened. */
export interface Cause {
  readonly message: string;
  readonly hint: string;
}

/** The finite values of a tensor, and how many are not. */
interface Range {
  readonly lo: number;
  readonly hi: number;
  readonly broken: number;
  readonly count: number;
}

const smaller = "smaller numbers: a smaller learning rate, inputs of about 1, or `clip = norm(1.0)`";

/** What happened at one element. */
export function causeOf(node: Node, operands: readonly (Tensor64 | undefined)[], at: number): Cause {
  const [x = Number.NaN, y = Number.NaN] = operands.map((t) => t?.data[t.data.length === 1 ? 0 : at]);
  switch (node.op) {
    case "log":
      return { message: x < 0 ? `${printValue(x)} has no logarithm` : `the logarithm of ${printValue(x)} is -infinity`, hint: "keep its argument above 0: `max(x, 1e-7)`, or work with the logarithm itself" };
    case "log1p":
      return { message: x < -1 ? `${printValue(1 + x)} has no logarithm` : "the logarithm of 0 is -infinity", hint: "keep its argument above 0: `max(x, 1e-7)`" };
    case "sqrt":
      return x < 0 ? { message: `${printValue(x)} has no square root`, hint: "keep its argument at 0 or above: `max(x, 0)`" } : { message: tooLarge("this root"), hint: smaller };
    case "div":
      if (y === 0 || Math.abs(y) < 2 ** -126) return { message: x === 0 ? "0 / 0 is not a number" : `${printValue(x)} / ${printValue(y)} is no finite number`, hint: "add a small number to the divisor, or keep it away from 0: `max(d, 1e-7)`" };
      return { message: tooLarge(`${printValue(x)} / ${printValue(y)}`), hint: smaller };
    case "pow": {
      const { exponent } = node.attrs;
      if (x === 0) return { message: `0 to the power ${exponent} is a division by 0`, hint: "add a small number to the base" };
      if (x < 0 && !Number.isInteger(exponent)) return { message: `${printValue(x)} to the power ${exponent} is not a number`, hint: "keep the base at 0 or above: `max(x, 0)`" };
      return { message: tooLarge(`${printValue(x)} to the power ${exponent}`), hint: smaller };
    }
    case "exp":
    case "expm1":
      return { message: tooLarge(`exp(${printValue(x)})`), hint: "shift the exponent by its largest value, or use `softmax`, `logsumexp`, `sigmoid` or `softplus`" };
    case "mul":
      return { message: tooLarge(`${printValue(x)} · ${printValue(y)}`), hint: smaller };
    case "add":
      return { message: tooLarge(y < 0 ? `${printValue(x)} - ${printValue(-y)}` : `${printValue(x)} + ${printValue(y)}`), hint: smaller };
    case "contract":
      return { message: tooLarge("this sum of products"), hint: smaller };
    case "reduce":
      if (node.attrs.kind === "max") return { message: "this is the largest of no values", hint: "leave out rows of which a mask keeps nothing" };
      return { message: tooLarge(node.attrs.kind === "prod" ? "this product" : "this sum"), hint: smaller };
    case "cumsum":
      return { message: tooLarge("this running sum"), hint: smaller };
    case "cholesky":
      return { message: "this matrix is not positive definite: it has no Cholesky factor", hint: "add a small multiple of the identity to it" };
    case "triangular_solve":
      return { message: "this triangle has a 0 on its diagonal, or the solution is larger than a 32-bit number can be", hint: "keep the diagonal away from 0" };
    case "mod":
    case "floordiv":
      return { message: y === 0 ? "this divides by 0" : tooLarge("this quotient"), hint: "keep the divisor away from 0" };
    default:
      return { message: tooLarge("this value"), hint: smaller };
  }
}

function tooLarge(what: string): string {
  return `${what} is larger than a 32-bit number can be, 3.4e38`;
}

/** A few digits. */
export function printValue(v: number): string {
  if (Number.isFinite(v)) return Math.abs(v) < 1e6 ? String(Number(v.toPrecision(4))) : v.toExponential(3).replace(/\.?0*e\+?/, "e");
  return Number.isNaN(v) ? "NaN" : v > 0 ? "infinity" : "-infinity";
}

/** The range of a tensor's finite values. */
function rangeOf({ data }: Tensor64): Range {
  let [lo, hi, broken] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const v of data) {
    if (!Number.isFinite(v)) broken++;
    else {
      lo = Math.min(lo, v);
      hi = Math.max(hi, v);
    }
  }
  return { lo, hi, broken, count: data.length };
}

/** `is 0.5`, `has values from -3 to 0.93`, `has values from 0 to 1, and 2 that are not finite`. */
function printRange({ lo, hi, broken, count }: Range): string {
  if (broken === count) return "is not finite";
  const rest = broken === 0 ? "" : `, and ${broken} that ${broken === 1 ? "is" : "are"} not finite`;
  if (lo === hi) return `is ${printValue(lo)}${count > 1 ? " everywhere" : ""}${rest}`;
  return `has values from ${printValue(lo)} to ${printValue(hi)}${rest}`;
}

const roles: Partial<Readonly<Record<OpName, readonly string[]>>> = {
  div: ["its numerator", "its divisor"], mul: ["one factor", "the other"], contract: ["one factor", "the other"], add: ["one term", "the other"],
};

/** The ranges of the operands that no one wrote down: `its divisor has values from 0 to 2`. */
export function printOperands(node: Node, operands: readonly (Tensor64 | undefined)[]): string {
  const said = node.inputs.flatMap((x, i) => {
    const t = operands[i];
    const before = node.inputs.indexOf(x) < i;
    return t && !before && x.type.dtype === "f32" && x.op !== "const" ? [{ i, range: printRange(rangeOf(t)) }] : [];
  });
  const [only] = said;
  const alone = said.length === 1 && node.op !== "div";
  return only === undefined ? "" : alone ? `its argument ${only.range}` : said.map(({ i, range }) => `${roles[node.op]?.[i] ?? "an operand"} ${range}`).join(", ");
}
