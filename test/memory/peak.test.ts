/** Planned memory against the least that liveness allows for the order of the kernels, for every example and workload. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { targetOf } from "../../src/cli/target.ts";
import { compile } from "../../src/compile.ts";
import { isStep } from "../../src/graph/build.ts";
import type { Source } from "../../src/support/span.ts";

const folders = ["../../examples/", "../bench/workloads/"].map((folder) => new URL(folder, import.meta.url));
const files = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(".dl")).map((name) => new URL(name, folder)));
const read = (file: URL, path: string): Source => ({ path, text: readFileSync(file, "utf8") });

test.each(files.map((file) => [file.pathname.split("/").at(-1) ?? "", file] as const))("%s", (name, file) => {
  const { programs } = compile(read(file, name), { use: (path) => read(new URL(path, file), path) });
  for (const program of programs)
    for (const entry of program.entries.filter((e) => isStep(e) || e === "gradients")) {
      const { bytes, lowerBound } = program.lower(entry, targetOf(program, true)).plan.peak;
      // What is small lies in pieces of 256 bytes, wherever it lies.
      expect(bytes, entry).toBeLessThanOrEqual(Math.max(1.2 * lowerBound, lowerBound + 4096));
    }
});
