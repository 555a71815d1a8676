import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, it } from "vitest";
import { compile } from "../../src/compile.ts";
import { openDevice } from "../../src/harness/node/index.ts";
import { openSession } from "../../src/session.ts";
import { byPyTorch } from "./by-pytorch.ts";
import { Counters } from "./counters.ts";
import { interleave, type Measured } from "./interleave.ts";
import { Clock } from "./kernels/clock.ts";
import { measureKernel } from "./kernels/measure-kernel.ts";
import { kernelPrograms } from "./kernels/programs.ts";
import { nabla } from "./nabla.ts";
import { differ, tables, withSection } from "./tables.ts";
import { programText, workloads } from "./workloads.ts";

it("the benchmark runs in a short form, and its losses are those of the f64 evaluator", async () => {
  const { device, info, close } = await openDevice();
  const counters = new Counters();
  const effort = { rounds: 2, blockMs: 1, patienceMs: 20_000 };
  const [measured] = await interleave(workloads.spiral, [nabla(device, info)], effort, counters);
  close();
  if (!measured?.perStep) throw new Error(measured?.error ?? "nothing was measured");
  expect(measured.stepMs).toBeGreaterThan(0);
  expect(measured.perStep.submits).toBe(1);
  expect(measured.perStep.dispatches).toBeGreaterThan(0);
  expect([measured.perStep.createdBuffers, measured.perStep.bindGroups, measured.perStep.pipelines], "a step makes nothing").toEqual([0, 0, 0]);
  expect(Object.keys(measured.losses)).toEqual(["0", "1", "11", "21"]);

  const [program] = compile({ path: "spiral.dl", text: programText("spiral") }).programs;
  if (!program) throw new Error("spiral does not compile");
  const session = await openSession(program, { backend: "f64" });
  for (const [path, { data }] of workloads.spiral.weights()) session.set(`Spiral.${path}`, data);
  const batches = workloads.spiral.batches();
  for (let step = 0; step <= 21; step++) {
    const batch = batches[step % batches.length];
    const { loss } = await session.step({ x: batch?.x.data ?? [], y: batch?.y.data ?? [] });
    const own = measured.losses[step];
    if (own !== undefined) expect(differ(loss, own), `the loss at step ${step}`).toBeLessThan(1e-5);
  }
  const all = { date: "2026-01-01T00:00", adapter: info.name, node: process.version, processor: "", cores: 1, effort, workloads: [{ workload: "spiral" as const, load: 0, measured: [measured] }] };
  expect(tables(all, true)).toMatch(/\| spiral \| nabla \|/);
});

it("every program of the kernel benchmark compiles, and one is measured", async () => {
  for (const { name, text } of kernelPrograms) expect(compile({ path: `${name}.dl`, text }).diagnostics.filter((d) => d.severity === "error"), name).toEqual([]);
  const kernel = kernelPrograms.find((k) => k.name.startsWith("sum of rows"));
  if (!kernel) throw new Error("no such kernel");
  for (const optionalFeatures of [[], ["timestamp-query"]] as const) {
    const { device, info, close } = await openDevice({ optionalFeatures, exactTimestamps: true });
    const clock = new Clock(device);
    expect(clock.timestamps).toBe(device.features.has("timestamp-query"));
    const { ms, dispatches } = await measureKernel(clock, kernel, info.software);
    close();
    expect(ms).toBeGreaterThan(0);
    expect(dispatches).toBe(1);
  }
  const { device, close } = await openDevice();
  const { families, tuned } = await measureKernel(new Clock(device), kernel, false, true);
  close();
  expect(families).toEqual(["reduce-workgroup"]);
  expect(tuned?.families.length).toBe(1);
  expect(tuned?.ms).toBeGreaterThan(0);
});

it("what PyTorch has measured stands beside the others, or why it has not", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "nabla-bench-"));
  const written = { adapter: "CPU, 2 threads", workloads: [{ measured: [{ name: "pytorch", version: "2.0", firstStepMs: 3, stepMs: 1, bestMs: 0.9, losses: { 0: 0.7 } }] }] };
  const python = path.join(folder, "python");
  writeFileSync(python, `#!/bin/sh\nfor last; do true; done\necho '${JSON.stringify(written)}' > "$last"\n`, { mode: 0o755 });
  const measured = [{ name: "nabla" as const, version: "0.1.0", stepMs: 0.5, losses: { 0: 0.7 } }, byPyTorch(python, "spiral", 2)];
  rmSync(folder, { recursive: true });
  const effort = { rounds: 2, blockMs: 1, patienceMs: 1 };
  const text = tables({ date: "2026-01-01T00:00", adapter: "A", node: "v20", processor: "", cores: 1, effort, workloads: [{ workload: "spiral", load: 0, measured }] }, true);
  expect(text).toContain("pytorch 2.0 on CPU, 2 threads");
  expect(text).toContain("| spiral | pytorch | 1 | 0.90 |  | 2.0 |");
  expect(text).toContain("pytorch agrees at 0");
  expect(byPyTorch(path.join(folder, "none"), "spiral", 2).error).toMatch(/ENOENT/);
});

it("tables say what was missed, what failed and whose losses are others", () => {
  const perStep = { dispatches: 9, submits: 1, passes: 1, writes: 3, copies: 1, createdBuffers: 0, createdBytes: 0, bindGroups: 0, pipelines: 0, pipelineMs: 0, liveBytes: 0 };
  const measured: readonly Measured[] = [
    { name: "nabla", version: "0.1.0", firstStepMs: 200, stepMs: 0.5, perStep, losses: { 0: 0.7, 1: 0.6 } },
    { name: "tensorflow.js", version: "4.22.0", firstStepMs: 900, stepMs: 40, perStep, losses: { 0: 0.7, 1: 0.6001 } },
    { name: "jax-js", version: "0.1.25", losses: {}, error: "no device\nat somewhere" },
  ];
  const effort = { rounds: 2, blockMs: 1, patienceMs: 1 };
  const text = tables({ date: "2026-01-01T00:00", adapter: "A", node: "v20", processor: "", cores: 1, effort, workloads: [{ workload: "spiral", load: 0, measured }] }, true);
  expect(text).toContain("| spiral | dispatches | at most 6 | 9 | missed |");
  expect(text).toContain("| spiral | times as fast as tensorflow.js | at least 9 | 80 | met |");
  expect(text).toContain("| spiral | jax-js | no device |");
  expect(text).toMatch(/tensorflow\.js DIFFERS at 1 \(0\.6001, 1\.7e-4\)/);
  expect(withSection("a <!-- s -->old<!-- /s --> b", "s", "new")).toBe("a <!-- s -->\n\nnew\n\n<!-- /s --> b");
  expect(() => withSection("a", "s", "new")).toThrow("there is no place for s");
});
