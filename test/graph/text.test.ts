/** Graphs as text: printing what was read gives the same text, for every op, loops, maps and constants included. */
import { describe, expect, it } from "vitest";
import * as access from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Dim } from "../../src/ir/dims.ts";
import type { Graph, Node, OpName } from "../../src/ir/node.ts";
import { tensor } from "../../src/ir/types.ts";
import { makeBody } from "../../src/graph/body.ts";
import { Builder } from "../../src/graph/builder.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { readGraph } from "../../src/graph/read-graph.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { table } from "../../src/ops/table.ts";
import { allCases } from "../ops/cases.ts";

const N = dims.sym("N");
const leaf = (b: Builder, path: string, shape: readonly Dim[], dtype: "f32" | "i32" = "f32"): Node => b.leaf({ kind: "input", path, type: tensor(dtype, shape) });
const graphOf = (b: Builder, ...nodes: readonly Node[]): Graph => b.finish("evaluate", nodes.map((node, i) => ({ name: `y${i}`, kind: "output", node })), []);

function roundTrip(graph: Graph): string {
  verifyGraph(graph);
  const text = printGraph(graph);
  const read = readGraph(text);
  verifyGraph(read);
  expect(printGraph(read)).toBe(text);
  return text;
}

/** s = 0; repeat 3: s = tanh(s + x[t]); a stack of s·w; inside it a loop of its own when `nested`. */
function loopGraph(nested: boolean): Graph {
  const b = new Builder();
  const f32 = tensor("f32", [2]);
  const [s, x, w] = [b.leaf({ kind: "carry", path: "0", type: f32 }), b.leaf({ kind: "slice", path: "0", type: f32 }), b.leaf({ kind: "capture", path: "0", type: f32 })];
  let next: Node = b.make("tanh", {}, [b.add(s, x)]);
  if (nested) {
    const inner = makeBody([b.mul(s, w)]);
    next = b.pick(b.make("loop", { trip: 2, body: inner, carries: 1, slices: 0, reverse: true }, [next, w]), 0);
  }
  const body = makeBody([next, b.mul(next, w)]);
  const loop = b.make("loop", { trip: 3, body, carries: 1, slices: 1, reverse: false }, [b.const(f32, 0), leaf(b, "xs", [3, 2]), leaf(b, "w", [2])]);
  return graphOf(b, b.pick(loop, 0), b.pick(loop, 1));
}

describe("print, read, print", () => {
  const cases = allCases();
  it("covers every op but those of loops and forms", () => {
    const missing = (Object.keys(table) as OpName[]).filter((op) => !cases.some((c) => c.op === op));
    expect(missing.sort()).toEqual(["custom", "derive", "leaf", "loop", "pick"]);
  });

  it.each(cases.map((c) => [c.title, c] as const))("%s", (_, c) => {
    const b = new Builder();
    roundTrip(graphOf(b, b.make(c.op, c.attrs, c.inputs.map((type, i) => b.leaf({ kind: "param", path: `p.${i}`, type })))));
  });

  it("a graph reads as one would write it", () => {
    const b = new Builder();
    const x = leaf(b, "x", [N, 2]);
    const w = b.leaf({ kind: "param", path: "Xor.h.W", type: tensor("f32", [2, 4]) });
    const y = b.sigmoid(b.contract(x, w, [0, 1], [1, 2], [0, 2]));
    const graph = b.finish("step", [{ name: "p", kind: "output", node: y }], [{ kind: "param", path: "Xor.h.W", node: b.mul(w, b.like(w, 0.5)) }]);
    expect(roundTrip(graph)).toBe(
      [
        "graph step",
        '  %0 = leaf input "x" as f32[N, 2] : f32[N, 2]',
        '  %1 = leaf param "Xor.h.W" as f32[2, 4] : f32[2, 4]',
        "  %2 = contract [0,1] [1,2] -> [0,2] (%0, %1) : f32[N, 4]",
        "  %3 = sigmoid (%2) : f32[N, 4]",
        "  %4 = const 0.5 as f32[2, 4] : f32[2, 4]",
        "  %5 = mul (%1, %4) : f32[2, 4]",
        '  output output "p" %3',
        '  commit param "Xor.h.W" %5',
        "",
      ].join("\n"),
    );
  });

  it("loops, nested loops, both directions", () => {
    const text = roundTrip(loopGraph(true));
    expect(text.split("yield").length).toBe(3);
    roundTrip(loopGraph(false));
  });

  it("forms and marks", () => {
    const b = new Builder();
    const x = b.mark(leaf(b, "x", [2]), "a \"quoted\" name");
    const y = b.reduce("sum", b.mul(x, x), [0]);
    roundTrip(graphOf(b, b.make("derive", { kind: "grad" }, [y, x]), b.make("derive", { kind: "hvp" }, [y, x, b.like(x, 1)])));
  });

  it("a value with a gradient of its own", () => {
    const b = new Builder();
    const x = leaf(b, "x", [2]);
    const [dy, out] = ["dy 0", "out 1"].map((path) => b.leaf({ kind: "rule", path, type: x.type })) as [Node, Node];
    const text = roundTrip(graphOf(b, b.make("custom", { name: "a \"quoted\" name", rules: 1 }, [b.exp(x), dy, out, x, b.mul(dy, out)])));
    expect(text).toContain('custom "a \\"quoted\\" name" 1');
  });

  it("constants to the last bit", () => {
    const b = new Builder();
    const data = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.5e-7, 123456789.12345679, 2 ** 53];
    const graph = graphOf(b, b.const(tensor("f32", [7]), data), b.scalar(Math.PI));
    const read = readGraph(roundTrip(graph));
    expect(read.outputs[0]?.node.op === "const" && read.outputs[0].node.attrs.data).toEqual(data);
    expect(read.outputs[1]?.node.op === "const" && read.outputs[1].node.attrs.data).toBe(Math.PI);
  });

  it("sizes that are polynomials, maps with guards and divisors", () => {
    const b = new Builder();
    const size = dims.add(dims.mul(2, dims.mul(N, dims.sym("T"))), -3);
    const x = leaf(b, "x", [size, N]);
    const map: access.AccessMap = {
      shape: [N, dims.sym("größe")],
      index: [{ numerator: access.affine(dims.sub(dims.scale(N, 2), 1), [-3, 1]), divisor: 2 }, access.whole(access.affine(0, [1, 0]))],
      guards: [{ kind: "divisible", value: access.affine(1, [1, 1]), by: 4 }, { kind: "nonnegative", value: access.affine(dims.scale(N, -1), [0, 2]) }],
    };
    const text = roundTrip(graphOf(b, b.view(x, map), b.size(size), b.iota(N)));
    expect(text).toContain("view {[N, größe] <- [(-3*i0 + i1 + 2*N - 1)/2, i0] where 4 | i0 + i1 + 1, 2*i1 - N >= 0}");
  });

  it("refuses text that is wrong, with its line", () => {
    const text = printGraph(loopGraph(false));
    const line = text.split("\n").findIndex((l) => l.includes("tanh")) + 1;
    expect(() => readGraph(text.replace("tanh", "tanhh"))).toThrow(`line ${line}, column 15: expected the name of an operation`);
    expect(() => readGraph(text.replace(/pick 1 \(%\d+\) : f32\[3, 2\]/, (found) => found.replace("[3, 2]", "[2, 3]")))).toThrow(SyntaxError);
    expect(() => readGraph(text.replace("}", ""))).toThrow(SyntaxError);
    expect(() => readGraph("graph evaluate\n  %0 = add (%1, %2) : f32")).toThrow(/%1/);
  });
});
