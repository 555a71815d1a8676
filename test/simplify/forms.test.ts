/** The forms that later stages count on: softmax - onehot, one node for formula and call, stable formulas. */
import { describe, expect, it } from "vitest";
import * as dims from "../../src/ir/dims.ts";
import type { Emit } from "../../src/ir/emit.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { simplify } from "../../src/simplify/simplify.ts";
import { runPass } from "../../src/support/trace.ts";
import type { Trace } from "../../src/support/trace.ts";
import { agree, draw, graphWith, leaf, run } from "../graphs/values.ts";

const N = dims.sym("N");
const K = 10;

const trace: Trace = { verify: true };
const passes = (graph: Graph): Graph => [normalise, differentiate, simplify].reduce((g, pass) => runPass(pass, g, trace), graph);
const node = (graph: Graph, name: string): Node => graph.outputs.find((o) => o.name === name)?.node as Node;
const grad = (b: Builder, value: Node, wrt: Node): Node => b.make("derive", { kind: "grad" }, [value, wrt]);
const mean = (e: Emit, x: Node): Node => e.div(e.reduce("sum", x, [0]), e.cast(e.size(N), "f32"));
const rows = (e: Emit, x: Node, like: Node): Node => e.broadcast(x, like.type.shape, [0]);

/** The parts of softmax over the last axis as the library writes them. */
function shifted(e: Emit, x: Node): { m: Node; y: Node; sum: Node } {
  const m = e.stop(e.reduce("max", x, [1]));
  const y = e.exp(e.sub(x, rows(e, m, x)));
  return { m, y, sum: e.reduce("sum", y, [1]) };
}

const softmax = (e: Emit, x: Node): Node => {
  const { y, sum } = shifted(e, x);
  return e.div(y, rows(e, sum, x));
};

const losses: Record<string, (e: Emit, l: Node, y: Node) => Node> = {
  "logsumexp - l[y]": (e, l, y) => {
    const { m, sum } = shifted(e, l);
    return mean(e, e.sub(e.add(m, e.log(sum)), e.gather(l, y, 1)));
  },
  "-log softmax, gathered": (e, l, y) => e.neg(mean(e, e.gather(e.log(softmax(e, l)), y, 1))),
  "-log of the gathered softmax": (e, l, y) => mean(e, e.neg(e.log(e.gather(softmax(e, l), y, 1)))),
  "log Σ exp, unshifted": (e, l, y) => mean(e, e.sub(e.log(e.reduce("sum", e.exp(l), [1])), e.gather(l, y, 1))),
  "-log of an unshifted softmax": (e, l, y) => {
    const u = e.exp(l);
    return mean(e, e.neg(e.log(e.gather(e.div(u, rows(e, e.reduce("sum", u, [1]), l)), y, 1))));
  },
};

describe("the gradient of softmax cross-entropy", () => {
  it.each(Object.entries(losses))("is (softmax - onehot) / N: %s", (_, loss) => {
    const b = new Builder();
    const [l, y] = [leaf(b, "l", [N, K]), leaf(b, "y", [N], "i32")];
    const graph = passes(graphWith(b, { p: softmax(b, l), dl: grad(b, loss(b, l, y), l) }));
    expect(printGraph(graph)).toBe(`graph evaluate
  %0 = leaf input "l" as f32[N, 10] : f32[N, 10]
  %1 = reduce max [1] (%0) : f32[N]
  %2 = view {[N, 10] <- [i0]} (%1) : f32[N, 10]
  %3 = neg (%2) : f32[N, 10]
  %4 = add (%0, %3) : f32[N, 10]
  %5 = exp (%4) : f32[N, 10]
  %6 = reduce sum [1] (%5) : f32[N]
  %7 = view {[N, 10] <- [i0]} (%6) : f32[N, 10]
  %8 = div (%5, %7) : f32[N, 10]
  %9 = iota {10} : i32[10]
  %10 = view {[N, 10] <- [i1]} (%9) : i32[N, 10]
  %11 = leaf input "y" as i32[N] : i32[N]
  %12 = view {[N, 10] <- [i0]} (%11) : i32[N, 10]
  %13 = compare == (%10, %12) : bool[N, 10]
  %14 = const 1 as f32[N, 10] : f32[N, 10]
  %15 = const 0 as f32[N, 10] : f32[N, 10]
  %16 = select (%13, %14, %15) : f32[N, 10]
  %17 = neg (%16) : f32[N, 10]
  %18 = add (%8, %17) : f32[N, 10]
  %19 = size {N} : i32
  %20 = cast f32 (%19) : f32
  %21 = view {[N, 10] <- []} (%20) : f32[N, 10]
  %22 = div (%18, %21) : f32[N, 10]
  output output "p" %8
  output output "dl" %22
`);
  });

  it("stays exact at logits of 1e4, where probabilities are 0 and 1", () => {
    for (const loss of Object.values(losses)) {
      const b = new Builder();
      const [l, y] = [leaf(b, "l", [N, K]), leaf(b, "y", [N], "i32")];
      const value = loss(b, l, y);
      const graph = passes(graphWith(b, { value, dl: grad(b, value, l) }));
      const logits = Array.from({ length: K }, (_, k) => (k === 3 ? 1e4 : -1e4));
      const got = run(graph, { l: logits, y: [5] }, { N: 1 });
      agree(got["value"]?.data, [2e4]);
      agree(got["dl"]?.data, logits.map((_, k) => (k === 3 ? 1 : k === 5 ? -1 : 0)));
    }
  });
});

describe("a formula and the call", () => {
  it("are one node: x @ W, sum[i] x[b,i] W[i,o] in both orders, and transposed operands", () => {
    const b = new Builder();
    const [x, w, wt] = [leaf(b, "x", [N, 3]), leaf(b, "w", [3, 4]), leaf(b, "wt", [4, 3])];
    const over = [N, 3, 4];
    const [sx, sw] = [b.broadcast(x, over, [0, 1]), b.broadcast(w, over, [1, 2])];
    const other = b.broadcast(w, [N, 4, 3], [2, 1]);
    const graph = simplify.run(
      graphWith(b, {
        call: b.contract(x, w, [0, 1], [1, 2], [0, 2]),
        formula: b.reduce("sum", b.mul(sx, sw), [1]),
        swapped: b.reduce("sum", b.mul(sw, sx), [1]),
        reordered: b.reduce("sum", b.mul(other, b.broadcast(x, [N, 4, 3], [0, 2])), [2]),
        turned: b.transpose(b.contract(w, x, [0, 1], [2, 0], [1, 2]), [1, 0]),
        viewed: b.contract(x, b.transpose(b.transpose(w, [1, 0]), [1, 0]), [0, 1], [1, 2], [0, 2]),
        scaled: b.neg(b.contract(b.neg(x), w, [0, 1], [1, 2], [0, 2])),
        other: b.contract(x, b.transpose(wt, [1, 0]), [0, 1], [1, 2], [0, 2]),
      }),
    );
    const call = node(graph, "call");
    expect(call.op).toBe("contract");
    for (const name of ["formula", "swapped", "reordered", "turned", "viewed", "scaled"]) expect(node(graph, name)).toBe(call);
    expect(node(graph, "other").inputs.every((n) => n.op === "leaf")).toBe(true);
  });

  it("make the adjoints of a dense layer two contractions and a sum", () => {
    const b = new Builder();
    const [x, w, c] = [leaf(b, "x", [N, 3]), leaf(b, "w", [3, 4]), leaf(b, "c", [4])];
    const over = [N, 3, 4];
    const z = b.add(b.reduce("sum", b.mul(b.broadcast(w, over, [1, 2]), b.broadcast(x, over, [0, 1])), [1]), b.broadcast(c, [N, 4], [1]));
    const loss = b.reduce("sum", b.mul(b.sin(z), z), [0, 1]);
    const graph = passes(graphWith(b, { dx: grad(b, loss, x), dw: grad(b, loss, w), dc: grad(b, loss, c) }));
    const heavy = topological(rootsOf(graph)).filter((n) => n.op === "contract" || n.op === "reduce" || n.op === "view");
    expect(heavy.map((n) => n.op)).toEqual(["contract", "view", "contract", "contract", "reduce"]);
    const inputs = draw(graph, 1, { N: 5 });
    agree(run(graph, inputs, { N: 5 })["dw"]?.data, run(differentiate.run(graphWith(b, { dw: grad(b, loss, w) })), inputs, { N: 5 })["dw"]?.data);
  });

  it("leave a product that is summed along all of its axes elementwise", () => {
    const b = new Builder();
    const [x, y] = [leaf(b, "x", [N, 3]), leaf(b, "y", [N, 3])];
    const graph = simplify.run(graphWith(b, { rows: b.contract(x, y, [0, 1], [0, 1], [0]), sum: b.reduce("sum", b.mul(x, y), [1]), outer: b.contract(x, leaf(b, "z", [4]), [0, 1], [2], [0, 1, 2]) }));
    expect(node(graph, "rows")).toBe(node(graph, "sum"));
    expect(node(graph, "outer").op).toBe("mul");
  });

  it("find matrix-vector products and convolutions", () => {
    const b = new Builder();
    const [x, v, image, kernel] = [leaf(b, "x", [N, 3]), leaf(b, "v", [3]), leaf(b, "image", [N, 2, 8, 8]), leaf(b, "kernel", [5, 2, 3, 3])];
    const over = [N, 5, 6, 6, 2, 3, 3];
    const form = (k: readonly number[]) => ({ numerator: { c: 0, k }, divisor: 1 });
    const windows = b.view(image, {
      shape: over,
      index: [form([1, 0, 0, 0, 0, 0, 0]), form([0, 0, 0, 0, 1, 0, 0]), form([0, 0, 1, 0, 0, 1, 0]), form([0, 0, 0, 1, 0, 0, 1])],
      guards: [],
    });
    const graph = simplify.run(
      graphWith(b, {
        vector: b.reduce("sum", b.mul(x, b.broadcast(v, [N, 3], [1])), [1]),
        call: b.contract(x, v, [0, 1], [1], [0]),
        conv: b.reduce("sum", b.mul(windows, b.broadcast(kernel, over, [1, 4, 5, 6])), [4, 5, 6]),
      }),
    );
    expect(node(graph, "vector")).toBe(node(graph, "call"));
    const conv = node(graph, "conv");
    expect(conv.op === "contract" && conv.inputs[1]?.op === "leaf" && conv.inputs[0]?.type.shape.length).toBe(6);
  });
});

describe("stable formulas", () => {
  const one = (e: Emit, x: Node): Node => e.like(x, 1);
  const far = [-1e4, -40, -1, 0, 1, 40, 1e4];
  const softplus = far.map((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
  const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

  const formulas: readonly (readonly [string, (e: Emit, x: Node) => Node, readonly number[], readonly number[]])[] = [
    ["log(1 + exp(x))", (e, x) => e.log(e.add(one(e, x), e.exp(x))), softplus, far.map(sigmoid)],
    ["log1p(exp(x))", (e, x) => e.make("log1p", {}, [e.exp(x)]), softplus, far.map(sigmoid)],
    ["log(sigmoid(x))", (e, x) => e.log(e.sigmoid(x)), softplus.map((s, i) => (far[i] as number) - s), far.map((x) => sigmoid(-x))],
    ["log(1 - sigmoid(x))", (e, x) => e.log(e.sub(one(e, x), e.sigmoid(x))), softplus.map((s) => -s), far.map((x) => -sigmoid(x))],
    ["log(1 / (1 + exp(-x)))", (e, x) => e.log(e.div(one(e, x), e.add(one(e, x), e.exp(e.neg(x))))), softplus.map((s, i) => (far[i] as number) - s), far.map((x) => sigmoid(-x))],
    ["log(exp(x))", (e, x) => e.log(e.exp(x)), far, far.map(() => 1)],
  ];

  it.each(formulas)("%s and its gradient are right far out", (_, formula, values, slopes) => {
    const b = new Builder();
    const x = leaf(b, "x", [far.length]);
    const y = formula(b, x);
    const graph = passes(graphWith(b, { y, dy: grad(b, b.reduce("sum", y, [0]), x) }));
    const got = run(graph, { x: far });
    agree(got["y"]?.data, values);
    agree(got["dy"]?.data, slopes);
  });

  it("the gradient of softplus is written as sigmoid", () => {
    const b = new Builder();
    const x = leaf(b, "x", [5]);
    const y = b.log(b.add(b.exp(x), one(b, x)));
    const graph = passes(graphWith(b, { dy: grad(b, b.reduce("sum", y, [0]), x) }));
    expect(topological(rootsOf(graph)).map((n) => n.op)).toEqual(["leaf", "sigmoid"]);
  });

  it("log of softmax is stable behind transposes, reshapes and gathers", () => {
    const b = new Builder();
    const x = leaf(b, "x", [2, 3]);
    const p = softmax(b, x);
    const graph = passes(graphWith(b, { turned: b.log(b.transpose(p, [1, 0])), flat: b.log(b.reshape(p, [6])), some: b.log(b.gather(b.reshape(p, [6]), b.const({ dtype: "i32", shape: [2] }, [0, 4]), 0)) }));
    const got = run(graph, { x: [1e4, 0, -1e4, 0, 1, 2] });
    const second = [0, 1, 2].map((v) => v - Math.log(1 + Math.E + Math.E ** 2));
    agree(got["flat"]?.data, [0, -1e4, -2e4, ...second]);
    agree(got["turned"]?.data, [0, second[0], -1e4, second[1], -2e4, second[2]] as number[]);
    agree(got["some"]?.data, [0, second[1]] as number[]);
  });

  it("a softmax over the terms that a guard keeps overflows nowhere, nor does its gradient", () => {
    const b = new Builder();
    const x = leaf(b, "x", [2, 3]);
    const kept = b.const({ dtype: "bool", shape: [2, 3] }, [1, 1, 0, 0, 1, 1]);
    const y = b.exp(x);
    const sum = b.reduce("sum", y, [1], kept);
    const p = b.select(kept, b.div(y, rows(b, sum, x)), b.like(x, 0));
    const second = b.reduce("sum", b.mul(p, b.const({ dtype: "f32", shape: [2, 3] }, [0, 0, 0, 0, 0, 1])), [0, 1]);
    const got = run(passes(graphWith(b, { p, log: b.log(sum), dx: grad(b, second, x) })), { x: [1e4, 0, 2e4, 1e4, 0, 1] });
    const σ = 1 / (1 + Math.exp(-1));
    agree(got["p"]?.data, [1, 0, 0, 0, 1 - σ, σ]);
    agree(got["log"]?.data, [1e4, Math.log(1 + Math.E)]);
    agree(got["dx"]?.data, [0, 0, 0, 0, -σ * (1 - σ), σ * (1 - σ)]);
  });

  it("exp(x) - 1 is expm1 and max(x, 0) a choice", () => {
    const b = new Builder();
    const x = leaf(b, "x", [5]);
    const graph = passes(graphWith(b, { y: b.sub(b.exp(x), one(b, x)), r: b.max(b.like(x, 0), x) }));
    expect(node(graph, "y").op).toBe("expm1");
    expect(node(graph, "r").op).toBe("select");
  });
});

describe("the gradient of binary cross-entropy", () => {
  const bce: Record<string, (e: Emit, z: Node, y: Node) => Node> = {
    "of probabilities": (e, z, y) => {
      const p = e.sigmoid(z);
      const one = e.like(y, 1);
      return e.neg(mean(e, e.add(e.mul(y, e.log(p)), e.mul(e.sub(one, y), e.log(e.sub(one, p))))));
    },
    "of logits": (e, z, y) => mean(e, e.sub(e.log(e.add(e.like(z, 1), e.exp(z))), e.mul(y, z))),
  };

  it.each(Object.entries(bce))("is (sigmoid(z) - y) / N: %s", (_, loss) => {
    const b = new Builder();
    const [z, y] = [leaf(b, "z", [N]), leaf(b, "y", [N])];
    const graph = passes(graphWith(b, { dz: grad(b, loss(b, z, y), z) }));
    expect(printGraph(graph)).toBe(`graph evaluate
  %0 = leaf input "z" as f32[N] : f32[N]
  %1 = sigmoid (%0) : f32[N]
  %2 = leaf input "y" as f32[N] : f32[N]
  %3 = neg (%2) : f32[N]
  %4 = add (%1, %3) : f32[N]
  %5 = size {N} : i32
  %6 = cast f32 (%5) : f32
  %7 = view {[N] <- []} (%6) : f32[N]
  %8 = div (%4, %7) : f32[N]
  output output "dz" %8
`);
  });
});

describe("integers and what is detected", () => {
  it("constants fold as 32-bit integers", () => {
    const b = new Builder();
    const i32 = (v: number): Node => b.const({ dtype: "i32", shape: [] }, v);
    const u32 = (v: number): Node => b.const({ dtype: "u32", shape: [] }, v);
    const graph = simplify.run(graphWith(b, { over: b.add(i32(2 ** 31 - 1), i32(1)), round: b.mul(u32(2 ** 31), u32(2)), floor: b.make("floordiv", {}, [i32(-7), i32(2)]) }));
    expect(["over", "round", "floor"].map((name) => run(graph, {})[name]?.data[0])).toEqual([-(2 ** 31), 0, -4]);
    expect(topological(rootsOf(graph)).every((n) => n.op === "const")).toBe(true);
  });

  it("no rule answers `finite` for a value that was not a constant", () => {
    const b = new Builder();
    const x = leaf(b, "x", [3]);
    const graph = passes(graphWith(b, { ok: b.finite(b.log(b.exp(b.mul(x, b.like(x, 2))))) }));
    expect(node(graph, "ok").op).toBe("finite");
  });
});
