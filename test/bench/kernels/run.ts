/**
 * `npm run bench:kernels`: what kernels reach on the adapter at hand, first those that measure its limits, then those that the
 * compiler makes. Goes out: a table, and `bench-results/kernels.json`.
 *
 *     npm run bench:kernels -- softmax 512
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { adapterMemory, openDevice } from "../../../src/harness/node/index.ts";
import { markdownTable, textTable, withSection } from "../tables.ts";
import { Clock, type Time } from "./clock.ts";
import { type Limits, measureLimits } from "./limits.ts";
import { measureKernel, type MeasuredKernel } from "./measure-kernel.ts";
import { kernelPrograms } from "./programs.ts";

const help = `npm run bench:kernels -- [word …] [options]

Measures the kernels whose names hold one of the words (default: all; the largest on a GPU alone): ${kernelPrograms.map((k) => k.name).join("; ")}
  --kernels <class>  gpu or software: what kernels are made for (default: what the adapter is)
  --tune             measure each with the kernels that a tuner finds on this device, too
  --seconds <n>      begin no other kernel after so many; on a GPU what goals are about comes first
  --json             print the results as JSON
  --markdown         print the tables as Markdown
  --document <file>  write the tables into a Markdown file, between <!-- kernels --> and <!-- /kernels -->
  -o, --output <file>  where the JSON goes (default: bench-results/kernels.json)
`;

interface Results {
  readonly date: string;
  readonly adapter: string;
  readonly timestamps: boolean;
  readonly load: number;
  readonly limits: Limits;
  readonly kernels: readonly MeasuredKernel[];
  /** What there was no time for. */
  readonly leftOut: readonly string[];
}

/**
 * What bounds a kernel, and what part of that bound it reaches: the time of its operations or bytes at the limit, by its own; on a
 * processor that plays GPU, processor time by processor time.
 */
function bound(kernel: MeasuredKernel, time: Time, limits: Limits, timestamps: boolean): { readonly by: string; readonly part: number } {
  const [{ gflops, readGBs, streamGBs }, ms] = timestamps ? [limits.rates, time.ms] : [limits.perProcessor, time.processorMs];
  const arithmetic = (kernel.flops ?? 0) / gflops / 1e6;
  // On a GPU the device's own copy is the measure of its memory; on the processor it is none for kernels.
  const storage = kernel.bytes / Math.max(readGBs, streamGBs, timestamps ? limits.copyGBs : 0) / 1e6;
  return arithmetic > storage ? { by: "arithmetic", part: arithmetic / ms } : { by: "storage", part: storage / ms };
}

function rateOf({ flops, bytes }: MeasuredKernel, { ms }: Time): string {
  return flops === undefined ? `${(bytes / ms / 1e6).toFixed(2)} GB/s` : `${(flops / ms / 1e6).toFixed(2)} GFLOP/s`;
}

/** A kernel in a row of the table. */
function row(k: MeasuredKernel, limits: Limits, timestamps: boolean): readonly string[] {
  const reaches = (time: Time): string => {
    const { by, part } = bound(k, time, limits, timestamps);
    return `${(100 * part).toFixed(0)}% of ${by}`;
  };
  const tuned = k.tuned ? [k.tuned.ms.toPrecision(3), rateOf(k, k.tuned), reaches(k.tuned), k.tuned.families.join(", ")] : [];
  return [k.name, String(k.dispatches), k.ms.toPrecision(3), k.best.toPrecision(3), k.processorMs.toPrecision(3), k.byHand === undefined ? "" : String(k.byHand), rateOf(k, k), reaches(k), ...(k.tuned ? [k.families.join(", ")] : []), ...tuned];
}

function tables({ date, adapter, timestamps, load, limits, kernels, leftOut }: Results, markdown: boolean): string {
  const print = markdown ? markdownTable : textTable;
  const tunes = kernels.some((k) => k.tuned);
  const limit = [
    ["arithmetic in registers", `${limits.rates.gflops.toFixed(1)} GFLOP/s`],
    ["reading storage", `${limits.rates.readGBs.toFixed(2)} GB/s`],
    ["a + b", `${limits.rates.streamGBs.toFixed(2)} GB/s`],
    ["copyBufferToBuffer, read and written", `${limits.copyGBs.toFixed(1)} GB/s`],
    ["one more dispatch", `${limits.dispatchUs.toFixed(1)} us`],
    ["submit and wait", `${limits.submitUs.toFixed(0)} us`],
  ];
  return [
    `${adapter}, ${os.cpus().length} cores, Node ${process.versions.node}, ${date.slice(0, 10)}; times by ${timestamps ? "the device's timestamps" : "the clock"}; load ${load.toFixed(1)}\n`,
    print(["limit", "measured"], limit),
    print(["kernel", "dispatches", "ms", "best", "processor ms", "by hand", "rate", "of the limit", ...(tunes ? ["kernels", "tuned ms", "tuned rate", "of the limit, tuned", "kernels, tuned"] : [])], kernels.map((k) => row(k, limits, timestamps))),
    ...(leftOut.length > 0 ? [`left out, for want of time: ${leftOut.join("; ")}\n`] : []),
  ].join("\n");
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" }, markdown: { type: "boolean" }, output: { type: "string", short: "o" }, document: { type: "string" }, help: { type: "boolean", short: "h" },
      tune: { type: "boolean" }, seconds: { type: "string" }, kernels: { type: "string" },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const chosen = kernelPrograms.filter((k) => positionals.length === 0 || positionals.some((word) => k.name.includes(word)));
  if (chosen.length === 0) throw new Error(`no kernel's name holds ${positionals.join(" or ")}`);
  const seconds = values.seconds === undefined ? Infinity : Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds takes a number above 0, not ${values.seconds}`);
  if (values.kernels !== undefined && values.kernels !== "gpu" && values.kernels !== "software") throw new Error(`--kernels takes gpu or software, not ${values.kernels}`);
  const started = performance.now();
  const { adapter, device, info, close } = await open();
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  process.stderr.write(`${info.name} (${info.description}); ${device.limits.maxComputeWorkgroupStorageSize} bytes of workgroup memory, subgroups of ${subgroupMinSize} to ${subgroupMaxSize}, ${[...device.features].sort().join(", ")}\n`);
  // The clock of a processor that plays GPU is the host's own.
  const clock = new Clock(device);
  const limits = await measureLimits(clock, info.software);
  process.stderr.write(`${limits.rates.gflops.toFixed(0)} GFLOP/s, ${limits.rates.streamGBs.toFixed(1)} GB/s by a + b, ${limits.copyGBs.toFixed(1)} GB/s by copies\n`);
  const kernels: MeasuredKernel[] = [];
  const leftOut: string[] = [];
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  if (values.output === undefined) mkdirSync(`${root}bench-results`, { recursive: true });
  const keep = (): Results => {
    const all = { date: new Date().toISOString(), adapter: info.name, timestamps: clock.timestamps, load: os.loadavg()[0] ?? 0, limits, kernels, leftOut };
    writeFileSync(values.output ?? `${root}bench-results/kernels.json`, `${JSON.stringify(all, null, 1)}\n`);
    return all;
  };
  // What goals are about comes first on a GPU: time may run out.
  const inOrder = info.software ? chosen.filter((k) => !k.large) : [...chosen.filter((k) => k.goal), ...chosen.filter((k) => !k.goal)];
  for (const kernel of inOrder) {
    if (performance.now() - started > 1000 * seconds) {
      leftOut.push(kernel.name);
      continue;
    }
    const measured = await measureKernel(clock, kernel, values.kernels === undefined ? info.software : values.kernels === "software", values.tune === true);
    kernels.push(measured);
    // After each, so that an interrupted run leaves what it has.
    keep();
    process.stderr.write(`${row(measured, limits, clock.timestamps).filter((_, column) => column !== 5).join(" | ")}\n`);
  }
  const all = keep();
  close();
  if (values.document !== undefined) writeFileSync(values.document, withSection(readFileSync(values.document, "utf8"), "kernels", tables(all, true)));
  process.stdout.write(values.json ? `${JSON.stringify(all, null, 1)}\n` : tables(all, values.markdown === true));
}

/** A device with timestamps where they are its own. */
async function open(): ReturnType<typeof openDevice> {
  const plain = await openDevice({ limits: adapterMemory });
  if (plain.info.software) return plain;
  plain.close();
  return openDevice({ limits: adapterMemory, optionalFeatures: ["timestamp-query"], exactTimestamps: true });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
