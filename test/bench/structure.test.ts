/**
 * What a training step of each of the benchmark's programs is made of, for both profiles: a line in structure.txt that a review
 * sees when it changes.
 *
 *     spiral, software: 9 dispatches, 9 kernel texts, 34 buffers
 *
 * `npx vitest run --config test/vitest.config.ts test/bench -u` renews the text.
 */
import { expect, test } from "vitest";
import { profiles } from "../../kernels/profiles.ts";
import { largestBatch } from "../../src/check/train-facts.ts";
import { compile } from "../../src/compile.ts";
import type { Block } from "../../src/harness/runtime/program.ts";
import { slabNames } from "../../src/memory/placement.ts";
import { programText, type WorkloadName, workloadNames } from "./workloads.ts";

/** The lines of one program. */
function structureOf(name: WorkloadName): string {
  const [program] = compile({ path: `${name}.dl`, text: programText(name) }).programs;
  if (!program) throw new Error(`${name} does not compile`);
  const capacity = { [program.info.batch ?? "N"]: largestBatch(program.train) ?? 1 };
  // As SwiftShader is: four invocations in step.
  return [{ ...profiles.software, subgroup: 4 }, profiles.gpu]
    .map((profile) => {
      const { plan, memory, texts, kernels } = program.lower("step", { capacity, profile });
      const buffers = new Set(kernels.flatMap((k) => k.buffers));
      const { bytes, lowerBound } = plan.peak;
      return [
        `${name}, ${profile.name}: ${dispatches(plan.block)} dispatches, ${texts.length} kernel texts, ${buffers.size} buffers`,
        `  slabs: ${slabNames.map((slab) => `${slab} ${memory.slabs[slab]}`).join(", ")}`,
        `  temps: ${bytes} bytes at their peak, ${lowerBound} at the least (${(bytes / Math.max(1, lowerBound)).toFixed(2)})\n`,
      ].join("\n");
    })
    .join("");
}

const dispatches = (block: Block): number => block.reduce((n, item) => n + (item.kind === "repeat" ? item.times * dispatches(item.block) : item.kind === "dispatch" ? 1 : 0), 0);

test("the structure of the benchmark's steps", async () => {
  await expect(workloadNames.map(structureOf).join("\n")).toMatchFileSnapshot("structure.txt");
}, 600_000);
