/** Every entry of every example: its schedule computes what its graph says, in a batch below the capacity. */
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, type CompiledProgram } from "../../src/compile.ts";
import { independentRuns } from "../../src/schedule/independent-runs.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { type AgreeOptions, expectAgreement, profile } from "./agree.ts";

const folder = new URL("../../examples/", import.meta.url);
/** A large image is as good small. */
const smaller: Readonly<Record<string, Record<string, number>>> = { "edges.dl": { height: 9, width: 11 } };
const compiled = (file: string) => compile({ path: `examples/${file}`, text: readFileSync(new URL(file, folder), "utf8") }, { set: smaller[file] ?? {} }).programs;

const rangesOf = (program: CompiledProgram): NonNullable<AgreeOptions["ranges"]> => Object.fromEntries(program.info.inputs.flatMap((i) => (i.range ? [[i.name, i.range]] : [])));

describe("the examples", () => {
  for (const file of readdirSync(folder).filter((f) => f.endsWith(".dl")))
    it(`${file}: every entry`, () => {
      const programs = compiled(file);
      expect(programs.length).toBeGreaterThan(0);
      for (const program of programs)
        for (const entry of program.entries) expectAgreement(program.graph(entry), { sizes: { N: 3 }, capacity: { N: 4 }, tolerance: 1e-6, ranges: rangesOf(program) });
    });

  it("take few steps that must wait for each other", () => {
    const runs = (file: string, N: number): number | undefined => {
      const [program] = compiled(file);
      return program && independentRuns(schedule(program.graph("step"), { capacity: { N }, profile })).length;
    };
    expect(runs("xor.dl", 4)).toBeLessThanOrEqual(8);
    expect(runs("digits.dl", 64)).toBeLessThanOrEqual(12);
  });
});
