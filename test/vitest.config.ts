/**
 * How the tests run: two files at a time at least, since most of them keep one core busy; every file in a process of its own, so that
 * a crash inside the GPU library fails one file and not the run, and so that the software driver can be loaded in each (a worker
 * thread could not set its environment).
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Graphs live longer than the young generation of the default size holds: a larger one copies them less often.
    execArgv: ["--max-semi-space-size=64"],
    globalSetup: ["test/gpu-setup.ts"],
    // Most tests take milliseconds; the time is for a machine that does other things too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});
