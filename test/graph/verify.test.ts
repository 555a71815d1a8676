/** Verification finds planted breaches of each invariant, and names the node. */
import { describe, expect, it } from "vitest";
import * as dims from "../../src/ir/dims.ts";
import type { Graph, Node, OpAttrs } from "../../src/ir/node.ts";
import { tensor } from "../../src/ir/types.ts";
import { makeBody } from "../../src/graph/body.ts";
import { Builder } from "../../src/graph/builder.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { InternalError } from "../../src/support/diagnostic.ts";

const f32 = (...shape: dims.Dim[]) => tensor("f32", shape);
const broken = (node: Node, change: object): Node => ({ ...node, ...change }) as Node;
const graphOf = (node: Node, kind: "output" | "loss" = "output"): Graph => ({ entry: "e", outputs: [{ name: "y", kind, node }], commits: [], origins: new Map() });

const b = new Builder();
const x = b.leaf({ kind: "input", path: "x", type: f32(2, 3) });
const y = b.add(x, b.like(x, 1));
const carry = b.leaf({ kind: "carry", path: "0", type: f32(2) });
const start = b.leaf({ kind: "input", path: "h", type: f32(2) });
const loopAttrs: OpAttrs["loop"] = { trip: 2, body: makeBody([b.exp(carry)]), carries: 1, slices: 0, reverse: false };
const loop = b.make("loop", loopAttrs, [start]);
const picked = b.pick(loop, 0);

/** The picked result of a loop with other attributes, made past the builder. */
function withLoop(change: Partial<OpAttrs["loop"]>): Node {
  return broken(picked, { inputs: [broken(loop, { attrs: { ...loopAttrs, ...change } })] });
}

describe("a sound graph", () => {
  it("passes, with loops and commits", () => {
    expect(() => verifyGraph({ ...graphOf(y), commits: [{ kind: "param", path: "w", node: picked }] })).not.toThrow();
  });
});

describe("a breach is found", () => {
  const outside = b.mul(carry, b.leaf({ kind: "input", path: "h2", type: f32(2) }));
  const twin = broken(y, { id: y.id + 1000 });
  const cases: readonly (readonly [string, Graph, RegExp])[] = [
    ["a type that operands do not give", graphOf(broken(y, { type: f32(3, 2) })), /has type f32\[3, 2\] where its operands give f32\[2, 3\]/],
    ["an operand that does not fit", graphOf(broken(y, { id: 5000, inputs: [x, start] })), /is refused/],
    ["ids that do not rise", graphOf(broken(y, { id: 0 })), /id that is not lower/],
    ["two nodes that are equal", { ...graphOf(y), commits: [{ kind: "state", path: "s", node: twin }] }, /equals node/],
    ["an attribute out of range", graphOf(broken(b.reduce("sum", x, [1]), { attrs: { kind: "sum", axes: [5] } })), /ascending axes/],
    ["an extent that is not whole", graphOf(broken(x, { attrs: { kind: "input", path: "x", type: f32(2.5) }, type: f32(2.5) })), /2\.5/],
    ["a loss that is no scalar", graphOf(y, "loss"), /no f32 scalar/],
    ["a commit that varies with the data", { ...graphOf(y), commits: [{ kind: "param", path: "w", node: b.leaf({ kind: "input", path: "z", type: f32(dims.sym("N")) }) }] }, /depends on N/],
    ["two outputs of one name", { ...graphOf(y), outputs: [...graphOf(y).outputs, ...graphOf(x).outputs] }, /two outputs named y/],
    ["two commits to one path", { ...graphOf(y), commits: [1, 2].map(() => ({ kind: "param" as const, path: "w", node: y })) }, /two commits named w/],
    ["an origin of a constant", { ...graphOf(y), origins: new Map([[b.like(x, 1), { spans: [], more: 0 }]]) }, /has an origin/],
    ["a body that is not closed", graphOf(withLoop({ body: makeBody([outside]) })), /is a input in the body|is an? input in the body|closed/],
    ["a body with a leaf that its loop does not give", graphOf(withLoop({ body: makeBody([b.leaf({ kind: "slice", path: "0", type: f32(2) })]) })), /does not have/],
    ["a body with a leaf of another type", graphOf(withLoop({ body: { results: [b.reshape(b.leaf({ kind: "carry", path: "0", type: f32(2, 1) }), [2])], text: "" } })), /gives f32\[2\]/],
    ["a body whose text is another's", graphOf(withLoop({ body: { ...loopAttrs.body, text: "yield %0\n" } })), /text is not its own/],
    ["a loop read without pick", graphOf(broken(b.exp(start), { id: 5000, inputs: [loop] })), /read through pick/],
    ["a loop as a result", graphOf(loop), /read through pick/],
    ["a carry outside a loop", graphOf(b.exp(carry)), /outside a loop/],
  ];
  it.each(cases)("%s", (_, graph, message) => {
    expect(() => verifyGraph(graph)).toThrow(InternalError);
    expect(() => verifyGraph(graph)).toThrow(message);
  });

  it("forms and marks, once they should be gone", () => {
    const marked = b.mark(x, "x");
    const form = b.make("derive", { kind: "grad" }, [b.reduce("sum", marked, [0, 1]), marked]);
    expect(() => verifyGraph(graphOf(form))).not.toThrow();
    expect(() => verifyGraph(graphOf(form), { forms: false })).toThrow(/differentiate removes/);
    expect(() => verifyGraph(graphOf(b.exp(marked)), { forms: false })).toThrow(/mark/);
    const rule = b.leaf({ kind: "rule", path: "dy 0", type: x.type });
    const custom = b.make("custom", { name: "f", rules: 0 }, [x, rule, rule]);
    expect(() => verifyGraph(graphOf(custom))).not.toThrow();
    expect(() => verifyGraph(graphOf(custom), { forms: false })).toThrow(/differentiate removes|left over/);
    expect(() => verifyGraph(graphOf(b.exp(rule)), { forms: false })).toThrow(/left over/);
  });
});
