/** Every rule of the table on its own example: it fires, keeps the value, and keeps the derivative if it runs before differentiation. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../src/graph/builder.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { topological } from "../../src/graph/walk.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { InternalError } from "../../src/support/diagnostic.ts";
import { rewriteGraph } from "../../src/simplify/rewrite-graph.ts";
import { rule } from "../../src/simplify/rule.ts";
import { table } from "../../src/simplify/table.ts";
import { agree, draw, graphWith, leaf, run } from "../graphs/values.ts";

describe.each(table.map((r) => [r.name, r] as const))("%s", (name, r) => {
  const b = new Builder();
  const root = r.example(b);
  const graph = graphWith(b, { y: root });
  const after = rewriteGraph(graph, { rules: [r] });

  it("fires on its example and keeps the value", () => {
    expect(after.ledger.hits.get(name) ?? 0).toBeGreaterThan(0);
    for (let seed = 0; seed < 20; seed++) {
      const inputs = draw(graph, seed);
      agree(run(after.graph, inputs)["y"]?.data, run(graph, inputs)["y"]?.data, 1e-12);
    }
  });

  const floats = topological([root]).filter((n) => n.op === "leaf" && n.type.dtype === "f32");
  if (r.phase === "always" && root.type.dtype === "f32" && floats.length > 0) {
    it("keeps the derivative", () => {
      const all = root.type.shape.map((_, a) => a);
      const loss = b.reduce("sum", b.mul(root, b.sin(root)), all);
      const forms = Object.fromEntries(floats.map((x, i) => [`d${i}`, b.make("derive", { kind: "grad" }, [loss, x])]));
      const before = graphWith(b, forms);
      const inputs = draw(before, 3);
      const expected = run(differentiate.run(before), inputs);
      const got = run(differentiate.run(rewriteGraph(before, { rules: [r] }).graph), inputs);
      for (const key of Object.keys(forms)) agree(got[key]?.data, expected[key]?.data, 1e-9);
    });
  }

  it("has an equation and an own name", () => {
    expect(r.doc.length).toBeGreaterThan(5);
    expect(table.filter((s) => s.name === name).length).toBe(1);
  });
});

describe("the driver", () => {
  it("leaves a rule out that is off, and counts those that fire", () => {
    const b = new Builder();
    const x = leaf(b, "x", [3]);
    const graph = graphWith(b, { y: b.add(b.mul(x, b.like(x, 1)), b.like(x, 0)) });
    expect(printGraph(rewriteGraph(graph).graph)).toBe(printGraph(graphWith(b, { y: x })));
    const { graph: kept, ledger } = rewriteGraph(graph, { off: new Set(["mul-one"]) });
    expect(printGraph(kept)).toBe(printGraph(graphWith(b, { y: b.mul(x, b.like(x, 1)) })));
    expect([...ledger.hits]).toEqual([["add-zero", 1]]);
    expect([...ledger.replaced.values()].map((r) => r.rule)).toEqual(["add-zero"]);
  });

  it("notices rules that never end, and names the last", () => {
    const back = rule({ name: "back", doc: "x + y = y + x", ops: ["add"], apply: (n, e) => e.add(n.inputs[1] as typeof n, n.inputs[0] as typeof n), example: (e) => e.scalar(0) });
    const b = new Builder();
    const graph = graphWith(b, { y: b.add(leaf(b, "x", [3]), leaf(b, "y", [3])) });
    expect(() => rewriteGraph(graph, { rules: [back] })).toThrow(InternalError);
    expect(() => rewriteGraph(graph, { rules: [back] })).toThrow(/the last were .*back at add/);
  });

  it("refuses a rule that changes a type", () => {
    const wrong = rule({ name: "wrong", doc: "exp(x) = Σ x", ops: ["exp"], apply: (n, e) => e.reduce("sum", n.inputs[0] as typeof n, [0]), example: (e) => e.scalar(0) });
    const b = new Builder();
    expect(() => rewriteGraph(graphWith(b, { y: b.exp(leaf(b, "x", [3])) }), { rules: [wrong] })).toThrow(/wrong turned exp/);
  });

  it("walks a chain of 100,000 nodes", () => {
    const b = new Builder();
    let y = leaf(b, "x", []);
    for (let i = 0; i < 50_000; i++) y = b.neg(b.sin(y));
    expect(topological(rewriteGraph(graphWith(b, { y })).graph.outputs.map((o) => o.node)).length).toBeGreaterThan(50_000);
  });

  it("is deterministic, and idempotent", () => {
    for (const r of table) {
      const [p, q] = [new Builder(), new Builder()];
      const once = rewriteGraph(graphWith(p, { y: r.example(p) })).graph;
      expect(printGraph(rewriteGraph(graphWith(q, { y: r.example(q) })).graph)).toBe(printGraph(once));
      expect(printGraph(rewriteGraph(once).graph)).toBe(printGraph(once));
    }
  });

  it("keeps values when the table is shuffled", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...table], { minLength: table.length }), fc.nat({ max: table.length - 1 }), (rules, at) => {
        const b = new Builder();
        const graph = graphWith(b, { y: (table[at] as (typeof table)[number]).example(b) });
        const inputs = draw(graph, at);
        agree(run(rewriteGraph(graph, { rules }).graph, inputs)["y"]?.data, run(graph, inputs)["y"]?.data, 1e-9);
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});
