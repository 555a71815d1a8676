/** Nabla as it is used: a `.dl` text, compiled; a session on a device; steps that are queued as training queues them. */
import { readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import { limitsOf, profileFor } from "../../src/harness/device-class.ts";
import type { AdapterInfo } from "../../src/harness/node/index.ts";
import type { Call, Values } from "../../src/harness/runtime/engine.ts";
import { tuneProgram } from "../../src/harness/tune-program.ts";
import { openSession } from "../../src/session.ts";
import type { Contender, Trainee } from "./contender.ts";
import { programText, type Batch, type Workload } from "./workloads.ts";

/** `tunes`: with the kernels that are the fastest on the device, not those of the cost model. */
export function nabla(device: GPUDevice, info: AdapterInfo, tunes = false): Contender {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return { name: "nabla", version, open: (workload) => open(device, info, workload, tunes) };
}

async function open(device: GPUDevice, info: AdapterInfo, workload: Workload, tunes: boolean): Promise<Trainee> {
  const parts: Record<string, number> = { compile: 0 };
  const timed = <T>(work: () => T): T => {
    const started = performance.now();
    const result = work();
    parts["compile"] = (parts["compile"] ?? 0) + performance.now() - started;
    return result;
  };
  const { programs, diagnostics } = timed(() => compile({ path: `${workload.name}.dl`, text: programText(workload.name) }));
  const [program] = programs;
  if (!program) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  const target = { device, clock: () => performance.now(), profile: profileFor({ device, software: info.software }), limits: limitsOf(device), examples: workload.batches()[0]?.x.shape[0] ?? 1 };
  const choices = tunes ? await tuneProgram(program, target) : undefined;
  // Device code is made when an entry first runs; it is part of the compile time.
  const lower = program.lower.bind(program);
  program.lower = (...args) => timed(() => lower(...args));
  // As training opens it: the kernels of the step are made while the initial values are.
  const session = await openSession(program, { device, software: info.software, prepare: ["step"], ...(choices && { choices }) });
  for (const [path, { data }] of workload.weights()) session.set(`${program.model.name}.${path}`, data);
  let t = 0;
  // `Session.step` reads each loss; this is the queue below it, which `Session.train` fills as well.
  const call = ({ x, y }: Batch): Call => {
    t++;
    const live = { [program.info.batch ?? "N"]: x.shape[0] ?? 1 };
    return { live, inputs: { x: x.data as Values, y: y.data as Values }, scalars: { hyper: program.info.hypers, step: { t, epoch: 1 } }, seed: 0, step: t, example: 0 };
  };
  return {
    parts,
    async step(batch) {
      const outcome = await session.engine.run("step", call(batch));
      return {
        async read() {
          const outputs = await outcome.read();
          const loss = outputs["loss"]?.data[0] ?? Number.NaN;
          if ((outputs["status"]?.data[0] ?? 0) !== 0) throw new Error(`${workload.name}: the loss or a gradient is not finite`);
          return loss;
        },
        drop: () => undefined,
      };
    },
    close: () => session.close(),
  };
}
