/** Rules are tried only where the ops of the inputs let them fit: that hides none that would have fired. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/check.ts";
import { trainedModels } from "../../src/check/checked.ts";
import { differentiate } from "../../src/grad/differentiate.ts";
import { build, entryNames } from "../../src/graph/build.ts";
import { Builder } from "../../src/graph/builder.ts";
import type { Graph } from "../../src/ir/node.ts";
import { rewriteGraph } from "../../src/simplify/rewrite-graph.ts";
import { RuleIndex } from "../../src/simplify/rule-index.ts";
import type { Rule } from "../../src/simplify/rule.ts";
import { table } from "../../src/simplify/table.ts";
import { Diagnostics } from "../../src/support/diagnostic.ts";
import { parse } from "../../src/syntax/parse.ts";
import { fuzzGraph } from "../fuzz/fuzz-graph.ts";
import { recipes as programs } from "../fuzz/recipe.ts";
import { graphOf, recipes } from "../graphs/random-graph.ts";
import { graphWith, leaf } from "../graphs/values.ts";

const fired = new Set<string>();

/** The table, each rule tried at every node of its ops, and wrong where it fires against its own word. */
const everywhere: readonly Rule[] = table.map((r) => ({
  ...r,
  over: () => true,
  apply: (node, e) => {
    const by = r.apply(node, e);
    if (!by || by === node) return by;
    fired.add(r.name);
    if (!r.over(node.inputs.map((x) => x.op), node.op)) throw new Error(`${r.name} fires at ${node.op}(${node.inputs.map((x) => x.op).join(", ")}) and says that it does not`);
    return by;
  },
}));

/** Before derivatives and after. */
function tryEverywhere(graph: Graph): void {
  const normal = rewriteGraph(graph, { rules: everywhere, phase: "always" }).graph;
  rewriteGraph(differentiate.run(normal), { rules: everywhere });
  rewriteGraph(graph, { rules: everywhere, phase: "always" });
}

describe("what a rule says of its inputs", () => {
  it("holds on all examples of rules, each brought to its end", () => {
    for (const r of table) {
      const b = new Builder();
      rewriteGraph(graphWith(b, { y: r.example(b) }), { rules: everywhere });
    }
    expect(fired.size).toBeGreaterThan(0.9 * table.length);
  });

  it("holds on random graphs", () => {
    fc.assert(fc.property(recipes(14), (recipe) => tryEverywhere(graphOf(recipe))), { numRuns: 200, seed: 7 });
    fc.assert(fc.property(programs(10), (recipe) => tryEverywhere(fuzzGraph(recipe))), { numRuns: 60, seed: 8 });
  });

  it("holds on programs", () => {
    const folder = new URL("../../examples/", import.meta.url);
    for (const name of readdirSync(folder).filter((f) => f.endsWith(".dl"))) {
      const diagnostics = new Diagnostics();
      const checked = check(parse({ path: name, text: readFileSync(new URL(name, folder), "utf8") }, diagnostics), {}, diagnostics);
      const [[model, train] = []] = checked ? trainedModels(checked) : [];
      if (!checked || !model) throw new Error(`${name} does not check`);
      const entry = entryNames(model, train).find((e) => e.startsWith("step")) ?? "evaluate";
      tryEverywhere(build(checked, { entry, model: model.name, ...(train && { train: train.name }) }));
    }
  });
});

describe("the rules that may fit a node", () => {
  it("are those of its op whose word holds, in the order of the table", () => {
    const [b, index] = [new Builder(), new RuleIndex(table)];
    const x = leaf(b, "x", [3]);
    const nodes = [b.exp(x), b.mul(x, b.like(x, 2)), b.mul(b.like(x, 2), x), b.add(x, b.neg(x)), b.select(b.compare(">", x, b.like(x, 0)), x, b.exp(x)), b.concat([x, x, x, x, x], 0)];
    for (const node of [...nodes, ...nodes]) {
      const ops = node.inputs.map((y) => y.op);
      expect(index.of(node).map((r) => r.name)).toEqual(table.filter((r) => r.ops.includes(node.op) && r.over(ops, node.op)).map((r) => r.name));
    }
    expect(index.of(b.mul(x, b.exp(x))).length).toBeLessThan(table.filter((r) => r.ops.includes("mul")).length);
  });
});
