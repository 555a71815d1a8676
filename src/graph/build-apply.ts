/**
 * Elementwise operations of the language as primitives. In: operands of one shape and the element type of the result
 * (conditions of `logic` are bool, operands of a comparison share their own type). Out: a node.
 *
 *     sub(x, y)   ->   add(x, neg(y))          max(x, 0)   ->   select(x > 0, x, 0)
 *
 * Decisions: `max(x, 0)` and `min(x, 0)` select, so their derivative at 0 is 0; `max(a, b)` is the primitive, which
 * halves it at a tie; |x| is max(x, -x), hence 0 at 0. A power with a constant exponent is `pow`; else it is
 * exp(y log x), for x > 0.
 */
import type { Emit } from "../ir/emit.ts";
import type { Node } from "../ir/node.ts";
import type { ApplyOp } from "../check/core.ts";
import { InternalError } from "../support/diagnostic.ts";
import { convert } from "./build-values.ts";

/** The node of an elementwise operation. */
export function applyNode(e: Emit, op: ApplyOp, args: readonly Node[]): Node {
  const [x, y] = args;
  if (!x) throw new InternalError("build", `${opName(op)} has no operand`);
  if (typeof op === "object") return e.compare(op.compare, x, second(op, y));
  switch (op) {
    case "neg":
    case "exp":
    case "log":
    case "log1p":
    case "expm1":
    case "sqrt":
    case "sin":
    case "cos":
    case "tanh":
    case "sigmoid":
    case "erf":
    case "floor":
    case "not":
      return e.make(op, {}, [x]);
    case "abs":
      return e.max(x, e.neg(x));
    case "sign":
      return e.select(e.compare(">", x, e.like(x, 0)), e.like(x, 1), e.select(e.compare("<", x, e.like(x, 0)), e.like(x, -1), e.like(x, 0)));
    case "and":
    case "or":
      return e.logic(op, x, second(op, y));
    case "add":
    case "mul":
    case "div":
    case "floordiv":
    case "mod":
      return e.make(op, {}, [x, second(op, y)]);
    case "sub":
      return e.sub(x, second(op, y));
    case "max":
      return larger(e, ">", x, second(op, y)) ?? e.max(x, second(op, y));
    case "min":
      return larger(e, "<", x, second(op, y)) ?? e.neg(e.max(e.neg(x), e.neg(second(op, y))));
    case "pow":
      return power(e, x, second(op, y));
  }
}

function second(op: ApplyOp, y: Node | undefined): Node {
  if (!y) throw new InternalError("build", `${opName(op)} has one operand`);
  return y;
}

function opName(op: ApplyOp): string {
  return typeof op === "object" ? op.compare : op;
}

/** The number a constant holds everywhere. */
export function splat(node: Node): number | undefined {
  return node.op === "const" && typeof node.attrs.data === "number" ? node.attrs.data : undefined;
}

/** max or min with zero. */
function larger(e: Emit, relation: ">" | "<", x: Node, y: Node): Node | undefined {
  if (splat(y) === 0) return e.select(e.compare(relation, x, y), x, y);
  return splat(x) === 0 ? e.select(e.compare(relation, y, x), y, x) : undefined;
}

function power(e: Emit, x: Node, y: Node): Node {
  const { dtype } = x.type;
  const exponent = splat(y);
  if (exponent === undefined) return convert(e, e.exp(e.mul(convert(e, y, "f32"), e.log(convert(e, x, "f32")))), dtype);
  return convert(e, e.pow(convert(e, x, "f32"), exponent), dtype);
}
