/** Every entry of every example: its schedule computes what its graph says, in a batch below the capacity. */
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { independentRuns } from "../../src/schedule/independent-runs.ts";
import { schedule } from "../../src/schedule/schedule.ts";
import { expectAgreement, profile } from "./agree.ts";

const folder = new URL("../../examples/", import.meta.url);
const compiled = (file: string) => compile({ path: `examples/${file}`, text: readFileSync(new URL(file, folder), "utf8") }).programs;

describe("the examples", () => {
  for (const file of readdirSync(folder).filter((f) => f.endsWith(".dl")))
    it(`${file}: every entry`, () => {
      const programs = compiled(file);
      expect(programs.length).toBeGreaterThan(0);
      for (const program of programs)
        for (const entry of program.entries) expectAgreement(program.graph(entry), { sizes: { N: 3 }, capacity: { N: 4 }, tolerance: 1e-6 });
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
