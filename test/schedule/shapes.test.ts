/** What becomes one nest: the structure that later stages and the user's dispatch counts lean on. */
import { describe, expect, it } from "vitest";
import * as dims from "../../src/ir/dims.ts";
import type { Schedule } from "../../src/ir/kernel.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";
import { independentRuns } from "../../src/schedule/independent-runs.ts";
import { loads, statements, stores } from "../../src/schedule/order.ts";
import { printSchedule } from "../../src/schedule/print-schedule.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { expectAgreement, profile } from "./agree.ts";
import { xorStep } from "./xor-graph.ts";

const N = dims.sym("N");
const f32 = (...shape: dims.Dim[]) => ({ dtype: "f32" as const, shape });

function made(graph: Graph, capacity: Record<string, number> = {}, off: readonly string[] = []): Schedule {
  return schedule(graph, { capacity, profile, off: new Set(off) });
}

/** Rows of x, from leading axis to all axes. */
const spread = (e: Builder, row: Node, x: Node): Node => e.broadcast(row, x.type.shape, [0]);

/** Cross-entropy of a batch with its gradient: softmax minus one-hot. */
function crossEntropy(): Graph {
  const e = new Builder();
  const x = e.leaf({ kind: "input", path: "x", type: f32(N, 10) });
  const t = e.leaf({ kind: "input", path: "t", type: { dtype: "i32", shape: [N] } });
  const shifted = e.sub(x, spread(e, e.reduce("max", x, [1]), x));
  const exps = e.exp(shifted);
  const sum = e.reduce("sum", exps, [1]);
  const log = e.sub(shifted, spread(e, e.log(sum), x));
  const losses = e.neg(e.gather(log, t, 1));
  const size = e.cast(e.size(N), "f32");
  const hot = e.compare("==", e.broadcast(e.iota(10), [N, 10], [1]), spread(e, t, x));
  const gradient = e.sub(e.div(exps, spread(e, sum, x)), e.cast(hot, "f32"));
  const scaled = e.mul(gradient, e.broadcast(e.div(e.scalar(1), size), [N, 10], []));
  return e.finish("step", [{ name: "loss", kind: "loss", node: e.div(e.reduce("sum", losses, [0]), size) }, { name: "g", kind: "gradient", node: scaled }], []);
}

describe("fusion", () => {
  it("makes softmax one row nest: two folds, then one loop over the row", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(N, 10) });
    const y = e.exp(e.sub(x, spread(e, e.reduce("max", x, [1]), x)));
    const graph = e.finish("predict", [{ name: "y", kind: "output", node: e.div(y, spread(e, e.reduce("sum", y, [1]), x)) }], []);
    const s = made(graph, { N: 16 });
    expect(s.nests.map((n) => n.shape)).toEqual(["row"]);
    expect(s.nests[0]?.body.filter((b) => b.kind === "fold" || b.kind === "each").map((b) => b.kind)).toEqual(["fold", "fold", "each"]);
    expect(s.buffers.filter((b) => b.place === "temp")).toEqual([]);
    expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 16 } });
  });

  it("does not join what reads a row's maximum at another row", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(16, 16) });
    const graph = e.finish("predict", [{ name: "y", kind: "output", node: e.sub(x, e.broadcast(e.reduce("max", x, [1]), x.type.shape, [1])) }], []);
    expect(made(graph).nests.map((n) => n.shape)).toEqual(["reduce", "pointwise"]);
    expectAgreement(graph, {});
  });

  it("makes cross-entropy and its gradient one row nest and one sum", () => {
    const s = made(crossEntropy(), { N: 16 });
    expect(s.nests.map((n) => n.shape)).toEqual(["row", "reduce"]);
    expectAgreement(crossEntropy(), { sizes: { N: 9 }, capacity: { N: 16 } });
  });

  it("puts bias and activation of a dense layer behind the contraction, whose operands stay plain loads", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(N, 8) });
    const w = e.leaf({ kind: "param", path: "w", type: f32(8, 4) });
    const c = e.leaf({ kind: "param", path: "c", type: f32(4) });
    const z = e.add(e.contract(e.exp(x), w, [0, 1], [1, 2], [0, 2]), e.broadcast(c, [N, 4], [1]));
    const graph = e.finish("predict", [{ name: "h", kind: "output", node: e.max(z, e.like(z, 0)) }], []);
    const s = made(graph, { N: 4 });
    expect(s.nests.map((n) => n.shape)).toEqual(["pointwise", "contract"]);
    const fold = s.nests[1]?.body.find((b) => b.kind === "fold");
    expect(fold?.kind === "fold" && fold.body.map((b) => b.kind)).toEqual(["load", "load"]);
    expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 4 } });
  });

  it("writes what Adam makes for one tensor in one nest, in place", () => {
    const e = new Builder();
    const [p, m, v, g] = (["p", "m", "v", "g"] as const).map((path) => e.leaf({ kind: path === "p" ? "param" : path === "g" ? "input" : "state", path, type: f32(8, 3) })) as [Node, Node, Node, Node];
    const m1 = e.add(e.mul(m, e.like(m, 0.9)), e.mul(g, e.like(g, 0.1)));
    const v1 = e.add(e.mul(v, e.like(v, 0.999)), e.mul(e.mul(g, g), e.like(g, 0.001)));
    const p1 = e.sub(p, e.div(m1, e.add(e.sqrt(v1), e.like(v, 1e-8))));
    const graph = e.finish("step", [], [{ kind: "state", path: "m", node: m1 }, { kind: "state", path: "v", node: v1 }, { kind: "param", path: "p", node: p1 }]);
    const s = made(graph);
    expect(s.nests).toHaveLength(1);
    expect(s.buffers.map((b) => b.place).sort()).toEqual(["input", "param", "state", "state"]);
    expectAgreement(graph, {});
  });

  it("keeps the value that a later nest still reads: a swap needs one copy, a shift by one too", () => {
    const e = new Builder();
    const a = e.leaf({ kind: "param", path: "a", type: f32(4) });
    const b = e.leaf({ kind: "param", path: "b", type: f32(4) });
    const graph = e.finish("step", [], [{ kind: "param", path: "a", node: b }, { kind: "param", path: "b", node: a }]);
    expect(made(graph).nests.map((n) => n.name)).toEqual(["copy", "copy", "copy"]);
    expectAgreement(graph, {});
    const matrix = e.leaf({ kind: "param", path: "a", type: f32(3, 3) });
    const turned = e.finish("step", [], [{ kind: "param", path: "a", node: e.transpose(matrix, [1, 0]) }]);
    expect(made(turned).nests).toHaveLength(2);
    expectAgreement(turned, {});
  });

  it("runs a training step of XOR in few dispatches, independent nests side by side", () => {
    const s = made(xorStep(), { N: 4 });
    expect(independentRuns(s).length).toBeLessThanOrEqual(6);
    expect(s.nests.length).toBeLessThanOrEqual(13);
    expectAgreement(xorStep(), { sizes: { N: 4 }, capacity: { N: 4 } });
    expectAgreement(xorStep(), { sizes: { N: 3 }, capacity: { N: 8 } });
  });

  it("gives every node a nest of its own when all switches are off", () => {
    const all = made(xorStep(), { N: 4 }, ["fuse-producer", "fuse-epilogue", "fuse-row", "multi-output"]);
    for (const nest of all.nests) expect(nest.nodes.filter((n) => n.op !== "const" && n.op !== "size" && n.op !== "leaf").length).toBeLessThanOrEqual(1);
  });

  it("says why", () => {
    const text = printSchedule(made(crossEntropy(), { N: 16 }), { why: true });
    expect(text).toMatch(/reduce is a loop/);
    expect(text).toMatch(/: row over \[N\]/);
  });

  it("splits a long sum in two stages", () => {
    const e = new Builder();
    const x = e.leaf({ kind: "input", path: "x", type: f32(N, 2) });
    const graph = e.finish("step", [
      { name: "sum", kind: "loss", node: e.reduce("sum", x, [0, 1]) },
      { name: "max", kind: "value", node: e.reduce("max", e.sub(x, e.like(x, 5)), [0, 1]) },
    ], []);
    const s = made(graph, { N: 4000 });
    expect(s.nests.some((n) => n.parallel[0]?.extent === 64)).toBe(true);
    expectAgreement(graph, { sizes: { N: 137 }, capacity: { N: 4000 } });
  });
});

describe("products of long sums with few results", () => {
  const parallelOf = (s: Schedule): string[] => s.nests.filter((n) => n.shape === "contract").map((n) => n.parallel.map((a) => dims.print(a.extent)).join(" "));

  it("share a long axis between 64 parts, whatever its live size", () => {
    const e = new Builder();
    const [x, y] = [e.leaf({ kind: "input", path: "x", type: f32(N, 2) }), e.leaf({ kind: "input", path: "y", type: f32(N, 16) })];
    const graph = e.finish("step", [{ name: "xy", kind: "value", node: e.contract(x, y, [0, 1], [0, 2], [1, 2]) }], []);
    expect(parallelOf(made(graph, { N: 4096 }))).toEqual(["64 2 16"]);
    expect(parallelOf(made(graph, { N: 4096 }, ["split-product"]))).toEqual(["2 16"]);
    expect(parallelOf(made(graph, { N: 2000 }))).toEqual(["2 16"]);
    for (const n of [1, 63, 65, 1000]) expectAgreement(graph, { sizes: { N: n }, capacity: { N: 4096 } });
  });

  it("have as many parts on a GPU as keep it busy, each long enough", () => {
    const e = new Builder();
    const [x, y] = [e.leaf({ kind: "input", path: "x", type: f32(N, 2) }), e.leaf({ kind: "input", path: "y", type: f32(N, 4) })];
    const graph = e.finish("step", [{ name: "xy", kind: "value", node: e.contract(x, y, [0, 1], [0, 2], [1, 2]) }], []);
    const onGpu = (most: number): string[] => parallelOf(schedule(graph, { capacity: { N: most }, profile: { ...profile, name: "gpu" } }));
    expect(onGpu(100_000)).toEqual(["64 2 4"]);
    expect(onGpu(2000)).toEqual(["8 2 4"]);
    expect(onGpu(1000)).toEqual(["2 4"]);
    for (const n of [1, 130]) expectAgreement(graph, { sizes: { N: n }, capacity: { N: 2000 }, device: "gpu" });
  });

  it("share a whole axis where one has the length for it", () => {
    const e = new Builder();
    const [x, y] = [e.leaf({ kind: "input", path: "x", type: f32(N, 3, 70) }), e.leaf({ kind: "input", path: "y", type: f32(N, 5, 70) })];
    const graph = e.finish("step", [{ name: "xy", kind: "value", node: e.contract(x, y, [0, 1, 2], [0, 3, 2], [3, 1]) }], []);
    expect(parallelOf(made(graph, { N: 32 }))).toEqual(["N 5 3"]);
    for (const n of [1, 7, 32]) expectAgreement(graph, { sizes: { N: n }, capacity: { N: 32 } });
  });
});

describe("scalars of the step", () => {
  it("are computed on the host in f64 and reach kernels as words", () => {
    const e = new Builder();
    const p = e.leaf({ kind: "param", path: "p", type: f32(4) });
    const t = e.leaf({ kind: "step", path: "t", type: f32() });
    const lr = e.leaf({ kind: "hyper", path: "lr", type: f32() });
    const rate = e.div(lr, e.sub(e.scalar(1), e.exp(e.mul(t, e.scalar(Math.log(0.999))))));
    const graph = e.finish("step", [{ name: "rate", kind: "value", node: rate }], [{ kind: "param", path: "p", node: e.mul(p, e.broadcast(rate, [4], [])) }]);
    const s = made(graph);
    expect(s.host.map((h) => h.op)).toContain("exp");
    expect(s.nests.flatMap((n) => n.params.map((q) => q.source.kind))).toEqual(["host", "host"]);
    expect(s.nests.flatMap((n) => statements(n.body)).filter((b) => b.kind === "let")).toEqual([]);
    expectAgreement(graph, {});
  });
});

describe("two equal layers", () => {
  it("print the same but for their buffers", () => {
    const layer = (path: string, rate: number, hash: number): Graph => {
      const e = new Builder();
      const x = e.leaf({ kind: "input", path: `${path}.x`, type: f32(N, 4) });
      const word = e.make("random", { shape: [N, 4], path, hash, word: 0 }, []);
      const kept = e.compare("<", e.cast(word, "f32"), e.const(f32(N, 4), 2 ** 31));
      return e.finish("step", [{ name: "y", kind: "output", node: e.select(kept, e.mul(x, e.like(x, rate)), e.like(x, 0)) }], []);
    };
    const bodies = [layer("a", 1 / 0.9, 17), layer("b", 1 / 0.7, 4_000_000_000)].map((g) => {
      const nest = made(g, { N: 8 }).nests[0];
      return { body: JSON.stringify(nest?.body, (key, value) => (key === "buffer" ? "buffer" : value)), loads: nest && loads(nest).length, stores: nest && stores(nest).length };
    });
    expect(bodies[0]).toEqual(bodies[1]);
    expectAgreement(layer("a", 1 / 0.9, 17), { sizes: { N: 5 }, capacity: { N: 8 } });
  });
});

describe("rectifiers", () => {
  it("give their conditions by their results, so that what they rectify is not kept", () => {
    const e = new Builder();
    const [x, w] = [e.leaf({ kind: "input", path: "x", type: f32(N, 8) }), e.leaf({ kind: "input", path: "w", type: f32(8, 8) })];
    const z = e.contract(x, w, [0, 1], [1, 2], [0, 2]);
    const [zero, positive] = [e.like(z, 0), e.compare(">", z, e.like(z, 0))];
    const y = e.contract(e.select(positive, z, zero), w, [0, 1], [1, 2], [0, 2]);
    const graph = e.finish("step", [{ name: "y", kind: "value", node: y }, { name: "d", kind: "value", node: e.select(positive, e.contract(y, w, [0, 1], [2, 1], [0, 2]), zero) }], []);
    const temps = (off: readonly string[]): number => made(graph, { N: 16 }, off).buffers.filter((b) => b.place === "temp").length;
    expect(temps(["masks"])).toBe(2);
    expect(temps([])).toBe(1);
    expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 16 } });
  });
});

describe("weights under a mask", () => {
  it("are read off what the mask has kept of them, so that exponentials and their sum are not kept", () => {
    const e = new Builder();
    const [x, w, m] = [e.leaf({ kind: "input", path: "x", type: f32(N, 8) }), e.leaf({ kind: "input", path: "w", type: f32(8, 8) }), e.leaf({ kind: "input", path: "m", type: { dtype: "bool", shape: [N, 8] } })];
    const exponential = e.exp(x);
    const weights = e.div(exponential, e.broadcast(e.reduce("sum", exponential, [1], m), [N, 8], [0]));
    const zero = e.like(x, 0);
    const y = e.contract(e.select(m, weights, zero), w, [0, 1], [1, 2], [0, 2]);
    const back = e.select(m, e.neg(e.mul(e.contract(y, w, [0, 1], [2, 1], [0, 2]), weights)), zero);
    const graph = e.finish("step", [{ name: "y", kind: "value", node: y }, { name: "d", kind: "value", node: back }], []);
    const temps = (off: readonly string[]): number => made(graph, { N: 16 }, off).buffers.filter((b) => b.place === "temp").length;
    expect(temps(["masks"])).toBeGreaterThan(temps([]));
    expectAgreement(graph, { sizes: { N: 3 }, capacity: { N: 16 } });
  });
});

describe("operands of products", () => {
  it("are written in the order in which they are read", () => {
    const e = new Builder();
    const [x, w] = [e.leaf({ kind: "input", path: "x", type: f32(4, 3, 2, 3, 2) }), e.leaf({ kind: "input", path: "w", type: f32(6, 5) })];
    const image = e.reshape(e.transpose(e.exp(x), [0, 1, 3, 2, 4]), [4, 3, 3, 4]);
    const graph = e.finish("step", [{ name: "y", kind: "value", node: e.contract(e.reshape(image, [24, 6]), w, [0, 1], [1, 2], [0, 2]) }], []);
    const [first, product] = made(graph).nests;
    expect([first?.shape, product?.shape]).toEqual(["pointwise", "contract"]);
    expect(first?.parallel.map((a) => a.extent)).not.toEqual([4, 3, 2, 3, 2]);
    expectAgreement(graph, {});
  });
});
