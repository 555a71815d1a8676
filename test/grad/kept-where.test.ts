/** Gradients of values that several choices use, at points where none of them takes it and its slope is infinite: against central differences. */
import { describe, expect, it } from "vitest";
import type { Graph, Node } from "../../src/ir/node.ts";
import { Builder } from "../../src/graph/builder.ts";
import { rootsOf, topological } from "../../src/graph/walk.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { normaliseBy } from "../../src/simplify/normalise.ts";
import { simplifyBy } from "../../src/simplify/simplify.ts";
import { agree, differences, draw, graphWith, leaf, numbers, run } from "../graphs/values.ts";

const size = 9;
/** Where each of these is infinite or no number: beyond the first number. */
const poles: readonly ((b: Builder, t: Node) => Node)[] = [
  (b, t) => b.exp(b.mul(b.like(t, 4000), b.sub(t, b.like(t, 1)))),
  (b, t) => b.sqrt(b.sub(b.like(t, 1), t)),
  (b, t) => b.log(b.sub(b.like(t, 1), t)),
  (b, t) => b.div(b.like(t, 1), b.max(b.sub(b.like(t, 1), t), b.like(t, 0))),
  (b, t) => b.pow(b.sub(b.like(t, 1), t), 1.5),
];

/** A loss of w [9] that a pole f(w) goes into by random ways, each of them behind choices that take it where it is finite. */
function random(seed: number): { readonly b: Builder; readonly w: Node; readonly loss: Node } {
  const next = numbers(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const b = new Builder();
  const [w, x] = [leaf(b, "w", [size]), leaf(b, "x", [size])];
  const zero = b.like(w, 0);
  const pole = pick(poles)(b, w);
  /** Holds at some of the points where the pole is finite, or at all of them but by another condition. */
  const some = (): Node => pick([() => b.compare("<", w, b.like(w, pick([0.2, 0.9]))), () => b.logic("and", b.compare("<", w, b.like(w, 0.9)), b.compare(">", x, b.like(x, 2 * next() - 1)))])();
  const choose = (c: Node, y: Node): Node => (next() < 0.5 ? b.select(c, y, zero) : b.select(b.not(c), zero, y));
  const ways: readonly ((y: Node) => Node)[] = [
    (y) => b.sin(y), (y) => b.neg(y), (y) => b.mul(y, x), (y) => b.mul(y, b.like(y, 3)), (y) => b.make("tanh", {}, [y]), (y) => b.max(y, b.like(y, 0.3)),
    (y) => b.max(y, b.neg(y)), (y) => b.max(y, b.mul(y, y)), (y) => b.add(y, b.like(y, 1)), (y) => b.transpose(b.reshape(y, [3, 3]), [1, 0]), (y) => b.div(y, b.add(b.mul(x, x), b.like(x, 1))),
  ];
  // What moved elements takes them back before a choice looks at them.
  const used = [pole];
  for (let k = 0; k < 3; k++) {
    const from = pick(used);
    const made = pick(ways)(from);
    const back = made.type.shape.length === 2 ? b.reshape(b.transpose(made, [1, 0]), [size]) : made;
    used.push(back);
  }
  const terms = Array.from({ length: 2 + Math.floor(next() * 3) }, () => {
    const chosen = choose(some(), pick(used));
    const kind = next();
    if (kind < 0.3) return choose(some(), b.add(chosen, choose(some(), pick(used))));
    return kind < 0.5 ? choose(some(), b.mul(b.add(chosen, choose(some(), pick(used))), x)) : chosen;
  });
  const sum = terms.reduce((a, y) => b.add(a, y));
  return { b, w, loss: b.reduce("sum", b.mul(b.sin(sum), b.cos(x)), [0]) };
}

function compiled(b: Builder, values: Readonly<Record<string, Node>>): Graph {
  const off: ReadonlySet<string> = new Set();
  return simplifyBy({ off }).run(differentiate.run(normaliseBy({ off }).run(graphWith(b, values))));
}

const grad = (b: Builder, loss: Node, w: Node): Node => b.make("derive", { kind: "grad" }, [loss, w]);
/** Points on both sides of every condition, at the pole itself and beyond it; none at a jump. */
const points = [-0.5, 0.1, 0.5, 0.7, 1, 1.5, 2, 0.3, 1.2];

describe("a value that several choices use", () => {
  it("has the gradient that differences say, also where none takes it, in 400 random graphs", () => {
    let beyond = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const { b, w, loss } = random(seed);
      const graph = compiled(b, { loss, g: grad(b, loss, w) });
      const inputs = { ...draw(graph, seed), w: points };
      const found = run(graph, inputs)["g"]?.data ?? new Float64Array();
      agree(found, differences(graph, inputs, "w"));
      beyond += [...found].filter((g, k) => (points[k] as number) >= 1 && g === 0).length;
    }
    expect(beyond).toBe(400 * points.filter((p) => p >= 1).length);
  });

  it("so does the gradient of its gradient", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { b, w, loss } = random(seed);
      const first = b.reduce("sum", b.sin(grad(b, loss, w)), [0]);
      const graph = compiled(b, { loss: first, g: grad(b, first, w) });
      const inputs = { ...draw(graph, seed), w: points };
      agree(run(graph, inputs)["g"]?.data, differences(graph, inputs, "w"));
    }
  });

  it("stays infinite where one of them takes it", () => {
    const b = new Builder();
    const w = leaf(b, "w", [size]);
    const root = b.sqrt(b.sub(b.like(w, 1), w));
    const [below, above] = [1.1, 0].map((at) => b.select(b.compare("<", w, b.like(w, at)), b.mul(root, b.like(w, at + 1)), b.like(w, 0))) as [Node, Node];
    const found = run(compiled(b, { g: grad(b, b.reduce("sum", b.add(below, above), [0]), w) }), { w: points })["g"]?.data;
    expect([...(found ?? [])].map((g) => Number.isFinite(g))).toEqual(points.map((p) => p !== 1));
  });
});

describe("what choices add to a gradient", () => {
  const counts = (graph: Graph, of: Node["op"]): number => topological(rootsOf(graph)).filter((n) => n.op === of).length;
  const chain = (b: Builder, w: Node, n: number, last: Node): Node => {
    const y = b.exp(w);
    return Array.from({ length: n }, (_, k) => n - k).reduce((rest, k) => b.select(b.compare("<", w, b.like(w, k)), b.mul(y, b.like(y, k + 0.5)), rest), last);
  };

  it("is nothing where all cases together take the value", () => {
    const b = new Builder();
    const w = leaf(b, "w", [size]);
    const y = b.exp(w);
    const loss = (last: Node): Node => b.reduce("sum", chain(b, w, 6, last), [0]);
    const [all, not] = [loss(b.sin(y)), loss(b.like(y, 1))].map((l) => differentiate.run(graphWith(b, { g: grad(b, l, w) }))) as [Graph, Graph];
    expect(counts(all, "logic")).toBe(0);
    expect(counts(not, "logic")).toBeGreaterThan(0);
  });

  it("is nothing where the value is finite whatever its leaves are", () => {
    const b = new Builder();
    const [w, x] = [leaf(b, "w", [size]), leaf(b, "x", [size])];
    const y = b.mul(b.make("tanh", {}, [w]), x);
    const part = (at: number): Node => b.select(b.compare("<", x, b.like(x, at)), b.mul(y, b.like(y, at)), b.like(y, 0));
    expect(counts(differentiate.run(graphWith(b, { g: grad(b, b.reduce("sum", b.add(part(1), part(2)), [0]), w) })), "logic")).toBe(0);
  });

  it("grows with the choices, not with their square, and 20,000 of them are no deeper than one", () => {
    const sizeOf = (make: (b: Builder, w: Node) => Node): number => {
      const b = new Builder();
      const w = leaf(b, "w", [size]);
      return topological(rootsOf(differentiate.run(graphWith(b, { g: grad(b, b.reduce("sum", make(b, w), [0]), w) })))).length;
    };
    const sum = (n: number) => (b: Builder, w: Node): Node => {
      const y = b.exp(w);
      return Array.from({ length: n }, (_, k) => b.select(b.compare("<", w, b.like(w, k)), b.mul(y, b.like(y, k + 0.5)), b.like(y, 0))).reduce((p, q) => b.add(p, q));
    };
    const nested = (n: number) => (b: Builder, w: Node): Node => chain(b, w, n, b.like(w, 1));
    for (const make of [sum, nested]) {
      const [one, two, four] = [50, 100, 200].map((n) => sizeOf(make(n))) as [number, number, number];
      expect(four - two).toBeLessThan(2.1 * (two - one));
    }
    expect(sizeOf(sum(20_000))).toBeLessThan(500_000);
  });
});
