/** Random graphs over a batch, gradients among them: run over some examples at a time they give what they give at once, in f64. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { differentiate } from "../../src/grad/differentiate.ts";
import { evaluate } from "../../src/graph/eval-graph.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { splitByExample } from "../../src/graph/split-by-example.ts";
import { topological } from "../../src/graph/topological.ts";
import { verifyGraph } from "../../src/graph/verify-graph.ts";
import { rootsOf } from "../../src/graph/walk.ts";
import type { Call, Engine, Outputs } from "../../src/harness/runtime/engine.ts";
import { InParts } from "../../src/harness/runtime/in-parts.ts";
import type { InputInfo } from "../../src/harness/runtime/program.ts";
import type { Graph } from "../../src/ir/node.ts";
import { normalise } from "../../src/simplify/normalise.ts";
import { simplify } from "../../src/simplify/simplify.ts";
import { allowances } from "./check-case.ts";
import { fuzzGraph } from "./fuzz-graph.ts";
import { moderate } from "./leaves.ts";
import { evaluateNoisy } from "./noise.ts";
import { recipes, type Recipe } from "./recipe.ts";

interface Checked {
  readonly elements: number;
  readonly rows: number;
  readonly sums: number;
}

async function check(recipe: Recipe): Promise<Checked> {
  const made = simplify.run(differentiate.run(normalise.run(fuzzGraph(recipe))));
  const graph: Graph = { ...made, entry: "evaluate", commits: [] };
  const leaves = moderate(made, recipe);
  if (!leaves) return { elements: 0, rows: 0, sums: 0 };
  const { part, whole } = splitByExample(graph, "N");
  for (const half of [part, whole]) verifyGraph(half, { forms: false });
  const graphs: Readonly<Record<string, Graph>> = { evaluate: graph, "evaluate.part": part, "evaluate.whole": whole };
  const engine: Pick<Engine, "run"> = {
    run: async (entry: string, call: Call) => {
      const run = graphs[entry] as Graph;
      const found = evaluate(run, {
        ...leaves.around, sizes: call.live, example: call.example,
        input: (path, type) => ({ shape: type.shape.map((d) => (typeof d === "number" ? d : (call.live["N"] ?? 0))), data: Float64Array.from(call.inputs[path] ?? []) }),
      });
      const outputs: Record<string, Outputs[string]> = {};
      for (const { name, kind } of run.outputs) outputs[name] = { kind, ...(found.outputs.get(name) as { shape: number[]; data: Float64Array }) };
      return { read: async () => outputs };
    },
  };
  const inputs = topological(rootsOf(graph)).flatMap((n): InputInfo[] => (n.op === "leaf" && n.attrs.kind === "input" ? [{ name: n.attrs.path, role: "input", dtype: n.type.dtype, shape: n.type.shape }] : []));
  const most = 1 + (recipe.seed % Math.max(1, Math.min(recipe.live - 1, 40)));
  const found = await new InParts({ engine: engine as Engine, program: { inputs, batch: "N" }, most }).run("evaluate", leaves.call);
  const roots = rootsOf(graph);
  const truth = evaluateNoisy(roots, leaves.around, undefined);
  const allowed = allowances(graph, leaves.around, truth);
  let elements = 0;
  for (const [k, { name }] of graph.outputs.entries()) {
    const [wanted, value, room] = [truth[k]?.data ?? new Float64Array(), found[name]?.data, allowed[k] as Float64Array];
    if (value?.length !== wanted.length) throw new Error(`${name}: ${value?.length} numbers, not ${wanted.length}, ${most} of ${recipe.live} at a time\n${JSON.stringify(recipe)}\n${printGraph(graph)}`);
    wanted.forEach((w, i) => {
      // What a tie or a kink decides is left out.
      if (Number.isNaN(room[i]) || (room[i] ?? 0) > 1e-3) return;
      elements++;
      if (!(Math.abs((value[i] as number) - w) <= 1e-9 * Math.max(1, Math.abs(w)))) throw new Error(`${name}[${i}] is ${value[i]}, at once ${w}, ${most} of ${recipe.live} at a time\n${JSON.stringify(recipe)}\n${printGraph(graph)}\n${printGraph(part)}\n${printGraph(whole)}`);
    });
  }
  const count = (kind: string): number => part.outputs.filter((o) => o.kind === kind).length;
  return { elements, rows: count("rows"), sums: count("sum") };
}

it("200 random graphs in parts are what they are at once", { timeout: 240_000 }, async () => {
  const all = { elements: 0, rows: 0, sums: 0 };
  const overBatches = recipes(16).map((r): Recipe => ({ ...r, seed: r.seed | 1, capacity: Math.min(r.capacity, 65), live: Math.max(2, Math.min(r.live, 65)) }));
  await fc.assert(
    fc.asyncProperty(overBatches, async (recipe) => {
      const { elements, rows, sums } = await check(recipe);
      all.elements += elements;
      all.rows += rows;
      all.sums += sums;
    }),
    { numRuns: 200, seed: 23 },
  );
  expect(all.elements).toBeGreaterThan(20_000);
  expect(all.rows).toBeGreaterThan(30);
  expect(all.sums).toBeGreaterThan(60);
});
