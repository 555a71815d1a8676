/**
 * How the tests run: every file in a process of its own, so that a crash inside the GPU library fails one file and
 * not the run, and so that the software driver can be loaded in each (a worker thread could not set its environment).
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    globalSetup: ["test/gpu-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});
