/**
 * What is finite, for gradients. Comes in: nodes in topological order. Goes out: those that are finite, and all that they are made of,
 * for all finite leaves, but for overflow of sums and products. The slopes of what is computed from them alone are finite, too.
 *
 *     tanh(x) * w, softmax(x), (x - mean(x)) / sqrt(variance + 1e-5)        finite
 *     exp(x), log(x), sqrt(x), x / y                                        not
 */
import type { LeafKind, Node } from "../ir/node.ts";
import { isSquares } from "../ops/operands.ts";

/** The nodes of `order` that are finite. */
export function finiteNodes(order: readonly Node[]): ReadonlySet<Node> {
  const finite = new Set<Node>();
  for (const node of order) if (node.type.dtype !== "f32" || (staysFinite(node) && node.inputs.every((x) => finite.has(x)))) finite.add(node);
  return finite;
}

/** Leaves of loop bodies and of rules: what stands there was computed, by whatever. */
const made: ReadonlySet<LeafKind> = new Set<LeafKind>(["carry", "slice", "capture", "rule"]);

/** Finite wherever their operands are, but for overflow. */
const finiteOps: ReadonlySet<Node["op"]> = new Set<Node["op"]>([
  "const", "add", "mul", "neg", "max", "sin", "cos", "tanh", "sigmoid", "erf", "floor", "select", "cast", "stop", "mark", "contract", "cumsum", "view", "reshape", "concat",
  "gather", "scatter_sum",
]);

function staysFinite(node: Node): boolean {
  switch (node.op) {
    case "leaf": return !made.has(node.attrs.kind);
    case "pow": return Number.isInteger(node.attrs.exponent) && node.attrs.exponent > 0;
    case "div": return isPositive(node.inputs[1], 6);
    case "sqrt": return isPositive(node.inputs[0], 6);
    case "exp": return isLessItsMaximum(node.inputs[0]);
    // The largest of nothing is the lowest number.
    case "reduce": return node.attrs.kind !== "max" || node.inputs.length === 1;
    default: return finiteOps.has(node.op);
  }
}

/** Above 0 by more than underflow takes away: constants, sizes, what is added to squares, the sum that a softmax divides by. */
function isPositive(node: Node | undefined, depth: number): boolean {
  if (!node || depth === 0) return false;
  const [x, y] = node.inputs;
  switch (node.op) {
    case "const": return typeof node.attrs.data === "number" && node.attrs.data > 0;
    case "size": return true;
    case "add": {
      const [first, second] = [isPositive(x, depth - 1), isPositive(y, depth - 1)];
      return (first && (second || isSquares(y as Node))) || (second && isSquares(x as Node));
    }
    case "max": return isPositive(x, depth - 1) || isPositive(y, depth - 1);
    case "reduce": return node.attrs.kind === "sum" && node.inputs.length === 1 && x?.op === "exp" && isLessItsMaximum(x.inputs[0]);
    case "view": return node.attrs.map.guards.length === 0 && isPositive(x, depth - 1);
    case "cast":
    case "sqrt":
    case "stop":
    case "mark":
    case "reshape": return isPositive(x, depth - 1);
    default: return false;
  }
}

/** For x - max x. */
function isLessItsMaximum(node: Node | undefined): boolean {
  if (node?.op !== "add") return false;
  return [node.inputs, node.inputs.toReversed()].some(([x, minus]) => {
    let at = minus?.op === "neg" ? minus.inputs[0] : undefined;
    while (at && (at.op === "view" || at.op === "reshape" || at.op === "stop")) at = at.inputs[0];
    return at?.op === "reduce" && at.attrs.kind === "max" && at.inputs.length === 1 && at.inputs[0] === x;
  });
}
