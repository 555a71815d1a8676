/** The pass that takes derivatives: against central differences, to higher orders, under marks, through loops and long chains. */
import { describe, expect, it } from "vitest";
import * as dims from "../../src/ir/dims.ts";
import type { Emit } from "../../src/ir/emit.ts";
import type { Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import { reaches } from "../../src/grad/activity.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { agree, differences, draw, graphWith, leaf, run } from "../graphs/values.ts";

const N = dims.sym("N");

/** A loss of inputs x [3, 2] and w [2, 4], smooth, mid-graph: times a coefficient, plus another term. */
function smooth(e: Emit, x: Node, w: Node): Node {
  const h = e.make("tanh", {}, [e.contract(x, w, [0, 1], [1, 2], [0, 2])]);
  const s = e.reduce("sum", e.exp(e.mul(h, e.like(h, 0.5))), [1]);
  const y = e.mul(e.log(s), e.sin(e.reduce("sum", x, [1])));
  return e.add(e.mul(e.reduce("sum", y, [0]), e.scalar(1.7)), e.reduce("sum", e.mul(w, w), [0, 1]));
}

/** grad of `value` by each of `wrt`, differentiated. */
function gradients(b: Builder, value: Node, wrt: readonly Node[], more: Record<string, Node> = {}): Graph {
  const forms = wrt.map((w, i) => [`d${i}`, b.make("derive", { kind: "grad" }, [value, w])] as const);
  return differentiate.run(graphWith(b, { loss: value, ...Object.fromEntries(forms), ...more }));
}

describe("grad", () => {
  it("equals central differences, for each of several leaves", () => {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [3, 2]), leaf(b, "w", [2, 4])];
    const graph = gradients(b, smooth(b, x, w), [x, w]);
    differentiate.verify?.(graph);
    const inputs = draw(graph, 1);
    const got = run(graph, inputs);
    agree(got["d0"]?.data, differences(graph, inputs, "x"));
    agree(got["d1"]?.data, differences(graph, inputs, "w"));
  });

  it("knows the size symbols of the batch", () => {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [N, 2]), leaf(b, "w", [2])];
    const y = b.make("tanh", {}, [b.contract(x, w, [0, 1], [1], [0])]);
    const mean = b.div(b.reduce("sum", b.mul(y, y), [0]), b.cast(b.size(N), "f32"));
    const graph = gradients(b, mean, [w]);
    for (const n of [1, 5]) {
      const inputs = draw(graph, n, { N: n });
      agree(run(graph, inputs, { N: n })["d0"]?.data, differences(graph, inputs, "w", { N: n }));
    }
  });

  it("takes a second order: the gradient of a gradient", () => {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [3, 2]), leaf(b, "w", [2, 4])];
    const g = b.make("derive", { kind: "grad" }, [smooth(b, x, w), x]);
    const penalty = b.reduce("sum", b.mul(g, b.sin(g)), [0, 1]);
    const graph = gradients(b, penalty, [w, x]);
    const inputs = draw(graph, 3);
    const got = run(graph, inputs);
    agree(got["d0"]?.data, differences(graph, inputs, "w"));
    agree(got["d1"]?.data, differences(graph, inputs, "x"));
  });

  it("takes a third order of one number", () => {
    const b = new Builder();
    const x = leaf(b, "x", []);
    const d1 = b.make("derive", { kind: "grad" }, [b.sin(x), x]);
    const d2 = b.make("derive", { kind: "grad" }, [d1, x]);
    const d3 = b.make("derive", { kind: "grad" }, [d2, x]);
    const graph = differentiate.run(graphWith(b, { d1, d2, d3 }));
    const got = run(graph, { x: [0.7] });
    agree(got["d1"]?.data, [Math.cos(0.7)]);
    agree(got["d2"]?.data, [-Math.sin(0.7)]);
    agree(got["d3"]?.data, [-Math.cos(0.7)]);
  });

  it("is zeros of its type where the value does not depend on it, and says so", () => {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [3]), leaf(b, "w", [2, 4])];
    const value = b.reduce("sum", b.mul(x, b.stop(b.exp(x))), [0]);
    expect(reaches(value, x)).toBe(true);
    expect(reaches(value, w)).toBe(false);
    expect(reaches(b.reduce("sum", b.stop(x), [0]), x)).toBe(false);
    expect(reaches(b.cast(b.argmax(x, 0), "f32"), x)).toBe(false);
    const got = run(gradients(b, value, [w]), { x: [1, 2, 3] });
    expect([...(got["d0"]?.data ?? [])]).toEqual(new Array(8).fill(0));
  });

  it("compiles a chain of 100,000 nodes", () => {
    const b = new Builder();
    const x = leaf(b, "x", []);
    let y = x;
    for (let i = 0; i < 50_000; i++) y = b.sin(b.add(y, x));
    const graph = gradients(b, y, [x]);
    expect(topological(rootsOf(graph)).length).toBeGreaterThan(100_000);
  });
});

describe("marks", () => {
  it("differentiates by the name, not by its equal", () => {
    const b = new Builder();
    const zeros = b.const({ dtype: "f32", shape: [3] }, 0);
    const [a, c] = [b.mark(zeros, "a"), b.mark(zeros, "b")];
    const value = b.reduce("sum", b.add(b.sin(a), b.exp(c)), [0]);
    const got = run(gradients(b, value, [a, c]), {});
    agree(got["d0"]?.data, [1, 1, 1]);
    agree(got["d1"]?.data, [1, 1, 1]);
    const twice = b.reduce("sum", b.add(b.sin(a), b.mul(c, b.like(c, 5))), [0]);
    agree(run(gradients(b, twice, [a]), {})["d0"]?.data, [1, 1, 1]);
  });

  it("does not see past the mark, and sees through marks on the way", () => {
    const b = new Builder();
    const x = leaf(b, "x", [2]);
    const h = b.mark(b.sin(x), "h");
    const value = b.reduce("sum", b.mul(h, x), [0]);
    const graph = gradients(b, value, [h, x]);
    const got = run(graph, { x: [0.3, -1.2] });
    agree(got["d0"]?.data, [0.3, -1.2]);
    agree(got["d1"]?.data, [0.3, -1.2].map((v) => Math.cos(v) * v + Math.sin(v)));
    expect(topological(rootsOf(graph)).some((n) => n.op === "mark")).toBe(false);
  });
});

describe("jvp, hvp", () => {
  it("jvp is the directional derivative", () => {
    const b = new Builder();
    const [x, w, v] = [leaf(b, "x", [3, 2]), leaf(b, "w", [2, 4]), leaf(b, "v", [3, 2])];
    const h = b.exp(b.contract(x, w, [0, 1], [1, 2], [0, 2]));
    const jvp = b.make("derive", { kind: "jvp" }, [h, x, v]);
    // The same by hand: h * (v @ w).
    const hand = b.mul(h, b.contract(v, w, [0, 1], [1, 2], [0, 2]));
    const graph = differentiate.run(graphWith(b, { jvp, hand }));
    const got = run(graph, draw(graph, 5));
    agree(got["jvp"]?.data, got["hand"]?.data);
    expect(topological(rootsOf(graph)).filter((n) => n.op === "leaf").length).toBe(3);
  });

  it("hvp is the difference quotient of the gradient, and keeps its vector still", () => {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [3, 2]), leaf(b, "w", [2, 4])];
    const loss = smooth(b, x, w);
    const g = b.make("derive", { kind: "grad" }, [loss, w]);
    const hv = b.make("derive", { kind: "hvp" }, [loss, w, g]);
    const graph = differentiate.run(graphWith(b, { g, hv }));
    const inputs = draw(graph, 7);
    const at = (t: number): readonly number[] => {
      const w0 = inputs["w"] as readonly number[];
      const g0 = run(graph, inputs)["g"]?.data as Float64Array;
      return [...(run(graph, { ...inputs, w: w0.map((v, i) => v + t * (g0[i] as number)) })["g"]?.data ?? [])];
    };
    const [plus, minus] = [at(1e-6), at(-1e-6)];
    agree(run(graph, inputs)["hv"]?.data, plus.map((p, i) => (p - (minus[i] as number)) / 2e-6));
  });
});

describe("a derivative inside a loss", () => {
  it("gives the gradient penalty of the language's example", () => {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [4, 2]), leaf(b, "w", [2, 3])];
    const at = b.mark(x, "x");
    const score = b.reduce("sum", b.make("tanh", {}, [b.contract(at, w, [0, 1], [1, 2], [0, 2])]), [0, 1]);
    const slope = b.make("derive", { kind: "grad" }, [score, at]);
    const length = b.sqrt(b.add(b.reduce("sum", b.mul(slope, slope), [1]), b.const({ dtype: "f32", shape: [4] }, 1e-12)));
    const off = b.add(length, b.like(length, -1));
    const penalty = b.mul(b.reduce("sum", b.mul(off, off), [0]), b.scalar(2.5));
    const graph = gradients(b, penalty, [w]);
    const inputs = draw(graph, 11);
    agree(run(graph, inputs)["d0"]?.data, differences(graph, inputs, "w"));
  });
});

describe("origins", () => {
  it("a gradient's nodes have the places of their forward node and say which rule made them", () => {
    const b = new Builder();
    const source = { path: "t.dl", text: "exp(x) * x" };
    const x = leaf(b, "x", [3]);
    const y = b.origin([{ source, start: 0, end: 6 }], undefined, () => b.exp(x));
    const loss = b.origin([{ source, start: 0, end: 10 }], undefined, () => b.reduce("sum", b.mul(y, x), [0]));
    const graph = gradients(b, loss, [x]);
    const made = topological(rootsOf(graph)).flatMap((n) => graph.origins.get(n) ?? []).filter((o) => o.reason !== undefined);
    expect(made.map((o) => o.reason)).toContain("gradient of exp with respect to input 0");
    for (const o of made) expect(o.spans.length).toBeGreaterThan(0);
  });
});

describe("a value with a gradient of its own", () => {
  /** f(u) = sign(u), with the adjoint 2 dy u + out, in a graph: sum(w · f(x · x)). */
  function program(): { readonly b: Builder; readonly x: Node; readonly loss: Node } {
    const b = new Builder();
    const [x, w] = [leaf(b, "x", [3]), leaf(b, "w", [3])];
    const u = b.mul(x, x);
    const [dy, out] = ["dy 0", "out 1"].map((path) => b.leaf({ kind: "rule", path, type: u.type })) as [Node, Node];
    const value = b.select(b.compare(">", u, b.like(u, 0)), b.like(u, 1), b.like(u, -1));
    const adjoint = b.mul(dy, b.add(b.mul(b.like(u, 2), u), out));
    const f = b.make("custom", { name: "f", rules: 1 }, [value, dy, out, u, adjoint]);
    return { b, x, loss: b.reduce("sum", b.mul(w, f), [0]) };
  }

  it("is differentiated by its rule, and the rule again", () => {
    const { b, x, loss } = program();
    const g = b.make("derive", { kind: "grad" }, [loss, x]);
    const second = b.make("derive", { kind: "grad" }, [b.reduce("sum", g, [0]), x]);
    const graph = differentiate.run(graphWith(b, { loss, g, second }));
    differentiate.verify?.(graph);
    const inputs = draw(graph, 7);
    const got = run(graph, inputs);
    const [xs, ws] = ["x", "w"].map((n) => [...(inputs[n] ?? [])]) as [number[], number[]];
    // With u = x²: dL/du = w (2 u + f), f = 1; and d f/du is the rule for an arriving 1.
    agree(got["g"]?.data, xs.map((v, k) => (ws[k] as number) * (2 * v * v + 1) * 2 * v));
    agree(got["second"]?.data, xs.map((v, k) => (ws[k] as number) * ((2 + (2 * v * v + 1)) * 4 * v * v + (2 * v * v + 1) * 2)));
  });

  it("leaves nothing behind where no derivative is taken", () => {
    const { b, loss } = program();
    const graph = differentiate.run(graphWith(b, { loss }));
    differentiate.verify?.(graph);
    expect(topological(rootsOf(graph)).some((n) => n.op === "custom" || (n.op === "leaf" && n.attrs.kind === "rule"))).toBe(false);
  });
});
