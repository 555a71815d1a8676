/**
 * A workload by PyTorch, in a process of its own: peers/pytorch.py makes the same program, weights and batches. Comes in: an interpreter
 * that has `torch`, a workload. Goes out: what it measured, or why there is nothing. It has no WebGPU, so nothing of it is counted.
 *
 *     byPyTorch("python3", "mlp", 7)     ->     { name: "pytorch", version: "2.13.0 on CPU, 2 threads", stepMs: 7.5, losses: { … } }
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import type { Measured } from "./interleave.ts";
import type { WorkloadName } from "./workloads.ts";

const script = fileURLToPath(new URL("peers/pytorch.py", import.meta.url));

/** The form of the script's results. */
interface Written {
  readonly adapter: string;
  readonly workloads: readonly { readonly measured: readonly Measured[] }[];
}

export function byPyTorch(python: string, workload: WorkloadName, rounds: number): Measured {
  const folder = mkdtempSync(path.join(os.tmpdir(), "nabla-pytorch-"));
  try {
    const output = path.join(folder, "steps.json");
    const { status, stderr, error } = spawnSync(python, [script, workload, "--rounds", String(rounds), "-o", output], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    if (error || status !== 0) throw error ?? new Error(stderr.trim().split("\n").at(-1) ?? `it ended with ${status}`);
    const { adapter, workloads } = JSON.parse(readFileSync(output, "utf8")) as Written;
    const [measured] = workloads[0]?.measured ?? [];
    if (!measured) throw new Error("it wrote no result");
    return { ...measured, version: `${measured.version} on ${adapter}` };
  } catch (error) {
    return { name: "pytorch", version: "", losses: {}, error: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
