/**
 * Runs once before all tests. Says on which adapter the tests that run kernels will run, and stops the whole run where
 * there is none: they never skip. It also unpacks the software driver before many test processes would do so at once.
 * The adapter is asked for in a process of its own, so that this one never loads the GPU library.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Called by vitest. */
export function setup(): void {
  const probe = fileURLToPath(new URL("gpu-probe.ts", import.meta.url));
  const name = execFileSync(process.execPath, ["--import", "tsx", probe], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 60_000 });
  process.stderr.write(`kernels run on ${name}\n`);
}
