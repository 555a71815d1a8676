/**
 * Golden folders: one small program each, one file per stage, reviewed as text. `expect.txt` holds structure lines,
 * written by hand, that must hold whatever the text says:
 *
 *     step kernels <= 12
 *     step peak_bytes <= 4096
 *     step contract == 5          nodes of an operation in the simplified graph
 *
 * `npx vitest run --config test/vitest.config.ts test/golden -u` renews the texts; never the structure lines.
 */
import { largestBatch } from "../../src/check/train-facts.ts";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import type { LoweredEntry } from "../../src/harness/lowered-entry.ts";
import type { EntryName } from "../../src/graph/build.ts";
import { printGraph } from "../../src/graph/print-graph.ts";
import { topological } from "../../src/graph/walk.ts";
import type { Graph } from "../../src/ir/node.ts";
import { printPlan } from "../../src/memory/print-plan.ts";
import { printSchedule } from "../../src/schedule/print-schedule.ts";
import type { Trace } from "../../src/support/trace.ts";

const root = fileURLToPath(new URL(".", import.meta.url));
const folders = readdirSync(root, { withFileTypes: true }).filter((d) => d.isDirectory() && existsSync(`${root}${d.name}/source.dl`)).map((d) => d.name).sort();

/** The graph passes whose results are kept as files, of the entry that trains (or evaluates). */
const graphPasses = ["build", "normalise", "differentiate", "simplify"] as const;

function compiled(folder: string, trace?: Trace): CompiledProgram {
  const source = { path: "source.dl", text: readFileSync(`${root}${folder}/source.dl`, "utf8") };
  const { diagnostics, programs } = compile(source, trace ? { trace } : {});
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  const [program] = programs;
  if (!program) throw new Error("no program");
  return program;
}

function lowered(program: CompiledProgram, entry: EntryName): LoweredEntry {
  const batch = program.info.batch;
  const size = largestBatch(program.train) ?? 4;
  return program.lower(entry, { capacity: batch === undefined ? {} : { [batch]: size }, profile: profiles.software });
}

const mainEntry = (program: CompiledProgram): EntryName => (program.entries.includes("step") ? "step" : "evaluate");

describe.each(folders)("golden %s", (folder) => {
  it("has the same text after each stage", async () => {
    const graphs = new Map<string, Graph>();
    const trace: Trace = { verify: true, after: (pass, entry, value) => graphs.set(`${pass} ${entry}`, value as Graph) };
    const program = compiled(folder, trace);
    const entry = mainEntry(program);
    for (const [k, pass] of graphPasses.entries()) {
      const graph = graphs.get(`${pass} ${entry}`);
      expect(graph, pass).toBeDefined();
      if (graph) await expect(printGraph(graph)).toMatchFileSnapshot(`${folder}/${k + 1}-${pass}.txt`);
    }
    const code = lowered(program, entry);
    await expect(printSchedule(code.schedule)).toMatchFileSnapshot(`${folder}/5-schedule.txt`);
    await expect(printPlan(code.memory)).toMatchFileSnapshot(`${folder}/6-plan.txt`);
    await expect(code.texts.map((t) => `// ${t.name}: ${t.access.join(", ")}\n${t.wgsl}`).join("\n")).toMatchFileSnapshot(`${folder}/7-kernels.wgsl`);
  });

  it("keeps its structure", () => {
    const file = `${root}${folder}/expect.txt`;
    expect(existsSync(file), "every golden folder states structure lines").toBe(true);
    const program = compiled(folder);
    const lines = readFileSync(file, "utf8").split("\n").filter((l) => l.trim() !== "" && !l.startsWith("#"));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const [, entry = "", what = "", relation = "", bound = ""] = /^(\S+) (\S+) (<=|==) (\d+)$/.exec(line) ?? [];
      expect(entry, `a structure line: ${line}`).not.toBe("");
      const measured = measure(program, entry as EntryName, what);
      const holds = relation === "==" ? measured === Number(bound) : measured <= Number(bound);
      expect(holds, `${line} (measured ${measured})`).toBe(true);
    }
  });

  it("compiles to the same bytes twice", () => {
    const [a, b] = [compiled(folder), compiled(folder)].map((p) => JSON.stringify(lowered(p, mainEntry(p)).plan) + JSON.stringify(lowered(p, mainEntry(p)).texts));
    expect(a).toBe(b);
  });
});

function measure(program: CompiledProgram, entry: EntryName, what: string): number {
  const code = lowered(program, entry);
  if (what === "kernels") return code.plan.block.length;
  if (what === "texts") return code.texts.length;
  if (what === "peak_bytes") return code.plan.peak.bytes;
  const graph = program.graph(entry);
  const nodes = topological([...graph.outputs.map((o) => o.node), ...graph.commits.map((c) => c.node)]);
  return what === "nodes" ? nodes.length : nodes.filter((n) => n.op === what).length;
}
