/**
 * `npm run bench`: Nabla, TensorFlow.js and jax-js train the same programs from the same weights on the same batches, on the same
 * adapter, in turns. Goes out: a table, and `bench-results/steps.json`.
 *
 *     npm run bench -- mlp cnn --rounds 5
 */
import { fork } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { byPyTorch } from "./by-pytorch.ts";
import { type ContenderName, contenderNames } from "./contender.ts";
import { installPeers } from "./install-peers.ts";
import type { Effort } from "./interleave.ts";
import type { Answer, Request } from "./one-workload.ts";
import { plainJavaScript } from "./plain-javascript.ts";
import { type Results, tables, withSection, type WorkloadResult } from "./tables.ts";
import { type WorkloadName, workloadNames } from "./workloads.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    patience: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean" },
    tune: { type: "boolean" },
    rest: { type: "boolean" },
    pytorch: { type: "string" },
    json: { type: "boolean" },
    markdown: { type: "boolean" },
    output: { type: "string", short: "o" },
    document: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

const help = `npm run bench -- [workload …] [options]

workloads: ${workloadNames.join(", ")} (default: all)
  --only <names>     who is measured: ${contenderNames.join(", ")} (with commas between)
  --rounds <n>       timed blocks of each contender (default: 7)
  --patience <s>     seconds a slow contender may take in each of the two parts of a workload (default: 20)
  --quick            2 rounds, a few seconds of patience
  --tune             Nabla with the kernels that its tuner finds on this device; its first step then takes what that takes, too
  --rest             wait for the peers' devices as for Nabla's, without polling them
  --pytorch <python> measure PyTorch too, by an interpreter that has it
  --json             print the results as JSON
  --markdown         print the tables as Markdown
  --document <file>  write the tables into a Markdown file, between <!-- steps --> and <!-- /steps -->
  -o, --output <file>  where the JSON goes (default: bench-results/steps.json)
`;

/** The names of a list, or an error that says which there are. */
function known<T extends string>(given: readonly string[], all: readonly T[], what: string): readonly T[] {
  const strange = given.find((name) => !all.some((n) => n === name));
  if (strange !== undefined) throw new Error(`there is no ${what} ${strange}; there are ${all.join(", ")}`);
  return given.length === 0 ? all : all.filter((name) => given.includes(name));
}

function positive(given: string | undefined, what: string): number | undefined {
  if (given === undefined || Number(given) > 0) return given === undefined ? undefined : Number(given);
  throw new Error(`--${what} takes a number above 0, not ${given}`);
}

/** The program of one workload, as plain JavaScript. */
async function programOfOne(): Promise<string> {
  const program = fileURLToPath(import.meta.url.replace(/run(?=\.[jt]s$)/, "one-workload"));
  if (program.endsWith(".js")) return program;
  const plain = `${root}bench-results/one-workload.mjs`;
  await plainJavaScript(program, plain);
  return plain;
}

/** Runs a workload in a process of its own. */
function measure(program: string, request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    const child = fork(program, [JSON.stringify(request)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    child.on("message", (message) => {
      answer = message as Answer;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => (answer ? resolve(answer) : reject(new Error(`${request.workload} ended without a result (${signal ?? code})`))));
  });
}

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(help);
  const workloads: readonly WorkloadName[] = known(positionals, workloadNames, "workload");
  const wanted: readonly ContenderName[] = known(values.only?.split(",") ?? [], contenderNames, "contender");
  const contenders = wanted.some((name) => name !== "nabla") && !installPeers() ? wanted.filter((name) => name === "nabla") : wanted;
  const effort: Effort = {
    rounds: positive(values.rounds, "rounds") ?? (values.quick ? 2 : 7),
    blockMs: values.quick ? 100 : 600,
    patienceMs: 1000 * (positive(values.patience, "patience") ?? (values.quick ? 3 : 20)),
  };
  const file = values.output ?? `${root}bench-results/steps.json`;
  mkdirSync(`${root}bench-results`, { recursive: true });
  const program = await programOfOne();
  const results: WorkloadResult[] = [];
  const soFar = (adapter: string): Results => ({
    date: new Date().toISOString(), adapter, node: process.version, processor: os.cpus()[0]?.model ?? "", cores: os.cpus().length, effort, workloads: results,
  });
  let all = soFar("");
  for (const workload of workloads) {
    const started = performance.now();
    const load = os.loadavg()[0] ?? 0;
    const failed = (error: Error): Answer => ({ adapter: all.adapter, software: false, measured: contenders.map((name) => ({ name, version: "", losses: {}, error: error.message })) });
    const answer = await measure(program, { workload, contenders, effort, rest: values.rest === true, tune: values.tune === true }).catch(failed);
    const beside = values.pytorch === undefined ? [] : [byPyTorch(values.pytorch, workload, effort.rounds)];
    results.push({ workload, load, measured: [...answer.measured, ...beside] });
    process.stderr.write(`${workload}: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
    // After each, so that an interrupted run leaves what it has.
    all = soFar(answer.adapter);
    writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`);
  }
  if (values.document !== undefined) writeFileSync(values.document, withSection(readFileSync(values.document, "utf8"), "steps", tables(all, true)));
  process.stdout.write(values.json ? `${JSON.stringify(all, null, 1)}\n` : tables(all, values.markdown === true));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
