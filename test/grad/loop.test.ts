/** Gradients of loops: a small recurrent network as a fold, to second order, and loops tidied afterwards. */
import { describe, expect, it } from "vitest";
import type { Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import { closeLoop } from "../../src/grad/close-loop.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { tidyLoops } from "../../src/grad/tidy-loops.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { simplify } from "../../src/simplify/simplify.ts";
import { agree, differences, draw, graphWith, leaf, run } from "../graphs/values.ts";

const trip = 4;

/** h <- tanh(x[t] @ U + h @ W + c), every h stacked. */
function recurrent(b: Builder, reverse = false): { x: Node; U: Node; W: Node; c: Node; h0: Node; last: Node; all: Node } {
  const [x, U, W, c, h0] = [leaf(b, "x", [trip, 2, 3]), leaf(b, "U", [3, 2]), leaf(b, "W", [2, 2]), leaf(b, "c", [2]), leaf(b, "h0", [2, 2])];
  const inner = (kind: "carry" | "slice" | "capture", path: string, of: Node): Node =>
    b.leaf({ kind, path, type: { dtype: "f32", shape: kind === "slice" ? of.type.shape.slice(1) : of.type.shape } });
  const [h, xt, u, w, k] = [inner("carry", "h", h0), inner("slice", "x", x), inner("capture", "U", U), inner("capture", "W", W), inner("capture", "c", c)];
  const into = b.add(b.contract(xt, u, [0, 1], [1, 2], [0, 2]), b.contract(h, w, [0, 1], [1, 2], [0, 2]));
  const next = b.make("tanh", {}, [b.add(into, b.broadcast(k, [2, 2], [1]))]);
  const loop = closeLoop(b, {
    trip, reverse,
    carries: [{ leaf: h, init: h0, next }],
    slices: [{ leaf: xt, input: x }],
    captures: [{ leaf: u, input: U }, { leaf: w, input: W }, { leaf: k, input: c }],
    stacks: [next],
  });
  return { x, U, W, c, h0, last: b.pick(loop, 0), all: b.pick(loop, 1) };
}

const sum = (b: Builder, y: Node): Node => b.reduce("sum", y, y.type.shape.map((_, a) => a));

function loops(graph: Graph): Node[] {
  return topological(rootsOf(graph)).filter((n) => n.op === "loop");
}

describe.each([false, true])("a fold, reverse %s", (reverse) => {
  const names = ["x", "U", "W", "c", "h0"] as const;

  it("has the gradient of its last carry and of its stacks, by every input", () => {
    const b = new Builder();
    const r = recurrent(b, reverse);
    const loss = b.add(b.mul(sum(b, b.mul(r.last, r.last)), b.scalar(0.7)), sum(b, b.sin(b.mul(r.all, b.like(r.all, 3)))));
    const forms = Object.fromEntries(names.map((n) => [n, b.make("derive", { kind: "grad" }, [loss, r[n]])]));
    const graph = differentiate.run(graphWith(b, { loss, ...Object.fromEntries(names.map((n) => [`d${n}`, forms[n] as Node])) }));
    const inputs = draw(graph, 2);
    const got = run(graph, inputs);
    for (const n of names) agree(got[`d${n}`]?.data, differences(graph, inputs, n));
    expect(loops(graph).length).toBe(2);
  });

  it("has a second order: the gradient of the norm of a gradient", () => {
    const b = new Builder();
    const r = recurrent(b, reverse);
    const g = b.make("derive", { kind: "grad" }, [sum(b, b.mul(r.last, r.last)), r.W]);
    const loss = b.add(sum(b, b.mul(g, g)), sum(b, r.all));
    const forms = Object.fromEntries(names.map((n) => [`d${n}`, b.make("derive", { kind: "grad" }, [loss, r[n]])]));
    const graph = differentiate.run(graphWith(b, { loss, ...forms }));
    const inputs = draw(graph, 4);
    const got = run(graph, inputs);
    for (const n of names) agree(got[`d${n}`]?.data, differences(graph, inputs, n));
  });

  it("is the same after normalise and simplify", () => {
    const b = new Builder();
    const r = recurrent(b, reverse);
    const loss = b.add(sum(b, b.mul(r.last, r.last)), sum(b, b.sin(r.all)));
    const form = graphWith(b, { loss, dW: b.make("derive", { kind: "grad" }, [loss, r.W]), dx: b.make("derive", { kind: "grad" }, [loss, r.x]) });
    const plain = differentiate.run(form);
    const simple = simplify.run(differentiate.run(normalise.run(form)));
    const inputs = draw(form, 6);
    for (const key of ["loss", "dW", "dx"]) agree(run(simple, inputs)[key]?.data, run(plain, inputs)[key]?.data, 1e-10);
    expect(printGraph(simplify.run(simple))).toBe(printGraph(simple));
  });
});

describe("forward derivatives of a fold", () => {
  it("jvp is the difference quotient along the tangent, hvp that of the gradient", () => {
    const b = new Builder();
    const r = recurrent(b);
    const v = leaf(b, "v", [2, 2]);
    const loss = b.add(sum(b, b.mul(r.last, r.last)), sum(b, b.sin(r.all)));
    const graph = differentiate.run(
      graphWith(b, {
        last: r.last,
        tangent: b.make("derive", { kind: "jvp" }, [r.last, r.W, v]),
        g: b.make("derive", { kind: "grad" }, [loss, r.W]),
        hv: b.make("derive", { kind: "hvp" }, [loss, r.W, v]),
      }),
    );
    const inputs = draw(graph, 8);
    const h = 1e-6;
    const moved = (t: number, name: string): Float64Array => {
      const W = (inputs["W"] as readonly number[]).map((w, i) => w + t * ((inputs["v"] as readonly number[])[i] as number));
      return run(graph, { ...inputs, W })[name]?.data as Float64Array;
    };
    const quotient = (name: string): number[] => [...moved(h, name)].map((p, i) => (p - (moved(-h, name)[i] as number)) / (2 * h));
    agree(run(graph, inputs)["tangent"]?.data, quotient("last"));
    agree(run(graph, inputs)["hv"]?.data, quotient("g"));
  });
});

describe("what a loop carries but does not derive", () => {
  it("integers and stopped carries have no path; an unread carry passes nothing on", () => {
    const b = new Builder();
    const [x, s0] = [leaf(b, "x", [2]), leaf(b, "s0", [2])];
    const s = b.leaf({ kind: "carry", path: "s", type: { dtype: "f32", shape: [2] } });
    const k = b.leaf({ kind: "carry", path: "k", type: { dtype: "i32", shape: [] } });
    const v = b.leaf({ kind: "capture", path: "x", type: { dtype: "f32", shape: [2] } });
    const turn = b.leaf({ kind: "iteration", path: "", type: { dtype: "i32", shape: [] } });
    const weight = b.broadcast(b.cast(b.add(k, turn), "f32"), [2], []);
    const loop = closeLoop(b, {
      trip: 3, reverse: false,
      carries: [{ leaf: s, init: s0, next: b.add(b.stop(s), b.mul(b.mul(v, v), weight)) }, { leaf: k, init: b.const({ dtype: "i32", shape: [] }, 1), next: b.add(k, turn) }],
      slices: [], captures: [{ leaf: v, input: x }], stacks: [],
    });
    const loss = sum(b, b.pick(loop, 0));
    const graph = differentiate.run(graphWith(b, { loss, dx: b.make("derive", { kind: "grad" }, [loss, x]), ds: b.make("derive", { kind: "grad" }, [loss, s0]) }));
    const inputs = { x: [0.5, -2], s0: [1, 1] };
    // Only the last turn counts: k = 1 + 0 + 1 = 2 and turn = 2, so the weight is 4.
    agree(run(graph, inputs)["dx"]?.data, [0.5, -2].map((p) => 8 * p));
    agree(run(graph, inputs)["ds"]?.data, [0, 0]);
  });
});

describe("tidyLoops", () => {
  it("drops results that nobody reads, with what only they needed", () => {
    const b = new Builder();
    const r = recurrent(b);
    const [last] = tidyLoops(b, [r.last]);
    const loop = last?.inputs[0];
    expect(loop?.op === "loop" && loop.attrs.body.results.length).toBe(1);
    const inputs = draw(graphWith(b, { y: r.last }), 1);
    agree(run(graphWith(b, { y: last as Node }), inputs)["y"]?.data, run(graphWith(b, { y: r.last }), inputs)["y"]?.data, 0);
  });
});
