/** What schedule makes of loops, of tensors without elements, of nodes that are asked for, of what it cannot do. */
import { describe, expect, it } from "vitest";
import { constant, unit, whole, addAffine } from "../../src/ir/access.ts";
import * as dims from "../../src/ir/dims.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { makeBody } from "../../src/graph/body.ts";
import { Builder } from "../../src/graph/builder.ts";
import { UserError } from "../../src/support/diagnostic.ts";
import { spanOf } from "../../src/support/span.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { combinations, expectAgreement, profile } from "./agree.ts";

const f32 = (...shape: dims.Dim[]) => ({ dtype: "f32" as const, shape });

/** h[t+1] = tanh(h[t] w + x[t]) with dropout, stacked; then a second loop that reads the stack backwards. */
function recurrence(trip: number): Graph {
  const e = new Builder();
  const N = dims.sym("N");
  const carry = (path: string, type = f32(N, 3)): Node => e.leaf({ kind: "carry", path, type });
  const slice = (type = f32(N, 3)): Node => e.leaf({ kind: "slice", path: "0", type });
  const turn = e.leaf({ kind: "iteration", path: "0", type: { dtype: "i32", shape: [] } });
  const w = e.leaf({ kind: "capture", path: "0", type: f32(3, 3) });
  const word = e.make("random", { shape: [N, 3], path: "drop", hash: 99, word: 0 }, [turn]);
  const kept = e.compare("<", e.cast(word, "f32"), e.const(f32(N, 3), 2 ** 31));
  const next = e.make("tanh", {}, [e.add(e.contract(carry("0"), w, [0, 1], [1, 2], [0, 2]), slice())]);
  const dropped = e.select(kept, next, e.like(next, 0));
  const x = e.leaf({ kind: "input", path: "x", type: f32(trip, N, 3) });
  const h = e.leaf({ kind: "input", path: "h", type: f32(N, 3) });
  const forward = e.make("loop", { trip, body: makeBody([dropped, dropped]), carries: 1, slices: 1, reverse: false }, [h, x, e.leaf({ kind: "param", path: "w", type: f32(3, 3) })]);
  const back = e.add(e.mul(carry("0"), slice()), e.broadcast(e.cast(turn, "f32"), [N, 3], []));
  const backward = e.make("loop", { trip, body: makeBody([back]), carries: 1, slices: 1, reverse: true }, [h, e.pick(forward, 1)]);
  return e.finish("step", [
    { name: "last", kind: "output", node: e.pick(forward, 0) },
    { name: "all", kind: "output", node: e.pick(forward, 1) },
    { name: "back", kind: "output", node: e.pick(backward, 0) },
  ], []);
}

describe("loops", () => {
  it("unroll, with streams of their own per turn and stacks read backwards", () => {
    for (const off of [combinations[0], combinations.at(-1)]) expectAgreement(recurrence(4), { sizes: { N: 2 }, capacity: { N: 5 }, off: off ?? new Set() });
  });

  it("that would become too much are refused at their place in the source", () => {
    const source = { path: "net.dl", text: "scan" };
    const graph = recurrence(5000);
    const origins = new Map(graph.outputs.flatMap((o) => o.node.inputs).map((loop) => [loop, { spans: [spanOf(source, 0, 4)], more: 0 }]));
    const run = (): unknown => schedule({ ...graph, origins }, { capacity: { N: 5 }, profile });
    expect(run).toThrow(UserError);
    expect(run).toThrow(/5000 turns/);
    try {
      run();
    } catch (error) {
      expect(error instanceof UserError && error.diagnostic).toMatchObject({ code: "E0610", unsupported: true, span: { start: 0, end: 4 } });
    }
  });
});

describe("tensors without elements", () => {
  it("fold to constants and leave no kernel behind", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(2, 3) });
    const none = e.view(x, { shape: [2, 0], index: [whole(unit(0, 2)), whole(unit(1, 2))], guards: [] });
    const graph = e.finish("predict", [
      { name: "empty", kind: "output", node: e.exp(none) },
      { name: "sum", kind: "output", node: e.reduce("sum", none, [1]) },
      { name: "all", kind: "output", node: e.reduce("all", e.compare(">", none, none), [1]) },
      { name: "product", kind: "output", node: e.contract(none, e.transpose(none, [1, 0]), [0, 1], [1, 2], [0, 2]) },
      { name: "joined", kind: "output", node: e.concat([none, x], 1) },
    ], []);
    for (const off of combinations) expectAgreement(graph, { off });
    const made = schedule(graph, { capacity: {}, profile });
    expect(made.nests.flatMap((n) => n.body).filter((s) => s.kind === "fold")).toEqual([]);
  });
});

describe("nodes asked for", () => {
  it("lie in memory, others as usual", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(4) });
    const inner = e.exp(x);
    const graph = e.finish("predict", [{ name: "y", kind: "output", node: e.neg(inner) }], []);
    const temps = (keep: ReadonlySet<Node>): number => schedule(graph, { capacity: {}, profile, keep }).buffers.filter((b) => b.place === "temp").length;
    expect(temps(new Set())).toBe(0);
    expect(temps(new Set([inner]))).toBe(1);
  });
});

describe("outputs and commits without work of their own", () => {
  it("are copied; a parameter that keeps its value is left alone", () => {
    const e = new Builder();
    const p = e.leaf({ kind: "param", path: "p", type: f32(3) });
    const s = e.leaf({ kind: "state", path: "s", type: f32(3) });
    const rate = e.leaf({ kind: "hyper", path: "lr", type: f32() });
    const graph = e.finish("step", [
      { name: "p", kind: "value", node: p },
      { name: "again", kind: "value", node: p },
      { name: "rate", kind: "value", node: rate },
      { name: "three", kind: "value", node: e.const(f32(3), [1, 2, 3]) },
      { name: "size", kind: "value", node: e.size(dims.sym("N")) },
    ], [{ kind: "param", path: "p", node: p }, { kind: "state", path: "s", node: e.add(s, p) }]);
    const made = schedule(graph, { capacity: { N: 4 }, profile });
    expect(made.commits.map((c) => c.path)).toEqual(["s"]);
    for (const off of combinations) expectAgreement(graph, { off, sizes: { N: 3 }, capacity: { N: 4 } });
  });
});

describe("windows", () => {
  it("of a padded row are guarded loads inside the contraction", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(2, 5) });
    const w = e.leaf({ kind: "param", path: "w", type: f32(3) });
    const at = addAffine(addAffine(unit(1, 3), unit(2, 3)), constant(-1, 3));
    const left = { c: 4 + 1, k: [0, -1, -1] };
    const windows = e.view(x, { shape: [2, 5, 3], index: [whole(unit(0, 3)), whole(at)], guards: [{ kind: "nonnegative", value: at }, { kind: "nonnegative", value: left }] });
    const graph = e.finish("predict", [{ name: "y", kind: "output", node: e.contract(windows, w, [0, 1, 2], [2], [0, 1]) }], []);
    const made = schedule(graph, { capacity: {}, profile });
    expect(made.nests.map((n) => n.shape)).toEqual(["contract"]);
    for (const off of combinations) expectAgreement(graph, { off });
  });
});
