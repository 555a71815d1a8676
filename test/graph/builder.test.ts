/** The builder: equal nodes are one object, origins survive merging, walks and 100,000-node chains. */
import { describe, expect, it } from "vitest";
import type * as dims from "../../src/ir/dims.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensor } from "../../src/ir/types.ts";
import { Builder } from "../../src/graph/builder.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { readGraph } from "../../src/graph/read-graph.ts";
import { Survey } from "../../src/graph/survey.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { rebuild, rebuildGraph, replaceNodes, rootsOf, topological } from "../../src/graph/walk.ts";
import { makeBody } from "../../src/graph/body.ts";
import { InternalError } from "../../src/support/diagnostic.ts";
import { spanOf } from "../../src/support/span.ts";
import { around } from "../ops/cases.ts";

const leaf = (b: Builder, path: string, ...shape: dims.Dim[]): Node => b.leaf({ kind: "input", path, type: tensor("f32", shape) });
const source = { path: "t.dl", text: "x".repeat(100) };
const spans = (n: number, count = 1) => Array.from({ length: count }, (_, i) => spanOf(source, n + i, n + i + 1));

describe("hash-consing", () => {
  it("gives one object for equal op, attributes and inputs", () => {
    const b = new Builder();
    const x = leaf(b, "x", 2, 3);
    expect(b.add(x, b.like(x, 1))).toBe(b.add(leaf(b, "x", 2, 3), b.const(tensor("f32", [2, 3]), 1.0)));
    expect(b.transpose(x, [1, 0])).toBe(b.transpose(x, [1, 0]));
    expect(b.reduce("sum", x, [1, 0])).toBe(b.reduce("sum", x, [0, 1]));
    expect(b.contract(x, x, [7, 3], [9, 3], [7, 9])).toBe(b.contract(x, x, [0, 1], [2, 1], [0, 2]));
  });

  it("tells apart what differs in op, attributes, type or order", () => {
    const b = new Builder();
    const [x, y] = [leaf(b, "x", 2), leaf(b, "y", 2)];
    const nodes = [b.add(x, y), b.add(y, x), b.mul(x, y), b.pow(x, 2), b.pow(x, 3), b.mark(x, "a"), b.mark(x, "b"), b.scalar(0), b.scalar(0, "i32"), b.const(tensor("f32", [1]), 0), b.leaf({ kind: "param", path: "x", type: x.type })];
    expect(new Set(nodes).size).toBe(nodes.length);
  });

  it("folds -0 into 0 and a table of equal numbers into a splat", () => {
    const b = new Builder();
    expect(b.scalar(-0)).toBe(b.scalar(0));
    expect(b.const(tensor("f32", [3]), [-0, 0, 0])).toBe(b.const(tensor("f32", [3]), 0));
    expect(b.const(tensor("f32", [2]), [1, 2])).toBe(b.const(tensor("f32", [2]), [1.0, 2.0]));
  });

  it("merges loops by the text of their bodies", () => {
    const b = new Builder();
    const type = tensor("f32", []);
    const make = (): Node => b.make("loop", { trip: 2, body: makeBody([b.exp(b.leaf({ kind: "carry", path: "0", type }))]), carries: 1, slices: 0, reverse: false }, [b.scalar(1)]);
    expect(make()).toBe(make());
  });

  it("refuses what a type rule refuses, and nodes of another builder", () => {
    const [b, other] = [new Builder(), new Builder()];
    expect(() => b.add(leaf(b, "x", 2), leaf(b, "y", 3))).toThrow(InternalError);
    expect(() => b.exp(leaf(other, "x", 2))).toThrow(/another builder/);
    expect(() => b.pick(leaf(b, "x", 2), 0)).toThrow(/results of a loop/);
  });
});

describe("origins", () => {
  it("are noted, merged, limited to 16 and never given to constants", () => {
    const b = new Builder();
    const x = leaf(b, "x");
    const make = (): Node => b.add(x, b.scalar(1));
    const y = b.origin(spans(3), undefined, make);
    b.origin(spans(10, 20), undefined, make);
    const graph = b.finish("e", [{ name: "y", kind: "output", node: y }], []);
    expect(graph.origins.get(y)).toMatchObject({ more: 5 });
    expect(graph.origins.get(y)?.spans.length).toBe(16);
    expect(topological([y]).filter((n) => graph.origins.get(n))).toEqual([y]);
    verifyGraph(graph);
  });

  it("a node of the user's stays the user's when a gradient makes it again", () => {
    const b = new Builder();
    const x = leaf(b, "x");
    const y = b.origin(spans(1), undefined, () => b.exp(x));
    b.origin(spans(5), "gradient of log", () => b.exp(x));
    expect(b.originOf(y)).toEqual({ spans: spans(1), more: 0 });
    const z = b.origin(spans(5), "gradient of log", () => b.log(x));
    expect(b.originOf(z)?.reason).toBe("gradient of log");
    b.origin(spans(7), undefined, () => b.log(x));
    expect(b.originOf(z)).toEqual({ spans: spans(7), more: 0 });
  });

  it("inner origins replace outer ones, also after a failure", () => {
    const b = new Builder();
    const x = leaf(b, "x");
    expect(() => b.origin(spans(1), undefined, () => b.add(x, leaf(b, "v", 2)))).toThrow(InternalError);
    expect(b.originOf(b.sin(x))).toBeUndefined();
  });
});

describe("a node over other inputs", () => {
  const b = new Builder();
  const [x, y] = [leaf(b, "x"), leaf(b, "y")];

  it("is what making it would give, with its type", () => {
    const product = b.mul(x, b.exp(x));
    const other = b.again(product, [y, b.exp(y)]);
    expect(other).toBe(b.mul(y, b.exp(y)));
    expect(other.type).toBe(product.type);
    expect(b.again(product, product.inputs)).toBe(product);
    const chosen = b.select(b.compare(">", x, y), x, y);
    expect(b.again(chosen, [chosen.inputs[0] as Node, y, x])).toBe(b.select(b.compare(">", x, y), y, x));
  });

  it("has another type where they do, and is refused where they do not fit", () => {
    const rows = b.leaf({ kind: "input", path: "rows", type: { dtype: "f32", shape: [5] } });
    expect(b.again(b.exp(x), [rows]).type).toEqual(rows.type);
    expect(() => b.again(b.add(x, y), [x, rows])).toThrow(InternalError);
    expect(() => b.again(b.exp(x), [leaf(new Builder(), "x")])).toThrow(InternalError);
  });

  it("is known once it was made", () => {
    const before = b.count;
    expect(b.known("max", {}, [x, y])).toBeUndefined();
    expect(b.known("select", {}, [b.compare("<", x, y), x, y])).toBeUndefined();
    const [larger, chosen] = [b.max(x, y), b.select(b.compare("<", x, y), x, y)];
    expect([b.known("max", {}, [x, y]), b.known("select", {}, chosen.inputs), b.known("max", {}, [y, x])]).toEqual([larger, chosen, undefined]);
    expect(b.count).toBe(before + 3);
    expect([b.hasMade("max"), b.hasMade("loop")]).toEqual([true, false]);
  });
});

describe("walks", () => {
  it("order inputs before users, left to right", () => {
    const b = new Builder();
    const [x, y] = [leaf(b, "x"), leaf(b, "y")];
    const product = b.mul(y, x);
    const sum = b.add(product, b.exp(product));
    expect(topological([sum]).map((n) => n.op)).toEqual(["leaf", "leaf", "mul", "exp", "add"]);
    const order = topological([sum]);
    expect(order[0]).toBe(y);
    const survey = new Survey(b.finish("evaluate", [{ name: "y", kind: "output", node: b.mul(sum, sum) }], []));
    expect(survey.order.slice(0, 5)).toEqual(order);
    expect([product, sum, y].map((n) => survey.readers(n).map((r) => r.op))).toEqual([["exp", "add"], ["mul"], ["mul"]]);
    expect([...survey.roots].map((n) => survey.readers(n))).toEqual([[]]);
  });

  it("replace at once, and not inside what replaces", () => {
    const b = new Builder();
    const [x, y] = [leaf(b, "x"), leaf(b, "y")];
    const [swapped] = replaceNodes(b, [b.div(x, y)], new Map([[x, y], [y, b.exp(x)]]));
    expect(swapped).toBe(b.div(y, b.exp(x)));
  });

  it("rebuild in another builder with origins, bodies included", () => {
    const from = new Builder();
    const type = tensor("f32", []);
    const carry = from.leaf({ kind: "carry", path: "0", type });
    const inner = from.origin(spans(2), undefined, () => from.exp(from.mark(carry, "m")));
    const loop = from.make("loop", { trip: 2, body: makeBody([inner]), carries: 1, slices: 0, reverse: false }, [leaf(from, "x")]);
    const graph = from.finish("e", [{ name: "y", kind: "output", node: from.origin(spans(4), "why", () => from.pick(loop, 0)) }], []);
    const to = new Builder();
    const made = rebuildGraph(graph, to, (node, inputs) => (node.op === "mark" ? inputs[0] : undefined));
    verifyGraph(made, { forms: false });
    expect(printGraph(made)).toBe(printGraph(graph).replace(/ {4}%1 = mark "m" \(%0\) : f32\n {4}%2 = exp \(%1\) : f32\n {4}yield %2/, "    %1 = exp (%0) : f32\n    yield %1"));
    // What a mark wrapped takes over where the mark came from.
    const withBody = topological(rootsOf(made)).flatMap((n) => (n.op === "loop" ? [...topological(n.attrs.body.results), n] : [n]));
    expect(withBody.flatMap((n) => [[n.op, made.origins.get(n)?.spans[0]?.start]]).filter(([, at]) => at !== undefined).sort()).toEqual([["exp", 2], ["leaf", 2], ["pick", 4]]);
    expect(made.origins.get(made.outputs[0]?.node as Node)?.reason).toBe("why");
  });

  it("rebuild keeps bodies as they are unless asked", () => {
    const b = new Builder();
    const carry = b.leaf({ kind: "carry", path: "0", type: tensor("f32", []) });
    const loop = b.make("loop", { trip: 2, body: makeBody([b.exp(carry)]), carries: 1, slices: 0, reverse: false }, [b.exp(leaf(b, "x"))]);
    const [same] = rebuild(b, [loop], (node, inputs) => (node.op === "exp" ? inputs[0] : undefined));
    expect(same?.op === "loop" && [same.attrs.body.results[0]?.op, same.inputs[0]?.op]).toEqual(["exp", "leaf"]);
  });
});

describe("100,000 nodes in a row", () => {
  it("build, verify, evaluate, print, read and rebuild without a deep stack", () => {
    const b = new Builder();
    let x = leaf(b, "x");
    const one = b.scalar(1);
    for (let i = 0; i < 50_000; i++) x = b.neg(b.add(x, one));
    const graph = b.finish("chain", [{ name: "y", kind: "output", node: x }], []);
    verifyGraph(graph);
    const value = evaluate(graph, around(new Map([["x", { shape: [], data: Float64Array.of(5) }]])));
    // Two turns of x -> -(x + 1) give x back.
    expect(value.outputs.get("y")?.data[0]).toBe(5);
    const text = printGraph(graph);
    expect(text.split("\n").length).toBe(100_000 + 2 + 3);
    expect(printGraph(readGraph(text))).toBe(text);
    expect(topological(rebuildGraph(graph, new Builder()).outputs.map((o) => o.node)).length).toBe(100_002);
  });
});
