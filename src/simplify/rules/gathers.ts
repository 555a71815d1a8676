/**
 * Access by data. An index with one value per batch row picks one element of each row: what is the same along the row
 * is added or multiplied after it, where there is less to do, and its adjoint is a choice, which gives softmax - onehot.
 */
import type { Dim } from "../../ir/dims.ts";
import type { Emit } from "../../ir/emit.ts";
import type { Node, NodeOf, OpName } from "../../ir/node.ts";
import { axesRead, dropAxes, splatOf } from "../match.ts";
import { first, input, rule } from "../rule.ts";
import type { Rule } from "../rule.ts";

type Gather = NodeOf<"gather"> & Node;

/** Gather and scatter. */
export const gathers: readonly Rule[] = [
  rule({
    name: "scatter-is-select",
    doc: "scatter_sum of one value per batch row: out[b, k, r] = select(k == idx[b], g[b, r], 0)",
    ops: ["scatter_sum"],
    apply: (n, e) => {
      const [g, idx] = n.inputs as unknown as readonly [Node, Node];
      const { batch } = n.attrs;
      if (idx.type.shape.length !== batch) return undefined;
      const { shape } = n.type;
      const k = e.broadcast(e.iota(n.attrs.size), shape, [batch]);
      const at = e.broadcast(idx, shape, idx.type.shape.map((_, a) => a));
      const spread = e.broadcast(g, shape, g.type.shape.map((_, a) => (a < batch ? a : a + 1)));
      return e.select(e.compare("==", k, at), spread, e.like(n, 0));
    },
    example: (e) => e.scatterSum(input(e, "g", [3]), input(e, "i", [3], "i32"), 1, 4),
  }),
  rule({
    name: "gather-past-broadcast",
    doc: "gather(f(x, B c), i) = f(gather(x, i), c) where c does not vary along the gathered axis and i has one value per batch row",
    ops: ["gather"],
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (!picksOne(n) || !elementwise.has(x.op) || x.inputs.length !== 2) return undefined;
      const stays = x.inputs.filter((y) => {
        const z = y.op === "neg" ? (y.inputs[0] as Node) : y;
        return splatOf(z) !== undefined || (z.op === "view" && !axesRead(z.attrs.map).has(n.attrs.batch));
      });
      return stays.length === 0 ? undefined : e.make(x.op, x.attrs, x.inputs.map((y) => picked(e, n, y)));
    },
    example: (e) => {
      const x = input(e, "x", [3, 4]);
      return e.gather(e.sub(e.exp(x), e.broadcast(input(e, "c", [3]), [3, 4], [0])), input(e, "i", [3], "i32"), 1);
    },
  }),
  rule({
    name: "gather-of-broadcast",
    doc: "gather(x, i) = x where x does not vary along the gathered axis and i has one value per batch row",
    ops: ["gather"],
    over: first("view"),
    apply: (n, e) => {
      const x = n.inputs[0] as Node;
      if (!picksOne(n) || x.op !== "view" || axesRead(x.attrs.map).has(n.attrs.batch)) return undefined;
      return dropAxes(e, x, [n.attrs.batch]);
    },
    example: (e) => e.gather(e.broadcast(input(e, "x", [3]), [3, 4], [0]), input(e, "i", [3], "i32"), 1),
  }),
  rule({
    name: "gather-of-constant",
    doc: "gather(c, i) = c for a splat c",
    ops: ["gather"],
    over: first("const"),
    apply: (n, e) => {
      const c = splatOf(n.inputs[0]);
      return c === undefined ? undefined : e.like(n, c);
    },
    example: (e) => e.gather(e.const({ dtype: "f32", shape: [3, 4] }, 2), input(e, "i", [3], "i32"), 1),
  }),
];

/** One index per batch row: the gathered axis vanishes. */
function picksOne(n: Gather): boolean {
  return (n.inputs[1] as Node).type.shape.length === n.attrs.batch && n.attrs.batch > 0;
}

function picked(e: Emit, n: Gather, y: Node): Node {
  const value = splatOf(y);
  if (value === undefined) return e.gather(y, n.inputs[1] as Node, n.attrs.batch);
  const shape: readonly Dim[] = n.type.shape;
  return e.const({ dtype: y.type.dtype, shape }, value);
}

const elementwise: ReadonlySet<OpName> = new Set<OpName>(["add", "mul", "div", "max", "compare"]);
