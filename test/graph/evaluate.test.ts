/** The evaluator: leaves from outside, sizes that vary, commits, loops in both directions, errors that name the node. */
import { describe, expect, it } from "vitest";
import * as dims from "../../src/ir/dims.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensor } from "../../src/ir/types.ts";
import { makeBody } from "../../src/graph/body.ts";
import { Builder } from "../../src/graph/builder.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { InternalError } from "../../src/support/diagnostic.ts";
import { around } from "../ops/cases.ts";

const N = dims.sym("N");
const t = (shape: readonly number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });

describe("evaluate", () => {
  it("takes inputs, stored values and scalars, and gives outputs and commits", () => {
    const b = new Builder();
    const x = b.leaf({ kind: "input", path: "x", type: tensor("f32", [N]) });
    const w = b.leaf({ kind: "param", path: "w", type: tensor("f32", []) });
    const lr = b.leaf({ kind: "hyper", path: "lr", type: tensor("f32", []) });
    const mean = b.div(b.reduce("sum", x, [0]), b.cast(b.size(N), "f32"));
    const graph = b.finish("step", [{ name: "mean", kind: "output", node: mean }], [{ kind: "param", path: "w", node: b.sub(w, b.mul(lr, mean)) }]);
    for (const data of [[1, 2, 6], [4]]) {
      const values = new Map([["x", t([data.length], data)], ["w", t([], [10])], ["lr", t([], [0.5])]]);
      const found = evaluate(graph, around(values, { N: data.length }));
      const average = data.reduce((s, v) => s + v, 0) / data.length;
      expect(found.outputs.get("mean")?.data[0]).toBe(average);
      expect(found.commits.get("w")?.data[0]).toBe(10 - 0.5 * average);
    }
  });

  it("runs loops: h = 2 h + x[t] + c, stacking h and the turn, from either end", () => {
    for (const reverse of [false, true]) {
      const b = new Builder();
      const scalar = tensor("f32", []);
      const [h, x, c] = (["carry", "slice", "capture"] as const).map((kind) => b.leaf({ kind, path: "0", type: scalar })) as [Node, Node, Node];
      const turn = b.leaf({ kind: "iteration", path: "0", type: tensor("i32", []) });
      const next = b.add(b.add(b.mul(b.scalar(2), h), x), c);
      const body = makeBody([next, next, turn]);
      const input = (path: string, ...shape: number[]) => b.leaf({ kind: "input", path, type: tensor("f32", shape) });
      const loop = b.make("loop", { trip: 3, body, carries: 1, slices: 1, reverse }, [input("h0"), input("xs", 3), input("c")]);
      const graph = b.finish("e", ["last", "all", "turns"].map((name, i) => ({ name, kind: "output", node: b.pick(loop, i) })), []);
      const found = evaluate(graph, around(new Map([["h0", t([], [1])], ["xs", t([3], [10, 20, 30])], ["c", t([], [0.5])]])));
      const order = reverse ? [2, 1, 0] : [0, 1, 2];
      const all = [0, 0, 0];
      let value = 1;
      for (const k of order) all[k] = value = 2 * value + ([10, 20, 30][k] as number) + 0.5;
      expect(found.outputs.get("last")?.data[0]).toBe(value);
      expect([...(found.outputs.get("all")?.data ?? [])]).toEqual(all);
      expect([...(found.outputs.get("turns")?.data ?? [])]).toEqual([0, 1, 2]);
    }
  });

  it("a loop of no turns gives its first carries", () => {
    const b = new Builder();
    const carry = b.leaf({ kind: "carry", path: "0", type: tensor("f32", [2]) });
    const loop = b.make("loop", { trip: 0, body: makeBody([b.exp(carry), carry]), carries: 1, slices: 0, reverse: false }, [b.const(tensor("f32", [2]), [3, 4])]);
    const found = evaluate(b.finish("e", [{ name: "h", kind: "output", node: b.pick(loop, 0) }, { name: "s", kind: "output", node: b.pick(loop, 1) }], []), around(new Map()));
    expect([...(found.outputs.get("h")?.data ?? [])]).toEqual([3, 4]);
    expect(found.outputs.get("s")?.shape).toEqual([0, 2]);
  });

  it("refuses an input of the wrong shape, a form, and a view that leaves its tensor", () => {
    const b = new Builder();
    const x = b.leaf({ kind: "input", path: "x", type: tensor("f32", [3]) });
    const run = (node: Node) => evaluate(b.finish("e", [{ name: "y", kind: "output", node }], []), around(new Map([["x", t([2], [1, 2])]])));
    expect(() => run(x)).toThrow(/has the shape \[2\]/);
    const ok = b.const(tensor("f32", [3]), [1, 2, 3]);
    expect(() => run(b.view(ok, { shape: [3], index: [{ numerator: { c: 1, k: [1] }, divisor: 1 }], guards: [] }))).toThrow(InternalError);
    expect(() => run(b.make("derive", { kind: "grad" }, [b.reduce("sum", ok, [0]), ok]))).toThrow(/removed by differentiate/);
  });
});
