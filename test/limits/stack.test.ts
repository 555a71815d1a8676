/** The deepest programs with less stack than a browser gives: a thread of a browser has about 1 MB, and node by default. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

test("programs as deep as they may be need no more than 700 KB", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--stack-size=700", "--import", tsx, fileURLToPath(new URL("deepest.ts", import.meta.url))], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.trim().split("\n")).toEqual([
    "parentheses: 1 program", "calls: 1 program", "library calls: 1 program", "products: 1 program", "too deep: E0006", "functions: 1 program", "blocks: 1 program",
    "too many functions: E0110", "deep bodies: E0110", "cases: 1 program", "equations: 1 program", "sums: 1 program", "folds: 1 program", "loops: 1 program",
  ]);
}, 120_000);
